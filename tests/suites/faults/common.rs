//! What many of these have in common: a peer on which one transport carries the turns, and what became of
//! one.

use failback::{GiveUp, Transport};
use failback_peer::{Handshake, Peer};
use failback_tests::{Outcome, TestClient, collect};
use failback_wire::Request;

/// A peer on which this transport carries the turns.
pub(crate) fn peer_on(transport: Transport) -> Peer {
    let peer = Peer::start();
    if transport == Transport::Sse {
        peer.set_handshake(Handshake::status(403));
    }
    peer
}

/// One turn that asks for an echo of `hello`.
pub(crate) fn turn(client: &dyn TestClient) -> Outcome {
    collect(client.stream(Request::text("m", "hello")))
}

/// The turn came through with its whole text, after this many requests on this transport.
#[track_caller]
pub(crate) fn expect_echo(outcome: &Outcome, peer: &Peer, transport: Transport, requests: usize) {
    let journal = peer.journal();
    assert!(outcome.error.is_none(), "{outcome:?}\n{journal}");
    assert_eq!(outcome.text(), "echo: hello", "{outcome:?}");
    assert_eq!(journal.requests(transport), requests, "{journal}");
}

/// The turn ended after one request, on this transport, and its error has these words of the server.
#[track_caller]
pub(crate) fn expect_refused(outcome: &Outcome, peer: &Peer, transport: Transport, message: &str) {
    let journal = peer.journal();
    let error = outcome.error.as_ref().unwrap_or_else(|| panic!("no error: {outcome:?}\n{journal}"));
    assert_eq!(error.give_up(), GiveUp::NotRetryable, "{error}\n{journal}");
    assert_eq!(journal.transports(), [transport], "{error}\n{journal}");
    assert!(error.to_string().contains(message), "{error}");
    assert!(outcome.events().is_empty(), "{outcome:?}");
}
