use std::convert::Infallible;
use std::sync::{Mutex, MutexGuard, PoisonError};

use failback::Timestamp;
use failback_wire::Limits;
use futures_channel::oneshot;

use crate::Runtime;
use crate::http::HttpConn;
use crate::sse::UsedConn;
use crate::websocket::WsConn;

/// How many HTTP connections are kept between turns.
const IDLE_HTTP: usize = 4;

/// The connections that wait for a turn, and the handshakes that no turn waits for.
pub(crate) struct Pool<R: Runtime> {
    idle: Mutex<Idle<R>>,
}

struct Idle<R: Runtime> {
    websocket: Option<WsConn<R>>,
    http: Vec<UsedConn>,
    /// Each of these ends its handshake when it is dropped.
    dials: Vec<oneshot::Sender<Infallible>>,
}

impl<R: Runtime> Pool<R> {
    pub(crate) fn new() -> Self {
        Self { idle: Mutex::new(Idle { websocket: None, http: Vec::new(), dials: Vec::new() }) }
    }

    /// The idle WebSocket, if there is one that still works.
    pub(crate) fn take_websocket(&self, limits: &Limits, now: Timestamp) -> Option<WsConn<R>> {
        let mut conn = self.lock().websocket.take()?;
        conn.is_usable(limits, now).then_some(conn)
    }

    /// Keeps a WebSocket for the next turn, in place of an older one.
    pub(crate) fn put_websocket(&self, conn: WsConn<R>) {
        let older = self.lock().websocket.replace(conn);
        drop(older);
    }

    /// An HTTP connection that still works, the one used last first.
    pub(crate) async fn take_http(&self, runtime: &R) -> Option<HttpConn> {
        loop {
            let used = self.lock().http.pop()?;
            if let Some(conn) = used.recover(runtime).await {
                return Some(conn);
            }
        }
    }

    /// Keeps an HTTP connection for later turns.
    pub(crate) fn put_http(&self, conn: UsedConn) {
        let mut idle = self.lock();
        let oldest = (idle.http.len() >= IDLE_HTTP).then(|| idle.http.remove(0));
        idle.http.push(conn);
        drop(idle);
        drop(oldest);
    }

    /// Holds a handshake that goes on without a turn. When what is returned resolves, nobody wants it any more.
    pub(crate) fn hold_dial(&self) -> oneshot::Receiver<Infallible> {
        let (held, ended) = oneshot::channel();
        let dials = &mut self.lock().dials;
        dials.retain(|dial| !dial.is_canceled());
        dials.push(held);
        ended
    }

    /// Closes every connection that no turn uses, and ends every handshake that none waits for.
    pub(crate) fn clear(&self) {
        let mut idle = self.lock();
        let websocket = idle.websocket.take();
        let http = std::mem::take(&mut idle.http);
        let dials = std::mem::take(&mut idle.dials);
        drop(idle);
        drop((websocket, http, dials));
    }

    fn lock(&self) -> MutexGuard<'_, Idle<R>> {
        // Nothing here can be left half done.
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
