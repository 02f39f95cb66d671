//! Turns of the client machine without I/O, driven by any bytes: what a caller is told stays consistent
//! whatever the network does.

mod asking;

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, SystemTime};

use failback::{Config, Mode, Policy, Replay, SharedPolicy, Timestamp, Transport};
use failback_client::{Connection, Context, Error, ErrorKind, Item, LeftDial, Lost, Refusal, Step, Turn};
use failback_wire::{Event, Headers, Request, Seen, http};

use asking::{Provider, token};

/// More steps than any turn takes with the settings used here.
const STEPS: usize = 2_000;

/// Numbers taken from bytes; zeros when there are none left.
struct Choices<'a>(&'a [u8]);

impl Choices<'_> {
    fn next(&mut self) -> u8 {
        match self.0.split_first() {
            Some((first, rest)) => {
                self.0 = rest;
                *first
            }
            None => 0,
        }
    }

    fn one_in(&mut self, n: u8) -> bool {
        self.next() % n == n - 1
    }
}

/// What the caller of a turn has.
#[derive(Default)]
struct Caller {
    /// The events it holds, by the number that each was given when it was made.
    held: Vec<u64>,
    failed: bool,
    /// The turn was told that its deadline is over.
    stopped: bool,
}

/// Whether the adapter has a connection for the turn.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Have {
    Nothing,
    Connection,
}

/// Runs a few turns of one client through whatever the bytes say.
///
/// # Panics
/// When a turn does not end, delivers an event twice, late or not at all, takes back what it has not
/// delivered, or asks for something that makes no sense.
pub fn drive(bytes: &[u8]) {
    let mut choices = Choices(bytes);
    let clock = Arc::new(AtomicU64::new(0));
    let first = choices.next();
    let config = Config::new()
        .with_stream_max_retries(first % 4)
        .with_max_recoveries(choices.next() % 3)
        .with_cooldown(Duration::from_millis(u64::from(choices.next())))
        .with_head_start(Duration::from_millis(u64::from(choices.next())))
        .with_replay(if choices.one_in(2) { Replay::Restart } else { Replay::BeforeOutput });
    let policy = {
        let clock = Arc::clone(&clock);
        let now = move || Timestamp::from_millis(clock.load(Ordering::Relaxed));
        SharedPolicy::with_clock(now, |now| Policy::new(config, 7, now))
    };
    let has_provider = first & 64 != 0;
    let context = Context::new(policy.clone(), Arc::new(Headers::new())).with_provider(has_provider);
    let context = Arc::new(context);
    let mut dials = Vec::new();
    for _ in 0..=choices.next() % 4 {
        let mut request = Request::text("m", "hello");
        if first >= 128 {
            let limit = Duration::from_millis(1 + 8 * u64::from(choices.next()));
            request = request.with_deadline(limit).expect("some time");
        }
        let mut turn = Turn::new(&context, request);
        if first & 64 != 0 {
            adopt(&mut turn, &context, &mut choices, &mut dials);
        }
        Drive {
            deadline: turn.deadline(),
            turn,
            policy: &policy,
            choices: &mut choices,
            clock: &clock,
            dials: &mut dials,
            made: 0,
            caller: Caller::default(),
            provider: has_provider.then(Provider::default),
            is_failing: false,
        }
        .run();
    }
}

/// Perhaps a warm-up begins, and perhaps the turn adopts what no turn waits for.
fn adopt(turn: &mut Turn, context: &Arc<Context>, choices: &mut Choices<'_>, dials: &mut Vec<LeftDial>) {
    if choices.one_in(2) {
        dials.extend(LeftDial::ahead(context, None));
    }
    if choices.one_in(2) {
        if let Some(dial) = dials.pop() {
            let refused = turn.adopt(dial).err();
            assert_eq!(refused.is_some(), turn.is_new());
            dials.extend(refused);
        }
    }
}

struct Drive<'a, 'b> {
    turn: Turn,
    /// When it has to be over. `None` too when it has been told that it has to.
    deadline: Option<Timestamp>,
    policy: &'a SharedPolicy,
    choices: &'a mut Choices<'b>,
    clock: &'a AtomicU64,
    dials: &'a mut Vec<LeftDial>,
    /// Events made so far.
    made: u64,
    caller: Caller,
    provider: Option<Provider>,
    /// An attempt has failed whose connection the turn has not given up yet.
    is_failing: bool,
}

impl Drive<'_, '_> {
    fn run(mut self) {
        let mut have = Have::Nothing;
        for _ in 0..STEPS {
            self.clock.fetch_add(u64::from(self.choices.next() % 16), Ordering::Relaxed);
            if self.choices.one_in(16) {
                self.meddle(have);
            }
            let late = self.is_late();
            let step = self.turn.step();
            let is_work = matches!(
                step,
                Step::Wait(_) | Step::Connect { .. } | Step::Send(_) | Step::Read | Step::Ask { .. }
            );
            if is_work {
                assert!(!late && !self.caller.stopped, "goes on after its deadline: {step:?}");
                if self.deadline.is_some() && self.choices.one_in(8) {
                    self.stop();
                    continue;
                }
            }
            match step {
                Step::Wait(until) => {
                    assert!(have == Have::Nothing, "waits with a connection in hand");
                    match self.deadline {
                        Some(at) if at <= until => self.stop(),
                        _ => self.wait_until(until),
                    }
                }
                Step::Ask { request, unless_idle } => {
                    assert!(have == Have::Nothing, "asks with a connection in hand");
                    self.ask(&request, unless_idle);
                }
                Step::Connect { transport, divert_at } => {
                    assert!(have == Have::Nothing, "asks for a second connection");
                    have = self.connect(transport, divert_at);
                }
                Step::Send(message) => {
                    assert!(have == Have::Connection && message.contains("hello"));
                    if self.choices.one_in(8) { self.break_down() } else { self.turn.handle_sent() }
                }
                Step::Read => {
                    assert!(have == Have::Connection, "reads without a connection");
                    self.read();
                }
                Step::Keep { .. } | Step::Close => {
                    assert!(have == Have::Connection, "gives up a connection that it has not got");
                    have = Have::Nothing;
                    self.is_failing = false;
                }
                Step::Yield(item) => self.take(item),
                Step::Fail(error) => {
                    assert!(have == Have::Nothing, "fails with a connection in hand");
                    assert!(late || !error.is_deadline() || self.caller.stopped, "fails before its time");
                    self.fail(&error);
                }
                Step::Done => {
                    assert!(have == Have::Nothing, "ends with a connection in hand");
                    assert!(matches!(self.turn.step(), Step::Done), "goes on after its end");
                    return;
                }
            }
        }
        panic!("the turn did not end within {STEPS} steps");
    }

    fn fail(&mut self, error: &Error) {
        let is_providers = matches!(error.kind(), ErrorKind::Credentials(_));
        assert_eq!(is_providers, self.provider.as_ref().is_some_and(|provider| provider.failed), "{error}");
        assert!(
            error.is_deadline() || !self.caller.stopped && (is_providers || !error.attempts().is_empty()),
            "an error tells of no attempt: {error}"
        );
        self.caller.failed = true;
    }

    /// Nothing has come of it for the policy, except that a probe is over.
    fn expect_cancelled(&self, before: Mode) {
        let after = self.policy.mode();
        assert!(before == after || matches!(before, Mode::Probing { .. }), "{before} became {after}");
    }

    fn is_late(&self) -> bool {
        self.deadline.is_some_and(|at| at <= self.policy.now())
    }

    fn wait_until(&self, at: Timestamp) {
        let millis = at.saturating_duration_since(Timestamp::ZERO).as_millis() as u64 + 1;
        self.clock.fetch_max(millis, Ordering::Relaxed);
    }

    /// The deadline is over. Nothing may come of it for the policy, except that its probe is.
    fn stop(&mut self) {
        if let Some(at) = self.deadline.take() {
            self.wait_until(at);
        }
        let before = self.policy.mode();
        self.turn.handle_deadline();
        self.expect_cancelled(before);
        self.caller.stopped = true;
    }

    /// Tells the turn something at the wrong time. Nothing may come of it.
    fn meddle(&mut self, have: Have) {
        match self.choices.next() % 5 {
            0 => self.turn.handle_sign_of_life(),
            1 if have == Have::Connection => self.turn.handle_connected(Connection::default()),
            2 if have == Have::Connection => {
                assert!(self.turn.divert().is_none(), "diverts an open connection");
            }
            // Between a refusal and the end of its connection others are wanted.
            4 if have == Have::Connection && !self.is_failing => {
                self.turn.handle_idle_websocket();
                self.turn.handle_credentials(Ok(token(77)));
                assert!(self.turn.handle_none_idle(), "asks with a connection in hand");
            }
            3 if self.choices.one_in(2) => {
                if let Some(dial) = self.dials.pop() {
                    if self.choices.one_in(2) { dial.handle_opened() } else { drop(dial) }
                }
            }
            _ => {}
        }
    }

    fn connect(&mut self, transport: Transport, divert_at: Option<Timestamp>) -> Have {
        if transport == Transport::WebSocket {
            if let Some(idle) = self.take_idle() {
                self.turn.handle_connected(idle);
                return Have::Connection;
            }
        }
        if !self.turn.handle_none_idle() {
            assert!(matches!(self.turn.step(), Step::Ask { unless_idle: false, .. }) || self.is_late());
            return Have::Nothing;
        }
        let given = self.use_given();
        match self.choices.next() % 8 {
            0 => {
                self.break_down();
                Have::Nothing
            }
            1 => {
                match self.turn.divert() {
                    Some(dial) => {
                        assert!(divert_at.is_some() && transport == Transport::WebSocket);
                        self.dials.push(dial);
                    }
                    None => assert!(divert_at.is_none(), "a handshake with a head start can be left alone"),
                }
                Have::Nothing
            }
            choice => {
                // Those of a POST are its own, and not the connection's.
                let credentials = given.filter(|_| transport == Transport::WebSocket);
                let connection = Connection { reused: choice == 2, credentials, ..Connection::default() };
                self.is_failing = false;
                self.turn.handle_connected(connection);
                Have::Connection
            }
        }
    }

    fn break_down(&mut self) {
        self.is_failing = true;
        let lost = match self.choices.next() % 10 {
            8 => Lost::Upgrade(refusal()),
            9 => Lost::Answer(refusal()),
            0 => Seen::Reset.into(),
            1 => Lost::Closed(Some(1001), String::new()),
            2 => Lost::Closed(Some(1009), String::new()),
            3 => Seen::Resolve.into(),
            4 => Seen::IdleTimeout.into(),
            5 => Seen::ProxyRefused { status: 407 }.into(),
            6 => Seen::TooLarge.into(),
            _ => Seen::EndOfStream.into(),
        };
        self.turn.handle_failure(&lost, SystemTime::UNIX_EPOCH);
    }

    fn read(&mut self) {
        let json = match self.choices.next() % 13 {
            12 => r#"{"type":"error","status":401,"error":{"message":"who are you?"}}"#.to_owned(),
            0 => return self.break_down(),
            1 => return self.turn.handle_sign_of_life(),
            2 => r#"{"type":"error","status":503,"error":{"message":"busy"}}"#.to_owned(),
            3 => r#"{"type":"error","status":400,"error":{"message":"wrong"}}"#.to_owned(),
            4 => r#"{"type":"response.failed","response":{"id":"r","error":{"code":"server_error"}}}"#
                .to_owned(),
            5 => r#"{"type":"response.cancelled","response":{"id":"r"}}"#.to_owned(),
            6 => self.event("response.completed"),
            7 | 8 => self.event("response.created"),
            _ => self.event("response.output_text.delta"),
        };
        let event = Event::parse(json).expect("an event");
        self.is_failing = event.error().is_some();
        self.turn.handle_event(event, || SystemTime::UNIX_EPOCH);
    }

    /// An event with a number of its own.
    fn event(&mut self, kind: &str) -> String {
        self.made += 1;
        format!(r#"{{"type":"{kind}","sequence_number":{},"response":{{"id":"r"}},"delta":"x"}}"#, self.made)
    }

    fn take(&mut self, item: Item) {
        assert!(!self.caller.failed, "says something after its error");
        match item {
            Item::Event(event) => {
                if let Some(number) = event.sequence_number() {
                    assert_eq!(number, self.made, "an event comes when it arrives, and once");
                    assert!(self.caller.held.last().is_none_or(|last| *last < number), "an event came twice");
                    self.caller.held.push(number);
                }
            }
            Item::Restarted { discard } => {
                assert!(discard >= self.caller.held.len(), "leaves events of an attempt that failed");
                self.caller.held.clear();
            }
            Item::Notice(_) => {}
        }
    }
}

fn refusal() -> Box<Refusal> {
    Box::new(Refusal::new(401, http::HeaderMap::new(), Vec::new(), true))
}
