//! The end of an SSE answer comes long after its last event: the next turn waits for it.

use std::time::{Duration, Instant};

use failback::Transport;
use failback_peer::{Gate, Handshake, Peer, Turn, What};
use failback_tests::{Adapter, Settings, TestClient, complete, until};

with_every_adapter!(
    no_turn_waits_for_the_end_of_an_answer,
    a_connection_is_used_again_once_the_end_has_come,
    what_is_not_at_its_end_ends_with_the_client,
);

/// The script to its last event, and the end of the body when the gate opens.
fn late_end(gate: &Gate) -> Turn {
    Turn::complete().with_late_end(gate)
}

fn on_sse(adapter: &dyn Adapter, peer: &Peer) -> Box<dyn TestClient> {
    peer.set_handshake(Handshake::status(403));
    adapter.client(Settings::new(peer))
}

fn no_turn_waits_for_the_end_of_an_answer(adapter: &dyn Adapter) {
    const TURNS: usize = 6;
    let peer = Peer::start();
    let client = on_sse(adapter, &peer);
    let gate = Gate::new();
    peer.set_turn(Transport::Sse, late_end(&gate));
    complete(&*client);
    let mut fastest = Duration::MAX;
    for _ in 1..TURNS {
        let begun = Instant::now();
        complete(&*client);
        fastest = fastest.min(begun.elapsed());
    }
    // What is waited for in each turn shows in the fastest, however busy the machine is.
    assert!(fastest < Duration::from_millis(100), "{fastest:?}");
    // Each had its own connection, for none was ready again.
    let journal = peer.journal();
    let mut connections = journal.request_connections();
    connections.dedup();
    assert_eq!(connections.len(), TURNS, "{journal}");
    // And no more than a few of them are kept.
    peer.wait_for_blocking("the others to end", |journal| journal.open_connections() == 4);
    until("their tasks to end", || client.background_tasks() <= 2 * 4);
}

fn a_connection_is_used_again_once_the_end_has_come(adapter: &dyn Adapter) {
    let peer = Peer::start();
    let client = on_sse(adapter, &peer);
    let gate = Gate::new();
    peer.push_turn(Transport::Sse, late_end(&gate));
    complete(&*client);
    assert!(client.background_tasks() > 0, "someone reads to the end of the answer");
    gate.open();
    peer.wait_for_blocking("the end", |journal| journal.any(|what| matches!(what, What::BodyEnd)));
    client.catch_up();
    complete(&*client);
    let journal = peer.journal();
    assert_eq!(journal.request_connections(), [2, 2], "{journal}");
}

fn what_is_not_at_its_end_ends_with_the_client(adapter: &dyn Adapter) {
    let peer = Peer::start();
    let client = on_sse(adapter, &peer);
    peer.push_turn(Transport::Sse, late_end(&Gate::new()));
    complete(&*client);
    let (tasks, begun) = (client.leave(), Instant::now());
    until("the tasks to end", || tasks() == 0);
    assert!(begun.elapsed() < Duration::from_secs(5), "{:?}", begun.elapsed());
    peer.wait_for_blocking("the connection to end", |journal| journal.open_connections() == 0);
}
