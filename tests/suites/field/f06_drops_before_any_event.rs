//! The stream breaks off after the request, before any event.

use std::thread;
use std::time::Duration;

use failback::{Mode, Transport};
use failback_peer::{Gate, Peer, Turn, What};
use failback_tests::{Adapter, Settings, collect};
use failback_wire::Request;

with_every_adapter!(
    four_retries_then_sse_after_three_seconds_and_the_text_once,
    no_retry_on_websocket_after_fallback_within,
    a_retry_that_works_stays_on_websocket,
    a_close_frame_and_a_reset_are_retried_too,
);

fn four_retries_then_sse_after_three_seconds_and_the_text_once(adapter: &dyn Adapter) {
    let peer = Peer::start();
    peer.set_turn(Transport::WebSocket, Turn::drop_after(0));
    let client = adapter.client(Settings::new(&peer));

    let outcome = collect(client.stream(Request::text("m", "hello world")));
    assert!(outcome.is_complete(), "{outcome:?}");
    assert_eq!(outcome.text(), "echo: hello world");
    assert!(outcome.restarts().is_empty(), "{outcome:?}");
    assert_eq!(outcome.moves(), [Transport::Sse]);
    assert!(outcome.notices()[0].text().contains("before the first event"), "{outcome:?}");

    let next = collect(client.stream(Request::text("m", "and on")));
    assert!(next.is_complete() && next.notices().is_empty(), "{next:?}");

    let journal = peer.journal();
    let expected = [[Transport::WebSocket; 5].as_slice(), &[Transport::Sse; 2]].concat();
    assert_eq!(journal.transports(), expected, "{journal}");
    assert_eq!(journal.handshakes(), 5, "{journal}");
    // 0.2 + 0.4 + 0.8 + 1.6 s of backoff, each up to a tenth more or less; the fifth would end after 6.2 s.
    let asked = journal.times(|what| matches!(what, What::Request { .. }));
    let until_sse = (asked[5] - asked[0]).as_millis();
    assert!((2_700..5_000).contains(&until_sse), "{until_sse} ms: {journal}");
    assert!(matches!(client.policy().mode(), Mode::FailedOver { .. }));
}

fn no_retry_on_websocket_after_fallback_within(adapter: &dyn Adapter) {
    let (peer, gate) = (Peer::start(), Gate::new());
    peer.push_turn(Transport::WebSocket, Turn::drop_after(0));
    peer.set_turn(Transport::WebSocket, Turn::new().then_gate(&gate).then_drop());
    let client = adapter.client(Settings::new(&peer));

    let turn = client.stream(Request::text("m", "hello world"));
    let turn = thread::spawn(move || collect(turn));
    gate.reached_blocking();
    client.advance(Duration::from_secs(5));
    gate.open();
    let outcome = turn.join().expect("the turn");
    assert!(outcome.is_complete(), "{outcome:?}");
    assert_eq!(outcome.text(), "echo: hello world");
    assert_eq!(outcome.moves(), [Transport::Sse]);

    let journal = peer.journal();
    let (ws, sse) = (Transport::WebSocket, Transport::Sse);
    assert_eq!(journal.transports(), [ws, ws, sse], "{journal}");
    assert_eq!(journal.handshakes(), 2, "{journal}");
    assert!(matches!(client.policy().mode(), Mode::FailedOver { .. }));
}

fn a_retry_that_works_stays_on_websocket(adapter: &dyn Adapter) {
    let peer = Peer::start();
    for _ in 0..2 {
        peer.push_turn(Transport::WebSocket, Turn::drop_after(0));
    }
    let client = adapter.client(Settings::new(&peer));

    let outcome = collect(client.stream(Request::text("m", "hello world")));
    assert!(outcome.is_complete(), "{outcome:?}");
    assert_eq!(outcome.text(), "echo: hello world");
    assert!(outcome.is_quiet(), "{outcome:?}");

    let journal = peer.journal();
    assert_eq!(journal.transports(), [Transport::WebSocket; 3], "{journal}");
    assert_eq!(journal.request_connections(), [1, 2, 3], "{journal}");
    assert_eq!(client.policy().mode(), Mode::Preferred);
}

fn a_close_frame_and_a_reset_are_retried_too(adapter: &dyn Adapter) {
    for turn in [Turn::close_after(0, 1011), Turn::close_after(0, 1000), Turn::reset_after(0)] {
        let peer = Peer::start();
        peer.push_turn(Transport::WebSocket, turn);
        let client = adapter.client(Settings::new(&peer));

        let outcome = collect(client.stream(Request::text("m", "hello world")));
        assert!(outcome.is_complete(), "{outcome:?}");
        assert_eq!(outcome.text(), "echo: hello world");
        assert!(outcome.is_quiet(), "{outcome:?}");

        let journal = peer.journal();
        assert_eq!(journal.transports(), [Transport::WebSocket; 2], "{journal}");
        assert_eq!(journal.handshakes(), 2, "{journal}");
        assert_eq!(client.policy().mode(), Mode::Preferred);
    }
}
