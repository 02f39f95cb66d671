//! A WebSocket that no turn uses. It is read, pinged, and closed with a Close frame, so that the next turn
//! gets a live one or none.

use std::future::poll_fn;
use std::pin::pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use failback::{Timestamp, Transport};
use failback_client::common::SECOND_LOOK;
use failback_wire::{Liveness, LivenessAction};
use futures_util::future::select;
use futures_util::{FutureExt, SinkExt, StreamExt};
use tungstenite::protocol::CloseFrame;
use tungstenite::protocol::frame::coding::CloseCode;
use tungstenite::{Bytes, Message};

use crate::keeper::Keeper;
use crate::network::Network;
use crate::timer::Timer;
use crate::websocket::WsConn;
use crate::{Runtime, trace};

/// How many frames are read before other tasks run: a peer that always sends more must not hold the runtime
/// up.
const FRAMES: usize = 32;

/// How many frames a turn reads at most when it takes the socket. If the runtime stood still, the pings of
/// all that time wait to be read.
const FRAMES_LEFT: usize = 1024;

/// How long the peer may take to answer a Close frame. Only the socket's own task waits for that.
const CLOSE_TIME: Duration = Duration::from_secs(1);

/// A WebSocket that waits for the next turn. Dropping it closes the socket with a Close frame.
///
/// The socket lies in a slot that is shared with a task, its keeper. So a turn can take it at once, without
/// waiting for that task to run. The keeper ends when the socket is taken, is dead, or is closed.
pub(crate) struct IdleSocket<R: Runtime> {
    slot: Arc<Slot<R>>,
}

struct Slot<R: Runtime> {
    socket: Mutex<Kept<R>>,
    keeper: Keeper,
}

struct Kept<R: Runtime> {
    socket: Socket<R>,
    /// Why it has ended. The log is not told yet.
    ended: Option<&'static str>,
}

enum Socket<R: Runtime> {
    Waiting(Box<Waiting<R>>),
    /// The keeper is to close it. A Close frame may have left already.
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

/// How to end a socket that is not kept any longer, with the reason for the log.
enum End {
    /// With a Close frame.
    Close(&'static str),
    /// Without one, as the peer would not read it.
    Drop(&'static str),
}

impl<R: Runtime> IdleSocket<R> {
    /// Keeps a socket, in a task of its own.
    pub(crate) fn keep(mut conn: WsConn<R>, network: &Network<R>) -> Self {
        conn.reused = true;
        let (limits, now) = (network.limits, network.policy.now());
        let retire_at = conn.opened_at.saturating_add(limits.websocket_lifetime());
        // No event is awaited, so only a missing pong can show that it is dead.
        let limits = limits.with_first_event_timeout(Duration::MAX).with_idle_timeout(Duration::MAX);
        let limits = limits.with_event_timeout(None);
        let liveness = Liveness::new(limits, Transport::WebSocket, now);
        let waiting = Waiting { conn, liveness, retire_at, doubted_at: None };
        let socket = Mutex::new(Kept { socket: Socket::Waiting(Box::new(waiting)), ended: None });
        let slot = Arc::new(Slot { socket, keeper: Keeper::new() });

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

    /// Whether the socket still works. Never waits.
    pub(crate) fn works(&self, now: Timestamp) -> bool {
        self.slot.check(now, |kept| matches!(kept.socket, Socket::Waiting(_)))
    }

    /// Takes the socket. `None` if it has ended meanwhile or is too old. Never waits.
    pub(crate) fn take(&self, now: Timestamp) -> Option<WsConn<R>> {
        let taken = self.slot.check(now, |kept| match std::mem::replace(&mut kept.socket, Socket::Gone) {
            Socket::Waiting(waiting) => Some(waiting.conn),
            ended => {
                kept.socket = ended;
                None
            }
        });
        self.slot.keeper.wake();
        taken
    }
}

impl<R: Runtime> Drop for IdleSocket<R> {
    fn drop(&mut self) {
        self.slot.with(|kept| kept.end(End::Close("nobody needs it any more")));
        self.slot.keeper.wake();
    }
}

impl<R: Runtime> Slot<R> {
    /// The keeper's work. Ready when the socket is not to be kept any longer, with the socket if it is to be
    /// closed.
    fn poll(&self, timer: &mut Timer<R>, cx: &mut Context<'_>) -> Poll<Option<Box<WsConn<R>>>> {
        self.keeper.register(cx.waker());
        self.with(|kept| {
            if let Socket::Waiting(waiting) = &mut kept.socket {
                let end = ready!(waiting.poll(timer, cx));
                kept.end(end);
            }
            Poll::Ready(match std::mem::replace(&mut kept.socket, Socket::Gone) {
                Socket::Leaving(conn) => Some(conn),
                Socket::Waiting(_) | Socket::Gone => None,
            })
        })
    }

    /// Does this with the socket, for a turn. Ends it before if it has ended meanwhile, or is too old.
    fn check<T>(&self, now: Timestamp, act: impl FnOnce(&mut Kept<R>) -> T) -> T {
        self.with(|kept| {
            if let Socket::Waiting(waiting) = &mut kept.socket {
                if let Some(end) = waiting.check(now, &mut Context::from_waker(self.keeper.waker())) {
                    kept.end(end);
                    self.keeper.wake();
                }
            }
            act(kept)
        })
    }

    /// Does this with the socket, which is locked. If that ends it, the log is told when it is free again.
    fn with<T>(&self, act: impl FnOnce(&mut Kept<R>) -> T) -> T {
        // A thread that panicked cannot have left a change half made.
        let mut kept = self.socket.lock().unwrap_or_else(PoisonError::into_inner);
        let done = act(&mut kept);
        let ended = kept.ended.take();
        drop(kept);
        if let Some(why) = ended {
            trace::idle_ended(why);
        }
        done
    }
}

impl<R: Runtime> Kept<R> {
    /// Ends it, if it still waits.
    fn end(&mut self, end: End) {
        let waiting = match std::mem::replace(&mut self.socket, Socket::Gone) {
            Socket::Waiting(waiting) => waiting,
            ended => {
                self.socket = ended;
                return;
            }
        };
        match end {
            End::Drop(why) => self.ended = Some(why),
            End::Close(why) => {
                self.ended = Some(why);
                let mut conn = waiting.conn;
                // Written at once as far as there is room, so that most often it leaves even if the runtime
                // ends right after this.
                let _ = conn.socket.send(farewell()).now_or_never();
                self.socket = Socket::Leaving(Box::new(conn));
            }
        }
    }
}

impl<R: Runtime> Waiting<R> {
    /// Reads what has arrived, and returns how to end the socket if it is of no use any longer.
    fn check(&mut self, now: Timestamp, cx: &mut Context<'_>) -> Option<End> {
        if self.retire_at <= now {
            return Some(RETIRED);
        }
        match self.read(FRAMES_LEFT, now, cx) {
            Poll::Ready(Some(end)) => Some(end),
            Poll::Ready(None) => Some(End::Drop("it sent frames without end")),
            Poll::Pending => None,
        }
    }

    /// Ready when the socket is to be kept no longer.
    fn poll(&mut self, timer: &mut Timer<R>, cx: &mut Context<'_>) -> Poll<End> {
        // Read first: what has arrived may show that the peer is alive, although a limit has passed.
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

    /// Reads what has arrived. Ready with `None` if there may be more after so many frames, and pending if
    /// there is nothing left.
    fn read(&mut self, frames: usize, now: Timestamp, cx: &mut Context<'_>) -> Poll<Option<End>> {
        for _ in 0..frames {
            // A peer that does not take the answer to its last ping gets no other: nothing is read before
            // that has left.
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
        // If the peer takes nothing, the ping is not sent, and counts as unanswered.
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

/// Sends a Close frame unless one has left, and gives the peer a bounded time to end the connection.
async fn close<R: Runtime>(mut conn: WsConn<R>, runtime: &R) {
    let closing = async {
        // Fails if it was sent before. Reading then sends the rest of it.
        let _ = conn.socket.send(farewell()).await;
        for _ in 0..FRAMES {
            if !matches!(conn.socket.next().await, Some(Ok(_))) {
                break;
            }
        }
    };
    select(pin!(closing), pin!(runtime.sleep(CLOSE_TIME))).await;
}
