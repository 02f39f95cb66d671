//! The converse of a dead path: the model thinks for long, pings are answered, and an idle watchdog that
//! counts events only kills the turn.

use std::thread;
use std::time::{Duration, Instant};

use failback::{GiveUp, Mode, Transport};
use failback_peer::{Gate, Handshake, Peer, Turn, What};
use failback_tests::{Adapter, Settings, TestClient, collect};
use failback_wire::{Limits, Request};

with_every_adapter!(
    answered_pings_keep_a_thinking_websocket,
    pings_of_the_server_keep_a_thinking_websocket,
    comments_keep_a_thinking_sse_stream,
    nothing_at_all_on_websocket_ends_at_the_idle_limit,
    nothing_at_all_on_sse_ends_at_the_idle_limit,
);

/// 300 s otherwise.
const IDLE: Duration = Duration::from_secs(2);
const SIGN_OF_LIFE_EVERY: Duration = Duration::from_millis(250);

/// Enough signs of life to outlast the idle limit.
const SIGNS_OF_LIFE: usize = 12;

fn limits() -> Limits {
    // 15 s otherwise.
    Limits::new().with_idle_timeout(IDLE).with_ping_interval(SIGN_OF_LIFE_EVERY)
}

fn client_that_never_pings(adapter: &dyn Adapter, peer: &Peer) -> Box<dyn TestClient> {
    adapter.client(Settings::new(peer).limits(limits().with_ping_interval(Duration::MAX)))
}

fn answered_pings_keep_a_thinking_websocket(adapter: &dyn Adapter) {
    let (peer, gate) = (Peer::start(), Gate::new());
    peer.set_turn(Transport::WebSocket, Turn::after(2).then_gate(&gate).then_complete());
    let client = adapter.client(Settings::new(&peer).limits(limits()));

    let turn = client.stream(Request::text("m", "hello world"));
    let turn = thread::spawn(move || {
        let begun = Instant::now();
        (collect(turn), begun.elapsed())
    });
    peer.wait_for_blocking("pings", |journal| {
        journal.count(|what| matches!(what, What::Ping)) >= SIGNS_OF_LIFE
    });
    gate.open();
    let (outcome, took) = turn.join().expect("the turn");
    assert!(took > IDLE, "{took:?}");
    assert!(outcome.is_complete(), "{outcome:?}");
    assert_eq!(outcome.text(), "echo: hello world");
    assert!(outcome.is_quiet(), "{outcome:?}");

    let journal = peer.journal();
    assert_eq!(journal.transports(), [Transport::WebSocket], "{journal}");
    assert_eq!(journal.handshakes(), 1, "{journal}");
    assert_eq!(client.policy().mode(), Mode::Preferred);
}

fn with_signs_of_life(mut turn: Turn) -> Turn {
    for _ in 0..SIGNS_OF_LIFE {
        turn = turn.then_pause(SIGN_OF_LIFE_EVERY).then_keep_alive();
    }
    turn.then_complete()
}

fn pings_of_the_server_keep_a_thinking_websocket(adapter: &dyn Adapter) {
    let peer = Peer::start();
    peer.set_turn(Transport::WebSocket, with_signs_of_life(Turn::after(2)));
    let client = client_that_never_pings(adapter, &peer);

    let begun = Instant::now();
    let outcome = collect(client.stream(Request::text("m", "hello world")));
    assert!(begun.elapsed() > IDLE);
    assert!(outcome.is_complete(), "{outcome:?}");
    assert_eq!(outcome.text(), "echo: hello world");
    assert!(outcome.is_quiet(), "{outcome:?}");

    let journal = peer.journal();
    assert_eq!(journal.transports(), [Transport::WebSocket], "{journal}");
    assert_eq!(journal.handshakes(), 1, "{journal}");
    assert!(!journal.any(|what| matches!(what, What::Ping)), "{journal}");
}

fn comments_keep_a_thinking_sse_stream(adapter: &dyn Adapter) {
    let peer = Peer::start();
    peer.set_handshake(Handshake::status(403));
    peer.set_turn(Transport::Sse, with_signs_of_life(Turn::after(2)));
    let client = adapter.client(Settings::new(&peer).limits(limits()));

    let begun = Instant::now();
    let outcome = collect(client.stream(Request::text("m", "hello world")));
    assert!(begun.elapsed() > IDLE);
    assert!(outcome.is_complete(), "{outcome:?}");
    assert_eq!(outcome.text(), "echo: hello world");
    assert!(outcome.restarts().is_empty(), "{outcome:?}");

    let journal = peer.journal();
    assert_eq!(journal.transports(), [Transport::Sse], "{journal}");
    assert_eq!(journal.handshakes(), 1, "{journal}");
}

fn nothing_at_all_on_websocket_ends_at_the_idle_limit(adapter: &dyn Adapter) {
    let peer = Peer::start();
    peer.set_turn(Transport::WebSocket, Turn::mute_after(5));
    let client = client_that_never_pings(adapter, &peer);
    ends_at_the_idle_limit(&*client, Transport::WebSocket);

    let journal = peer.journal();
    assert_eq!(journal.transports(), [Transport::WebSocket], "{journal}");
    assert_eq!(journal.handshakes(), 1, "{journal}");
    // The turn was lost, so SSE is asked next.
    assert_eq!(client.policy().mode(), Mode::Suspected);
}

fn nothing_at_all_on_sse_ends_at_the_idle_limit(adapter: &dyn Adapter) {
    let peer = Peer::start();
    peer.set_handshake(Handshake::status(403));
    peer.set_turn(Transport::Sse, Turn::mute_after(5));
    let client = adapter.client(Settings::new(&peer).limits(limits()));
    ends_at_the_idle_limit(&*client, Transport::Sse);

    let journal = peer.journal();
    assert_eq!(journal.transports(), [Transport::Sse], "{journal}");
    assert_eq!(journal.handshakes(), 1, "{journal}");
}

fn ends_at_the_idle_limit(client: &dyn TestClient, transport: Transport) {
    let begun = Instant::now();
    let outcome = collect(client.stream(Request::text("m", "hello world")));
    assert!(begun.elapsed() >= IDLE, "{outcome:?}");
    assert_eq!(outcome.events().len(), 5, "{outcome:?}");
    assert_eq!(outcome.text(), "echo: ");
    let error = outcome.error.expect("the turn cannot go on");
    assert_eq!(error.give_up(), GiveUp::Committed, "{error}");
    let last = error.attempts().last().expect("an attempt");
    assert_eq!(last.transport(), transport, "{error}");
    assert!(last.text().contains("was silent for too long in mid-stream"), "{error}");
}
