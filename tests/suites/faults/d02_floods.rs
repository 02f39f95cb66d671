//! A server sends without end what is no event, and reads nothing: every limit holds, and the caller's own
//! timers fire.

use std::time::{Duration, Instant};

use failback::{Mode, Transport};
use failback_peer::{Handshake, Peer, Turn};
use failback_tests::{Adapter, Outcome, Settings, collect, hello};
use failback_wire::Limits;

with_every_adapter!(
    no_flood_puts_the_first_event_off,
    no_flood_puts_an_event_timeout_off,
    a_caller_is_not_starved,
    a_flood_on_an_idle_socket_does_not_keep_the_next_turn,
);

const LIMIT: Duration = Duration::from_millis(300);
/// Long before the peer runs out of what it sends.
const SOON: Duration = Duration::from_secs(10);

/// Each of them begins after the request.
fn floods() -> [(&'static str, Turn); 4] {
    let empty_text_fragment = [0x01, 0x00];
    [
        ("pings", Turn::new().then_flood([0x89, 0x00])),
        ("large pings", Turn::new().then_flood(failback_peer::ping_frame(&[b'x'; 125]))),
        ("pongs", Turn::new().then_flood([0x8a, 0x00])),
        ("empty fragments", Turn::new().then_raw(empty_text_fragment).then_flood([0x00, 0x00])),
    ]
}

fn expect_moved(name: &str, outcome: &Outcome) {
    assert!(outcome.is_complete(), "{name}: {outcome:?}");
    assert_eq!(outcome.text(), "echo: hello", "{name}");
    assert_eq!(outcome.moves(), [Transport::Sse], "{name}");
}

fn no_flood_puts_the_first_event_off(adapter: &dyn Adapter) {
    for (name, flood) in floods() {
        let peer = Peer::start();
        peer.set_turn(Transport::WebSocket, flood);
        let limits = Limits::new().with_first_event_timeout(LIMIT);
        let config = failback::Config::new().with_stream_max_retries(0);
        let client = adapter.client(Settings::new(&peer).limits(limits).config(config));
        let begun = Instant::now();
        let outcome = collect(client.stream(hello()));
        assert!(begun.elapsed() < SOON, "{name}: {:?}", begun.elapsed());
        expect_moved(name, &outcome);
        assert!(outcome.notices()[0].text().contains("no event came in time"), "{name}: {outcome:?}");
    }
}

fn no_flood_puts_an_event_timeout_off(adapter: &dyn Adapter) {
    let comment = "3\r\n:\n\n\r\n".repeat(100);
    for (handshake, transport, flood) in [
        (Handshake::Accept, Transport::WebSocket, Turn::after(2).then_flood([0x89, 0x00])),
        (Handshake::status(403), Transport::Sse, Turn::after(2).then_flood(comment)),
    ] {
        let peer = Peer::start();
        peer.set_handshake(handshake);
        peer.push_turn(transport, flood);
        let limits = Limits::new().with_event_timeout(Some(LIMIT));
        let client = adapter.client(Settings::new(&peer).limits(limits));
        let begun = Instant::now();
        let outcome = collect(client.stream(hello()));
        assert!(begun.elapsed() < SOON, "{transport}: {:?}", begun.elapsed());
        assert!(outcome.is_complete(), "{transport}: {outcome:?}");
        assert_eq!(outcome.restarts(), [2], "{transport}");
    }
}

/// The caller waits for something else too, as with a `select`.
fn a_caller_is_not_starved(adapter: &dyn Adapter) {
    let comment = "3\r\n:\n\n\r\n".repeat(100);
    let sse =
        (Handshake::status(403), Transport::Sse, "comments", Turn::new().then_headers().then_flood(comment));
    let websocket = floods().map(|(name, flood)| (Handshake::Accept, Transport::WebSocket, name, flood));
    for (handshake, transport, name, flood) in websocket.into_iter().chain([sse]) {
        let peer = Peer::start();
        peer.set_handshake(handshake);
        peer.set_turn(transport, flood);
        let client = adapter.client(Settings::new(&peer));
        let mut turn = client.stream(hello());
        let begun = Instant::now();
        let sent = |peer: &Peer| peer.journal().requests(transport) == 1;
        let item = turn.next_unless(&|| sent(&peer) && begun.elapsed() > LIMIT);
        assert!(item.is_none(), "{name}: {item:?}");
        assert!(begun.elapsed() < SOON, "{name}: {:?}", begun.elapsed());
    }
}

fn a_flood_on_an_idle_socket_does_not_keep_the_next_turn(adapter: &dyn Adapter) {
    let peer = Peer::start();
    let done = Turn::after(100).then_send(serde_json::json!({
        "type": "response.completed", "sequence_number": 9, "response": { "id": "resp_1", "status": "completed" },
    }));
    peer.push_turn(Transport::WebSocket, done.then_flood([0x89, 0x00]));
    let limits = Limits::new().with_first_event_timeout(LIMIT);
    let client = adapter.client(Settings::new(&peer).limits(limits));
    assert!(collect(client.stream(hello())).error.is_none());
    let begun = Instant::now();
    let outcome = collect(client.stream(hello()));
    assert!(begun.elapsed() < SOON, "{:?}", begun.elapsed());
    assert!(outcome.is_complete(), "{outcome:?}");
    assert_eq!(outcome.text(), "echo: hello");
    assert_eq!(client.policy().mode(), Mode::Preferred);
}
