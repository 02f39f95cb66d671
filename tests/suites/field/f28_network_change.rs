//! A fallback that was remembered longer than its cause: the laptop woke up elsewhere, and stayed on SSE.

use std::time::Duration;

use failback::{Config, Mode, Status, Transport};
use failback_peer::{Gate, Handshake, Peer, Turn};
use failback_tests::{Adapter, Settings, collect, complete, read};
use failback_wire::Request;

with_every_adapter!(
    a_new_network_is_tried_at_once,
    a_new_network_ends_even_a_pinned_fallback,
    what_was_idle_is_not_trusted_on_a_new_network,
    a_turn_under_way_goes_on,
    a_handshake_of_the_old_network_is_given_up,
    a_remembered_cooldown_shrinks_by_the_time_that_passed,
);

fn a_new_network_is_tried_at_once(adapter: &dyn Adapter) {
    let peer = Peer::start();
    peer.push_handshake(Handshake::status(403));
    let client = adapter.client(Settings::new(&peer));
    assert_eq!(complete(&*client).moves(), [Transport::Sse]);
    assert_eq!(complete(&*client).moves(), []);
    assert!(matches!(client.policy().mode(), Mode::FailedOver { .. }));

    client.handle_network_change();
    assert_eq!(client.policy().mode(), Mode::Preferred);
    assert_eq!(complete(&*client).moves(), [Transport::WebSocket]);
    let journal = peer.journal();
    assert_eq!(journal.handshakes(), 2, "{journal}");
    assert_eq!(journal.transports(), [Transport::Sse, Transport::Sse, Transport::WebSocket], "{journal}");
}

fn a_new_network_ends_even_a_pinned_fallback(adapter: &dyn Adapter) {
    let peer = Peer::start();
    peer.push_handshake(Handshake::status(403));
    let client = adapter.client(Settings::new(&peer).config(Config::new().with_max_recoveries(0)));
    assert_eq!(complete(&*client).moves(), [Transport::Sse]);
    client.advance(Duration::from_secs(24 * 60 * 60));
    assert_eq!(complete(&*client).moves(), []);
    assert_eq!(client.policy().mode(), Mode::Pinned);

    client.handle_network_change();
    assert_eq!(complete(&*client).moves(), [Transport::WebSocket]);
    assert_eq!(client.policy().mode(), Mode::Preferred);
    let journal = peer.journal();
    assert_eq!(journal.handshakes(), 2, "{journal}");
    assert_eq!(journal.transports(), [Transport::Sse, Transport::Sse, Transport::WebSocket], "{journal}");
}

fn what_was_idle_is_not_trusted_on_a_new_network(adapter: &dyn Adapter) {
    let peer = Peer::start();
    let client = adapter.client(Settings::new(&peer));
    assert_eq!(complete(&*client).moves(), []);
    // Too large for WebSocket, so that there is an idle connection for SSE as well.
    peer.push_turn(Transport::WebSocket, Turn::close_after(0, 1009));
    assert_eq!(complete(&*client).moves(), [Transport::Sse]);
    assert_eq!(complete(&*client).moves(), [Transport::WebSocket]);
    peer.wait_for_blocking("two idle connections", |journal| journal.open_connections() == 2);

    client.handle_network_change();
    peer.wait_for_blocking("no idle connection", |journal| journal.open_connections() == 0);
    assert_eq!(complete(&*client).moves(), []);
    let journal = peer.journal();
    assert_eq!(journal.handshakes(), 3, "{journal}");
    assert_eq!(journal.request_connections(), [1, 1, 2, 3, 4], "{journal}");
}

fn a_turn_under_way_goes_on(adapter: &dyn Adapter) {
    let peer = Peer::start();
    let client = adapter.client(Settings::new(&peer));
    let gate = Gate::new();
    peer.push_turn(Transport::WebSocket, Turn::complete().gate_before(5, &gate));
    let mut turn = client.stream(Request::text("m", "hello"));
    let begun = read(&mut *turn, 5);
    client.handle_network_change();
    gate.open();
    let outcome = begun.then(collect(turn));
    assert!(outcome.is_complete(), "{outcome:?}");
    assert_eq!(outcome.text(), "echo: hello");
    assert!(outcome.is_quiet(), "{outcome:?}");
    let journal = peer.journal();
    assert_eq!((journal.handshakes(), journal.transports()), (1, vec![Transport::WebSocket]), "{journal}");
}

fn a_handshake_of_the_old_network_is_given_up(adapter: &dyn Adapter) {
    let peer = Peer::start();
    peer.push_handshake(Handshake::BlackHole);
    let client = adapter.client(Settings::new(&peer));
    assert_eq!(complete(&*client).moves(), [Transport::Sse]);
    // Nobody waits twice for the same handshake.
    assert_eq!(complete(&*client).moves(), []);

    client.handle_network_change();
    peer.wait_for_blocking("the handshake to be given up", |journal| journal.open_connections() == 0);
    assert_eq!(complete(&*client).moves(), [Transport::WebSocket]);
    let journal = peer.journal();
    assert_eq!((journal.handshakes(), journal.upgrades()), (2, 1), "{journal}");
    assert_eq!(journal.transports(), [Transport::Sse, Transport::Sse, Transport::WebSocket], "{journal}");
    assert_eq!(client.policy().mode(), Mode::Preferred);
}

fn a_remembered_cooldown_shrinks_by_the_time_that_passed(adapter: &dyn Adapter) {
    let peer = Peer::start();
    peer.push_handshake(Handshake::status(403));
    let client = adapter.client(Settings::new(&peer));
    assert_eq!(complete(&*client).moves(), [Transport::Sse]);
    let snapshot = client.snapshot();
    let left = client.policy().status().retry_in.expect("a cooldown");
    assert!(left > Duration::from_secs(59), "{left:?}");
    drop(client);

    let restart = |elapsed| adapter.client(Settings::new(&peer).snapshot(snapshot, elapsed));
    // A little less is left when the client looks, because time goes on.
    let asleep = Duration::from_secs(50);
    let client = restart(asleep);
    let Status { mode, retry_in, .. } = client.policy().status();
    assert!(matches!(mode, Mode::FailedOver { .. }), "{mode}");
    assert!(
        retry_in.is_some_and(|retry_in| retry_in <= left - asleep + Duration::from_secs(1)),
        "{retry_in:?}"
    );
    assert!(retry_in.is_some_and(|retry_in| retry_in > Duration::ZERO), "{retry_in:?}");
    assert_eq!(complete(&*client).moves(), [Transport::Sse]);
    client.advance(left - asleep + Duration::from_secs(1));
    assert_eq!(complete(&*client).moves(), [Transport::WebSocket]);

    // Asleep for longer than the cooldown: the first turn tries WebSocket.
    let client = restart(Duration::from_secs(90));
    assert_eq!(client.policy().status().retry_in, Some(Duration::ZERO));
    assert_eq!(complete(&*client).moves(), []);
    assert_eq!((client.policy().mode(), client.policy().recoveries_left()), (Mode::Preferred, 3));

    let journal = peer.journal();
    assert_eq!(journal.handshakes(), 3, "{journal}");
    use Transport::{Sse, WebSocket};
    assert_eq!(journal.transports(), [Sse, Sse, WebSocket, WebSocket], "{journal}");
}
