//! Answers that are no event stream by their status or their header, or end, begin or go on otherwise than they
//! should.

use std::time::{Duration, Instant};

use failback::{Blame, Config, Transport};
use failback_peer::Turn;
use failback_tests::{Adapter, Outcome, Settings, strict};
use failback_wire::Limits;

use crate::common::{expect_echo, peer_on, turn};

with_every_adapter!(
    d22_a_stream_without_a_content_type_streams,
    d22_something_else_without_a_content_type_is_the_networks,
    d23_a_body_may_end_without_the_last_blank_line,
    d24_a_response_that_is_done_ends_by_its_status,
    d28_done_is_the_end_whether_or_not_the_body_ends,
    d29_the_name_of_an_event_stands_in_for_its_type,
    d30_a_whole_response_is_delivered_as_its_last_event,
    d31_nothing_is_awaited_after_a_switch_of_protocols,
);

const DELTA: &str = r#"{"type":"response.output_text.delta","delta":"echo: hello"}"#;
const COMPLETED: &str = r#"{"type":"response.completed","response":{"id":"r","status":"completed"}}"#;

/// A turn whose answer is these bytes after the status line, and whose body then ends.
fn answered(adapter: &dyn Adapter, head: &str, body: &str) -> (failback_peer::Peer, Outcome) {
    let peer = peer_on(Transport::Sse);
    let answer = format!("HTTP/1.1 200 OK\r\n{head}content-length: {}\r\n\r\n{body}", body.len());
    peer.set_turn(Transport::Sse, Turn::no_headers().then_raw(answer));
    let config = Config::new().with_stream_max_retries(0);
    let outcome = turn(&*adapter.client(Settings::new(&peer).config(config)));
    (peer, outcome)
}

const STREAM: &str = "content-type: text/event-stream\r\n";

fn d22_a_stream_without_a_content_type_streams(adapter: &dyn Adapter) {
    for head in ["", "content-type:\r\n", "content-type: application/json\r\n"] {
        for begin in ["", ": hello\n\n", "\r\n"] {
            let body = format!("{begin}data: {DELTA}\n\ndata: {COMPLETED}\n\n");
            let (peer, outcome) = answered(adapter, head, &body);
            expect_echo(&outcome, &peer, Transport::Sse, 1);
        }
    }
}

fn d22_something_else_without_a_content_type_is_the_networks(adapter: &dyn Adapter) {
    let (_, outcome) = answered(adapter, "", "<!doctype html><p>Sign in.</p>");
    let error = outcome.error.expect("an error");
    assert_eq!(error.attempts()[1].blame(), Some(Blame::Network), "{error}");
    assert!(error.to_string().contains("without a content type"), "{error}");
}

fn d23_a_body_may_end_without_the_last_blank_line(adapter: &dyn Adapter) {
    for end in ["", "\n", "\r\n"] {
        let (peer, outcome) = answered(adapter, STREAM, &format!("data: {DELTA}\n\ndata: {COMPLETED}{end}"));
        expect_echo(&outcome, &peer, Transport::Sse, 1);
        assert_eq!(outcome.events().last().map(|event| event.kind()), Some("response.completed"));
    }
    // Not if the event is cut, nor if it is not the last, nor if the body is cut.
    let cut = &COMPLETED[..COMPLETED.len() - 1];
    for body in [format!("data: {DELTA}\n\ndata: {cut}"), format!("data: {DELTA}\n\ndata: {DELTA}")] {
        let (_, outcome) = answered(adapter, STREAM, &body);
        assert!(outcome.error.is_some(), "{outcome:?}");
    }
    let peer = peer_on(Transport::Sse);
    let body = format!("data: {DELTA}\n\ndata: {COMPLETED}\n");
    peer.set_turn(Transport::Sse, Turn::new().then_payload(body).then_drop());
    assert!(turn(&*adapter.client(Settings::new(&peer))).error.is_some());
}

fn d24_a_response_that_is_done_ends_by_its_status(adapter: &dyn Adapter) {
    for transport in [Transport::WebSocket, Transport::Sse] {
        for (status, kind) in [("completed", Some("r")), ("incomplete", Some("r")), ("failed", None)] {
            let peer = peer_on(transport);
            let done = format!(r#"{{"type":"response.done","response":{{"id":"r","status":"{status}"}}}}"#);
            let framed = |json: &str| match transport {
                Transport::Sse => format!("data: {json}\n\n"),
                Transport::WebSocket => json.to_owned(),
            };
            // Nothing closes it.
            let script = Turn::new().then_payload(framed(DELTA)).then_payload(framed(&done)).then_mute();
            peer.push_turn(transport, script);
            let client = adapter.client(Settings::new(&peer));
            let outcome = turn(&*client);
            expect_echo(&outcome, &peer, transport, 1);
            let last = outcome.events().into_iter().last().expect("an event").clone();
            assert_eq!(
                last.terminal() == Some(failback_wire::Terminal::Completed),
                kind.is_some(),
                "{status}"
            );
        }
    }
}

fn d28_done_is_the_end_whether_or_not_the_body_ends(adapter: &dyn Adapter) {
    for transport in [Transport::WebSocket, Transport::Sse] {
        let peer = peer_on(transport);
        let done = if transport == Transport::Sse { "data: [DONE]\n\n" } else { "[DONE]" };
        peer.push_turn(transport, Turn::after(2).then_payload(done).then_mute());
        let client = adapter.client(Settings::new(&peer));
        let begun = Instant::now();
        expect_echo(&turn(&*client), &peer, transport, 2);
        assert!(begun.elapsed() < Duration::from_secs(10));

        // After output there is no other try, but the caller is told at once.
        peer.push_turn(transport, Turn::after(5).then_payload(done).then_mute());
        let error = turn(&*client).error.expect("an error");
        assert!(error.to_string().contains("ended in mid-stream, without a final event"), "{error}");
        assert!(begun.elapsed() < Duration::from_secs(10));
    }
}

fn d29_the_name_of_an_event_stands_in_for_its_type(adapter: &dyn Adapter) {
    let body = "event: response.created\ndata: {\"sequence_number\":\"0\",\"response\":{\"id\":\"r\"}}\n\n\
                event: response.output_text.delta\n\
                data: {\"type\":\"response.output_text.delta\",\"sequence_number\":-1,\"delta\":\"echo: \"}\n\n\
                data: {\"type\":\"response.output_text.delta\",\"sequence_number\":0.0,\"delta\":\"hello\"}\n\n\
                event: response.completed\n\
                data: {\"sequence_number\":1,\"sequence_number\":2,\"response\":{\"id\":\"r\"}}\n\n";
    let (peer, outcome) = answered(adapter, STREAM, body);
    expect_echo(&outcome, &peer, Transport::Sse, 1);
    let kinds: Vec<_> = outcome.events().iter().map(|event| event.kind().to_owned()).collect();
    assert_eq!((kinds[0].as_str(), kinds[3].as_str()), ("response.created", "response.completed"));
}

fn d30_a_whole_response_is_delivered_as_its_last_event(adapter: &dyn Adapter) {
    let json = r#"{
        "id": "resp_1", "object": "response", "status": "completed", "error": null,
        "output": [{"type": "message", "content": [{"type": "output_text", "text": "{hello}"}]}]
    }"#;
    for head in ["content-type: application/json\r\n", STREAM, ""] {
        let (peer, outcome) = answered(adapter, head, json);
        assert!(outcome.is_complete(), "{outcome:?}");
        assert_eq!(peer.journal().requests(Transport::Sse), 1);
        let [event] = outcome.events()[..] else { panic!("{outcome:?}") };
        assert_eq!((event.kind(), event.response_id()), ("response.completed", Some("resp_1")));
        let sent: serde_json::Value = serde_json::from_str(json).expect("JSON");
        let delivered: serde_json::Value = serde_json::from_str(event.json()).expect("JSON");
        assert_eq!(delivered["response"], sent);
    }
}

/// One adapter took it for an interim answer, and waited for another one until the idle limit.
fn d31_nothing_is_awaited_after_a_switch_of_protocols(adapter: &dyn Adapter) {
    let peer = peer_on(Transport::Sse);
    let head = "HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: websocket\r\n\r\n";
    peer.set_turn(Transport::Sse, Turn::no_headers().then_raw(head).then_stall());
    let limits = Limits::new().with_idle_timeout(Duration::from_secs(20));
    let error = turn(&*adapter.client(Settings::new(&peer).config(strict()).limits(limits))).error;
    let error = error.expect("an error").to_string();
    assert!(error.contains("101 Switching Protocols"), "{error}");
}
