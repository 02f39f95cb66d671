//! R1, R12: calls that are opened over SSE, and what they say about WebSocket all the same (R4, R5, R17).

use super::*;

const SSE_ONLY: (Transport, Reason) = sse(Reason::SseOnly);

/// One policy in each mode.
fn in_each_mode() -> [Driver; 6] {
    let mut suspected = Driver::new(EXACT);
    suspected.suspect();
    let mut due = Driver::failed_over(EXACT);
    due.at(60_000);
    [
        Driver::new(EXACT),
        suspected,
        Driver::failed_over(EXACT),
        due,
        Driver::probing(EXACT).0,
        Driver::pinned(),
    ]
}

#[test]
fn r01_a_call_opened_over_sse_goes_there_in_each_mode_and_changes_none() {
    for mut d in in_each_mode() {
        let before = (d.mode(), d.recoveries(), d.policy.transitions());
        let attempt = d.call_over_sse(OverSse::SseOnly);
        assert_eq!((went(&attempt), attempt.divert_at()), (SSE_ONLY, None));
        assert_eq!(went(&d.call_over_sse(OverSse::TooLarge)), sse(Reason::TooLarge));
        assert_eq!((d.mode(), d.recoveries(), d.policy.transitions()), before);
    }
}

#[test]
fn r01_it_leaves_the_probe_to_the_next_call() {
    let mut d = Driver::failed_over(EXACT);
    d.at(60_000).call_over_sse(OverSse::SseOnly);
    assert_eq!(went(&d.call()), PROBE);
}

#[test]
fn r01_it_keeps_its_reason_when_it_is_retried() {
    for (why, reason) in [(OverSse::SseOnly, Reason::SseOnly), (OverSse::TooLarge, Reason::TooLarge)] {
        let mut d = Driver::new(EXACT);
        let attempt = d.call_over_sse(why);
        let call = d.retried_after(attempt, Outcome::Failed(BUSY));
        assert_eq!(call.moved(), Some(reason));
        d.now = call.ready_at();
        let again = d.begin(call);
        assert_eq!((went(&again), again.number()), (sse(reason), 2));
    }
}

#[test]
fn r12_it_has_no_last_resort_when_its_attempts_are_used_up() {
    for why in [OverSse::SseOnly, OverSse::TooLarge] {
        for mut d in in_each_mode() {
            let attempt = d.call_over_sse(why);
            let verdict = d.policy.handle_outcome(attempt, Outcome::RetriesExhausted(OFFLINE), d.now);
            assert!(matches!(verdict, Verdict::GiveUp(GiveUp::AttemptsExhausted)), "{verdict:?}");
        }
    }
}

#[test]
fn r12_it_has_no_last_resort_for_want_of_a_token() {
    let mut d = Driver::new(EXACT.with_retry_budget(Some(0)));
    let attempt = d.call_over_sse(OverSse::SseOnly);
    let verdict = d.policy.handle_outcome(attempt, Outcome::Failed(REFUSED), d.now);
    assert!(matches!(verdict, Verdict::GiveUp(GiveUp::BudgetExhausted)), "{verdict:?}");
}

#[test]
fn r16_it_has_as_many_attempts_as_any_call() {
    let mut d = Driver::new(EXACT.with_stream_max_retries(2));
    let mut attempt = d.call_over_sse(OverSse::SseOnly);
    for _ in 0..2 {
        let call = d.retried_after(attempt, Outcome::Failed(DROPPED));
        d.now = call.ready_at();
        attempt = d.begin(call);
        assert_eq!(went(&attempt), SSE_ONLY);
    }
    let verdict = d.policy.handle_outcome(attempt, Outcome::Failed(DROPPED), d.now);
    assert!(matches!(verdict, Verdict::GiveUp(GiveUp::AttemptsExhausted)), "{verdict:?}");
}

#[test]
fn r04_its_progress_convicts() {
    let mut d = Driver::new(EXACT);
    d.suspect();
    let attempt = d.call_over_sse(OverSse::SseOnly);
    d.progress(&attempt);
    assert_eq!(d.mode(), failed_over_until(60_000));
}

#[test]
fn r05_its_failure_acquits() {
    for why in [OverSse::SseOnly, OverSse::TooLarge] {
        let mut d = Driver::new(EXACT);
        d.suspect();
        let attempt = d.call_over_sse(why);
        d.policy.handle_outcome(attempt, Outcome::Failed(OFFLINE), d.now);
        assert_eq!(d.mode(), Mode::Preferred);
    }
}

#[test]
fn r17_its_progress_judges_a_dial_that_fails() {
    let mut d = Driver::new(EXACT);
    let attempt = d.call();
    let (_call, dial) = d.divert(attempt);
    let other = d.call_over_sse(OverSse::SseOnly);
    d.progress(&other);
    d.dial(dial, DialOutcome::Failed(REFUSED));
    assert_eq!(d.mode(), failed_over_until(60_000));
}

#[test]
fn its_completion_says_nothing_for_websocket() {
    let mut d = Driver::pinned();
    let attempt = d.call_over_sse(OverSse::SseOnly);
    d.policy.handle_outcome(attempt, Outcome::Completed, d.now);
    assert_eq!((d.mode(), d.recoveries()), (Mode::Pinned, 0));
}
