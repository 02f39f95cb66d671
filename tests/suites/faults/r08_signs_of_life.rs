//! A probe whose model thinks for longer than its lease is alive as long as the WebSocket shows a sign of
//! life (R8).

use std::thread;
use std::time::Duration;

use failback::{Mode, Transport};
use failback_peer::{Gate, Handshake, Peer, Turn, What};
use failback_tests::{Adapter, Settings, collect};
use failback_wire::{Limits, Request};

with_every_adapter!(a_pong_renews_the_lease_of_a_probe);

const LEASE: Duration = Duration::from_secs(30);

fn a_pong_renews_the_lease_of_a_probe(adapter: &dyn Adapter) {
    let peer = Peer::start();
    peer.push_handshake(Handshake::status(403));
    // Timers run in real time. One that was to end with the time for a pong would outlive a clock that moves
    // further than that, and the next ping would be late.
    let limits = Limits::new().with_ping_interval(Duration::from_millis(20)).with_pong_timeout(LEASE * 2);
    let client = adapter.client(Settings::new(&peer).limits(limits));
    let outcome = collect(client.stream(Request::text("m", "hello")));
    assert_eq!(outcome.moves(), [Transport::Sse]);
    client.advance(Duration::from_secs(90));

    let gate = Gate::new();
    peer.push_turn(Transport::WebSocket, Turn::complete().gate_before(3, &gate));
    let probe = client.stream(Request::text("m", "hello"));
    let probe = thread::spawn(move || collect(probe));
    peer.wait_for_blocking("the probe", |journal| journal.any(|what| matches!(what, What::AtGate)));
    let pings = || peer.journal().count(|what| matches!(what, What::Ping));
    // Two thirds of the lease at a time, and in between a ping that is answered: the one before may
    // have been answered before the clock moved.
    for _ in 0..4 {
        client.advance(LEASE * 2 / 3);
        let before = pings();
        peer.wait_for_blocking("two pings", |journal| {
            journal.count(|what| matches!(what, What::Ping)) >= before + 2
        });
        assert!(matches!(client.policy().mode(), Mode::Probing { .. }));
    }
    gate.open();
    let outcome = probe.join().expect("the turn");
    assert!(outcome.is_complete(), "{outcome:?}");
    assert_eq!((client.policy().mode(), client.policy().recoveries_left()), (Mode::Preferred, 3));
}
