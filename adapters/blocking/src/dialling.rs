use std::sync::{Arc, Mutex, PoisonError};
use std::time::SystemTime;

use failback_client::LeftDial;
use failback_wire::{Headers, Seen};

use crate::bell::{Bell, Ringer};
use crate::halt::Halt;
use crate::network::Network;
use crate::pool::Pool;
use crate::websocket::WsConn;

/// A WebSocket handshake in a thread of its own. Dropping it ends the handshake.
pub(crate) struct Dialling {
    place: Arc<Mutex<Place>>,
    /// Tells its thread to stop.
    dial: Ringer,
}

/// Where the thread leaves the result of its handshake.
enum Place {
    /// A turn waits for the result, and is woken by this.
    Turn(Ringer),
    Done(Result<Box<WsConn>, Halt>),
    /// R17: no turn waits any more. The connection goes to the pool.
    Left(LeftDial, Arc<Pool>),
    Nowhere,
}

impl Dialling {
    /// Begins a handshake with these headers. Wakes the thread at `bell` when it is over.
    pub(crate) fn begin(network: &Arc<Network>, headers: &Arc<Headers>, bell: &Bell) -> Result<Self, Halt> {
        let place = Arc::new(Mutex::new(Place::Turn(bell.ringer().clone())));
        let dial = Ringer::default();
        let dialling = Self { place: Arc::clone(&place), dial: dial.clone() };
        let (network_of_thread, headers) = (Arc::clone(network), Arc::clone(headers));
        let run = move || {
            let result = Bell::new(dial)
                .map_err(|error| Halt::new(Seen::Connect, error))
                .and_then(|bell| WsConn::connect(&network_of_thread, &headers, &bell))
                .map(Box::new);
            handle_dialled(&place, result);
        };
        network.threads.spawn("dial", run).map_err(|error| Halt::new(Seen::Connect, error))?;
        Ok(dialling)
    }

    /// The result of the handshake, once it is over.
    pub(crate) fn take(&self) -> Option<Result<Box<WsConn>, Halt>> {
        let mut place = self.place.lock().unwrap_or_else(PoisonError::into_inner);
        match std::mem::replace(&mut *place, Place::Nowhere) {
            Place::Done(result) => Some(result),
            other => {
                *place = other;
                None
            }
        }
    }

    /// R17: the handshake goes on without its turn, for as long as the client lives.
    pub(crate) fn leave(self, dial: LeftDial, pool: &Arc<Pool>) {
        let mut place = self.place.lock().unwrap_or_else(PoisonError::into_inner);
        match std::mem::replace(&mut *place, Place::Left(dial, Arc::clone(pool))) {
            Place::Done(result) => {
                drop(place);
                handle_dialled(&self.place, result);
            }
            _ => {
                drop(place);
                pool.hold_dial(self.dial.clone());
            }
        }
    }
}

impl Drop for Dialling {
    fn drop(&mut self) {
        let mut place = self.place.lock().unwrap_or_else(PoisonError::into_inner);
        if matches!(*place, Place::Left(..)) {
            return;
        }
        let given_up = std::mem::replace(&mut *place, Place::Nowhere);
        drop(place);
        self.dial.stop();
        drop(given_up);
    }
}

/// The handshake is over. Gives its result to whoever waits for it.
fn handle_dialled(place: &Mutex<Place>, result: Result<Box<WsConn>, Halt>) {
    let mut place = place.lock().unwrap_or_else(PoisonError::into_inner);
    let (dial, pool) = match std::mem::replace(&mut *place, Place::Nowhere) {
        Place::Turn(ringer) => {
            *place = Place::Done(result.map(|mut conn| {
                conn.io().detach();
                conn
            }));
            drop(place);
            return ringer.ring();
        }
        Place::Left(dial, pool) => (dial, pool),
        Place::Done(_) | Place::Nowhere => return,
    };
    drop(place);
    match result {
        Ok(conn) => {
            // Kept before the policy hears of it: from then on the policy sends turns to WebSocket.
            if pool.put_websocket(*conn) {
                dial.handle_opened();
            }
        }
        Err(Halt::Lost(lost)) => dial.handle_failure(&lost, SystemTime::now()),
        // `dial` is dropped, and the policy hears that it was abandoned.
        Err(Halt::Stopped) => {}
    }
}
