//! One message is too large for WebSocket, close 1009, and the whole session is pinned to SSE.

use std::time::Duration;

use failback::{GiveUp, Mode, Reason, Transport};
use failback_peer::{Handshake, Peer, Turn, What};
use failback_tests::{Adapter, Settings, collect};
use failback_wire::Request;

use super::assert_nothing_is_held_against_websocket;

with_every_adapter!(
    this_turn_goes_over_sse_and_the_next_over_websocket,
    an_answer_that_is_too_large_is_taken_back_and_goes_over_sse,
    after_output_the_turn_ends_and_the_next_is_on_websocket,
    a_probe_that_is_too_large_costs_no_recovery,
);

fn this_turn_goes_over_sse_and_the_next_over_websocket(adapter: &dyn Adapter) {
    let peer = Peer::start();
    peer.max_ws_message(64 * 1024);
    let client = adapter.client(Settings::new(&peer));

    let input = "large".repeat(60_000);
    let large = collect(client.stream(Request::text("m", &input)));
    assert!(large.is_complete(), "{:?}", large.error);
    assert_eq!(large.text(), format!("echo: {input}"));
    assert!(large.restarts().is_empty());
    assert_eq!(large.moves(), [Transport::Sse]);
    assert_eq!(large.notices()[0].reason(), Reason::TooLarge);
    assert_eq!(large.notices()[0].retry_in(), None);
    assert_nothing_is_held_against_websocket(&*client);

    let small = collect(client.stream(Request::text("m", "small")));
    assert!(small.is_complete(), "{small:?}");
    assert_eq!(small.text(), "echo: small");
    assert_eq!(small.moves(), [Transport::WebSocket]);
    assert_nothing_is_held_against_websocket(&*client);

    let journal = peer.journal();
    assert_eq!(journal.count(|what| matches!(what, What::CloseSent { code: 1009 })), 1);
    assert_eq!(journal.transports(), [Transport::Sse, Transport::WebSocket]);
    assert_eq!(journal.handshakes(), 2);
}

fn an_answer_that_is_too_large_is_taken_back_and_goes_over_sse(adapter: &dyn Adapter) {
    let peer = Peer::start();
    peer.push_turn(Transport::WebSocket, Turn::close_after(2, 1009));
    let client = adapter.client(Settings::new(&peer));

    let large = collect(client.stream(Request::text("m", "hello world")));
    assert!(large.is_complete(), "{large:?}");
    assert_eq!(large.text(), "echo: hello world");
    assert_eq!(large.restarts(), [2]);
    assert_eq!(large.moves(), [Transport::Sse]);
    assert_nothing_is_held_against_websocket(&*client);

    let next = collect(client.stream(Request::text("m", "small")));
    assert!(next.is_complete(), "{next:?}");
    assert_eq!(next.moves(), [Transport::WebSocket]);

    let journal = peer.journal();
    let (ws, sse) = (Transport::WebSocket, Transport::Sse);
    assert_eq!(journal.transports(), [ws, sse, ws], "{journal}");
    assert_eq!(journal.handshakes(), 2, "{journal}");
}

fn after_output_the_turn_ends_and_the_next_is_on_websocket(adapter: &dyn Adapter) {
    let peer = Peer::start();
    peer.push_turn(Transport::WebSocket, Turn::close_after(5, 1009));
    let client = adapter.client(Settings::new(&peer));

    let large = collect(client.stream(Request::text("m", "hello world")));
    assert_eq!(large.items.len(), 5, "{large:?}");
    assert_eq!(large.text(), "echo: ");
    let error = large.error.expect("the turn cannot go on");
    assert_eq!(error.give_up(), GiveUp::Committed, "{error}");
    assert_eq!(error.attempts().len(), 1, "{error}");
    assert!(error.attempts()[0].text().contains("1009"), "{error}");
    assert_nothing_is_held_against_websocket(&*client);

    let next = collect(client.stream(Request::text("m", "small")));
    assert!(next.is_complete() && next.notices().is_empty(), "{next:?}");
    let journal = peer.journal();
    assert_eq!(journal.transports(), [Transport::WebSocket; 2], "{journal}");
    assert_eq!(journal.handshakes(), 2, "{journal}");
}

fn a_probe_that_is_too_large_costs_no_recovery(adapter: &dyn Adapter) {
    let peer = Peer::start();
    peer.push_handshake(Handshake::status(403));
    peer.push_turn(Transport::WebSocket, Turn::close_after(0, 1009));
    let client = adapter.client(Settings::new(&peer));

    let first = collect(client.stream(Request::text("m", "one")));
    assert!(first.is_complete(), "{first:?}");
    client.advance(Duration::from_secs(90));
    let large = collect(client.stream(Request::text("m", "two")));
    assert!(large.is_complete() && large.notices().is_empty(), "{large:?}");
    assert_eq!(large.text(), "echo: two");
    assert!(matches!(client.policy().mode(), Mode::FailedOver { .. }));
    assert_eq!(client.policy().recoveries_left(), 3);

    let next = collect(client.stream(Request::text("m", "three")));
    assert!(next.is_complete(), "{next:?}");
    assert_eq!(next.moves(), [Transport::WebSocket]);
    assert_nothing_is_held_against_websocket(&*client);

    let journal = peer.journal();
    let (ws, sse) = (Transport::WebSocket, Transport::Sse);
    assert_eq!(journal.transports(), [sse, ws, sse, ws], "{journal}");
    assert_eq!(journal.handshakes(), 3, "{journal}");
}
