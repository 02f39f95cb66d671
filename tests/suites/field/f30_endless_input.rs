//! An endless line, an endless event, a frame of a gigabyte: a client that took whatever came. How much
//! memory it takes is measured in a suite of its own.

use std::time::Duration;

use failback::{Blame, Config, GiveUp, Mode, Stage, Transport};
use failback_peer::{Handshake, Journal, Peer, Turn, What};
use failback_tests::{Adapter, Outcome, Settings, TestClient, collect};
use failback_wire::{Limits, Request};

with_every_adapter!(
    endless_fragments_move_the_turn_to_sse,
    a_frame_of_a_gigabyte_moves_the_turn_to_sse,
    endless_lines_and_events_end_a_turn_over_sse,
    both_without_end_are_an_error_that_names_both,
    an_endless_error_body_is_cut_short,
    an_endless_head_is_refused,
    what_is_within_the_limit_is_delivered_whole,
);

/// Events of at most 256 KiB instead of 16 MiB.
const LIMIT: usize = 256 * 1024;
/// More than what is on the way when a client stops reading, and less than what the peer would send.
const UNREAD: u64 = 32 * 1024 * 1024;

fn client(peer: &Peer, adapter: &dyn Adapter) -> Box<dyn TestClient> {
    adapter.client(settings(peer).config(patient()))
}

fn settings(peer: &Peer) -> Settings {
    Settings::new(peer).limits(Limits::new().with_max_message_bytes(LIMIT))
}

/// No handshake is left because the machine is busy: here peers send as much as they can.
fn patient() -> Config {
    Config::new().with_head_start(Duration::from_secs(20))
}

fn request() -> Request {
    Request::text("m", "hello world")
}

/// The client closed on what had no end, long before it would have ended.
fn expect_closed(peer: &Peer, count: usize) -> Journal {
    let is_over = |journal: &Journal| streamed(journal).len() >= count;
    let journal = peer.wait_for_blocking("the client to close", is_over);
    assert!(streamed(&journal).iter().all(|bytes| *bytes < UNREAD), "{journal}");
    journal
}

fn streamed(journal: &Journal) -> Vec<u64> {
    let bytes = journal.entries().filter_map(|entry| match entry.what {
        // Over SSE the beginning of the line is counted apart.
        What::Streamed { bytes } if bytes != 6 => Some(bytes),
        _ => None,
    });
    bytes.collect()
}

fn expect_moved(outcome: &Outcome, peer: &Peer, client: &dyn TestClient) {
    assert!(outcome.is_complete(), "{outcome:?}");
    assert_eq!(outcome.text(), "echo: hello world");
    assert_eq!(outcome.moves(), [Transport::Sse]);
    let journal = expect_closed(peer, 1);
    assert_eq!(journal.handshakes(), 1, "{journal}");
    assert_eq!(journal.transports(), [Transport::WebSocket, Transport::Sse], "{journal}");
    // Only this turn moves.
    assert_eq!(client.policy().mode(), Mode::Preferred);
    let outcome = collect(client.stream(request()));
    assert!(outcome.is_complete(), "{outcome:?}");
    assert_eq!(outcome.moves(), [Transport::WebSocket]);
}

fn endless_fragments_move_the_turn_to_sse(adapter: &dyn Adapter) {
    let peer = Peer::start();
    let client = client(&peer, adapter);
    peer.push_turn(Transport::WebSocket, Turn::new().then_endless_event());
    expect_moved(&collect(client.stream(request())), &peer, &*client);
}

fn a_frame_of_a_gigabyte_moves_the_turn_to_sse(adapter: &dyn Adapter) {
    let peer = Peer::start();
    let client = client(&peer, adapter);
    peer.push_turn(Transport::WebSocket, Turn::new().then_endless_frame(1 << 30));
    expect_moved(&collect(client.stream(request())), &peer, &*client);
}

fn endless_lines_and_events_end_a_turn_over_sse(adapter: &dyn Adapter) {
    let peer = Peer::start();
    peer.set_handshake(Handshake::status(403));
    let client = client(&peer, adapter);
    let outcome = collect(client.stream(request()));
    assert!(outcome.is_complete(), "{outcome:?}");
    let mode = client.policy().mode();

    let endless: [fn(Turn) -> Turn; 3] =
        [Turn::then_endless_line, Turn::then_endless_event, |turn| turn.then_endless_frame(1 << 30)];
    for (number, endless) in (1..).zip(endless) {
        peer.push_turn(Transport::Sse, endless(Turn::after(2)));
        let outcome = collect(client.stream(request()));
        let error = outcome.error.as_ref().expect("an error");
        assert_eq!(error.give_up(), GiveUp::NotRetryable, "{error}");
        let [attempt] = error.attempts() else { panic!("more than one attempt: {error}") };
        let expected = (Transport::Sse, Stage::Streaming, Some(Blame::Payload));
        assert_eq!((attempt.transport(), attempt.stage(), attempt.blame()), expected, "{error}");
        assert!(error.to_string().contains(&format!("the limit of {LIMIT} bytes")), "{error}");
        assert_eq!(outcome.events().len(), 2, "{outcome:?}");
        let journal = expect_closed(&peer, number);
        assert_eq!(journal.requests(Transport::Sse), 1 + number, "{journal}");
        assert_eq!(journal.handshakes(), 1, "{journal}");
    }
    assert_eq!(client.policy().mode(), mode);
}

fn both_without_end_are_an_error_that_names_both(adapter: &dyn Adapter) {
    let peer = Peer::start();
    peer.set_turn(Transport::WebSocket, Turn::new().then_endless_frame(1 << 30));
    peer.set_turn(Transport::Sse, Turn::new().then_endless_line());
    let client = client(&peer, adapter);
    let outcome = collect(client.stream(request()));
    let error = outcome.error.as_ref().expect("an error");
    assert_eq!(error.give_up(), GiveUp::NotRetryable, "{error}");
    let attempts: Vec<_> = error
        .attempts()
        .iter()
        .map(|attempt| (attempt.transport(), attempt.stage(), attempt.blame()))
        .collect();
    let open = |transport| (transport, Stage::Open, Some(Blame::Payload));
    assert_eq!(attempts, [open(Transport::WebSocket), open(Transport::Sse)], "{error}");
    assert!(
        error.attempts().iter().all(|attempt| attempt.text().contains("than the size limit allows")),
        "{error}"
    );
    let journal = expect_closed(&peer, 2);
    assert_eq!(journal.transports(), [Transport::WebSocket, Transport::Sse], "{journal}");
    assert_eq!(client.policy().mode(), Mode::Preferred);
}

/// The head of an answer by hand, and then a body of one chunk that never ends.
fn endless_body(status: &str) -> Turn {
    let head = format!("HTTP/1.1 {status}\r\ncontent-type: text/plain\r\ntransfer-encoding: chunked\r\n\r\n");
    Turn::no_headers().then_raw(head).then_endless_line()
}

fn an_endless_error_body_is_cut_short(adapter: &dyn Adapter) {
    let peer = Peer::start();
    let body = "no ".repeat(4 * 1024 * 1024);
    peer.set_handshake(Handshake::Status { code: 403, headers: Vec::new(), body });
    peer.set_turn(Transport::Sse, endless_body("400 Bad Request"));
    let client = client(&peer, adapter);
    let outcome = collect(client.stream(request()));
    let error = outcome.error.as_ref().expect("an error");
    assert_eq!(error.give_up(), GiveUp::NotRetryable, "{error}");
    let [upgrade, answer] = error.attempts() else { panic!("not two attempts: {error}") };
    assert!(upgrade.text().contains("HTTP 403 Forbidden: no no no"), "{error}");
    assert!(answer.text().contains("HTTP 400 Bad Request: data: xxxxx"), "{error}");
    // The beginning says it all, however it arrives.
    assert!(error.to_string().len() < 8 * 1024, "{error}");
    let journal = expect_closed(&peer, 1);
    assert_eq!((journal.handshakes(), journal.transports()), (1, vec![Transport::Sse]), "{journal}");
    assert_eq!(client.policy().mode(), Mode::Preferred);
}

fn an_endless_head_is_refused(adapter: &dyn Adapter) {
    let peer = Peer::start();
    let mut head = b"HTTP/1.1 101 Switching Protocols\r\nx-endless: ".to_vec();
    head.resize(4 * 1024 * 1024, b'x');
    peer.set_handshake(Handshake::Garbage(head));
    peer.set_turn(
        Transport::Sse,
        Turn::no_headers().then_raw(*b"HTTP/1.1 200 OK\r\nx-endless: ").then_endless_line(),
    );
    // One retry is enough to see that it is one of those.
    let client = adapter.client(settings(&peer).config(patient().with_stream_max_retries(1)));
    let outcome = collect(client.stream(request()));
    let error = outcome.error.as_ref().expect("an error");
    assert_eq!(error.give_up(), GiveUp::AttemptsExhausted, "{error}");
    let stages: Vec<_> = error
        .attempts()
        .iter()
        .map(|attempt| (attempt.transport(), attempt.stage(), attempt.blame()))
        .collect();
    let transport = Some(Blame::Transport);
    let sse = (Transport::Sse, Stage::Open, transport);
    assert_eq!(stages, [(Transport::WebSocket, Stage::Connecting, transport), sse, sse], "{error}");
    assert!(
        error.attempts().iter().all(|attempt| attempt.text().contains("message head is too large")),
        "{error}"
    );
    let journal = expect_closed(&peer, 2);
    assert_eq!((journal.handshakes(), journal.transports()), (1, vec![Transport::Sse; 2]), "{journal}");
    assert_eq!(client.policy().mode(), Mode::Preferred);
}

fn what_is_within_the_limit_is_delivered_whole(adapter: &dyn Adapter) {
    let peer = Peer::start();
    let client = client(&peer, adapter);
    // Four events carry the whole of it, so this is the largest that fits.
    let text = "x".repeat(LIMIT - 1024);
    peer.set_turn(Transport::WebSocket, Turn::text(text.clone()));
    peer.set_turn(Transport::Sse, Turn::text(text.clone()));
    let outcome = collect(client.stream(request()));
    assert!(outcome.is_complete(), "{:?}", outcome.error);
    assert!(outcome.text() == text);
    client.handle_network_change();
    peer.set_handshake(Handshake::status(403));
    let outcome = collect(client.stream(request()));
    assert!(outcome.is_complete(), "{:?}", outcome.error);
    assert!(outcome.text() == text);
    assert_eq!(peer.journal().transports(), [Transport::WebSocket, Transport::Sse]);
}
