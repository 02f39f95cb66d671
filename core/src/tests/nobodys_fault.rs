//! R10, R11, R13 and R14: failures that are no evidence against WebSocket.

use super::*;

#[test]
fn r10_a_worn_out_connection_is_replaced_at_once() {
    let mut d = Driver::new(EXACT.with_retry_budget(Some(0)).with_stream_max_retries(0));
    let attempt = d.at(70).call();
    let call = d.retried(attempt, WORN_OUT);
    assert_eq!(call.ready_at(), at(70));
    let attempt = d.begin(call);
    assert_eq!((went(&attempt), attempt.number()), (HEALTHY, 2));
    assert_eq!(d.mode(), Mode::Preferred);
}

#[test]
fn r10_a_worn_out_connection_counts_neither_for_the_call_nor_for_the_policy() {
    let mut d = Driver::new(EXACT.with_stream_max_retries(1));
    let attempt = d.call();
    let call = d.retried(attempt, WORN_OUT);
    let attempt = d.begin(call);
    let call = d.retried(attempt, DROPPED);
    assert_eq!(call.ready_at(), at(200), "the first retry that counts");
    let attempt = d.at(200).begin(call);
    assert_eq!(went(&attempt), HEALTHY);
    d.moved(attempt, DROPPED);
}

#[test]
fn r10_a_second_one_in_a_row_counts_as_the_transport() {
    let mut d = Driver::new(EXACT);
    let attempt = d.call();
    let call = d.retried(attempt, WORN_OUT);
    let attempt = d.begin(call);
    let retry = d.retried_in_time(attempt, WORN_OUT);
    assert_eq!((d.now, went(&retry)), (at(200), HEALTHY), "forgiven as R3 forgives");

    let mut d = Driver::new(EXACT.with_stream_max_retries(0));
    let attempt = d.call();
    let call = d.retried(attempt, WORN_OUT);
    let attempt = d.begin(call);
    d.moved(attempt, WORN_OUT);
    assert_eq!(d.mode(), Mode::Suspected);
}

#[test]
fn r10_a_second_one_while_connecting_is_a_refused_handshake() {
    let dead = Failure::new(Blame::Connection, Stage::Connecting);
    let mut d = Driver::new(EXACT);
    let attempt = d.call();
    let call = d.retried(attempt, dead);
    let attempt = d.begin(call);
    d.moved(attempt, dead);
    assert_eq!(d.mode(), Mode::Suspected);
}

#[test]
fn r10_in_a_row_means_without_another_failure_between() {
    let mut d = Driver::new(EXACT);
    let attempt = d.call();
    let call = d.retried(attempt, WORN_OUT);
    let attempt = d.begin(call);
    let attempt = d.retried_in_time(attempt, BUSY);
    let before = d.now;
    let call = d.retried(attempt, WORN_OUT);
    assert_eq!(call.ready_at(), before, "uncounted again");
}

#[test]
fn r10_only_the_attempt_itself_is_not_counted() {
    let mut d = Driver::failed_over(EXACT.with_stream_max_retries(2));
    let attempt = d.call();
    let attempt = d.retried_in_time(attempt, BUSY);
    let attempt = d.retried_in_time(attempt, BUSY);
    let call = d.retried(attempt, WORN_OUT);
    let attempt = d.begin(call);
    assert_eq!(d.gives_up(attempt, BUSY), GiveUp::AttemptsExhausted, "the third that counts");
}

#[test]
fn r10_in_a_row_means_on_the_same_transport() {
    let mut d = Driver::new(EXACT);
    let attempt = d.call();
    let call = d.retried(attempt, WORN_OUT);
    let _other = d.suspect();
    let attempt = d.begin(call);
    assert_eq!(went(&attempt), sse(Reason::VerdictPending));
    let call = d.retried(attempt, WORN_OUT);
    assert_eq!((call.ready_at(), d.mode()), (Timestamp::ZERO, Mode::Suspected), "the first on SSE");
    let attempt = d.begin(call);
    let call = d.retried(attempt, WORN_OUT);
    assert_eq!((call.ready_at(), d.mode()), (at(200), Mode::Preferred), "the second");
}

#[test]
fn r10_what_happens_on_the_other_transport_makes_no_second_one_a_first() {
    let mut d = Driver::new(EXACT);
    let attempt = d.call();
    let call = d.retried(attempt, WORN_OUT);
    let _other = d.suspect();
    let attempt = d.begin(call);
    let attempt = d.retried_in_time(attempt, BUSY);
    assert_eq!(went(&attempt), HEALTHY, "acquitted");
    let call = d.retried(attempt, WORN_OUT);
    assert_eq!((call.ready_at(), d.failures()), (at(400), 2), "or a call could go on for ever");
}

#[test]
fn r10_in_a_row_means_in_the_same_call() {
    let mut d = Driver::new(EXACT.with_stream_max_retries(0));
    for _ in 0..10 {
        let attempt = d.call();
        let call = d.retried(attempt, WORN_OUT);
        assert_eq!(call.ready_at(), Timestamp::ZERO);
    }
    assert_eq!(d.mode(), Mode::Preferred);
}

#[test]
fn r10_holds_on_sse_too() {
    let mut d = Driver::pinned();
    let attempt = d.call();
    let call = d.retried(attempt, WORN_OUT);
    assert_eq!(call.ready_at(), Timestamp::ZERO);
    let attempt = d.begin(call);
    assert_eq!(went(&attempt), sse(Reason::Pinned));
    let call = d.retried(attempt, WORN_OUT);
    assert_eq!(call.ready_at(), at(200));
}

#[test]
fn r11_what_is_too_large_for_websocket_goes_over_sse() {
    let mut d = Driver::new(EXACT.with_retry_budget(Some(0)));
    let attempt = d.at(33).call();
    let call = d.retried(attempt, TOO_LARGE);
    assert_eq!(call.ready_at(), at(33));
    let attempt = d.begin(call);
    assert_eq!(went(&attempt), sse(Reason::TooLarge));
    assert_eq!((d.mode(), d.recoveries()), (Mode::Preferred, 3));
    assert_eq!(went(&d.call()), HEALTHY, "the next call is another message");
}

#[test]
fn r11_a_call_too_large_stays_on_sse_and_says_why() {
    let mut d = Driver::new(EXACT);
    let attempt = d.call();
    let call = d.retried(attempt, TOO_LARGE);
    let attempt = d.begin(call);
    let attempt = d.retried_in_time(attempt, BUSY);
    assert_eq!(went(&attempt), sse(Reason::TooLarge));
}

#[test]
fn r11_too_large_is_no_stream_failure() {
    let mut d = Driver::new(EXACT.with_stream_max_retries(0));
    let attempt = d.call();
    let _call = d.retried(attempt, Failure::new(Blame::Payload, Stage::Streaming));
    assert_eq!(d.mode(), Mode::Preferred);
}

#[test]
fn r11_what_is_too_large_for_both_is_given_up() {
    let mut d = Driver::new(EXACT);
    let attempt = d.call();
    let call = d.retried(attempt, TOO_LARGE);
    let attempt = d.begin(call);
    assert_eq!(d.gives_up(attempt, TOO_LARGE), GiveUp::NotRetryable);
}

#[test]
fn r13_a_busy_server_is_asked_again_on_the_same_transport_once() {
    let mut d = Driver::new(EXACT);
    let attempt = d.call();
    let retry = d.retried_in_time(attempt, BUSY);
    assert_eq!((d.now, went(&retry), d.mode()), (at(200), HEALTHY, Mode::Preferred));
}

#[test]
fn r13_a_busy_server_never_counts_against_websocket() {
    let mut d = Driver::new(EXACT.with_stream_max_retries(1));
    for stage in Stage::ALL {
        let attempt = d.call();
        let _call = d.retried(attempt, Failure::new(Blame::Server, stage));
    }
    assert_eq!(d.mode(), Mode::Preferred);
    let attempt = d.call();
    d.retried_in_time(attempt, DROPPED);
    assert_eq!(d.mode(), Mode::Preferred, "the first stream failure there is");
}

#[test]
fn r13_the_longer_of_retry_after_and_backoff_counts() {
    for (asked, waited) in [(0, 200), (199, 200), (200, 200), (201, 201), (60_000, 60_000)] {
        let mut d = Driver::new(EXACT);
        let attempt = d.call();
        let call = d.retried(attempt, BUSY.with_retry_after(ms(asked)));
        assert_eq!(call.ready_at(), at(waited));
    }
}

#[test]
fn r13_a_wait_longer_than_allowed_is_refused() {
    let asked = ms(60_000) + Duration::from_nanos(1);
    let mut d = Driver::new(EXACT);
    let attempt = d.call();
    assert_eq!(d.gives_up(attempt, BUSY.with_retry_after(asked)), GiveUp::ServerBusy { retry_after: asked });
    assert_eq!(d.mode(), Mode::Preferred);
}

#[test]
fn r13_the_second_busy_answer_on_websocket_moves_the_retry_to_sse() {
    for (asked, waits) in [(0, 400), (5000, 5000)] {
        let mut d = Driver::new(EXACT);
        let attempt = d.call();
        let attempt = d.retried_in_time(attempt, BUSY);
        assert_eq!((d.now, went(&attempt)), (at(200), HEALTHY));
        let call = d.retried(attempt, BUSY.with_retry_after(ms(asked)));
        assert_eq!(call.ready_at(), at(200 + waits), "the wait is the same");
        d.at(200 + waits);
        let attempt = d.begin(call);
        assert_eq!((went(&attempt), attempt.number()), (sse(Reason::CallMoved), 3));
        assert_eq!((d.mode(), d.failures()), (Mode::Preferred, 0));
        assert_eq!(went(&d.call()), HEALTHY, "the call moves, not the policy");
        d.complete(attempt);
    }
}

#[test]
fn r13_what_is_busy_on_both_is_given_up() {
    let mut d = Driver::new(EXACT);
    let mut attempt = d.call();
    for number in 2..=8 {
        attempt = d.retried_in_time(attempt, BUSY);
        assert_eq!(attempt.number(), number);
    }
    assert_eq!(d.gives_up(attempt, BUSY), GiveUp::AttemptsExhausted, "two on WebSocket, six on SSE");
    assert_eq!(d.mode(), Mode::Preferred);
}

#[test]
fn r13_only_busy_answers_on_websocket_make_a_second_one() {
    let mut d = Driver::new(EXACT);
    let _other = d.suspect();
    let attempt = d.call();
    let attempt = d.retried_in_time(attempt, BUSY);
    assert_eq!(went(&attempt), HEALTHY, "acquitted");
    let attempt = d.retried_in_time(attempt, BUSY);
    assert_eq!(went(&attempt), HEALTHY, "the first on WebSocket");
    let attempt = d.retried_in_time(attempt, DROPPED);
    assert_eq!(went(&attempt), HEALTHY);
    let attempt = d.retried_in_time(attempt, BUSY);
    assert_eq!(went(&attempt), sse(Reason::CallMoved), "the second, though not in a row");
}

#[test]
fn r13_a_busy_server_with_websocket_used_up_is_asked_over_sse() {
    let mut d = Driver::new(EXACT);
    let attempt = d.call();
    let call = d.retried_after(attempt, Outcome::RetriesExhausted(BUSY));
    assert_eq!((call.ready_at(), d.mode()), (at(200), Mode::Preferred));
    assert_eq!(went(&d.at(200).begin(call)), sse(Reason::CallMoved), "used up below the policy");

    let mut d = Driver::new(EXACT.with_stream_max_retries(0));
    let attempt = d.call();
    let attempt = d.retried_in_time(attempt, BUSY);
    assert_eq!(went(&attempt), sse(Reason::CallMoved), "the only attempt there");
}

#[test]
fn r13_a_wait_longer_than_allowed_ends_the_call_on_either_transport() {
    let long = BUSY.with_retry_after(ms(60_001));
    let busy = GiveUp::ServerBusy { retry_after: ms(60_001) };
    let mut d = Driver::new(EXACT);
    let attempt = d.call();
    let attempt = d.retried_in_time(attempt, BUSY);
    let (other, on_sse) = (d.call(), d.retried_in_time(attempt, BUSY));
    assert_eq!(d.gives_up_after(other, Outcome::RetriesExhausted(long)), busy);
    assert_eq!(d.gives_up_after(on_sse, Outcome::RetriesExhausted(long)), busy);
}

#[test]
fn r13_a_probe_that_meets_a_busy_server_twice_goes_on_over_sse() {
    let (mut d, probe) = Driver::probing(EXACT);
    let probe = d.retried_in_time(probe, BUSY);
    assert_eq!((went(&probe), d.recoveries()), (PROBE, 2), "another probe");
    let attempt = d.retried_in_time(probe, BUSY);
    assert_eq!(went(&attempt), sse(Reason::CallMoved));
    assert_eq!((d.mode(), d.recoveries()), (failed_over_until(60_200), 3));
}

#[test]
fn r13_a_busy_server_ends_the_call_when_retries_below_are_used_up_on_sse() {
    let mut d = Driver::failed_over(EXACT);
    let attempt = d.call();
    let give_up = d.gives_up_after(attempt, Outcome::RetriesExhausted(BUSY));
    assert_eq!((give_up, d.mode()), (GiveUp::AttemptsExhausted, failed_over_until(60_000)));
}

#[test]
fn r13_the_move_takes_a_token_as_the_wait_does() {
    let mut d = Driver::new(EXACT.with_retry_budget(Some(1)));
    let attempt = d.call();
    let attempt = d.retried_in_time(attempt, BUSY);
    assert_eq!(d.gives_up(attempt, BUSY), GiveUp::BudgetExhausted);
}

#[test]
fn r13_what_a_busy_server_moved_has_tried_websocket() {
    let mut d = Driver::new(EXACT.with_stream_max_retries(0));
    let attempt = d.call();
    let attempt = d.retried_in_time(attempt, BUSY);
    assert_eq!(d.gives_up(attempt, DROPPED), GiveUp::AttemptsExhausted);
}

#[test]
fn r13_a_busy_server_gets_no_last_resort() {
    let mut d = Driver::failed_over(EXACT.with_stream_max_retries(0));
    let attempt = d.call();
    assert_eq!(d.gives_up(attempt, BUSY), GiveUp::AttemptsExhausted);
}

#[test]
fn r13_retry_after_means_nothing_with_another_blame() {
    let mut d = Driver::new(EXACT);
    let attempt = d.call();
    let call = d.retried(attempt, DROPPED.with_retry_after(Duration::MAX));
    assert_eq!(call.ready_at(), at(200));
}

#[test]
fn r14_a_bad_request_ends_the_call_wherever_it_is_sent() {
    for stage in Stage::ALL {
        let failure = Failure::new(Blame::Request, stage);
        for outcome in [
            Outcome::Failed(failure),
            Outcome::Failed(failure.with_committed()),
            Outcome::RetriesExhausted(failure),
        ] {
            let mut d = Driver::new(EXACT.with_stream_max_retries(0));
            let attempt = d.call();
            assert_eq!(d.gives_up_after(attempt, outcome), GiveUp::NotRetryable);
            assert_eq!((d.mode(), went(&d.call())), (Mode::Preferred, HEALTHY));

            let mut d = Driver::failed_over(EXACT);
            let attempt = d.call();
            assert_eq!(d.gives_up_after(attempt, outcome), GiveUp::NotRetryable);
            assert_eq!(d.mode(), failed_over_until(60_000));
        }
    }
}
