//! One transient WebSocket failure, and the session stays on SSE until the program is restarted.

use std::time::Duration;

use failback::{Mode, Transport};
use failback_peer::{Handshake, Peer, Turn};
use failback_tests::{Adapter, Settings, TestClient, collect};
use failback_wire::Request;

with_every_adapter!(
    after_the_cooldown_the_next_turn_is_on_websocket,
    a_completed_turn_on_websocket_fills_the_budget,
    one_dropped_stream_is_retried_on_websocket,
);

/// Room for what a turn takes in real time.
const MARGIN: Duration = Duration::from_secs(10);

fn retry_in(client: &dyn TestClient) -> Duration {
    client.policy().status().retry_in.expect("a cooldown")
}

fn after_the_cooldown_the_next_turn_is_on_websocket(adapter: &dyn Adapter) {
    let peer = Peer::start();
    peer.push_handshake(Handshake::Close);
    let client = adapter.client(Settings::new(&peer));

    let first = collect(client.stream(Request::text("m", "one")));
    assert!(first.is_complete(), "{first:?}");
    assert_eq!(first.text(), "echo: one");
    assert_eq!(first.moves(), [Transport::Sse]);
    let cooldown = first.notices()[0].retry_in().expect("it says when WebSocket is tried again");
    assert!(cooldown > Duration::from_secs(50) && cooldown <= Duration::from_secs(90), "{cooldown:?}");

    client.advance(retry_in(&*client) - MARGIN);
    let second = collect(client.stream(Request::text("m", "two")));
    assert!(second.is_complete() && second.notices().is_empty(), "{second:?}");
    assert_eq!(peer.journal().handshakes(), 1, "{}", peer.journal());

    client.advance(MARGIN);
    let third = collect(client.stream(Request::text("m", "three")));
    assert!(third.is_complete(), "{third:?}");
    assert_eq!(third.text(), "echo: three");
    assert_eq!(third.moves(), [Transport::WebSocket]);
    assert_eq!(third.notices()[0].text(), "back on WebSocket");
    assert_eq!(client.policy().mode(), Mode::Preferred);
    assert_eq!(client.policy().recoveries_left(), 3);

    let fourth = collect(client.stream(Request::text("m", "four")));
    assert!(fourth.is_complete() && fourth.notices().is_empty(), "{fourth:?}");

    let journal = peer.journal();
    assert_eq!(journal.handshakes(), 2, "{journal}");
    let (ws, sse) = (Transport::WebSocket, Transport::Sse);
    assert_eq!(journal.transports(), [sse, sse, ws, ws], "{journal}");
}

fn a_completed_turn_on_websocket_fills_the_budget(adapter: &dyn Adapter) {
    let peer = Peer::start();
    for _ in 0..3 {
        peer.push_handshake(Handshake::Reset);
    }
    let client = adapter.client(Settings::new(&peer));

    for recoveries_left in [3, 2, 1] {
        let turn = collect(client.stream(Request::text("m", "hello world")));
        assert!(turn.is_complete(), "{turn:?}");
        assert!(matches!(client.policy().mode(), Mode::FailedOver { .. }));
        assert_eq!(client.policy().recoveries_left(), recoveries_left);
        client.advance(retry_in(&*client));
    }
    assert_eq!(peer.journal().handshakes(), 3, "{}", peer.journal());

    let back = collect(client.stream(Request::text("m", "hello world")));
    assert!(back.is_complete(), "{back:?}");
    assert_eq!(back.moves(), [Transport::WebSocket]);
    assert_eq!(client.policy().mode(), Mode::Preferred);
    assert_eq!(client.policy().recoveries_left(), 3);

    // The failures before count for nothing: the next cooldown is the first one again.
    peer.push_handshake(Handshake::Reset);
    peer.drop_connections();
    peer.wait_for_blocking("all connections to end", |journal| journal.open_connections() == 0);
    let again = collect(client.stream(Request::text("m", "hello world")));
    assert!(again.is_complete(), "{again:?}");
    assert_eq!(again.moves(), [Transport::Sse]);
    let cooldown = again.notices()[0].retry_in().expect("it says when WebSocket is tried again");
    assert!(cooldown <= Duration::from_secs(90), "{cooldown:?}");
    assert_eq!(client.policy().recoveries_left(), 3);

    let journal = peer.journal();
    let (ws, sse) = (Transport::WebSocket, Transport::Sse);
    assert_eq!(journal.transports(), [sse, sse, sse, ws, sse], "{journal}");
    assert_eq!(journal.handshakes(), 5, "{journal}");
}

fn one_dropped_stream_is_retried_on_websocket(adapter: &dyn Adapter) {
    let peer = Peer::start();
    peer.push_turn(Transport::WebSocket, Turn::drop_after(2));
    let client = adapter.client(Settings::new(&peer));

    let first = collect(client.stream(Request::text("m", "one")));
    assert!(first.is_complete(), "{first:?}");
    assert_eq!(first.text(), "echo: one");
    assert_eq!(first.restarts(), [2]);
    let second = collect(client.stream(Request::text("m", "two")));
    assert!(second.is_complete(), "{second:?}");
    assert!(first.notices().is_empty() && second.notices().is_empty());

    let journal = peer.journal();
    assert_eq!(journal.transports(), [Transport::WebSocket; 3], "{journal}");
    assert_eq!(journal.handshakes(), 2, "{journal}");
    assert_eq!(client.policy().mode(), Mode::Preferred);
}
