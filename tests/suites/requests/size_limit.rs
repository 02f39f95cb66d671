//! Requests that are too large for WebSocket: by what is set, and by what the server has refused.

use failback::{Mode, Reason, Transport};
use failback_peer::{Journal, Peer, Turn, What};
use failback_tests::{Adapter, Settings, collect};
use failback_wire::{Limits, Request};
use serde_json::json;

with_every_adapter!(
    what_is_larger_than_is_set_goes_over_sse_at_once,
    a_continuation_counts_where_it_is_sent,
    what_was_refused_is_not_sent_again_in_that_size,
    what_was_refused_is_forgotten_with_the_network,
    a_small_request_that_is_refused_teaches_nothing,
    a_refusal_after_the_first_event_teaches_nothing,
);

const WS: Transport = Transport::WebSocket;
const SSE: Transport = Transport::Sse;

fn of_size(bytes: usize) -> Request {
    Request::text("m", &"x".repeat(bytes))
}

fn refusals(journal: &Journal) -> usize {
    journal.count(|what| matches!(what, What::CloseSent { code: 1009 }))
}

fn what_is_larger_than_is_set_goes_over_sse_at_once(adapter: &dyn Adapter) {
    let peer = Peer::start();
    let limits = Limits::new().with_max_websocket_request_bytes(Some(2000));
    let client = adapter.client(Settings::new(&peer).limits(limits));
    let large = collect(client.stream(of_size(2000)));
    assert!(large.is_complete(), "{large:?}");
    assert_eq!(large.notices()[0].reason(), Reason::TooLarge);
    assert_eq!(peer.journal().handshakes(), 0, "{}", peer.journal());

    let overhead = of_size(0).websocket_frame(None).len();
    for (bytes, transport) in [(2000 - overhead, WS), (2001 - overhead, SSE)] {
        assert!(collect(client.stream(of_size(bytes))).is_complete());
        assert_eq!(peer.journal().transports().last(), Some(&transport), "{}", peer.journal());
    }
    assert_eq!(client.policy().mode(), Mode::Preferred);
}

fn a_continuation_counts_where_it_is_sent(adapter: &dyn Adapter) {
    let peer = Peer::start();
    let limits = Limits::new().with_max_websocket_request_bytes(Some(2000));
    let client = adapter.client(Settings::new(&peer).limits(limits));
    let continued = |id: &str| of_size(3000).with_continuation(id, json!("more"));
    assert!(collect(client.stream(of_size(1))).is_complete());
    assert!(collect(client.stream(continued("resp_1"))).is_complete());
    let journal = peer.journal();
    assert_eq!(journal.transports(), [WS, WS], "{journal}");
    assert_eq!(journal.request_bodies(WS)[1]["input"], "more", "{journal}");

    // It does not build on the last response, or its connection has gone: the whole body is what counts.
    assert!(collect(client.stream(continued("resp_1"))).is_complete());
    client.close_idle();
    let late = collect(client.stream(continued("resp_2")));
    assert!(late.is_complete(), "{late:?}");
    let journal = peer.journal();
    assert_eq!(journal.transports(), [WS, WS, SSE, SSE], "{journal}");
    assert_eq!(journal.handshakes(), 2, "{journal}");
    assert_eq!(client.policy().mode(), Mode::Preferred);
}

fn what_was_refused_is_not_sent_again_in_that_size(adapter: &dyn Adapter) {
    let peer = Peer::start();
    peer.max_ws_message(100_000);
    let client = adapter.client(Settings::new(&peer));
    let refused = collect(client.stream(of_size(150_000)));
    assert!(refused.is_complete(), "{refused:?}");
    let journal = peer.journal();
    assert_eq!((journal.handshakes(), refusals(&journal)), (1, 1), "{journal}");
    assert_eq!(journal.requests(SSE), 1, "{journal}");

    for _ in 0..2 {
        assert!(collect(client.stream(of_size(150_000))).is_complete());
    }
    assert_eq!(peer.journal().handshakes(), 1, "{}", peer.journal());
    assert!(collect(client.stream(of_size(90_000))).is_complete());
    let journal = peer.journal();
    assert_eq!(journal.transports(), [SSE, SSE, SSE, WS], "{journal}");
    assert_eq!((journal.handshakes(), refusals(&journal)), (2, 1), "{journal}");
    assert_eq!(client.policy().mode(), Mode::Preferred);
}

fn what_was_refused_is_forgotten_with_the_network(adapter: &dyn Adapter) {
    let peer = Peer::start();
    peer.push_turn(WS, Turn::close_after(0, 1009));
    let client = adapter.client(Settings::new(&peer));
    for _ in 0..2 {
        assert!(collect(client.stream(of_size(70_000))).is_complete());
    }
    client.handle_network_change();
    assert!(collect(client.stream(of_size(70_000))).is_complete());
    let journal = peer.journal();
    assert_eq!(journal.transports(), [WS, SSE, SSE, WS], "{journal}");
}

fn a_small_request_that_is_refused_teaches_nothing(adapter: &dyn Adapter) {
    let peer = Peer::start();
    peer.push_turn(WS, Turn::close_after(0, 1009));
    let client = adapter.client(Settings::new(&peer));
    for _ in 0..2 {
        assert!(collect(client.stream(of_size(1000))).is_complete());
    }
    let journal = peer.journal();
    assert_eq!(journal.transports(), [WS, SSE, WS], "{journal}");
}

fn a_refusal_after_the_first_event_teaches_nothing(adapter: &dyn Adapter) {
    let peer = Peer::start();
    peer.push_turn(WS, Turn::close_after(2, 1009));
    let client = adapter.client(Settings::new(&peer));
    for _ in 0..2 {
        assert!(collect(client.stream(of_size(70_000))).is_complete());
    }
    let journal = peer.journal();
    assert_eq!(journal.transports(), [WS, SSE, WS], "{journal}");
}
