//! What a policy is asked to do, in pieces that can be repeated for ever, so that they can be timed, counted
//! and watched.
//!
//! Each function sets a piece up and returns it. A policy goes through [`black_box`] at every turn, or the
//! compiler would know what is in it and decide ahead of time. What comes out goes through it by reference:
//! by value it would be copied twice, which takes longer than the decision.

use std::hint::black_box;

use failback::{
    Attempt, Blame, Config, Decision, Failure, Mode, Outcome, Policy, Reason, SharedPolicy, Stage, Timestamp,
    Transport, Verdict,
};

pub(crate) fn repeat(mut piece: impl FnMut(), times: u64) {
    for _ in 0..times {
        piece();
    }
}

/// A call that goes well: open, begin, one event, complete.
pub(crate) fn call() -> impl FnMut() {
    let mut policy = preferred();
    let mut clock = Clock::default();
    move || {
        let policy = black_box(&mut policy);
        let call = policy.open_call(clock.tick());
        let attempt = start(policy, call, clock.tick());
        policy.handle_progress(&attempt, clock.tick());
        let verdict = policy.handle_outcome(attempt, Outcome::Completed, clock.tick());
        debug_assert!(matches!(verdict, Verdict::Done));
        black_box(&verdict);
    }
}

/// One event of a stream, while nothing is in doubt: what is asked most often.
pub(crate) fn event(mut policy: Policy) -> impl FnMut() {
    let mut clock = Clock { now: Timestamp::from_millis(1000) };
    let attempt = policy.begin_call(clock.now);
    move || black_box(&mut policy).handle_progress(black_box(&attempt), clock.tick())
}

/// A call whose stream breaks until it is sent to SSE: six attempts with their waits, and the decision for
/// the seventh.
pub(crate) fn stream_failures_until_sse() -> impl FnMut() {
    // With the defaults the sixth attempt would begin too late.
    let patient = Config::new().with_fallback_within(std::time::Duration::MAX);
    until_sse(patient, Failure::new(Blame::Transport, Stage::Streaming), 7)
}

/// A call whose handshake is refused: one attempt, and the decision for the second.
pub(crate) fn refused_until_sse() -> impl FnMut() {
    until_sse(Config::new(), Failure::new(Blame::Transport, Stage::Connecting), 2)
}

fn until_sse(config: Config, failure: Failure, attempts: u32) -> impl FnMut() {
    let mut clock = Clock::default();
    move || {
        let mut policy = preferring(config);
        let policy = black_box(&mut policy);
        let mut call = policy.open_call(clock.tick());
        loop {
            let attempt = start(policy, call, clock.now);
            if attempt.transport() == Transport::Sse {
                debug_assert_eq!(attempt.number(), attempts);
                black_box(&attempt);
                return;
            }
            call = retry(policy, attempt, black_box(failure), clock.now);
            clock.now = call.ready_at();
        }
    }
}

/// A new call and where it goes. The mode must be one that a decision does not change.
pub(crate) fn decision(mut policy: Policy) -> impl FnMut() {
    let mut clock = Clock { now: Timestamp::from_millis(1000) };
    move || {
        black_box(&black_box(&mut policy).begin_call(clock.tick()));
    }
}

/// The same in two steps, as for a call that may have to wait.
pub(crate) fn decision_in_two_steps(mut policy: Policy) -> impl FnMut() {
    let mut clock = Clock { now: Timestamp::from_millis(1000) };
    move || {
        let policy = black_box(&mut policy);
        let call = policy.open_call(clock.tick());
        black_box(&start(policy, call, clock.now));
    }
}

/// A decision of which only the answer is looked at, which is all that a circuit breaker gives: the attempt
/// goes unused, and a compiler that sees so does not write it to memory.
pub(crate) fn answer(mut policy: Policy) -> impl FnMut() {
    let mut clock = Clock { now: Timestamp::from_millis(1000) };
    move || {
        black_box(black_box(&mut policy).begin_call(clock.tick()).transport());
    }
}

/// The decision that turns an attempt into the probe: on a copy of the policy, because it is made once.
pub(crate) fn decision_to_probe() -> impl FnMut() {
    let policy = failed_over();
    let Mode::FailedOver { retry_at } = policy.mode() else { unreachable!("that is the mode") };
    move || {
        let mut policy = black_box(&policy).clone();
        let attempt = black_box(&mut policy).begin_call(retry_at);
        debug_assert!(attempt.is_probe());
        black_box(&attempt);
    }
}

/// A call that still has to wait for its backoff.
pub(crate) fn decision_to_wait() -> impl FnMut() {
    let mut policy = preferred();
    let attempt = policy.begin_call(Timestamp::ZERO);
    let failure = Failure::new(Blame::Transport, Stage::Streaming);
    let mut call = Some(retry(&mut policy, attempt, failure, Timestamp::ZERO));
    move || {
        let waiting = call.take().map(|call| black_box(&mut policy).begin_attempt(call, Timestamp::ZERO));
        let Some(Decision::Wait(waiting)) = waiting else { unreachable!("it is not ready") };
        call = Some(waiting);
        black_box(&call);
    }
}

/// A call that goes well, through a policy that threads share.
pub(crate) fn shared_call(policy: SharedPolicy) -> impl Fn() + Sync {
    move || {
        let policy = black_box(&policy);
        let attempt = policy.begin_call();
        attempt.handle_progress();
        black_box(&attempt.handle_outcome(Outcome::Completed));
    }
}

/// One event of a WebSocket stream, while nothing is in doubt, through a policy that threads share.
pub(crate) fn shared_event(policy: SharedPolicy) -> impl Fn() + Sync {
    let attempt = policy.begin_call();
    move || black_box(&attempt).handle_progress()
}

/// A new call and where it goes, and nothing more: its guard reports that it was cancelled.
pub(crate) fn shared_decision(policy: SharedPolicy) -> impl Fn() + Sync {
    move || {
        let policy = black_box(&policy);
        black_box(&policy.begin_call());
    }
}

pub(crate) fn shared_with_still_clock() -> SharedPolicy {
    SharedPolicy::with_clock(|| Timestamp::ZERO, |_| preferred())
}

pub(crate) fn preferred() -> Policy {
    preferring(Config::new())
}

fn preferring(config: Config) -> Policy {
    black_box(Policy::new(black_box(config), black_box(7), Timestamp::ZERO))
}

pub(crate) fn dial_pending() -> Policy {
    let mut policy = preferred();
    let attempt = policy.begin_call(Timestamp::ZERO);
    drop(policy.divert(attempt, Timestamp::ZERO));
    checked(policy, Reason::DialPending)
}

pub(crate) fn suspected() -> Policy {
    let mut policy = preferred();
    let attempt = policy.begin_call(Timestamp::ZERO);
    refuse(&mut policy, attempt);
    checked(policy, Reason::VerdictPending)
}

pub(crate) fn failed_over() -> Policy {
    checked(convicted(Config::new()), Reason::CoolingDown)
}

/// With a lease that does not end while it is looked at.
pub(crate) fn probing() -> Policy {
    let soon = std::time::Duration::from_nanos(1);
    let config = Config::new().with_probe_lease(std::time::Duration::MAX).with_cooldown(soon);
    let mut policy = convicted(config);
    let Mode::FailedOver { retry_at } = policy.mode() else { unreachable!("it was convicted") };
    let probe = policy.begin_call(retry_at);
    assert!(probe.is_probe());
    drop(probe);
    checked(policy, Reason::ProbeInFlight)
}

pub(crate) fn pinned() -> Policy {
    checked(convicted(Config::new().with_max_recoveries(0)), Reason::Pinned)
}

fn convicted(config: Config) -> Policy {
    let mut policy = black_box(Policy::new(config, 7, Timestamp::ZERO));
    let attempt = policy.begin_call(Timestamp::ZERO);
    refuse(&mut policy, attempt);
    let fallback = policy.begin_call(Timestamp::ZERO);
    policy.handle_progress(&fallback, Timestamp::ZERO);
    policy
}

fn refuse(policy: &mut Policy, attempt: Attempt) {
    let refused = Failure::new(Blame::Transport, Stage::Connecting);
    drop(retry(policy, attempt, refused, Timestamp::ZERO));
}

/// The policy, once it has shown that it is in the mode it should be in.
fn checked(policy: Policy, expected: Reason) -> Policy {
    let attempt = policy.clone().begin_call(Timestamp::ZERO);
    assert_eq!(attempt.reason(), expected);
    black_box(policy)
}

/// Inlined, as where a driver that embeds a `Policy` does it, in one place.
#[inline(always)]
fn start(policy: &mut Policy, call: failback::Call, now: Timestamp) -> Attempt {
    match policy.begin_attempt(call, now) {
        Decision::Start(attempt) => attempt,
        Decision::Wait(_) => unreachable!("it is ready"),
    }
}

fn retry(policy: &mut Policy, attempt: Attempt, failure: Failure, now: Timestamp) -> failback::Call {
    match policy.handle_outcome(attempt, Outcome::Failed(failure), now) {
        Verdict::Retry(call) => call,
        verdict => unreachable!("it is retried, not {verdict:?}"),
    }
}

/// Time that passes, a little with each event.
#[derive(Default)]
struct Clock {
    now: Timestamp,
}

impl Clock {
    fn tick(&mut self) -> Timestamp {
        self.now = Timestamp::from_nanos(self.now.as_nanos() + 1);
        self.now
    }
}
