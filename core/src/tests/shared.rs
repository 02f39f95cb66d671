//! `SharedPolicy`: one policy for all threads, with guards that report a drop.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::vec::Vec;

use super::*;
use crate::{AttemptGuard, DialGuard, SharedDecision, SharedPolicy, Status};

/// A clock that stands still until it is set. One that is broken panics when read.
#[derive(Clone, Default)]
pub(super) struct Clock(Arc<AtomicU64>);

const BROKEN: u64 = u64::MAX;

impl Clock {
    pub(super) fn set(&self, millis: u64) {
        self.0.store(millis, Ordering::SeqCst);
    }

    pub(super) fn read(&self) -> Timestamp {
        let millis = self.0.load(Ordering::SeqCst);
        assert!(millis != BROKEN, "the clock is broken");
        at(millis)
    }
}

pub(super) fn shared(config: Config) -> (SharedPolicy, Clock) {
    let clock = Clock::default();
    let hand = clock.clone();
    (SharedPolicy::with_clock(move || clock.read(), |now| Policy::new(config, 0, now)), hand)
}

/// The mode, and how long until the next WebSocket attempt.
fn judged(policy: &SharedPolicy) -> (Mode, Option<Duration>) {
    let Status { mode, retry_in, .. } = policy.status();
    (mode, retry_in)
}

#[track_caller]
pub(super) fn begin(policy: &SharedPolicy, call: Call) -> AttemptGuard {
    match policy.begin_attempt(call) {
        SharedDecision::Start(attempt) => attempt,
        SharedDecision::Wait(call) => panic!("has to wait {:?}", policy.time_until(call.ready_at())),
    }
}

#[track_caller]
pub(super) fn call(policy: &SharedPolicy) -> AttemptGuard {
    begin(policy, policy.open_call())
}

#[track_caller]
pub(super) fn retried(attempt: AttemptGuard, failure: Failure) -> Call {
    match attempt.handle_outcome(Outcome::Failed(failure)) {
        Verdict::Retry(call) => call,
        other => panic!("{other:?}"),
    }
}

/// WebSocket is refused, and SSE works.
pub(super) fn convict(policy: &SharedPolicy) {
    let moved = retried(call(policy), REFUSED);
    let on_sse = begin(policy, moved);
    assert_eq!(
        (on_sse.transport(), on_sse.reason(), on_sse.number()),
        (Transport::Sse, Reason::CallMoved, 2)
    );
    on_sse.handle_progress();
    assert!(matches!(on_sse.handle_outcome(Outcome::Completed), Verdict::Done));
}

/// The policy with a probe under way since 60 s.
pub(super) fn probing(config: Config) -> (SharedPolicy, Clock, AttemptGuard) {
    let (policy, clock) = shared(config);
    convict(&policy);
    clock.set(60_000);
    let probe = call(&policy);
    assert!(probe.is_probe());
    (policy, clock, probe)
}

#[test]
fn a_guard_tells_what_its_attempt_tells() {
    let (policy, clock) = shared(EXACT);
    let attempt = call(&policy);
    assert_eq!((attempt.transport(), attempt.reason(), attempt.number()), (HEALTHY.0, HEALTHY.1, 1));
    assert!(!attempt.is_probe());
    assert_eq!(attempt.time_until_divert(), Some(ms(1000)));
    clock.set(400);
    assert_eq!(attempt.time_until_divert(), Some(ms(600)));
    clock.set(2000);
    assert_eq!(attempt.time_until_divert(), Some(Duration::ZERO));
}

#[test]
fn the_settings_are_those_that_were_given() {
    let config = Config::new().with_stream_max_retries(2);
    assert_eq!(shared(config).0.config(), config);
}

#[test]
fn the_head_start_ends_when_that_of_the_attempt_does() {
    let (policy, clock) = shared(Config::new().with_head_start(Duration::from_millis(700)));
    clock.set(1000);
    let attempt = call(&policy);
    assert_eq!(attempt.divert_at(), Some(at(1700)));
    convict(&policy);
    assert_eq!(call(&policy).divert_at(), None, "on SSE");
}

#[test]
fn time_comes_from_the_clock_that_was_given() {
    let (policy, clock) = shared(EXACT);
    convict(&policy);
    assert_eq!(judged(&policy), (failed_over_until(60_000), Some(ms(60_000))));
    assert_eq!(policy.poll_timeout(), Some(ms(60_000)));
    clock.set(59_999);
    assert_eq!(policy.now(), at(59_999));
    assert_eq!(policy.status().retry_in, Some(ms(1)));
    assert_eq!(call(&policy).reason(), Reason::CoolingDown);
    clock.set(60_000);
    assert_eq!((policy.status().retry_in, policy.poll_timeout()), (Some(Duration::ZERO), None));
    assert_eq!(call(&policy).reason(), Reason::Probe);
}

#[test]
fn a_retry_waits_for_its_backoff() {
    let (policy, clock) = shared(EXACT);
    let waiting = retried(call(&policy), BUSY);
    assert_eq!(policy.time_until(waiting.ready_at()), ms(200));
    let SharedDecision::Wait(waiting) = policy.begin_attempt(waiting) else { panic!("started") };
    clock.set(200);
    assert_eq!(begin(&policy, waiting).number(), 2);
}

#[test]
fn whoever_waits_itself_is_given_a_guard() {
    let (policy, clock, probe) = probing(EXACT);
    let waiting = retried(probe, REFUSED);
    assert_eq!(waiting.moved(), Some(Reason::CallMoved));
    clock.set(61_000);
    let on_sse = policy.begin_attempt_now(waiting);
    assert_eq!((on_sse.reason(), on_sse.number()), (Reason::CallMoved, 2));
    on_sse.handle_progress();
    assert_eq!(policy.mode(), failed_over_until(181_000));
    clock.set(181_000);
    let probe = policy.begin_attempt_now(policy.open_call());
    assert!(probe.is_probe());
    drop(probe);
    assert_eq!(policy.mode(), failed_over_until(301_000), "it was cancelled");
}

#[test]
fn a_dropped_attempt_is_cancelled() {
    let (policy, clock, probe) = probing(EXACT);
    clock.set(61_000);
    drop(probe);
    assert_eq!(judged(&policy), (failed_over_until(121_000), Some(ms(60_000))), "the slot is free at once");
    assert_eq!(policy.recoveries_left(), 2);
}

#[test]
fn a_dropped_attempt_that_made_progress_is_given_back() {
    let (policy, _clock, probe) = probing(EXACT);
    probe.handle_progress();
    drop(probe);
    assert_eq!(judged(&policy), (failed_over_until(60_000), Some(Duration::ZERO)));
    assert_eq!(policy.recoveries_left(), 3);
}

#[test]
fn an_attempt_that_panics_gives_back_what_it_held() {
    let (policy, _clock, probe) = probing(EXACT);
    let task = catch_unwind(AssertUnwindSafe(move || {
        let _probe = probe;
        panic!("in the middle of a stream");
    }));
    assert!(task.is_err());
    assert_eq!(policy.mode(), failed_over_until(120_000));
}

#[test]
fn an_outcome_is_reported_once() {
    let (policy, _clock, probe) = probing(EXACT);
    assert!(matches!(probe.handle_outcome(Outcome::Completed), Verdict::Done));
    assert_eq!(judged(&policy), (Mode::Preferred, None));
    let moved = retried(call(&policy), REFUSED);
    assert_eq!(policy.mode(), Mode::Suspected, "the guard that is gone does not cancel as well");
    drop(moved);
}

#[test]
fn a_dropped_dial_is_abandoned() {
    let (policy, clock, probe) = probing(EXACT);
    clock.set(61_000);
    let (moved, dial) = probe.divert().unwrap();
    assert_eq!(begin(&policy, moved).reason(), Reason::CallMoved);
    assert_eq!(policy.mode(), probing_until(90_000), "the dial holds the slot");
    drop(dial);
    assert_eq!((policy.mode(), policy.recoveries_left()), (failed_over_until(121_000), 2));
}

#[test]
fn a_dial_that_opens_is_not_abandoned_as_well() {
    let (policy, _clock, probe) = probing(EXACT);
    let (_call, dial) = probe.divert().unwrap();
    dial.handle_dial(DialOutcome::Opened);
    assert_eq!((policy.mode(), policy.recoveries_left()), (failed_over_until(60_000), 3));
}

#[test]
fn what_has_no_head_start_is_not_diverted() {
    let (policy, _clock, probe) = probing(EXACT);
    let on_sse = call(&policy);
    assert_eq!(on_sse.time_until_divert(), None);
    let on_sse = on_sse.divert().expect_err("nothing to divert");
    assert_eq!(on_sse.transport(), Transport::Sse);
    assert_eq!(policy.mode(), probing_until(90_000));
    drop(probe);
}

#[test]
fn a_dial_in_the_background_is_a_guard_too() {
    let (policy, clock) = shared(EXACT.with_probe(ProbeStyle::Background));
    convict(&policy);
    assert!(policy.poll_probe().is_none());
    clock.set(60_000);
    let dial: DialGuard = policy.poll_probe().unwrap();
    assert!(dial.is_probe());
    assert_eq!((policy.mode(), policy.poll_timeout()), (probing_until(90_000), Some(ms(30_000))));
    drop(dial);
    assert_eq!((policy.mode(), policy.recoveries_left()), (failed_over_until(120_000), 2));
}

#[test]
fn reading_the_mode_lets_time_pass() {
    let (policy, clock, probe) = probing(EXACT.with_max_recoveries(1));
    std::mem::forget(probe);
    clock.set(90_000);
    assert_eq!(policy.poll_timeout(), None);
    assert_eq!(policy.status(), Status { mode: Mode::Pinned, retry_in: None, recoveries_left: 0 });
}

#[test]
fn the_mode_is_of_this_moment() {
    let (policy, clock, probe) = probing(EXACT);
    std::mem::forget(probe);
    clock.set(100_000);
    assert_eq!(judged(&policy), (failed_over_until(220_000), Some(ms(120_000))));
}

#[test]
fn progress_on_sse_convicts() {
    let (policy, _clock) = shared(EXACT);
    let on_sse = begin(&policy, retried(call(&policy), REFUSED));
    assert_eq!(judged(&policy), (Mode::Suspected, None));
    on_sse.handle_progress();
    assert_eq!(judged(&policy), (failed_over_until(60_000), Some(ms(60_000))));
}

#[test]
fn progress_that_changes_nothing_asks_neither_the_clock_nor_the_policy() {
    let reads = AtomicU64::new(0);
    let clock = move || at(reads.fetch_add(1, Ordering::SeqCst));
    let policy = SharedPolicy::with_clock(clock, |now| Policy::new(EXACT, 0, now));
    let attempt = call(&policy);
    let before = policy.now();
    attempt.handle_progress();
    assert_eq!(policy.now().saturating_duration_since(before), ms(1), "read once, for this line");
}

#[test]
fn recoveries_and_snapshots_are_of_this_moment() {
    let (policy, clock, probe) = probing(EXACT);
    std::mem::forget(probe);
    clock.set(90_000);
    let restored = Policy::restore(EXACT, 0, &policy.snapshot(), ms(20_000), at(0));
    assert_eq!((restored.mode(), restored.recoveries_left()), (failed_over_until(100_000), 2));
}

#[test]
fn clones_share_one_policy() {
    let (policy, _clock) = shared(EXACT);
    let clone = policy.clone();
    convict(&policy);
    assert_eq!(clone.mode(), failed_over_until(60_000));
    clone.handle_network_change();
    assert_eq!(policy.mode(), Mode::Preferred);
}

/// Panics when a policy is written to it, which happens under the mutex.
struct Jammed;

impl std::fmt::Write for Jammed {
    fn write_str(&mut self, text: &str) -> std::fmt::Result {
        assert!(!text.contains("config"), "jammed");
        Ok(())
    }
}

#[test]
fn a_poisoned_mutex_is_no_obstacle() {
    let (policy, clock) = shared(EXACT);
    convict(&policy);
    let holder = policy.clone();
    let task = thread::spawn(move || std::fmt::write(&mut Jammed, format_args!("{holder:?}")));
    assert!(task.join().is_err(), "it panicked while it held the mutex");
    clock.set(60_000);
    let probe = call(&policy);
    assert!(probe.is_probe());
    assert!(matches!(probe.handle_outcome(Outcome::Completed), Verdict::Done));
    assert_eq!(judged(&policy), (Mode::Preferred, None));
}

#[test]
fn of_many_threads_at_the_end_of_a_cooldown_one_probes() {
    let (policy, clock) = shared(EXACT);
    convict(&policy);
    clock.set(60_000);
    let threads: Vec<_> = (0..100)
        .map(|_| {
            let policy = policy.clone();
            thread::spawn(move || call(&policy))
        })
        .collect();
    // The guards are kept until all have begun, so that none frees the slot for the next.
    let guards: Vec<_> = threads.into_iter().map(|thread| thread.join().unwrap()).collect();
    assert_eq!(guards.iter().filter(|guard| guard.is_probe()).count(), 1);
    assert_eq!(policy.recoveries_left(), 2);
}

#[test]
fn a_policy_of_its_own_clock_and_seed() {
    let policy = SharedPolicy::new(EXACT);
    convict(&policy);
    let Status { mode, retry_in, .. } = policy.status();
    assert!(matches!(mode, Mode::FailedOver { .. }));
    let retry_in = retry_in.unwrap();
    assert!(retry_in <= ms(60_000) && retry_in > ms(30_000), "{retry_in:?}");
    let restored = SharedPolicy::restore(EXACT, &policy.snapshot(), ms(60_000));
    assert_eq!(restored.status().retry_in, Some(Duration::ZERO));
    assert_eq!(call(&restored).reason(), Reason::Probe);
}

#[test]
fn seeds_differ_between_policies() {
    // The clock of each starts at its making, so that equal seeds would give equal times.
    let drawn = |_| {
        let policy = SharedPolicy::new(Config::new().with_cooldown(ms(1_000_000_000)));
        convict(&policy);
        policy.status().retry_in.unwrap().as_secs() / 1000
    };
    let mut cooldowns: Vec<_> = (0..8).map(drawn).collect();
    cooldowns.sort_unstable();
    cooldowns.dedup();
    assert!(cooldowns.len() > 1);
}

#[test]
fn it_prints_the_policy_and_goes_to_any_thread() {
    fn assert_send_sync<T: Send + Sync + 'static>() {}
    assert_send_sync::<SharedPolicy>();
    assert_send_sync::<AttemptGuard>();
    assert_send_sync::<DialGuard>();
    let (policy, _clock) = shared(EXACT);
    assert!(std::format!("{policy:?}").starts_with("SharedPolicy(Policy"));
}

#[test]
fn r17_a_warm_up_is_a_guard_too_and_so_is_what_adopts_it() {
    let (policy, _clock) = shared(EXACT);
    let dial = policy.warm_up().unwrap();
    assert!(policy.warm_up().is_none());
    drop(dial);
    let dial = policy.warm_up().unwrap();
    let attempt: AttemptGuard = dial.adopt().unwrap();
    assert_eq!((attempt.reason(), attempt.number()), (Reason::Healthy, 1));
    let (_call, dial) = attempt.divert().unwrap();
    let dial = dial.adopt().unwrap_err();
    assert_eq!(policy.begin_call().reason(), Reason::DialPending);
    drop(dial);
    assert_eq!(policy.begin_call().reason(), Reason::Healthy);
}
