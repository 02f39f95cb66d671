//! `SharedPolicy::on_change`: who is told what, by whom, and in which order.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::string::String;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, channel};
use std::sync::{Arc, Mutex};
use std::thread;
use std::vec::Vec;

use super::shared::{begin, call, convict, probing, retried, shared};
use super::*;
use crate::{Change, SharedPolicy};

/// Longer than anything takes that works.
const LONG: Duration = Duration::from_secs(10);

/// Everything that the policy tells from now on.
fn hear(policy: &SharedPolicy) -> Receiver<Change> {
    let (sender, heard) = channel();
    policy.on_change(move |change| sender.send(change).unwrap());
    heard
}

fn words(heard: &Receiver<Change>) -> Vec<String> {
    heard.try_iter().map(|Change { from, to, why, .. }| std::format!("{from} -> {to}: {why}")).collect()
}

/// Two changes: into the first cooldown, and back.
fn there_and_back(policy: &SharedPolicy) {
    convict(policy);
    policy.handle_network_change();
}

#[test]
fn each_change_is_told_with_all_that_people_want_to_know() {
    let (policy, _clock) = shared(EXACT);
    let heard = hear(&policy);
    let moved = retried(call(&policy), REFUSED);
    let suspected = Change {
        from: Mode::Preferred,
        to: Mode::Suspected,
        why: Trigger::WebSocketFailed,
        retry_in: None,
        recoveries_left: 3,
    };
    assert_eq!(heard.try_iter().collect::<Vec<_>>(), [suspected]);
    begin(&policy, moved).handle_progress();
    let convicted = Change {
        from: Mode::Suspected,
        to: failed_over_until(60_000),
        why: Trigger::SseWorked,
        retry_in: Some(ms(60_000)),
        recoveries_left: 3,
    };
    assert_eq!(heard.try_iter().collect::<Vec<_>>(), [convicted]);
}

#[test]
fn every_method_tells_what_it_changes() {
    let (policy, clock) = shared(EXACT.with_probe(ProbeStyle::Background).with_max_recoveries(4));
    let heard = hear(&policy);
    convict(&policy);
    assert_eq!(
        words(&heard),
        ["preferred -> suspected: websocket_failed", "suspected -> failed_over: sse_worked"]
    );
    clock.set(60_000);
    let dial = policy.poll_probe().unwrap();
    assert_eq!(words(&heard), ["failed_over -> probing: cooldown_over"]);
    dial.handle_dial(DialOutcome::Opened);
    assert_eq!(words(&heard), ["probing -> failed_over: dial_opened"]);
    let (_call, dial) = call(&policy).divert().unwrap();
    assert_eq!(words(&heard), ["failed_over -> probing: cooldown_over"]);
    drop(dial);
    assert_eq!(words(&heard), ["probing -> failed_over: probe_undecided"]);
    clock.set(120_000);
    drop(policy.begin_attempt_now(policy.open_call()));
    assert_eq!(
        words(&heard),
        ["failed_over -> probing: cooldown_over", "probing -> failed_over: probe_undecided"]
    );
    clock.set(180_000);
    std::mem::forget(policy.begin_call());
    clock.set(210_000);
    assert!(matches!(policy.mode(), Mode::FailedOver { .. }));
    assert_eq!(
        words(&heard),
        ["failed_over -> probing: cooldown_over", "probing -> failed_over: lease_over"]
    );
    policy.handle_network_change();
    assert_eq!(words(&heard), ["failed_over -> preferred: network_changed"]);
}

#[test]
fn what_changes_no_mode_is_not_told() {
    let (policy, clock, probe) = probing(EXACT);
    let heard = hear(&policy);
    clock.set(70_000);
    probe.handle_progress();
    assert_eq!(policy.mode(), probing_until(100_000));
    drop(call(&policy));
    assert!(matches!(probe.handle_outcome(Outcome::Completed), Verdict::Done));
    let told: Vec<_> = heard.try_iter().map(|change| change.from).collect();
    assert_eq!(told, [probing_until(100_000)], "as the mode was last");
    policy.handle_network_change();
    assert_eq!(call(&policy).reason(), Reason::Healthy);
    assert_eq!(words(&heard), [] as [&str; 0]);
}

#[test]
fn what_happened_before_is_not_told() {
    let (policy, _clock) = shared(EXACT);
    convict(&policy);
    let heard = hear(&policy);
    assert!(matches!(policy.mode(), Mode::FailedOver { .. }));
    assert_eq!(words(&heard), [] as [&str; 0]);
    policy.handle_network_change();
    assert_eq!(words(&heard), ["failed_over -> preferred: network_changed"]);
}

#[test]
fn time_and_what_follows_in_the_same_step_are_one_change() {
    let (policy, clock, probe) = probing(EXACT);
    let heard = hear(&policy);
    clock.set(90_000);
    assert!(matches!(probe.handle_outcome(Outcome::Completed), Verdict::Done));
    assert_eq!(words(&heard), ["probing -> preferred: websocket_completed"]);
}

#[test]
fn listeners_are_told_in_the_order_in_which_they_came() {
    let (policy, _clock) = shared(EXACT);
    let (sender, heard) = channel();
    for name in ["first", "second"] {
        let sender = sender.clone();
        policy.on_change(move |change| sender.send((name, change.to)).unwrap());
    }
    retried(call(&policy), REFUSED);
    let told: Vec<_> = heard.try_iter().collect();
    assert_eq!(told, [("first", Mode::Suspected), ("second", Mode::Suspected)]);
}

#[test]
fn a_listener_may_use_the_policy_and_is_told_afterwards_of_what_it_did() {
    let (policy, _clock) = shared(EXACT);
    let heard = hear(&policy);
    let inner = policy.clone();
    let inside = AtomicBool::new(false);
    policy.on_change(move |change| {
        assert!(!inside.swap(true, Ordering::SeqCst), "told while it is being told");
        if change.to == Mode::Suspected {
            assert_eq!(inner.mode(), Mode::Suspected);
            inner.handle_network_change();
        }
        inside.store(false, Ordering::SeqCst);
    });
    retried(call(&policy), REFUSED);
    assert_eq!(policy.mode(), Mode::Preferred);
    assert_eq!(
        words(&heard),
        ["preferred -> suspected: websocket_failed", "suspected -> preferred: network_changed"]
    );
}

#[test]
fn a_listener_that_comes_while_others_are_told_hears_what_follows() {
    let (policy, _clock) = shared(EXACT);
    let (sender, heard) = channel();
    let inner = policy.clone();
    let mut sender = Some(sender);
    policy.on_change(move |_| {
        if let Some(sender) = sender.take() {
            inner.on_change(move |change| sender.send(change).unwrap());
            inner.handle_network_change();
        }
    });
    retried(call(&policy), REFUSED);
    assert_eq!(words(&heard), ["suspected -> preferred: network_changed"]);
    there_and_back(&policy);
    assert_eq!(words(&heard).len(), 3);
}

/// A listener that waits in its first change until it is let go, and whether it waits.
fn held_up(policy: &SharedPolicy) -> (Receiver<()>, std::sync::mpsc::Sender<()>) {
    let (arrived, arrival) = channel();
    let (release, released) = channel();
    let mut arrived = Some(arrived);
    policy.on_change(move |_| {
        if let Some(arrived) = arrived.take() {
            arrived.send(()).unwrap();
            released.recv().unwrap();
        }
    });
    (arrival, release)
}

#[test]
fn two_threads_are_told_for_in_the_order_of_what_they_did() {
    let (policy, _clock) = shared(EXACT);
    let (arrival, release) = held_up(&policy);
    let (sender, heard) = channel();
    policy.on_change(move |change| sender.send((thread::current().id(), change.to)).unwrap());
    let slow = thread::spawn({
        let policy = policy.clone();
        move || drop(retried(call(&policy), REFUSED))
    });
    arrival.recv_timeout(LONG).expect("a change is told");
    // This thread's change comes second. It does not wait, and it does not overtake.
    policy.handle_network_change();
    assert_eq!(policy.mode(), Mode::Preferred);
    assert_eq!(heard.try_iter().count(), 0);
    let teller = slow.thread().id();
    release.send(()).unwrap();
    slow.join().unwrap();
    let told: Vec<_> = heard.try_iter().collect();
    assert_eq!(told, [(teller, Mode::Suspected), (teller, Mode::Preferred)]);
    // With nobody else about, whoever changes the mode tells.
    retried(call(&policy), REFUSED);
    assert_eq!(heard.try_iter().collect::<Vec<_>>(), [(thread::current().id(), Mode::Suspected)]);
}

#[test]
fn of_many_threads_each_change_is_told_once_in_order_and_never_two_at_a_time() {
    let (policy, _clock) = shared(EXACT);
    let told: Arc<Mutex<Vec<Change>>> = Arc::default();
    let (list, telling) = (Arc::clone(&told), AtomicBool::new(false));
    policy.on_change(move |change| {
        assert!(!telling.swap(true, Ordering::SeqCst), "two at a time");
        list.lock().unwrap().push(change);
        thread::yield_now();
        telling.store(false, Ordering::SeqCst);
    });
    thread::scope(|scope| {
        for n in 0..4 {
            let policy = &policy;
            scope.spawn(move || {
                for _ in 0..500 {
                    let attempt = policy.begin_call();
                    if n % 2 == 0 {
                        drop(attempt.handle_outcome(Outcome::Failed(REFUSED)));
                    } else {
                        attempt.handle_progress();
                        policy.handle_network_change();
                    }
                }
            });
        }
    });
    let told = told.lock().unwrap();
    assert!(told.len() > 100, "{} changes", told.len());
    assert_eq!(told[0].from, Mode::Preferred);
    for pair in told.windows(2) {
        assert_eq!(pair[0].to, pair[1].from);
    }
    assert_eq!(told.last().unwrap().to, policy.mode(), "nothing is left untold");
}

#[test]
fn what_changes_while_telling_is_put_off_is_told_then_by_whoever_put_it_off() {
    let (policy, _clock) = shared(EXACT);
    let mine = Arc::new(Mutex::new(()));
    let (sender, heard) = channel();
    let wanted = Arc::clone(&mine);
    policy.on_change(move |change| {
        let is_free = wanted.try_lock().is_ok();
        sender.send((thread::current().id(), change.to, is_free)).unwrap();
    });
    policy.telling_later(|| {
        policy.telling_later(|| {
            let _locked = mine.lock();
            retried(call(&policy), REFUSED);
        });
        assert_eq!(heard.try_iter().count(), 0, "it is still put off");
        let other = policy.clone();
        thread::spawn(move || other.handle_network_change()).join().unwrap();
    });
    let teller = thread::current().id();
    let told: Vec<_> = heard.try_iter().collect();
    assert_eq!(told, [(teller, Mode::Suspected, true), (teller, Mode::Preferred, true)]);
    retried(call(&policy), REFUSED);
    assert_eq!(heard.try_iter().count(), 1, "nothing is put off any more");
}

#[test]
fn of_a_listener_that_is_too_slow_the_last_changes_become_one() {
    let (policy, _clock) = shared(EXACT);
    let (arrival, release) = held_up(&policy);
    let heard = hear(&policy);
    let slow = thread::spawn({
        let policy = policy.clone();
        move || policy.begin_call().handle_outcome(Outcome::Failed(REFUSED))
    });
    arrival.recv_timeout(LONG).expect("a change is told");
    // The first is being told, and fifteen wait. Of the next two, the second has no room.
    policy.handle_network_change();
    for _ in 0..7 {
        retried(call(&policy), REFUSED);
        policy.handle_network_change();
    }
    convict(&policy);
    assert!(matches!(policy.mode(), Mode::FailedOver { .. }));
    release.send(()).unwrap();
    drop(slow.join().unwrap());
    let told = words(&heard);
    assert_eq!(told.len(), 1 + 16);
    assert_eq!(told[15], "suspected -> preferred: network_changed");
    assert_eq!(told[16], "preferred -> failed_over: sse_worked", "two in one");
}

#[test]
fn what_was_undone_before_there_was_room_is_not_told() {
    let (policy, _clock) = shared(EXACT);
    let (arrival, release) = held_up(&policy);
    let heard = hear(&policy);
    let slow = thread::spawn({
        let policy = policy.clone();
        move || policy.begin_call().handle_outcome(Outcome::Failed(REFUSED))
    });
    arrival.recv_timeout(LONG).expect("a change is told");
    policy.handle_network_change();
    for _ in 0..20 {
        retried(call(&policy), REFUSED);
        policy.handle_network_change();
    }
    release.send(()).unwrap();
    drop(slow.join().unwrap());
    let told: Vec<_> = heard.try_iter().collect();
    assert_eq!(told.len(), 1 + 15);
    for pair in told.windows(2) {
        assert_eq!(pair[0].to, pair[1].from);
    }
    assert_eq!(told.last().unwrap().to, Mode::Preferred);
}

#[test]
fn after_a_listener_panicked_all_go_on_with_the_next_change() {
    let (policy, _clock) = shared(EXACT);
    let mut calls = 0;
    policy.on_change(move |_| {
        calls += 1;
        assert!(calls != 1, "the first time");
    });
    let heard = hear(&policy);
    let told = catch_unwind(AssertUnwindSafe(|| drop(retried(call(&policy), REFUSED))));
    assert!(told.is_err());
    assert_eq!(words(&heard), [] as [&str; 0], "it came after the one that panicked");
    policy.handle_network_change();
    assert_eq!(words(&heard), ["suspected -> preferred: network_changed"]);
}

#[test]
fn what_waits_when_a_listener_panics_is_told_with_the_next_change() {
    let (policy, _clock) = shared(EXACT);
    let inner = policy.clone();
    let mut calls = 0;
    let heard = hear(&policy);
    policy.on_change(move |_| {
        calls += 1;
        if calls == 1 {
            inner.handle_network_change();
            panic!("with a change that waits");
        }
    });
    assert!(catch_unwind(AssertUnwindSafe(|| drop(retried(call(&policy), REFUSED)))).is_err());
    assert_eq!(words(&heard), ["preferred -> suspected: websocket_failed"]);
    retried(call(&policy), REFUSED);
    assert_eq!(
        words(&heard),
        ["suspected -> preferred: network_changed", "preferred -> suspected: websocket_failed"]
    );
}

#[test]
fn what_another_process_knows_is_learned_and_its_probe_waited_for() {
    let (policy, clock) = shared(EXACT);
    let (other, _clock) = shared(EXACT);
    assert!(!policy.learn(&other.snapshot(), Duration::ZERO), "both believe in WebSocket");
    convict(&other);
    let heard = hear(&policy);
    assert!(policy.learn(&other.snapshot(), Duration::ZERO));
    assert_eq!(words(&heard), ["preferred -> failed_over: restored"]);
    clock.set(60_000);
    policy.hold_probe(ms(5_000));
    assert_eq!(policy.mode(), failed_over_until(65_000));
}
