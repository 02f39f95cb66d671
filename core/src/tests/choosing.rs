//! R1: where an attempt goes.

extern crate std;
use std::string::ToString;

use super::*;

#[test]
fn r01_a_new_policy_believes_in_websocket() {
    let mut d = Driver::new(EXACT);
    let attempt = d.call();
    assert_eq!(went(&attempt), HEALTHY);
    assert_eq!((attempt.number(), attempt.is_probe()), (1, false));
    assert_eq!((d.mode(), d.recoveries(), d.wakes_at()), (Mode::Preferred, 3, None));
}

#[test]
fn r01_while_suspected_new_calls_use_sse() {
    let mut d = Driver::new(EXACT);
    let _call = d.suspect();
    assert_eq!(went(&d.call()), sse(Reason::VerdictPending));
    assert_eq!(d.mode(), Mode::Suspected);
}

#[test]
fn r01_until_the_cooldown_is_over_calls_use_sse() {
    let mut d = Driver::failed_over(EXACT);
    assert_eq!(went(&d.at(1).call()), sse(Reason::CoolingDown));
    d.now = Timestamp::from_nanos(60_000_000_000 - 1);
    assert_eq!(went(&d.call()), sse(Reason::CoolingDown));
    assert_eq!(d.recoveries(), 3);
}

#[test]
fn r01_exactly_at_the_end_of_the_cooldown_one_call_probes() {
    let mut d = Driver::failed_over(EXACT);
    let probe = d.at(60_000).call();
    assert_eq!(went(&probe), PROBE);
    assert!(probe.is_probe());
    assert_eq!((d.mode(), d.recoveries()), (probing_until(90_000), 2));
}

#[test]
fn r01_long_after_the_cooldown_the_next_call_still_probes() {
    let mut d = Driver::failed_over(EXACT);
    assert_eq!(d.at(86_400_000).mode(), failed_over_until(60_000));
    assert_eq!(went(&d.call()), PROBE);
}

#[test]
fn r01_of_a_hundred_calls_at_the_end_of_a_cooldown_one_probes() {
    let mut d = Driver::failed_over(EXACT);
    d.at(60_000);
    let probes = (0..100).filter(|_| d.call().is_probe()).count();
    assert_eq!((probes, d.recoveries()), (1, 2));
    assert_eq!(went(&d.call()), sse(Reason::ProbeInFlight));
}

#[test]
fn r01_while_pinned_calls_use_sse_however_late() {
    let mut d = Driver::pinned();
    assert_eq!(went(&d.call()), sse(Reason::Pinned));
    assert_eq!(went(&d.at(u64::MAX / 1_000_000).call()), sse(Reason::Pinned));
}

#[test]
fn r01_a_call_that_moved_stays_on_sse_though_websocket_is_believed_again() {
    let mut d = Driver::new(EXACT);
    let attempt = d.call();
    let on_sse = d.moved(attempt, REFUSED);
    let call = d.retried(on_sse, BUSY);
    assert_eq!(d.mode(), Mode::Preferred, "acquitted");
    let retry = d.at(200).begin(call);
    assert_eq!(went(&retry), sse(Reason::CallMoved));
    assert_eq!(retry.number(), 3);
    assert_eq!(went(&d.call()), HEALTHY);
}

#[test]
fn r01_a_retry_is_chosen_anew() {
    let mut d = Driver::new(EXACT);
    let attempt = d.call();
    let call = d.retried(attempt, BUSY);
    d.convict();
    let retry = d.at(200).begin(call);
    assert_eq!(went(&retry), sse(Reason::CoolingDown), "the mode changed while it waited");
}

#[test]
fn r01_the_retry_of_a_call_that_never_moved_may_be_the_probe() {
    let mut d = Driver::failed_over(EXACT);
    let attempt = d.at(59_900).call();
    assert_eq!(went(&attempt), sse(Reason::CoolingDown));
    let retry = d.retried_in_time(attempt, BUSY);
    assert_eq!((d.now, went(&retry)), (at(60_100), PROBE));
}

#[test]
fn r01_an_attempt_begins_no_earlier_than_its_backoff_ends() {
    let mut d = Driver::new(EXACT);
    let attempt = d.call();
    let call = d.retried(attempt, BUSY);
    d.now = Timestamp::from_nanos(200_000_000 - 1);
    let call = d.told_to_wait(call);
    assert_eq!(call.ready_at(), at(200));
    let retry = d.at(200).begin(call);
    assert_eq!(retry.number(), 2, "to wait is no attempt");
}

#[test]
fn r01_a_call_says_where_it_goes_once_that_is_decided() {
    let mut d = Driver::new(EXACT.with_stream_max_retries(1));
    assert_eq!(d.policy.open_call(d.now).moved(), None);
    let attempt = d.call();
    let in_grace = d.retried(attempt, DROPPED);
    assert_eq!(in_grace.moved(), None, "the mode decides");
    d.now = in_grace.ready_at();
    let again = d.begin(in_grace);
    let left = d.retried(again, DROPPED);
    assert_eq!(left.moved(), Some(Reason::CallMoved));
    let on_sse = d.begin(left);
    let waiting = d.retried(on_sse, BUSY);
    assert!(waiting.ready_at() > d.now);
    assert_eq!(waiting.moved(), Some(Reason::CallMoved), "and it stays there");

    let attempt = d.at(70_000).call();
    assert_eq!(d.retried(attempt, TOO_LARGE).moved(), Some(Reason::TooLarge));
    let attempt = d.call();
    assert_eq!(d.divert(attempt).0.moved(), Some(Reason::CallMoved));
}

#[test]
fn r01_a_call_that_goes_over_sse_has_not_moved_there() {
    let mut d = Driver::failed_over(EXACT);
    let on_sse = d.call();
    let waiting = d.retried(on_sse, BUSY);
    assert_eq!(waiting.moved(), None, "it may be the probe yet");
}

#[test]
fn r12_a_call_says_that_it_goes_to_its_last_resort() {
    let mut d = Driver::pinned();
    let on_sse = d.call();
    let call = d.retried_after(on_sse, Outcome::RetriesExhausted(DROPPED));
    assert_eq!(call.moved(), Some(Reason::LastResort));
    let last = d.begin(call);
    let call = d.retried(last, WORN_OUT);
    assert_eq!(call.moved(), Some(Reason::LastResort), "R10: once more");
}

#[test]
fn r16_a_driver_that_waits_by_itself_begins_when_it_likes() {
    let mut d = Driver::new(EXACT);
    let attempt = d.call();
    let call = d.retried(attempt, DROPPED);
    assert_eq!(call.ready_at(), at(200));
    let early = d.policy.begin_attempt_now(call, at(50));
    assert_eq!((went(&early), early.number(), early.divert_at()), (HEALTHY, 2, Some(at(1050))));
    let call = d.at(60).retried(early, DROPPED);
    assert_eq!(call.ready_at(), at(460), "the next wait is as long as if it had waited");
}

#[test]
fn r18_beginning_now_is_at_the_latest_time_seen() {
    let (mut d, probe) = Driver::probing(EXACT);
    let call = d.policy.open_call(at(95_000));
    assert_eq!(d.policy.mode(), failed_over_until(215_000), "R8: the lease was over");
    let late = d.policy.begin_attempt_now(call, at(215_000));
    assert_eq!((went(&late), d.policy.mode()), (PROBE, probing_until(245_000)));
    let call = d.policy.open_call(at(0));
    let early = d.policy.begin_attempt_now(call, at(0));
    assert_eq!(went(&early), sse(Reason::ProbeInFlight));
    drop(probe);
}

#[test]
fn r01_each_reason_and_mode_has_a_word_of_its_own() {
    let reasons = [
        "healthy",
        "probe",
        "dial_pending",
        "cooling_down",
        "probe_in_flight",
        "verdict_pending",
        "pinned",
        "call_moved",
        "too_large",
        "sse_only",
        "last_resort",
    ];
    assert_eq!(Reason::ALL.map(Reason::as_str), reasons);
    let mut explained = Reason::ALL.map(Reason::explanation).to_vec();
    assert!(explained.iter().all(|words| words.contains(' ')), "{explained:?}");
    explained.sort_unstable();
    explained.dedup();
    assert_eq!(explained.len(), reasons.len(), "each is explained in other words");
    let modes = [
        (Mode::Preferred, "preferred"),
        (Mode::Suspected, "suspected"),
        (failed_over_until(0), "failed_over"),
        (probing_until(0), "probing"),
        (Mode::Pinned, "pinned"),
    ];
    for (mode, word) in modes {
        assert_eq!(mode.as_str(), word);
    }
    for (timer, word) in [
        (Timer::Retry, "retry"),
        (Timer::Lease, "lease"),
        (Timer::Dial, "dial"),
        (Timer::Suspicion, "suspicion"),
    ] {
        assert_eq!((timer.as_str(), timer.to_string().as_str()), (word, word));
    }
    assert_eq!((Transport::WebSocket.as_str(), Transport::Sse.as_str()), ("websocket", "sse"));
    let blames = ["connection", "payload", "transport", "network", "server", "request"];
    assert_eq!(Blame::ALL.map(Blame::as_str), blames);
    assert_eq!(Stage::ALL.map(Stage::as_str), ["connecting", "open", "streaming"]);
}
