//! The rules of the policy, one file for each group of them. A test whose name begins with `r05_` shows what
//! R5 promises.

#![allow(unused_must_use, reason = "a story drops the handles that it does not follow")]

extern crate std;

mod always;
mod changes;
mod choosing;
mod coming_back;
mod ending_a_call;
mod exhaustive;
mod failing_over;
mod head_start;
#[cfg(feature = "std")]
mod listening;
mod nobodys_fault;
mod over_sse;
#[cfg(feature = "std")]
mod recording;
mod settings;
#[cfg(feature = "std")]
mod shared;
mod snapshot;
mod transitions;
mod warming_up;

use core::time::Duration;

use crate::{
    Attempt, Blame, Call, Config, Decision, Dial, DialOutcome, Failure, GiveUp, Mode, Outcome, OverSse,
    Policy, ProbeStyle, Reason, Replay, Stage, Timer, Timestamp, Transport, Trigger, Verdict, VerdictStyle,
};

const REFUSED: Failure = Failure::new(Blame::Transport, Stage::Connecting);
const OFFLINE: Failure = Failure::new(Blame::Network, Stage::Connecting);
const DROPPED: Failure = Failure::new(Blame::Transport, Stage::Open);
const CUT: Failure = Failure::new(Blame::Transport, Stage::Streaming);
const WORN_OUT: Failure = Failure::new(Blame::Connection, Stage::Open);
const TOO_LARGE: Failure = Failure::new(Blame::Payload, Stage::Open);
const BUSY: Failure = Failure::new(Blame::Server, Stage::Open);
const INVALID: Failure = Failure::new(Blame::Request, Stage::Open);

/// The defaults without chance, so that times are exact: backoff 200 ms, cooldown 60 s.
const EXACT: Config = Config::new().with_jitter_permille(0);

const fn ms(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

const fn at(millis: u64) -> Timestamp {
    Timestamp::from_millis(millis)
}

const fn failed_over_until(millis: u64) -> Mode {
    Mode::FailedOver { retry_at: at(millis) }
}

const fn probing_until(millis: u64) -> Mode {
    Mode::Probing { lease_until: at(millis) }
}

/// A policy in virtual time, driven the way an adapter does.
struct Driver {
    policy: Policy,
    now: Timestamp,
}

impl Driver {
    fn new(config: Config) -> Self {
        Self::with_seed(config, 0)
    }

    fn with_seed(config: Config, seed: u64) -> Self {
        Self { policy: Policy::new(config, seed, Timestamp::ZERO), now: Timestamp::ZERO }
    }

    /// WebSocket was refused at 0, and SSE made progress at once: the first cooldown has begun.
    fn failed_over(config: Config) -> Self {
        let mut d = Self::new(config);
        d.convict();
        d
    }

    /// As [`failed_over`](Self::failed_over), and the first cooldown (of 60 s) is over: the probe has begun.
    fn probing(config: Config) -> (Self, Attempt) {
        let mut d = Self::failed_over(config);
        let probe = d.at(60_000).call();
        assert!(probe.is_probe());
        (d, probe)
    }

    /// Failed over without a recovery to spend.
    fn pinned() -> Self {
        let d = Self::failed_over(EXACT.with_max_recoveries(0));
        assert_eq!(d.policy.mode(), Mode::Pinned);
        d
    }

    fn at(&mut self, millis: u64) -> &mut Self {
        self.now = at(millis);
        self
    }

    #[track_caller]
    fn call(&mut self) -> Attempt {
        let mut at_once = self.policy.clone();
        let call = self.policy.open_call(self.now);
        let attempt = self.begin(call);
        // Whatever the mode, one step is as two.
        let same = (at_once.begin_call(self.now), at_once);
        assert_eq!(std::format!("{same:?}"), std::format!("{:?}", (&attempt, &self.policy)));
        attempt
    }

    #[track_caller]
    fn call_over_sse(&mut self, why: OverSse) -> Attempt {
        let call = self.policy.open_call_over_sse(self.now, why);
        assert_eq!((call.moved(), call.ready_at()), (Some(why.into()), self.now));
        self.begin(call)
    }

    #[track_caller]
    fn begin(&mut self, call: Call) -> Attempt {
        let mut unasked = self.policy.clone();
        let copy = Call { history: call.history.clone(), ready_at: call.ready_at };
        let moved = call.moved();
        match self.policy.begin_attempt(call, self.now) {
            Decision::Start(attempt) => {
                // Whoever has waited need not be asked whether to wait.
                let same = (unasked.begin_attempt_now(copy, self.now), unasked);
                assert_eq!(std::format!("{same:?}"), std::format!("{:?}", (&attempt, &self.policy)));
                assert_eq!(moved.unwrap_or(attempt.reason()), attempt.reason());
                attempt
            }
            Decision::Wait(call) => panic!("has to wait until {:?}", call.ready_at()),
        }
    }

    #[track_caller]
    fn told_to_wait(&mut self, call: Call) -> Call {
        match self.policy.begin_attempt(call, self.now) {
            Decision::Start(attempt) => panic!("started on {}", attempt.transport()),
            Decision::Wait(call) => call,
        }
    }

    fn progress(&mut self, attempt: &Attempt) {
        self.policy.handle_progress(attempt, self.now);
    }

    #[track_caller]
    fn done(&mut self, attempt: Attempt, outcome: Outcome) {
        let verdict = self.policy.handle_outcome(attempt, outcome, self.now);
        assert!(matches!(verdict, Verdict::Done), "{verdict:?}");
    }

    #[track_caller]
    fn complete(&mut self, attempt: Attempt) {
        self.done(attempt, Outcome::Completed);
    }

    #[track_caller]
    fn retried_after(&mut self, attempt: Attempt, outcome: Outcome) -> Call {
        match self.policy.handle_outcome(attempt, outcome, self.now) {
            Verdict::Retry(call) => call,
            other => panic!("{other:?}"),
        }
    }

    #[track_caller]
    fn retried(&mut self, attempt: Attempt, failure: Failure) -> Call {
        self.retried_after(attempt, Outcome::Failed(failure))
    }

    /// The failure moves the call: it begins again at once, on SSE.
    #[track_caller]
    fn moved(&mut self, attempt: Attempt, failure: Failure) -> Attempt {
        let call = self.retried(attempt, failure);
        assert_eq!(call.ready_at(), self.now, "a move does not wait");
        let attempt = self.begin(call);
        assert_eq!(went(&attempt), (Transport::Sse, Reason::CallMoved));
        attempt
    }

    /// The failure is forgiven: the call begins again after its backoff.
    #[track_caller]
    fn retried_in_time(&mut self, attempt: Attempt, failure: Failure) -> Attempt {
        let call = self.retried(attempt, failure);
        assert!(call.ready_at() > self.now, "a retry waits");
        self.now = call.ready_at();
        self.begin(call)
    }

    #[track_caller]
    fn gives_up_after(&mut self, attempt: Attempt, outcome: Outcome) -> GiveUp {
        match self.policy.handle_outcome(attempt, outcome, self.now) {
            Verdict::GiveUp(give_up) => give_up,
            other => panic!("{other:?}"),
        }
    }

    #[track_caller]
    fn gives_up(&mut self, attempt: Attempt, failure: Failure) -> GiveUp {
        self.gives_up_after(attempt, Outcome::Failed(failure))
    }

    fn divert(&mut self, attempt: Attempt) -> (Call, Dial) {
        self.policy.divert(attempt, self.now)
    }

    fn dial(&mut self, dial: Dial, outcome: DialOutcome) {
        self.policy.handle_dial(dial, outcome, self.now);
    }

    /// WebSocket is refused, and SSE works.
    #[track_caller]
    fn convict(&mut self) {
        let attempt = self.call();
        assert_eq!(attempt.transport(), Transport::WebSocket);
        let moved = self.moved(attempt, REFUSED);
        self.complete(moved);
    }

    /// WebSocket is refused, and nobody has tried SSE yet.
    #[track_caller]
    fn suspect(&mut self) -> Call {
        let attempt = self.call();
        let call = self.retried(attempt, REFUSED);
        assert_eq!(self.mode(), Mode::Suspected);
        call
    }

    /// The mode at this moment.
    fn mode(&mut self) -> Mode {
        self.policy.handle_timeout(self.now);
        self.policy.mode()
    }

    fn recoveries(&self) -> u8 {
        self.policy.recoveries_left()
    }

    /// Stream failures in a row, across calls.
    fn failures(&self) -> u16 {
        self.policy.snapshot(self.now).failures
    }

    fn wakes_at(&self) -> Option<Timestamp> {
        let wakes_at = self.policy.poll_timeout();
        let timer = match self.policy.mode() {
            Mode::Preferred => Some(Timer::Dial),
            Mode::Suspected => Some(Timer::Suspicion),
            Mode::FailedOver { .. } => Some(Timer::Retry),
            Mode::Probing { .. } => Some(Timer::Lease),
            Mode::Pinned => None,
        };
        assert_eq!(self.policy.timer(), wakes_at.and(timer));
        wakes_at
    }
}

#[test]
fn each_rule_has_its_text() {
    let text = include_str!("../../docs/rules.md");
    for rule in 1..=21 {
        let heading = std::format!("\n## R{rule}\n");
        assert_eq!(text.matches(&heading).count(), 1, "R{rule}");
    }
}

fn went(attempt: &Attempt) -> (Transport, Reason) {
    (attempt.transport(), attempt.reason())
}

const HEALTHY: (Transport, Reason) = (Transport::WebSocket, Reason::Healthy);
const PROBE: (Transport, Reason) = (Transport::WebSocket, Reason::Probe);
const LAST_RESORT: (Transport, Reason) = (Transport::WebSocket, Reason::LastResort);

const fn sse(reason: Reason) -> (Transport, Reason) {
    (Transport::Sse, reason)
}
