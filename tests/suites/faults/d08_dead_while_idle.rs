//! A connection goes silently dead while no turn uses it: the next turn finds that out, after half a minute.

use std::time::Duration;

use failback::{Mode, Transport};
use failback_peer::{Between, Handshake, Peer, What};
use failback_tests::{Adapter, Settings, TestClient, collect, complete, until};
use failback_wire::{Limits, Request};

with_every_adapter!(
    a_socket_that_answers_no_ping_is_dropped,
    a_socket_that_answers_pings_is_kept,
    a_socket_that_answers_pings_is_kept_without_events,
    a_socket_that_is_flooded_costs_no_turn_its_time,
    an_http_connection_is_used_again_for_a_minute,
);

fn completes(client: &dyn TestClient) {
    let outcome = complete(client);
    assert!(outcome.notices().is_empty(), "{outcome:?}");
}

/// 15 s each by default.
fn limits(ping_interval: u64, pong_timeout: u64) -> Limits {
    Limits::new()
        .with_ping_interval(Duration::from_millis(ping_interval))
        .with_pong_timeout(Duration::from_millis(pong_timeout))
}

fn a_socket_that_answers_no_ping_is_dropped(adapter: &dyn Adapter) {
    for silence in [Between::Deaf, Between::Frozen] {
        let peer = Peer::start();
        peer.set_between(silence);
        let client = adapter.client(Settings::new(&peer).limits(limits(50, 200)));
        completes(&*client);
        until("its task to end", || client.background_tasks() == 0);
        completes(&*client);

        let journal = peer.journal();
        assert_eq!(journal.request_connections(), [1, 2], "{journal}");
        assert!(!journal.any(|what| matches!(what, What::CloseReceived { .. })), "{journal}");
        assert_eq!(client.policy().mode(), Mode::Preferred);
    }
}

fn a_socket_that_answers_pings_is_kept(adapter: &dyn Adapter) {
    let peer = Peer::start();
    let client = adapter.client(Settings::new(&peer).limits(limits(10, 10_000)));
    for turn in 1..=3 {
        completes(&*client);
        let pings = |what: &What| matches!(what, What::Ping);
        peer.wait_for_blocking("pings while it is idle", |journal| journal.count(pings) >= 5 * turn);
    }
    let journal = peer.journal();
    assert_eq!(journal.request_connections(), [1, 1, 1], "{journal}");
    assert_eq!(client.background_tasks(), 1, "the keeper of the socket");
}

fn a_socket_that_answers_pings_is_kept_without_events(adapter: &dyn Adapter) {
    let peer = Peer::start();
    let limits = limits(10, 10_000).with_event_timeout(Some(Duration::from_millis(500)));
    let client = adapter.client(Settings::new(&peer).limits(limits));
    completes(&*client);
    // Nobody awaits one: for longer than that limit, at 10 ms a ping.
    peer.wait_for_blocking("pings while it is idle", |journal| {
        journal.count(|what| matches!(what, What::Ping)) >= 60
    });
    completes(&*client);
    let journal = peer.journal();
    assert_eq!(journal.request_connections(), [1, 1], "{journal}");
}

fn a_socket_that_is_flooded_costs_no_turn_its_time(adapter: &dyn Adapter) {
    let peer = Peer::start();
    peer.set_between(Between::Flood);
    let client = adapter.client(Settings::new(&peer).limits(limits(50, 200)));
    completes(&*client);
    // It takes no answer to its pings, so they show nothing; and what it sends is not read without end.
    until("its task to end", || client.background_tasks() == 0);
    completes(&*client);
    let journal = peer.journal();
    assert_eq!(journal.request_connections(), [1, 2], "{journal}");
}

fn an_http_connection_is_used_again_for_a_minute(adapter: &dyn Adapter) {
    let peer = Peer::start();
    peer.set_handshake(Handshake::status(403));
    let client = adapter.client(Settings::new(&peer));
    let first = collect(client.stream(Request::text("m", "hello")));
    assert!(first.is_complete(), "{first:?}");
    for (turn, pause) in (1..).zip([59, 59, 0, 60]) {
        // Sent before the clock moves, so that it is read before the time for it is over.
        peer.wait_for_blocking("the end of the answer", |journal| {
            journal.count(|what| matches!(what, What::BodyEnd)) == turn
        });
        client.catch_up();
        client.advance(Duration::from_secs(pause));
        // Only SSE is asked for.
        let outcome = collect(client.stream(Request::text("m", "hello")));
        assert!(outcome.is_complete(), "{outcome:?}");
    }
    let journal = peer.wait_for_blocking("the old one to end", |journal| journal.open_connections() == 1);
    let sse: Vec<_> = journal.transports().into_iter().zip(journal.request_connections()).collect();
    let carried: Vec<_> = sse.into_iter().filter(|(by, _)| *by == Transport::Sse).map(|(_, on)| on).collect();
    let [first, last] = [carried[0], carried[4]];
    assert_eq!(carried, [first, first, first, first, last], "{journal}");
    assert_ne!(first, last, "{journal}");
}
