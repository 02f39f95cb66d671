//! R12, R15 and R16: how a call that keeps failing comes to its end.

use super::*;

/// A call that has used up its only attempt on SSE, without one on WebSocket: its last resort, begun.
#[track_caller]
fn last_resort(d: &mut Driver) -> Attempt {
    let attempt = d.call();
    assert_eq!(attempt.transport(), Transport::Sse);
    let call = d.retried(attempt, DROPPED);
    assert_eq!(call.ready_at(), d.now, "at once");
    let attempt = d.begin(call);
    assert_eq!(went(&attempt), LAST_RESORT);
    assert_eq!((attempt.is_probe(), attempt.divert_at()), (false, None));
    attempt
}

const ONE_TRY: Config = EXACT.with_stream_max_retries(0).with_retry_budget(Some(0));

#[test]
fn r12_a_call_that_failed_on_sse_alone_gets_websocket_in_whatever_mode() {
    let mut d = Driver::failed_over(ONE_TRY);
    last_resort(&mut d);
    assert_eq!((d.mode(), d.recoveries()), (failed_over_until(60_000), 3), "cooling down");

    let (mut d, _probe) = Driver::probing(ONE_TRY);
    last_resort(&mut d);
    assert_eq!((d.mode(), d.recoveries()), (probing_until(90_000), 2), "probing");

    let mut d = Driver::failed_over(ONE_TRY.with_max_recoveries(0));
    last_resort(&mut d);
    assert_eq!(d.mode(), Mode::Pinned);

    let mut d = Driver::new(ONE_TRY);
    let _call = d.suspect();
    last_resort(&mut d);
    assert_eq!(d.mode(), Mode::Preferred, "its failure on SSE acquitted");

    let mut d = Driver::new(ONE_TRY);
    let attempt = d.call();
    let _diverted = d.at(1000).divert(attempt);
    last_resort(&mut d);
    assert_eq!((d.mode(), d.wakes_at()), (Mode::Preferred, Some(at(31_000))), "a dial is out");
}

#[test]
fn r12_comes_only_after_the_attempts_on_sse_are_used_up() {
    let mut d = Driver::pinned();
    let mut attempt = d.call();
    for number in 1..=5 {
        assert_eq!((went(&attempt), attempt.number()), (sse(Reason::Pinned), number));
        attempt = d.retried_in_time(attempt, DROPPED);
    }
    let call = d.retried(attempt, DROPPED);
    assert_eq!(call.ready_at(), d.now);
    let attempt = d.begin(call);
    assert_eq!((went(&attempt), attempt.number()), (LAST_RESORT, 7));
}

#[test]
fn r12_retries_used_up_below_the_policy_are_used_up() {
    for failure in [DROPPED, OFFLINE] {
        let mut d = Driver::pinned();
        let attempt = d.call();
        let call = d.retried_after(attempt, Outcome::RetriesExhausted(failure));
        assert_eq!(went(&d.begin(call)), LAST_RESORT);
    }
}

#[test]
fn r12_the_failure_of_a_last_resort_ends_the_call_and_changes_nothing() {
    for failure in [REFUSED, OFFLINE, DROPPED, CUT, TOO_LARGE, BUSY] {
        let mut d = Driver::failed_over(ONE_TRY);
        let attempt = last_resort(&mut d);
        assert_eq!(d.gives_up(attempt, failure), GiveUp::AttemptsExhausted, "{failure:?}");
        assert_eq!((d.mode(), d.recoveries()), (failed_over_until(60_000), 3));

        let mut d = Driver::new(ONE_TRY);
        let _call = d.suspect();
        let attempt = last_resort(&mut d);
        assert_eq!(d.gives_up(attempt, failure), GiveUp::AttemptsExhausted);
        assert_eq!(went(&d.call()), HEALTHY, "not even in Preferred");
    }
}

#[test]
fn r12_the_failure_of_a_last_resort_leaves_the_probe_alone() {
    let (mut d, probe) = Driver::probing(ONE_TRY);
    for outcome in [Outcome::Cancelled, Outcome::Ended] {
        let attempt = last_resort(&mut d);
        d.progress(&attempt);
        d.done(attempt, outcome);
        assert_eq!((d.mode(), d.recoveries()), (probing_until(90_000), 2));
    }
    let attempt = last_resort(&mut d);
    d.gives_up(attempt, REFUSED);
    assert_eq!((d.mode(), d.recoveries()), (probing_until(90_000), 2));
    d.complete(probe);
    assert_eq!(d.mode(), Mode::Preferred);
}

#[test]
fn r12_a_last_resort_that_is_refused_as_a_request_says_so() {
    let mut d = Driver::failed_over(ONE_TRY);
    let attempt = last_resort(&mut d);
    assert_eq!(d.gives_up(attempt, INVALID), GiveUp::NotRetryable);
}

#[test]
fn r12_the_completion_of_a_last_resort_brings_the_policy_back() {
    let mut d = Driver::failed_over(ONE_TRY.with_max_recoveries(0));
    let attempt = last_resort(&mut d);
    d.complete(attempt);
    assert_eq!(d.mode(), Mode::Preferred);

    let (mut d, _probe) = Driver::probing(ONE_TRY);
    let attempt = last_resort(&mut d);
    d.complete(attempt);
    assert_eq!((d.mode(), d.recoveries()), (Mode::Preferred, 3));
}

#[test]
fn r12_a_call_that_has_tried_websocket_gets_no_last_resort() {
    for failure in [REFUSED, DROPPED] {
        let mut d = Driver::new(ONE_TRY);
        let attempt = d.call();
        let attempt = d.moved(attempt, failure);
        assert_eq!(d.gives_up(attempt, DROPPED), GiveUp::AttemptsExhausted);
    }
}

#[test]
fn r12_an_attempt_that_was_diverted_was_no_try() {
    let mut d = Driver::new(ONE_TRY);
    let attempt = d.call();
    let (call, _dial) = d.at(1000).divert(attempt);
    let attempt = d.begin(call);
    let call = d.retried(attempt, DROPPED);
    assert_eq!(call.ready_at(), d.now);
    let attempt = d.begin(call);
    assert_eq!((went(&attempt), attempt.number()), (LAST_RESORT, 3));
    assert_eq!(d.gives_up(attempt, DROPPED), GiveUp::AttemptsExhausted);
}

#[test]
fn r12_what_is_not_to_be_diverted_stays_a_try() {
    let mut d = Driver::failed_over(ONE_TRY);
    let attempt = last_resort(&mut d);
    let (call, _dial) = d.divert(attempt);
    let attempt = d.begin(call);
    assert_eq!(went(&attempt), LAST_RESORT);
    assert_eq!(d.gives_up(attempt, DROPPED), GiveUp::AttemptsExhausted);
}

#[test]
fn r12_a_last_resort_on_a_worn_out_connection_is_repeated_once() {
    let mut d = Driver::failed_over(ONE_TRY);
    let attempt = last_resort(&mut d);
    let call = d.at(30).retried(attempt, WORN_OUT);
    assert_eq!(call.ready_at(), at(30));
    let attempt = d.begin(call);
    assert_eq!((went(&attempt), attempt.number()), (LAST_RESORT, 3));
    assert_eq!(d.gives_up(attempt, WORN_OUT), GiveUp::AttemptsExhausted);
    assert_eq!((d.mode(), d.recoveries()), (failed_over_until(60_000), 3));
}

#[test]
fn r12_without_a_token_websocket_is_tried_before_the_call_fails() {
    for failure in [DROPPED, OFFLINE] {
        let mut d = Driver::failed_over(EXACT.with_retry_budget(Some(1)));
        let attempt = d.call();
        let attempt = d.retried_in_time(attempt, failure);
        let call = d.retried(attempt, failure);
        assert_eq!(call.ready_at(), d.now);
        assert_eq!(went(&d.begin(call)), LAST_RESORT);
    }
    let mut d = Driver::new(EXACT.with_retry_budget(Some(0)));
    let attempt = d.call();
    let attempt = d.moved(attempt, REFUSED);
    assert_eq!(d.gives_up(attempt, DROPPED), GiveUp::BudgetExhausted, "both were tried");
}

#[test]
fn r12_an_attempt_that_does_not_count_was_no_try() {
    let mut d = Driver::new(ONE_TRY);
    let attempt = d.call();
    let call = d.retried(attempt, WORN_OUT);
    d.convict();
    let attempt = d.begin(call);
    assert_eq!(went(&attempt), sse(Reason::CoolingDown));
    let call = d.retried(attempt, DROPPED);
    let attempt = d.begin(call);
    assert_eq!(went(&attempt), LAST_RESORT);
    assert_eq!(d.gives_up(attempt, WORN_OUT), GiveUp::AttemptsExhausted, "the second there in a row");
}

#[test]
fn r15_output_that_was_delivered_rules_out_a_replay() {
    for failure in [REFUSED, DROPPED, CUT, WORN_OUT, TOO_LARGE, BUSY] {
        for exhausted in [false, true] {
            let mut d = Driver::new(EXACT);
            let attempt = d.call();
            let failure = failure.with_committed();
            let outcome =
                if exhausted { Outcome::RetriesExhausted(failure) } else { Outcome::Failed(failure) };
            assert_eq!(d.gives_up_after(attempt, outcome), GiveUp::Committed, "{outcome:?}");
        }
    }
}

#[test]
fn r15_holds_on_sse() {
    let mut d = Driver::pinned();
    let attempt = d.call();
    d.progress(&attempt);
    assert_eq!(d.gives_up(attempt, CUT.with_committed()), GiveUp::Committed, "and for the last resort");
}

#[test]
fn r15_a_bad_request_is_that_first() {
    let mut d = Driver::new(EXACT);
    let attempt = d.call();
    assert_eq!(d.gives_up(attempt, INVALID.with_committed()), GiveUp::NotRetryable);
}

#[test]
fn r15_the_counters_change_all_the_same() {
    let mut d = Driver::new(EXACT);
    for failures in 1..=5 {
        let attempt = d.call();
        assert_eq!(went(&attempt), HEALTHY);
        assert_eq!(d.gives_up(attempt, CUT.with_committed()), GiveUp::Committed);
        assert_eq!((d.mode(), d.failures()), (Mode::Suspected, failures));
        let attempt = d.call();
        assert_eq!(d.gives_up(attempt, BUSY.with_committed()), GiveUp::Committed);
        assert_eq!((d.mode(), d.failures()), (Mode::Preferred, failures));
    }
    let attempt = d.call();
    let call = d.retried(attempt, WORN_OUT);
    let attempt = d.begin(call);
    assert_eq!(d.gives_up(attempt, WORN_OUT.with_committed()), GiveUp::Committed);
    assert_eq!((d.mode(), d.failures()), (Mode::Suspected, 6));
}

#[test]
fn r15_the_mode_changes_all_the_same() {
    let mut d = Driver::new(EXACT);
    let attempt = d.call();
    d.gives_up(attempt, REFUSED.with_committed());
    assert_eq!(d.mode(), Mode::Suspected);
    let attempt = d.call();
    d.gives_up(attempt, DROPPED.with_committed());
    assert_eq!(d.mode(), Mode::Preferred);

    let (mut d, probe) = Driver::probing(EXACT);
    d.progress(&probe);
    assert_eq!(d.gives_up(probe, CUT.with_committed()), GiveUp::Committed);
    assert_eq!(d.mode(), Mode::Suspected);
}

#[test]
fn r15_with_restart_it_is_retried_like_any_other() {
    let mut d = Driver::new(EXACT.with_replay(Replay::Restart).with_stream_max_retries(1));
    let attempt = d.call();
    let attempt = d.retried_in_time(attempt, CUT.with_committed());
    let attempt = d.moved(attempt, CUT.with_committed());
    let attempt = d.retried_in_time(attempt, CUT.with_committed());
    assert_eq!(d.gives_up(attempt, CUT.with_committed()), GiveUp::AttemptsExhausted);
}

/// What a failure that is not marked as committed leads to under `BeforeSend`.
#[track_caller]
fn sent_once(d: &mut Driver, attempt: Attempt, outcome: Outcome) -> bool {
    match d.policy.handle_outcome(attempt, outcome, d.now) {
        Verdict::GiveUp(GiveUp::Committed) => true,
        Verdict::GiveUp(GiveUp::NotRetryable) | Verdict::Retry(_) => false,
        other => panic!("{other:?}"),
    }
}

#[test]
fn r15_before_send_repeats_only_what_the_server_refused() {
    let config = EXACT.with_replay(Replay::BeforeSend);
    for on_sse in [false, true] {
        for blame in Blame::ALL {
            for stage in Stage::ALL {
                let mut d = Driver::new(config);
                let mut attempt = d.call();
                if on_sse {
                    attempt = d.moved(attempt, REFUSED);
                }
                let lost = sent_once(&mut d, attempt, Outcome::Failed(Failure::new(blame, stage)));
                let processed = matches!(blame, Blame::Transport | Blame::Network);
                assert_eq!(lost, processed && stage != Stage::Connecting, "{blame:?}, {stage:?}");
            }
        }
    }
}

#[test]
fn r15_before_send_takes_a_second_worn_out_connection_for_the_transport() {
    let mut d = Driver::new(EXACT.with_replay(Replay::BeforeSend));
    let attempt = d.call();
    let call = d.retried(attempt, WORN_OUT);
    let attempt = d.begin(call);
    assert!(sent_once(&mut d, attempt, Outcome::Failed(WORN_OUT)));
    let mut d = Driver::new(EXACT.with_replay(Replay::BeforeSend));
    let attempt = d.call();
    assert!(sent_once(&mut d, attempt, Outcome::RetriesExhausted(WORN_OUT)));
}

#[test]
fn r15_before_send_never_repeats_output_either() {
    for failure in [REFUSED, DROPPED, CUT, WORN_OUT, TOO_LARGE, BUSY] {
        let mut d = Driver::new(EXACT.with_replay(Replay::BeforeSend));
        let attempt = d.call();
        assert_eq!(d.gives_up(attempt, failure.with_committed()), GiveUp::Committed);
    }
    let mut d = Driver::new(EXACT.with_replay(Replay::BeforeSend));
    let attempt = d.call();
    assert_eq!(d.gives_up(attempt, INVALID.with_committed()), GiveUp::NotRetryable);
}

#[test]
fn r15_before_send_ends_a_last_resort_as_committed() {
    let mut d = Driver::failed_over(ONE_TRY.with_replay(Replay::BeforeSend));
    let attempt = d.call();
    let call = d.retried(attempt, REFUSED);
    let attempt = d.begin(call);
    assert_eq!(went(&attempt), LAST_RESORT);
    assert_eq!(d.gives_up(attempt, DROPPED), GiveUp::Committed);
}

#[test]
fn r16_attempts_on_sse_are_limited_as_on_websocket() {
    let mut d = Driver::new(EXACT.with_stream_max_retries(2));
    let attempt = d.call();
    let mut attempt = d.moved(attempt, REFUSED);
    for _ in 0..2 {
        attempt = d.retried_in_time(attempt, DROPPED);
    }
    assert_eq!(attempt.number(), 4, "one on WebSocket and three on SSE");
    assert_eq!(d.gives_up(attempt, DROPPED), GiveUp::AttemptsExhausted);
}

#[test]
fn r16_the_most_attempts_there_can_be() {
    let mut d = Driver::new(
        EXACT
            .with_stream_max_retries(u8::MAX)
            .with_retry_budget(None)
            .with_fallback_within(Duration::MAX)
            .with_replay(Replay::Restart),
    );
    let mut attempt = d.call();
    for number in 1..=255 {
        assert_eq!((went(&attempt), attempt.number()), (HEALTHY, number));
        attempt = d.retried_in_time(attempt, DROPPED);
    }
    attempt = d.moved(attempt, DROPPED);
    for number in 257..=511 {
        assert_eq!(attempt.number(), number);
        attempt = d.retried_in_time(attempt, DROPPED);
    }
    assert_eq!(attempt.number(), 512);
    assert_eq!(d.gives_up(attempt, DROPPED), GiveUp::AttemptsExhausted);
}

#[test]
fn r16_backoff_doubles_up_to_the_longest() {
    let mut d = Driver::failed_over(EXACT.with_stream_max_retries(8));
    let mut attempt = d.call();
    for wait in [200, 400, 800, 1600, 3200, 6400, 10_000, 10_000] {
        let before = d.now;
        attempt = d.retried_in_time(attempt, BUSY);
        assert_eq!(d.now.saturating_duration_since(before), ms(wait));
    }
}

#[test]
fn r16_backoff_starts_over_on_the_other_transport() {
    let mut d = Driver::new(EXACT);
    let attempt = d.call();
    let attempt = d.retried_in_time(attempt, DROPPED);
    let attempt = d.retried_in_time(attempt, DROPPED);
    assert_eq!(d.now, at(600));
    let attempt = d.moved(attempt, REFUSED);
    d.retried_in_time(attempt, DROPPED);
    assert_eq!(d.now, at(800));
}

#[test]
fn r16_the_longest_backoff_may_be_shorter_than_the_first() {
    let mut d = Driver::new(EXACT.with_backoff_max(ms(50)));
    let attempt = d.call();
    let call = d.retried(attempt, BUSY);
    assert_eq!(call.ready_at(), at(50));
}

#[test]
fn r16_backoff_varies_by_a_tenth() {
    let (mut least, mut most) = (u64::MAX, 0);
    for seed in 0..2000 {
        let mut d = Driver::with_seed(Config::new(), seed);
        let attempt = d.call();
        let call = d.retried(attempt, BUSY);
        least = least.min(call.ready_at().as_nanos());
        most = most.max(call.ready_at().as_nanos());
    }
    assert!(least >= 180_000_000 && most <= 220_000_000, "{least} to {most}");
    assert!(least < 180_800_000 && most > 219_200_000, "{least} to {most}");
}

#[test]
fn r16_backoff_differs_between_calls_and_attempts() {
    let mut d = Driver::new(Config::new());
    let (first, second) = (d.call(), d.call());
    let (first, second) = (d.retried(first, BUSY), d.retried(second, BUSY));
    assert_ne!(first.ready_at(), second.ready_at());
    let waited = first.ready_at();
    d.now = waited;
    let attempt = d.begin(first);
    let again = d.retried(attempt, BUSY);
    let wait = again.ready_at().saturating_duration_since(waited);
    assert_ne!(wait, 2 * waited.saturating_duration_since(Timestamp::ZERO));
}

#[test]
fn r16_a_retry_after_on_its_own_is_not_varied() {
    let mut d = Driver::new(Config::new());
    let attempt = d.call();
    let call = d.retried(attempt, BUSY.with_retry_after(ms(5000)));
    assert_eq!(call.ready_at(), at(5000));
}

#[test]
fn r16_each_retry_that_waits_takes_a_token() {
    let mut d = Driver::new(EXACT);
    for _ in 0..10 {
        let attempt = d.call();
        let _call = d.retried(attempt, BUSY);
    }
    let attempt = d.call();
    assert_eq!(d.gives_up(attempt, BUSY), GiveUp::BudgetExhausted);
}

#[test]
fn r16_stream_failures_take_tokens_as_well() {
    let mut d = Driver::new(EXACT.with_retry_budget(Some(1)));
    let attempt = d.call();
    let attempt = d.retried_in_time(attempt, DROPPED);
    let attempt = d.moved(attempt, DROPPED);
    assert_eq!((d.mode(), d.failures()), (Mode::Preferred, 2), "moved for want of a token alone");
    assert_eq!(d.gives_up(attempt, BUSY), GiveUp::BudgetExhausted);
}

#[test]
fn r16_without_a_token_a_stream_failure_is_counted_all_the_same() {
    let mut d = Driver::new(EXACT.with_retry_budget(Some(0)).with_stream_max_retries(1));
    for mode in [Mode::Preferred, Mode::Suspected] {
        let attempt = d.call();
        d.moved(attempt, DROPPED);
        assert_eq!(d.mode(), mode);
    }
}

#[test]
fn r16_moves_and_last_resorts_and_new_connections_are_free() {
    let config = EXACT.with_retry_budget(Some(1)).with_stream_max_retries(1);
    let mut d = Driver::failed_over(config);
    for _ in 0..3 {
        let attempt = d.call();
        let _new = d.retried(attempt, WORN_OUT);
        let attempt = d.call();
        let _last = d.retried_after(attempt, Outcome::RetriesExhausted(DROPPED));
    }
    d.policy.handle_network_change(d.now);
    let attempt = d.call();
    let _too_large = d.retried(attempt, TOO_LARGE);
    let attempt = d.call();
    d.moved(attempt, REFUSED);
    let attempt = d.call();
    let _retried = d.retried(attempt, BUSY);
    let attempt = d.call();
    assert_eq!(d.gives_up(attempt, BUSY), GiveUp::BudgetExhausted, "the one token went to the retry");
}

#[test]
fn r16_five_completions_put_a_token_back_and_four_do_not() {
    for (completions, retried) in [(4, false), (5, true)] {
        let mut d = Driver::new(EXACT.with_retry_budget(Some(1)));
        let attempt = d.call();
        let _call = d.retried(attempt, BUSY);
        for _ in 0..completions {
            let attempt = d.call();
            d.complete(attempt);
        }
        let attempt = d.call();
        if retried {
            let _call = d.retried(attempt, BUSY);
        } else {
            assert_eq!(d.gives_up(attempt, BUSY), GiveUp::BudgetExhausted);
        }
    }
}

#[test]
fn r16_a_hundred_completions_put_twenty_tokens_back_and_no_fewer_do() {
    for (completions, tokens) in [(99, 19), (100, 20)] {
        let mut d = Driver::new(EXACT.with_retry_budget(Some(20)));
        for _ in 0..20 {
            let attempt = d.call();
            let _call = d.retried(attempt, BUSY);
        }
        for _ in 0..completions {
            let attempt = d.call();
            d.complete(attempt);
        }
        for _ in 0..tokens {
            let attempt = d.call();
            let _call = d.retried(attempt, BUSY);
        }
        let attempt = d.call();
        assert_eq!(d.gives_up(attempt, BUSY), GiveUp::BudgetExhausted, "after {completions}");
    }
}

#[test]
fn r16_completions_on_sse_put_tokens_back_too() {
    let mut d = Driver::failed_over(EXACT.with_max_recoveries(0).with_retry_budget(Some(1)));
    let attempt = d.call();
    let _call = d.retried(attempt, BUSY);
    for _ in 0..5 {
        let attempt = d.call();
        d.complete(attempt);
    }
    let attempt = d.call();
    let _call = d.retried(attempt, BUSY);
}

#[test]
fn r16_what_ends_otherwise_puts_nothing_back() {
    let mut d = Driver::new(EXACT.with_retry_budget(Some(1)));
    let attempt = d.call();
    let _call = d.retried(attempt, BUSY);
    for _ in 0..10 {
        let attempt = d.call();
        d.done(attempt, Outcome::Ended);
        let attempt = d.call();
        d.done(attempt, Outcome::Cancelled);
    }
    let attempt = d.call();
    assert_eq!(d.gives_up(attempt, BUSY), GiveUp::BudgetExhausted);
}

#[test]
fn r16_the_budget_never_grows_beyond_its_size() {
    let mut d = Driver::new(EXACT.with_retry_budget(Some(1)));
    for _ in 0..100 {
        let attempt = d.call();
        d.complete(attempt);
    }
    let attempt = d.call();
    let _call = d.retried(attempt, BUSY);
    let attempt = d.call();
    assert_eq!(d.gives_up(attempt, BUSY), GiveUp::BudgetExhausted);
}

#[test]
fn r16_a_budget_of_none_sets_no_limit_and_one_of_zero_allows_nothing() {
    let mut d = Driver::new(EXACT.with_retry_budget(None));
    for _ in 0..1000 {
        let attempt = d.call();
        let _call = d.retried(attempt, BUSY);
    }
    let mut d = Driver::new(EXACT.with_retry_budget(Some(0)));
    let attempt = d.call();
    assert_eq!(d.gives_up(attempt, BUSY), GiveUp::BudgetExhausted);
}

#[test]
fn r16_a_call_that_is_used_up_is_not_charged() {
    let mut d = Driver::failed_over(EXACT.with_retry_budget(Some(0)).with_stream_max_retries(0));
    let attempt = d.call();
    assert_eq!(d.gives_up(attempt, BUSY), GiveUp::AttemptsExhausted);
    let attempt = d.call();
    assert_eq!(
        d.gives_up(attempt, BUSY.with_retry_after(Duration::MAX)),
        GiveUp::ServerBusy { retry_after: Duration::MAX },
    );
}

#[test]
fn a_give_up_has_a_word_and_a_sentence() {
    extern crate std;
    use std::string::ToString;

    let words = [
        (GiveUp::Committed, "committed", "delivered"),
        (GiveUp::NotRetryable, "not_retryable", "again"),
        (GiveUp::AttemptsExhausted, "attempts_exhausted", "every attempt"),
        (GiveUp::BudgetExhausted, "budget_exhausted", "lately"),
        (GiveUp::ServerBusy { retry_after: ms(90_500) }, "server_busy", "91 s"),
    ];
    for (give_up, word, part) in words {
        assert_eq!(give_up.as_str(), word);
        assert!(give_up.to_string().contains(part), "{give_up}");
    }
}
