//! A probe that nobody heard of again kept the half-open state, and everyone on the fallback, for six days.

use std::time::Duration;

use failback::{Mode, Status, Transport};
use failback_peer::{Gate, Handshake, Peer, Turn};
use failback_tests::{Adapter, Settings, TestClient, collect, complete, read};
use failback_wire::Request;

with_every_adapter!(
    the_lease_ends_a_probe_that_reports_nothing,
    a_probe_dropped_in_its_handshake_frees_the_slot_at_once,
    a_probe_dropped_in_mid_stream_lets_the_next_turn_probe_at_once,
);

/// The longest first cooldown, and the longest second one.
const COOLDOWNS: [Duration; 2] = [Duration::from_secs(90), Duration::from_secs(180)];

/// One refused upgrade, one turn over SSE, and the cooldown is over.
fn come_to_the_probe(peer: &Peer, client: &dyn TestClient) {
    peer.push_handshake(Handshake::status(403));
    assert_eq!(complete(client).moves(), [Transport::Sse]);
    client.advance(COOLDOWNS[0]);
}

fn the_lease_ends_a_probe_that_reports_nothing(adapter: &dyn Adapter) {
    let peer = Peer::start();
    let client = adapter.client(Settings::new(&peer));
    come_to_the_probe(&peer, &*client);

    peer.push_turn(Transport::WebSocket, Turn::stall_after(0));
    let lost = client.stream(Request::text("m", "lost"));
    std::thread::scope(|scope| {
        let lost = scope.spawn(|| collect(lost));
        peer.wait_for_blocking("the probe", |journal| journal.requests(Transport::WebSocket) == 1);
        assert!(matches!(client.policy().mode(), Mode::Probing { .. }));
        assert_eq!(complete(&*client).moves(), []);
        assert!(matches!(client.policy().mode(), Mode::Probing { .. }));

        client.advance(Duration::from_secs(30));
        assert!(matches!(client.policy().mode(), Mode::FailedOver { .. }));
        assert_eq!(client.policy().recoveries_left(), 2);
        assert_eq!(complete(&*client).moves(), []);

        // The turn itself is over when its connection is, and still complete. It changes nothing any more.
        peer.drop_connections();
        let lost = lost.join().expect("no panic");
        assert!(lost.is_complete(), "{lost:?}");
        assert_eq!(lost.text(), "echo: lost");
    });
    assert!(matches!(client.policy().mode(), Mode::FailedOver { .. }));
    assert_eq!(client.policy().recoveries_left(), 2);

    client.advance(COOLDOWNS[1]);
    assert_eq!(complete(&*client).moves(), [Transport::WebSocket]);
    assert_eq!((client.policy().mode(), client.policy().recoveries_left()), (Mode::Preferred, 3));
    let journal = peer.journal();
    assert_eq!(journal.handshakes(), 3, "{journal}");
    use Transport::{Sse, WebSocket};
    assert_eq!(journal.transports(), [Sse, WebSocket, Sse, Sse, Sse, WebSocket], "{journal}");
}

fn a_probe_dropped_in_its_handshake_frees_the_slot_at_once(adapter: &dyn Adapter) {
    let peer = Peer::start();
    let client = adapter.client(Settings::new(&peer));
    come_to_the_probe(&peer, &*client);

    let gate = Gate::new();
    peer.push_handshake(Handshake::hold(&gate));
    let mut probe = client.stream(Request::text("m", "dropped"));
    assert!(probe.next_unless(&|| gate.arrivals() == 1).is_none());
    assert!(matches!(client.policy().mode(), Mode::Probing { .. }));
    drop(probe);

    // It has shown nothing, so it stays spent, but nobody waits for its lease.
    let Status { mode, retry_in, .. } = client.policy().status();
    assert!(matches!(mode, Mode::FailedOver { .. }), "{mode}");
    assert_eq!(client.policy().recoveries_left(), 2);
    assert_eq!(complete(&*client).moves(), []);
    client.advance(retry_in.expect("a cooldown"));
    assert_eq!(complete(&*client).moves(), [Transport::WebSocket]);
    assert_eq!((client.policy().mode(), client.policy().recoveries_left()), (Mode::Preferred, 3));

    let journal = peer.journal();
    assert_eq!(journal.handshakes(), 3, "{journal}");
    assert_eq!(journal.transports(), [Transport::Sse, Transport::Sse, Transport::WebSocket], "{journal}");
}

fn a_probe_dropped_in_mid_stream_lets_the_next_turn_probe_at_once(adapter: &dyn Adapter) {
    let peer = Peer::start();
    let client = adapter.client(Settings::new(&peer));
    come_to_the_probe(&peer, &*client);

    peer.push_turn(Transport::WebSocket, Turn::mute_after(3));
    let mut probe = client.stream(Request::text("m", "dropped"));
    assert_eq!(read(&mut *probe, 3).moves(), [Transport::WebSocket]);
    drop(probe);

    // It has carried data, so it costs nothing.
    let Status { mode, retry_in, .. } = client.policy().status();
    assert!(matches!(mode, Mode::FailedOver { .. }), "{mode}");
    assert_eq!(retry_in, Some(Duration::ZERO));
    assert_eq!(client.policy().recoveries_left(), 3);
    assert_eq!(complete(&*client).moves(), []);
    assert_eq!(client.policy().mode(), Mode::Preferred);

    let journal = peer.journal();
    assert_eq!(journal.handshakes(), 3, "{journal}");
    assert_eq!(
        journal.transports(),
        [Transport::Sse, Transport::WebSocket, Transport::WebSocket],
        "{journal}"
    );
}
