//! `SharedPolicy::record`: who is told what, in which order.

use core::ops::ControlFlow;
use std::format;
use std::string::String;
use std::sync::mpsc::channel;
use std::vec::Vec;

use super::shared::shared;
use super::*;
use crate::record::{Asked, Name};
use crate::{SharedDecision, SharedPolicy, Snapshot};

#[test]
fn everything_that_is_asked_is_told_in_order() {
    let (policy, clock) = shared(EXACT);
    let (sender, told) = channel();
    policy.record(move |record| {
        let name = record.name.map(|name| format!(" {name}")).unwrap_or_default();
        let word = format!("{:?}", record.asked);
        let word = word.split(['(', ' ']).next().unwrap_or_default();
        sender.send(format!("{}{name} {}", word, record.answered.policy.mode())).unwrap();
        ControlFlow::Continue(())
    });
    // Another clone is the same policy.
    let other = policy.clone();
    let refused = policy.begin_call();
    let Verdict::Retry(call) = refused.handle_outcome(Outcome::Failed(REFUSED)) else { unreachable!() };
    let SharedDecision::Start(sse) = other.begin_attempt(call) else { unreachable!() };
    sse.handle_progress();
    drop(sse);
    clock.set(60_000);
    let dial = policy.warm_up().unwrap();
    let probe = dial.adopt().unwrap();
    probe.handle_progress();
    let (moved, dial) = probe.divert().unwrap();
    drop(dial);
    let attempt = other.begin_attempt_now(moved);
    let _ = attempt.handle_outcome(Outcome::Completed);
    let open = policy.open_call_over_sse(OverSse::SseOnly);
    drop(open);
    policy.handle_network_change();
    let _ = (policy.status(), policy.snapshot(), policy.config(), policy.recoveries_left());
    assert_eq!(
        told.try_iter().collect::<Vec<String>>(),
        [
            "BeginCall c1 preferred",
            "Outcome c1 suspected",
            "BeginAttempt c1 suspected",
            "Progress c1 failed_over",
            "Outcome c1 failed_over",
            "WarmUp d1 probing",
            "Adopt c2 probing",
            "Progress c2 probing",
            "Divert c2 probing",
            "Dial c2 failed_over",
            "BeginAttemptNow c2 failed_over",
            "Outcome c2 failed_over",
            "OpenCall c3 failed_over",
            "NetworkChange preferred",
            "Timeout preferred",
        ]
    );
}

/// Says so when it is dropped, and asks the policy then.
struct Last(SharedPolicy, std::sync::mpsc::Sender<Mode>);

impl Drop for Last {
    fn drop(&mut self) {
        self.1.send(self.0.mode()).unwrap();
    }
}

#[test]
fn a_recorder_that_has_enough_is_dropped_where_nothing_is_locked() {
    let (policy, _clock) = shared(EXACT);
    let (sender, dropped) = channel();
    let last = Last(policy.clone(), sender);
    let mut steps = 0;
    policy.record(move |record| {
        let _kept = &last;
        steps += 1;
        assert_eq!(record.name, Some(Name::Call(steps)), "it is not called again");
        if steps == 2 { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    });
    let first = policy.begin_call();
    assert!(dropped.try_recv().is_err());
    let second = policy.begin_call();
    assert_eq!(dropped.try_recv(), Ok(Mode::Preferred));
    let third = policy.begin_call();
    drop((first, second, third));
}

/// The second step of a recorder may take long: it is taken where nothing is locked, after each record and
/// before anybody who listens is told.
#[test]
fn what_follows_a_record_is_done_where_nothing_is_locked() {
    let (policy, _clock) = shared(EXACT);
    let (sender, told) = channel();
    let (recorded, done, asks) = (sender.clone(), sender.clone(), policy.clone());
    policy.on_change(move |change| sender.send(format!("told of {}", change.to)).unwrap());
    policy.record_then(
        move |record| {
            recorded.send(format!("{:?}", record.name)).unwrap();
            ControlFlow::Continue(())
        },
        move || done.send(format!("done with {} left", asks.recoveries_left())).unwrap(),
    );
    let refused = policy.begin_call();
    let _call = refused.handle_outcome(Outcome::Failed(REFUSED));
    let of_call = "Some(Call(1))";
    assert_eq!(
        told.try_iter().collect::<Vec<_>>(),
        [of_call, "done with 3 left", of_call, "done with 3 left", "told of suspected"]
    );
}

/// Who shows a policy may wait for whoever writes that down, and that one may ask the policy.
#[test]
fn a_policy_is_shown_where_nothing_is_locked() {
    struct Asks(SharedPolicy, String);
    impl core::fmt::Write for Asks {
        fn write_str(&mut self, text: &str) -> core::fmt::Result {
            assert_eq!(self.0.recoveries_left(), 3);
            self.1.push_str(text);
            Ok(())
        }
    }
    let (policy, _clock) = shared(EXACT);
    let mut asks = Asks(policy.clone(), String::new());
    core::fmt::write(&mut asks, format_args!("{policy:?}")).unwrap();
    assert!(asks.1.starts_with("SharedPolicy(Policy {"), "{}", asks.1);
}

#[test]
fn a_later_recorder_takes_the_place_of_the_former() {
    let (policy, _clock) = shared(EXACT);
    let (sender, dropped) = channel();
    let last = Last(policy.clone(), sender);
    policy.record(move |_| {
        let _kept = &last;
        ControlFlow::Continue(())
    });
    let (sender, told) = channel();
    policy.record(move |record| {
        sender.send(format!("{:?}", record.asked)).unwrap();
        ControlFlow::Continue(())
    });
    assert_eq!(dropped.try_recv(), Ok(Mode::Preferred));
    policy.handle_network_change();
    // The former asked for the mode, when it was dropped.
    assert_eq!(told.try_iter().collect::<Vec<_>>(), ["Timeout", "NetworkChange"]);
}

/// What each kind of thing that is asked, and each kind of answer, is written as.
#[cfg(feature = "serde")]
#[test]
fn each_record_is_written_as_a_step() {
    let (policy, clock) = shared(EXACT.with_max_recoveries(2));
    let (sender, told) = channel();
    policy.record(move |record| {
        sender.send(serde_json::to_string(record).unwrap()).unwrap();
        ControlFlow::Continue(())
    });
    let fail = |failure: Failure| Outcome::Failed(failure);
    clock.set(7);
    let (_, dial) = policy.begin_call().divert().unwrap();
    dial.handle_dial(DialOutcome::Failed(OFFLINE));
    policy.handle_network_change();
    let Verdict::Retry(call) = policy.begin_call().handle_outcome(fail(REFUSED)) else { unreachable!() };
    let SharedDecision::Start(sse) = policy.begin_attempt(call) else { unreachable!() };
    sse.handle_progress();
    let busy = Failure::new(Blame::Server, Stage::Streaming).with_retry_after(Duration::from_millis(1_500));
    let Verdict::Retry(call) = sse.handle_outcome(fail(busy)) else { unreachable!() };
    let SharedDecision::Wait(call) = policy.begin_attempt(call) else { unreachable!() };
    let sse = policy.begin_attempt_now(call);
    let _ = sse.handle_outcome(fail(BUSY.with_retry_after(Duration::from_nanos(61_000_000_001))));
    let _ = policy.begin_call().handle_outcome(Outcome::RetriesExhausted(REFUSED.with_committed()));
    let _ = policy.begin_call().handle_outcome(Outcome::Completed);
    let _ = policy.begin_call().handle_outcome(Outcome::Ended);
    drop(policy.begin_call());
    drop(policy.open_call());
    drop(policy.open_call_over_sse(OverSse::TooLarge));
    clock.set(600_000);
    let _ = policy.status();
    policy.handle_network_change();
    assert!(policy.poll_probe().is_none());
    let dial = policy.warm_up().unwrap();
    let _ = dial.adopt().unwrap();
    policy.hold_probe(Duration::from_millis(30));
    policy.handle_network_change();
    policy.warm_up().unwrap().handle_dial(DialOutcome::Opened);
    drop(policy.warm_up().unwrap());
    let snapshot = Policy::new(EXACT, 0, Timestamp::ZERO).snapshot(Timestamp::ZERO);
    let _ = policy.learn(&snapshot, Duration::from_nanos(5));
    let written: Vec<String> = told.try_iter().collect();
    assert_eq!(written, include_str!("recorded.jsonl").lines().collect::<Vec<_>>());
}

/// So a trace of whole milliseconds replays the very times.
#[test]
fn a_recorded_policy_learns_in_whole_milliseconds() {
    let (policy, clock) = shared(EXACT);
    let (sender, told) = channel();
    policy.record(move |record| {
        if let Asked::Learn(snapshot, _) = record.asked {
            sender.send(*snapshot).unwrap();
        }
        ControlFlow::Continue(())
    });
    let exact = Snapshot {
        retry_in: ms(7) + Duration::from_nanos(1),
        cooldown: ms(70_000) + Duration::from_nanos(1),
        ..Driver::failed_over(EXACT).policy.snapshot(Timestamp::ZERO)
    };
    assert!(policy.learn(&exact, Duration::ZERO));
    assert_eq!(told.try_recv(), Ok(Snapshot { retry_in: ms(8), cooldown: ms(70_001), ..exact }));
    assert_eq!(policy.mode(), failed_over_until(8));
    clock.set(8);
    // A probe that shows nothing cools down for as long as the last conviction did.
    drop(policy.begin_call());
    assert_eq!(policy.mode(), failed_over_until(8 + 70_001));
}
