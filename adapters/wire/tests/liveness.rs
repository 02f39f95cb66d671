//! Every way to be silent, in virtual time, with the default limits.

use std::time::Duration;

use failback::{Timestamp, Transport};
use failback_wire::LivenessAction::{Dead, SendPing, Wait};
use failback_wire::{Limits, Liveness, Seen};

/// A stream, its peer, and a clock that jumps to the next wake-up.
struct Peer {
    answers_pings: bool,
    /// When the peer says something by itself: milliseconds, and whether it is an event.
    says: Vec<(u64, bool)>,
}

/// When the stream was given up, if it was before the time was up, and how many pings that took.
fn run(
    transport: Transport,
    limits: Limits,
    peer: &Peer,
    until_ms: u64,
) -> (Option<(u64, Seen<'static>)>, u32) {
    let mut liveness = Liveness::new(limits, transport, Timestamp::ZERO);
    let (mut now, mut pings, mut said) = (Timestamp::ZERO, 0, 0);
    let end = Timestamp::from_millis(until_ms);
    while now < end {
        match liveness.poll(now) {
            Dead(seen) => return (Some((now.as_nanos() / 1_000_000, seen)), pings),
            SendPing => {
                pings += 1;
                liveness.handle_ping_sent(now);
                if peer.answers_pings {
                    now = now.saturating_add(Duration::from_millis(20));
                    liveness.handle_sign_of_life(now);
                }
            }
            Wait(until) => {
                assert!(until > now, "a wake-up in the past");
                now = until;
                if let Some(&(at, is_event)) =
                    peer.says.get(said).filter(|(at, _)| Timestamp::from_millis(*at) < until)
                {
                    said += 1;
                    now = Timestamp::from_millis(at);
                    if is_event { liveness.handle_event(now) } else { liveness.handle_sign_of_life(now) }
                }
            }
        }
    }
    (None, pings)
}

const HOUR: u64 = 3_600_000;

#[test]
fn frames_swallowed_and_pings_answered_is_no_first_event() {
    let peer = Peer { answers_pings: true, says: vec![] };
    let (end, pings) = run(Transport::WebSocket, Limits::new(), &peer, HOUR);
    assert_eq!((end, pings), (Some((30_000, Seen::FirstEventTimeout)), 1));
}

#[test]
fn the_first_byte_of_sse_may_come_as_late_as_any_other() {
    let peer = Peer { answers_pings: false, says: vec![(40_000, true)] };
    let (end, _) = run(Transport::Sse, Limits::new(), &peer, HOUR);
    assert_eq!(end, Some((340_000, Seen::IdleTimeout)));
}

#[test]
fn an_event_timeout_counts_events_alone() {
    let limits = Limits::new().with_event_timeout(Some(Duration::from_secs(60)));
    let says: Vec<_> = (1..100).map(|n| (n * 10_000, n == 2)).collect();
    for transport in [Transport::WebSocket, Transport::Sse] {
        let peer = Peer { answers_pings: true, says: says.clone() };
        let (end, _) = run(transport, limits, &peer, HOUR);
        assert_eq!(end, Some((80_000, Seen::EventTimeout)), "after the second thing said");
        let peer = Peer { answers_pings: true, says: vec![] };
        let (end, _) = run(transport, limits.with_first_event_timeout(Duration::MAX), &peer, HOUR);
        assert_eq!(end, Some((60_000, Seen::EventTimeout)), "after the request");
    }
}

#[test]
fn an_upload_lives_as_long_as_bytes_leave() {
    let mut liveness = Liveness::before_request(Limits::new(), Transport::WebSocket, Timestamp::ZERO);
    let at = Timestamp::from_millis;
    for second in 1..=100 {
        assert!(matches!(liveness.poll(at(second * 1000)), Wait(_)), "{second}");
        liveness.handle_written(at(second * 1000));
    }
    // Neither is a ping due in the middle of it, nor the first event.
    assert_eq!(liveness.poll(at(129_999)), Wait(at(130_000)));
    liveness.handle_request_sent(at(129_999));
    assert_eq!(liveness.poll(at(130_000)), Wait(at(144_999)));
    assert_eq!(liveness.poll(at(144_999)), SendPing);
    liveness.handle_ping_sent(at(144_999));
    // The ping itself is not life.
    liveness.handle_written(at(145_000));
    assert_eq!(liveness.poll(at(159_999)), Dead(Seen::FirstEventTimeout));
}

#[test]
fn an_upload_that_nobody_takes_is_found_as_a_dead_path_is() {
    let mut liveness = Liveness::before_request(Limits::new(), Transport::WebSocket, Timestamp::ZERO);
    liveness.handle_written(Timestamp::from_millis(1_000));
    assert_eq!(liveness.poll(Timestamp::from_millis(30_999)), Wait(Timestamp::from_millis(31_000)));
    assert_eq!(liveness.poll(Timestamp::from_millis(31_000)), Dead(Seen::IdleTimeout));
}

#[test]
fn an_upload_over_sse_lives_as_long_as_bytes_leave() {
    let limits = Limits::new().with_event_timeout(Some(Duration::from_secs(60)));
    let mut liveness = Liveness::new(limits, Transport::Sse, Timestamp::ZERO);
    for second in (0..1000).step_by(50) {
        assert!(matches!(liveness.poll(Timestamp::from_millis(second * 1000)), Wait(_)), "{second}");
        liveness.handle_written(Timestamp::from_millis(second * 1000));
    }
    assert_eq!(liveness.poll(Timestamp::from_millis(1_010_000)), Dead(Seen::EventTimeout));
}

#[test]
fn a_dead_path_in_mid_stream_is_found_in_thirty_seconds() {
    let peer = Peer { answers_pings: false, says: vec![(100, true), (5_000, true)] };
    let (end, pings) = run(Transport::WebSocket, Limits::new(), &peer, HOUR);
    assert_eq!((end, pings), (Some((35_000, Seen::MissedPong)), 1));
}

#[test]
fn long_thinking_with_pings_answered_lives_on() {
    let peer = Peer { answers_pings: true, says: vec![(100, true)] };
    let (end, pings) = run(Transport::WebSocket, Limits::new(), &peer, HOUR);
    assert_eq!(end, None);
    assert!((239..=240).contains(&pings), "{pings}");
}

#[test]
fn long_thinking_with_comments_lives_on() {
    let peer = Peer { answers_pings: false, says: (0..13).map(|n| (100 + n * 299_000, n == 0)).collect() };
    assert_eq!(run(Transport::Sse, Limits::new(), &peer, HOUR), (None, 0));
}

#[test]
fn a_silent_sse_stream_ends_at_the_idle_limit() {
    let peer = Peer { answers_pings: false, says: vec![(100, true), (10_000, false)] };
    assert_eq!(run(Transport::Sse, Limits::new(), &peer, HOUR), (Some((310_000, Seen::IdleTimeout)), 0));
}

#[test]
fn the_idle_limit_may_be_the_shortest() {
    let limits = Limits::new().with_idle_timeout(Duration::from_secs(5));
    let peer = Peer { answers_pings: true, says: vec![(100, true)] };
    assert_eq!(run(Transport::WebSocket, limits, &peer, HOUR), (Some((5_100, Seen::IdleTimeout)), 0));
}

#[test]
fn a_busy_stream_is_not_pinged() {
    let peer = Peer { answers_pings: false, says: (1..3600).map(|n| (n * 1000, true)).collect() };
    assert_eq!(run(Transport::WebSocket, Limits::new(), &peer, HOUR), (None, 0));
}

#[test]
fn any_byte_answers_a_ping() {
    let mut liveness = Liveness::new(Limits::new(), Transport::WebSocket, Timestamp::ZERO);
    liveness.handle_event(Timestamp::ZERO);
    assert_eq!(liveness.poll(Timestamp::from_millis(15_000)), SendPing);
    liveness.handle_ping_sent(Timestamp::from_millis(15_000));
    assert_eq!(liveness.poll(Timestamp::from_millis(15_000)), Wait(Timestamp::from_millis(30_000)));
    liveness.handle_event(Timestamp::from_millis(29_999));
    assert_eq!(liveness.poll(Timestamp::from_millis(30_000)), Wait(Timestamp::from_millis(44_999)));
}

#[test]
fn a_driver_that_was_not_polled_asks_before_it_judges() {
    let limits = Limits::new().with_idle_timeout(Duration::MAX);
    let mut liveness = Liveness::new(limits, Transport::WebSocket, Timestamp::ZERO);
    liveness.handle_event(Timestamp::ZERO);
    let late = Timestamp::from_millis(HOUR);
    assert_eq!(liveness.poll(late), SendPing);
    assert_eq!(liveness.poll(late), SendPing, "until it was sent");
    liveness.handle_ping_sent(late);
    assert_eq!(liveness.poll(late), Wait(Timestamp::from_millis(HOUR + 15_000)));
    liveness.handle_ping_sent(Timestamp::from_millis(HOUR + 14_000));
    assert_eq!(liveness.poll(Timestamp::from_millis(HOUR + 15_000)), Dead(Seen::MissedPong));
}

#[test]
fn no_limit_is_never() {
    let limits = Limits::new()
        .with_first_event_timeout(Duration::MAX)
        .with_idle_timeout(Duration::MAX)
        .with_ping_interval(Duration::MAX);
    for transport in [Transport::WebSocket, Transport::Sse] {
        let mut liveness = Liveness::new(limits, transport, Timestamp::from_millis(1));
        assert_eq!(liveness.poll(Timestamp::from_millis(HOUR)), Wait(Timestamp::MAX));
        assert_eq!(liveness.poll(Timestamp::MAX), Wait(Timestamp::MAX));
    }
}

#[test]
fn a_clock_that_runs_backwards_stands_still() {
    let mut liveness = Liveness::new(Limits::new(), Transport::Sse, Timestamp::from_millis(60_000));
    liveness.handle_event(Timestamp::ZERO);
    assert_eq!(liveness.poll(Timestamp::ZERO), Wait(Timestamp::from_millis(360_000)));
}

fn at(seconds: u64) -> Timestamp {
    Timestamp::from_millis(seconds * 1000)
}

#[test]
fn of_events_that_arrive_together_one_in_eight_has_a_time() {
    let mut liveness = Liveness::new(Limits::new(), Transport::Sse, Timestamp::ZERO);
    let mut read = Vec::new();
    liveness.handle_event(at(1));
    for second in 2..=20 {
        liveness.handle_further_event(|| {
            read.push(second);
            at(second)
        });
    }
    assert_eq!(read, [9, 17]);
    // What has a time begins to count anew.
    liveness.handle_event(at(20));
    (1..=7).for_each(|_| liveness.handle_further_event(|| panic!("the clock was read")));
}

#[test]
fn an_event_without_a_time_counts_from_the_last_time_that_was_told() {
    let limits = Limits::new().with_event_timeout(Some(Duration::from_secs(60)));
    for transport in [Transport::WebSocket, Transport::Sse] {
        let mut liveness = Liveness::new(limits, transport, Timestamp::ZERO);
        // A ping is under way: the event answers it.
        liveness.handle_ping_sent(at(10));
        liveness.handle_further_event(|| panic!("the clock was read"));
        let due = if transport == Transport::WebSocket { 25 } else { 70 };
        assert_eq!(liveness.poll(at(20)), Wait(at(due)));
        assert_eq!(liveness.poll(at(70)), Dead(Seen::EventTimeout));
    }
}
