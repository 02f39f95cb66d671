use std::sync::{Arc, Mutex, PoisonError};
use std::time::SystemTime;

use failback_client::{AttemptReport, CredentialsRequest, LeftDial, Lost, Warmed};
use failback_wire::{Headers, Seen};

use crate::bell::{Bell, Ringer};
use crate::deadline::Deadline;
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
    Done(Dialled),
    /// R17: no turn waits any more. The connection goes to the pool.
    Left(LeftDial, Arc<Pool>),
    Nowhere,
}

impl Dialling {
    /// Begins a handshake with these headers. Wakes the thread at `bell` when it is over.
    pub(crate) fn begin(network: &Arc<Network>, headers: &Arc<Headers>, bell: &Bell) -> Result<Self, Halt> {
        Self::spawn(network, headers, Place::Turn(bell.ringer().clone()), None)
    }

    /// R17: begins a handshake ahead of any turn, which goes on like one that its turn has left, unless a
    /// turn [adopts](Self::adopt) it. `teller` tells how it has ended.
    pub(crate) fn begin_ahead(
        network: &Arc<Network>,
        left: LeftDial,
        pool: &Arc<Pool>,
        teller: Teller,
    ) -> Result<Self, Halt> {
        let (headers, report) = (Arc::clone(left.headers()), Box::new(left.reporter()));
        Self::spawn(network, &headers, Place::Left(left, Arc::clone(pool)), Some((teller, report)))
    }

    /// Begins a handshake, whose result goes to this place, and to those who wait for a warm-up.
    fn spawn(
        network: &Arc<Network>,
        headers: &Arc<Headers>,
        place: Place,
        ahead: Option<(Teller, Reporter)>,
    ) -> Result<Self, Halt> {
        let place = Arc::new(Mutex::new(place));
        let dial = Ringer::default();
        let dialling = Self { place: Arc::clone(&place), dial: dial.clone() };
        let (network_of_thread, headers) = (Arc::clone(network), Arc::clone(headers));
        let run = move || {
            let bell = Bell::new(dial);
            let result = match &bell {
                Ok(bell) => WsConn::connect(&network_of_thread, &headers, bell).map(Box::new),
                Err(error) => Err(Halt::new(Seen::Connect, error)),
            };
            let (teller, report) = ahead.unzip();
            let warmed = report.map(|report| warmed(&result, report));
            let warmed = match hand_over(&place, result) {
                Some((result, mut left, pool)) => {
                    let renewed = match (renewal(&result, &mut left), &bell) {
                        (Some(request), Ok(bell)) => renew(request, &network_of_thread, bell, &mut left),
                        _ => Some(result),
                    };
                    // Without other credentials the teller is dropped, as `left` is.
                    let Some(result) = renewed else { return };
                    let warmed = warmed.map(|_| self::warmed(&result, left.reporter()));
                    finish(result, left, &pool);
                    warmed
                }
                None => warmed,
            };
            if let (Some(teller), Some(warmed)) = (teller, warmed) {
                teller.tell(warmed);
            }
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
    pub(crate) fn take(&self) -> Option<Dialled> {
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
    pub(crate) fn leave(self, mut left: LeftDial, network: &Arc<Network>, pool: &Arc<Pool>) {
        let mut place = self.place.lock().unwrap_or_else(PoisonError::into_inner);
        let result = match std::mem::replace(&mut *place, Place::Nowhere) {
            Place::Done(result) => result,
            _ => {
                *place = Place::Left(left, Arc::clone(pool));
                drop(place);
                return pool.hold_dial(self.dial.clone());
            }
        };
        drop(place);
        // It was over a moment ago, and so was its thread.
        let Some(request) = renewal(&result, &mut left) else { return finish(result, left, pool) };
        let dial = Ringer::default();
        pool.hold_dial(dial.clone());
        let (network_of_thread, pool) = (Arc::clone(network), Arc::clone(pool));
        let run = move || {
            let Ok(bell) = Bell::new(dial) else { return };
            if let Some(result) = renew(request, &network_of_thread, &bell, &mut left) {
                finish(result, left, &pool);
            }
        };
        // If there is no thread for it, `left` is dropped, and the policy hears that it was abandoned.
        let _ = network.threads.spawn("dial", run);
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

/// Says how a handshake has failed.
type Reporter = Box<dyn FnOnce(&Lost, SystemTime) -> AttemptReport + Send + Sync>;

/// The result of a handshake.
type Dialled = Result<Box<WsConn>, Halt>;

/// The handshake is over. Gives its result to the turn that waits for it, or back if its turn has left it.
fn hand_over(place: &Mutex<Place>, result: Dialled) -> Option<(Dialled, LeftDial, Arc<Pool>)> {
    let mut place = place.lock().unwrap_or_else(PoisonError::into_inner);
    match std::mem::replace(&mut *place, Place::Nowhere) {
        Place::Turn(ringer) => {
            *place = Place::Done(result.map(|mut conn| {
                conn.io().detach();
                conn
            }));
            drop(place);
            ringer.ring();
            None
        }
        Place::Left(left, pool) => Some((result, left, pool)),
        Place::Done(_) | Place::Nowhere => None,
    }
}

/// What to ask the provider, if a handshake that its turn has left was refused for its credentials.
fn renewal(result: &Dialled, left: &mut LeftDial) -> Option<CredentialsRequest> {
    match result {
        Err(Halt::Lost(lost)) => left.renew(lost),
        _ => None,
    }
}

/// Makes another handshake with other credentials. `None` if there are none: then `left` is dropped, and the
/// policy hears that it was abandoned.
fn renew(
    request: CredentialsRequest,
    network: &Arc<Network>,
    bell: &Arc<Bell>,
    left: &mut LeftDial,
) -> Option<Dialled> {
    let deadline = Deadline::after(network.limits.connect_timeout());
    let answer = network.ask(request, bell, &deadline).ok()?;
    let headers = left.handle_credentials(answer)?;
    Some(WsConn::connect(network, &headers, bell).map(Box::new))
}

/// What became of a warm-up whose handshake ended like this.
fn warmed(result: &Dialled, report: impl FnOnce(&Lost, SystemTime) -> AttemptReport) -> Warmed {
    match result {
        Ok(_) => Warmed::Opened,
        Err(Halt::Lost(lost)) => Warmed::Failed(Box::new(report(lost, SystemTime::now()))),
        Err(Halt::Stopped) => Warmed::Abandoned,
    }
}

/// A handshake that its turn has left is over.
fn finish(result: Dialled, left: LeftDial, pool: &Arc<Pool>) {
    match result {
        Ok(mut conn) => {
            conn.credentials = left.credentials().cloned();
            // Kept before the policy hears of it: from then on the policy sends turns to WebSocket.
            if pool.put_websocket(*conn) {
                left.handle_opened();
            }
        }
        Err(Halt::Lost(lost)) => left.handle_failure(&lost, SystemTime::now()),
        // `left` is dropped, and the policy hears that it was abandoned.
        Err(Halt::Stopped) => {}
    }
}
