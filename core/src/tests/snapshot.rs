//! R20: what outlives the process, and what does not.

use super::*;
use crate::Snapshot;
use crate::snapshot::KeptMode;

impl Driver {
    /// The process ends now, and another begins `down` later, with its clock at zero.
    fn restarted(&self, config: Config, down: u64) -> Self {
        self.restarted_after(config, ms(down))
    }

    fn restarted_after(&self, config: Config, down: Duration) -> Self {
        let snapshot = self.policy.snapshot(self.now);
        let now = Timestamp::ZERO;
        Self { policy: Policy::restore(config, 9, &snapshot, down, now), now }
    }
}

#[test]
fn r20_a_healthy_policy_stays_healthy() {
    let mut d = Driver::new(EXACT).restarted(EXACT, 0);
    assert_eq!((d.mode(), d.recoveries(), d.wakes_at()), (Mode::Preferred, 3, None));
    assert_eq!(went(&d.call()), HEALTHY);
}

#[test]
fn r20_a_cooldown_goes_on_while_the_process_is_away() {
    let mut d = Driver::failed_over(EXACT);
    d.at(10_000);
    assert_eq!(d.restarted(EXACT, 0).mode(), failed_over_until(50_000));
    assert_eq!(d.restarted(EXACT, 20_000).mode(), failed_over_until(30_000));
    let mut long_after = d.restarted(EXACT, 50_000);
    assert_eq!(long_after.mode(), failed_over_until(0));
    assert_eq!(went(&long_after.call()), PROBE);
    assert_eq!(d.restarted_after(EXACT, Duration::MAX).mode(), failed_over_until(0));
}

#[test]
fn r20_counters_survive() {
    let (mut d, probe) = Driver::probing(EXACT.with_stream_max_retries(1));
    let attempt = d.moved(probe, REFUSED);
    d.complete(attempt);
    let mut d = d.restarted(EXACT, 0);
    assert_eq!((d.mode(), d.recoveries()), (failed_over_until(120_000), 2));
    d.at(120_000).convict();
    assert_eq!((d.mode(), d.recoveries()), (failed_over_until(120_000 + 240_000), 1), "the third conviction");

    let config = EXACT.with_stream_max_retries(1);
    let mut d = Driver::new(config);
    let attempt = d.call();
    let _call = d.retried(attempt, DROPPED);
    let mut d = d.restarted(config, 0);
    let attempt = d.call();
    d.moved(attempt, DROPPED);
    assert_eq!(d.mode(), Mode::Suspected, "the second failure");
}

#[test]
fn r20_the_last_cooldown_survives() {
    let (mut d, probe) = Driver::probing(EXACT);
    let attempt = d.moved(probe, REFUSED);
    d.complete(attempt);
    let mut d = d.restarted(EXACT, 0);
    let probe = d.at(120_000).call();
    d.done(probe, Outcome::Cancelled);
    assert_eq!(d.mode(), failed_over_until(120_000 + 120_000));
}

#[test]
fn r20_tokens_do_not_survive() {
    let config = EXACT.with_retry_budget(Some(1));
    let mut d = Driver::new(config);
    let attempt = d.call();
    let _call = d.retried(attempt, BUSY);
    let mut d = d.restarted(config, 0);
    let attempt = d.call();
    let _call = d.retried(attempt, BUSY);
}

#[test]
fn r20_a_suspicion_is_kept_as_a_first_cooldown() {
    let mut d = Driver::new(EXACT);
    let _call = d.suspect();
    assert_eq!(d.restarted(EXACT, 0).mode(), failed_over_until(60_000));
    let mut d = d.restarted(EXACT, 15_000);
    assert_eq!((d.mode(), d.recoveries()), (failed_over_until(45_000), 3));
    d.at(45_000).convict();
    assert_eq!(d.mode(), failed_over_until(45_000 + 60_000), "the first conviction");
}

#[test]
fn r20_a_completion_forgets_the_last_cooldown() {
    let (mut d, probe) = Driver::probing(EXACT);
    let on_sse = d.moved(probe, REFUSED);
    d.complete(on_sse);
    assert_eq!(d.mode(), failed_over_until(180_000));
    let probe = d.at(180_000).call();
    d.complete(probe);
    d.suspect();
    assert_eq!(d.restarted(EXACT, 0).mode(), failed_over_until(60_000), "there was none since");
}

#[test]
fn r20_a_suspicion_without_a_recovery_is_kept_as_pinned() {
    let config = EXACT.with_max_recoveries(0);
    let mut d = Driver::new(config);
    let _call = d.suspect();
    assert_eq!(d.restarted(config, 0).mode(), Mode::Pinned);
}

#[test]
fn r20_a_probe_under_way_is_kept_as_the_cooldown_before_it() {
    let (mut d, probe) = Driver::probing(EXACT);
    let attempt = d.moved(probe, REFUSED);
    d.complete(attempt);
    let _probe = d.at(180_000).call();
    let mut d = d.restarted(EXACT, 20_000);
    assert_eq!((d.mode(), d.recoveries()), (failed_over_until(100_000), 1));
}

#[test]
fn r20_the_last_probe_under_way_is_kept_as_pinned() {
    let (d, _probe) = Driver::probing(EXACT.with_max_recoveries(1));
    assert_eq!(d.restarted(EXACT, 0).mode(), Mode::Pinned);
}

#[test]
fn r20_a_lost_probe_is_judged_before_it_is_kept() {
    let (d, _lost) = Driver::probing(EXACT);
    let snapshot = d.policy.snapshot(at(90_000));
    assert_eq!(d.policy.mode(), probing_until(90_000), "to look changes nothing");
    let restored = Policy::restore(EXACT, 0, &snapshot, Duration::ZERO, Timestamp::ZERO);
    assert_eq!((restored.mode(), restored.recoveries_left()), (failed_over_until(120_000), 2));
}

#[test]
fn r20_pinned_stays_pinned_though_more_recoveries_are_allowed() {
    let mut d = Driver::pinned().restarted_after(EXACT, Duration::MAX);
    assert_eq!((d.mode(), d.recoveries()), (Mode::Pinned, 0));
    d.policy.handle_network_change(d.now);
    assert_eq!(d.recoveries(), 3);
}

#[test]
fn r20_a_dial_that_was_pending_is_forgotten() {
    let mut d = Driver::new(EXACT);
    let attempt = d.call();
    let _diverted = d.at(1000).divert(attempt);
    let mut d = d.restarted(EXACT, 0);
    assert_eq!((went(&d.call()), d.wakes_at()), (HEALTHY, None));
}

#[test]
fn r20_a_policy_without_a_recovery_is_kept_as_pinned_whatever_it_waits_for() {
    let config = EXACT.with_max_recoveries(0);
    let mut suspected = Driver::new(config);
    let _call = suspected.suspect();
    let (probing, _probe) = Driver::probing(EXACT.with_max_recoveries(1));
    for d in [suspected, probing, Driver::pinned()] {
        let snapshot = d.policy.snapshot(d.now);
        assert_eq!((snapshot.mode, snapshot.retry_in), (KeptMode::Pinned, Duration::ZERO));
    }
}

#[test]
fn r20_a_clock_that_runs_backwards_makes_no_longer_cooldown() {
    let mut d = Driver::failed_over(EXACT);
    d.at(30_000).mode();
    let snapshot = d.policy.snapshot(at(0));
    assert_eq!(snapshot, d.policy.snapshot(at(30_000)));
}

#[test]
fn r20_recoveries_are_clamped_to_the_config() {
    let d = Driver::failed_over(EXACT.with_max_recoveries(9));
    let mut fewer = d.restarted(EXACT, 0);
    assert_eq!((fewer.recoveries(), fewer.mode()), (3, failed_over_until(60_000)));
    let mut none = d.restarted(EXACT.with_max_recoveries(0), 0);
    assert_eq!((none.recoveries(), none.mode()), (0, Mode::Pinned));
    let mut more = d.restarted(EXACT.with_max_recoveries(20), 0);
    assert_eq!((more.recoveries(), more.mode()), (9, failed_over_until(60_000)));
    let mut healthy = Driver::new(EXACT).restarted(EXACT.with_max_recoveries(7), 0);
    assert_eq!((healthy.recoveries(), healthy.mode()), (7, Mode::Preferred));
}

#[test]
fn r20_a_remaining_cooldown_is_clamped_to_the_config() {
    let d = Driver::failed_over(EXACT.with_cooldown(Duration::MAX));
    let mut exact = d.restarted(EXACT, 0);
    assert_eq!(exact.mode(), failed_over_until(900_000));
    let mut varied = d.restarted(Config::new(), 0);
    assert_eq!(varied.mode(), failed_over_until(1_350_000), "jitter included");
    let mut short = d.restarted(EXACT.with_cooldown(ms(5)).with_cooldown_max(Duration::ZERO), 0);
    assert_eq!(short.mode(), failed_over_until(5), "never shorter than the cooldown itself");
}

#[test]
fn r20_the_last_cooldown_is_clamped_to_the_config() {
    let (d, _probe) = {
        let mut d = Driver::failed_over(EXACT.with_cooldown(ms(2_000_000)).with_cooldown_max(Duration::MAX));
        let probe = d.at(2_000_000).call();
        (d, probe)
    };
    assert_eq!(d.restarted(EXACT, 0).mode(), failed_over_until(900_000));
}

#[test]
fn r20_a_snapshot_of_any_policy_restores_to_the_same_snapshot_but_for_its_epoch() {
    let mut drivers =
        [Driver::new(EXACT), Driver::failed_over(EXACT), Driver::probing(EXACT).0, Driver::pinned()];
    for d in &mut drivers {
        let snapshot = d.policy.snapshot(d.now);
        let config = *d.policy.config();
        let restored = Policy::restore(config, 1, &snapshot, Duration::ZERO, d.now);
        let again = restored.snapshot(d.now);
        assert_eq!(again.epoch, snapshot.epoch + 1);
        assert_eq!(Snapshot { epoch: snapshot.epoch, ..again }, snapshot);
    }
}

#[test]
fn r20_handles_of_the_earlier_policy_are_stale() {
    let mut d = Driver::new(EXACT);
    d.policy.handle_network_change(d.now);
    let old = d.call();
    let snapshot = d.policy.snapshot(d.now);
    d.policy = Policy::restore(EXACT, 1, &snapshot, Duration::ZERO, d.now);
    let failure = Outcome::Failed(Failure::new(Blame::Transport, Stage::Connecting));
    assert!(matches!(d.policy.handle_outcome(old, failure, d.now), Verdict::Retry(_)));
    assert_eq!(d.mode(), Mode::Preferred);
}

#[test]
fn r20_a_probe_of_another_policy_probes_nothing_here() {
    let (d, probe) = Driver::probing(EXACT);
    let mut other = Driver::new(EXACT);
    for _ in other.policy.state().epoch()..d.policy.state().epoch() {
        other.policy.handle_network_change(other.now);
    }
    assert_eq!(other.policy.state().epoch(), d.policy.state().epoch());
    other.policy.handle_progress(&probe, d.now);
    assert_eq!(other.mode(), Mode::Preferred);
}

#[test]
fn r20_a_cooldown_is_never_restored_shorter_than_configured() {
    let mut d = Driver::failed_over(EXACT.with_cooldown(ms(10))).restarted(EXACT, 10);
    let probe = d.call();
    assert!(probe.is_probe());
    let _ = d.policy.handle_outcome(probe, Outcome::Cancelled, d.now);
    assert_eq!(d.mode(), failed_over_until(60_000));
}

#[test]
fn r20_what_is_left_is_clamped_before_the_time_away_is_taken_off() {
    let long = EXACT.with_cooldown(ms(3_600_000)).with_cooldown_max(Duration::MAX);
    let short = EXACT.with_cooldown_max(ms(900_000));
    assert_eq!(Driver::failed_over(long).restarted(short, 600_000).mode(), failed_over_until(300_000));
}

#[test]
fn r20_a_snapshot_does_not_disturb() {
    let d = Driver::failed_over(EXACT);
    let before: Snapshot = d.policy.snapshot(at(0));
    let _late = d.policy.snapshot(at(1_000_000));
    assert_eq!(d.policy.snapshot(at(0)), before);
}

#[test]
fn r20_what_a_process_beside_this_one_knows_is_learned() {
    let other = Driver::failed_over(EXACT.with_max_recoveries(2)).policy.snapshot(at(0));
    let mut d = Driver::new(EXACT.with_retry_budget(Some(1)));
    let before = d.call();
    let spent = d.call();
    let _call = d.retried(spent, BUSY);
    assert!(d.at(5_000).policy.learn(&other, ms(10_000), at(5_000)));
    assert_eq!((d.mode(), d.recoveries()), (failed_over_until(55_000), 2));
    assert_eq!(d.policy.trigger(), Some(Trigger::Restored));

    // What began before is stale, and goes on; what completes counts whenever it began (R6).
    let on_sse = d.moved(before, REFUSED);
    assert_eq!((d.mode(), d.recoveries()), (failed_over_until(55_000), 2));
    let busy = d.policy.handle_outcome(on_sse, Outcome::Failed(BUSY), d.now);
    assert!(matches!(busy, Verdict::GiveUp(GiveUp::BudgetExhausted)), "the budget stays: {busy:?}");
    let probe = d.at(55_000).call();
    assert_eq!(went(&probe), PROBE);
    d.complete(probe);
    assert_eq!((d.mode(), d.recoveries()), (Mode::Preferred, 3));
}

#[test]
fn r20_a_recovery_is_learned() {
    let healthy = Driver::new(EXACT).policy.snapshot(at(0));
    for mut d in [Driver::failed_over(EXACT), Driver::pinned()] {
        let transitions = d.policy.transitions();
        assert!(d.policy.learn(&healthy, ms(0), at(0)));
        assert_eq!(d.mode(), Mode::Preferred);
        assert_eq!(
            d.policy.transitions(),
            transitions + 1,
            "what was under way is stale, whatever the other's"
        );
    }
}

#[test]
fn r20_who_suspects_or_probes_or_knows_it_already_learns_nothing() {
    let healthy = Driver::new(EXACT).policy.snapshot(at(0));
    let mut suspected = Driver::new(EXACT);
    suspected.suspect();
    let (probing, _probe) = Driver::probing(EXACT);
    for mut d in [suspected, probing, Driver::new(EXACT)] {
        let (mode, transitions) = (d.mode(), d.policy.transitions());
        assert!(!d.policy.learn(&healthy, ms(0), d.now));
        assert_eq!((d.mode(), d.policy.transitions()), (mode, transitions));
    }
}

#[test]
fn r20_a_probe_is_held_while_another_process_probes() {
    let mut d = Driver::failed_over(EXACT);
    d.policy.hold_probe(ms(10_000), at(1_000));
    assert_eq!(d.mode(), failed_over_until(60_000), "no sooner than the cooldown is over");
    d.policy.hold_probe(ms(10_000), at(55_000));
    assert_eq!(d.mode(), failed_over_until(65_000));
    d.policy.hold_probe(Duration::MAX, at(65_000));
    assert_eq!(d.mode(), failed_over_until(95_000), "no longer than a lease");
    assert_eq!(went(&d.at(94_999).call()), (Transport::Sse, Reason::CoolingDown));
    assert_eq!(went(&d.at(95_000).call()), PROBE);

    for mut d in [Driver::new(EXACT), Driver::probing(EXACT).0, Driver::pinned()] {
        let mode = d.mode();
        d.policy.hold_probe(ms(20_000), d.now);
        assert_eq!(d.mode(), mode);
    }
}

#[test]
fn r20_a_snapshot_in_doubt_is_that_of_a_suspicion() {
    for config in [EXACT, EXACT.with_max_recoveries(0)] {
        let mut d = Driver::new(config);
        let healthy = d.policy.snapshot(d.now);
        let _call = d.suspect();
        let suspected = d.policy.snapshot(d.now);
        let Snapshot { epoch, failures, .. } = suspected;
        assert_eq!(Snapshot { epoch, failures, ..healthy.in_doubt() }, suspected);
    }
}

#[cfg(feature = "serde")]
mod json {
    extern crate std;
    use std::format;
    use std::string::String;

    use super::*;

    fn kept(
        mode: &str,
        retry_in: u64,
        cooldown: u64,
        failures: u16,
        recoveries: u8,
        convictions: u8,
    ) -> String {
        format!(
            r#"{{"mode": "{mode}", "retry_in_ms": {retry_in}, "cooldown_ms": {cooldown}, "failures": {failures},
                "recoveries_left": {recoveries}, "convictions": {convictions}}}"#
        )
    }

    fn restore(config: Config, text: &str, elapsed: Duration) -> Driver {
        let snapshot: Snapshot = serde_json::from_str(text).unwrap();
        Driver { policy: Policy::restore(config, 1, &snapshot, elapsed, at(0)), now: at(0) }
    }

    #[test]
    fn r20_any_numbers_restore_to_a_valid_policy() {
        const ANY: [u64; 4] = [0, 1, 60_000, u64::MAX];
        for (mode, max_recoveries) in
            ["preferred", "failed_over", "pinned"].into_iter().flat_map(|m| [(m, 0), (m, 3)])
        {
            let config = EXACT.with_max_recoveries(max_recoveries);
            for retry_in in ANY {
                for cooldown in ANY {
                    for counter in [0, u8::MAX] {
                        let failures = u16::from(counter) * 257;
                        let text = kept(mode, retry_in, cooldown, failures, counter, counter);
                        let mut d = restore(config, &text, Duration::ZERO);
                        stays_valid(&mut d, mode, &text);
                    }
                }
            }
        }
    }

    fn stays_valid(d: &mut Driver, mode: &str, text: &str) {
        let max = d.policy.config().max_recoveries();
        assert!(d.recoveries() <= max, "{text}");
        match d.mode() {
            Mode::Preferred => assert_eq!((mode, d.recoveries()), ("preferred", max), "{text}"),
            Mode::FailedOver { retry_at } => {
                assert_eq!(mode, "failed_over");
                assert!(d.recoveries() > 0 && retry_at <= at(900_000), "{text}");
                d.now = retry_at;
                assert_eq!(went(&d.call()), PROBE);
                d.at(10_000_000).mode();
                assert!(matches!(d.mode(), Mode::FailedOver { .. } | Mode::Pinned), "{text}");
            }
            Mode::Pinned => {
                assert!(mode != "preferred", "{text}");
                assert_eq!(d.recoveries(), 0, "{text}");
            }
            other => panic!("{other:?} from {text}"),
        }
        let kept = serde_json::to_string(&d.policy.snapshot(d.now)).unwrap();
        let again: Snapshot = serde_json::from_str(&kept).unwrap();
        assert_eq!(again, d.policy.snapshot(d.now));
    }

    #[test]
    fn r20_failures_beyond_the_retries_move_at_the_next_one() {
        let mut d = restore(EXACT, &kept("preferred", 0, 60_000, u16::MAX, 3, 0), Duration::ZERO);
        let attempt = d.call();
        assert_eq!(went(&attempt), HEALTHY);
        d.moved(attempt, DROPPED);
    }

    #[test]
    fn r20_convictions_beyond_counting_cool_down_the_longest() {
        let mut d = restore(EXACT, &kept("failed_over", 0, 60_000, 0, 3, u8::MAX), Duration::ZERO);
        d.convict();
        assert_eq!(d.mode(), failed_over_until(900_000));
    }

    #[test]
    fn r20_a_remaining_cooldown_is_kept_in_milliseconds_that_are_never_fewer() {
        let mut d = Driver::failed_over(EXACT);
        d.now = Timestamp::from_nanos(1);
        let text = serde_json::to_string(&d.policy.snapshot(d.now)).unwrap();
        assert_eq!(
            text,
            r#"{"mode":"failed_over","retry_in_ms":60000,"cooldown_ms":60000,"failures":1,"recoveries_left":3,"convictions":1,"epoch":2}"#
        );
    }

    #[test]
    fn r20_what_is_no_snapshot_is_refused() {
        let whole = kept("failed_over", 1, 2, 3, 1, 1);
        assert!(serde_json::from_str::<Snapshot>(&whole).is_ok());
        for (part, other) in [
            ("failed_over", "probing"),
            (": 1,", ": -1,"),
            (": 2,", ": 2.5,"),
            (": 3,", ": 65536,"),
            ("cooldown_ms", "cooldown"),
        ] {
            let text = whole.replacen(part, other, 1);
            assert_ne!(text, whole);
            assert!(serde_json::from_str::<Snapshot>(&text).is_err(), "{text}");
        }
    }
}
