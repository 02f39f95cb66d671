//! A handshake that its turn has left opens, and its WebSocket dies before the next turn uses it: blamed on
//! WebSocket, and a probe is lost.

use std::time::Duration;

use failback::{Mode, Transport};
use failback_peer::{Gate, Handshake, Peer, Turn, What};
use failback_tests::{Adapter, Settings, TestClient, complete, strict, until};

with_every_adapter!(
    a_socket_that_dies_on_its_first_request_is_replaced,
    a_probe_on_it_is_not_lost,
    a_socket_that_dies_while_it_waits_is_not_used,
);

use Transport::{Sse, WebSocket};

/// The head start is as by default: a shorter one may be over, on a busy machine, before a handshake that is
/// answered at once.
fn strict_client(adapter: &dyn Adapter, peer: &Peer) -> Box<dyn TestClient> {
    adapter.client(Settings::new(peer).default_head_start().config(strict()))
}

/// A turn that goes over SSE because the handshake is late, which then opens and waits for the next turn.
fn leave_a_dial(peer: &Peer, client: &dyn TestClient) {
    let gate = Gate::new();
    peer.push_handshake(Handshake::hold(&gate));
    complete(client);
    let upgrades = peer.journal().upgrades();
    gate.open();
    peer.wait_for_blocking("the handshake", |journal| journal.upgrades() == upgrades + 1);
    // The policy hears of it when it is kept.
    until("the handshake to be kept", || match client.policy().mode() {
        Mode::Preferred => client.policy().poll_timeout().is_none(),
        mode => matches!(mode, Mode::FailedOver { .. }),
    });
}

fn a_socket_that_dies_on_its_first_request_is_replaced(adapter: &dyn Adapter) {
    for turn in [Turn::drop_after(0), Turn::reset_after(0), Turn::close_after(0, 1000)] {
        let peer = Peer::start();
        let client = strict_client(adapter, &peer);
        leave_a_dial(&peer, &*client);
        peer.push_turn(WebSocket, turn);
        complete(&*client);
        assert_eq!(peer.journal().transports(), [Sse, WebSocket, WebSocket], "{}", peer.journal());
        assert_eq!(peer.journal().request_connections(), [2, 1, 3], "{}", peer.journal());
        assert_eq!(client.policy().mode(), Mode::Preferred);
    }
}

fn a_probe_on_it_is_not_lost(adapter: &dyn Adapter) {
    let peer = Peer::start();
    let client = strict_client(adapter, &peer);
    peer.push_handshake(Handshake::status(403));
    complete(&*client);
    assert!(matches!(client.policy().mode(), Mode::FailedOver { .. }));
    client.advance(Duration::from_secs(90));
    leave_a_dial(&peer, &*client);
    assert_eq!(client.policy().recoveries_left(), 3);

    peer.push_turn(WebSocket, Turn::drop_after(0));
    complete(&*client);
    let journal = peer.journal();
    assert_eq!(journal.transports(), [Sse, Sse, WebSocket, WebSocket], "{journal}");
    assert_eq!((client.policy().mode(), client.policy().recoveries_left()), (Mode::Preferred, 3));
}

fn a_socket_that_dies_while_it_waits_is_not_used(adapter: &dyn Adapter) {
    let peer = Peer::start();
    let client = strict_client(adapter, &peer);
    leave_a_dial(&peer, &*client);
    peer.close_connections(1011);
    peer.wait_for_blocking("the connections to end", |journal| journal.open_connections() == 0);
    assert!(peer.journal().any(|what| matches!(what, What::CloseReceived { .. })), "{}", peer.journal());
    until("the tasks to end", || client.background_tasks() == 0);
    complete(&*client);
    assert_eq!(peer.journal().transports(), [Sse, WebSocket], "{}", peer.journal());
    assert_eq!(peer.journal().request_connections(), [2, 3], "{}", peer.journal());
    assert_eq!(client.policy().mode(), Mode::Preferred);
}
