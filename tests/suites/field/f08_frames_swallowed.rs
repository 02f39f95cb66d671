//! The upgrade is let through, and then every frame is swallowed: the connection looks open for ever.

use std::thread;
use std::time::Duration;

use failback::{Mode, Transport};
use failback_peer::{Peer, Turn, What};
use failback_tests::{Adapter, Settings, collect};
use failback_wire::{Limits, Request};

with_every_adapter!(
    no_first_event_in_time_is_retried_then_moved_to_sse,
    pongs_do_not_stand_in_for_the_first_event,
    a_retry_that_works_stays_on_websocket,
);

/// 30 s otherwise.
fn limits() -> Limits {
    Limits::new().with_first_event_timeout(Duration::from_secs(1))
}

fn no_first_event_in_time_is_retried_then_moved_to_sse(adapter: &dyn Adapter) {
    let peer = Peer::start();
    peer.set_turn(Transport::WebSocket, Turn::stall_after(0));
    times_out_twice_then_moves(adapter, &peer, limits());
    assert!(!peer.journal().any(|what| matches!(what, What::Ping)));
}

fn pongs_do_not_stand_in_for_the_first_event(adapter: &dyn Adapter) {
    let peer = Peer::start();
    peer.set_turn(Transport::WebSocket, Turn::mute_after(0));
    // 15 s otherwise: several pings are to be answered before the first event is due.
    times_out_twice_then_moves(adapter, &peer, limits().with_ping_interval(Duration::from_millis(100)));
    let journal = peer.journal();
    assert!(journal.count(|what| matches!(what, What::Ping)) >= 2, "{journal}");
}

fn times_out_twice_then_moves(adapter: &dyn Adapter, peer: &Peer, limits: Limits) {
    let client = adapter.client(Settings::new(peer).limits(limits));

    let turn = client.stream(Request::text("m", "hello world"));
    let turn = thread::spawn(move || collect(turn));
    peer.wait_for_blocking("the first retry", |journal| journal.requests(Transport::WebSocket) == 2);
    // As long after its first failure as the second one of 30 s would be.
    client.advance(Duration::from_secs(30));
    let outcome = turn.join().expect("the turn");
    assert!(outcome.is_complete(), "{outcome:?}");
    assert_eq!(outcome.text(), "echo: hello world");
    assert!(outcome.restarts().is_empty(), "{outcome:?}");
    assert_eq!(outcome.moves(), [Transport::Sse]);
    assert!(outcome.notices()[0].text().contains("no event came in time"), "{outcome:?}");

    let journal = peer.journal();
    let (ws, sse) = (Transport::WebSocket, Transport::Sse);
    assert_eq!(journal.transports(), [ws, ws, sse], "{journal}");
    assert_eq!(journal.handshakes(), 2, "{journal}");
    assert!(matches!(client.policy().mode().0, Mode::FailedOver { .. }));
}

fn a_retry_that_works_stays_on_websocket(adapter: &dyn Adapter) {
    let peer = Peer::start();
    peer.push_turn(Transport::WebSocket, Turn::mute_after(0));
    let client = adapter.client(Settings::new(&peer).limits(limits()));

    let outcome = collect(client.stream(Request::text("m", "hello world")));
    assert!(outcome.is_complete(), "{outcome:?}");
    assert_eq!(outcome.text(), "echo: hello world");
    assert!(outcome.restarts().is_empty() && outcome.notices().is_empty(), "{outcome:?}");

    let journal = peer.journal();
    assert_eq!(journal.transports(), [Transport::WebSocket; 2], "{journal}");
    assert_eq!(journal.request_connections(), [1, 2], "{journal}");
    assert_eq!(client.policy().mode().0, Mode::Preferred);
}
