//! The headers of an answer: of the POST, of the handshake that opened a WebSocket, or of a refusal.

use failback::{Config, Transport};
use failback_client::Item;
use failback_peer::{Gate, Handshake, Peer, Turn, What};
use failback_tests::{Adapter, Settings, TestTurn, collect};
use failback_wire::{Request, ResponseHeaders};

with_every_adapter!(
    a_websocket_has_those_of_its_handshake,
    each_post_has_its_own,
    they_are_there_with_the_first_event,
    those_of_an_attempt_before_are_not_shown,
    those_of_a_refusal_are_shown,
    all_of_many_are_there,
    no_debug_shows_a_value,
);

fn hi() -> Request {
    Request::text("m", "hi")
}

/// Reads a turn to its end, which must be a good one.
fn headers(mut turn: Box<dyn TestTurn>) -> ResponseHeaders {
    while let Some(item) = turn.next() {
        item.expect("no error");
    }
    turn.response_headers().expect("headers")
}

fn name(peer: &Peer, id: &str) {
    peer.set_headers(&[("X-Request-Id", id), ("x-ratelimit-remaining-tokens", "1500")]);
}

fn a_websocket_has_those_of_its_handshake(adapter: &dyn Adapter) {
    let peer = Peer::start();
    let client = adapter.client(Settings::new(&peer));
    name(&peer, "req_1");
    let first = headers(client.stream(hi()));
    assert_eq!(first.request_id(), Some("req_1"), "{first:?}");
    assert_eq!(first.get("X-RateLimit-Remaining-Tokens"), Some("1500"));
    assert_eq!(first.get("upgrade"), Some("websocket"));
    name(&peer, "req_2");
    assert_eq!(headers(client.stream(hi())), first, "it is the same WebSocket");
    client.handle_network_change();
    assert_eq!(headers(client.stream(hi())).request_id(), Some("req_2"));
    assert_eq!(peer.journal().transports(), [Transport::WebSocket; 3]);
}

fn each_post_has_its_own(adapter: &dyn Adapter) {
    let peer = Peer::start();
    peer.set_handshake(Handshake::status(403));
    let client = adapter.client(Settings::new(&peer));
    for id in ["req_1", "req_2"] {
        name(&peer, id);
        let headers = headers(client.stream(hi()));
        assert_eq!(headers.request_id(), Some(id), "{headers:?}");
        assert_eq!(headers.get("cache-control"), Some("no-store"));
        peer.wait_for_blocking("the end of the body", |journal| journal.any(|what| *what == What::BodyEnd));
    }
    assert_eq!(peer.journal().transports(), [Transport::Sse; 2]);
}

fn they_are_there_with_the_first_event(adapter: &dyn Adapter) {
    for transport in [Transport::WebSocket, Transport::Sse] {
        let peer = Peer::start();
        if transport == Transport::Sse {
            peer.set_handshake(Handshake::status(403));
        }
        name(&peer, "req_1");
        let gate = Gate::new();
        peer.set_turn(transport, Turn::complete().gate_before(1, &gate));
        let client = adapter.client(Settings::new(&peer));
        let mut turn = client.stream(hi());
        assert_eq!(turn.response_headers(), None, "{transport}");
        turn.next().expect("an item").expect("no error");
        assert_eq!(turn.response_headers().expect("headers").request_id(), Some("req_1"), "{transport}");
        gate.open();
        assert!(collect(turn).error.is_none());
    }
}

fn those_of_an_attempt_before_are_not_shown(adapter: &dyn Adapter) {
    let peer = Peer::start();
    name(&peer, "req_1");
    peer.push_turn(Transport::WebSocket, Turn::drop_after(1));
    peer.set_turn(Transport::Sse, Turn::no_headers().then_drop());
    let config = Config::new().with_stream_max_retries(0);
    let client = adapter.client(Settings::new(&peer).config(config));
    let mut turn = client.stream(hi());
    assert!(matches!(turn.next(), Some(Ok(_))));
    assert_eq!(turn.response_headers().expect("headers").request_id(), Some("req_1"));
    let error = loop {
        match turn.next().expect("an error") {
            Ok(item) => assert!(matches!(item, Item::Restarted { .. }), "{item:?}"),
            Err(error) => break error,
        }
    };
    let last = error.attempts().last().expect("an attempt");
    assert_eq!(last.transport(), Transport::Sse, "{error}");
    assert_eq!(turn.response_headers(), None, "nothing was answered: {error}");
}

fn those_of_a_refusal_are_shown(adapter: &dyn Adapter) {
    let peer = Peer::start();
    peer.set_handshake(Handshake::status(403).header("x-request-id", "of the upgrade"));
    let refusal = Turn::status(401).header("x-request-id", "req_7").header("x-ratelimit-remaining", "0");
    peer.set_turn(Transport::Sse, refusal);
    let client = adapter.client(Settings::new(&peer));
    let mut turn = client.stream(hi());
    let error = turn.next().expect("an item").expect_err("a refusal");
    let headers = turn.response_headers().expect("headers");
    assert_eq!((headers.request_id(), error.request_id()), (Some("req_7"), Some("req_7")));
    assert_eq!(headers.get("x-ratelimit-remaining"), Some("0"));
}

/// Also those that not every HTTP library takes.
fn all_of_many_are_there(adapter: &dyn Adapter) {
    let more: Vec<_> = (0..240).map(|number| (format!("x-gateway-{number}"), number.to_string())).collect();
    let more: Vec<_> = more.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    let last = [("X-Request-Id", "req_1")];
    for transport in [Transport::WebSocket, Transport::Sse] {
        let peer = Peer::start();
        if transport == Transport::Sse {
            peer.set_handshake(Handshake::status(403));
        }
        peer.set_headers(&[&more[..], &last[..]].concat());
        let client = adapter.client(Settings::new(&peer));
        let headers = headers(client.stream(hi()));
        let found = headers.iter().filter(|(name, _)| name.starts_with("x-gateway-")).count();
        assert_eq!((found, headers.get("x-gateway-239")), (240, Some("239")), "{transport}");
        assert_eq!(headers.request_id(), Some("req_1"), "{transport}");

        let mut refusal = Turn::status(400);
        for (name, value) in more.iter().chain(&last) {
            refusal = refusal.header(name, value);
        }
        if transport == Transport::Sse {
            peer.set_turn(transport, refusal);
            let error = collect(client.stream(hi())).error.expect("an error");
            assert_eq!(error.request_id(), Some("req_1"), "{error}");
        }
    }
}

fn no_debug_shows_a_value(adapter: &dyn Adapter) {
    let peer = Peer::start();
    peer.set_headers(&[("set-cookie", "id=s3cret"), ("x-other", "s3cret")]);
    let client = adapter.client(Settings::new(&peer));
    let headers = headers(client.stream(hi()));
    assert_eq!(headers.get("Set-Cookie"), Some("id=s3cret"));
    let shown = format!("{headers:?}");
    assert!(shown.contains("set-cookie") && !shown.contains("s3cret"), "{shown}");
}
