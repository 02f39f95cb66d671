//! R17: a handshake ahead of any call, and a call that waits for it instead of making its own.

use super::*;

/// A warm-up that begins at 0.
fn warming_up(config: Config) -> (Driver, Dial) {
    let mut d = Driver::new(config);
    let dial = d.policy.warm_up(d.now).unwrap();
    (d, dial)
}

/// One that begins at 60 s, when the first cooldown is over.
fn warming_up_as_probe(config: Config) -> (Driver, Dial) {
    let mut d = Driver::failed_over(config);
    let dial = d.at(60_000).policy.warm_up(at(60_000)).unwrap();
    (d, dial)
}

#[track_caller]
fn adopted(d: &mut Driver, dial: Dial) -> Attempt {
    d.policy.adopt(dial, d.now).unwrap()
}

#[test]
fn r17_a_warm_up_changes_no_mode_and_the_next_call_uses_it() {
    let (mut d, dial) = warming_up(EXACT);
    assert_eq!((d.mode(), d.policy.transitions()), (Mode::Preferred, 0));
    d.at(400).dial(dial, DialOutcome::Opened);
    assert_eq!((d.mode(), d.wakes_at()), (Mode::Preferred, None));
    assert_eq!(went(&d.call()), HEALTHY);
    assert!(d.policy.warm_up(d.now).is_some(), "whether there is a connection is for the driver to know");
}

#[test]
fn r17_one_warm_up_at_a_time() {
    let (mut d, dial) = warming_up(EXACT);
    assert!(d.policy.warm_up(d.now).is_none());
    d.dial(dial, DialOutcome::Abandoned);
    assert!(d.policy.warm_up(d.now).is_some());
    assert!(d.at(29_999).policy.warm_up(at(29_999)).is_none());
    assert!(d.policy.warm_up(at(30_000)).is_some(), "one that is lost is waited for no longer than a lease");
}

#[test]
fn r17_no_warm_up_beside_a_diverted_dial() {
    let mut d = Driver::new(EXACT);
    let attempt = d.call();
    let (_call, dial) = d.at(1000).divert(attempt);
    assert!(d.policy.warm_up(d.now).is_none());
    d.dial(dial, DialOutcome::Opened);
    assert!(d.policy.warm_up(d.now).is_some());
}

#[test]
fn r17_calls_that_do_not_adopt_a_warm_up_use_sse_meanwhile() {
    let (mut d, dial) = warming_up(EXACT);
    let call = d.call();
    assert_eq!(went(&call), sse(Reason::DialPending));
    assert_eq!(d.wakes_at(), Some(at(30_000)));
    d.progress(&call);
    d.at(500).dial(dial, DialOutcome::Failed(REFUSED));
    assert_eq!(d.mode(), failed_over_until(60_500), "the evidence is there already");
}

#[test]
fn r17_a_warm_up_that_fails_is_a_refused_handshake() {
    for failure in [REFUSED, OFFLINE] {
        let (mut d, dial) = warming_up(EXACT);
        d.at(500).dial(dial, DialOutcome::Failed(failure));
        assert_eq!((d.mode(), d.failures()), (Mode::Suspected, 1));
        assert!(d.policy.warm_up(d.now).is_none(), "SSE is to show first whose fault it was");
        let call = d.call();
        d.progress(&call);
        assert_eq!(d.mode(), failed_over_until(60_500));
    }
    for outcome in [DialOutcome::Abandoned, DialOutcome::Failed(BUSY), DialOutcome::Failed(INVALID)] {
        let (mut d, dial) = warming_up(EXACT);
        d.dial(dial, outcome);
        assert_eq!((d.mode(), d.failures(), d.recoveries()), (Mode::Preferred, 0, 3));
        assert_eq!(went(&d.call()), HEALTHY);
    }
}

#[test]
fn r17_no_warm_up_where_websocket_is_not_wanted() {
    let mut d = Driver::new(EXACT);
    d.suspect();
    assert!(d.policy.warm_up(d.now).is_none(), "suspected");
    let mut d = Driver::failed_over(EXACT);
    assert!(d.policy.warm_up(at(59_999)).is_none(), "cooling down");
    assert_eq!((d.at(59_999).mode(), d.recoveries()), (failed_over_until(60_000), 3));
    let (mut d, _probe) = Driver::probing(EXACT);
    assert!(d.policy.warm_up(d.now).is_none(), "probing");
    let mut d = Driver::pinned();
    assert!(d.policy.warm_up(at(1_000_000)).is_none(), "pinned");
}

#[test]
fn r17_after_the_cooldown_a_warm_up_is_the_probe() {
    let (mut d, dial) = warming_up_as_probe(EXACT);
    assert_eq!((d.mode(), d.recoveries()), (probing_until(90_000), 2));
    assert!(d.policy.warm_up(d.now).is_none());
    assert_eq!(went(&d.call()), sse(Reason::ProbeInFlight));
    d.at(60_300).dial(dial, DialOutcome::Opened);
    assert_eq!((d.mode(), d.recoveries()), (failed_over_until(60_300), 3));
    let probe = d.call();
    assert_eq!(went(&probe), PROBE);
    d.complete(probe);
    assert_eq!(d.mode(), Mode::Preferred);
}

#[test]
fn r17_a_dial_says_whether_it_is_the_probe() {
    let (mut d, dial) = warming_up(EXACT);
    assert!(!dial.is_probe());
    let attempt = adopted(&mut d, dial);
    assert!(!d.divert(attempt).1.is_probe());

    let (mut d, dial) = warming_up_as_probe(EXACT);
    assert!(dial.is_probe());
    let on_sse = d.call();
    assert!(!d.divert(on_sse).1.is_probe(), "it says nothing");
    let probe = adopted(&mut d, dial);
    let (_call, dial) = d.divert(probe);
    assert!(dial.is_probe());
    d.policy.handle_network_change(d.now);
    assert!(dial.is_probe(), "it was begun as the probe");
}

#[test]
fn r17_a_warm_up_that_probes_is_judged_like_any_probe() {
    let (mut d, dial) = warming_up_as_probe(EXACT);
    d.at(60_100).dial(dial, DialOutcome::Failed(REFUSED));
    assert_eq!((d.mode(), d.recoveries()), (Mode::Suspected, 2));

    let (mut d, dial) = warming_up_as_probe(EXACT.with_max_recoveries(1));
    d.dial(dial, DialOutcome::Abandoned);
    assert_eq!(d.mode(), Mode::Pinned);

    let (mut d, _lost) = warming_up_as_probe(EXACT);
    assert_eq!((d.at(90_000).mode(), d.recoveries()), (failed_over_until(210_000), 2));

    let (mut d, dial) = warming_up_as_probe(EXACT);
    d.dial(dial, DialOutcome::Failed(BUSY));
    assert_eq!((d.mode(), d.recoveries()), (failed_over_until(120_000), 3));
}

#[test]
fn r06_a_warm_up_refills_no_recovery() {
    let (mut d, dial) = warming_up_as_probe(EXACT);
    d.dial(dial, DialOutcome::Abandoned);
    let dial = d.at(120_000).policy.warm_up(at(120_000)).unwrap();
    d.dial(dial, DialOutcome::Opened);
    assert_eq!((d.mode(), d.recoveries()), (failed_over_until(120_000), 2), "its own and no other");
}

#[test]
fn r17_a_call_adopts_a_warm_up_and_has_a_head_start_of_its_own() {
    let (mut d, dial) = warming_up(EXACT);
    let attempt = adopted(d.at(5000), dial);
    assert_eq!((went(&attempt), attempt.number(), attempt.divert_at()), (HEALTHY, 1, Some(at(6000))));
    assert_eq!((d.mode(), d.wakes_at()), (Mode::Preferred, None));
    assert_eq!(went(&d.call()), HEALTHY, "as beside any other handshake of a call");
    d.complete(attempt);
    assert_eq!(d.mode(), Mode::Preferred);
}

#[test]
fn r17_an_adopted_handshake_that_fails_is_its_calls() {
    let (mut d, dial) = warming_up(EXACT);
    let attempt = adopted(&mut d, dial);
    let moved = d.moved(attempt, REFUSED);
    assert_eq!((d.mode(), d.failures()), (Mode::Suspected, 1));
    d.progress(&moved);
    assert_eq!(d.mode(), failed_over_until(60_000));
}

#[test]
fn r17_an_adopted_handshake_may_be_diverted_and_nobody_waits_for_it_again() {
    let (mut d, dial) = warming_up(EXACT);
    let attempt = adopted(d.at(5000), dial);
    let (call, dial) = d.at(6000).divert(attempt);
    assert_eq!(went(&d.begin(call)), sse(Reason::CallMoved));
    assert_eq!(went(&d.call()), sse(Reason::DialPending));
    let dial = d.policy.adopt(dial, d.now).unwrap_err();
    assert_eq!(d.wakes_at(), Some(at(36_000)), "nothing has changed");
    d.dial(dial, DialOutcome::Opened);
    assert_eq!(went(&d.call()), HEALTHY);
}

#[test]
fn r17_an_adopted_probe_is_its_calls() {
    let (mut d, dial) = warming_up_as_probe(EXACT.with_max_recoveries(1));
    let probe = adopted(d.at(61_000), dial);
    assert_eq!((went(&probe), probe.divert_at()), (PROBE, Some(at(62_000))));
    assert_eq!((d.mode(), d.recoveries()), (probing_until(90_000), 0), "paid for once");
    assert_eq!(went(&d.call()), sse(Reason::ProbeInFlight));
    d.progress(&probe);
    assert_eq!(d.mode(), probing_until(91_000));
    d.complete(probe);
    assert_eq!((d.mode(), d.recoveries()), (Mode::Preferred, 1));

    let (mut d, dial) = warming_up_as_probe(EXACT);
    let probe = adopted(&mut d, dial);
    let (_call, dial) = d.at(61_000).divert(probe);
    d.dial(dial, DialOutcome::Opened);
    assert_eq!((d.mode(), d.recoveries()), (failed_over_until(61_000), 3));

    let (mut d, dial) = warming_up_as_probe(EXACT);
    let probe = adopted(&mut d, dial);
    d.moved(probe, REFUSED);
    assert_eq!((d.mode(), d.recoveries()), (Mode::Suspected, 2));
}

#[test]
fn r17_a_stale_dial_is_not_adopted() {
    let (mut d, dial) = warming_up(EXACT);
    d.policy.handle_network_change(d.now);
    let dial = d.policy.adopt(dial, d.now).unwrap_err();
    d.dial(dial, DialOutcome::Failed(REFUSED));
    assert_eq!(d.mode(), Mode::Preferred);

    let (mut d, dial) = warming_up_as_probe(EXACT);
    assert!(d.at(90_000).policy.adopt(dial, at(90_000)).is_err(), "its lease is over");
    assert_eq!(d.mode(), failed_over_until(210_000));
}

#[test]
fn r17_a_dial_that_says_nothing_is_not_adopted() {
    let mut d = Driver::failed_over(EXACT);
    let on_sse = d.call();
    let (_call, dial) = d.divert(on_sse);
    assert!(d.policy.adopt(dial, d.now).is_err());
}

#[test]
fn background_a_dial_that_probes_ahead_may_be_adopted() {
    let mut d = Driver::failed_over(EXACT.with_probe(ProbeStyle::Background));
    let dial = d.at(60_000).policy.poll_probe(at(60_000)).unwrap();
    assert!(dial.is_probe());
    assert_eq!(went(&adopted(&mut d, dial)), PROBE);
}
