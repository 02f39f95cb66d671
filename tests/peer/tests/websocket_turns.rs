//! Every kind of turn over WebSocket.

mod common;

use std::time::Duration;

use common::{End, Raw, all_gone, hello, hello_ws, names, text};
use failback_peer::{Gate, Peer, Transport, Turn, What};
use serde_json::json;

fn start(turn: Turn) -> (Peer, Raw) {
    let peer = Peer::start();
    peer.push_turn(Transport::WebSocket, turn);
    let mut raw = Raw::upgrade(&peer);
    raw.create(hello_ws());
    (peer, raw)
}

#[test]
fn complete() {
    let (peer, mut raw) = start(Turn::complete());
    let events = raw.ws_turn();
    let delta = "response.output_text.delta";
    let expected = [
        "response.created",
        "response.in_progress",
        "response.output_item.added",
        "response.content_part.added",
        delta,
        delta,
        delta,
        "response.output_text.done",
        "response.content_part.done",
        "response.output_item.done",
        "response.completed",
    ];
    assert_eq!(names(&events), expected);
    assert!(events.iter().enumerate().all(|(i, e)| e["sequence_number"] == i));
    assert_eq!(text(&events), "echo: hello world");
    let response = &events.last().unwrap()["response"];
    assert_eq!(response["id"], "resp_1");
    assert_eq!(response["output"][0]["content"][0]["text"], "echo: hello world");

    let journal = peer.journal();
    assert_eq!(journal.transports(), [Transport::WebSocket], "{journal}");
    assert_eq!(journal.request_bodies(Transport::WebSocket)[0]["input"], "hello world");
    assert!(journal.any(|w| *w == What::Sent { count: 11 }), "{journal}");
    assert!(journal.any(|w| *w == What::TurnDone), "{journal}");
    // The socket serves the next turn.
    raw.create(json!({ "input": [{ "role": "user", "content": "again" }] }));
    let events = raw.ws_turn();
    assert_eq!((text(&events).as_str(), &events[0]["response"]["id"]), ("echo: again", &json!("resp_2")));
    assert_eq!(peer.journal().request_connections(), [1, 1]);
}

#[test]
fn own_text_and_warm_up() {
    let (_peer, mut raw) = start(Turn::text("one two"));
    assert_eq!(text(&raw.ws_turn()), "one two");
    raw.create(json!({ "generate": false, "input": "x" }));
    assert_eq!(names(&raw.ws_turn()), ["response.created", "response.completed"]);
}

#[test]
fn broken_off() {
    let (peer, mut raw) = start(Turn::drop_after(2));
    raw.ws_events(2);
    assert_eq!(raw.end(), End::Eof);
    drop(raw);
    all_gone(&peer);

    let (peer, mut raw) = start(Turn::reset_after(2));
    peer.wait_for_blocking("the reset", |j| j.open_connections() == 0);
    raw.ws_events(2);
    assert_eq!(raw.end(), End::Reset);

    let (peer, mut raw) = start(Turn::close_after(2, 1011));
    raw.ws_events(2);
    assert_eq!(raw.close_code(), 1011);
    assert!(!peer.journal().any(|w| *w == What::TurnDone));
}

#[test]
fn silent() {
    let (peer, mut raw) = start(Turn::stall_after(1));
    raw.ws_events(1);
    raw.send_frame(9, b"there?");
    raw.silent();
    assert!(!peer.journal().any(|w| *w == What::Ping));
    drop(raw);
    all_gone(&peer);

    let (peer, mut raw) = start(Turn::mute_after(1));
    raw.ws_events(1);
    raw.ping();
    raw.ping();
    raw.silent();
    assert_eq!(peer.journal().count(|w| *w == What::Ping), 2);
    drop(raw);
    all_gone(&peer);
}

#[test]
fn mute_but_alive() {
    let (_peer, mut raw) = start(Turn::new().then_mute_but_alive(Duration::from_millis(5)));
    for _ in 0..3 {
        assert_eq!(raw.frame().0, 9);
    }
}

#[test]
fn gates_and_pauses() {
    let (first, last) = (Gate::new(), Gate::new());
    let (_peer, mut raw) = start(Turn::complete().gate_before(1, &first).gate_before(10, &last));
    raw.ws_events(1);
    first.reached_blocking();
    raw.ping();
    raw.silent();
    first.open();
    assert_eq!(raw.ws_event()["type"], "response.in_progress");
    for _ in 0..8 {
        raw.ws_event();
    }
    last.reached_blocking();
    raw.silent();
    last.open();
    assert_eq!(raw.ws_event()["type"], "response.completed");

    let gate = Gate::new();
    let pause = Duration::from_millis(2);
    let (_peer, mut raw) = start(Turn::after(3).then_pause(pause).then_gate(&gate).then_complete());
    raw.ws_events(3);
    gate.open();
    assert_eq!(raw.ws_turn().len(), 8);
}

#[test]
fn other_events() {
    let custom = json!({ "type": "custom", "sequence_number": 2 });
    let (_peer, mut raw) =
        start(Turn::after(2).then_send(custom).then_keep_alive().then_payload("{").then_complete());
    raw.ws_events(3);
    assert_eq!(raw.frame(), (9, b"alive".to_vec()));
    assert_eq!(raw.frame(), (1, b"{".to_vec()));
    assert_eq!(raw.ws_turn().last().unwrap()["type"], "response.completed");
}

#[test]
fn other_endings() {
    let (_peer, mut raw) = start(Turn::incomplete());
    let events = raw.ws_turn();
    assert_eq!(events.last().unwrap()["response"]["incomplete_details"]["reason"], "max_output_tokens");

    let (_peer, mut raw) = start(Turn::failed("server_error"));
    let events = raw.ws_turn();
    assert_eq!(names(&events), ["response.created", "response.in_progress", "response.failed"]);
    assert_eq!(events[2]["response"]["error"]["code"], "server_error");

    let (peer, mut raw) = start(Turn::error(429, "rate_limit_exceeded", "Slow down."));
    let error = raw.ws_event();
    assert_eq!((&error["type"], &error["status"]), (&json!("error"), &json!(429)));
    assert_eq!(error["error"]["code"], "rate_limit_exceeded");
    // Only the turn is over.
    raw.create(hello_ws());
    assert_eq!(text(&raw.ws_turn()), "echo: hello world");
    assert_eq!(peer.journal().busy(), 0);

    let (_peer, mut raw) = start(Turn::status(503).header("retry-after", "3"));
    let error = raw.ws_event();
    assert_eq!((&error["status"], &error["headers"]["retry-after"]), (&json!(503), &json!("3")));

    let (_peer, mut raw) = start(Turn::html());
    assert!(raw.frame().1.starts_with(b"<!doctype html>"));

    let (_peer, mut raw) = start(Turn::connection_limit_after(2));
    raw.ws_events(2);
    assert_eq!(raw.ws_event()["error"]["code"], "websocket_connection_limit_reached");
    assert_eq!(raw.close_code(), 1000);
}

#[test]
fn broken_frames() {
    let (_peer, mut raw) = start(Turn::after(1).then_raw(*b"\xff\xff\xff\xff"));
    raw.ws_events(1);
    assert_eq!(raw.bytes(4), b"\xff\xff\xff\xff");

    let (_peer, mut raw) = start(Turn::after(1).then_binary(*b"\x00\x01"));
    raw.ws_events(1);
    assert_eq!(raw.frame(), (2, b"\x00\x01".to_vec()));
}

#[test]
fn endless() {
    let (peer, mut raw) = start(Turn::new().then_endless_frame(1 << 30));
    assert_eq!(raw.bytes(10), failback_peer::frame_header(1, 1 << 30));
    raw.bytes(100_000);
    drop(raw);
    let journal = all_gone(&peer);
    let bounded = |w: &What| matches!(w, What::Streamed { bytes } if *bytes <= 64 << 20);
    assert!(journal.any(bounded), "{journal}");

    let (peer, mut raw) = start(Turn::new().then_endless_line());
    assert_eq!(raw.frame().0, 1);
    assert_eq!(raw.frame().0, 0);
    assert_eq!(raw.frame().1.len(), 16 * 1024);
    drop(raw);
    assert!(all_gone(&peer).any(bounded));
}

#[test]
fn an_endless_frame_is_bounded() {
    let (peer, mut raw) = start(Turn::new().then_endless_frame(1 << 40));
    raw.bytes(10);
    for _ in 0..64 {
        raw.bytes(1 << 20);
    }
    assert!(peer.journal().any(|w| *w == What::Streamed { bytes: 64 << 20 }));
    raw.ping();
}

#[test]
fn a_second_request_is_one_too_many() {
    let gate = Gate::new();
    let (peer, mut raw) = start(Turn::complete().gate_before(2, &gate));
    raw.ws_events(2);
    raw.create(hello_ws());
    assert_eq!(raw.ws_event()["error"]["code"], "response_in_progress");
    gate.open();
    assert_eq!(raw.ws_turn().len(), 9);
    let journal = peer.journal();
    assert_eq!((journal.busy(), journal.requests(Transport::WebSocket)), (1, 1), "{journal}");
}

#[test]
fn only_the_connection_that_completed_a_response_continues_it() {
    let (peer, mut raw) = start(Turn::complete());
    raw.ws_turn();
    let next = json!({ "input": "more", "previous_response_id": "resp_1" });
    raw.create(next.clone());
    assert_eq!(text(&raw.ws_turn()), "echo: more");
    let mut other = Raw::upgrade(&peer);
    other.create(next.clone());
    let error = other.ws_event();
    assert_eq!(
        (&error["status"], &error["error"]["code"]),
        (&json!(400), &json!("previous_response_not_found"))
    );
    other.create(hello_ws());
    assert_eq!(text(&other.ws_turn()), "echo: hello world");
    assert_eq!(peer.journal().bad_requests().len(), 1);
}

#[test]
fn bad_messages_are_answered_and_use_nothing_up() {
    let peer = Peer::start();
    peer.push_turn(Transport::WebSocket, Turn::text("the pushed one"));
    let mut raw = Raw::upgrade(&peer);
    raw.send_frame(1, b"not json");
    raw.send_frame(1, b"{\"type\":\"response.cancel\"}");
    raw.create(hello());
    raw.send_frame(1, b"[]");
    for _ in 0..4 {
        assert_eq!(raw.ws_event()["error"]["type"], "invalid_request_error");
    }
    raw.create(hello_ws());
    assert_eq!(text(&raw.ws_turn()), "the pushed one");
    assert_eq!(peer.journal().bad_requests().len(), 4);
}

#[test]
fn broken_clients_are_closed() {
    let peer = Peer::start();
    let mut unmasked = Raw::upgrade(&peer);
    unmasked.send(&failback_peer::text_frame("{}"));
    assert_eq!(unmasked.close_code(), 1002);
    let mut binary = Raw::upgrade(&peer);
    binary.send_frame(2, b"{}");
    assert_eq!(binary.close_code(), 1003);
    let mut continuation = Raw::upgrade(&peer);
    continuation.send_frame(0, b"{}");
    assert_eq!(continuation.close_code(), 1002);
}

#[test]
fn a_large_message_is_closed_with_1009() {
    let peer = Peer::start();
    peer.max_ws_message(1000);
    let mut raw = Raw::upgrade(&peer);
    raw.create(hello_ws());
    raw.ws_turn();
    raw.create(json!({ "input": "x".repeat(2_000_000) }));
    assert_eq!(raw.close_code(), 1009);
    assert!(peer.journal().any(|w| *w == What::CloseSent { code: 1009 }));
}

#[test]
fn a_close_is_answered() {
    let peer = Peer::start();
    let mut raw = Raw::upgrade(&peer);
    raw.send_frame(8, &1000u16.to_be_bytes());
    assert_eq!(raw.close_code(), 1000);
    assert_eq!(raw.end(), End::Eof);
    drop(raw);
    let journal = all_gone(&peer);
    assert!(journal.any(|w| *w == What::CloseReceived { code: 1000 }), "{journal}");
}
