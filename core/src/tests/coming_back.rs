//! R6 to R9: coming back to WebSocket, and what is too old to count.

use super::*;

#[test]
fn r06_a_probe_that_completes_brings_everything_back() {
    let (mut d, probe) = Driver::probing(EXACT);
    d.progress(&probe);
    assert_eq!(d.recoveries(), 2);
    d.complete(probe);
    assert_eq!((d.mode(), d.recoveries(), d.wakes_at()), (Mode::Preferred, 3, None));
    assert_eq!(went(&d.call()), HEALTHY);
}

#[test]
fn r06_a_completion_counts_in_any_mode() {
    let mut d = Driver::new(EXACT);
    let mut early = [(); 5].map(|()| Some(d.call()));
    let mut complete = |d: &mut Driver, n: usize| {
        let attempt = early[n].take().unwrap();
        d.complete(attempt);
        assert_eq!((d.mode(), d.recoveries()), (Mode::Preferred, 3));
    };
    complete(&mut d, 0);
    let _call = d.suspect();
    complete(&mut d, 1);
    d.convict();
    complete(&mut d, 2);
    d.convict();
    let probe = d.at(60_000).call();
    assert!(probe.is_probe());
    complete(&mut d, 3);
    d.moved(probe, REFUSED);
    assert_eq!(d.mode(), Mode::Preferred, "the probe is stale");

    let mut d = Driver::new(EXACT.with_max_recoveries(0));
    let early = d.call();
    d.convict();
    assert_eq!(d.mode(), Mode::Pinned);
    d.complete(early);
    assert_eq!(d.mode(), Mode::Preferred);
}

#[test]
fn r06_nothing_but_a_completion_refills_recoveries() {
    let (mut d, probe) = Driver::probing(EXACT);
    d.progress(&probe);
    assert_eq!(d.recoveries(), 2, "not the first event");
    let on_sse = d.call();
    d.complete(on_sse);
    assert_eq!(d.recoveries(), 2, "not a completion on SSE");
    d.moved(probe, CUT);
    let on_sse = d.call();
    d.complete(on_sse);
    assert_eq!(d.at(10_000_000_000).recoveries(), 2, "not time");
    assert!(matches!(d.mode(), Mode::FailedOver { .. }));
}

#[test]
fn r06_a_completion_on_sse_does_not_bring_the_policy_back() {
    let (mut d, _probe) = Driver::probing(EXACT);
    let on_sse = d.call();
    d.complete(on_sse);
    assert_eq!(d.mode(), probing_until(90_000));
}

#[test]
fn r07_a_probe_that_fails_moves_its_call_at_once() {
    for failure in [REFUSED, OFFLINE, DROPPED, CUT] {
        let (mut d, probe) = Driver::probing(EXACT);
        d.moved(probe, failure);
        assert_eq!((d.mode(), d.recoveries(), d.wakes_at()), (Mode::Suspected, 2, Some(at(120_000))));
        assert_eq!(went(&d.call()), sse(Reason::VerdictPending));
    }
}

#[test]
fn r07_progress_does_not_save_a_probe_that_fails() {
    let (mut d, probe) = Driver::probing(EXACT);
    d.progress(&probe);
    d.moved(probe, CUT);
    assert_eq!((d.mode(), d.recoveries()), (Mode::Suspected, 2));
}

#[test]
fn r07_conviction_after_a_probe_cools_down_longer() {
    let (mut d, probe) = Driver::probing(EXACT);
    let attempt = d.moved(probe, REFUSED);
    d.at(61_000).progress(&attempt);
    assert_eq!((d.mode(), d.recoveries()), (failed_over_until(61_000 + 120_000), 2));
}

#[test]
fn r07_recoveries_run_out_and_the_policy_is_pinned() {
    let mut d = Driver::failed_over(EXACT);
    let mut start = 0;
    for (cooldown, left) in [(60_000, 2), (120_000, 1), (240_000, 0)] {
        assert_eq!(d.mode(), failed_over_until(start + cooldown));
        start += cooldown;
        d.at(start).convict();
        assert_eq!(d.recoveries(), left);
    }
    assert_eq!((d.mode(), d.wakes_at()), (Mode::Pinned, None));
}

#[test]
fn r07_acquittal_of_a_probe_cools_down_as_before_and_gives_the_recovery_back() {
    let (mut d, probe) = Driver::probing(EXACT);
    let attempt = d.moved(probe, REFUSED);
    let attempt = d.moved_and_convicted_then_probing(attempt);
    let attempt = d.moved(attempt, OFFLINE);
    assert_eq!((d.mode(), d.recoveries()), (Mode::Suspected, 1));
    d.at(200_000);
    let _call = d.retried(attempt, OFFLINE);
    assert_eq!((d.mode(), d.recoveries()), (failed_over_until(200_000 + 120_000), 2));
    d.at(320_000).convict();
    assert_eq!((d.mode(), d.recoveries()), (failed_over_until(320_000 + 240_000), 1), "the third conviction");
}

impl Driver {
    /// The SSE attempt completes, which convicts for the second time; the next probe begins at 180 s.
    fn moved_and_convicted_then_probing(&mut self, on_sse: Attempt) -> Attempt {
        self.complete(on_sse);
        assert_eq!(self.mode(), failed_over_until(180_000));
        let probe = self.at(180_000).call();
        assert!(probe.is_probe());
        probe
    }
}

#[test]
fn r07_acquittal_of_a_probe_forgets_the_failures_as_well() {
    let mut d = Driver::new(EXACT.with_stream_max_retries(0));
    let attempt = d.call();
    let on_sse = d.moved(attempt, DROPPED);
    d.complete(on_sse);
    assert_eq!(d.failures(), 1);
    let probe = d.at(60_000).call();
    let on_sse = d.moved(probe, DROPPED);
    d.retried_after(on_sse, Outcome::Failed(WORN_OUT));
    assert_eq!(d.failures(), 1, "undecided");
    let other = d.call();
    d.gives_up(other, INVALID);
    assert_eq!(d.failures(), 0);
}

#[test]
fn r07_a_last_probe_that_is_acquitted_does_not_pin() {
    let (mut d, probe) = Driver::probing(EXACT.with_max_recoveries(1));
    assert_eq!(d.recoveries(), 0);
    let attempt = d.moved(probe, OFFLINE);
    let _call = d.retried(attempt, OFFLINE);
    assert_eq!((d.mode(), d.recoveries()), (failed_over_until(120_000), 1));
}

#[test]
fn r07_a_probe_that_ends_without_progress_stays_spent() {
    for outcome in [Outcome::Cancelled, Outcome::Ended] {
        let (mut d, probe) = Driver::probing(EXACT);
        d.at(60_500).done(probe, outcome);
        assert_eq!((d.mode(), d.recoveries()), (failed_over_until(120_500), 2));

        let (mut d, probe) = Driver::probing(EXACT.with_max_recoveries(1));
        d.done(probe, outcome);
        assert_eq!((d.mode(), d.recoveries()), (Mode::Pinned, 0));
    }
}

#[test]
fn r07_a_probe_that_ends_without_progress_is_not_convicted() {
    let (mut d, probe) = Driver::probing(EXACT);
    d.done(probe, Outcome::Cancelled);
    d.at(120_000).convict();
    assert_eq!(d.mode(), failed_over_until(120_000 + 120_000), "the second conviction");
}

#[test]
fn r07_a_probe_that_ends_after_progress_is_given_back() {
    for outcome in [Outcome::Cancelled, Outcome::Ended] {
        let (mut d, probe) = Driver::probing(EXACT.with_max_recoveries(1));
        d.at(60_500).progress(&probe);
        d.at(61_000).done(probe, outcome);
        assert_eq!((d.mode(), d.recoveries(), d.wakes_at()), (failed_over_until(61_000), 1, None));
        assert_eq!(went(&d.call()), PROBE);
    }
}

#[test]
fn r06_a_warm_up_that_ends_refills_nothing() {
    let (mut d, probe) = Driver::probing(EXACT);
    d.done(probe, Outcome::Ended);
    assert_eq!((d.mode(), d.recoveries()), (failed_over_until(120_000), 2));
}

#[test]
fn r07_a_probe_that_fails_for_another_cause_is_given_back() {
    for failure in [WORN_OUT, TOO_LARGE, BUSY, INVALID] {
        for outcome in [Outcome::Failed(failure), Outcome::Failed(failure.with_committed())] {
            let (mut d, probe) = Driver::probing(EXACT.with_max_recoveries(1));
            d.at(60_500);
            let _verdict = d.policy.handle_outcome(probe, outcome, d.now);
            assert_eq!((d.mode(), d.recoveries()), (failed_over_until(60_500), 1), "{outcome:?}");
        }
    }
}

#[test]
fn r07_a_second_connection_failure_is_the_fault_of_the_probe() {
    let (mut d, probe) = Driver::probing(EXACT);
    let call = d.retried(probe, WORN_OUT);
    let probe = d.begin(call);
    assert_eq!((went(&probe), d.recoveries()), (PROBE, 2), "another probe");
    d.moved(probe, WORN_OUT);
    assert_eq!(d.mode(), Mode::Suspected);
}

#[test]
fn r07_a_probe_is_not_forgiven_by_the_retries_of_a_call() {
    let (mut d, probe) = Driver::probing(EXACT.with_stream_max_retries(u8::MAX));
    d.moved(probe, DROPPED);
    assert_eq!(d.mode(), Mode::Suspected);
}

#[test]
fn r08_a_lost_probe_counts_as_convicted_at_the_end_of_its_lease() {
    let (mut d, _lost) = Driver::probing(EXACT);
    d.now = Timestamp::from_nanos(90_000_000_000 - 1);
    assert_eq!((d.mode(), d.wakes_at()), (probing_until(90_000), Some(at(90_000))));
    assert_eq!(went(&d.call()), sse(Reason::ProbeInFlight));
    d.at(90_000);
    assert_eq!((d.mode(), d.recoveries()), (failed_over_until(90_000 + 120_000), 2));
    assert_eq!(went(&d.call()), sse(Reason::CoolingDown));
}

#[test]
fn r08_the_last_recovery_is_lost_with_the_probe() {
    let (mut d, _lost) = Driver::probing(EXACT.with_max_recoveries(1));
    assert_eq!(d.at(90_000).mode(), Mode::Pinned);
}

#[test]
fn r08_progress_renews_the_lease() {
    let (mut d, probe) = Driver::probing(EXACT);
    d.at(89_999).progress(&probe);
    assert_eq!((d.mode(), d.wakes_at()), (probing_until(119_999), Some(at(119_999))));
    assert_eq!(d.at(119_998).mode(), probing_until(119_999));
    d.complete(probe);
    assert_eq!(d.mode(), Mode::Preferred);
}

#[test]
fn r08_a_sign_of_life_after_the_first_event_is_progress() {
    let (mut d, probe) = Driver::probing(EXACT);
    d.progress(&probe);
    for seconds in (75..600).step_by(15) {
        // A driver says so for each pong of a server that thinks.
        d.at(seconds * 1000).progress(&probe);
        assert_eq!(d.mode(), probing_until(seconds * 1000 + 30_000));
    }
    d.complete(probe);
    assert_eq!((d.mode(), d.recoveries()), (Mode::Preferred, 3));
}

#[test]
fn r08_progress_at_the_end_of_the_lease_comes_too_late() {
    let (mut d, probe) = Driver::probing(EXACT);
    d.at(90_000).progress(&probe);
    assert_eq!(d.mode(), failed_over_until(210_000));
    d.done(probe, Outcome::Cancelled);
    assert_eq!((d.mode(), d.recoveries()), (failed_over_until(210_000), 2), "the outcome is stale");
}

#[test]
fn r08_only_the_progress_of_the_probe_renews_its_lease() {
    let (mut d, _probe) = Driver::probing(EXACT);
    let on_sse = d.at(80_000).call();
    d.progress(&on_sse);
    assert_eq!(d.mode(), probing_until(90_000));
}

#[test]
fn r08_progress_of_an_earlier_probe_renews_nothing() {
    let (mut d, lost) = Driver::probing(EXACT);
    let probe = {
        d.at(90_000).mode();
        d.at(210_000).call()
    };
    assert!(probe.is_probe());
    d.at(220_000).progress(&lost);
    assert_eq!(d.mode(), probing_until(240_000));
    d.done(lost, Outcome::Cancelled);
    assert_eq!(d.mode(), probing_until(240_000), "nor does its end free the slot");
    d.done(probe, Outcome::Cancelled);
    assert_eq!((d.mode(), d.recoveries()), (failed_over_until(220_000 + 120_000), 1));
}

#[test]
fn r08_a_lost_probe_that_completes_after_all_is_a_completion() {
    let (mut d, lost) = Driver::probing(EXACT);
    d.at(500_000).complete(lost);
    assert_eq!((d.mode(), d.recoveries()), (Mode::Preferred, 3));
}

#[test]
fn r09_a_stale_failure_moves_its_call_and_nothing_else() {
    for failure in [REFUSED, OFFLINE, DROPPED, CUT] {
        let mut d = Driver::new(EXACT);
        let stale = d.call();
        d.policy.handle_network_change(d.now);
        d.moved(stale, failure);
        assert_eq!((d.mode(), d.recoveries()), (Mode::Preferred, 3));
        assert_eq!(went(&d.call()), HEALTHY);
    }
}

#[test]
fn r09_stale_failures_are_not_counted() {
    let mut d = Driver::new(EXACT.with_stream_max_retries(1));
    let stale = [d.call(), d.call()];
    d.policy.handle_network_change(d.now);
    for attempt in stale {
        d.moved(attempt, DROPPED);
    }
    let attempt = d.call();
    let retry = d.retried_in_time(attempt, DROPPED);
    assert_eq!((went(&retry), d.mode()), (HEALTHY, Mode::Preferred));
}

#[test]
fn r09_a_stale_failure_does_not_suspect_while_another_call_probes() {
    let mut d = Driver::new(EXACT);
    let stale = d.call();
    d.convict();
    let _probe = d.at(60_000).call();
    d.moved(stale, DROPPED);
    assert_eq!((d.mode(), d.recoveries()), (probing_until(90_000), 2));
}

#[test]
fn r09_a_stale_probe_neither_suspects_nor_comes_back() {
    for failure in [DROPPED, BUSY, INVALID] {
        let (mut d, lost) = Driver::probing(EXACT);
        assert_eq!(d.at(90_000).mode(), failed_over_until(210_000));
        let _verdict = d.policy.handle_outcome(lost, Outcome::Failed(failure), d.now);
        assert_eq!((d.mode(), d.recoveries()), (failed_over_until(210_000), 2));
    }
}

#[test]
fn r09_a_stale_call_still_gets_its_verdict() {
    let verdict_on = |failure: Failure| {
        let mut d = Driver::new(EXACT);
        let stale = d.at(1000).call();
        d.policy.handle_network_change(d.now);
        d.policy.handle_outcome(stale, Outcome::Failed(failure), d.now)
    };
    let ready_at = |verdict| match verdict {
        Verdict::Retry(call) => call.ready_at(),
        other => panic!("{other:?}"),
    };
    assert_eq!(ready_at(verdict_on(WORN_OUT)), at(1000));
    assert_eq!(ready_at(verdict_on(TOO_LARGE)), at(1000));
    assert_eq!(ready_at(verdict_on(BUSY)), at(1200));
    assert!(matches!(verdict_on(INVALID), Verdict::GiveUp(GiveUp::NotRetryable)));
    assert!(matches!(verdict_on(CUT.with_committed()), Verdict::GiveUp(GiveUp::Committed)));
}

#[test]
fn r09_a_call_that_a_stale_failure_moved_stays_moved() {
    let mut d = Driver::new(EXACT);
    let stale = d.call();
    d.policy.handle_network_change(d.now);
    let on_sse = d.moved(stale, DROPPED);
    let retry = d.retried_in_time(on_sse, DROPPED);
    assert_eq!((went(&retry), d.mode()), (sse(Reason::CallMoved), Mode::Preferred));
}

#[test]
fn r09_sse_is_evidence_whenever_it_began() {
    let mut d = Driver::failed_over(EXACT);
    let early = d.at(100).call();
    let probe = d.at(60_000).call();
    d.moved(probe, REFUSED);
    assert_eq!(d.mode(), Mode::Suspected);
    d.at(60_100).progress(&early);
    assert_eq!(d.mode(), failed_over_until(180_100), "SSE works now, whatever the mode was when it began");
}
