use std::sync::{Arc, Mutex, PoisonError};

use failback_client::{LeftDial, Warmed};

use crate::dialling::Dialling;
use crate::network::Network;
use crate::pool::Pool;
use crate::warm_up::WarmUp;

/// What a client and its turns share. When the last of them is gone, all threads end.
pub(crate) struct Shared {
    pub(crate) network: Arc<Network>,
    pub(crate) pool: Arc<Pool>,
    ahead: Mutex<Option<Ahead>>,
}

/// A handshake that was begun ahead of the next turn, which may adopt it.
struct Ahead {
    dialling: Dialling,
    warm_up: WarmUp,
}

impl Shared {
    pub(crate) fn new(network: Arc<Network>) -> Self {
        let pool = Pool::new(Arc::clone(&network));
        Self { network, pool, ahead: Mutex::default() }
    }

    /// Begins to open a WebSocket ahead of any turn, if there is anything to do.
    pub(crate) fn warm_up(&self) -> WarmUp {
        if self.pool.has_websocket() {
            return WarmUp::over(Warmed::AlreadyOpen);
        }
        if let Some(warm_up) = self.warming() {
            return warm_up;
        }
        let Some(left) = LeftDial::ahead(&self.network.context) else {
            return WarmUp::over(Warmed::NotWanted);
        };
        let (warm_up, teller) = WarmUp::begin();
        // If no thread can be started, what would tell of the end is dropped, and so is `left`.
        if let Ok(dialling) = Dialling::begin_ahead(&self.network, left, &self.pool, teller) {
            let ahead = Some(Ahead { dialling, warm_up: warm_up.clone() });
            stop(self.swap_ahead(ahead));
        }
        warm_up
    }

    /// The handshake that was begun ahead of any turn, for the one that begins now.
    pub(crate) fn take_ahead(&self) -> Option<Dialling> {
        self.swap_ahead(None).map(|ahead| ahead.dialling)
    }

    /// Closes every connection that no turn uses, and ends every handshake that none waits for.
    pub(crate) fn clear(&self) {
        stop(self.swap_ahead(None));
        self.pool.clear();
    }

    /// The warm-up under way, if there is one.
    fn warming(&self) -> Option<WarmUp> {
        let ahead = self.ahead.lock().unwrap_or_else(PoisonError::into_inner);
        ahead.as_ref().map(|ahead| &ahead.warm_up).filter(|warm_up| !warm_up.is_over()).cloned()
    }

    fn swap_ahead(&self, ahead: Option<Ahead>) -> Option<Ahead> {
        std::mem::replace(&mut *self.ahead.lock().unwrap_or_else(PoisonError::into_inner), ahead)
    }
}

impl Drop for Shared {
    fn drop(&mut self) {
        stop(self.swap_ahead(None));
        self.pool.close();
    }
}

fn stop(ahead: Option<Ahead>) {
    if let Some(ahead) = ahead {
        ahead.dialling.stop();
    }
}
