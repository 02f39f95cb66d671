//! R18, R19 and R21: what holds whatever happens. R20 is in `snapshot.rs`.

use super::*;

#[test]
fn r18_an_earlier_time_is_the_latest_one_seen() {
    let mut d = Driver::new(EXACT);
    let attempt = d.at(10_000).call();
    let moved = d.at(2000).retried(attempt, REFUSED);
    assert_eq!(moved.ready_at(), at(10_000));
    let attempt = d.at(0).begin(moved);
    d.progress(&attempt);
    assert_eq!(d.mode(), failed_over_until(70_000));
    assert_eq!(went(&d.at(1).call()), sse(Reason::CoolingDown));
}

#[test]
fn r18_every_method_remembers_the_latest_time() {
    let late = at(60_000);
    let step: [fn(&mut Policy, Timestamp); 8] = [
        |p, now| p.handle_timeout(now),
        |p, now| _ = p.open_call(now),
        |p, now| _ = p.poll_probe(now),
        |p, now| {
            let dial = p.warm_up(now).unwrap();
            p.handle_dial(dial, DialOutcome::Opened, Timestamp::ZERO);
        },
        |p, now| {
            let dial = p.warm_up(Timestamp::ZERO).unwrap();
            p.adopt(dial, now).unwrap();
        },
        |p, now| {
            let call = p.open_call(Timestamp::ZERO);
            p.begin_attempt(call, now);
        },
        |p, now| {
            let call = p.open_call(Timestamp::ZERO);
            let Decision::Start(attempt) = p.begin_attempt(call, Timestamp::ZERO) else { unreachable!() };
            p.handle_progress(&attempt, now);
        },
        |p, now| {
            let call = p.open_call(Timestamp::ZERO);
            let Decision::Start(attempt) = p.begin_attempt(call, Timestamp::ZERO) else { unreachable!() };
            p.handle_outcome(attempt, Outcome::Cancelled, now);
        },
    ];
    for step in step {
        let mut d = Driver::new(EXACT);
        step(&mut d.policy, late);
        let attempt = d.at(0).call();
        assert_eq!(attempt.divert_at(), Some(at(61_000)));
    }

    let mut d = Driver::new(EXACT);
    let (first, second) = (d.call(), d.call());
    let (call, dial) = d.at(60_000).divert(first);
    assert_eq!(call.ready_at(), late);
    let (call, _dial) = d.at(0).divert(second);
    assert_eq!(call.ready_at(), late);
    d.at(70_000).dial(dial, DialOutcome::Opened);
    assert_eq!(d.at(0).call().divert_at(), Some(at(71_000)));
    d.policy.handle_network_change(at(80_000));
    assert_eq!(d.call().divert_at(), Some(at(81_000)));
}

#[test]
fn r18_a_clock_that_runs_backwards_does_not_shorten_a_lease() {
    let (mut d, probe) = Driver::probing(EXACT);
    d.at(80_000).progress(&probe);
    d.at(0).progress(&probe);
    assert_eq!(d.mode(), probing_until(110_000));
}

#[test]
fn r18_the_end_of_time_is_survived() {
    let config = Config::new().with_replay(Replay::Restart).with_retry_budget(None);
    let mut d = Driver::new(config);
    d.now = Timestamp::MAX;
    for failure in [REFUSED, OFFLINE, DROPPED, CUT, WORN_OUT, TOO_LARGE, BUSY, INVALID] {
        for _ in 0..20 {
            let attempt = d.call();
            assert!(attempt.divert_at().is_none_or(|at| at == Timestamp::MAX));
            d.progress(&attempt);
            if let Verdict::Retry(call) = d.policy.handle_outcome(attempt, Outcome::Failed(failure), d.now) {
                assert_eq!(call.ready_at(), Timestamp::MAX);
                let attempt = d.begin(call);
                let (call, dial) = d.divert(attempt);
                d.dial(dial, DialOutcome::Failed(failure));
                let attempt = d.begin(call);
                d.complete(attempt);
            }
            assert_eq!(d.wakes_at(), None, "nothing comes after it");
        }
    }
}

#[test]
fn r18_the_longest_durations_there_are_saturate() {
    let config = Config::new()
        .with_fallback_within(Duration::MAX)
        .with_head_start(Duration::MAX)
        .with_cooldown(Duration::MAX)
        .with_cooldown_max(Duration::MAX)
        .with_jitter_permille(u16::MAX)
        .with_probe_lease(Duration::MAX)
        .with_backoff(Duration::MAX)
        .with_backoff_max(Duration::MAX)
        .with_max_server_wait(Duration::MAX)
        .with_retry_budget(Some(u16::MAX))
        .with_stream_max_retries(u8::MAX)
        .with_max_recoveries(u8::MAX);
    let never = Timestamp::MAX;
    let mut d = Driver::new(config);
    let attempt = d.at(1).call();
    assert_eq!(attempt.divert_at(), Some(never));
    let call = d.retried(attempt, BUSY.with_retry_after(Duration::from_nanos(u64::MAX)));
    assert_eq!(call.ready_at(), never);
    let attempt = d.call();
    let call = d.retried(attempt, BUSY);
    assert!(call.ready_at().as_nanos() >= u64::MAX / 10 * 9);
    let attempt = d.call();
    let attempt = d.moved(attempt, DROPPED);
    assert_eq!(d.wakes_at(), Some(never), "a retry at the end of time is none");
    d.complete(attempt);
    assert_eq!(d.mode(), Mode::FailedOver { retry_at: never });
    d.now = never;
    let probe = d.call();
    assert_eq!(went(&probe), PROBE);
}

#[test]
fn r18_a_duration_of_more_nanoseconds_than_can_be_told_is_the_longest() {
    let too_long = Duration::from_nanos(u64::MAX).saturating_add(Duration::from_nanos(1));
    assert_eq!(Timestamp::from_elapsed(too_long), Timestamp::MAX);
    assert_eq!(at(5).saturating_add(too_long), Timestamp::MAX);
    assert_eq!(Config::new().with_cooldown(too_long).cooldown(), Duration::from_nanos(u64::MAX));
}

#[test]
fn r18_no_duration_at_all_is_valid_too() {
    let none = Duration::ZERO;
    let config = Config::new()
        .with_fallback_within(none)
        .with_head_start(none)
        .with_cooldown(none)
        .with_cooldown_max(none)
        .with_probe_lease(none)
        .with_backoff(none)
        .with_backoff_max(none)
        .with_max_server_wait(none);
    let mut d = Driver::new(config);
    let attempt = d.call();
    assert_eq!(attempt.divert_at(), Some(Timestamp::ZERO));
    let call = d.retried(attempt, BUSY);
    assert_eq!(call.ready_at(), Timestamp::ZERO);
    let attempt = d.call();
    d.moved(attempt, REFUSED);
    assert_eq!((d.mode(), d.wakes_at()), (Mode::Preferred, None), "a suspicion lapses as it arises");
    let mut d = Driver::new(config.with_verdict(VerdictStyle::Immediate));
    d.convict();
    assert_eq!((d.mode(), d.wakes_at()), (failed_over_until(0), None));
    for left in [2, 1, 0] {
        assert_eq!(went(&d.call()), PROBE);
        assert_eq!(d.recoveries(), left);
        assert!(!matches!(d.mode(), Mode::Probing { .. }), "its lease is over as it begins");
    }
    assert_eq!(d.mode(), Mode::Pinned);
}

#[test]
fn r18_no_cooldown_and_no_backoff_stay_none_however_often_they_double() {
    let config =
        EXACT.with_cooldown(Duration::ZERO).with_max_recoveries(u8::MAX).with_stream_max_retries(u8::MAX);
    let config = config.with_verdict(VerdictStyle::Immediate).with_max_recoveries(u8::MAX);
    let mut d = Driver::new(config.with_backoff(Duration::ZERO).with_retry_budget(None));
    for _ in 0..100 {
        d.convict();
        assert_eq!(d.mode(), failed_over_until(0));
    }
    let mut attempt = d.call();
    for _ in 0..100 {
        attempt = {
            let call = d.retried(attempt, BUSY);
            assert_eq!(call.ready_at(), Timestamp::ZERO);
            d.begin(call)
        };
    }
}

#[test]
fn r18_more_convictions_than_can_be_counted_stay_at_the_longest_cooldown() {
    let mut d = Driver::failed_over(EXACT.with_max_recoveries(u8::MAX));
    let mut longest = Duration::ZERO;
    for _ in 0..255 {
        let Mode::FailedOver { retry_at } = d.mode() else { panic!("{:?}", d.mode()) };
        longest = retry_at.saturating_duration_since(d.now);
        assert!(longest <= ms(900_000));
        d.now = retry_at;
        d.convict();
    }
    assert_eq!((d.mode(), d.recoveries(), longest), (Mode::Pinned, 0, ms(900_000)));
}

#[test]
fn ticks_are_idempotent_and_never_required() {
    let run = |ticks: &[u64]| {
        let (mut d, _lost) = Driver::probing(EXACT);
        for &tick in ticks {
            d.policy.handle_timeout(at(tick));
        }
        let next = d.at(90_000).call();
        (went(&next), d.mode(), d.recoveries(), d.wakes_at())
    };
    let without = run(&[]);
    assert_eq!(without, run(&[0, 60_000, 89_999]));
    assert_eq!(without, run(&[90_000, 90_000, 10]));
    assert_eq!(without.0, sse(Reason::CoolingDown));
}

#[test]
fn a_wake_up_is_never_past_after_a_tick() {
    let mut d = Driver::failed_over(EXACT);
    assert_eq!(d.wakes_at(), Some(at(60_000)));
    d.policy.handle_timeout(at(59_999));
    assert_eq!(d.wakes_at(), Some(at(60_000)));
    d.policy.handle_timeout(at(60_000));
    assert_eq!(d.wakes_at(), None, "the next call is what matters now");
}

#[test]
fn r19_a_change_of_network_forgives_everything_in_every_mode() {
    let mut drivers = [
        Driver::new(EXACT),
        {
            let mut d = Driver::new(EXACT);
            let _call = d.suspect();
            d
        },
        Driver::failed_over(EXACT),
        Driver::probing(EXACT).0,
        Driver::pinned(),
    ];
    for d in &mut drivers {
        d.at(61_000).policy.handle_network_change(at(61_000));
        let full = d.policy.config().max_recoveries();
        assert_eq!((d.mode(), d.recoveries(), d.wakes_at()), (Mode::Preferred, full, None));
        assert_eq!(went(&d.call()), HEALTHY);
    }
}

#[test]
fn r19_failures_and_convictions_start_over() {
    let mut d = Driver::failed_over(EXACT.with_stream_max_retries(1));
    d.policy.handle_network_change(d.now);
    let attempt = d.call();
    let _call = d.retried(attempt, DROPPED);
    d.policy.handle_network_change(d.now);
    let attempt = d.call();
    let _call = d.retried_in_time(attempt, DROPPED);
    assert_eq!(d.mode(), Mode::Preferred, "the first failure there");
    d.convict();
    assert_eq!(d.mode(), failed_over_until(60_200), "the first conviction there");
}

#[test]
fn r19_what_began_on_the_old_network_is_stale() {
    let (mut d, probe) = Driver::probing(EXACT);
    d.policy.handle_network_change(d.now);
    d.progress(&probe);
    assert_eq!(d.mode(), Mode::Preferred);
    d.moved(probe, REFUSED);
    assert_eq!((d.mode(), d.recoveries()), (Mode::Preferred, 3));
}

#[test]
fn r21_equal_inputs_give_equal_decisions() {
    let run = |seed| {
        let mut d = Driver::with_seed(Config::new(), seed);
        let attempt = d.call();
        let first = d.retried(attempt, BUSY).ready_at();
        d.convict();
        (first, d.mode())
    };
    assert_eq!(run(7), run(7));
    assert_ne!(run(7).0, run(8).0);
    assert_ne!(run(7).1, run(8).1);
}

#[test]
fn r21_without_jitter_the_seed_does_not_matter() {
    let run = |seed| {
        let mut d = Driver::with_seed(EXACT, seed);
        let attempt = d.call();
        let first = d.retried(attempt, BUSY).ready_at();
        d.convict();
        (first, d.mode())
    };
    assert_eq!(run(1), run(u64::MAX));
    assert_eq!(run(1), (at(200), failed_over_until(60_000)));
}

#[test]
fn r21_draws_are_the_same_on_every_platform() {
    let mut d = Driver::with_seed(Config::new(), 42);
    d.convict();
    let Mode::FailedOver { retry_at } = d.mode() else { panic!("{:?}", d.mode()) };
    assert_eq!(retry_at.as_nanos(), DRAWN);
}

#[test]
fn r21_backoff_is_the_same_on_every_platform() {
    let mut d = Driver::with_seed(Config::new(), 42);
    let (first, second) = (d.call(), d.call());
    let waits = [d.retried(first, BUSY), d.retried(second, BUSY)].map(|call| call.ready_at().as_nanos());
    assert_eq!(waits, DRAWN_WAITS);
}

/// 180 ms and the share of 40 ms that is drawn for the first attempts of the first two calls.
const DRAWN_WAITS: [u64; 2] = [203_042_413, 194_495_035];

/// 60 s and the share of the 30 s of jitter that SplitMix64 draws for seed 42 and the second epoch.
const DRAWN: u64 = 74_847_885_807;

#[test]
fn handles_may_go_to_any_thread() {
    fn assert_send_sync<T: Send + Sync + 'static>() {}
    assert_send_sync::<Policy>();
    assert_send_sync::<Call>();
    assert_send_sync::<Attempt>();
    assert_send_sync::<Dial>();
    assert_send_sync::<Decision>();
    assert_send_sync::<Verdict>();
}
