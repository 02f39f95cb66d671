use std::sync::{Arc, Mutex, PoisonError};
use std::time::SystemTime;

use failback_client::{LeftDial, Lost, Warmed};
use failback_wire::{Headers, Seen};

use crate::bell::{Bell, Ringer};
use crate::halt::Halt;
use crate::network::Network;
use crate::pool::Pool;
use crate::warm_up::Teller;
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
        Self::spawn(network, headers, Place::Turn(bell.ringer().clone()), |_| {})
    }

    /// R17: begins a handshake ahead of any turn, which goes on like one that its turn has left, unless a
    /// turn [adopts](Self::adopt) it. `teller` tells how it has ended.
    pub(crate) fn begin_ahead(
        network: &Arc<Network>,
        left: LeftDial,
        pool: &Arc<Pool>,
        teller: Teller,
    ) -> Result<Self, Halt> {
        let report = left.reporter();
        let ended = |result: Option<Result<(), &Lost>>| {
            teller.tell(match result {
                Some(Ok(())) => Warmed::Opened,
                Some(Err(lost)) => Warmed::Failed(Box::new(report(lost, SystemTime::now()))),
                None => Warmed::Abandoned,
            });
        };
        Self::spawn(network, network.context.headers(), Place::Left(left, Arc::clone(pool)), ended)
    }

    /// Begins a handshake, whose result goes to this place. `ended` is called when it is there, with `None` if
    /// the handshake was stopped.
    fn spawn(
        network: &Arc<Network>,
        headers: &Arc<Headers>,
        place: Place,
        ended: impl FnOnce(Option<Result<(), &Lost>>) + Send + 'static,
    ) -> Result<Self, Halt> {
        let place = Arc::new(Mutex::new(place));
        let dial = Ringer::default();
        let dialling = Self { place: Arc::clone(&place), dial: dial.clone() };
        let (network_of_thread, headers) = (Arc::clone(network), Arc::clone(headers));
        let run = move || {
            let result = Bell::new(dial)
                .map_err(|error| Halt::new(Seen::Connect, error))
                .and_then(|bell| WsConn::connect(&network_of_thread, &headers, &bell))
                .map(Box::new);
            let lost = match &result {
                Err(Halt::Lost(lost)) => Some(lost.clone()),
                _ => None,
            };
            let has_opened = result.is_ok();
            handle_dialled(&place, result);
            ended(if has_opened { Some(Ok(())) } else { lost.as_ref().map(Err) });
        };
        network.threads.spawn("dial", run).map_err(|error| Halt::new(Seen::Connect, error))?;
        Ok(dialling)
    }

    /// R17: a turn waits for this handshake, which was begun ahead of it, and is woken by `bell` when it is
    /// over. `None` if it is over already.
    pub(crate) fn adopt(&self, bell: &Bell) -> Option<LeftDial> {
        let mut place = self.place.lock().unwrap_or_else(PoisonError::into_inner);
        match std::mem::replace(&mut *place, Place::Turn(bell.ringer().clone())) {
            Place::Left(left, _) => Some(left),
            other => {
                *place = other;
                None
            }
        }
    }

    /// Ends the handshake, whoever waits for it.
    pub(crate) fn stop(&self) {
        self.dial.stop();
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
