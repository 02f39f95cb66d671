//! The upgrade is let through, and then every frame is swallowed: the connection looks open for ever.

use std::thread;
use std::time::Duration;

use failback::{Mode, Transport};
use failback_peer::{Journal, Peer, Turn, What};
use failback_tests::{Adapter, Settings, collect};
use failback_wire::{Limits, Request};

with_every_adapter!(
    no_first_event_in_time_moves_the_turn_at_once,
    pongs_do_not_stand_in_for_the_first_event,
    a_retry_that_works_stays_on_websocket,
);

/// 30 s otherwise.
fn limits() -> Limits {
    Limits::new().with_first_event_timeout(Duration::from_secs(1))
}

fn no_first_event_in_time_moves_the_turn_at_once(adapter: &dyn Adapter) {
    let peer = Peer::start();
    peer.set_turn(Transport::WebSocket, Turn::stall_after(0));
    let is_asked = |journal: &Journal| journal.requests(Transport::WebSocket) == 1;
    times_out_once_then_moves(adapter, &peer, limits(), is_asked);
    assert!(!peer.journal().any(|what| matches!(what, What::Ping)));
}

fn pongs_do_not_stand_in_for_the_first_event(adapter: &dyn Adapter) {
    let peer = Peer::start();
    peer.set_turn(Transport::WebSocket, Turn::mute_after(0));
    // 15 s otherwise: several pings are to be answered before the first event is due.
    let limits = limits().with_ping_interval(Duration::from_millis(100));
    let has_pinged = |journal: &Journal| journal.count(|what| matches!(what, What::Ping)) >= 2;
    times_out_once_then_moves(adapter, &peer, limits, has_pinged);
}

/// The time-out is 30 s, so `fallback_within` is over when it comes.
fn times_out_once_then_moves(
    adapter: &dyn Adapter,
    peer: &Peer,
    limits: Limits,
    late_enough: impl Fn(&Journal) -> bool,
) {
    let client = adapter.client(Settings::new(peer).limits(limits));

    let turn = client.stream(Request::text("m", "hello world"));
    let turn = thread::spawn(move || collect(turn));
    peer.wait_for_blocking("the request, and what follows", late_enough);
    client.advance(Duration::from_secs(30));
    let outcome = turn.join().expect("the turn");
    assert!(outcome.is_complete(), "{outcome:?}");
    assert_eq!(outcome.text(), "echo: hello world");
    assert!(outcome.restarts().is_empty(), "{outcome:?}");
    assert_eq!(outcome.moves(), [Transport::Sse]);
    assert!(outcome.notices()[0].text().contains("no event came in time"), "{outcome:?}");

    let journal = peer.journal();
    let (ws, sse) = (Transport::WebSocket, Transport::Sse);
    assert_eq!(journal.transports(), [ws, sse], "{journal}");
    assert_eq!(journal.handshakes(), 1, "{journal}");
    assert!(matches!(client.policy().mode(), Mode::FailedOver { .. }));
}

fn a_retry_that_works_stays_on_websocket(adapter: &dyn Adapter) {
    let peer = Peer::start();
    peer.push_turn(Transport::WebSocket, Turn::mute_after(0));
    let client = adapter.client(Settings::new(&peer).limits(limits()));

    let outcome = collect(client.stream(Request::text("m", "hello world")));
    assert!(outcome.is_complete(), "{outcome:?}");
    assert_eq!(outcome.text(), "echo: hello world");
    assert!(outcome.is_quiet(), "{outcome:?}");

    let journal = peer.journal();
    assert_eq!(journal.transports(), [Transport::WebSocket; 2], "{journal}");
    assert_eq!(journal.request_connections(), [1, 2], "{journal}");
    assert_eq!(client.policy().mode(), Mode::Preferred);
}
