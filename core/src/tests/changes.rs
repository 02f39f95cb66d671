//! What a policy tells of its transitions: that there was one, and what brought it about.

extern crate std;
use std::string::ToString;

use super::*;

/// How the mode came about, as often as that is asked.
#[track_caller]
fn changed(d: &Driver, before: u32, trigger: Trigger) -> u32 {
    assert_eq!(d.policy.trigger(), Some(trigger));
    assert_ne!(d.policy.transitions(), before);
    d.policy.transitions()
}

#[test]
fn what_changes_no_mode_is_no_transition() {
    let mut d = Driver::new(EXACT);
    assert_eq!((d.policy.transitions(), d.policy.trigger()), (0, None));
    let attempt = d.call();
    let again = d.retried_in_time(attempt, DROPPED);
    let (moved, dial) = d.divert(again);
    let on_sse = d.begin(moved);
    d.progress(&on_sse);
    d.complete(on_sse);
    d.dial(dial, DialOutcome::Opened);
    let attempt = d.call();
    d.progress(&attempt);
    d.complete(attempt);
    assert_eq!((d.policy.transitions(), d.policy.trigger()), (0, None));
}

#[test]
fn neither_a_lease_that_is_renewed_nor_a_cooldown_that_is_over_is_a_transition() {
    let mut d = Driver::failed_over(EXACT);
    let before = d.policy.transitions();
    assert_eq!(d.at(70_000).mode(), failed_over_until(60_000));
    assert_eq!(d.policy.transitions(), before);
    let probe = d.call();
    let before = changed(&d, before, Trigger::CooldownOver);
    d.at(80_000).progress(&probe);
    assert_eq!((d.policy.transitions(), d.mode()), (before, probing_until(110_000)));
}

#[test]
fn a_transition_says_what_brought_it_about() {
    let mut d = Driver::new(EXACT.with_max_recoveries(1));
    let call = d.suspect();
    let seen = changed(&d, 0, Trigger::WebSocketFailed);
    let on_sse = d.begin(call);
    d.progress(&on_sse);
    let seen = changed(&d, seen, Trigger::SseWorked);
    let probe = d.at(60_000).call();
    let seen = changed(&d, seen, Trigger::CooldownOver);
    d.progress(&probe);
    d.done(probe, Outcome::Ended);
    let seen = changed(&d, seen, Trigger::ProbeUndecided);
    let probe = d.call();
    let seen = changed(&d, seen, Trigger::CooldownOver);
    let (_call, dial) = d.divert(probe);
    d.dial(dial, DialOutcome::Opened);
    let seen = changed(&d, seen, Trigger::DialOpened);
    let probe = d.call();
    let seen = changed(&d, seen, Trigger::CooldownOver);
    let call = d.retried(probe, CUT);
    let seen = changed(&d, seen, Trigger::ProbeFailed);
    let on_sse = d.begin(call);
    d.retried(on_sse, OFFLINE);
    let seen = changed(&d, seen, Trigger::SseFailed);
    assert_eq!(d.mode(), failed_over_until(120_000));
    let probe = d.at(120_000).call();
    let seen = changed(&d, seen, Trigger::CooldownOver);
    assert_eq!(d.at(150_000).mode(), Mode::Pinned);
    let seen = changed(&d, seen, Trigger::LeaseOver);
    d.complete(probe);
    let seen = changed(&d, seen, Trigger::WebSocketCompleted);
    d.suspect();
    let seen = changed(&d, seen, Trigger::WebSocketFailed);
    assert_eq!(d.at(210_000).mode(), Mode::Preferred);
    changed(&d, seen, Trigger::SuspicionLapsed);
}

#[test]
fn a_change_of_network_is_a_transition_in_every_mode() {
    let mut d = Driver::new(EXACT);
    d.policy.handle_network_change(at(0));
    let seen = changed(&d, 0, Trigger::NetworkChanged);
    d.convict();
    d.policy.handle_network_change(at(0));
    changed(&d, seen, Trigger::NetworkChanged);
}

#[test]
fn a_conviction_without_a_suspicion_says_what_failed() {
    let immediate = EXACT.with_verdict(VerdictStyle::Immediate);
    let mut d = Driver::new(immediate);
    let attempt = d.call();
    d.retried(attempt, REFUSED);
    let seen = changed(&d, 0, Trigger::WebSocketFailed);
    let probe = d.at(60_000).call();
    let seen = changed(&d, seen, Trigger::CooldownOver);
    d.retried(probe, REFUSED);
    changed(&d, seen, Trigger::ProbeFailed);
    assert_eq!(d.mode(), failed_over_until(180_000));

    for (recoveries, mode) in [(3, failed_over_until(60_000)), (0, Mode::Pinned)] {
        let mut d = Driver::new(EXACT.with_max_recoveries(recoveries));
        let attempt = d.call();
        let (call, dial) = d.divert(attempt);
        let on_sse = d.begin(call);
        d.progress(&on_sse);
        d.dial(dial, DialOutcome::Failed(REFUSED));
        changed(&d, 0, Trigger::WebSocketFailed);
        assert_eq!(d.mode(), mode, "the evidence was there");
    }
}

#[test]
fn a_restored_policy_says_so_and_counts_on() {
    let d = Driver::failed_over(EXACT);
    let snapshot = d.policy.snapshot(d.now);
    let restored = Policy::restore(EXACT, 0, &snapshot, ms(0), at(0));
    assert_eq!(restored.trigger(), Some(Trigger::Restored));
    assert_eq!(restored.transitions(), d.policy.transitions() + 1);
}

#[test]
fn each_trigger_has_a_word_of_its_own() {
    let words = [
        "websocket_failed",
        "probe_failed",
        "sse_worked",
        "sse_failed",
        "suspicion_lapsed",
        "cooldown_over",
        "lease_over",
        "probe_undecided",
        "dial_opened",
        "websocket_completed",
        "network_changed",
        "restored",
    ];
    assert_eq!(Trigger::ALL.map(Trigger::as_str), words);
    assert_eq!(Trigger::ALL.map(|trigger| trigger.to_string()), words.map(ToString::to_string));
}
