//! Every kind of turn over Server-Sent Events.

mod common;

use std::time::Duration;

use common::{End, Raw, all_gone, hello, names, text};
use failback_peer::{Gate, Peer, Transport, Turn, What};
use serde_json::json;

fn peer(turn: Turn) -> Peer {
    let peer = Peer::start();
    peer.push_turn(Transport::Sse, turn);
    peer
}

#[test]
fn complete_and_keep_alive() {
    let peer = Peer::start();
    let mut raw = Raw::stream(&peer);
    let events = raw.sse_turn();
    assert_eq!(events.len(), 11);
    assert_eq!(text(&events), "echo: hello world");
    raw.post(&hello());
    raw.stream_head();
    assert_eq!(raw.sse_turn()[0]["response"]["id"], "resp_2");
    let journal = peer.journal();
    assert_eq!(journal.transports(), [Transport::Sse; 2], "{journal}");
    assert_eq!(journal.request_connections(), [1, 1]);
}

#[test]
fn chunked_requests_and_expect() {
    let peer = Peer::start();
    let mut raw = Raw::connect(&peer);
    let body = hello().to_string();
    let (left, right) = body.split_at(9);
    raw.send(b"POST /v1/responses HTTP/1.1\r\nAccept: text/event-stream\r\nExpect: 100-continue\r\n");
    raw.send(b"Transfer-Encoding: chunked\r\n\r\n");
    assert_eq!(raw.head().0, 100);
    raw.send(
        format!("{:x}\r\n{left}\r\n{:X};ext=1\r\n{right}\r\n0\r\n\r\n", left.len(), right.len()).as_bytes(),
    );
    raw.stream_head();
    assert_eq!(text(&raw.sse_turn()), "echo: hello world");
}

#[test]
fn broken_off() {
    let drop_peer = peer(Turn::drop_after(2));
    let mut raw = Raw::stream(&drop_peer);
    raw.sse_events(2);
    assert_eq!(raw.end(), End::Eof);
    drop(raw);
    all_gone(&drop_peer);

    let reset_peer = peer(Turn::reset_after(2));
    let mut raw = Raw::ask(&reset_peer);
    reset_peer.wait_for_blocking("the reset", |j| j.connections() == 1 && j.open_connections() == 0);
    raw.stream_head();
    raw.sse_events(2);
    assert_eq!(raw.end(), End::Reset);

    // Properly ended, but without a terminal event: the connection lives on.
    let close_peer = peer(Turn::close_after(2, 1000));
    let mut raw = Raw::stream(&close_peer);
    raw.sse_events(2);
    assert_eq!(raw.chunk(), "");
    raw.post(&hello());
    raw.stream_head();
    raw.sse_turn();
}

#[test]
fn silent() {
    for turn in [Turn::stall_after(1), Turn::mute_after(1), Turn::after(1)] {
        let peer = peer(turn);
        let mut raw = Raw::stream(&peer);
        raw.sse_events(1);
        raw.silent();
        drop(raw);
        all_gone(&peer);
    }
}

#[test]
fn no_headers() {
    let peer = peer(Turn::no_headers());
    let mut raw = Raw::ask(&peer);
    peer.wait_for_blocking("the request", |j| j.requests(Transport::Sse) == 1);
    raw.silent();
    drop(raw);
    all_gone(&peer);
}

#[test]
fn headers_that_wait() {
    let gate = Gate::new();
    let late = peer(Turn::new().then_gate(&gate).then_complete());
    let mut raw = Raw::ask(&late);
    gate.reached_blocking();
    raw.silent();
    gate.open();
    raw.stream_head();
    raw.sse_turn();

    let gate = Gate::new();
    let early = peer(Turn::new().then_headers().then_gate(&gate).then_complete());
    let mut raw = Raw::stream(&early);
    raw.silent();
    gate.open();
    raw.sse_turn();
}

#[test]
fn comments() {
    let one = peer(Turn::after(1).then_keep_alive().then_complete());
    let mut raw = Raw::stream(&one);
    raw.sse_events(1);
    assert_eq!(raw.chunk(), ": keep-alive\n\n");
    assert_eq!(raw.sse_turn().len(), 10);

    let many = peer(Turn::new().then_mute_but_alive(Duration::from_millis(5)));
    let mut raw = Raw::stream(&many);
    for _ in 0..3 {
        assert_eq!(raw.chunk(), ": keep-alive\n\n");
    }
}

#[test]
fn answers_that_are_not_streams() {
    let busy = peer(Turn::status(429).header("Retry-After", "2"));
    let mut raw = Raw::ask(&busy);
    let (status, headers) = raw.head();
    assert_eq!(status, 429);
    assert!(headers.contains(&"Retry-After: 2".to_owned()), "{headers:?}");
    assert_eq!(busy.journal().refusals(), [429]);

    let portal = peer(Turn::html());
    let mut raw = Raw::ask(&portal);
    let (status, headers) = raw.head();
    assert_eq!(status, 200);
    assert!(headers.contains(&"content-type: text/html; charset=utf-8".to_owned()), "{headers:?}");

    let own = peer(Turn::status(500).header("Content-Type", "text/plain").body("oops"));
    assert_eq!(Raw::ask(&own).answer(), (500, "oops".to_owned()));

    let garbage = peer(Turn::no_headers().then_raw(*b"SSH-2.0\r\n"));
    assert_eq!(Raw::ask(&garbage).line(), "SSH-2.0");
}

#[test]
fn other_endings() {
    let incomplete = peer(Turn::incomplete());
    let events = Raw::stream(&incomplete).sse_turn();
    assert_eq!(events.last().unwrap()["type"], "response.incomplete");

    let failed = peer(Turn::failed("server_error"));
    let events = Raw::stream(&failed).sse_turn();
    assert_eq!(names(&events), ["response.created", "response.in_progress", "response.failed"]);

    let error = peer(Turn::after(1).then_error(503, "server_is_overloaded", "Busy."));
    let events = Raw::stream(&error).sse_turn();
    assert_eq!(events[1]["error"]["message"], "Busy.");
    assert!(error.journal().any(|w| *w == What::TurnDone));
}

#[test]
fn odd_bodies() {
    let odd = peer(
        Turn::new().then_payload("").then_payload("\u{feff}data: x\r\n\r\n").then_binary(*b"data: y\r\r"),
    );
    let mut raw = Raw::stream(&odd);
    assert_eq!(raw.chunk(), "\u{feff}data: x\r\n\r\n");
    assert_eq!(raw.chunk(), "data: y\r\r");

    let broken = peer(Turn::after(1).then_raw(*b"zz\r\n"));
    let mut raw = Raw::stream(&broken);
    raw.sse_events(1);
    assert_eq!(raw.line(), "zz");
}

#[test]
fn endless() {
    let line = peer(Turn::new().then_endless_line());
    let mut raw = Raw::stream(&line);
    raw.line();
    assert!(raw.bytes(100_000).starts_with(b"data: xxxx"));
    drop(raw);
    assert!(all_gone(&line).any(|w| matches!(w, What::Streamed { .. })));

    let event = peer(Turn::new().then_endless_event());
    let mut raw = Raw::stream(&event);
    raw.line();
    let body = String::from_utf8(raw.bytes(100_000)).unwrap();
    assert!(body.matches("\ndata: ").count() > 10);
    assert!(!body.contains("\n\n"));
    drop(raw);
    all_gone(&event);

    let frame = peer(Turn::new().then_endless_frame(1 << 30));
    let mut raw = Raw::stream(&frame);
    assert_eq!(raw.line(), "40000000");
}

#[test]
fn bad_requests_are_answered_and_use_nothing_up() {
    let peer = peer(Turn::text("the pushed one"));
    let mut raw = Raw::connect(&peer);
    let ask = |raw: &mut Raw, line: &str, body: &str| {
        let head = format!("{line} HTTP/1.1\r\nAccept: text/event-stream\r\nContent-Length: {}", body.len());
        raw.send(format!("{head}\r\n\r\n{body}").as_bytes());
        raw.answer()
    };
    assert_eq!(ask(&mut raw, "POST /v1/other", "{}").0, 404);
    assert_eq!(ask(&mut raw, "GET /v1/responses", "").0, 405);
    assert_eq!(ask(&mut raw, "POST /v1/responses", "nonsense").0, 400);
    assert_eq!(ask(&mut raw, "POST /v1/responses", "{}").0, 400);
    let (status, body) =
        ask(&mut raw, "POST /v1/responses", "{\"stream\":true,\"previous_response_id\":\"resp_0\"}");
    assert_eq!(status, 400);
    let body: serde_json::Value = serde_json::from_str(&body).unwrap();
    assert_eq!(body["error"]["code"], json!("previous_response_not_found"));
    assert_eq!(peer.journal().bad_requests().len(), 5);
    raw.post(&hello());
    raw.stream_head();
    assert_eq!(text(&raw.sse_turn()), "the pushed one");
}

#[test]
fn nonsense_is_refused() {
    let peer = Peer::start();
    let mut raw = Raw::connect(&peer);
    raw.send(b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03");
    assert_eq!(raw.answer().0, 400);
    let mut raw = Raw::connect(&peer);
    raw.send(b"POST /v1/responses HTTP/1.1\r\nContent-Length: 99999999999\r\n\r\n");
    assert_eq!(raw.answer().0, 413);
    let mut raw = Raw::connect(&peer);
    raw.send(b"POST /v1/responses HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nffffffffffffffff\r\n");
    assert_eq!(raw.answer().0, 413);
}
