use std::collections::VecDeque;
use std::convert::Infallible;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::Poll;

use failback::Timestamp;
use failback_client::Context;
use failback_client::common::IDLE_HTTP;
use futures_channel::oneshot;
use hyper::body::Incoming;

use crate::Runtime;
use crate::ahead::{Ahead, Task, Warming};
use crate::http::HttpConn;
use crate::idle_http::IdleHttp;
use crate::idle_websocket::IdleSocket;
use crate::network::Network;
use crate::websocket::WsConn;

/// The connections that wait for a turn, and the handshakes that no turn waits for.
pub(crate) struct Pool<R: Runtime> {
    context: Arc<Context>,
    idle: Mutex<Idle<R>>,
}

struct Idle<R: Runtime> {
    websocket: Option<Arc<IdleSocket<R>>>,
    http: Vec<Arc<IdleHttp>>,
    /// When one of these is dropped, its handshake ends.
    dials: VecDeque<oneshot::Sender<Infallible>>,
    /// A handshake that was begun ahead of the next turn, which may adopt it.
    ahead: Option<Ahead<R>>,
}

impl<R: Runtime> Pool<R> {
    pub(crate) fn new(context: Arc<Context>) -> Self {
        let idle = Idle { websocket: None, http: Vec::new(), dials: VecDeque::new(), ahead: None };
        Self { context, idle: Mutex::new(idle) }
    }

    /// Takes the idle WebSocket, if there is one that still works.
    pub(crate) fn take_websocket(&self, now: Timestamp) -> Option<WsConn<R>> {
        let socket = self.lock().websocket.take()?;
        socket.take(now)
    }

    /// Whether there is an idle WebSocket that still works.
    pub(crate) fn has_websocket(&self, now: Timestamp) -> bool {
        let socket = self.lock().websocket.clone();
        socket.is_some_and(|socket| socket.works(now))
    }

    /// Keeps a WebSocket for the next turn, in place of an older one. Closes it instead if turns are to go
    /// over SSE alone.
    pub(crate) fn put_websocket(&self, conn: WsConn<R>, network: &Network<R>) {
        let socket = Arc::new(IdleSocket::keep(conn, network));
        let now = network.policy.now();
        let mut idle = self.lock();
        let old = idle.remove_old_http(now);
        // Looked up under the lock, so that `close_websocket` finds what is kept by mistake.
        let unneeded = if self.context.is_sse_only() { Some(socket) } else { idle.websocket.replace(socket) };
        drop(idle);
        drop((old, unneeded));
    }

    /// Closes the idle WebSocket, and ends a handshake that was begun ahead of any turn.
    pub(crate) fn close_websocket(&self) {
        let mut idle = self.lock();
        let closed = (idle.websocket.take(), idle.ahead.take());
        drop(idle);
        drop(closed);
    }

    /// Takes an HTTP connection that still works, the one used last if there are several. One that is not
    /// ready yet is left for a later turn.
    pub(crate) fn take_http(&self, now: Timestamp) -> Option<HttpConn> {
        let old = self.lock().remove_old_http(now);
        drop(old);
        // They are read here, while the pool is not locked.
        let kept = self.lock().http.clone();
        for http in kept.iter().rev() {
            if let Poll::Ready(taken) = http.take() {
                self.lock().http.retain(|other| !Arc::ptr_eq(other, http));
                if taken.is_some() {
                    return taken;
                }
            }
        }
        None
    }

    /// Keeps an HTTP connection for later turns, as soon as the rest of its last answer has come.
    pub(crate) fn put_http(&self, conn: HttpConn, rest: Incoming, network: &Network<R>) {
        let Some(kept) = IdleHttp::keep(conn, rest, network) else { return };
        let now = network.policy.now();
        let mut idle = self.lock();
        let old = idle.remove_old_http(now);
        let oldest = (idle.http.len() >= IDLE_HTTP).then(|| idle.http.remove(0));
        idle.http.push(Arc::new(kept));
        drop(idle);
        drop((old, oldest));
    }

    /// Holds a handshake that goes on without a turn. The receiver resolves when the handshake should stop.
    pub(crate) fn hold_dial(&self) -> oneshot::Receiver<Infallible> {
        let (held, ended) = oneshot::channel();
        let dials = &mut self.lock().dials;
        // Two are looked at for each that comes, so that those that have ended do not become many.
        for _ in 0..2 {
            if let Some(dial) = dials.pop_front().filter(|dial| !dial.is_canceled()) {
                dials.push_back(dial);
            }
        }
        dials.push_back(held);
        ended
    }

    /// Holds a handshake that was begun ahead of any turn, in place of an older one.
    pub(crate) fn hold_ahead(&self, ahead: Ahead<R>) {
        let older = self.lock().ahead.replace(ahead);
        drop(older);
    }

    /// The end of the handshake that was begun ahead of any turn, if there is one.
    pub(crate) fn warming(&self) -> Option<Warming> {
        self.lock().ahead.as_ref().map(|ahead| ahead.warming.clone())
    }

    /// Takes the handshake that was begun ahead of any turn, if there is one.
    pub(crate) fn take_ahead(&self) -> Option<Ahead<R>> {
        self.lock().ahead.take()
    }

    /// The same, for its task, if no turn has adopted it.
    pub(crate) fn take_ahead_of(&self, task: &Task<R>) -> Option<Ahead<R>> {
        self.lock().ahead.take_if(|ahead| ahead.is_of(task))
    }

    /// Closes every connection that no turn uses, and ends every handshake that none waits for.
    pub(crate) fn clear(&self) {
        let mut idle = self.lock();
        let websocket = idle.websocket.take();
        let http = std::mem::take(&mut idle.http);
        let dials = std::mem::take(&mut idle.dials);
        let ahead = idle.ahead.take();
        drop(idle);
        drop((websocket, http, dials, ahead));
    }

    fn lock(&self) -> MutexGuard<'_, Idle<R>> {
        // A thread that panicked cannot have left a change half made.
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<R: Runtime> Idle<R> {
    /// Those that are too old to be used again. Drop them where nothing is locked.
    fn remove_old_http(&mut self, now: Timestamp) -> Vec<Arc<IdleHttp>> {
        let (old, kept) = std::mem::take(&mut self.http).into_iter().partition(|http| http.is_old(now));
        self.http = kept;
        old
    }
}
