//! An event of the response before arrives on a WebSocket that carries the next one. It must neither appear
//! in the next turn's text nor end the next turn: that would be a silent wrong answer.

use std::time::Duration;

use failback::{Mode, Transport};
use failback_peer::{Peer, Turn, What};
use failback_tests::{Adapter, Outcome, Settings, TestClient, collect};
use failback_wire::Request;
use serde_json::{Value, json};

with_every_adapter!(
    a_late_event_before_the_next_response_is_not_delivered,
    a_late_event_within_the_next_response_is_not_delivered,
    an_end_after_an_error_does_not_end_the_retry,
    a_late_event_while_nobody_reads_ends_the_socket,
    a_late_event_may_come_at_any_time,
    a_server_that_says_something_of_its_own_first_keeps_its_socket,
);

fn completed(id: &str) -> Value {
    json!({ "type": "response.completed", "sequence_number": 9, "response": { "id": id, "status": "completed" } })
}

fn failed(id: &str) -> Value {
    json!({ "type": "response.failed", "response": { "id": id, "status": "failed", "error": null } })
}

fn delta(item: &str) -> Value {
    json!({
        "type": "response.output_text.delta", "sequence_number": 8,
        "item_id": item, "output_index": 0, "content_index": 0, "delta": "LATE"
    })
}

/// What a server may send of its first response, `resp_1`, after it has ended.
fn late_events() -> [Value; 5] {
    [
        completed("resp_1"),
        failed("resp_1"),
        delta("msg_1"),
        json!({ "type": "response.in_progress", "response": { "id": "resp_1" } }),
        json!({ "type": "response.output_text.delta", "delta": "LATE, and says no more" }),
    ]
}

fn ask(client: &dyn TestClient, input: &str) -> Outcome {
    collect(client.stream(Request::text("m", input)))
}

fn answers(client: &dyn TestClient, input: &str) {
    let outcome = ask(client, input);
    assert!(outcome.is_complete(), "{input}: {outcome:?}");
    assert_eq!(outcome.text(), format!("echo: {input}"));
}

/// Neither a wait nor a verdict came of it.
fn blames_nobody(peer: &Peer, client: &dyn TestClient) {
    let journal = peer.journal();
    assert_eq!(journal.requests(Transport::Sse), 0, "{journal}");
    assert_eq!(client.policy().mode(), Mode::Preferred);
}

fn a_late_event_before_the_next_response_is_not_delivered(adapter: &dyn Adapter) {
    for late in late_events() {
        let peer = Peer::start();
        peer.push_turn(Transport::WebSocket, Turn::complete());
        peer.push_turn(Transport::WebSocket, Turn::new().then_send(late).then_complete());
        let client = adapter.client(Settings::new(&peer));
        answers(&*client, "one");
        answers(&*client, "two");
        answers(&*client, "three");
        assert_eq!(peer.journal().request_connections(), [1, 1, 2, 2], "{}", peer.journal());
        blames_nobody(&peer, &*client);
    }
}

fn a_late_event_within_the_next_response_is_not_delivered(adapter: &dyn Adapter) {
    // Without an id, nothing tells it from an event of the next response.
    for late in late_events().into_iter().filter(|late| late.to_string().contains("_1")) {
        for begun in [1, 2, 4, 6] {
            let peer = Peer::start();
            peer.push_turn(Transport::WebSocket, Turn::complete());
            peer.push_turn(Transport::WebSocket, Turn::after(begun).then_send(late.clone()).then_complete());
            let client = adapter.client(Settings::new(&peer));
            answers(&*client, "one");
            answers(&*client, "two");
            answers(&*client, "three");
            assert_eq!(peer.journal().request_connections(), [1, 1, 1], "{}", peer.journal());
            blames_nobody(&peer, &*client);
        }
    }
}

fn an_end_after_an_error_does_not_end_the_retry(adapter: &dyn Adapter) {
    for late in [failed("resp_2"), completed("resp_2"), failed("resp_1")] {
        let peer = Peer::start();
        peer.push_turn(Transport::WebSocket, Turn::complete());
        peer.push_turn(Transport::WebSocket, Turn::error(503, "server_is_overloaded", "Busy."));
        peer.push_turn(Transport::WebSocket, Turn::new().then_send(late).then_complete());
        let client = adapter.client(Settings::new(&peer));
        answers(&*client, "one");
        answers(&*client, "two");
        answers(&*client, "three");
        blames_nobody(&peer, &*client);
    }
}

fn a_late_event_while_nobody_reads_ends_the_socket(adapter: &dyn Adapter) {
    for late in late_events() {
        let peer = Peer::start();
        peer.push_turn(Transport::WebSocket, Turn::complete().with_late_event(late, Duration::ZERO));
        let client = adapter.client(Settings::new(&peer));
        answers(&*client, "one");
        peer.wait_for_blocking("the late event", |journal| journal.any(|what| *what == What::LateSent));
        answers(&*client, "two");
        answers(&*client, "three");
        blames_nobody(&peer, &*client);
    }
}

fn a_late_event_may_come_at_any_time(adapter: &dyn Adapter) {
    let peer = Peer::start();
    let client = adapter.client(Settings::new(&peer));
    for (turn, millis) in (0..=20).enumerate() {
        let late = completed(&format!("resp_{}", turn + 1));
        let turn = Turn::complete().with_late_event(late, Duration::from_millis(millis));
        peer.push_turn(Transport::WebSocket, turn);
        answers(&*client, &format!("{millis} ms"));
    }
    blames_nobody(&peer, &*client);
}

fn a_server_that_says_something_of_its_own_first_keeps_its_socket(adapter: &dyn Adapter) {
    let peer = Peer::start();
    let client = adapter.client(Settings::new(&peer));
    for turn in 1..=3 {
        let limits = json!({ "type": "codex.rate_limits", "turn": turn });
        peer.push_turn(Transport::WebSocket, Turn::new().then_send(limits).then_complete());
        let outcome = ask(&*client, "hello");
        assert_eq!(outcome.error.as_ref().map(ToString::to_string), None);
        assert_eq!(outcome.text(), "echo: hello");
        assert_eq!(outcome.events().first().map(|event| event.kind()), Some("codex.rate_limits"));
    }
    assert_eq!(peer.journal().handshakes(), 1);
    blames_nobody(&peer, &*client);
}
