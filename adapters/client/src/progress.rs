use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Mutex, PoisonError};

use failback::Transport;
use failback_wire::ResponseHeaders;

/// How far a turn has come, for whoever holds its stream: the turn itself is where its adapter drives it.
#[derive(Debug, Default)]
pub struct Progress {
    /// Attempts begun, and in the lowest bit whether the last one is on SSE.
    packed: AtomicU32,
    /// Of the answer that this attempt has had.
    headers: Mutex<Option<ResponseHeaders>>,
}

impl Progress {
    /// How many attempts have begun.
    #[must_use]
    pub fn attempts(&self) -> u32 {
        self.packed.load(Ordering::Relaxed) >> 1
    }

    /// The transport of the attempt that began last. `None` before the first.
    #[must_use]
    pub fn transport(&self) -> Option<Transport> {
        match self.packed.load(Ordering::Relaxed) {
            0 => None,
            packed if packed & 1 == 1 => Some(Transport::Sse),
            _ => Some(Transport::WebSocket),
        }
    }

    /// The headers of the answer to the attempt that began last. `None` while it has no answer.
    #[must_use]
    pub fn response_headers(&self) -> Option<ResponseHeaders> {
        self.headers.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    pub(crate) fn answer(&self, headers: Option<ResponseHeaders>) {
        let mut kept = self.headers.lock().unwrap_or_else(PoisonError::into_inner);
        let former = std::mem::replace(&mut *kept, headers);
        drop(kept);
        // Dropped where nothing is locked.
        drop(former);
    }

    pub(crate) fn begin_attempt(&self, number: u32, transport: Transport) {
        self.packed.store((number << 1) | u32::from(transport == Transport::Sse), Ordering::Relaxed);
        self.answer(None);
    }
}
