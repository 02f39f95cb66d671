//! A client that is gone leaves nothing behind, whatever became of its turns: no thread and no socket, by the
//! count of the operating system, and no task, by the count of the runtime.
//!
//! One test, as it counts what the whole process has.
#![cfg(target_os = "linux")]

mod held;

use std::time::Duration;

use failback::{Config, Transport};
use failback_client::Warmed;
use failback_peer::{Gate, Handshake, Peer, Proxy, Turn};
use failback_tests::{Adapter, Settings, TestClient, adapters, collect, complete, hello, read, until};

use crate::held::Held;

/// What becomes of the turns of one client.
type Fate = fn(&Peer, &dyn TestClient);

const FATES: [(&str, Fate); 11] = [
    ("completed over WebSocket", completed_over_websocket),
    ("completed over SSE", completed_over_sse),
    ("idle connections of either kind", idle_connections),
    ("warmed up", warmed_up),
    ("warming up", warming_up),
    ("cancelled in the handshake of a warm-up", cancelled_in_the_handshake_of_a_warm_up),
    ("refused", refused),
    ("lost in mid-stream", lost),
    ("cancelled in the handshake", cancelled_in_the_handshake),
    ("cancelled in mid-stream", cancelled_in_mid_stream),
    ("cancelled while it waits", cancelled_while_it_waits),
];

#[test]
fn nothing_is_left_of_a_client() {
    for adapter in adapters() {
        make_what_runtimes_keep(adapter);
        for (name, fate) in FATES {
            for peer in [Peer::start(), Peer::builder().tls().start()] {
                let client = adapter.client(Settings::new(&peer).config(patient()));
                expect_nothing_left(adapter, client, name, |client| fate(&peer, client));
            }
        }
        let peer = Peer::start();
        let client = adapter.client(Settings::new(&peer).default_head_start());
        expect_nothing_left(adapter, client, "diverted", |client| diverted(&peer, client));
        let peer = Peer::builder().tls().start();
        for proxy in [Proxy::start(&peer), Proxy::start_tls(&peer), Proxy::start_socks(&peer)] {
            let client = adapter.client(Settings::new(&peer).config(patient()).proxy(&proxy));
            expect_nothing_left(adapter, client, "through a proxy", |client| idle_connections(&peer, client));
        }
    }
}

/// The first client on a runtime starts threads that every later one uses.
fn make_what_runtimes_keep(adapter: &dyn Adapter) {
    let peer = Peer::start();
    completed_over_sse(&peer, &*adapter.client(Settings::new(&peer)));
}

fn expect_nothing_left(
    adapter: &dyn Adapter,
    client: Box<dyn TestClient>,
    name: &str,
    live: impl FnOnce(&dyn TestClient),
) {
    let before = Held::now();
    live(&*client);
    let tasks = client.leave();
    let what = |left: &str| format!("the {left} of a client on {} to end: {name}", adapter.name());
    until(&what("tasks"), || tasks() == 0);
    // What the peer and the test itself have may take a moment longer.
    until(&what("threads"), || Held::now().threads.is_subset(&before.threads));
    until(&what("sockets"), || Held::now().sockets.is_subset(&before.sockets));
    until(&what("wakers"), || Held::now().others <= before.others);
}

/// No handshake is left because the machine is busy.
fn patient() -> Config {
    Config::new().with_head_start(Duration::from_secs(20))
}

fn completed_over_websocket(peer: &Peer, client: &dyn TestClient) {
    complete(client);
    complete(client);
    assert_eq!(peer.journal().transports(), [Transport::WebSocket; 2]);
}

fn completed_over_sse(peer: &Peer, client: &dyn TestClient) {
    peer.set_handshake(Handshake::status(403));
    complete(client);
    complete(client);
    assert_eq!(peer.journal().transports(), [Transport::Sse; 2]);
}

fn idle_connections(peer: &Peer, client: &dyn TestClient) {
    peer.push_turn(Transport::WebSocket, Turn::close_after(0, 1009));
    complete(client);
    complete(client);
    peer.wait_for_blocking("a connection of either kind", |journal| journal.open_connections() == 2);
}

fn warmed_up(peer: &Peer, client: &dyn TestClient) {
    assert_eq!(client.warm_up()(), Warmed::Opened);
    peer.wait_for_blocking("the WebSocket", |journal| journal.open_connections() == 1);
}

fn warming_up(peer: &Peer, client: &dyn TestClient) {
    let gate = Gate::new();
    peer.push_handshake(Handshake::hold(&gate));
    drop(client.warm_up());
    until("the handshake to begin", || gate.arrivals() == 1);
    assert!(client.background_tasks() > 0, "it goes on");
}

fn cancelled_in_the_handshake_of_a_warm_up(peer: &Peer, client: &dyn TestClient) {
    let gate = Gate::new();
    peer.push_handshake(Handshake::hold(&gate));
    let warm_up = client.warm_up();
    until("the handshake to begin", || gate.arrivals() == 1);
    let mut turn = client.stream(hello());
    let adopted = || client.policy().poll_timeout().is_none();
    assert!(turn.next_unless(&adopted).is_none());
    drop(turn);
    assert_eq!(warm_up(), Warmed::Abandoned);
}

fn refused(peer: &Peer, client: &dyn TestClient) {
    peer.push_turn(Transport::WebSocket, Turn::error(400, "invalid_value", "No."));
    assert!(collect(client.stream(hello())).error.is_some());
    peer.set_handshake(Handshake::status(403));
    client.handle_network_change();
    peer.push_turn(Transport::Sse, Turn::status(400));
    assert!(collect(client.stream(hello())).error.is_some());
}

fn lost(peer: &Peer, client: &dyn TestClient) {
    for transport in [Transport::WebSocket, Transport::Sse] {
        if transport == Transport::Sse {
            peer.set_handshake(Handshake::status(403));
        }
        peer.push_turn(transport, Turn::drop_after(5));
        assert!(collect(client.stream(hello())).error.is_some());
        client.handle_network_change();
    }
}

/// A turn that is dropped when it has come so far.
fn cancelled(client: &dyn TestClient, far_enough: impl Fn() -> bool) {
    let mut turn = client.stream(hello());
    assert!(turn.next_unless(&far_enough).is_none());
}

fn cancelled_in_the_handshake(peer: &Peer, client: &dyn TestClient) {
    let gate = Gate::new();
    peer.push_handshake(Handshake::hold(&gate));
    cancelled(client, || gate.arrivals() == 1);
}

fn cancelled_in_mid_stream(peer: &Peer, client: &dyn TestClient) {
    for transport in [Transport::WebSocket, Transport::Sse] {
        if transport == Transport::Sse {
            peer.set_handshake(Handshake::status(403));
        }
        peer.push_turn(transport, Turn::no_headers());
        cancelled(client, || peer.journal().requests(transport) == 1);
        peer.push_turn(transport, Turn::mute_after(5));
        let mut turn = client.stream(hello());
        assert_eq!(read(&mut *turn, 5).events().len(), 5);
    }
}

fn cancelled_while_it_waits(peer: &Peer, client: &dyn TestClient) {
    peer.push_handshake(Handshake::status(429).header("retry-after", "30"));
    cancelled(client, || peer.journal().refusals() == [429] && client.background_tasks() == 0);
}

fn diverted(peer: &Peer, client: &dyn TestClient) {
    peer.set_handshake(Handshake::BlackHole);
    complete(client);
    assert!(client.background_tasks() > 0, "the handshake goes on");
    assert_eq!((peer.journal().handshakes(), peer.journal().requests(Transport::Sse)), (1, 1));
}
