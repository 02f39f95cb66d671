//! R17: a call does not wait for a slow handshake, and no other call waits for the same one. And probing by
//! dial.

use super::*;

/// A call whose handshake had not opened after a second: the call, moved, and the dial it left.
fn diverted(config: Config) -> (Driver, Call, Dial) {
    let mut d = Driver::new(config);
    let attempt = d.call();
    let (call, dial) = d.at(1000).divert(attempt);
    (d, call, dial)
}

/// The same, of the probe: begun at 60 s, diverted at 61 s.
fn diverted_probe(config: Config) -> (Driver, Call, Dial) {
    let (mut d, probe) = Driver::probing(config);
    let (call, dial) = d.at(61_000).divert(probe);
    (d, call, dial)
}

#[test]
fn r17_websocket_attempts_have_a_head_start() {
    let mut d = Driver::new(EXACT);
    assert_eq!(d.at(5).call().divert_at(), Some(at(1005)));
    let (mut d, probe) = Driver::probing(EXACT.with_head_start(ms(250)));
    assert_eq!(probe.divert_at(), Some(at(60_250)));
    assert_eq!(d.call().divert_at(), None, "but not on SSE");
}

#[test]
fn r17_a_retry_has_a_head_start_of_its_own() {
    let mut d = Driver::new(EXACT);
    let attempt = d.call();
    assert_eq!(d.retried_in_time(attempt, DROPPED).divert_at(), Some(at(1200)));
}

#[test]
fn r17_a_diverted_call_moves_at_once_and_the_mode_stays() {
    let (mut d, call, _dial) = diverted(EXACT.with_retry_budget(Some(0)));
    assert_eq!(call.ready_at(), at(1000));
    let attempt = d.begin(call);
    assert_eq!((went(&attempt), attempt.number()), (sse(Reason::CallMoved), 2));
    assert_eq!((d.mode(), d.recoveries(), d.wakes_at()), (Mode::Preferred, 3, Some(at(31_000))));
}

#[test]
fn r17_nobody_waits_twice_for_the_same_handshake() {
    let (mut d, _call, _dial) = diverted(EXACT);
    assert_eq!(went(&d.call()), sse(Reason::DialPending));
    d.now = Timestamp::from_nanos(31_000_000_000 - 1);
    assert_eq!(went(&d.call()), sse(Reason::DialPending));
    assert_eq!(went(&d.at(31_000).call()), HEALTHY, "not for longer than a lease");
    assert_eq!(d.wakes_at(), None);
}

#[test]
fn r17_the_latest_divert_counts() {
    let mut d = Driver::new(EXACT);
    let (first, second) = (d.call(), d.call());
    let _first = d.at(1000).divert(first);
    let _second = d.at(2000).divert(second);
    assert_eq!(d.wakes_at(), Some(at(32_000)));
    assert_eq!(went(&d.at(31_500).call()), sse(Reason::DialPending));
    assert_eq!(went(&d.at(32_000).call()), HEALTHY);
}

#[test]
fn r17_a_dial_that_opens_lets_the_next_call_use_it() {
    let (mut d, _call, dial) = diverted(EXACT);
    d.at(3000).dial(dial, DialOutcome::Opened);
    assert_eq!((d.mode(), d.wakes_at()), (Mode::Preferred, None));
    assert_eq!(went(&d.call()), HEALTHY);
}

#[test]
fn r17_a_completion_on_websocket_ends_the_wait_for_a_dial() {
    let mut d = Driver::new(EXACT);
    let (slow, fast) = (d.call(), d.call());
    let (_call, _dial) = d.at(1000).divert(slow);
    assert_eq!(went(&d.call()), sse(Reason::DialPending));
    d.complete(fast);
    assert_eq!((went(&d.call()), d.wakes_at()), (HEALTHY, None));
}

#[test]
fn r17_a_completion_on_websocket_does_not_make_the_dial_stale() {
    let mut d = Driver::new(EXACT);
    let (slow, fast) = (d.call(), d.call());
    let (_call, dial) = d.at(1000).divert(slow);
    d.complete(fast);
    d.dial(dial, DialOutcome::Failed(REFUSED));
    assert_eq!(d.mode(), Mode::Suspected, "no transition came between");
}

#[test]
fn r17_a_change_of_mode_ends_the_wait_for_a_dial() {
    let mut d = Driver::new(EXACT);
    let (slow, other) = (d.call(), d.call());
    let _diverted = d.at(1000).divert(slow);
    let moved = d.moved(other, REFUSED);
    assert_eq!((d.mode(), went(&d.call())), (Mode::Suspected, sse(Reason::VerdictPending)));
    d.gives_up(moved, INVALID);
    assert_eq!((d.mode(), went(&d.call())), (Mode::Preferred, HEALTHY));
}

#[test]
fn r17_a_dial_that_fails_is_a_refused_handshake() {
    for failure in [REFUSED, OFFLINE] {
        let (mut d, call, dial) = diverted(EXACT);
        let attempt = d.begin(call);
        d.at(5000).dial(dial, DialOutcome::Failed(failure));
        assert_eq!(d.mode(), Mode::Suspected, "no evidence yet");
        d.at(6000).progress(&attempt);
        assert_eq!(d.mode(), failed_over_until(66_000));
    }
}

#[test]
fn r17_a_dial_that_fails_counts_as_a_stream_failure_unless_it_is_the_probes() {
    let (mut d, _call, dial) = diverted(EXACT);
    d.dial(dial, DialOutcome::Failed(REFUSED));
    assert_eq!((d.mode(), d.failures()), (Mode::Suspected, 1));
    let (mut d, _call, dial) = diverted(EXACT);
    d.dial(dial, DialOutcome::Failed(BUSY));
    assert_eq!(d.failures(), 0);
    let (mut d, _call, dial) = diverted_probe(EXACT);
    let before = d.failures();
    d.dial(dial, DialOutcome::Failed(REFUSED));
    assert_eq!((d.mode(), d.failures()), (Mode::Suspected, before));
}

#[test]
fn r17_a_dial_that_fails_with_sse_dead_is_acquitted() {
    let (mut d, call, dial) = diverted(EXACT);
    let attempt = d.begin(call);
    d.at(5000).dial(dial, DialOutcome::Failed(OFFLINE));
    let _call = d.retried(attempt, OFFLINE);
    assert_eq!((d.mode(), d.recoveries()), (Mode::Preferred, 3));
}

#[test]
fn r17_progress_on_sse_since_the_divert_is_the_evidence() {
    let (mut d, call, dial) = diverted(EXACT);
    let attempt = d.begin(call);
    d.at(1500).progress(&attempt);
    assert_eq!(d.mode(), Mode::Preferred);
    d.at(16_000).dial(dial, DialOutcome::Failed(REFUSED));
    assert_eq!((d.mode(), d.recoveries()), (failed_over_until(76_000), 3));

    let (mut d, _call, dial) = diverted(EXACT);
    let other = d.call();
    d.complete(other);
    d.at(16_000).dial(dial, DialOutcome::Failed(REFUSED));
    assert_eq!(d.mode(), failed_over_until(76_000), "of any call, and a completion will do");
}

#[test]
fn r17_progress_on_sse_before_the_divert_is_no_evidence() {
    let mut d = Driver::new(EXACT);
    let attempt = d.call();
    let call = d.retried(attempt, TOO_LARGE);
    let on_sse = d.begin(call);
    d.progress(&on_sse);
    let slow = d.call();
    let (_call, dial) = d.at(1000).divert(slow);
    d.dial(dial, DialOutcome::Failed(REFUSED));
    assert_eq!(d.mode(), Mode::Suspected);
}

#[test]
fn r17_progress_on_websocket_is_no_evidence() {
    let mut d = Driver::new(EXACT);
    let (slow, fast) = (d.call(), d.call());
    let (_call, dial) = d.at(1000).divert(slow);
    d.progress(&fast);
    d.dial(dial, DialOutcome::Failed(REFUSED));
    assert_eq!(d.mode(), Mode::Suspected);
}

#[test]
fn r17_a_dial_that_fails_without_a_recovery_pins() {
    let (mut d, call, dial) = diverted(EXACT.with_max_recoveries(0));
    let attempt = d.begin(call);
    d.complete(attempt);
    d.dial(dial, DialOutcome::Failed(REFUSED));
    assert_eq!(d.mode(), Mode::Pinned);
}

#[test]
fn r17_immediate_convicts_a_dial_once() {
    for evidence in [false, true] {
        let (mut d, call, dial) = diverted(EXACT.with_verdict(VerdictStyle::Immediate));
        let attempt = d.begin(call);
        if evidence {
            d.progress(&attempt);
        }
        d.dial(dial, DialOutcome::Failed(REFUSED));
        assert_eq!(d.mode(), failed_over_until(61_000));
        d.at(61_000).call();
        assert_eq!(d.at(91_000).mode(), failed_over_until(91_000 + 120_000), "the second conviction");
    }
}

#[test]
fn r17_a_dial_that_is_abandoned_or_excused_changes_no_mode() {
    for outcome in [DialOutcome::Abandoned, DialOutcome::Failed(BUSY), DialOutcome::Failed(INVALID)] {
        let (mut d, call, dial) = diverted(EXACT);
        let attempt = d.begin(call);
        d.progress(&attempt);
        d.dial(dial, outcome);
        assert_eq!((d.mode(), d.recoveries(), d.wakes_at()), (Mode::Preferred, 3, None));
        assert_eq!(went(&d.call()), HEALTHY, "its outcome ends the wait");
    }
}

#[test]
fn r17_a_diverted_probe_still_holds_the_slot() {
    let (mut d, call, _dial) = diverted_probe(EXACT);
    assert_eq!((d.mode(), d.recoveries(), d.wakes_at()), (probing_until(90_000), 2, Some(at(90_000))));
    assert_eq!(went(&d.begin(call)), sse(Reason::CallMoved));
    assert_eq!(went(&d.call()), sse(Reason::ProbeInFlight));
    assert_eq!(d.at(90_000).mode(), failed_over_until(210_000), "no longer than its lease");
}

#[test]
fn r17_a_diverted_probe_that_opens_is_given_back_and_the_next_call_probes() {
    let (mut d, _call, dial) = diverted_probe(EXACT.with_max_recoveries(1));
    d.at(62_000).dial(dial, DialOutcome::Opened);
    assert_eq!((d.mode(), d.recoveries()), (failed_over_until(62_000), 1));
    let probe = d.call();
    assert_eq!(went(&probe), PROBE);
    d.complete(probe);
    assert_eq!(d.mode(), Mode::Preferred);
}

#[test]
fn r17_a_diverted_probe_that_fails_is_a_failed_probe() {
    let (mut d, call, dial) = diverted_probe(EXACT);
    d.at(62_000).dial(dial, DialOutcome::Failed(REFUSED));
    assert_eq!((d.mode(), d.recoveries()), (Mode::Suspected, 2));
    let attempt = d.begin(call);
    let _call = d.retried(attempt, DROPPED);
    assert_eq!((d.mode(), d.recoveries()), (failed_over_until(122_000), 3), "acquitted as a probe is");
}

#[test]
fn r17_a_diverted_probe_that_fails_with_sse_alive_is_convicted_directly() {
    let (mut d, call, dial) = diverted_probe(EXACT);
    let attempt = d.begin(call);
    d.progress(&attempt);
    d.at(62_000).dial(dial, DialOutcome::Failed(OFFLINE));
    assert_eq!((d.mode(), d.recoveries()), (failed_over_until(62_000 + 120_000), 2));

    let (mut d, call, dial) = diverted_probe(EXACT.with_max_recoveries(1));
    let attempt = d.begin(call);
    d.complete(attempt);
    d.dial(dial, DialOutcome::Failed(REFUSED));
    assert_eq!((d.mode(), d.recoveries()), (Mode::Pinned, 0));
}

#[test]
fn r17_a_diverted_probe_that_is_abandoned_stays_spent() {
    let (mut d, _call, dial) = diverted_probe(EXACT);
    d.at(62_000).dial(dial, DialOutcome::Abandoned);
    assert_eq!((d.mode(), d.recoveries()), (failed_over_until(122_000), 2));

    let (mut d, _call, dial) = diverted_probe(EXACT.with_max_recoveries(1));
    d.dial(dial, DialOutcome::Abandoned);
    assert_eq!(d.mode(), Mode::Pinned);
}

#[test]
fn r17_a_diverted_probe_that_fails_for_another_cause_is_given_back() {
    for failure in [WORN_OUT, TOO_LARGE, BUSY, INVALID] {
        let (mut d, _call, dial) = diverted_probe(EXACT.with_max_recoveries(1));
        d.at(62_000).dial(dial, DialOutcome::Failed(failure));
        assert_eq!((d.mode(), d.recoveries()), (failed_over_until(62_000), 1));
    }
}

#[test]
fn r17_a_stale_dial_changes_nothing() {
    let outcomes = [DialOutcome::Opened, DialOutcome::Failed(REFUSED), DialOutcome::Abandoned];
    for outcome in outcomes {
        let (mut d, call, dial) = diverted(EXACT);
        d.policy.handle_network_change(d.now);
        let attempt = d.begin(call);
        d.complete(attempt);
        d.dial(dial, outcome);
        assert_eq!((d.mode(), d.recoveries()), (Mode::Preferred, 3));

        let (mut d, _call, dial) = diverted_probe(EXACT);
        assert_eq!(d.at(90_000).mode(), failed_over_until(210_000));
        d.dial(dial, outcome);
        assert_eq!((d.mode(), d.recoveries()), (failed_over_until(210_000), 2), "its lease is over");

        let _probe = d.at(210_000).call();
        let (_call, stale) = (d.call(), d.mode());
        assert_eq!((stale, d.recoveries()), (probing_until(240_000), 1));
    }
}

#[test]
fn r17_a_stale_dial_does_not_end_the_wait_for_a_later_one() {
    let mut d = Driver::new(EXACT);
    let attempt = d.call();
    let (_call, stale) = d.divert(attempt);
    d.policy.handle_network_change(d.now);
    assert_eq!(went(&d.call()), HEALTHY, "a change of network ends the wait");
    let attempt = d.call();
    let _diverted = d.at(1000).divert(attempt);
    d.dial(stale, DialOutcome::Opened);
    assert_eq!(went(&d.call()), sse(Reason::DialPending));
}

#[test]
fn r17_diverting_a_stale_attempt_makes_nobody_wait() {
    let mut d = Driver::new(EXACT);
    let stale = d.call();
    d.policy.handle_network_change(d.now);
    let (call, _dial) = d.at(1000).divert(stale);
    assert_eq!(went(&d.begin(call)), sse(Reason::CallMoved));
    assert_eq!((went(&d.call()), d.wakes_at()), (HEALTHY, None));
}

#[test]
fn r17_two_dials_that_fail_are_one_suspicion() {
    let mut d = Driver::new(EXACT);
    let (first, second) = (d.call(), d.call());
    let ((call, first), (_call, second)) = (d.at(1000).divert(first), d.divert(second));
    let attempt = d.begin(call);
    d.dial(first, DialOutcome::Failed(REFUSED));
    d.at(1100).progress(&attempt);
    d.at(1200).dial(second, DialOutcome::Failed(REFUSED));
    assert_eq!(d.mode(), failed_over_until(61_100));
    assert_eq!(d.at(61_100).recoveries(), 3);
}

#[test]
fn r17_what_has_no_head_start_cannot_be_diverted() {
    let mut d = Driver::failed_over(EXACT);
    let on_sse = d.call();
    let (call, dial) = d.divert(on_sse);
    assert_eq!(call.ready_at(), Timestamp::ZERO);
    assert_eq!(went(&d.begin(call)), sse(Reason::CoolingDown), "it has not moved");
    d.at(60_000).dial(dial, DialOutcome::Failed(REFUSED));
    assert_eq!((d.mode(), d.recoveries()), (failed_over_until(60_000), 3));

    let (mut d, _probe) = Driver::probing(EXACT);
    let on_sse = d.call();
    let (_call, dial) = d.divert(on_sse);
    d.dial(dial, DialOutcome::Opened);
    assert_eq!((d.mode(), d.recoveries()), (probing_until(90_000), 2), "its dial says nothing");
}

#[test]
fn r17_a_dial_within_the_wait_of_the_cooldown_is_not_a_probe() {
    let mut d = Driver::failed_over(EXACT);
    assert!(d.at(60_000).policy.poll_probe(at(60_000)).is_none(), "in band is the default");
    assert_eq!((d.mode(), d.recoveries()), (failed_over_until(60_000), 3));
}

const BACKGROUND: Config = EXACT.with_probe(ProbeStyle::Background);

#[test]
fn background_a_dial_may_probe_once_the_cooldown_is_over() {
    let mut d = Driver::failed_over(BACKGROUND);
    assert!(d.policy.poll_probe(at(59_999)).is_none());
    let dial = d.policy.poll_probe(at(60_000));
    assert!(dial.is_some());
    assert_eq!((d.at(60_000).mode(), d.recoveries()), (probing_until(90_000), 2));
    assert!(d.policy.poll_probe(at(60_000)).is_none(), "one at a time");
    assert_eq!(went(&d.call()), sse(Reason::ProbeInFlight));
}

#[test]
fn background_there_is_nothing_to_dial_for_in_other_modes() {
    let mut d = Driver::new(BACKGROUND);
    assert!(d.policy.poll_probe(at(0)).is_none());
    let _call = d.suspect();
    assert!(d.policy.poll_probe(at(0)).is_none());
    let mut d = Driver::failed_over(BACKGROUND.with_max_recoveries(0));
    assert!(d.policy.poll_probe(at(1_000_000)).is_none());
}

#[test]
fn background_a_dial_that_opens_waits_for_a_call_to_complete_on_it() {
    let mut d = Driver::failed_over(BACKGROUND);
    let dial = d.policy.poll_probe(at(60_000)).unwrap();
    d.at(60_300).dial(dial, DialOutcome::Opened);
    assert_eq!((d.mode(), d.recoveries()), (failed_over_until(60_300), 3));
    assert!(d.policy.poll_probe(at(60_300)).is_none(), "there is a connection");
    assert!(d.policy.poll_probe(at(1_000_000)).is_none());
    let probe = d.at(1_000_000).call();
    assert_eq!(went(&probe), PROBE);
    d.complete(probe);
    assert_eq!(d.mode(), Mode::Preferred);
}

#[test]
fn background_a_dial_that_fails_is_judged_like_a_probe() {
    let mut d = Driver::failed_over(BACKGROUND);
    let dial = d.policy.poll_probe(at(60_000)).unwrap();
    d.at(60_100).dial(dial, DialOutcome::Failed(REFUSED));
    assert_eq!((d.mode(), d.recoveries()), (Mode::Suspected, 2));
    assert!(d.policy.poll_probe(at(60_100)).is_none());
    let next = d.call();
    assert_eq!(went(&next), sse(Reason::VerdictPending));
    d.progress(&next);
    assert_eq!(d.mode(), failed_over_until(60_100 + 120_000));
}

#[test]
fn background_a_dial_that_fails_while_sse_works_is_convicted() {
    let mut d = Driver::failed_over(BACKGROUND);
    let before = d.at(59_000).call();
    d.progress(&before);
    let dial = d.policy.poll_probe(at(60_000)).unwrap();
    let other = d.at(60_010).call();
    d.complete(other);
    d.at(60_100).dial(dial, DialOutcome::Failed(REFUSED));
    assert_eq!((d.mode(), d.recoveries()), (failed_over_until(180_100), 2));
}

#[test]
fn background_a_dial_that_is_lost_or_abandoned_stays_spent() {
    let mut d = Driver::failed_over(BACKGROUND);
    let dial = d.policy.poll_probe(at(60_000)).unwrap();
    d.at(60_100).dial(dial, DialOutcome::Abandoned);
    assert_eq!((d.mode(), d.recoveries()), (failed_over_until(120_100), 2));
    let _lost = d.policy.poll_probe(at(120_100)).unwrap();
    assert_eq!((d.at(150_100).mode(), d.recoveries()), (failed_over_until(270_100), 1));
}

#[test]
fn background_a_dial_that_is_excused_costs_nothing_but_cools_down_again() {
    for blame in [Blame::Server, Blame::Request, Blame::Payload, Blame::Connection] {
        let mut d = Driver::failed_over(BACKGROUND);
        let dial = d.policy.poll_probe(at(60_000)).unwrap();
        d.at(60_000).dial(dial, DialOutcome::Failed(Failure::new(blame, Stage::Connecting)));
        assert_eq!((d.mode(), d.recoveries()), (failed_over_until(120_000), 3), "{blame}");
        assert!(d.policy.poll_probe(at(60_000)).is_none(), "{blame}");
    }
}

#[test]
fn background_a_call_that_comes_first_probes_in_band() {
    let mut d = Driver::failed_over(BACKGROUND);
    let probe = d.at(60_000).call();
    assert_eq!(went(&probe), PROBE);
    assert!(d.policy.poll_probe(at(60_000)).is_none());
}

#[test]
fn background_after_a_probe_is_given_back_a_dial_may_probe_again() {
    let mut d = Driver::failed_over(BACKGROUND);
    let dial = d.policy.poll_probe(at(60_000)).unwrap();
    d.at(60_000).dial(dial, DialOutcome::Opened);
    let probe = d.call();
    d.progress(&probe);
    d.done(probe, Outcome::Cancelled);
    assert_eq!((d.mode(), d.recoveries()), (failed_over_until(60_000), 3));
    assert!(d.policy.poll_probe(at(60_000)).is_some(), "the connection is gone with the call");
}

#[test]
fn background_a_restart_forgets_a_dial_that_opened() {
    let mut d = Driver::failed_over(BACKGROUND);
    let dial = d.policy.poll_probe(at(60_000)).unwrap();
    d.at(60_000).dial(dial, DialOutcome::Opened);
    let snapshot = d.policy.snapshot(d.now);
    let mut restored = Policy::restore(BACKGROUND, 0, &snapshot, Duration::ZERO, d.now);
    assert!(restored.poll_probe(d.now).is_some(), "no connection outlives its process");
}
