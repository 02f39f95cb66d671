//! What stands in the way of SSE, while WebSocket works.

use std::time::Duration;

use failback_peer::{Peer, Transport, Turn};

use crate::report::doctor;

const PAUSE: Duration = Duration::from_millis(1500);

#[test]
fn live_and_buffered_are_told_apart_by_a_turn() {
    let peer = Peer::start();
    peer.set_turn(Transport::Sse, Turn::after(3).then_pause(PAUSE).then_complete());
    let report = doctor(&peer.url(), &["--turn"]).expect(0, &["websocket-works", "sse-works"]);
    assert_eq!(report.0["sse"]["is_live"], true, "{:#}", report.0);

    peer.set_turn(Transport::Sse, Turn::new().then_pause(PAUSE).then_complete());
    let report = doctor(&peer.url(), &["--turn"]).expect(0, &["websocket-works", "sse-buffered"]);
    assert_eq!(report.0["sse"]["is_live"], false, "{:#}", report.0);
    assert!(report.text("sse", "live").starts_with("buffered: nothing for "), "{:#}", report.0);
}

#[test]
fn what_is_answered_instead_of_a_stream_is_told() {
    let peer = Peer::start();
    for (turn, kind) in [
        (Turn::html(), "not-a-responses-endpoint"),
        (Turn::status(404), "not-a-responses-endpoint"),
        (Turn::status(503), "server-failed"),
        (Turn::status(302), "sse-refused"),
        (Turn::drop_after(2), "sse-broken"),
    ] {
        peer.set_turn(Transport::Sse, turn);
        doctor(&peer.url(), &["--turn"]).expect(4, &["websocket-works", kind]);
    }
    peer.set_turn(Transport::Sse, Turn::status(403));
    let report = doctor(&peer.url(), &["--turn"]).expect(0, &["websocket-works", "api-forbids"]);
    assert!(report.text("sse", "post").contains("403 Forbidden"));
}

#[test]
fn silence_is_a_black_hole_before_the_first_event_alone() {
    let peer = Peer::start();
    for (turn, kind) in [(Turn::stall_after(0), "sse-black-holed"), (Turn::stall_after(2), "sse-broken")] {
        peer.set_turn(Transport::Sse, turn);
        // Longer than a busy machine takes for an answer.
        let settings = ["--turn", "--set", "idle_timeout_ms=5000"];
        doctor(&peer.url(), &settings).expect(4, &["websocket-works", kind]);
    }
}

#[test]
fn a_url_that_is_no_endpoint_is_a_clear_error() {
    let peer = Peer::start();
    let report = doctor(&peer.url().replace("/v1", "/docs"), &[]).expect(5, &["not-a-responses-endpoint"]);
    let report = report.says(&["no Responses endpoint", "404 Not Found"]);
    assert_eq!(report.0["policy"]["first_turn"]["give_up"], "not_retryable", "{:#}", report.0);
}
