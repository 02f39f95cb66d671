//! Whatever a server sends, a client takes a bounded amount of memory. A test binary of its own, and one test: memory is
//! measured for a whole process, and only Linux tells the peak since a moment of one's choice.
#![cfg(target_os = "linux")]

use std::fs;
use std::time::Duration;

use failback::{Config, Transport};
use failback_peer::{Handshake, Peer, Turn};
use failback_tests::{Adapter, Settings, adapters, collect};
use failback_wire::{Limits, Request};

/// Events of at most 256 KiB instead of 16 MiB, so that what is not bounded by it stands out.
const LIMIT: usize = 256 * 1024;
/// What is being read, a copy of it, and what the allocator makes of both. The peer would send 64 MiB.
const GROWTH: usize = 4 * LIMIT;

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
    }
}

fn memory_is_bounded(adapter: &dyn Adapter) {
    for (index, case) in cases().into_iter().enumerate() {
        let name = case.name;
        // What the kernel and the allocator add is some megabytes now and then; what is not bounded is so each time.
        let again = (0..2).filter_map(|_| cases().into_iter().nth(index));
        let grown = std::iter::once(case)
            .chain(again)
            .map(|case| growth(adapter, case))
            .find(|grown| *grown < GROWTH);
        assert!(grown.is_some(), "{name}, with {}", adapter.name());
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
    let before = start_measuring();
    let outcome = collect(client.stream(Request::text("m", "hi")));
    let grown = peak().saturating_sub(before);
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

/// Forgets the peak so far. How much memory is in use now, in bytes.
fn start_measuring() -> usize {
    fs::write("/proc/self/clear_refs", "5").expect("a peak that can be reset");
    status("VmRSS:")
}

/// The most memory that was in use since, in bytes.
fn peak() -> usize {
    status("VmHWM:")
}

fn status(key: &str) -> usize {
    let status = fs::read_to_string("/proc/self/status").expect("Linux");
    let line = status.lines().find_map(|line| line.strip_prefix(key)).expect("the line");
    let kib: usize = line.trim().trim_end_matches(" kB").parse().expect("a number");
    kib * 1024
}
