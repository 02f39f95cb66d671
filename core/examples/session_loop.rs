//! A client with a session loop, retries, a warm-up and a token of its own, before and after it asks the
//! policy: what a black hole costs its turns, and what its sub-agents gain.
//!
//! Its network is a script and its clock a number, so the times are exact, and asserted. `docs/EMBEDDING.md`
//! says why each thing is done as it is.

use std::cell::{Cell, RefCell};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use failback::{
    AttemptGuard, Blame, Call, Config, DialGuard, DialOutcome, Failure, GiveUp, Mode, Outcome, Policy,
    SharedPolicy, Stage, Timestamp, Transport, Verdict,
};

// --- The client's own I/O and habits: the same before and after ---

const CONNECT_TIMEOUT: Duration = ms(15_000);
const RETRIES: u32 = 5;

const fn ms(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

fn backoff(retry: u32) -> Duration {
    ms(200) * 2_u32.pow(retry)
}

#[derive(Clone, Copy, PartialEq)]
enum WebSocket {
    Works,
    /// The upgrade is never answered.
    BlackHole,
    /// It opens, and breaks before the first event.
    Breaks,
}

#[derive(PartialEq)]
enum ConnectError {
    TimedOut,
    Unauthorized,
}

/// The network, the token, and time. SSE always works, and an answer takes 0.6 s.
struct Network {
    clock: Arc<AtomicU64>,
    websocket: Cell<WebSocket>,
    token_is_valid: Cell<bool>,
    /// Handshakes that no turn waits for, and when they time out.
    left: RefCell<Vec<(Timestamp, DialGuard)>>,
}

impl Network {
    fn new(websocket: WebSocket) -> Self {
        let (clock, left) = (Arc::default(), RefCell::default());
        Self { clock, websocket: Cell::new(websocket), token_is_valid: Cell::new(true), left }
    }

    fn now(&self) -> Timestamp {
        Timestamp::from_nanos(self.clock.load(Ordering::Relaxed))
    }

    /// Time goes by, and handshakes that were left alone time out.
    fn wait(&self, duration: Duration) {
        let until = self.now().saturating_add(duration);
        let (due, left): (Vec<_>, Vec<_>) = self.left.take().into_iter().partition(|(at, _)| *at <= until);
        self.left.replace(left);
        for (at, dial) in due {
            self.clock.store(at.as_nanos(), Ordering::Relaxed);
            dial.handle_dial(DialOutcome::Failed(NO_HANDSHAKE));
        }
        self.clock.store(until.as_nanos(), Ordering::Relaxed);
    }

    fn connect(&self, transport: Transport, patience: Duration) -> Result<(), ConnectError> {
        if transport == Transport::WebSocket && self.websocket.get() == WebSocket::BlackHole {
            self.wait(patience);
            return Err(ConnectError::TimedOut);
        }
        self.wait(ms(100));
        if self.token_is_valid.get() { Ok(()) } else { Err(ConnectError::Unauthorized) }
    }

    /// Sends the request and reads the events. When the stream breaks, says how far it had come.
    fn stream(&self, transport: Transport, on_event: impl Fn()) -> Result<(), Stage> {
        if transport == Transport::WebSocket && self.websocket.get() == WebSocket::Breaks {
            self.wait(ms(100));
            return Err(Stage::Open);
        }
        for _ in 0..5 {
            self.wait(ms(100));
            on_event();
        }
        Ok(())
    }

    fn refresh_token(&self) {
        self.wait(ms(300));
        self.token_is_valid.set(true);
    }
}

// --- Before: retries on WebSocket until they are used up, then SSE for the rest of the session ---

#[derive(Default)]
struct SessionBefore {
    on_sse: bool,
}

impl SessionBefore {
    fn turn(&mut self, network: &Network) {
        for retry in 0..=RETRIES {
            if self.on_sse || carry_before(network, Transport::WebSocket) {
                break;
            }
            if retry < RETRIES {
                network.wait(backoff(retry));
            } else {
                self.on_sse = true;
            }
        }
        if self.on_sse {
            carry_before(network, Transport::Sse);
        }
    }
}

fn carry_before(network: &Network, transport: Transport) -> bool {
    let mut connected = network.connect(transport, CONNECT_TIMEOUT);
    if connected == Err(ConnectError::Unauthorized) {
        network.refresh_token();
        connected = network.connect(transport, CONNECT_TIMEOUT);
    }
    connected.is_ok() && network.stream(transport, || {}).is_ok()
}

// --- After: the session loop owns the attempt, and lends it to what does the I/O ---

/// The handshake was refused, or not answered.
const NO_HANDSHAKE: Failure = Failure::new(Blame::Transport, Stage::Connecting);

/// What differs between the ways to embed that are compared below.
#[derive(Clone, Copy, PartialEq)]
enum Reporting {
    /// A handshake that fails is reported at once, and one that takes long is left to itself.
    AtOnceWithHeadStart,
    /// A handshake that fails is reported at once, after this client's own time-out.
    AtOnce,
    /// Whatever fails is retried by this client first.
    Late,
}

struct SessionAfter<'a> {
    /// One for the process: sub-agents have clones of it.
    policy: SharedPolicy,
    network: &'a Network,
    reporting: Reporting,
}

impl SessionAfter<'_> {
    fn turn(&self) -> Result<Transport, GiveUp> {
        let mut attempt = self.policy.begin_call();
        loop {
            let transport = attempt.transport();
            let call = match self.carry(&attempt) {
                Carried::Ended(outcome) => match attempt.handle_outcome(outcome) {
                    Verdict::Done => return Ok(transport),
                    Verdict::Retry(call) => call,
                    Verdict::GiveUp(why) => return Err(why),
                },
                Carried::StillConnecting => match self.leave_handshake(attempt) {
                    Some(call) => call,
                    None => return Err(GiveUp::AttemptsExhausted),
                },
            };
            // This client waits by itself, so it need not be told to.
            self.network.wait(self.policy.time_until(call.ready_at()));
            attempt = self.policy.begin_attempt_now(call);
        }
    }

    /// One attempt, with this client's own retries. Nothing here ends it: no `?`, and no guard to drop.
    fn carry(&self, attempt: &AttemptGuard) -> Carried {
        let mut failure = NO_HANDSHAKE;
        for retry in 0..=RETRIES {
            match self.connect(attempt, retry == 0) {
                Ok(()) => match self.network.stream(attempt.transport(), || attempt.handle_progress()) {
                    Ok(()) => return Carried::Ended(Outcome::Completed),
                    Err(stage) => failure = Failure::new(Blame::Transport, stage),
                },
                Err(carried) if self.reporting != Reporting::Late => return carried,
                Err(_) => failure = NO_HANDSHAKE,
            }
            if retry < RETRIES {
                self.network.wait(backoff(retry));
            }
        }
        Carried::Ended(Outcome::RetriesExhausted(failure))
    }

    fn connect(&self, attempt: &AttemptGuard, first: bool) -> Result<(), Carried> {
        // A timer of this client's own. There is no head start on SSE, for a last resort, and for a handshake
        // that replaces a connection that broke.
        let has_head_start =
            first && self.reporting == Reporting::AtOnceWithHeadStart && attempt.divert_at().is_some();
        let patience = if has_head_start { self.policy.config().head_start() } else { CONNECT_TIMEOUT };
        let transport = attempt.transport();
        let mut connected = self.network.connect(transport, patience);
        if connected == Err(ConnectError::Unauthorized) {
            // A token that is too old is no failure of the attempt: the policy does not hear of it.
            self.network.refresh_token();
            connected = self.network.connect(transport, patience);
        }
        connected.map_err(|error| match error {
            ConnectError::TimedOut if has_head_start => Carried::StillConnecting,
            ConnectError::TimedOut => Carried::Ended(Outcome::Failed(NO_HANDSHAKE)),
            // Refused with a token that is new. It will be refused again.
            ConnectError::Unauthorized => {
                Carried::Ended(Outcome::Failed(Failure::new(Blame::Request, Stage::Connecting)))
            }
        })
    }

    /// The handshake goes on without the turn, up to this client's own time-out. `None` if there is none.
    fn leave_handshake(&self, attempt: AttemptGuard) -> Option<Call> {
        let (call, dial) = attempt.divert().ok()?;
        let rest = CONNECT_TIMEOUT.saturating_sub(self.policy.config().head_start());
        self.network.left.borrow_mut().push((self.network.now().saturating_add(rest), dial));
        Some(call)
    }

    /// Ahead of the first turn: a request with `"generate": false`, for its connection.
    fn warm_up(&self) {
        let attempt = self.policy.begin_call();
        if attempt.transport() == Transport::Sse {
            // Nothing to warm up. The guard is dropped, which says that the call was cancelled.
            return;
        }
        match self.connect(&attempt, true) {
            Ok(()) => {
                // The event that ends it. It is not a response, so the outcome is not `Completed`.
                attempt.handle_progress();
                let _over = attempt.handle_outcome(Outcome::Ended);
            }
            // The call that may be retried is dropped: nobody waits for a warm-up.
            Err(Carried::Ended(outcome)) => drop(attempt.handle_outcome(outcome)),
            Err(Carried::StillConnecting) => drop(self.leave_handshake(attempt)),
        }
    }
}

enum Carried {
    Ended(Outcome),
    /// The head start is over, and the handshake is not.
    StillConnecting,
}

// --- What comes of it ---

fn session(network: &Network, reporting: Reporting) -> SessionAfter<'_> {
    let clock = Arc::clone(&network.clock);
    let now = move || Timestamp::from_nanos(clock.load(Ordering::Relaxed));
    // The seed is fixed so that every run decides alike.
    let policy = SharedPolicy::with_clock(now, |now| Policy::new(Config::new(), 7, now));
    policy.on_change(|change| println!("       {} -> {}: {}", change.from, change.to, change.why));
    SessionAfter { policy, network, reporting }
}

/// How long it takes, by the network's clock.
fn timed(what: &str, network: &Network, act: impl FnOnce()) -> Duration {
    let began = network.now();
    act();
    let took = network.now().saturating_duration_since(began);
    println!("{:>5.1} s {what}", took.as_secs_f64());
    took
}

fn main() -> Result<(), GiveUp> {
    println!("A black hole. Before:");
    let network = Network::new(WebSocket::BlackHole);
    let mut before = SessionBefore::default();
    let first = timed("first turn", &network, || before.turn(&network));
    let second = timed("second turn", &network, || before.turn(&network));
    let agent = timed("first turn of each sub-agent", &network, || SessionBefore::default().turn(&network));
    network.websocket.set(WebSocket::Works);
    network.wait(ms(300_000));
    before.turn(&network);
    assert_eq!((first, second, agent, before.on_sse), (ms(96_800), ms(600), ms(96_800), true));

    for (reporting, how, expected) in [
        (Reporting::Late, "everything reported late", 96_800),
        (Reporting::AtOnce, "handshakes reported at once", 15_600),
        (Reporting::AtOnceWithHeadStart, "with the head start as well", 1_600),
    ] {
        println!("After, {how}:");
        let network = Network::new(WebSocket::BlackHole);
        let after = session(&network, reporting);
        let first = timed("first turn", &network, || assert_eq!(after.turn(), Ok(Transport::Sse)));
        let second = timed("second turn", &network, || assert_eq!(after.turn(), Ok(Transport::Sse)));
        assert_eq!((first, second), (ms(expected), ms(600)));
        let sub_agent = SessionAfter { policy: after.policy.clone(), ..after };
        let agent = timed("first turn of each sub-agent", &network, || {
            assert_eq!(sub_agent.turn(), Ok(Transport::Sse));
        });
        assert_eq!(agent, ms(600));
        network.websocket.set(WebSocket::Works);
        network.wait(ms(300_000));
        assert_eq!(after.turn()?, Transport::WebSocket, "it comes back");
        assert_eq!(after.policy.mode(), Mode::Preferred);
    }

    println!("After, with a warm-up two seconds ahead of the first turn:");
    let network = Network::new(WebSocket::BlackHole);
    let after = session(&network, Reporting::AtOnceWithHeadStart);
    timed("warm-up", &network, || after.warm_up());
    network.wait(ms(2_000));
    let first = timed("first turn", &network, || assert_eq!(after.turn(), Ok(Transport::Sse)));
    assert_eq!(first, ms(600));
    network.websocket.set(WebSocket::Works);
    network.wait(ms(300_000));
    let left = after.policy.recoveries_left();
    after.warm_up();
    assert_eq!(after.policy.recoveries_left(), left, "a warm-up that works costs no recovery");
    assert_eq!(after.turn()?, Transport::WebSocket);

    println!("After, with a stream that keeps breaking:");
    let network = Network::new(WebSocket::Breaks);
    let after = session(&network, Reporting::AtOnceWithHeadStart);
    let first = timed("first turn", &network, || assert_eq!(after.turn(), Ok(Transport::Sse)));
    // This client's own retries: six attempts and five waits.
    assert_eq!(first, ms(6 * 200 + 6_200 + 600));

    println!("After, with a token that is too old:");
    let network = Network::new(WebSocket::Works);
    let after = session(&network, Reporting::AtOnceWithHeadStart);
    network.token_is_valid.set(false);
    let first = timed("first turn", &network, || assert_eq!(after.turn(), Ok(Transport::WebSocket)));
    assert_eq!((first, after.policy.mode()), (ms(100 + 300 + 600), Mode::Preferred));
    Ok(())
}
