//! Two calls at once on one conversation: the second waited for the first, or their events got mixed up.

use std::collections::BTreeSet;
use std::thread;

use failback::{Mode, Transport};
use failback_peer::{Gate, Handshake, Peer, Turn, What};
use failback_tests::{Adapter, Settings, TestClient, collect, read};
use failback_wire::Request;
use serde_json::json;

with_every_adapter!(
    the_second_opens_its_own_socket,
    the_second_opens_its_own_connection_over_sse,
    only_one_continues_on_the_socket_that_both_could,
    many_at_once_never_mix,
);

/// Two turns at once over one transport, the second one whole while the first is in its middle.
fn two_at_once(peer: &Peer, client: &dyn TestClient, transport: Transport) {
    let gate = Gate::new();
    peer.push_turn(transport, Turn::complete().gate_before(5, &gate));
    let mut first = client.stream(Request::text("m", "the first one"));
    let begun = read(&mut *first, 5);

    let second = collect(client.stream(Request::text("m", "the second one")));
    assert!(second.is_complete(), "{second:?}");
    assert_eq!(second.text(), "echo: the second one");
    gate.open();
    let first = begun.then(collect(first));
    assert!(first.is_complete(), "{first:?}");
    assert_eq!(first.text(), "echo: the first one");
}

fn the_second_opens_its_own_socket(adapter: &dyn Adapter) {
    let peer = Peer::start();
    let client = adapter.client(Settings::new(&peer));
    two_at_once(&peer, &*client, Transport::WebSocket);

    // One of the two sockets is kept.
    let third = collect(client.stream(Request::text("m", "the third one")));
    assert!(third.is_complete() && third.notices().is_empty(), "{third:?}");
    let journal = peer.wait_for_blocking("one socket to be left", |journal| journal.open_connections() == 1);
    assert_eq!((journal.handshakes(), journal.busy()), (2, 0), "{journal}");
    assert_eq!(journal.transports(), [Transport::WebSocket; 3], "{journal}");
    assert_eq!(journal.request_connections(), [1, 2, 1], "{journal}");
    assert_eq!(client.policy().mode(), Mode::Preferred);
}

fn the_second_opens_its_own_connection_over_sse(adapter: &dyn Adapter) {
    let peer = Peer::start();
    peer.set_handshake(Handshake::status(403));
    let client = adapter.client(Settings::new(&peer));
    two_at_once(&peer, &*client, Transport::Sse);

    let journal = peer.journal();
    assert_eq!((journal.handshakes(), journal.busy()), (1, 0), "{journal}");
    assert_eq!(journal.transports(), [Transport::Sse; 2], "{journal}");
    assert_eq!(journal.request_connections(), [2, 3], "{journal}");
    assert!(journal.bad_requests().is_empty(), "{journal}");
}

fn only_one_continues_on_the_socket_that_both_could(adapter: &dyn Adapter) {
    let peer = Peer::start();
    let client = adapter.client(Settings::new(&peer));
    let start = collect(client.stream(Request::text("m", "start")));
    let id = start.events().last().and_then(|event| event.response_id()).expect("an id").to_owned();
    let go_on = |text: &str| {
        let request = Request::text("m", &format!("start {text}"));
        client.stream(request.with_continuation(id.clone(), json!(text)))
    };

    let gate = Gate::new();
    peer.push_turn(Transport::WebSocket, Turn::complete().gate_before(0, &gate));
    let mut left = go_on("left");
    assert!(left.next_unless(&|| gate.arrivals() == 1).is_none());
    let right = collect(go_on("right"));
    assert!(right.is_complete(), "{right:?}");
    gate.open();
    let left = collect(left);
    assert!(left.is_complete(), "{left:?}");
    // The answer shows what was sent.
    assert_eq!((left.text(), right.text()), ("echo: left".to_owned(), "echo: start right".to_owned()));

    let journal = peer.journal();
    assert_eq!((journal.handshakes(), journal.busy()), (2, 0), "{journal}");
    assert_eq!(journal.request_connections(), [1, 1, 2], "{journal}");
    let bodies = journal.request_bodies(Transport::WebSocket);
    assert_eq!(bodies[1]["previous_response_id"], id, "{journal}");
    assert!(bodies[2]["previous_response_id"].is_null(), "{journal}");
    assert!(journal.bad_requests().is_empty(), "{journal}");
}

struct OpensAtTheEnd(Gate);

impl Drop for OpensAtTheEnd {
    fn drop(&mut self) {
        self.0.open();
    }
}

fn many_at_once_never_mix(adapter: &dyn Adapter) {
    const TURNS: usize = 16;
    for transport in [Transport::WebSocket, Transport::Sse] {
        let peer = Peer::start();
        if transport == Transport::Sse {
            peer.set_handshake(Handshake::status(403));
        }
        let client = adapter.client(Settings::new(&peer));
        // Settles the transport first: what happens when all find out at once is another matter.
        let settled = collect(client.stream(Request::text("m", "settle")));
        assert!(settled.is_complete(), "{settled:?}");

        let gate = Gate::new();
        peer.set_turn(transport, Turn::complete().gate_before(5, &gate));
        thread::scope(|scope| {
            // If this thread panics, the turns must end all the same.
            let opens = OpensAtTheEnd(gate.clone());
            for number in 0..TURNS {
                let text = format!("turn number {number} of them all");
                let turn = client.stream(Request::text("m", &text));
                scope.spawn(move || {
                    let outcome = collect(turn);
                    assert!(outcome.is_complete(), "{outcome:?}");
                    assert_eq!(outcome.text(), format!("echo: {text}"));
                });
            }
            // All are in mid-stream now.
            peer.wait_for_blocking("all turns", |journal| {
                journal.count(|what| matches!(what, What::AtGate)) == TURNS
            });
            drop(opens);
        });

        let journal = peer.journal();
        assert_eq!(journal.busy(), 0, "{journal}");
        assert_eq!(journal.requests(transport), 1 + TURNS, "{journal}");
        let connections: BTreeSet<_> = journal.request_connections().into_iter().skip(1).collect();
        assert_eq!(connections.len(), TURNS, "{journal}");
    }
}
