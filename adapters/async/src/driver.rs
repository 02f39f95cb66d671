use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::SystemTime;

use failback::{Timestamp, Transport};
use failback_client::{Connection, CredentialsRequest, Error, Item, LeftDial, Lost, Step, Turn};
use failback_wire::Event;
use futures_util::future::{BoxFuture, Either, select};

use crate::Runtime;
use crate::ahead::{Ahead, Dialling};
use crate::http::HttpConn;
use crate::items::Items;
use crate::shared::Shared;
use crate::sse::{self, SseStream};
use crate::timer::{Alarm, Deadline};
use crate::websocket::{WsConn, WsStream};

/// Carries out the steps of one turn.
pub(crate) struct Driver<R: Runtime> {
    state: State<R>,
}

/// What stands between two items.
enum State<R: Runtime> {
    /// Nothing: the next step is found out, or the next event is waited for.
    Here(Box<Limited<R>>),
    /// A step that takes a while. It has everything meanwhile, and gives it back.
    Away(BoxFuture<'static, Box<Limited<R>>>),
    Over,
}

/// One turn, and its deadline.
struct Limited<R: Runtime> {
    work: Work<R>,
    /// Rings when the deadline of the turn is over.
    alarm: Option<Alarm<R>>,
}

/// One turn, and what it has.
struct Work<R: Runtime> {
    // Dropped before the connection, so that the policy hears first that the turn was cancelled.
    turn: Turn,
    conn: Option<Conn<R>>,
    /// A handshake that was begun ahead of the turn, which the turn waits for (R17).
    adopted: Option<Dialling<R>>,
    shared: Arc<Shared<R>>,
}

/// The connection that the turn has.
enum Conn<R: Runtime> {
    WebSocket(Box<WsConn<R>>),
    WebSocketResponse(Box<WsStream<R>>),
    Http(Box<HttpConn>),
    SseResponse(Box<SseStream<R>>),
}

impl<R: Runtime> Driver<R> {
    pub(crate) fn new(shared: Arc<Shared<R>>, turn: Turn) -> Self {
        let network = &shared.network;
        let alarm = turn.deadline().map(|at| Alarm::new(&network.runtime, &network.policy, at));
        let work = Work { turn, conn: None, adopted: None, shared };
        Self { state: State::Here(Box::new(Limited { work, alarm })) }
    }

    /// Begins to carry out a step that takes a while. Kept apart, as the future is large.
    #[inline(never)]
    fn carry_out(&mut self, step: Step) {
        if let State::Here(turn) = std::mem::replace(&mut self.state, State::Over) {
            self.state = State::Away(Box::pin(turn.carry_out(step)));
        }
    }
}

impl<R: Runtime> Items for Driver<R> {
    fn poll_next(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Item, Error>>> {
        if let State::Here(turn) = &mut self.state {
            if turn.work.turn.is_new() {
                turn.work.adopt();
            }
        }
        loop {
            let step = match &mut self.state {
                State::Here(turn) => match turn.work.turn.step() {
                    Step::Yield(item) => return Poll::Ready(Some(Ok(item))),
                    Step::Fail(error) => return Poll::Ready(Some(Err(error))),
                    Step::Done => {
                        self.state = State::Over;
                        return Poll::Ready(None);
                    }
                    // The step that is taken for each event.
                    Step::Read => match ready!(turn.poll_read(cx)) {
                        Some(event) => return Poll::Ready(Some(Ok(Item::Event(event)))),
                        None => continue,
                    },
                    step => step,
                },
                State::Away(step) => {
                    self.state = State::Here(ready!(step.as_mut().poll(cx)));
                    continue;
                }
                State::Over => return Poll::Ready(None),
            };
            self.carry_out(step);
        }
    }
}

impl<R: Runtime> Limited<R> {
    /// Carries out a step that hands nothing to the caller. If this is dropped halfway, the turn ends.
    async fn carry_out(mut self: Box<Self>, step: Step) -> Box<Self> {
        let Self { work, alarm } = &mut *self;
        let done = work.carry_out(step);
        let Some(alarm) = alarm else {
            done.await;
            return self;
        };
        if alarm.limit(done).await.is_none() {
            work.turn.handle_deadline();
        }
        self
    }

    /// Reads one event, which is the caller's if it is returned.
    fn poll_read(&mut self, cx: &mut Context<'_>) -> Poll<Option<Event>> {
        let polled = self.work.poll_read(cx);
        if let (Poll::Pending, Some(alarm)) = (&polled, &mut self.alarm) {
            ready!(alarm.poll(cx));
            self.work.turn.handle_deadline();
            return Poll::Ready(None);
        }
        polled
    }
}

impl<R: Runtime> Work<R> {
    /// Carries out a step that hands nothing to the caller, and reads nothing.
    async fn carry_out(&mut self, step: Step) {
        let done = match step {
            Step::Wait(until) => {
                let network = &self.shared.network;
                network.runtime.sleep(network.policy.time_until(until)).await;
                Ok(())
            }
            Step::Ask { request, unless_idle } => {
                self.ask(request, unless_idle).await;
                Ok(())
            }
            Step::Connect { transport: Transport::WebSocket, divert_at } => {
                self.connect_websocket(divert_at).await
            }
            Step::Connect { transport: Transport::Sse, .. } => self.connect_sse().await,
            Step::Send(message) => self.send(message).await,
            Step::Keep { completed } => {
                self.keep(completed);
                Ok(())
            }
            Step::Close => {
                self.conn = None;
                Ok(())
            }
            // They are not carried out here.
            Step::Read | Step::Yield(_) | Step::Fail(_) | Step::Done => Ok(()),
        };
        if let Err(lost) = done {
            self.fail(&lost);
        }
    }

    /// Gives the turn credentials, or says that it needs none.
    async fn ask(&mut self, request: CredentialsRequest, unless_idle: bool) {
        if unless_idle && self.shared.pool.has_websocket(self.shared.network.policy.now()) {
            return self.turn.handle_idle_websocket();
        }
        let answer = self.shared.network.ask(request).await;
        self.turn.handle_credentials(answer);
    }

    /// Begins the turn with a handshake that was begun ahead of it, if there is one.
    fn adopt(&mut self) {
        let Some(Ahead { left, handshake, .. }) = self.shared.pool.take_ahead() else { return };
        let dial = handshake.into_dialling();
        match self.turn.adopt(left) {
            Ok(()) => self.adopted = Some(dial),
            Err(left) => self.leave(dial, left),
        }
    }

    /// Gives the turn a WebSocket, or goes on without one when the head start is over (R17).
    async fn connect_websocket(&mut self, divert_at: Option<Timestamp>) -> Result<(), Lost> {
        let network = &self.shared.network;
        let idle = self.shared.pool.take_websocket(network.policy.now());
        if let Some(conn) = idle.filter(|conn| self.turn.can_use(conn.credentials.as_ref())) {
            self.use_websocket(conn);
            return Ok(());
        }
        let mut dial = match self.adopted.take() {
            Some(dial) => dial,
            None if !self.turn.handle_none_idle() => return Ok(()),
            None => {
                let (dialled, headers) = (network.clone(), Arc::clone(self.turn.headers()));
                Box::pin(async move { WsConn::connect(&dialled, &headers).await })
            }
        };
        let mut in_time = None;
        if let Some(divert_at) = divert_at {
            let head_start = network.policy.time_until(divert_at);
            let mut deadline = Deadline::by_the_clock(&network.runtime, head_start);
            in_time = deadline.limit(dial.as_mut()).await;
            if in_time.is_none() {
                if let Some(left) = self.turn.divert() {
                    self.leave(dial, left);
                    return Ok(());
                }
            }
        }
        let mut conn = match in_time {
            Some(dialled) => dialled?,
            None => dial.await?,
        };
        conn.credentials = self.turn.credentials().cloned();
        self.use_websocket(conn);
        Ok(())
    }

    /// R17: the handshake goes on without its turn, for as long as the client lives.
    fn leave(&self, dial: Dialling<R>, mut left: LeftDial) {
        let ended = self.shared.pool.hold_dial();
        let (network, shared) = (self.shared.network.clone(), Arc::downgrade(&self.shared));
        self.shared.network.runtime.spawn(async move {
            // If the client stops the handshake, or has no credentials for it, `left` is dropped, and the
            // policy hears that it was abandoned.
            let dialled = Box::pin(async { network.renew(dial.await, &mut left).await });
            let Either::Left((Some(dialled), _)) = select(dialled, ended).await else { return };
            let Some(shared) = shared.upgrade() else { return };
            shared.settle(left, dialled);
        });
    }

    fn use_websocket(&mut self, conn: WsConn<R>) {
        self.turn.handle_connected(conn.describe());
        self.turn.handle_response_headers(conn.headers.clone());
        self.conn = Some(Conn::WebSocket(Box::new(conn)));
    }

    /// Gives the turn an HTTP connection.
    async fn connect_sse(&mut self) -> Result<(), Lost> {
        let network = &self.shared.network;
        let kept = self.shared.pool.take_http(network.policy.now());
        let connection = Connection { reused: kept.is_some(), ..Connection::default() };
        let conn = match kept {
            Some(conn) => conn,
            None => sse::connect(network).await?,
        };
        self.turn.handle_connected(connection);
        self.conn = Some(Conn::Http(Box::new(conn)));
        Ok(())
    }

    async fn send(&mut self, message: String) -> Result<(), Lost> {
        let network = &self.shared.network;
        self.conn = Some(match self.conn.take() {
            Some(Conn::WebSocket(conn)) => Conn::WebSocketResponse(Box::new(conn.request(network, message)?)),
            Some(Conn::Http(conn)) => {
                let sent = SseStream::request(network, *conn, self.turn.headers(), message).await?;
                let (stream, headers) = sent;
                self.turn.handle_response_headers(headers);
                Conn::SseResponse(Box::new(stream))
            }
            _ => return Err(Lost::internal("there is no connection to send on")),
        });
        self.turn.handle_sent();
        Ok(())
    }

    /// Reads one event of the response. It is returned if it does nothing but go to the caller.
    fn poll_read(&mut self, cx: &mut Context<'_>) -> Poll<Option<Event>> {
        let turn = &self.turn;
        let tell = || turn.handle_sign_of_life();
        let read = match &mut self.conn {
            Some(Conn::WebSocketResponse(stream)) => {
                let on_life: Option<&(dyn Fn() + Sync)> =
                    if turn.wants_signs_of_life() { Some(&tell) } else { None };
                ready!(stream.poll_next(on_life, cx))
            }
            Some(Conn::SseResponse(stream)) => ready!(stream.poll_next(cx)),
            _ => Err(Lost::internal("there is no response to read")),
        };
        match read {
            Ok(event) if self.turn.passes(&event) => return Poll::Ready(Some(event)),
            Ok(event) => self.turn.handle_event(event, SystemTime::now),
            Err(lost) => self.fail(&lost),
        }
        Poll::Ready(None)
    }

    fn fail(&mut self, lost: &Lost) {
        let was_left_alone = match &self.conn {
            Some(Conn::WebSocketResponse(stream)) => stream.was_left_alone(),
            Some(Conn::SseResponse(stream)) => stream.was_left_alone(),
            _ => false,
        };
        if was_left_alone {
            self.turn.handle_left_alone();
        }
        self.turn.handle_failure(lost, SystemTime::now());
    }

    /// The response is over. Its connection goes back to the pool.
    fn keep(&mut self, completed: Option<String>) {
        let Shared { network, pool, .. } = &*self.shared;
        match self.conn.take() {
            Some(Conn::WebSocketResponse(stream)) => {
                let conn = stream.finish(completed);
                // It cannot be used again if the server answered before the whole request had left.
                if conn.is_reusable() {
                    pool.put_websocket(conn, network);
                }
            }
            Some(Conn::SseResponse(stream)) => {
                let (conn, rest) = stream.finish();
                pool.put_http(conn, rest, network);
            }
            _ => {}
        }
    }
}
