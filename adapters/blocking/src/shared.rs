use std::sync::{Arc, Mutex, PoisonError};

use failback_client::{Credentials, CredentialsRequest, LeftDial, Warmed};

use crate::bell::{Bell, Ringer};
use crate::deadline::Deadline;
use crate::dialling::Dialling;
use crate::network::Network;
use crate::pool::Pool;
use crate::warm_up::{Teller, WarmUp};

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
    pub(crate) fn warm_up(self: &Arc<Self>) -> WarmUp {
        if let Some(warm_up) = self.under_way() {
            return warm_up;
        }
        let (warm_up, teller) = WarmUp::begin();
        if self.network.context.has_provider() {
            self.ask_and_warm_up(warm_up.clone(), teller);
        } else {
            self.begin_ahead(None, &warm_up, teller);
        }
        warm_up
    }

    /// Opens a WebSocket with the credentials that the provider gives.
    fn ask_and_warm_up(self: &Arc<Self>, warm_up: WarmUp, teller: Teller) {
        let dial = Ringer::default();
        self.pool.hold_dial(dial.clone());
        // Whoever waits for the provider keeps no connection open.
        let (network, shared) = (Arc::clone(&self.network), Arc::downgrade(self));
        let ask = move || {
            let Ok(bell) = Bell::new(dial) else { return };
            let deadline = Deadline::after(network.limits.connect_timeout());
            let Ok(answer) = network.ask(CredentialsRequest::default(), &bell, &deadline) else { return };
            match Warmed::credentials(answer, network.context.headers()) {
                Ok(credentials) => {
                    let Some(shared) = shared.upgrade() else { return };
                    match shared.under_way() {
                        Some(other) => {
                            drop(shared);
                            teller.tell(other.wait());
                        }
                        None => shared.begin_ahead(Some(credentials), &warm_up, teller),
                    }
                }
                Err(failed) => teller.tell(failed),
            }
        };
        // If no thread can be started, what would tell of the end is dropped.
        let _ = self.network.threads.spawn("warm-up", ask);
    }

    fn begin_ahead(&self, credentials: Option<Credentials>, warm_up: &WarmUp, teller: Teller) {
        let Some(left) = LeftDial::ahead(&self.network.context, credentials) else {
            return teller.tell(Warmed::NotWanted);
        };
        // If no thread can be started, what would tell of the end is dropped, and so is `left`.
        if let Ok(dialling) = Dialling::begin_ahead(&self.network, left, &self.pool, teller) {
            let ahead = Some(Ahead { dialling, warm_up: warm_up.clone() });
            stop(self.swap_ahead(ahead));
        }
    }

    /// What there is already: a WebSocket, or a warm-up.
    fn under_way(&self) -> Option<WarmUp> {
        if self.pool.has_websocket() { Some(WarmUp::over(Warmed::AlreadyOpen)) } else { self.warming() }
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

    /// Closes the idle WebSocket, and ends a handshake that was begun ahead of any turn.
    pub(crate) fn leave_websocket(&self) {
        stop(self.swap_ahead(None));
        self.pool.close_websocket();
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
