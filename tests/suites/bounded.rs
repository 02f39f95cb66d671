//! Whatever a server sends, a client takes a bounded amount of memory. A test binary of its own, and one
//! test: what is allocated is counted for a whole process.

use std::time::Duration;

use failback::{Config, Transport};
use failback_peer::{Handshake, Peer, Turn};
use failback_tests::{Adapter, Settings, adapters, collect};
use failback_wire::{Limits, Request};
use peak_alloc::PeakAlloc;

/// Counts the bytes that are allocated: what the kernel keeps for a process depends on what came before.
#[global_allocator]
static MEMORY: PeakAlloc = PeakAlloc;

/// Events of at most 256 KiB instead of 16 MiB, so that what is not bounded by it stands out.
const LIMIT: usize = 256 * 1024;
/// Three times the largest event, and as much for the peer, which lives in this process: an event of its own,
/// its text, and that in its framing. An endless peer sends 64 MiB.
const GROWTH: usize = 6 * LIMIT + CONNECTION;
/// What a connection of its own takes beside that: ureq has two buffers of 128 KiB for each; hyper has one of
/// 64 KiB, and pieces as large as that are on their way to the reader and with it.
const CONNECTION: usize = 6 * 64 * 1024;

/// What a client with an idle WebSocket takes, and the peer for its end of it.
const IDLE: usize = 84 * 1024;

/// What the peer does to one turn.
struct Case {
    name: &'static str,
    handshake: Handshake,
    websocket: Turn,
    sse: Turn,
}

fn cases() -> Vec<Case> {
    let case = |name, handshake, websocket, sse| Case { name, handshake, websocket, sse };
    let on_websocket = |name, turn| case(name, Handshake::Accept, turn, Turn::complete());
    let on_sse = |name, turn| case(name, Handshake::status(403), Turn::complete(), turn);
    let head = |head: &str| Turn::no_headers().then_raw(head).then_endless_line();
    vec![
        on_websocket("endless fragments", Turn::new().then_endless_event()),
        // More than the kernel holds, to a server that reads nothing: one pong is owed, and no more.
        on_websocket("pings that nobody wants answered", pings()),
        on_websocket("an error as large as allowed", error()),
        on_sse("an error as large as allowed over SSE", error()),
        on_websocket("a frame of a gigabyte", Turn::new().then_endless_frame(1 << 30)),
        on_sse("an endless line", Turn::new().then_endless_line()),
        on_sse("an endless event", Turn::new().then_endless_event()),
        on_sse("a chunk of a gigabyte", Turn::new().then_endless_frame(1 << 30)),
        on_sse("an endless error", head("HTTP/1.1 400 Bad Request\r\ntransfer-encoding: chunked\r\n\r\n")),
        on_sse("an endless head", head("HTTP/1.1 200 OK\r\nx-endless: ")),
        on_sse("many comments", many_comments()),
    ]
}

fn pings() -> Turn {
    Turn::new().then_flood(failback_peer::ping_frame(&[b'x'; 125]))
}

/// A refusal, at length.
fn error() -> Turn {
    Turn::error(400, "invalid_request", &"x".repeat(LIMIT - 1024))
}

/// Twice as much as is allowed at once, but never much at once.
fn many_comments() -> Turn {
    let comments = ":\n".repeat(4 * 1024);
    (0..2 * LIMIT / comments.len())
        .fold(Turn::new(), |turn, _| turn.then_payload(comments.clone()))
        .then_complete()
}

#[test]
fn with_every_adapter() {
    for adapter in adapters() {
        memory_is_bounded(adapter);
        idle_websockets_take_little(adapter);
    }
}

/// What is kept for reading is a matter of what has arrived, not of what might.
fn idle_websockets_take_little(adapter: &dyn Adapter) {
    const CLIENTS: usize = 20;
    let peer = Peer::start();
    let client = || {
        let client = adapter.client(Settings::new(&peer));
        assert!(collect(client.stream(Request::text("m", "hi"))).is_complete());
        client
    };
    // Everything that is set up once.
    let first = client();
    let before = MEMORY.current_usage();
    let clients: Vec<_> = (0..CLIENTS).map(|_| client()).collect();
    let each = MEMORY.current_usage().saturating_sub(before) / CLIENTS;
    println!("an idle WebSocket, with {}: {} KiB", adapter.name(), each / 1024);
    assert!(each < IDLE, "with {}: {each} bytes", adapter.name());
    assert_eq!(peer.journal().upgrades(), CLIENTS + 1);
    drop((first, clients));
}

fn memory_is_bounded(adapter: &dyn Adapter) {
    for case in cases() {
        let name = case.name;
        let grown = growth(adapter, case);
        assert!(grown < GROWTH, "{name}, with {}: {} KiB", adapter.name(), grown / 1024);
    }
}

/// By how much memory has grown at most while a turn met this.
fn growth(adapter: &dyn Adapter, case: Case) -> usize {
    let name = case.name;
    let peer = Peer::start();
    // One attempt on each transport: what is left of one is gone before the next.
    let config = Config::new().with_stream_max_retries(0);
    let limits = Limits::new().with_max_message_bytes(LIMIT).with_first_event_timeout(Duration::from_secs(2));
    let client = adapter.client(Settings::new(&peer).limits(limits).config(config));
    // Everything that is set up once: threads, tables, the code itself.
    assert!(collect(client.stream(Request::text("m", "hi"))).is_complete(), "{name}");
    peer.push_turn(Transport::WebSocket, Turn::close_after(0, 1009));
    assert!(collect(client.stream(Request::text("m", "hi"))).is_complete(), "{name}");
    client.handle_network_change();

    peer.set_handshake(case.handshake);
    // Pushed, because what is set is copied for each turn.
    peer.push_turn(Transport::WebSocket, case.websocket);
    peer.push_turn(Transport::Sse, case.sse);
    let before = MEMORY.current_usage();
    MEMORY.reset_peak_usage();
    let outcome = collect(client.stream(Request::text("m", "hi")));
    let grown = MEMORY.peak_usage().saturating_sub(before);
    println!("{name}: {} KiB, {:?}", grown / 1024, outcome.error.as_ref().map(ToString::to_string));
    assert_eq!(outcome.error.is_none(), outcome.is_complete(), "{name}: {outcome:?}");
    let journal = peer.journal();
    let expected: &[_] = match (journal.upgrades(), outcome.is_complete()) {
        (1, _) => &[Transport::Sse],
        (_, true) => &[Transport::WebSocket, Transport::Sse],
        (_, false) => &[Transport::WebSocket],
    };
    assert_eq!(&journal.transports()[3..], expected, "{name}: {journal}");
    grown
}
