//! What the policy makes of what was found: the policy itself, in virtual time.
//!
//! Turns come one after another, each as soon as it would try WebSocket again, and meet the same each time.
//! Chance (jitter) only makes cooldowns longer, and is left out.

use std::time::Duration;

use failback::{Attempt, Config, Decision, DialOutcome, Failure, GiveUp, Mode, Outcome, Policy, Stage};
use failback::{Timestamp, Transport, Verdict};

use super::kind::Kind;
use super::way::Way;

/// How many turns are tried at most. With the defaults, WebSocket is given up for good after four.
const TURNS: usize = 300;

/// What becomes of turns here.
#[derive(Debug)]
pub(super) struct Course {
    pub(super) first: First,
    /// The mode after it.
    pub(super) mode: Mode,
    /// When WebSocket is tried again after it.
    pub(super) retry_in: Option<Duration>,
    /// How often WebSocket is tried again, without success, until it is given up, and how long after the
    /// first turn that is. `None` if it never is.
    pub(super) pinned: Option<(usize, Duration)>,
}

/// What becomes of the first turn.
#[derive(Debug)]
pub(super) struct First {
    /// Which transport carries it, or why none does.
    pub(super) end: Result<Transport, GiveUp>,
    /// How long it waits until the attempt begins that carries it, or until it fails.
    pub(super) waits: Duration,
    /// How often it tries WebSocket.
    pub(super) attempts: usize,
}

/// What an attempt over one transport meets.
#[derive(Clone, Copy)]
struct Experience {
    /// How long its handshake takes, or how long it takes to fail.
    after: Duration,
    failure: Option<Failure>,
}

impl Course {
    /// `None` if what a turn meets is not known.
    pub(super) fn new(config: Config, websocket: &Way, sse: &Way) -> Option<Self> {
        let (websocket, sse) = (experience(websocket)?, experience(sse)?);
        let mut run = Run { policy: policy(config), now: Timestamp::from_millis(0), websocket, sse };
        let first = run.turn();
        let (mode, after_first) = (run.policy.mode(), run.now);
        let retry_in = retry_in(mode, run.now);
        let mut pinned = None;
        if first.end.is_ok() && mode != Mode::Preferred {
            for tries in 0..TURNS {
                match run.policy.mode() {
                    Mode::FailedOver { retry_at } => run.now = retry_at.max(run.now),
                    Mode::Pinned => {
                        pinned = Some((tries, run.now.saturating_duration_since(after_first)));
                        break;
                    }
                    _ => break,
                }
                run.turn();
            }
        }
        Some(Self { first, mode, retry_in, pinned })
    }
}

fn policy(config: Config) -> Policy {
    Policy::new(config.with_jitter_permille(0), 0, Timestamp::from_millis(0))
}

/// `None` if it is not known.
fn experience(way: &Way) -> Option<Experience> {
    let works = way.works() == Some(true);
    match way.finding.failure {
        // Here a turn ends, and nothing of the transport shows: with credentials it is another matter.
        _ if way.finding.kind == Kind::Credentials => None,
        _ if works => Some(Experience { after: way.took, failure: None }),
        Some(failure) => Some(Experience { after: way.took, failure: Some(failure) }),
        None => None,
    }
}

fn retry_in(mode: Mode, now: Timestamp) -> Option<Duration> {
    match mode {
        Mode::FailedOver { retry_at } => Some(retry_at.saturating_duration_since(now)),
        _ => None,
    }
}

struct Run {
    policy: Policy,
    now: Timestamp,
    websocket: Experience,
    sse: Experience,
}

impl Run {
    fn turn(&mut self) -> First {
        let begun = self.now;
        let mut attempts = 0;
        // The handshake that goes on without the turn, and when it ends.
        let mut left = None;
        let mut attempt = self.policy.begin_call(self.now);
        let first = loop {
            let transport = attempt.transport();
            let waits = self.now.saturating_duration_since(begun);
            let met = match transport {
                Transport::WebSocket => self.websocket,
                Transport::Sse => self.sse,
            };
            if transport == Transport::WebSocket {
                attempts += 1;
            }
            let over = self.now.saturating_add(met.after);
            let in_handshake = met.failure.is_none_or(|failure| failure.stage() == Stage::Connecting);
            if let Some(at) = attempt.divert_at().filter(|at| in_handshake && *at < over) {
                self.now = at.max(self.now);
                let (call, dial) = self.policy.divert(attempt, self.now);
                left = Some((dial, over, met.failure));
                attempt = self.policy.begin_attempt_now(call, self.now);
                continue;
            }
            self.now = over;
            match self.report(attempt, met.failure) {
                Verdict::Done => break First { end: Ok(transport), waits, attempts },
                Verdict::GiveUp(why) => {
                    let waits = self.now.saturating_duration_since(begun);
                    break First { end: Err(why), waits, attempts };
                }
                Verdict::Retry(call) => attempt = self.again(call),
            }
        };
        if let Some((dial, over, failure)) = left {
            self.now = self.now.max(over);
            let outcome = failure.map_or(DialOutcome::Opened, DialOutcome::Failed);
            self.policy.handle_dial(dial, outcome, self.now);
        }
        first
    }

    fn report(&mut self, attempt: Attempt, failure: Option<Failure>) -> Verdict {
        let outcome = match failure {
            Some(failure) => Outcome::Failed(failure),
            None => {
                self.policy.handle_progress(&attempt, self.now);
                Outcome::Completed
            }
        };
        self.policy.handle_outcome(attempt, outcome, self.now)
    }

    fn again(&mut self, mut call: failback::Call) -> Attempt {
        loop {
            self.now = self.now.max(call.ready_at());
            match self.policy.begin_attempt(call, self.now) {
                Decision::Start(attempt) => return attempt,
                Decision::Wait(waiting) => call = waiting,
            }
        }
    }
}
