//! SSE alone: for one request, for a client from its beginning, and as a switch while it runs.

use std::time::Duration;

use failback::{Config, GiveUp, Mode, Reason, Transport};
use failback_peer::{Gate, Handshake, Peer, Turn, What};
use failback_tests::{Adapter, Settings, collect, read};
use failback_wire::Request;

with_every_adapter!(
    a_request_over_sse_alone_makes_no_handshake,
    a_request_over_sse_alone_has_no_last_resort,
    what_it_shows_convicts_websocket_all_the_same,
    a_client_may_be_built_to_do_without_websocket,
    the_switch_closes_the_idle_websocket_and_can_be_turned_back,
    a_turn_under_way_keeps_its_websocket_until_it_is_over,
    a_handshake_that_opens_after_the_switch_is_not_kept,
);

const WS: Transport = Transport::WebSocket;
const SSE: Transport = Transport::Sse;

fn hi() -> Request {
    Request::text("m", "hi")
}

/// Retries that do not take long.
fn impatient() -> Config {
    Config::new().with_backoff(Duration::from_millis(1))
}

fn a_request_over_sse_alone_makes_no_handshake(adapter: &dyn Adapter) {
    let peer = Peer::start();
    let client = adapter.client(Settings::new(&peer));
    let outcome = collect(client.stream(hi().sse_only()));
    assert!(outcome.is_complete(), "{outcome:?}");
    assert_eq!(outcome.moves(), [SSE]);
    assert_eq!(outcome.notices()[0].reason(), Reason::SseOnly);
    assert_eq!(outcome.notices()[0].text(), "moved to SSE: SSE alone was asked for");
    assert_eq!(peer.journal().handshakes(), 0, "{}", peer.journal());

    // No other request is touched by it, and a WebSocket that is open is not used for such a one.
    assert!(collect(client.stream(hi())).is_complete());
    assert!(collect(client.stream(hi().sse_only())).is_complete());
    assert!(collect(client.stream(hi())).is_complete());
    let journal = peer.journal();
    assert_eq!(journal.transports(), [SSE, WS, SSE, WS], "{journal}");
    assert_eq!(journal.handshakes(), 1, "{journal}");
    assert_eq!(client.policy().mode(), Mode::Preferred);
}

fn a_request_over_sse_alone_has_no_last_resort(adapter: &dyn Adapter) {
    let peer = Peer::start();
    peer.set_turn(SSE, Turn::drop_after(0));
    let client = adapter.client(Settings::new(&peer).config(impatient().with_stream_max_retries(2)));
    let outcome = collect(client.stream(hi().sse_only()));
    let error = outcome.error.expect("SSE fails");
    assert_eq!(error.give_up(), GiveUp::AttemptsExhausted, "{error}");
    let reasons: Vec<_> = error.attempts().iter().map(|attempt| attempt.reason()).collect();
    assert_eq!(reasons, [Reason::SseOnly; 3], "{error}");
    assert_eq!(peer.journal().handshakes(), 0, "{}", peer.journal());
    assert_eq!(client.policy().mode(), Mode::Preferred);
}

fn what_it_shows_convicts_websocket_all_the_same(adapter: &dyn Adapter) {
    let (peer, gate) = (Peer::start(), Gate::new());
    peer.set_handshake(Handshake::status(403));
    peer.push_turn(SSE, Turn::complete().gate_before(0, &gate));
    let client = adapter.client(Settings::new(&peer));
    let mut refused = client.stream(hi());
    let waits = refused.next_unless(&|| peer.journal().any(|what| matches!(what, What::AtGate)));
    assert_eq!((waits.is_none(), client.policy().mode()), (true, Mode::Suspected));

    assert!(collect(client.stream(hi().sse_only())).is_complete());
    assert!(matches!(client.policy().mode(), Mode::FailedOver { .. }), "{:?}", client.policy());
    assert_eq!(peer.journal().handshakes(), 1, "{}", peer.journal());
}

fn a_client_may_be_built_to_do_without_websocket(adapter: &dyn Adapter) {
    let peer = Peer::start();
    peer.push_turn(SSE, Turn::drop_after(0));
    let client = adapter.client(Settings::new(&peer).config(impatient()).sse_only());
    for _ in 0..2 {
        assert!(collect(client.stream(hi())).is_complete());
    }
    assert_eq!(peer.journal().handshakes(), 0, "{}", peer.journal());

    client.set_sse_only(false);
    assert!(collect(client.stream(hi())).is_complete());
    let journal = peer.journal();
    assert_eq!(journal.transports(), [SSE, SSE, SSE, WS], "{journal}");
}

fn the_switch_closes_the_idle_websocket_and_can_be_turned_back(adapter: &dyn Adapter) {
    let peer = Peer::start();
    let client = adapter.client(Settings::new(&peer));
    assert!(collect(client.stream(hi())).is_complete());

    client.set_sse_only(true);
    peer.wait_for_blocking("a polite close", |journal| {
        journal.any(|what| matches!(what, What::CloseReceived { code: 1000 }))
    });
    for _ in 0..2 {
        assert!(collect(client.stream(hi())).is_complete());
    }
    assert_eq!(peer.journal().handshakes(), 1, "{}", peer.journal());

    client.set_sse_only(false);
    let back = collect(client.stream(hi()));
    assert!(back.is_complete(), "{back:?}");
    assert_eq!(back.moves(), [WS]);
    assert!(collect(client.stream(hi())).is_complete());
    let journal = peer.journal();
    assert_eq!(journal.transports(), [WS, SSE, SSE, WS, WS], "{journal}");
    assert_eq!(journal.handshakes(), 2, "{journal}");
}

fn a_turn_under_way_keeps_its_websocket_until_it_is_over(adapter: &dyn Adapter) {
    let peer = Peer::start();
    let client = adapter.client(Settings::new(&peer));
    let mut turn = client.stream(hi());
    let begun = read(&mut *turn, 2);
    client.set_sse_only(true);
    let outcome = begun.then(collect(turn));
    assert!(outcome.is_complete(), "{outcome:?}");
    peer.wait_for_blocking("a polite close", |journal| {
        journal.any(|what| matches!(what, What::CloseReceived { code: 1000 }))
    });
    assert!(collect(client.stream(hi())).is_complete());
    let journal = peer.journal();
    assert_eq!(journal.transports(), [WS, SSE], "{journal}");
    assert_eq!(journal.handshakes(), 1, "{journal}");
}

fn a_handshake_that_opens_after_the_switch_is_not_kept(adapter: &dyn Adapter) {
    let (peer, gate) = (Peer::start(), Gate::new());
    peer.push_handshake(Handshake::hold(&gate));
    let config = Config::new().with_head_start(Duration::from_millis(20));
    let client = adapter.client(Settings::new(&peer).config(config));
    assert!(collect(client.stream(hi())).is_complete());
    client.set_sse_only(true);
    gate.open();
    peer.wait_for_blocking("a polite close", |journal| {
        journal.any(|what| matches!(what, What::CloseReceived { code: 1000 }))
    });
    assert!(collect(client.stream(hi())).is_complete());
    let journal = peer.journal();
    assert_eq!(journal.transports(), [SSE, SSE], "{journal}");
    assert_eq!((journal.handshakes(), journal.upgrades()), (1, 1), "{journal}");
}
