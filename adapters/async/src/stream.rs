use std::collections::VecDeque;
use std::fmt;
use std::future::poll_fn;
use std::pin::Pin;
use std::sync::{Arc, PoisonError};
use std::task::{Context, Poll};
use std::time::SystemTime;

use failback::{
    AttemptGuard, Call, DialGuard, DialOutcome, Outcome, Reason, SharedDecision, Stage, Transport, Verdict,
};
use failback_wire::{Error, Event, Fate, Fault, Item, Received, Request, Turn};
use futures_core::Stream;
use futures_core::future::BoxFuture;
use futures_core::stream::{BoxStream, FusedStream};
use futures_util::future::{Either, select};
use futures_util::stream::{Fuse, StreamExt};

use crate::client::Shared;
use crate::sse::{self, SseStream};
use crate::timer::Deadline;
use crate::websocket::{WsConn, WsStream};
use crate::{Runtime, trace};

/// The items of one turn: the events of its response, and what happens to its transport.
///
/// Ends after the event that ends the response, or after an error. Reading slowly slows the server. Dropping it
/// cancels the turn.
#[must_use = "a stream does nothing until it is polled"]
pub struct ResponseStream {
    items: Fuse<BoxStream<'static, Result<Item, Error>>>,
}

impl ResponseStream {
    pub(crate) fn new<R: Runtime>(shared: Arc<Shared<R>>, request: Request, number: u64) -> Self {
        let driver = Driver {
            shared,
            request,
            number,
            turn: Turn::new(),
            queue: VecDeque::new(),
            phase: Phase::Opening,
        };
        let items = futures_util::stream::unfold(driver, |mut driver| async {
            let item = driver.next().await?;
            Some((item, driver))
        });
        Self { items: items.boxed().fuse() }
    }

    /// The next item: [`StreamExt::next`] for those who have no use for the rest of it.
    pub async fn next(&mut self) -> Option<Result<Item, Error>> {
        poll_fn(|cx| self.items.poll_next_unpin(cx)).await
    }
}

impl Stream for ResponseStream {
    type Item = Result<Item, Error>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.items.poll_next_unpin(cx)
    }
}

impl FusedStream for ResponseStream {
    fn is_terminated(&self) -> bool {
        self.items.is_done()
    }
}

impl fmt::Debug for ResponseStream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ResponseStream").field("done", &self.items.is_done()).finish()
    }
}

/// Carries one turn from its call to its last item.
struct Driver<R: Runtime> {
    shared: Arc<Shared<R>>,
    request: Request,
    number: u64,
    turn: Turn,
    /// Items that are ready, in order.
    queue: VecDeque<Item>,
    phase: Phase<R>,
}

enum Phase<R: Runtime> {
    Opening,
    Deciding(Call),
    Connecting(AttemptGuard),
    Streaming(AttemptGuard, Source<R>),
    Failing(Error),
    Over,
}

/// Where the events of an attempt come from.
enum Source<R: Runtime> {
    WebSocket(Box<WsStream<R>>),
    Sse(Box<SseStream<R>>),
}

impl<R: Runtime> Driver<R> {
    async fn next(&mut self) -> Option<Result<Item, Error>> {
        loop {
            if let Some(item) = self.queue.pop_front() {
                return Some(Ok(item));
            }
            // A phase that is interrupted is over: what it held is dropped, and reports so.
            self.phase = match std::mem::replace(&mut self.phase, Phase::Over) {
                Phase::Opening => self.begin(self.shared.network.clock.begin_call()),
                Phase::Deciding(call) => self.decide(call).await,
                Phase::Connecting(attempt) => match attempt.transport() {
                    Transport::WebSocket => self.connect_websocket(attempt).await,
                    Transport::Sse => self.connect_sse(attempt).await,
                },
                Phase::Streaming(attempt, source) => self.receive(attempt, source).await,
                Phase::Failing(error) => return Some(Err(error)),
                Phase::Over => return None,
            };
        }
    }

    async fn decide(&mut self, mut call: Call) -> Phase<R> {
        let network = &self.shared.network;
        let attempt = loop {
            match network.clock.begin_attempt(call) {
                SharedDecision::Start(attempt) => break attempt,
                SharedDecision::Wait(waiting) => {
                    let wait = network.clock.time_until(waiting.ready_at());
                    trace::wait(self.number, wait);
                    network.runtime.sleep(wait).await;
                    call = waiting;
                }
            }
        };
        self.begin(attempt)
    }

    fn begin(&mut self, attempt: AttemptGuard) -> Phase<R> {
        self.shared.trace_mode();
        trace::attempt(self.number, &attempt);
        self.queue.extend(self.turn.begin_attempt());
        Phase::Connecting(attempt)
    }

    async fn connect_websocket(&mut self, attempt: AttemptGuard) -> Phase<R> {
        let network = &self.shared.network;
        let conn = match self.shared.pool.take_websocket(network.clock.now()) {
            Some(conn) => Ok(conn),
            None => {
                let network = network.clone();
                let dial: Dialling<R> = Box::pin(async move { WsConn::connect(&network).await });
                match self.give_head_start(attempt, dial).await {
                    Ok((again, conn)) => return self.open_websocket(again, conn),
                    Err(phase) => return phase,
                }
            }
        };
        self.open_websocket(attempt, conn)
    }

    /// R17: waits for the handshake, but not for longer than the head start.
    async fn give_head_start(
        &mut self,
        attempt: AttemptGuard,
        mut dial: Dialling<R>,
    ) -> Result<(AttemptGuard, Result<WsConn<R>, Fault>), Phase<R>> {
        let Some(head_start) = attempt.time_until_divert() else {
            return Ok((attempt, dial.await));
        };
        let mut deadline = Deadline::after(&self.shared.network.runtime, head_start);
        if let Some(conn) = deadline.limit(dial.as_mut()).await {
            return Ok((attempt, conn));
        }
        let reason = attempt.reason();
        trace::diverted(self.number, &attempt, head_start);
        let (call, guard) = match attempt.divert() {
            Ok(diverted) => diverted,
            Err(attempt) => return Ok((attempt, dial.await)),
        };
        self.turn.divert(reason, head_start);
        self.leave(dial, guard);
        Err(Phase::Deciding(call))
    }

    /// R17: the handshake goes on without its turn, for as long as the client lives.
    fn leave(&self, dial: Dialling<R>, guard: DialGuard) {
        let ended = self.shared.pool.hold_dial();
        let shared = Arc::downgrade(&self.shared);
        self.shared.network.runtime.spawn(async move {
            // Dropped with the client, or by it: the guard reports that it was abandoned.
            let Either::Left((result, _)) = select(dial, ended).await else { return };
            let Some(shared) = shared.upgrade() else { return };
            match result.map_err(|fault| fault.redacted(&shared.network.headers)) {
                Ok(conn) => {
                    trace::dialled(None);
                    // Kept before the policy hears of it, so that the turn that is told to use it finds it.
                    shared.pool.put_websocket(conn, &shared.network);
                    guard.handle_dial(DialOutcome::Opened);
                }
                Err(fault) => {
                    trace::dialled(Some(fault.text()));
                    guard.handle_dial(DialOutcome::Failed(fault.failure()));
                }
            }
            shared.trace_mode();
        });
    }

    fn open_websocket(&mut self, attempt: AttemptGuard, conn: Result<WsConn<R>, Fault>) -> Phase<R> {
        let stream = match conn {
            Ok(conn) => {
                self.turn.send(self.request.names_response(conn.last_completed()));
                let frame = self.request.websocket_frame(conn.last_completed());
                conn.request(&self.shared.network, frame)
            }
            Err(fault) => Err(fault),
        };
        match stream {
            Ok(stream) => Phase::Streaming(attempt, Source::WebSocket(Box::new(stream))),
            Err(fault) => self.fail(attempt, fault),
        }
    }

    async fn connect_sse(&mut self, attempt: AttemptGuard) -> Phase<R> {
        let network = &self.shared.network;
        let (conn, reused) = match self.shared.pool.take_http(network.clock.now()) {
            Some(conn) => (Ok(conn), true),
            None => (sse::connect(network).await, false),
        };
        let stream = match conn {
            Ok(conn) => SseStream::request(network, conn, reused, self.request.sse_body()).await,
            Err(fault) => Err(fault),
        };
        match stream {
            Ok(stream) => Phase::Streaming(attempt, Source::Sse(Box::new(stream))),
            Err(fault) => self.fail(attempt, fault),
        }
    }

    async fn receive(&mut self, attempt: AttemptGuard, mut source: Source<R>) -> Phase<R> {
        // R8.
        let on_life = || {
            if attempt.is_probe() {
                attempt.handle_progress();
            }
        };
        let event = match source.next(on_life).await {
            Ok(event) => event,
            Err(fault) => return self.fail(attempt, fault),
        };
        let (transport, stage) = (attempt.transport(), source.stage());
        match self.turn.receive(event, transport, stage, SystemTime::now()) {
            Received::Deliver(event) => {
                self.progress(&attempt, &mut source, event);
                Phase::Streaming(attempt, source)
            }
            Received::Complete(event) => {
                let id = event.response_id().map(str::to_owned);
                self.progress(&attempt, &mut source, event);
                self.keep(source, id);
                // R6: a warm-up shows nothing of what WebSocket can carry.
                let warmed_up = transport == Transport::WebSocket && !self.request.generates();
                self.end(attempt, if warmed_up { Outcome::Ended } else { Outcome::Completed })
            }
            Received::End(event) => {
                self.progress(&attempt, &mut source, event);
                self.keep(source, None);
                self.end(attempt, Outcome::Ended)
            }
            Received::Fail(fault, fate) => {
                if fate == Fate::Keep {
                    self.keep(source, None);
                }
                self.fail(attempt, fault)
            }
        }
    }

    /// An event is about to be delivered: the policy hears of it first, and the caller of a change of transport.
    fn progress(&mut self, attempt: &AttemptGuard, source: &mut Source<R>, event: Event) {
        attempt.handle_progress();
        if source.stage() != Stage::Streaming {
            source.handle_progress();
            self.shared.trace_mode();
            let (transport, reason) = (attempt.transport(), attempt.reason());
            let mode = self.shared.network.clock.mode();
            let cause = if reason == Reason::TooLarge { None } else { self.turn.why_not_websocket() };
            let mut announcer = self.shared.announcer.lock().unwrap_or_else(PoisonError::into_inner);
            if let Some(notice) = announcer.announce(transport, reason, mode, cause) {
                trace::notice(self.number, &notice);
                self.queue.push_back(Item::Notice(notice));
            }
        }
        self.queue.push_back(Item::Event(event));
    }

    /// The response is over, and its connection is as good as before.
    fn keep(&self, source: Source<R>, completed: Option<String>) {
        let Shared { network, pool, .. } = &*self.shared;
        match source {
            Source::WebSocket(stream) => {
                let conn = stream.finish(completed);
                // A server may answer before the request has left to its end.
                if conn.is_reusable() {
                    pool.put_websocket(conn, network);
                }
            }
            Source::Sse(stream) => pool.put_http(stream.finish(), network),
        }
    }

    fn end(&mut self, attempt: AttemptGuard, outcome: Outcome) -> Phase<R> {
        let result = if outcome == Outcome::Completed { "completed" } else { "ended" };
        trace::ended(self.number, attempt.transport().as_str(), result);
        // Nothing is to be done about a call that is over.
        let _ = attempt.handle_outcome(outcome);
        self.shared.trace_mode();
        Phase::Over
    }

    fn fail(&mut self, attempt: AttemptGuard, fault: Fault) -> Phase<R> {
        let fault = &fault.redacted(&self.shared.network.headers);
        let failure = self.turn.fail(attempt.transport(), attempt.reason(), fault);
        trace::failed(self.number, &attempt, &failure, fault.text());
        let verdict = attempt.handle_outcome(Outcome::Failed(failure));
        self.shared.trace_mode();
        match verdict {
            Verdict::Done => Phase::Over,
            Verdict::Retry(call) => Phase::Deciding(call),
            Verdict::GiveUp(give_up) => {
                trace::gave_up(self.number, give_up.as_str());
                Phase::Failing(std::mem::take(&mut self.turn).give_up(give_up))
            }
        }
    }
}

/// A handshake under way.
type Dialling<R> = BoxFuture<'static, Result<WsConn<R>, Fault>>;

impl<R: Runtime> Source<R> {
    /// The next event. `on_life` hears of what shows that a WebSocket lives.
    async fn next(&mut self, on_life: impl Fn()) -> Result<Event, Fault> {
        match self {
            Self::WebSocket(stream) => stream.next(on_life).await,
            Self::Sse(stream) => stream.next().await,
        }
    }

    fn stage(&self) -> Stage {
        match self {
            Self::WebSocket(stream) => stream.stage(),
            Self::Sse(stream) => stream.stage(),
        }
    }

    fn handle_progress(&mut self) {
        match self {
            Self::WebSocket(stream) => stream.handle_progress(),
            Self::Sse(stream) => stream.handle_progress(),
        }
    }
}
