//! Many at once: hundreds of streams through one client, and a hundred clients. All of them are held in the
//! middle of their responses, and each gets its own text to the end.
#![cfg(unix)]

#[path = "../benches/many/limits.rs"]
mod limits;

use std::thread;
use std::time::Duration;

use failback::Transport;
use failback_peer::{Gate, Peer, Turn, What};
use failback_tests::{Adapter, Settings, TestClient, collect, with_every_adapter};
use failback_wire::Request;

with_every_adapter!(
    each_stream_over_websocket_gets_its_own_text,
    each_stream_over_sse_gets_its_own_text,
    each_client_gets_its_own_text,
);

const STREAMS: usize = 500;
const CLIENTS: usize = 100;
/// Files of a stream: both ends of its connection, and what a thread sleeps on without a runtime.
const FILES: u64 = 6;
/// Tests that run at the same time have files too.
const TESTS: u64 = 9;

fn each_stream_over_websocket_gets_its_own_text(adapter: &dyn Adapter) {
    streams_at_once(adapter, Transport::WebSocket);
}

fn each_stream_over_sse_gets_its_own_text(adapter: &dyn Adapter) {
    streams_at_once(adapter, Transport::Sse);
}

fn streams_at_once(adapter: &dyn Adapter, transport: Transport) {
    let count = at_most(STREAMS);
    let (peer, gate) = held(transport);
    let client = client(adapter, &peer, transport);
    let clients = vec![&*client; count];
    expect_own_texts(&clients, &peer, &gate, transport);
    let journal = peer.journal();
    assert_eq!(client.policy().recoveries_left(), 3);
    assert_eq!(journal.transports().len(), count, "nothing was sent again");
}

fn each_client_gets_its_own_text(adapter: &dyn Adapter) {
    let (peer, gate) = held(Transport::WebSocket);
    let clients = (0..at_most(CLIENTS)).map(|_| client(adapter, &peer, Transport::WebSocket));
    let clients: Vec<_> = clients.collect();
    let all: Vec<_> = clients.iter().map(|client| &**client).collect();
    expect_own_texts(&all, &peer, &gate, Transport::WebSocket);
    // Each has kept its connection, and goes on on it.
    let handshakes = peer.journal().handshakes();
    for (number, client) in clients.iter().enumerate() {
        let text = format!("again {number}");
        let outcome = collect(client.stream(Request::text("m", &text)));
        assert_eq!(outcome.text(), format!("echo: {text}"));
    }
    assert_eq!(peer.journal().handshakes(), handshakes);
}

/// As many as this, or as the limit on open files allows.
fn at_most(count: usize) -> usize {
    let files = usize::try_from(limits::raise() / FILES / TESTS).unwrap_or(usize::MAX);
    assert!(files > 0, "no files can be opened");
    if files < count {
        println!("{files} instead of {count}: no more files may be open");
    }
    count.min(files)
}

/// A peer that holds each response in its middle.
fn held(transport: Transport) -> (Peer, Gate) {
    let (peer, gate) = (Peer::start(), Gate::new());
    peer.set_turn(transport, Turn::complete().gate_before(4, &gate));
    (peer, gate)
}

fn client(adapter: &dyn Adapter, peer: &Peer, transport: Transport) -> Box<dyn TestClient> {
    let settings = Settings::new(peer).deadline(Duration::from_secs(60));
    adapter.client(if transport == Transport::Sse { settings.sse_only() } else { settings })
}

/// A stream through each of these, which may be the same client. All are held at the gate at once.
fn expect_own_texts(clients: &[&dyn TestClient], peer: &Peer, gate: &Gate, transport: Transport) {
    thread::scope(|scope| {
        for (number, client) in clients.iter().enumerate() {
            let stream = move || {
                let text = format!("{number} {}", "x".repeat(number));
                let outcome = collect(client.stream(Request::text("m", &text)));
                assert!(outcome.is_complete() && outcome.restarts().is_empty(), "{outcome:?}");
                assert_eq!(outcome.text(), format!("echo: {text}"));
            };
            thread::Builder::new().stack_size(512 * 1024).spawn_scoped(scope, stream).expect("a thread");
        }
        peer.wait_for_blocking("every stream to be held", |journal| {
            journal.count(|what| matches!(what, What::AtGate)) == clients.len()
        });
        assert_eq!(peer.journal().requests(transport), clients.len());
        gate.open();
    });
}
