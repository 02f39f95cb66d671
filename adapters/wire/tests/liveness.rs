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

/// Polls as often as it is told, and nothing else happens, but that each ping is answered.
fn stay(liveness: &mut Liveness, from_ms: u64, until_ms: u64) {
    let end = end(liveness, from_ms, until_ms);
    assert_eq!(end, None);
}

/// The same. What ends the stream before this time, and when.
fn end(liveness: &mut Liveness, from_ms: u64, until_ms: u64) -> Option<(u64, Seen<'static>)> {
    let (mut now, until) = (Timestamp::from_millis(from_ms), Timestamp::from_millis(until_ms));
    while now < until {
        match liveness.poll(now) {
            Wait(wake) => now = wake,
            SendPing => liveness.handle_sign_of_life(now),
            Dead(seen) => return Some((now.as_nanos() / 1_000_000, seen)),
        }
    }
    None
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
    stay(&mut liveness, 100_000, 129_999);
    assert_eq!(liveness.poll(at(129_999)), Wait(at(130_000)));
    liveness.handle_request_sent(at(129_999));
    assert_eq!(liveness.poll(at(130_000)), Wait(at(144_999)));
    assert_eq!(liveness.poll(at(144_999)), SendPing);
    liveness.handle_ping_sent(at(144_999));
    // The ping itself is not life.
    liveness.handle_written(at(145_000));
    assert_eq!(liveness.poll(at(145_000)), Wait(at(159_999)));
    assert_eq!(liveness.poll(at(159_999)), Dead(Seen::FirstEventTimeout));
}

#[test]
fn an_upload_that_nobody_takes_is_found_as_a_dead_path_is() {
    let mut liveness = Liveness::before_request(Limits::new(), Transport::WebSocket, Timestamp::ZERO);
    liveness.handle_written(Timestamp::from_millis(1_000));
    stay(&mut liveness, 1_000, 30_999);
    assert_eq!(liveness.poll(Timestamp::from_millis(30_999)), Wait(Timestamp::from_millis(31_000)));
    assert_eq!(liveness.poll(Timestamp::from_millis(31_000)), Dead(Seen::IdleTimeout));
}

#[test]
fn an_upload_over_sse_lives_as_long_as_bytes_leave() {
    let limits = Limits::new().with_event_timeout(Some(Duration::from_secs(60)));
    let mut liveness = Liveness::new(limits, Transport::Sse, Timestamp::ZERO);
    for second in (0..1000).step_by(50) {
        liveness.handle_written(Timestamp::from_millis(second * 1000));
        stay(&mut liveness, second * 1000, (second + 50) * 1000);
    }
    stay(&mut liveness, 1_000_000, 1_010_000);
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

/// A stream that brought an event at the beginning, and was silent since; its driver was there so long.
fn streaming(limits: Limits, transport: Transport, there_ms: u64) -> Liveness {
    let mut liveness = Liveness::new(limits, transport, Timestamp::ZERO);
    liveness.handle_event(Timestamp::ZERO);
    stay(&mut liveness, 0, there_ms);
    liveness
}

fn limits_of(ping_interval: u64, idle_timeout: u64) -> Limits {
    let limits = Limits::new().with_ping_interval(Duration::from_secs(ping_interval));
    limits.with_idle_timeout(Duration::from_secs(idle_timeout))
}

#[test]
fn a_driver_that_was_away_pings_at_once_and_the_answer_decides() {
    // Also where the idle limit is shorter than it takes to find that no answer comes.
    for (ping_interval, idle) in [(15, 300), (15, 20), (15, 16), (5, 8)] {
        for there_ms in [0, 4_000] {
            let mut liveness = streaming(limits_of(ping_interval, idle), Transport::WebSocket, there_ms);
            assert_eq!(liveness.poll(at(400)), SendPing, "{idle}");
            liveness.handle_ping_sent(at(400));
            assert!(liveness.is_unanswered_since(at(1)) && !liveness.is_unanswered_since(Timestamp::ZERO));

            let missed = end(&mut liveness.clone(), 400_000, 500_000);
            assert_eq!(missed, Some((415_000, Seen::MissedPong)), "{idle}");

            // From the answer on, the limits count anew.
            stay(&mut liveness, 400_000, 401_000);
            liveness.handle_sign_of_life(at(401));
            assert!(!liveness.is_unanswered_since(Timestamp::MAX));
            assert_eq!(liveness.poll(at(401)), Wait(at(401 + ping_interval)));
            assert_eq!(liveness.poll(at(401 + ping_interval)), SendPing);
            liveness.handle_ping_sent(at(401 + ping_interval));
            let dead = end(&mut liveness, (401 + ping_interval) * 1000, HOUR);
            let (missed, idle) = ((416 + ping_interval) * 1000, (401 + idle) * 1000);
            let first = if missed <= idle { (missed, Seen::MissedPong) } else { (idle, Seen::IdleTimeout) };
            assert_eq!(dead, Some(first));
        }
    }
}

#[test]
fn the_idle_limit_is_left_where_no_answer_is_ever_missed() {
    let limits = limits_of(5, 8).with_pong_timeout(Duration::MAX);
    let mut liveness = streaming(limits, Transport::WebSocket, 4_000);
    assert_eq!(liveness.poll(at(400)), SendPing);
    liveness.handle_ping_sent(at(400));
    let (dead, seen) = end(&mut liveness, 400_000, HOUR).expect("silence");
    assert!((403_000..=408_000).contains(&dead), "{dead}");
    assert_eq!(seen, Seen::IdleTimeout);
}

#[test]
fn a_ping_that_was_sent_before_is_judged_by_its_time() {
    let mut liveness = streaming(Limits::new(), Transport::WebSocket, 15_000);
    assert_eq!(liveness.poll(at(15)), SendPing);
    liveness.handle_ping_sent(at(15));
    assert_eq!(liveness.poll(at(15)), Wait(at(30)));
    assert_eq!(liveness.poll(at(400)), Dead(Seen::MissedPong));
    // So a dead stream ends for a driver that is away again and again.
    let mut liveness = streaming(Limits::new(), Transport::WebSocket, 0);
    assert_eq!(liveness.poll(at(400)), SendPing);
    liveness.handle_ping_sent(at(400));
    assert_eq!(liveness.poll(at(800)), Dead(Seen::MissedPong));
}

#[test]
fn a_driver_that_was_away_for_a_moment_pings_in_its_time() {
    let mut liveness = streaming(Limits::new(), Transport::WebSocket, 0);
    assert_eq!(liveness.poll(at(14)), Wait(at(15)));
    assert_eq!(liveness.poll(at(15)), SendPing);
}

#[test]
fn a_driver_that_never_pings_does_not_after_an_absence_either() {
    let limits = Limits::new().with_ping_interval(Duration::MAX);
    let mut liveness = streaming(limits, Transport::WebSocket, 0);
    assert_eq!(end(&mut liveness, 400_000, HOUR), Some((700_000, Seen::IdleTimeout)));
}

const DAY_MS: u64 = 24 * HOUR;

#[test]
fn time_in_which_nobody_reads_counts_for_no_limit() {
    let events = Limits::new().with_event_timeout(Some(Duration::from_secs(60)));
    for (limits, transport, limit, seen) in [
        (Limits::new(), Transport::Sse, 300, Seen::IdleTimeout),
        (events, Transport::Sse, 60, Seen::EventTimeout),
        (events, Transport::WebSocket, 60, Seen::EventTimeout),
    ] {
        // Away at once, or in the middle of the wait from 30 to 45 s, of which half counts.
        for (there_ms, counted_ms) in [(0, 0), (30_001, 37_500)] {
            let mut liveness = streaming(limits, transport, there_ms);
            let dead = end(&mut liveness, DAY_MS, 2 * DAY_MS);
            assert_eq!(dead, Some((DAY_MS + limit * 1000 - counted_ms, seen)), "{transport}, {there_ms}");
        }
    }
}

#[test]
fn the_first_event_may_come_after_an_absence() {
    let mut liveness = Liveness::new(Limits::new(), Transport::WebSocket, Timestamp::ZERO);
    assert_eq!(liveness.poll(Timestamp::ZERO), Wait(at(15)));
    // What has arrived meanwhile is no event.
    liveness.handle_sign_of_life(Timestamp::from_millis(DAY_MS));
    let dead = end(&mut liveness, DAY_MS, 2 * DAY_MS);
    assert_eq!(dead, Some((DAY_MS + 22_500, Seen::FirstEventTimeout)));
}

#[test]
fn an_upload_goes_on_after_an_absence() {
    let upload = || Liveness::before_request(Limits::new(), Transport::WebSocket, Timestamp::ZERO);
    // The peer takes some of it then, or nothing.
    for written in [true, false] {
        let mut liveness = upload();
        if written {
            liveness.handle_written(Timestamp::from_millis(DAY_MS));
        }
        let dead = end(&mut liveness, DAY_MS, 2 * DAY_MS);
        assert_eq!(dead, Some((DAY_MS + 30_000, Seen::IdleTimeout)));
    }
}

#[test]
fn what_arrived_during_an_absence_does_not_hide_it() {
    for transport in [Transport::WebSocket, Transport::Sse] {
        // A task of its own had read it long before the driver came back; and then nothing came.
        let mut liveness = streaming(Limits::new(), transport, 0);
        liveness.handle_event(at(50));
        let is_websocket = transport == Transport::WebSocket;
        assert_eq!(liveness.poll(at(400)), if is_websocket { SendPing } else { Wait(at(415)) });
    }
    // What a driver sends when it comes back does not either.
    let mut liveness = streaming(Limits::new(), Transport::WebSocket, 0);
    liveness.handle_written(at(400));
    assert_eq!(liveness.poll(at(400)), SendPing);
}

#[test]
fn a_driver_that_looks_just_before_a_limit_was_away_all_the_same() {
    for transport in [Transport::WebSocket, Transport::Sse] {
        let mut liveness = streaming(Limits::new(), transport, 1_000);
        if liveness.poll(at(299)) == SendPing {
            liveness.handle_ping_sent(at(299));
        }
        assert!(matches!(liveness.poll(at(299)), Wait(_)), "{transport}");
        assert!(matches!(liveness.poll(at(301)), Wait(_)), "{transport}");
    }
}

#[test]
fn a_driver_that_is_always_late_comes_to_an_end() {
    for transport in [Transport::WebSocket, Transport::Sse] {
        let (mut liveness, mut now) = (streaming(Limits::new(), transport, 0), Timestamp::ZERO);
        let mut looks = 0;
        loop {
            match liveness.poll(now) {
                Wait(until) => now = until.saturating_add(Duration::from_secs(20)),
                SendPing => liveness.handle_ping_sent(now),
                Dead(_) => break,
            }
            looks += 1;
            assert!(looks < 100, "{transport}");
        }
    }
}

#[test]
fn a_driver_that_is_told_late_of_what_happened_was_there() {
    // Another task writes the request, and wakes nobody for that.
    let limits = Limits::new().with_idle_timeout(Duration::from_secs(3));
    let mut liveness = Liveness::new(limits, Transport::Sse, Timestamp::ZERO);
    assert_eq!(liveness.poll(Timestamp::ZERO), Wait(at(3)));
    liveness.handle_written(Timestamp::from_millis(5));
    assert_eq!(liveness.poll(at(3)), Wait(Timestamp::from_millis(3_005)));
    assert_eq!(liveness.poll(Timestamp::from_millis(3_005)), Dead(Seen::IdleTimeout));
}

#[test]
fn a_driver_that_is_a_little_late_was_there() {
    let (mut liveness, mut now) = (streaming(Limits::new(), Transport::Sse, 0), Timestamp::ZERO);
    while let Wait(until) = liveness.poll(now) {
        now = until.saturating_add(Duration::from_millis(900));
    }
    assert!(now <= at(301), "{now:?}");
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
    assert_eq!(liveness.poll(Timestamp::ZERO), Wait(at(75)));
    assert_eq!(liveness.poll(at(50)), Wait(at(75)));
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
        stay(&mut liveness, 0, 10_000);
        liveness.handle_ping_sent(at(10));
        liveness.handle_further_event(|| panic!("the clock was read"));
        assert_eq!(liveness.poll(at(11)), Wait(at(if transport == Transport::WebSocket { 25 } else { 26 })));
        stay(&mut liveness, 11_000, 70_000);
        assert_eq!(liveness.poll(at(70)), Dead(Seen::EventTimeout));
    }
}
