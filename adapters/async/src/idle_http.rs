//! An HTTP connection that no turn uses. A task reads the rest of its last answer, so that the connection can
//! carry another request, and notices when the connection ends.

use std::future::poll_fn;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use failback::Timestamp;
use failback_client::common::{DRAIN_BYTES, DRAIN_TIME, HTTP_LIFE};
use hyper::body::Incoming;

use crate::Runtime;
use crate::http::HttpConn;
use crate::keeper::Keeper;
use crate::network::Network;
use crate::timer::Timer;

/// An HTTP connection that waits for a turn. Dropping it closes the connection.
///
/// As with an idle WebSocket, the connection lies in a slot. A task, the keeper of the connection, shares the
/// slot. The keeper ends when the connection is taken, has ended, or is too old.
pub(crate) struct IdleHttp {
    slot: Arc<Slot>,
}

struct Slot {
    /// When the last turn on the connection ended.
    used_at: Timestamp,
    waiting: Mutex<Option<Waiting>>,
    keeper: Keeper,
}

struct Waiting {
    /// What is left of the last answer. Dropped before the connection, so that the connection knows that
    /// nobody reads the rest.
    rest: Option<Incoming>,
    conn: HttpConn,
    /// How many bytes of the rest have come.
    read: usize,
}

impl IdleHttp {
    /// Keeps a connection, with what is left of its last answer. `None` if it is of no use.
    pub(crate) fn keep<R: Runtime>(conn: HttpConn, rest: Incoming, network: &Network<R>) -> Option<Self> {
        let mut waiting = Waiting { rest: Some(rest), conn, read: 0 };
        let keeper = Keeper::new();
        if waiting.poll_end(&mut Context::from_waker(keeper.waker())).is_ready() {
            return None;
        }
        let used_at = network.policy.now();
        let slot = Arc::new(Slot { used_at, waiting: Mutex::new(Some(waiting)), keeper });
        let kept = Arc::clone(&slot);
        let mut timer = Timer::new(network.runtime.clone(), network.policy.clone());
        network.runtime.spawn(async move { poll_fn(|cx| kept.poll(&mut timer, cx)).await });
        Some(Self { slot })
    }

    /// Whether too much time has passed since the last turn on the connection.
    pub(crate) fn is_old(&self, now: Timestamp) -> bool {
        self.slot.used_at.saturating_add(HTTP_LIFE) <= now
    }

    /// Takes the connection. `None` if it has ended, pending if the end of its last answer has not come.
    /// Never waits.
    pub(crate) fn take(&self) -> Poll<Option<HttpConn>> {
        let mut slot = self.slot.lock();
        let ended = match &mut *slot {
            Some(waiting) => waiting.poll_end(&mut Context::from_waker(self.slot.keeper.waker())).is_ready(),
            None => true,
        };
        if !ended && !slot.as_ref().is_some_and(Waiting::is_ready) {
            return Poll::Pending;
        }
        let taken = slot.take();
        drop(slot);
        self.slot.keeper.wake();
        Poll::Ready(taken.filter(|_| !ended).map(|waiting| waiting.conn))
    }
}

impl Drop for IdleHttp {
    fn drop(&mut self) {
        let unneeded = self.slot.lock().take();
        drop(unneeded);
        self.slot.keeper.wake();
    }
}

impl Slot {
    /// The keeper's work. Ready when there is nothing to keep any longer.
    fn poll<R: Runtime>(&self, timer: &mut Timer<R>, cx: &mut Context<'_>) -> Poll<()> {
        self.keeper.register(cx.waker());
        let mut slot = self.lock();
        if let Some(waiting) = &mut *slot {
            ready!(waiting.poll(self.used_at, timer, cx));
        }
        let ended = slot.take();
        drop(slot);
        drop(ended);
        Poll::Ready(())
    }

    fn lock(&self) -> MutexGuard<'_, Option<Waiting>> {
        // A thread that panicked cannot have left a change half made.
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Waiting {
    /// Whether another request can be sent.
    fn is_ready(&self) -> bool {
        self.rest.is_none() && self.conn.is_ready()
    }

    /// Ready when the connection is to be kept no longer.
    fn poll<R: Runtime>(
        &mut self,
        used_at: Timestamp,
        timer: &mut Timer<R>,
        cx: &mut Context<'_>,
    ) -> Poll<()> {
        while self.poll_end(cx).is_pending() {
            let time = if self.rest.is_some() { DRAIN_TIME } else { HTTP_LIFE };
            let until = used_at.saturating_add(time);
            if until <= timer.now() {
                break;
            }
            ready!(timer.poll_until(until, cx));
        }
        Poll::Ready(())
    }

    /// Reads what has arrived. Ready when the connection is of no use any longer.
    fn poll_end(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        while let Some(rest) = &mut self.rest {
            match ready!(self.conn.poll_frame(rest, cx)) {
                Some(Ok(frame)) => {
                    self.read = self.read.saturating_add(frame.data_ref().map_or(0, Bytes::len));
                    if self.read > DRAIN_BYTES {
                        return Poll::Ready(());
                    }
                }
                Some(Err(_)) => return Poll::Ready(()),
                None => self.rest = None,
            }
        }
        self.conn.poll_end(cx)
    }
}
