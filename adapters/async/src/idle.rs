//! A WebSocket that no turn uses: it is read, pinged, and closed in good form, so that a turn finds it alive or not at all.

use std::future::poll_fn;
use std::pin::pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker, ready};
use std::time::Duration;

use failback::{Timestamp, Transport};
use failback_wire::{Liveness, LivenessAction};
use futures_util::future::select;
use futures_util::task::AtomicWaker;
use futures_util::{FutureExt, SinkExt, StreamExt};
use tungstenite::protocol::CloseFrame;
use tungstenite::protocol::frame::coding::CloseCode;
use tungstenite::{Bytes, Message};

use crate::network::Network;
use crate::timer::Timer;
use crate::websocket::WsConn;
use crate::{Runtime, trace};

/// How many frames are read at once: a peer that never stops sending them must not keep the runtime for itself.
const FRAMES: usize = 32;

/// How many frames may have come since a socket was last read, when a turn takes it. A runtime that stood still leaves
/// the heartbeats of all that time to be read.
const FRAMES_LEFT: usize = 1024;

/// How long the peer may take to answer a Close frame. Nobody waits for that but the socket's own task.
const CLOSE_TIME: Duration = Duration::from_secs(1);

/// How long a runtime that stood still may take to read what has arrived meanwhile, before a missing pong counts.
const SECOND_LOOK: Duration = Duration::from_millis(10);

/// A WebSocket that waits for the next turn. Dropping it closes the socket with a Close frame.
///
/// The socket lies in a slot that this shares with a task, its keeper. So a turn takes it at once, without waiting for
/// that task to be run. The keeper ends when the socket was taken, is dead, or is closed.
pub(crate) struct IdleSocket<R: Runtime> {
    slot: Arc<Slot<R>>,
}

struct Slot<R: Runtime> {
    socket: Mutex<Socket<R>>,
    keeper: AtomicWaker,
}

enum Socket<R: Runtime> {
    Waiting(Box<Waiting<R>>),
    /// A Close frame is due, or has left.
    Leaving(Box<WsConn<R>>),
    Gone,
}

struct Waiting<R: Runtime> {
    conn: WsConn<R>,
    liveness: Liveness,
    retire_at: Timestamp,
    /// When the answer to a ping was first found missing.
    doubted_at: Option<Timestamp>,
}

/// Why a socket is not kept any longer.
enum End {
    /// It is told so.
    Close(&'static str),
    /// It is past that.
    Drop(&'static str),
}

impl<R: Runtime> IdleSocket<R> {
    /// Keeps a socket, in a task of its own.
    pub(crate) fn keep(mut conn: WsConn<R>, network: &Network<R>) -> Self {
        conn.reused = true;
        let (limits, now) = (network.limits, network.policy.now());
        let retire_at = conn.opened_at.saturating_add(limits.websocket_lifetime());
        // No event is awaited, so only a ping can show that it is dead.
        let limits = limits.with_first_event_timeout(Duration::MAX).with_idle_timeout(Duration::MAX);
        let liveness = Liveness::new(limits, Transport::WebSocket, now);
        let waiting = Waiting { conn, liveness, retire_at, doubted_at: None };
        let socket = Mutex::new(Socket::Waiting(Box::new(waiting)));
        let slot = Arc::new(Slot { socket, keeper: AtomicWaker::new() });

        let (kept, runtime) = (Arc::clone(&slot), network.runtime.clone());
        let mut timer = Timer::new(runtime.clone(), network.policy.clone());
        network.runtime.spawn(async move {
            let leaving = poll_fn(|cx| kept.poll(&mut timer, cx)).await;
            drop((kept, timer));
            if let Some(conn) = leaving {
                close(*conn, &runtime).await;
            }
        });
        Self { slot }
    }

    /// The socket, unless something has ended it meanwhile or it is too old. Waits for nothing.
    pub(crate) fn take(self, now: Timestamp) -> Option<WsConn<R>> {
        let mut socket = self.slot.lock();
        if let Socket::Waiting(waiting) = &mut *socket {
            if let Some(end) = waiting.check(now) {
                socket.end(end);
            }
        }
        match std::mem::replace(&mut *socket, Socket::Gone) {
            Socket::Waiting(waiting) => Some(waiting.conn),
            ended => {
                *socket = ended;
                None
            }
        }
    }
}

impl<R: Runtime> Drop for IdleSocket<R> {
    fn drop(&mut self) {
        let mut socket = self.slot.lock();
        if matches!(&*socket, Socket::Waiting(_)) {
            socket.end(End::Close("nobody needs it any more"));
        }
        drop(socket);
        self.slot.keeper.wake();
    }
}

impl<R: Runtime> Slot<R> {
    /// The keeper's work. Ready when there is nothing left to keep, with what is to be closed.
    fn poll(&self, timer: &mut Timer<R>, cx: &mut Context<'_>) -> Poll<Option<Box<WsConn<R>>>> {
        self.keeper.register(cx.waker());
        let mut socket = self.lock();
        if let Socket::Waiting(waiting) = &mut *socket {
            let end = ready!(waiting.poll(timer, cx));
            socket.end(end);
        }
        Poll::Ready(match std::mem::replace(&mut *socket, Socket::Gone) {
            Socket::Leaving(conn) => Some(conn),
            Socket::Waiting(_) | Socket::Gone => None,
        })
    }

    fn lock(&self) -> MutexGuard<'_, Socket<R>> {
        // Nothing here can be left half done.
        self.socket.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<R: Runtime> Socket<R> {
    fn end(&mut self, end: End) {
        let ended = std::mem::replace(self, Self::Gone);
        let Self::Waiting(waiting) = ended else { return };
        match end {
            End::Drop(why) => trace::idle_ended(why),
            End::Close(why) => {
                trace::idle_ended(why);
                let mut conn = waiting.conn;
                // Most often it leaves at once, so that it leaves even if the runtime ends here and now.
                let _ = conn.socket.send(farewell()).now_or_never();
                *self = Self::Leaving(Box::new(conn));
            }
        }
    }
}

impl<R: Runtime> Waiting<R> {
    /// Whether something has ended it.
    fn check(&mut self, now: Timestamp) -> Option<End> {
        if self.retire_at <= now {
            return Some(RETIRED);
        }
        let mut nobody = Context::from_waker(Waker::noop());
        match self.read(FRAMES_LEFT, now, &mut nobody) {
            Poll::Ready(Some(end)) => Some(end),
            Poll::Ready(None) => Some(End::Drop("it sent frames without end")),
            Poll::Pending => None,
        }
    }

    /// Ready when the socket is to be kept no longer.
    fn poll(&mut self, timer: &mut Timer<R>, cx: &mut Context<'_>) -> Poll<End> {
        // What has arrived counts before the time that has passed.
        match self.read(FRAMES, timer.now(), cx) {
            Poll::Ready(Some(end)) => return Poll::Ready(end),
            Poll::Ready(None) => cx.waker().wake_by_ref(),
            Poll::Pending => {}
        }
        loop {
            let now = timer.now();
            if self.retire_at <= now {
                return Poll::Ready(RETIRED);
            }
            let until = match self.liveness.poll(now) {
                LivenessAction::Wait(until) => until,
                LivenessAction::SendPing => {
                    if let Err(end) = self.ping(now, cx) {
                        return Poll::Ready(end);
                    }
                    continue;
                }
                LivenessAction::Dead(_) => {
                    let until = self.doubted_at.get_or_insert(now).saturating_add(SECOND_LOOK);
                    if until <= now {
                        return Poll::Ready(End::Drop("a ping was not answered"));
                    }
                    until
                }
            };
            ready!(timer.poll_until(until.min(self.retire_at), cx));
        }
    }

    /// Reads what there is. Ready without an end when that is more than so many frames.
    fn read(&mut self, frames: usize, now: Timestamp, cx: &mut Context<'_>) -> Poll<Option<End>> {
        for _ in 0..frames {
            // A peer that does not take the answer to its last ping gets no other.
            match ready!(self.conn.socket.poll_flush_unpin(cx)) {
                Ok(()) => {}
                Err(_) => return Poll::Ready(Some(End::Drop("it failed"))),
            }
            let end = match ready!(self.conn.socket.poll_next_unpin(cx)) {
                Some(Ok(Message::Ping(_) | Message::Pong(_))) => {
                    self.liveness.handle_sign_of_life(now);
                    self.doubted_at = None;
                    continue;
                }
                Some(Ok(Message::Close(_))) => End::Close("the server closed it"),
                Some(Ok(_)) => End::Drop("it sent what nobody asked for"),
                Some(Err(_)) => End::Drop("it failed"),
                None => End::Drop("it ended"),
            };
            return Poll::Ready(Some(end));
        }
        Poll::Ready(None)
    }

    fn ping(&mut self, now: Timestamp, cx: &mut Context<'_>) -> Result<(), End> {
        self.liveness.handle_ping_sent(now);
        let failed = |_| End::Drop("it failed");
        // A peer that takes nothing gets no ping, and answers none.
        if let Poll::Ready(ready) = self.conn.socket.poll_ready_unpin(cx) {
            ready.map_err(failed)?;
            self.conn.socket.start_send_unpin(Message::Ping(Bytes::new())).map_err(failed)?;
        }
        match self.conn.socket.poll_flush_unpin(cx) {
            Poll::Ready(flushed) => flushed.map_err(failed),
            Poll::Pending => Ok(()),
        }
    }
}

const RETIRED: End = End::Close("its time is over");

fn farewell() -> Message {
    Message::Close(Some(CloseFrame { code: CloseCode::Normal, reason: "".into() }))
}

/// Sends a Close frame unless one has left, and lets the peer end the connection, in a bounded time.
async fn close<R: Runtime>(mut conn: WsConn<R>, runtime: &R) {
    let closing = async {
        // Fails when it was sent before; then reading sends what is left of it.
        let _ = conn.socket.send(farewell()).await;
        for _ in 0..FRAMES {
            if !matches!(conn.socket.next().await, Some(Ok(_))) {
                break;
            }
        }
    };
    select(pin!(closing), pin!(runtime.sleep(CLOSE_TIME))).await;
}
