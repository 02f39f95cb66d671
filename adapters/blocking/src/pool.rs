use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use failback::Timestamp;
use failback_client::common::IDLE_HTTP;

use crate::bell::{Bell, Ringer};
use crate::idle_http::IdleHttp;
use crate::network::Network;
use crate::slot::Slot;
use crate::sse::{HttpConn, Recovered};
use crate::websocket::WsConn;

/// The connections that wait for a turn, the thread that looks after them, and the handshakes that no turn
/// waits for.
///
/// The thread exists while a connection is kept. It waits until one of the connections has something to read,
/// and locks only that one to read from it. While the pool itself is locked, connections only change hands:
/// nothing is read, written, closed or begun.
pub(crate) struct Pool {
    network: Arc<Network>,
    idle: Mutex<Idle>,
}

#[derive(Default)]
struct Idle {
    websocket: Option<Slot<WsConn>>,
    /// In order of use, the latest last.
    http: Vec<Slot<IdleHttp>>,
    dials: Dials,
    /// Where the thread waits, if there is one.
    keeper: Option<Arc<Bell>>,
    /// How many connections are about to be kept. The thread does not end before they have come.
    arriving: usize,
    /// The client is gone: nothing is kept any more.
    is_closed: bool,
}

impl Pool {
    pub(crate) fn new(network: Arc<Network>) -> Arc<Self> {
        Arc::new(Self { network, idle: Mutex::default() })
    }

    /// Takes the idle WebSocket, if there is one that still works.
    pub(crate) fn take_websocket(&self) -> Option<WsConn> {
        let mut idle = self.lock();
        let slot = idle.websocket.take()?;
        let keeper = idle.keeper.clone();
        drop(idle);
        // Wakes the thread, which ends if nothing else is kept.
        ring(keeper);
        let mut conn = slot.take()?;
        let now = self.network.policy().now();
        // A socket that always has more to read is not used again either.
        if conn.attend(now).is_none_or(|next| next <= now) {
            conn.close();
            return None;
        }
        conn.io().detach();
        Some(conn)
    }

    /// Whether there is an idle WebSocket that still works.
    pub(crate) fn has_websocket(&self) -> bool {
        let now = self.network.policy().now();
        let slot = self.lock().websocket.clone();
        slot.is_some_and(|slot| {
            slot.lock().as_mut().is_some_and(|conn| conn.attend(now).is_some_and(|next| next > now))
        })
    }

    /// Keeps a WebSocket for the next turn, in place of an older one. False if the pool cannot keep it and
    /// has closed it. While turns are to go over SSE alone, nobody needs it: it is closed, and this is true.
    pub(crate) fn put_websocket(self: &Arc<Self>, mut conn: WsConn) -> bool {
        conn.rest(self.network.policy().now());
        let Some(arrival) = self.arrive() else {
            conn.close();
            return false;
        };
        if conn.io().attach(&arrival.bell).is_err() {
            conn.close();
            return false;
        }
        let slot = Slot::new(conn);
        let mut idle = self.lock();
        let is_looked_after = arrival.is_awaited(&idle);
        // Looked up under the lock: if turns go over SSE alone from now on, `close_websocket` takes the lock
        // later, and finds what is kept here.
        let is_unneeded = self.network.context.is_sse_only();
        let surplus = if is_looked_after && !is_unneeded { idle.websocket.replace(slot) } else { Some(slot) };
        drop(idle);
        drop(arrival);
        close(surplus);
        is_looked_after
    }

    /// Closes the idle WebSocket.
    pub(crate) fn close_websocket(&self) {
        let mut idle = self.lock();
        let websocket = idle.websocket.take();
        let keeper = idle.keeper.clone();
        drop(idle);
        // Wakes the thread, which ends if nothing else is kept.
        ring(keeper);
        close(websocket);
    }

    /// Takes an HTTP connection that still works, the one used last if there are several. One that is not
    /// ready yet is left for a later turn.
    pub(crate) fn take_http(&self) -> Option<HttpConn> {
        let now = self.network.policy().now();
        let kept = self.lock().http.clone();
        for slot in kept.iter().rev() {
            let mut place = slot.lock();
            let recovered = place.as_mut().map(|kept| kept.attend(now));
            if matches!(recovered, Some(Recovered::NotYet)) {
                continue;
            }
            let taken = place.take();
            drop(place);
            let mut idle = self.lock();
            idle.http.retain(|other| !other.is(slot));
            let keeper = idle.keeper.clone();
            drop(idle);
            // Wakes the thread, which ends if nothing else is kept.
            ring(keeper);
            if let (Some(Recovered::Now), Some(kept)) = (recovered, taken) {
                return Some(kept.conn);
            }
        }
        None
    }

    /// Keeps an HTTP connection. Later turns can use it as soon as the end of its last answer has come.
    pub(crate) fn put_http(self: &Arc<Self>, mut conn: HttpConn) {
        let used_at = self.network.policy().now();
        let Some(arrival) = self.arrive() else { return };
        if conn.finish(&arrival.bell).is_err() {
            return;
        }
        let slot = Slot::new(IdleHttp::new(conn, used_at));
        let mut idle = self.lock();
        let surplus = if arrival.is_awaited(&idle) {
            let oldest = (idle.http.len() >= IDLE_HTTP).then(|| idle.http.remove(0));
            idle.http.push(slot);
            oldest
        } else {
            Some(slot)
        };
        drop(idle);
        drop(arrival);
        drop(surplus.and_then(|slot| slot.take()));
    }

    /// Holds a handshake that goes on without a turn. It is stopped when the client goes away or
    /// [`clear`](Self::clear) is called.
    pub(crate) fn hold_dial(&self, dial: Ringer) {
        let mut idle = self.lock();
        if idle.is_closed {
            drop(idle);
            return dial.stop();
        }
        let over = idle.dials.hold(dial);
        drop(idle);
        drop(over);
    }

    /// Closes every connection that no turn uses, and ends every handshake that no turn waits for.
    pub(crate) fn clear(&self) {
        self.empty(self.lock());
    }

    /// The client is gone: keeps nothing from now on, and ends the thread.
    pub(crate) fn close(&self) {
        let mut idle = self.lock();
        idle.is_closed = true;
        self.empty(idle);
    }

    fn empty(&self, mut idle: MutexGuard<'_, Idle>) {
        let websocket = idle.websocket.take();
        let http = std::mem::take(&mut idle.http);
        let dials = std::mem::take(&mut idle.dials);
        let keeper = idle.keeper.clone();
        drop(idle);
        ring(keeper);
        for dial in dials.held {
            dial.stop();
        }
        close(websocket);
        for slot in http {
            drop(slot.take());
        }
    }

    /// Announces a connection that is about to be kept, and starts the thread if there is none. `None` if the
    /// thread cannot be started, or if nothing is kept any more.
    fn arrive(self: &Arc<Self>) -> Option<Arrival<'_>> {
        let mut made = None;
        loop {
            let mut idle = self.lock();
            if idle.is_closed {
                return None;
            }
            let (bell, is_new) = match (&idle.keeper, &made) {
                (Some(keeper), _) => (Arc::clone(keeper), false),
                (None, Some(made)) => (Arc::clone(made), true),
                (None, None) => {
                    drop(idle);
                    made = Some(Bell::new(Ringer::default()).ok()?);
                    continue;
                }
            };
            idle.arriving = idle.arriving.saturating_add(1);
            if is_new {
                idle.keeper = Some(Arc::clone(&bell));
            }
            drop(idle);
            let arrival = Arrival { pool: self, bell };
            if is_new && !self.start_keeper(&arrival.bell) {
                return None;
            }
            return Some(arrival);
        }
    }

    /// Starts the thread. If that fails, empties the pool, as nobody looks after it, and gives false.
    fn start_keeper(self: &Arc<Self>, bell: &Arc<Bell>) -> bool {
        let (pool, keeper) = (Arc::clone(self), Arc::clone(bell));
        if self.network.threads.spawn("keeper", move || pool.keep(&keeper)).is_ok() {
            return true;
        }
        let mut idle = self.lock();
        idle.keeper = None;
        self.empty(idle);
        false
    }

    /// What the thread does: looks after idle connections while there are any.
    fn keep(&self, bell: &Bell) {
        loop {
            let policy = self.network.policy();
            let now = policy.now();
            let idle = self.lock();
            let (websocket, http) = (idle.websocket.clone(), idle.http.clone());
            drop(idle);
            let mut wake = Timestamp::MAX;
            let websocket = websocket.filter(|slot| {
                let mut place = slot.lock();
                match place.as_mut().map(|conn| conn.attend(now)) {
                    Some(Some(next)) => {
                        wake = next;
                        return false;
                    }
                    // A turn has it.
                    None => return false,
                    Some(None) => {}
                }
                let useless = place.take();
                drop(place);
                if let Some(conn) = useless {
                    conn.close();
                }
                true
            });
            let useless: Vec<_> = http
                .into_iter()
                .filter(|slot| {
                    let mut place = slot.lock();
                    let Some(kept) = place.as_mut() else { return false };
                    if matches!(kept.attend(now), Recovered::Never) {
                        let useless = place.take();
                        drop(place);
                        drop(useless);
                        return true;
                    }
                    wake = wake.min(kept.until);
                    false
                })
                .collect();
            let mut idle = self.lock();
            if let Some(useless) = &websocket {
                idle.websocket.take_if(|slot| slot.is(useless));
            }
            idle.http.retain(|slot| !useless.iter().any(|useless| useless.is(slot)));
            let is_over = idle.websocket.is_none() && idle.http.is_empty() && idle.arriving == 0;
            if is_over {
                idle.keeper = None;
            }
            drop(idle);
            if is_over {
                return;
            }
            let timeout = (wake < Timestamp::MAX).then(|| policy.time_until(wake));
            // Nobody stops this wait: the thread ends when nothing is kept.
            let _ = bell.wait(timeout);
        }
    }

    fn lock(&self) -> MutexGuard<'_, Idle> {
        // A thread that panicked cannot have left a change half made.
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn ring(keeper: Option<Arc<Bell>>) {
    if let Some(keeper) = keeper {
        keeper.ringer().ring();
    }
}

fn close(websocket: Option<Slot<WsConn>>) {
    if let Some(conn) = websocket.and_then(|slot| slot.take()) {
        conn.close();
    }
}

/// A connection that is about to be kept.
struct Arrival<'a> {
    pool: &'a Pool,
    /// Where the thread waits that is to look after the connection.
    bell: Arc<Bell>,
}

impl Arrival<'_> {
    /// Whether the connection can be kept: its thread is there, and the pool is open.
    fn is_awaited(&self, idle: &Idle) -> bool {
        !idle.is_closed && idle.keeper.as_ref().is_some_and(|keeper| Arc::ptr_eq(keeper, &self.bell))
    }
}

impl Drop for Arrival<'_> {
    fn drop(&mut self) {
        let mut idle = self.pool.lock();
        idle.arriving = idle.arriving.saturating_sub(1);
        drop(idle);
        // The thread looks after what has come, or ends.
        self.bell.ringer().ring();
    }
}

/// The handshakes that no turn waits for: of each, what stops it.
#[derive(Default)]
struct Dials {
    held: Vec<Ringer>,
    /// Which one is looked at next.
    next: usize,
}

impl Dials {
    /// Holds one more, looks at two of the others, and lets them go if they are over. So those that are over
    /// never become more than those that go on, and nobody has to look at all of them at once.
    fn hold(&mut self, dial: Ringer) -> [Option<Ringer>; 2] {
        let over = [self.let_go(), self.let_go()];
        self.held.push(dial);
        over
    }

    fn let_go(&mut self) -> Option<Ringer> {
        let Some(dial) = self.held.get(self.next) else {
            self.next = 0;
            return None;
        };
        if dial.is_heard() {
            self.next = self.next.saturating_add(1);
            return None;
        }
        Some(self.held.swap_remove(self.next))
    }
}

#[cfg(test)]
mod tests;
