//! An event of the response before arrives on a WebSocket that carries the next one.

use failback::Transport;
use failback_peer::{Peer, Turn};
use failback_tests::{Adapter, Settings, collect};
use failback_wire::Request;

with_every_adapter!(two_turns_on_one_socket_have_their_own_text);

fn two_turns_on_one_socket_have_their_own_text(adapter: &dyn Adapter) {
    let peer = Peer::start();
    peer.push_turn(Transport::WebSocket, Turn::text("first"));
    peer.push_turn(Transport::WebSocket, Turn::text("second"));
    let client = adapter.client(Settings::new(&peer));
    for text in ["first", "second"] {
        let outcome = collect(client.stream(Request::text("m", "hello")));
        assert_eq!(outcome.text(), text);
    }
    assert_eq!(peer.journal().handshakes(), 1);
}
