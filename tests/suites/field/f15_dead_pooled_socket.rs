//! The idle connection that was kept for the next turn is dead when that turn comes.

use std::time::Duration;

use failback::{Mode, Transport};
use failback_peer::{Handshake, Peer, Turn, What};
use failback_tests::{Adapter, Settings, TestClient, collect, strict};
use failback_wire::{Limits, Request};

with_every_adapter!(
    a_socket_that_was_reset_while_idle_is_replaced,
    a_socket_that_was_closed_while_idle_is_replaced,
    a_socket_that_ends_as_the_request_comes_is_replaced,
    a_socket_that_answers_nothing_is_replaced,
    an_http_connection_that_was_reset_while_idle_is_replaced,
    an_http_connection_that_ends_as_the_request_comes_is_replaced,
    a_fresh_socket_that_ends_is_not_excused,
);

fn completes(client: &dyn TestClient, input: &str) {
    let outcome = collect(client.stream(Request::text("m", input)));
    assert!(outcome.is_complete(), "{outcome:?}");
    assert_eq!(outcome.text(), format!("echo: {input}"));
    assert!(outcome.is_quiet(), "{outcome:?}");
}

fn a_socket_that_was_reset_while_idle_is_replaced(adapter: &dyn Adapter) {
    dies_while_idle(adapter, |peer| {
        peer.drop_connections();
        peer.wait_for_blocking("the connection to end", |journal| journal.open_connections() == 0);
    });
}

fn a_socket_that_was_closed_while_idle_is_replaced(adapter: &dyn Adapter) {
    for code in [1000, 1001, 1006, 1011] {
        dies_while_idle(adapter, |peer| {
            peer.close_connections(code);
            peer.wait_for_blocking("the close frame", |journal| {
                journal.any(|what| matches!(what, What::CloseSent { .. }))
            });
        });
    }
}

fn dies_while_idle(adapter: &dyn Adapter, die: impl Fn(&Peer)) {
    let peer = Peer::start();
    let client = adapter.client(Settings::new(&peer).config(strict()));
    completes(&*client, "one");
    die(&peer);
    completes(&*client, "two");
    completes(&*client, "three");

    let journal = peer.journal();
    assert_eq!(journal.transports(), [Transport::WebSocket; 3], "{journal}");
    assert_eq!(journal.request_connections(), [1, 2, 2], "{journal}");
    assert_eq!(journal.handshakes(), 2, "{journal}");
    assert_eq!(client.policy().mode(), Mode::Preferred);
}

fn a_socket_that_ends_as_the_request_comes_is_replaced(adapter: &dyn Adapter) {
    for turn in [Turn::drop_after(0), Turn::reset_after(0), Turn::close_after(0, 1000)] {
        let peer = Peer::start();
        dies_at_the_request(adapter, &peer, turn, Limits::new());
    }
}

fn a_socket_that_answers_nothing_is_replaced(adapter: &dyn Adapter) {
    let peer = Peer::start();
    // 15 s each otherwise.
    let limits = Limits::new()
        .with_ping_interval(Duration::from_millis(200))
        .with_pong_timeout(Duration::from_millis(800));
    dies_at_the_request(adapter, &peer, Turn::stall_after(0), limits);
}

fn dies_at_the_request(adapter: &dyn Adapter, peer: &Peer, turn: Turn, limits: Limits) {
    peer.push_turn(Transport::WebSocket, Turn::complete());
    peer.push_turn(Transport::WebSocket, turn);
    let client = adapter.client(Settings::new(peer).config(strict()).limits(limits));
    completes(&*client, "one");
    completes(&*client, "two");

    let journal = peer.journal();
    assert_eq!(journal.transports(), [Transport::WebSocket; 3], "{journal}");
    assert_eq!(journal.request_connections(), [1, 1, 2], "{journal}");
    assert_eq!(journal.handshakes(), 2, "{journal}");
    assert_eq!(client.policy().mode(), Mode::Preferred);
}

/// A client that has moved to SSE, and keeps the connection of its first turn.
fn on_sse(adapter: &dyn Adapter, peer: &Peer) -> Box<dyn TestClient> {
    peer.set_handshake(Handshake::status(403));
    let client = adapter.client(Settings::new(peer).config(strict()));
    let first = collect(client.stream(Request::text("m", "one")));
    assert!(first.is_complete(), "{first:?}");
    peer.wait_for_blocking("the end of the answer", |journal| journal.any(|what| *what == What::BodyEnd));
    client.catch_up();
    client
}

fn an_http_connection_that_was_reset_while_idle_is_replaced(adapter: &dyn Adapter) {
    let peer = Peer::start();
    let client = on_sse(adapter, &peer);
    peer.drop_connections();
    peer.wait_for_blocking("all connections to end", |journal| journal.open_connections() == 0);
    completes(&*client, "two");

    let journal = peer.journal();
    assert_eq!(journal.transports(), [Transport::Sse; 2], "{journal}");
    assert_eq!(journal.request_connections(), [2, 3], "{journal}");
    assert_eq!(journal.handshakes(), 1, "{journal}");
}

fn an_http_connection_that_ends_as_the_request_comes_is_replaced(adapter: &dyn Adapter) {
    let peer = Peer::start();
    peer.push_turn(Transport::Sse, Turn::complete());
    peer.push_turn(Transport::Sse, Turn::drop_after(0));
    let client = on_sse(adapter, &peer);
    completes(&*client, "two");

    let journal = peer.journal();
    assert_eq!(journal.transports(), [Transport::Sse; 3], "{journal}");
    assert_eq!(journal.request_connections(), [2, 2, 3], "{journal}");
    assert_eq!(journal.handshakes(), 1, "{journal}");
}

fn a_fresh_socket_that_ends_is_not_excused(adapter: &dyn Adapter) {
    let peer = Peer::start();
    peer.set_turn(Transport::WebSocket, Turn::drop_after(0));
    let client = adapter.client(Settings::new(&peer).config(strict()));

    let outcome = collect(client.stream(Request::text("m", "hello world")));
    assert!(outcome.is_complete(), "{outcome:?}");
    assert_eq!(outcome.moves(), [Transport::Sse]);
    let journal = peer.journal();
    assert_eq!(journal.transports(), [Transport::WebSocket, Transport::Sse], "{journal}");
    assert!(matches!(client.policy().mode(), Mode::FailedOver { .. }));
}
