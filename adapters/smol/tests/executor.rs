//! An executor of one's own ends with whoever keeps it, and so does what runs on it.

use std::sync::Arc;

use failback_peer::{Gate, Handshake, Peer, Transport};
use failback_smol::{Client, Request, Smol};
use smol::Executor;

#[test]
fn a_handshake_that_its_turn_has_left_ends_with_the_executor() {
    let (peer, gate) = (Peer::start(), Gate::new());
    peer.set_handshake(Handshake::hold(&gate));
    let executor = Arc::new(Executor::new());
    let client = Client::with_runtime(Smol::on(&executor), peer.url()).build().unwrap();
    let mut turn = client.stream(Request::text("m", "hello"));
    smol::block_on(executor.run(async {
        while turn.next().await.is_some_and(|item| item.is_ok()) {}
        gate.reached().await;
    }));
    assert_eq!(peer.journal().transports(), [Transport::Sse], "{}", peer.journal());
    assert_eq!(gate.arrivals(), 1, "the handshake goes on");

    // In this order nobody polls what is left of the handshake any more.
    let kept = Arc::downgrade(&executor);
    drop(turn);
    drop(executor);
    drop(client);
    assert!(kept.upgrade().is_none());
    peer.wait_for_blocking("every socket to be closed", |journal| journal.open_connections() == 0);
}
