use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use failback::Timestamp;

use crate::bell::{Bell, Ringer};
use crate::idle_http::IdleHttp;
use crate::network::Network;
use crate::sse::{HttpConn, Recovered};
use crate::websocket::WsConn;

/// How many HTTP connections are kept between turns.
const IDLE_HTTP: usize = 4;

/// The connections that wait for a turn, the thread that looks after them, and the handshakes that no turn
/// waits for.
///
/// The thread exists while something is kept. It waits until the idle WebSocket has something to read, and
/// takes the lock only to read that.
pub(crate) struct Pool {
    network: Arc<Network>,
    idle: Mutex<Idle>,
}

#[derive(Default)]
struct Idle {
    websocket: Option<WsConn>,
    /// In order of use, the latest last.
    http: Vec<IdleHttp>,
    /// Each stops one handshake.
    dials: Vec<Ringer>,
    /// Where the thread waits, if there is one.
    keeper: Option<Arc<Bell>>,
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
        let mut conn = idle.websocket.take()?;
        let keeper = idle.keeper.clone();
        drop(idle);
        // Wakes the thread, which ends if nothing else is kept.
        if let Some(keeper) = keeper {
            keeper.ringer().ring();
        }
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
        self.lock().websocket.as_mut().is_some_and(|conn| conn.attend(now).is_some_and(|next| next > now))
    }

    /// Keeps a WebSocket for the next turn, in place of an older one. False if it had to close it instead. If
    /// turns are to go over SSE alone, it is closed because nobody needs it.
    pub(crate) fn put_websocket(self: &Arc<Self>, mut conn: WsConn) -> bool {
        conn.rest(self.network.policy().now());
        let mut idle = self.lock();
        // Looked up under the lock, so that `close_websocket` finds what is kept by mistake.
        if self.network.context.is_sse_only() {
            drop(idle);
            conn.close();
            return true;
        }
        let mut keeper = self.keeper(&mut idle);
        if let Some(bell) = &keeper {
            if conn.io().attach(bell).is_err() {
                keeper = None;
            }
        }
        let Some(keeper) = keeper else {
            drop(idle);
            conn.close();
            return false;
        };
        let older = idle.websocket.replace(conn);
        drop(idle);
        keeper.ringer().ring();
        if let Some(older) = older {
            older.close();
        }
        true
    }

    /// Closes the idle WebSocket.
    pub(crate) fn close_websocket(&self) {
        let mut idle = self.lock();
        let websocket = idle.websocket.take();
        let keeper = idle.keeper.clone();
        drop(idle);
        // Wakes the thread, which ends if nothing else is kept.
        if let Some(keeper) = keeper {
            keeper.ringer().ring();
        }
        if let Some(websocket) = websocket {
            websocket.close();
        }
    }

    /// Takes an HTTP connection that still works, the one used last if there are several. One that is not
    /// ready yet is left for a later turn.
    pub(crate) fn take_http(&self) -> Option<HttpConn> {
        let now = self.network.policy().now();
        let mut idle = self.lock();
        let mut taken = None;
        for at in (0..idle.http.len()).rev() {
            match idle.http.get_mut(at).map(|kept| kept.attend(now)) {
                Some(Recovered::NotYet) => continue,
                Some(Recovered::Now) => taken = Some(idle.http.remove(at).conn),
                _ => drop(idle.http.remove(at)),
            }
            if taken.is_some() {
                break;
            }
        }
        if let Some(keeper) = &idle.keeper {
            keeper.ringer().ring();
        }
        taken
    }

    /// Keeps an HTTP connection for later turns, as soon as the end of its last answer has come.
    pub(crate) fn put_http(self: &Arc<Self>, mut conn: HttpConn) {
        let used_at = self.network.policy().now();
        let mut idle = self.lock();
        let Some(keeper) = self.keeper(&mut idle) else { return };
        if conn.finish(&keeper).is_err() {
            return;
        }
        let oldest = (idle.http.len() >= IDLE_HTTP).then(|| idle.http.remove(0));
        idle.http.push(IdleHttp::new(conn, used_at));
        drop(idle);
        keeper.ringer().ring();
        drop(oldest);
    }

    /// Holds a handshake that goes on without a turn. It is stopped when the client goes away or
    /// [`clear`](Self::clear) is called.
    pub(crate) fn hold_dial(&self, dial: Ringer) {
        let mut idle = self.lock();
        if idle.is_closed {
            return dial.stop();
        }
        idle.dials.retain(Ringer::is_heard);
        idle.dials.push(dial);
    }

    /// Closes every connection that no turn uses, and ends every handshake that none waits for.
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
        if let Some(keeper) = keeper {
            keeper.ringer().ring();
        }
        for dial in dials {
            dial.stop();
        }
        if let Some(websocket) = websocket {
            websocket.close();
        }
        drop(http);
    }

    /// The bell of the thread, which is started if there is none. `None` if it cannot be started.
    fn keeper(self: &Arc<Self>, idle: &mut Idle) -> Option<Arc<Bell>> {
        if idle.is_closed {
            return None;
        }
        if let Some(keeper) = &idle.keeper {
            return Some(Arc::clone(keeper));
        }
        let keeper = Bell::new(Ringer::default()).ok()?;
        let (pool, bell) = (Arc::clone(self), Arc::clone(&keeper));
        self.network.threads.spawn("keeper", move || pool.keep(&bell)).ok()?;
        idle.keeper = Some(Arc::clone(&keeper));
        Some(keeper)
    }

    /// What the thread does: looks after idle connections while there are any.
    fn keep(&self, bell: &Bell) {
        loop {
            let policy = self.network.policy();
            let now = policy.now();
            let mut idle = self.lock();
            let mut wake = Timestamp::MAX;
            let mut useless = None;
            if let Some(conn) = &mut idle.websocket {
                match conn.attend(now) {
                    Some(next) => wake = next,
                    None => useless = idle.websocket.take(),
                }
            }
            idle.http.retain_mut(|kept| !matches!(kept.attend(now), Recovered::Never));
            wake = idle.http.iter().map(|kept| kept.until).fold(wake, Timestamp::min);
            if idle.websocket.is_none() && idle.http.is_empty() {
                idle.keeper = None;
            }
            let is_over = idle.keeper.is_none();
            drop(idle);
            if let Some(conn) = useless {
                conn.close();
            }
            if is_over {
                return;
            }
            let timeout = (wake < Timestamp::MAX).then(|| policy.time_until(wake));
            // Nobody tells it to stop: it ends when nothing is kept.
            let _ = bell.wait(timeout);
        }
    }

    fn lock(&self) -> MutexGuard<'_, Idle> {
        // A thread that panicked cannot have left a change half made.
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
