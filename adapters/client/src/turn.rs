mod asking;
mod ending;
mod opening;

use std::collections::VecDeque;
use std::fmt;
use std::sync::{Arc, Weak};
use std::time::{Duration, SystemTime};

use failback::{AttemptGuard, Blame, Call, Outcome, Reason, SharedDecision, Stage, Timestamp, Transport};
use failback_wire::{Event, Headers, Request, ResponseHeaders};
use tracing::Span;
use tracing::span::EnteredSpan;

use crate::access::Access;
use crate::books::{Books, Fate, Received};
use crate::error::{Error, ErrorKind};
use crate::item::Item;
use crate::lost::UNAUTHORIZED;
use crate::observation::Observation;
use crate::{Connection, Context, LeftDial, Progress, Step, trace};

/// One turn: a request, and the attempts to get it answered, until the caller has the answer or an error.
///
/// A machine without I/O. [`step`](Self::step) says what to do, and the adapter calls the methods named
/// `handle_*` to say what happened. A call at the wrong time, such as an event before there is a connection,
/// changes nothing.
///
/// Dropping it cancels the turn: the policy hears of that. The adapter then drops the connection, as its
/// response is unfinished.
///
/// ```
/// use std::sync::Arc;
/// use std::time::SystemTime;
///
/// use failback::{Config, SharedPolicy, Transport};
/// use failback_client::{Connection, Context, Item, Step, Turn};
/// use failback_wire::{Event, Headers, Request};
///
/// let policy = SharedPolicy::new(Config::new());
/// let context = Arc::new(Context::new(policy, Arc::new(Headers::new())));
/// let mut turn = Turn::new(&context, Request::text("m", "Say hello."));
///
/// assert!(matches!(turn.step(), Step::Connect { transport: Transport::WebSocket, .. }));
/// turn.handle_connected(Connection::default());
/// let Step::Send(frame) = turn.step() else { panic!("the request is sent next") };
/// assert!(frame.starts_with(r#"{"type":"response.create""#));
/// turn.handle_sent();
/// assert!(matches!(turn.step(), Step::Read));
/// let event = Event::parse(r#"{"type":"response.completed","response":{"id":"r"}}"#)?;
/// turn.handle_event(event, SystemTime::now);
/// assert!(matches!(turn.step(), Step::Keep { completed: Some(id) } if id == "r"));
/// assert!(matches!(turn.step(), Step::Yield(Item::Event(_))));
/// assert!(matches!(turn.step(), Step::Done));
/// # Ok::<(), failback_wire::EventError>(())
/// ```
#[must_use = "a turn does nothing until its steps are carried out"]
pub struct Turn {
    context: Arc<Context>,
    request: Request,
    access: Access,
    number: u64,
    /// Everything that is logged of the turn is in it.
    span: Span,
    deadline: Option<Deadline>,
    /// How large the message is that was sent last.
    message_bytes: usize,
    books: Books,
    progress: Arc<Progress>,
    /// When its latest attempt began.
    begun: Timestamp,
    state: State,
    /// Lives as long as the handshake that the turn has left is under way.
    left: Weak<()>,
    /// What the adapter is to do with the connection. That step comes before the items, as the caller may
    /// drop the turn when it has the last event.
    release: Option<Release>,
    /// What to give to the caller, in order.
    items: VecDeque<Item>,
}

/// When the turn has to be over.
#[derive(Clone, Copy)]
struct Deadline {
    at: Timestamp,
    limit: Duration,
}

enum State {
    /// No attempt has begun.
    Opening,
    /// Between two attempts.
    Waiting(Call),
    /// A connection is asked for, or the credentials for it are.
    Connecting(Connecting),
    /// A connection is there. The request has been sent or not.
    Connected(Attempt),
    /// The turn has failed, and its caller has not been told yet.
    Failing(Error),
    Over,
}

/// An attempt that has no connection yet, or no longer one because its credentials were refused.
struct Connecting {
    guard: AttemptGuard,
    /// When the head start of the handshake ends (R17).
    divert_at: Option<Timestamp>,
    /// The words with which the server has refused the credentials.
    refused: Option<String>,
}

/// An attempt that has a connection.
struct Attempt {
    guard: AttemptGuard,
    connection: Connection,
    /// `Open` until an event was delivered.
    stage: Stage,
    is_sent: bool,
    /// Whether the caller has left it alone for so long that the peer may have ended it for that.
    left_alone: bool,
}

impl Attempt {
    fn handle_progress(&self, context: &Context) {
        self.guard.handle_progress();
        if self.guard.is_probe() {
            if let Some(file) = context.state_file() {
                file.renew_lease();
            }
        }
    }
}

enum Release {
    Keep { completed: Option<String> },
    Close,
}

impl Turn {
    /// A turn of this client with this request. Nothing happens before its first step is asked for, but its
    /// deadline counts from now.
    pub fn new(context: &Arc<Context>, request: Request) -> Self {
        let limit = request.deadline().or(context.deadline()).filter(|limit| *limit < Duration::MAX);
        let deadline =
            limit.map(|limit| Deadline { at: context.policy().now().saturating_add(limit), limit });
        let number = context.number_turn();
        let mut turn = Self {
            context: Arc::clone(context),
            access: Access::new(Arc::clone(context.headers()), context.has_provider()),
            request,
            number,
            span: trace::turn(number),
            deadline,
            message_bytes: 0,
            books: Books::default(),
            progress: Arc::default(),
            begun: Timestamp::ZERO,
            state: State::Opening,
            left: Weak::new(),
            release: None,
            items: VecDeque::new(),
        };
        turn.add_headers();
        turn
    }

    /// Adds the headers of the request to those of the client.
    fn add_headers(&mut self) {
        let (own, clients) = (self.request.headers(), self.context.headers());
        if own.is_empty() {
            return;
        }
        match own.check_for_one_request(clients) {
            Ok(()) => {
                let mut headers = (**clients).clone();
                headers.extend(own.clone());
                self.access = Access::new(Arc::new(headers), self.context.has_provider());
            }
            Err(error) => self.stop(ErrorKind::Request(error.into()), ""),
        }
    }

    /// The headers of this turn's requests, and of the handshakes that are made for it: the client's, those
    /// of its request, and the credentials that a provider has given last.
    #[must_use]
    pub const fn headers(&self) -> &Arc<Headers> {
        self.access.headers()
    }

    /// How far the turn has come, to be watched from where the turn is not.
    #[must_use]
    pub fn progress(&self) -> &Arc<Progress> {
        &self.progress
    }

    /// When the turn has to be over, by the policy's clock: call [`handle_deadline`](Self::handle_deadline)
    /// then, in the middle of whatever [`step`](Self::step) had asked for. `None` if the turn may take for
    /// ever, and after that call.
    #[must_use]
    pub fn deadline(&self) -> Option<Timestamp> {
        self.deadline.map(|deadline| deadline.at)
    }

    /// What to do next. When the deadline is over, that is to end.
    pub fn step(&mut self) -> Step {
        loop {
            match self.release.take() {
                Some(Release::Keep { completed }) => return Step::Keep { completed },
                Some(Release::Close) => return Step::Close,
                None => {}
            }
            if let Some(item) = self.items.pop_front() {
                return Step::Yield(item);
            }
            // Asked for here too, as a connection may always have something to read.
            if self.deadline.is_some_and(|deadline| deadline.at <= self.context.policy().now()) {
                self.handle_deadline();
                continue;
            }
            if let Some(ask) = self.ask() {
                return ask;
            }
            match &self.state {
                State::Opening => self.open(),
                State::Waiting(_) => {
                    if let Some(until) = self.begin_again() {
                        return Step::Wait(until);
                    }
                }
                State::Connecting(Connecting { guard, divert_at, .. }) => {
                    return Step::Connect { transport: guard.transport(), divert_at: *divert_at };
                }
                State::Connected(attempt) if attempt.is_sent => return Step::Read,
                State::Connected(attempt) => {
                    let (message, transport) = (self.message(attempt), attempt.guard.transport());
                    // A continuation may have been measured that cannot be sent on this connection.
                    let fits = self.context.size_limit().allows(message.len());
                    if transport == Transport::WebSocket && !fits {
                        self.refuse_to_send();
                        continue;
                    }
                    self.message_bytes = message.len();
                    return Step::Send(message);
                }
                State::Failing(_) => match std::mem::replace(&mut self.state, State::Over) {
                    State::Failing(error) => return Step::Fail(error),
                    other => self.state = other,
                },
                State::Over => return Step::Done,
            }
        }
    }

    /// Whether no attempt has begun, and the turn may go over WebSocket: the time to offer it a handshake
    /// that was begun ahead of it ([`adopt`](Self::adopt)).
    #[must_use]
    pub fn is_new(&self) -> bool {
        matches!(self.state, State::Opening) && self.why_over_sse().is_none()
    }

    /// The turn begins, and waits for this handshake, which was begun ahead of it, instead of one of its own
    /// (R17). The next step is to [`Connect`](Step::Connect): the connection that the handshake makes is the
    /// turn's, and how it fails is told to the turn.
    ///
    /// # Errors
    ///
    /// The dial itself. It goes on without a turn, because this one has begun already, or because the policy
    /// does not let it wait for that handshake.
    pub fn adopt(&mut self, dial: LeftDial) -> Result<(), LeftDial> {
        if !self.is_new() {
            return Err(dial);
        }
        let (guard, credentials) = dial.adopt()?;
        self.begin(guard, true);
        if let Some(credentials) = credentials {
            self.access.give(credentials);
        }
        Ok(())
    }

    /// The turn has a connection for the transport that it asked for.
    pub fn handle_connected(&mut self, connection: Connection) {
        if self.access.request().is_some() {
            return;
        }
        self.state = match std::mem::replace(&mut self.state, State::Over) {
            State::Connecting(Connecting { guard, .. }) => State::Connected(Attempt {
                guard,
                connection,
                stage: Stage::Open,
                is_sent: false,
                left_alone: false,
            }),
            other => other,
        };
        if let State::Connected(Attempt {
            connection: Connection { credentials: Some(theirs), .. }, ..
        }) = &self.state
        {
            self.access.conceal(theirs);
        }
    }

    /// The head of an answer has come: over SSE that of the answer to the POST, over WebSocket that of the
    /// answer to the handshake, told after [`handle_connected`](Self::handle_connected). The head of a
    /// refusal is told with [`handle_failure`](Self::handle_failure).
    pub fn handle_response_headers(&self, headers: ResponseHeaders) {
        if let State::Connected(_) = &self.state {
            self.progress.answer(Some(headers));
        }
    }

    /// The head start of the handshake is over (R17). The turn goes on over SSE, and the handshake goes on
    /// without the turn: tell the returned [`LeftDial`] how it ends. `None` if the turn must wait for this
    /// handshake.
    pub fn divert(&mut self) -> Option<LeftDial> {
        if self.access.request().is_some() {
            return None;
        }
        let Connecting { guard, divert_at, refused } = match std::mem::replace(&mut self.state, State::Over) {
            State::Connecting(connecting) => connecting,
            other => {
                self.state = other;
                return None;
            }
        };
        let (reason, number) = (guard.reason(), guard.number());
        let _entered = self.enter();
        match guard.divert() {
            Ok((call, dial)) => {
                let head_start = self.context.policy().config().head_start();
                self.tell(&Observation::Diverted { turn: self.number, number, head_start });
                self.books.divert(reason, head_start);
                let (context, access) = (Arc::clone(&self.context), self.access.clone());
                let left = LeftDial::new(dial, reason, context, access, self.number, self.span.clone());
                self.left = left.watch();
                self.wait(call);
                Some(left)
            }
            Err(guard) => {
                self.state = State::Connecting(Connecting { guard, divert_at, refused });
                None
            }
        }
    }

    /// The request has been sent.
    pub fn handle_sent(&mut self) {
        if let State::Connected(attempt) = &mut self.state {
            attempt.is_sent = true;
            let last_completed = attempt.connection.last_completed.as_deref();
            self.books.send(self.request.names_response(last_completed));
        }
    }

    /// Whether this event, which has just arrived, does nothing but go to the caller, as nearly all of a
    /// response do. Then it counts as delivered: give it to the caller, and ask for the next
    /// [`step`](Self::step) when the caller asks for the next item. If not, call
    /// [`handle_event`](Self::handle_event).
    #[must_use]
    pub fn passes(&mut self, event: &Event) -> bool {
        let State::Connected(attempt) = &mut self.state else { return false };
        let passes = attempt.stage == Stage::Streaming && event.terminal().is_none();
        if passes {
            self.books.deliver(event);
            attempt.handle_progress(&self.context);
        }
        passes
    }

    /// An event arrived. `now` is asked only if the event tells of an error. It is subtracted from a date at
    /// which the server wants to be asked again.
    pub fn handle_event(&mut self, event: Event, now: impl FnOnce() -> SystemTime) {
        let State::Connected(attempt) = &mut self.state else { return };
        let (transport, stage) = (attempt.guard.transport(), attempt.stage);
        let received = self.books.receive(event, transport, stage, now);
        match received {
            Received::Deliver(event) => self.deliver(event),
            Received::Complete(event) => {
                let completed = event.response_id().map(str::to_owned);
                self.deliver(event);
                // R6: a warm-up does not show that WebSocket can carry a response.
                let warmed_up = transport == Transport::WebSocket && !self.request.generates();
                self.end(if warmed_up { Outcome::Ended } else { Outcome::Completed }, completed);
            }
            Received::End(event) => {
                self.deliver(event);
                self.end(Outcome::Ended, None);
            }
            Received::Fail(fault, fate) => {
                if fault.status() == Some(UNAUTHORIZED) && self.renews() {
                    return self.renew(fault);
                }
                if fault.failure().blame() == Blame::Payload {
                    self.learn_size(transport, stage);
                }
                self.release = Some(match fate {
                    Fate::Keep => Release::Keep { completed: None },
                    Fate::Close => Release::Close,
                });
                self.fail(fault);
            }
        }
    }

    /// Whether [`handle_sign_of_life`](Self::handle_sign_of_life) has an effect, from now to the next event.
    /// It has one for a probe whose first event has come (R8).
    #[must_use]
    pub fn wants_signs_of_life(&self) -> bool {
        let State::Connected(attempt) = &self.state else { return false };
        attempt.stage == Stage::Streaming && attempt.guard.is_probe()
    }

    /// Something arrived that is not an event: a pong, a comment, a part of an event.
    pub fn handle_sign_of_life(&self) {
        // R8: after the first event, a model that thinks for long does not cost a probe its lease.
        if let (State::Connected(attempt), true) = (&self.state, self.wants_signs_of_life()) {
            attempt.handle_progress(&self.context);
        }
    }

    /// The caller has not read for longer than a peer has to wait. If the peer then closes the connection or
    /// is silent, that is no evidence against the transport. Call this right before
    /// [`handle_failure`](Self::handle_failure).
    pub fn handle_left_alone(&mut self) {
        if let State::Connected(attempt) = &mut self.state {
            attempt.left_alone = true;
        }
    }

    fn begin(&mut self, guard: AttemptGuard, adopted: bool) {
        self.begun = self.context.policy().now();
        self.progress.begin_attempt(guard.number(), guard.transport());
        self.tell(&Observation::Attempt {
            turn: self.number,
            number: guard.number(),
            transport: guard.transport(),
            reason: guard.reason(),
            probe: guard.is_probe(),
            adopted,
        });
        self.items.extend(self.books.begin_attempt());
        let divert_at = guard.divert_at();
        self.state = State::Connecting(Connecting { guard, divert_at, refused: None });
    }

    /// Another attempt may follow.
    fn wait(&mut self, call: Call) {
        self.access.begin_attempt();
        self.state = State::Waiting(call);
    }

    /// Begins the next attempt, or says when it may begin.
    fn begin_again(&mut self) -> Option<Timestamp> {
        let call = match std::mem::replace(&mut self.state, State::Over) {
            State::Waiting(call) => call,
            other => {
                self.state = other;
                return None;
            }
        };
        let _entered = self.enter();
        if let Some(file) = self.context.state_file() {
            if call.moved().is_none() && call.ready_at() <= self.context.policy().now() {
                file.ask_to_probe();
            }
        }
        match self.context.policy().begin_attempt(call) {
            SharedDecision::Start(guard) => {
                self.begin(guard, false);
                None
            }
            SharedDecision::Wait(call) => {
                let until = call.ready_at();
                self.state = State::Waiting(call);
                Some(until)
            }
        }
    }

    /// SSE works, and a handshake that the turn has left is still under way: the next process is to know,
    /// even if this one ends first.
    fn keep_doubt(&self, transport: Transport) {
        let is_under_way = || self.left.strong_count() > 0;
        let Some(file) = self.context.state_file().filter(|_| transport == Transport::Sse) else { return };
        if is_under_way() {
            file.doubt();
            if !is_under_way() {
                file.settle();
            }
        }
    }

    fn message(&self, attempt: &Attempt) -> String {
        match attempt.guard.transport() {
            Transport::WebSocket => {
                self.request.websocket_frame(attempt.connection.last_completed.as_deref())
            }
            Transport::Sse => self.request.sse_body(),
        }
    }

    /// Puts an event among the items. The policy hears of it first, and a notice of a new transport comes
    /// before it.
    fn deliver(&mut self, event: Event) {
        if let State::Connected(attempt) = &mut self.state {
            if attempt.stage == Stage::Streaming {
                attempt.handle_progress(&self.context);
            } else {
                attempt.stage = Stage::Streaming;
                self.begin_streaming();
            }
        }
        self.items.push_back(Item::Event(event));
    }

    /// The first event of an attempt has come.
    fn begin_streaming(&mut self) {
        let State::Connected(attempt) = &self.state else { return };
        let (transport, reason) = (attempt.guard.transport(), attempt.guard.reason());
        let _entered = self.enter();
        self.tell(&Observation::FirstEvent {
            turn: self.number,
            number: attempt.guard.number(),
            transport,
            after: self.context.policy().now().saturating_duration_since(self.begun),
        });
        attempt.handle_progress(&self.context);
        self.keep_doubt(transport);
        let cause = if reason == Reason::TooLarge { None } else { self.books.why_not_websocket() };
        if let Some(notice) = self.context.announce(transport, reason, cause) {
            self.tell(&Observation::Moved { turn: self.number, notice: notice.clone() });
            self.items.push_back(Item::Notice(notice));
        }
    }

    /// Tells everyone who listens.
    fn tell(&self, observation: &Observation) {
        self.context.tell(observation);
    }

    /// What is logged until this is dropped is in the span of the turn, changes of mode too.
    fn enter(&self) -> EnteredSpan {
        self.span.clone().entered()
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        self.cancel();
    }
}

impl fmt::Debug for Turn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let state = match &self.state {
            State::Opening => "opening",
            State::Waiting(_) => "waiting",
            State::Connecting(_) => "connecting",
            State::Connected(_) => "connected",
            State::Failing(_) => "failing",
            State::Over => "over",
        };
        f.debug_struct("Turn").field("number", &self.number).field("state", &state).finish_non_exhaustive()
    }
}
