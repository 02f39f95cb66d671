//! R2 to R5: leaving WebSocket, on evidence.

use super::*;

#[test]
fn r02_a_refused_handshake_moves_the_call_at_once() {
    for failure in [REFUSED, OFFLINE] {
        let mut d = Driver::new(EXACT.with_retry_budget(Some(0)));
        let attempt = d.call();
        let moved = d.moved(attempt, failure);
        assert_eq!(d.mode(), Mode::Suspected);
        assert_eq!(moved.number(), 2);
    }
}

#[test]
fn r02_one_refusal_is_enough_however_many_retries_there_are() {
    let mut d = Driver::new(EXACT.with_stream_max_retries(u8::MAX));
    let attempt = d.call();
    d.moved(attempt, REFUSED);
    assert_eq!(d.mode(), Mode::Suspected);
}

#[test]
fn r02_a_refused_handshake_counts_as_a_stream_failure() {
    let mut d = Driver::new(EXACT.with_stream_max_retries(1));
    let attempt = d.call();
    let attempt = d.moved(attempt, REFUSED);
    let _call = d.retried(attempt, BUSY);
    assert_eq!((d.mode(), d.failures()), (Mode::Preferred, 1), "acquitted, not forgotten");
    let attempt = d.call();
    d.moved(attempt, DROPPED);
    assert_eq!((d.mode(), d.failures()), (Mode::Suspected, 2));
}

#[test]
fn r03_a_stream_failure_is_forgiven_and_retried_after_backoff() {
    for failure in [DROPPED, CUT, Failure::new(Blame::Network, Stage::Open)] {
        let mut d = Driver::new(EXACT);
        let attempt = d.at(1000).call();
        let call = d.retried(attempt, failure);
        assert_eq!(call.ready_at(), at(1200));
        assert_eq!(d.mode(), Mode::Preferred);
        assert_eq!(went(&d.at(1200).begin(call)), HEALTHY);
    }
}

#[test]
fn r03_a_call_makes_one_attempt_more_than_it_has_retries() {
    let mut d = Driver::new(EXACT.with_fallback_within(Duration::MAX));
    let mut attempt = d.call();
    for number in 1..=5 {
        assert_eq!((attempt.transport(), attempt.number()), (Transport::WebSocket, number));
        attempt = d.retried_in_time(attempt, DROPPED);
    }
    assert_eq!(d.now, at(200 + 400 + 800 + 1600 + 3200));
    assert_eq!((went(&attempt), attempt.number()), (HEALTHY, 6));
    let moved = d.moved(attempt, DROPPED);
    assert_eq!((d.mode(), moved.number()), (Mode::Suspected, 7));
}

#[test]
fn r03_without_retries_the_first_stream_failure_moves_the_call() {
    let mut d = Driver::new(EXACT.with_stream_max_retries(0));
    let attempt = d.call();
    d.moved(attempt, CUT);
    assert_eq!(d.mode(), Mode::Suspected);
}

#[test]
fn r03_failures_count_across_calls() {
    let mut d = Driver::new(EXACT.with_stream_max_retries(2));
    for _ in 0..2 {
        let attempt = d.call();
        let _dropped = d.retried(attempt, DROPPED);
        assert_eq!(d.mode(), Mode::Preferred);
    }
    let attempt = d.call();
    d.moved(attempt, DROPPED);
    assert_eq!(d.mode(), Mode::Suspected);
}

#[test]
fn r03_calls_under_way_share_the_count() {
    let mut d = Driver::new(EXACT.with_stream_max_retries(1));
    let (first, second) = (d.call(), d.call());
    let retried = d.retried(first, DROPPED);
    assert_eq!(retried.ready_at(), at(200));
    d.moved(second, DROPPED);
    assert_eq!(went(&d.at(200).begin(retried)), sse(Reason::VerdictPending));
}

#[test]
fn r03_a_call_uses_up_its_own_attempts_though_others_complete() {
    let mut d = Driver::new(EXACT.with_stream_max_retries(1).with_fallback_within(Duration::MAX));
    let attempt = d.call();
    let attempt = d.retried_in_time(attempt, DROPPED);
    let other = d.call();
    d.complete(other);
    d.moved(attempt, DROPPED);
    assert_eq!(d.mode(), Mode::Suspected, "the second attempt of two, though the first failure since");
}

#[test]
fn r03_a_completion_forgives_what_failed_before() {
    let mut d = Driver::new(EXACT.with_stream_max_retries(1));
    for _ in 0..5 {
        let attempt = d.call();
        let retry = d.retried_in_time(attempt, DROPPED);
        d.complete(retry);
        assert_eq!(d.mode(), Mode::Preferred);
    }
}

#[test]
fn r03_what_fails_at_once_is_on_sse_after_three_seconds() {
    for failure in [DROPPED, CUT] {
        let mut d = Driver::new(EXACT);
        let mut attempt = d.call();
        for begins in [200, 600, 1400, 3000] {
            attempt = d.retried_in_time(attempt, failure);
            assert_eq!((d.now, went(&attempt)), (at(begins), HEALTHY));
        }
        d.moved(attempt, failure);
        assert_eq!((d.now, d.mode()), (at(3000), Mode::Suspected), "the next retry would begin at 6.2 s");
    }
}

#[test]
fn r03_a_retry_begins_within_the_grace_its_backoff_included() {
    // The first failure came at 1 s, and the second backoff takes 0.4 s.
    for (late, stays) in [(5_599_999_999, true), (5_600_000_000, false)] {
        let mut d = Driver::new(EXACT);
        let attempt = d.at(1000).call();
        let attempt = d.retried_in_time(attempt, CUT);
        d.now = Timestamp::from_nanos(late);
        if stays {
            d.retried_in_time(attempt, CUT);
            assert_eq!(d.mode(), Mode::Preferred);
        } else {
            d.moved(attempt, CUT);
            assert_eq!(d.mode(), Mode::Suspected);
        }
    }
}

#[test]
fn r03_the_backoff_that_is_drawn_is_what_counts() {
    let config = Config::new().with_fallback_within(ms(200));
    let (mut stayed, mut moved) = (0, 0);
    for seed in 0..100 {
        let mut d = Driver::with_seed(config, seed);
        let attempt = d.call();
        let call = d.retried(attempt, CUT);
        if call.ready_at() == d.now {
            assert_eq!(d.mode(), Mode::Suspected);
            moved += 1;
        } else {
            assert!(call.ready_at() < at(200));
            assert_eq!(d.mode(), Mode::Preferred);
            stayed += 1;
        }
    }
    assert!(stayed > 20 && moved > 20, "{stayed} stayed, {moved} moved");
}

#[test]
fn r03_the_grace_counts_from_the_first_failure_after_an_event() {
    let mut d = Driver::new(EXACT);
    let attempt = d.call();
    let attempt = {
        d.at(300_000);
        d.retried_in_time(attempt, CUT)
    };
    d.at(304_599);
    d.retried_in_time(attempt, CUT);
}

#[test]
fn r03_the_grace_counts_from_the_beginning_when_no_event_came() {
    // The attempt begins at 1 s, and its backoff takes 0.2 s.
    for (late, stays) in [(5_799_999_999, true), (5_800_000_000, false), (31_000_000_000, false)] {
        let mut d = Driver::new(EXACT);
        let attempt = d.at(1000).call();
        d.now = Timestamp::from_nanos(late);
        if stays {
            d.retried_in_time(attempt, DROPPED);
            assert_eq!(d.mode(), Mode::Preferred);
        } else {
            d.moved(attempt, DROPPED);
            assert_eq!(d.mode(), Mode::Suspected);
        }
    }
}

#[test]
fn r03_only_the_first_failure_says_from_when_the_grace_counts() {
    // It came at 1 s without an event, in an attempt that had begun at 0.
    for second in [DROPPED, CUT] {
        for (late, stays) in [(4599, true), (4600, false)] {
            let mut d = Driver::new(EXACT);
            let attempt = d.call();
            d.at(1000);
            let attempt = d.retried_in_time(attempt, DROPPED);
            assert_eq!(d.now, at(1200));
            d.at(late);
            if stays {
                d.retried_in_time(attempt, second);
            } else {
                d.moved(attempt, second);
            }
        }
    }
    // It came at 1 s after an event; the second attempt begins at 1.2 s and has none.
    for (late, stays) in [(5599, true), (5600, false)] {
        let mut d = Driver::new(EXACT);
        let attempt = d.call();
        d.at(1000);
        let attempt = d.retried_in_time(attempt, CUT);
        d.at(late);
        if stays {
            d.retried_in_time(attempt, DROPPED);
        } else {
            d.moved(attempt, DROPPED);
        }
    }
}

#[test]
fn r03_only_what_may_be_the_fault_of_websocket_begins_the_grace() {
    // A worn out connection is replaced at 4 s, and that attempt is the first that WebSocket fails.
    for (late, stays) in [(8799, true), (8800, false)] {
        let mut d = Driver::new(EXACT);
        let attempt = d.call();
        let call = d.at(4000).retried(attempt, WORN_OUT);
        let attempt = d.begin(call);
        d.at(late);
        if stays {
            d.retried_in_time(attempt, DROPPED);
        } else {
            d.moved(attempt, DROPPED);
        }
    }
    let mut d = Driver::new(EXACT);
    let attempt = d.call();
    let attempt = {
        let call = d.retried(attempt, BUSY.with_retry_after(ms(60_000)));
        d.at(60_000).begin(call)
    };
    let attempt = d.retried_in_time(attempt, DROPPED);
    assert_eq!(went(&attempt), HEALTHY);
}

#[test]
fn r03_the_calls_grace_is_its_own() {
    let mut d = Driver::new(EXACT);
    let (first, second) = (d.call(), d.call());
    d.retried_in_time(first, CUT);
    d.at(100_000);
    d.retried_in_time(second, CUT);
}

#[test]
fn r03_the_grace_is_not_renewed_by_the_second_failure() {
    let mut d = Driver::new(EXACT);
    let attempt = d.call();
    let attempt = d.retried_in_time(attempt, CUT);
    d.at(4000);
    let attempt = d.retried_in_time(attempt, CUT);
    d.at(5000);
    d.moved(attempt, CUT);
}

#[test]
fn r03_without_grace_the_first_stream_failure_moves_the_call() {
    let mut d = Driver::new(EXACT.with_fallback_within(Duration::ZERO));
    let attempt = d.call();
    d.moved(attempt, DROPPED);
}

#[test]
fn r03_retries_used_up_below_the_policy_move_the_call() {
    for failure in [DROPPED, CUT, REFUSED, OFFLINE] {
        let mut d = Driver::new(EXACT);
        let attempt = d.call();
        let call = d.retried_after(attempt, Outcome::RetriesExhausted(failure));
        assert_eq!(call.ready_at(), Timestamp::ZERO);
        assert_eq!(went(&d.begin(call)), sse(Reason::CallMoved));
        assert_eq!((d.mode(), d.failures()), (Mode::Suspected, 1));
    }
}

#[test]
fn r03_a_failure_that_loses_its_call_is_not_forgiven() {
    for (replay, failure) in [
        (Replay::BeforeOutput, CUT.with_committed()),
        (Replay::BeforeSend, CUT.with_committed()),
        (Replay::BeforeSend, CUT),
        (Replay::BeforeSend, DROPPED),
    ] {
        let mut d = Driver::new(EXACT.with_replay(replay));
        let attempt = d.call();
        assert_eq!(d.gives_up(attempt, failure), GiveUp::Committed);
        assert_eq!((d.mode(), d.failures()), (Mode::Suspected, 1));
        let next = d.call();
        assert_eq!(went(&next), sse(Reason::VerdictPending));
        d.progress(&next);
        assert_eq!(d.mode(), failed_over_until(60_000));
    }
    for blame in [Blame::Connection, Blame::Payload, Blame::Server, Blame::Request] {
        let mut d = Driver::new(EXACT);
        let attempt = d.call();
        d.gives_up(attempt, Failure::new(blame, Stage::Streaming).with_committed());
        assert_eq!((d.mode(), d.failures()), (Mode::Preferred, 0), "not WebSocket's");
    }
}

#[test]
fn r04_the_first_progress_on_sse_convicts() {
    let mut d = Driver::new(EXACT);
    let call = d.suspect();
    let attempt = d.at(100).begin(call);
    assert_eq!((d.mode(), d.wakes_at()), (Mode::Suspected, Some(at(60_000))), "to begin proves nothing");
    d.at(700).progress(&attempt);
    assert_eq!((d.mode(), d.wakes_at()), (failed_over_until(60_700), Some(at(60_700))));
    d.at(900).progress(&attempt);
    d.complete(attempt);
    assert_eq!(d.mode(), failed_over_until(60_700), "convicted once");
    assert_eq!(d.recoveries(), 3);
}

#[test]
fn r04_a_completion_on_sse_convicts_as_well() {
    let mut d = Driver::new(EXACT);
    let call = d.suspect();
    let attempt = d.begin(call);
    d.at(40).complete(attempt);
    assert_eq!(d.mode(), failed_over_until(60_040));
}

#[test]
fn r04_any_call_on_sse_is_evidence() {
    let mut d = Driver::new(EXACT);
    let _never_sent_again = d.suspect();
    let other = d.call();
    d.at(5).progress(&other);
    assert_eq!(d.mode(), failed_over_until(60_005));
}

#[test]
fn r04_progress_on_websocket_is_no_evidence() {
    let mut d = Driver::new(EXACT);
    let on_websocket = d.call();
    let _call = d.suspect();
    d.progress(&on_websocket);
    assert_eq!(d.mode(), Mode::Suspected);
}

#[test]
fn r04_progress_on_sse_is_no_conviction_without_a_suspicion() {
    let mut d = Driver::failed_over(EXACT);
    let cooling = d.at(10).call();
    d.progress(&cooling);
    assert_eq!(d.mode(), failed_over_until(60_000));
    d.policy.handle_network_change(d.now);
    d.progress(&cooling);
    d.complete(cooling);
    assert_eq!(d.mode(), Mode::Preferred);
}

#[test]
fn r04_without_a_recovery_a_conviction_pins() {
    let mut d = Driver::new(EXACT.with_max_recoveries(0));
    let call = d.suspect();
    let attempt = d.begin(call);
    d.progress(&attempt);
    assert_eq!((d.mode(), d.recoveries(), d.wakes_at()), (Mode::Pinned, 0, None));
}

#[test]
fn r04_cooldowns_double_up_to_the_longest() {
    let config = EXACT
        .with_cooldown(ms(100))
        .with_cooldown_max(ms(450))
        .with_max_recoveries(u8::MAX)
        .with_head_start(Duration::ZERO);
    let mut d = Driver::failed_over(config);
    let mut start = 0;
    for cooldown in [100, 200, 400, 450, 450] {
        assert_eq!(d.mode(), failed_over_until(start + cooldown));
        start += cooldown;
        d.at(start).convict();
    }
}

#[test]
fn r04_cooldowns_start_over_after_a_completion() {
    let (mut d, probe) = Driver::probing(EXACT);
    let attempt = d.moved(probe, REFUSED);
    d.complete(attempt);
    assert_eq!(d.mode(), failed_over_until(60_000 + 120_000));
    let probe = d.at(180_000).call();
    d.complete(probe);
    d.convict();
    assert_eq!(d.mode(), failed_over_until(180_000 + 60_000));
}

#[test]
fn r04_a_cooldown_is_never_shorter_than_configured_nor_longer_than_its_jitter() {
    const BASE: u64 = 60_000_000_000;
    for permille in [1, 500, 1000] {
        let longest = BASE + BASE * u64::from(permille) / 1000;
        let (mut least, mut most) = (u64::MAX, 0);
        for seed in 0..2000 {
            let mut d = Driver::with_seed(Config::new().with_jitter_permille(permille), seed);
            d.convict();
            let Mode::FailedOver { retry_at } = d.mode() else { panic!("{:?}", d.mode()) };
            least = least.min(retry_at.as_nanos());
            most = most.max(retry_at.as_nanos());
        }
        let spread = longest - BASE;
        assert!(least >= BASE && most < longest, "{permille}: {least} to {most}");
        assert!(least < BASE + spread / 50 && most > longest - spread / 50, "{permille}: {least} to {most}");
    }
}

#[test]
fn r04_each_conviction_draws_anew() {
    let mut d = Driver::new(Config::new().with_cooldown_max(Duration::ZERO).with_max_recoveries(u8::MAX));
    let mut drawn = [0; 8];
    for slot in &mut drawn {
        let before = d.now;
        d.convict();
        let Mode::FailedOver { retry_at } = d.mode() else { panic!("{:?}", d.mode()) };
        *slot = retry_at.saturating_duration_since(before).as_nanos();
        d.now = retry_at;
    }
    drawn.sort_unstable();
    assert!(drawn.iter().zip(&drawn[1..]).all(|(a, b)| a != b), "{drawn:?}");
}

#[test]
fn r05_being_offline_is_never_the_fault_of_websocket() {
    let mut d = Driver::new(EXACT);
    let attempt = d.call();
    let attempt = d.moved(attempt, OFFLINE);
    let _call = d.retried(attempt, OFFLINE);
    assert_eq!((d.mode(), d.recoveries(), d.wakes_at()), (Mode::Preferred, 3, None));
    assert_eq!(went(&d.call()), HEALTHY);
}

#[test]
fn r05_a_failure_on_sse_acquits_unless_it_is_only_the_connections_or_the_messages() {
    for blame in Blame::ALL {
        for stage in Stage::ALL {
            let mut d = Driver::new(EXACT);
            let call = d.suspect();
            let attempt = d.begin(call);
            let failure = Failure::new(blame, stage);
            let _verdict = d.policy.handle_outcome(attempt, Outcome::Failed(failure), d.now);
            let decides = stage != Stage::Streaming && !matches!(blame, Blame::Connection | Blame::Payload);
            let expected = if decides { Mode::Preferred } else { Mode::Suspected };
            assert_eq!(d.mode(), expected, "{failure:?}");
            let kept = !decides || blame == Blame::Server;
            assert_eq!(d.failures(), u16::from(kept), "{failure:?}");
        }
    }
}

#[test]
fn r05_a_busy_server_acquits_what_is_forgiven_and_nothing_else() {
    let mut d = Driver::new(EXACT.with_stream_max_retries(2));
    for failures in [1, 2, 3] {
        let call = d.suspect();
        let attempt = d.begin(call);
        let _call = d.retried(attempt, BUSY);
        let expected = if failures <= 2 { Mode::Preferred } else { Mode::Suspected };
        assert_eq!((d.mode(), d.failures()), (expected, failures));
    }
    let attempt = d.call();
    d.progress(&attempt);
    assert_eq!(d.mode(), failed_over_until(60_000), "so SSE decides");
}

#[test]
fn r05_a_busy_server_does_not_acquit_a_probe() {
    let (mut d, probe) = Driver::probing(EXACT);
    let attempt = d.moved(probe, REFUSED);
    let attempt = d.retried_in_time(attempt, BUSY);
    assert_eq!((d.mode(), d.recoveries()), (Mode::Suspected, 2));
    d.progress(&attempt);
    assert_eq!(d.mode(), failed_over_until(60_200 + 120_000));
}

#[test]
fn r05_a_busy_server_decides_nothing_without_a_suspicion() {
    let mut d = Driver::failed_over(EXACT);
    let attempt = d.call();
    let _call = d.retried(attempt, BUSY);
    assert_eq!(d.mode(), failed_over_until(60_000));
    let (mut d, _probe) = Driver::probing(EXACT);
    let attempt = d.call();
    let _call = d.retried(attempt, BUSY);
    assert_eq!(d.mode(), probing_until(90_000));
}

#[test]
fn r05_a_suspicion_lapses_after_the_cooldown_without_its_jitter() {
    for config in [EXACT, Config::new()] {
        let mut d = Driver::new(config);
        d.at(500);
        let call = d.suspect();
        let on_sse = d.begin(call);
        d.now = Timestamp::from_nanos(60_500_000_000 - 1);
        assert_eq!((d.mode(), d.wakes_at()), (Mode::Suspected, Some(at(60_500))));
        d.at(60_500).progress(&on_sse);
        assert_eq!((d.mode(), d.failures(), d.wakes_at()), (Mode::Preferred, 0, None), "yesterday's");
        assert_eq!(went(&d.call()), HEALTHY);
    }
}

#[test]
fn r05_a_suspicion_that_is_in_time_convicts() {
    let mut d = Driver::new(EXACT);
    let call = d.suspect();
    let on_sse = d.begin(call);
    d.at(59_999).progress(&on_sse);
    assert_eq!(d.mode(), failed_over_until(119_999));
}

#[test]
fn r05_a_suspicion_of_the_probe_that_lapses_leaves_its_recovery_spent() {
    let (mut d, probe) = Driver::probing(EXACT);
    assert_eq!(d.failures(), 1);
    let on_sse = d.moved(probe, REFUSED);
    assert_eq!((d.mode(), d.wakes_at()), (Mode::Suspected, Some(at(120_000))));
    d.at(120_000).progress(&on_sse);
    assert_eq!((d.mode(), d.recoveries(), d.failures()), (failed_over_until(180_000), 2, 0));
    d.at(180_000).convict();
    assert_eq!(d.mode(), failed_over_until(180_000 + 120_000), "the second conviction");

    let (mut d, _lost) = Driver::probing(EXACT);
    assert_eq!(d.at(90_000).mode(), failed_over_until(210_000));
    let probe = d.at(210_000).call();
    d.moved(probe, REFUSED);
    assert_eq!((d.mode(), d.wakes_at()), (Mode::Suspected, Some(at(270_000))), "the shortest cooldown");
    assert_eq!((d.at(270_000).mode(), d.recoveries()), (failed_over_until(390_000), 1), "the last one's");

    let (mut d, probe) = Driver::probing(EXACT.with_max_recoveries(1));
    d.moved(probe, REFUSED);
    assert_eq!(d.at(120_000).mode(), Mode::Pinned);
}

#[test]
fn r05_a_second_connection_failure_in_a_row_acquits() {
    let mut d = Driver::new(EXACT);
    let call = d.suspect();
    let attempt = d.begin(call);
    let call = d.retried(attempt, WORN_OUT);
    assert_eq!(d.mode(), Mode::Suspected);
    let attempt = d.begin(call);
    let _call = d.retried(attempt, WORN_OUT);
    assert_eq!(d.mode(), Mode::Preferred);
}

#[test]
fn r05_retries_used_up_on_sse_acquit_as_well() {
    let mut d = Driver::new(EXACT);
    let call = d.suspect();
    let attempt = d.begin(call);
    let give_up = d.gives_up_after(attempt, Outcome::RetriesExhausted(DROPPED));
    assert_eq!((give_up, d.mode()), (GiveUp::AttemptsExhausted, Mode::Preferred));
}

#[test]
fn r05_a_failure_after_progress_does_not_acquit() {
    let mut d = Driver::new(EXACT);
    let (first, second) = (d.call(), d.call());
    d.policy.handle_network_change(d.now);
    // Both moved, and neither had anything to do with the suspicion that follows.
    let (first, second) = (d.moved(first, REFUSED), d.moved(second, REFUSED));
    d.progress(&first);
    let _call = d.suspect();
    let _call = d.retried(first, CUT);
    assert_eq!(d.mode(), Mode::Suspected, "its progress was its own");
    let _call = d.retried(second, DROPPED);
    assert_eq!(d.mode(), Mode::Preferred);
}

#[test]
fn r05_the_first_to_speak_decides() {
    let mut d = Driver::new(EXACT);
    let call = d.suspect();
    let (first, second) = (d.begin(call), d.call());
    d.progress(&second);
    let _call = d.retried(first, DROPPED);
    assert_eq!(d.mode(), failed_over_until(60_000), "convicted already");
}

#[test]
fn r05_an_acquittal_forgets_the_failures() {
    let mut d = Driver::new(EXACT.with_stream_max_retries(1));
    let attempt = d.call();
    let _call = d.retried(attempt, DROPPED);
    let attempt = d.call();
    let attempt = d.moved(attempt, DROPPED);
    d.gives_up(attempt, INVALID);
    let attempt = d.call();
    let _call = d.retried_in_time(attempt, DROPPED);
    assert_eq!(d.mode(), Mode::Preferred);
}

#[test]
fn r05_what_ends_without_progress_decides_nothing() {
    for outcome in [Outcome::Cancelled, Outcome::Ended] {
        let mut d = Driver::new(EXACT);
        let call = d.suspect();
        let attempt = d.begin(call);
        d.done(attempt, outcome);
        assert_eq!((d.mode(), d.recoveries()), (Mode::Suspected, 3));
        let next = d.call();
        assert_eq!(went(&next), sse(Reason::VerdictPending));
        d.progress(&next);
        assert_eq!(d.mode(), failed_over_until(60_000));
    }
}

#[test]
fn r05_after_an_acquittal_nothing_is_held_against_websocket() {
    let mut d = Driver::new(EXACT);
    let call = d.suspect();
    let attempt = d.begin(call);
    let _call = d.retried(attempt, DROPPED);
    d.convict();
    assert_eq!((d.mode(), d.recoveries()), (failed_over_until(60_000), 3), "the first conviction");
}

#[test]
fn r02_to_r07_immediate_convicts_where_a_rule_would_suspect() {
    let immediate = EXACT.with_verdict(VerdictStyle::Immediate).with_stream_max_retries(0);
    for failure in [REFUSED, OFFLINE, DROPPED, CUT] {
        let mut d = Driver::new(immediate);
        let attempt = d.at(10).call();
        d.moved(attempt, failure);
        assert_eq!((d.mode(), d.recoveries()), (failed_over_until(60_010), 3));
        let probe = d.at(60_010).call();
        d.moved(probe, failure);
        assert_eq!((d.mode(), d.recoveries()), (failed_over_until(180_010), 2));
    }
    let mut d = Driver::new(immediate.with_max_recoveries(0));
    let attempt = d.call();
    d.moved(attempt, REFUSED);
    assert_eq!(d.mode(), Mode::Pinned);
}

#[test]
fn r05_immediate_knows_no_acquittal() {
    let mut d = Driver::new(EXACT.with_verdict(VerdictStyle::Immediate));
    let attempt = d.call();
    let attempt = d.moved(attempt, OFFLINE);
    let _call = d.retried(attempt, OFFLINE);
    assert_eq!(d.mode(), failed_over_until(60_000));
}
