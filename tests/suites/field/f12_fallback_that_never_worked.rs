//! The client sticks to a fallback that does not work, though what it left works again.

use std::time::Duration;

use failback::{Mode, Reason, Transport};
use failback_peer::{Handshake, Peer, Turn};
use failback_tests::{Adapter, Settings, TestClient, collect};
use failback_wire::Request;

with_every_adapter!(
    a_last_resort_brings_a_pinned_policy_back_when_sse_breaks_off,
    a_last_resort_brings_a_pinned_policy_back_when_sse_is_refused,
    a_last_resort_within_the_cooldown_brings_the_policy_back,
);

/// Turns that lose every recovery: the first, and three probes.
const UNTIL_PINNED: usize = 4;

fn pin(client: &dyn TestClient) {
    for _ in 0..UNTIL_PINNED {
        let turn = collect(client.stream(Request::text("m", "hello")));
        assert!(turn.is_complete(), "{turn:?}");
        client.advance(Duration::from_secs(20 * 60));
    }
    assert_eq!(client.policy().mode(), Mode::Pinned);
    assert_eq!(client.policy().recoveries_left(), 0);
}

/// SSE is dead: the turn completes all the same, and the next ones are on WebSocket at once.
fn last_resort(client: &dyn TestClient) {
    let saved = collect(client.stream(Request::text("m", "hello world")));
    assert!(saved.is_complete(), "{saved:?}");
    assert_eq!(saved.text(), "echo: hello world");
    assert!(saved.restarts().is_empty(), "{saved:?}");
    assert_eq!(saved.moves(), [Transport::WebSocket]);
    assert_eq!(saved.notices()[0].reason(), Reason::LastResort);
    assert_eq!(saved.notices()[0].text(), "back on WebSocket: SSE failed");
    assert_eq!(client.policy().mode(), Mode::Preferred);
    assert_eq!(client.policy().recoveries_left(), 3);

    let next = collect(client.stream(Request::text("m", "and on")));
    assert!(next.is_complete() && next.notices().is_empty(), "{next:?}");
    assert_eq!(next.text(), "echo: and on");
}

fn a_last_resort_brings_a_pinned_policy_back_when_sse_breaks_off(adapter: &dyn Adapter) {
    let peer = Peer::start();
    for _ in 0..UNTIL_PINNED {
        peer.push_handshake(Handshake::status(403));
    }
    let client = adapter.client(Settings::new(&peer));
    pin(&*client);

    // So that no SSE connection is left to be reused: each attempt of the turn counts.
    peer.drop_connections();
    peer.wait_for_blocking("all connections to end", |journal| journal.open_connections() == 0);
    peer.set_turn(Transport::Sse, Turn::drop_after(0));
    last_resort(&*client);

    let journal = peer.journal();
    let expected = [[Transport::Sse; UNTIL_PINNED + 6].as_slice(), &[Transport::WebSocket; 2]].concat();
    assert_eq!(journal.transports(), expected, "{journal}");
    assert_eq!(journal.handshakes(), UNTIL_PINNED + 1, "{journal}");
}

fn a_last_resort_brings_a_pinned_policy_back_when_sse_is_refused(adapter: &dyn Adapter) {
    let (peer, sse) = (Peer::start(), Peer::start());
    for _ in 0..UNTIL_PINNED {
        peer.push_handshake(Handshake::Reset);
    }
    let settings = Settings { websocket_url: Some(peer.url()), ..Settings::new(&sse) };
    let client = adapter.client(settings);
    pin(&*client);

    sse.refuse_everything(true);
    sse.wait_for_blocking("all connections to end", |journal| journal.open_connections() == 0);
    last_resort(&*client);

    let (journal, sse) = (peer.journal(), sse.journal());
    assert_eq!(sse.requests(Transport::Sse), UNTIL_PINNED, "{sse}");
    assert_eq!(sse.handshakes(), 0, "{sse}");
    assert_eq!(journal.transports(), [Transport::WebSocket; 2], "{journal}");
    assert_eq!(journal.handshakes(), UNTIL_PINNED + 1, "{journal}");
}

fn a_last_resort_within_the_cooldown_brings_the_policy_back(adapter: &dyn Adapter) {
    let (peer, sse) = (Peer::start(), Peer::start());
    peer.push_handshake(Handshake::status(403));
    let settings = Settings { websocket_url: Some(peer.url()), ..Settings::new(&sse) };
    let client = adapter.client(settings);
    let first = collect(client.stream(Request::text("m", "hello")));
    assert!(first.is_complete(), "{first:?}");
    assert!(matches!(client.policy().mode(), Mode::FailedOver { .. }));

    sse.refuse_everything(true);
    sse.wait_for_blocking("all connections to end", |journal| journal.open_connections() == 0);
    last_resort(&*client);

    let journal = peer.journal();
    assert_eq!(journal.transports(), [Transport::WebSocket; 2], "{journal}");
    assert_eq!(journal.handshakes(), 2, "{journal}");
    assert_eq!(sse.journal().requests(Transport::Sse), 1, "{}", sse.journal());
}
