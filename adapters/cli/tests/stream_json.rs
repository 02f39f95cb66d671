//! `failback stream --json`: one object a line, for each thing that happens.

mod common;

use common::{ADAPTERS, command, failback, file, finish};
use failback_peer::{Handshake, Peer, Transport, Turn};
use serde_json::json;

#[test]
fn healthy_turns_go_over_one_websocket() {
    for adapter in ADAPTERS {
        healthy_turns_go_over_one_websocket_on(adapter);
    }
}

fn healthy_turns_go_over_one_websocket_on(adapter: &str) {
    let peer = Peer::start();
    let run = failback(&[
        "stream",
        "--adapter",
        adapter,
        "--url",
        &peer.url(),
        "--turns",
        "2",
        "--pause-ms",
        "20",
        "--json",
    ])
    .exits_with(0);
    assert_eq!(run.err, "");
    assert_eq!(run.kinds(), ["attempt", "event", "end", "attempt", "event", "end", "summary"]);
    for (attempt, turn) in run.of_kind("attempt").iter().zip(1..) {
        assert_eq!(attempt["turn"], turn);
        assert_eq!([&attempt["transport"], &attempt["reason"]], ["websocket", "healthy"]);
        assert_eq!(attempt["number"], 1);
    }
    let events = run.of_kind("event");
    assert_eq!(events[0]["event"]["type"], "response.created");
    assert_eq!(events.last().unwrap()["event"]["type"], "response.completed");
    for end in run.of_kind("end") {
        assert_eq!([&end["result"], &end["text"]], ["completed", "echo: Say hello."]);
        assert!(end["error"].is_null() && end["give_up"].is_null());
    }
    let summary = &run.of_kind("summary")[0];
    assert_eq!([&summary["turns"], &summary["completed"], &summary["recoveries_left"]], [2, 2, 3]);
    assert_eq!(summary["mode"], "preferred");
    assert_eq!(peer.journal().handshakes(), 1);
    assert_eq!(peer.journal().request_bodies(Transport::WebSocket)[0]["model"], "gpt-5");
}

#[test]
fn a_warm_up_comes_before_the_first_turn() {
    for adapter in ADAPTERS {
        let peer = Peer::start();
        let run = || {
            let args = ["stream", "--adapter", adapter, "--url", &peer.url(), "--warm-up", "--json"];
            failback(&args).exits_with(0).of_kind("attempt")[0]["reason"].clone()
        };
        assert_eq!(run(), "healthy");
        assert_eq!(peer.journal().handshakes(), 1, "{}", peer.journal());
        peer.push_handshake(Handshake::status(403));
        assert_eq!(run(), "verdict_pending", "the turn itself was not refused");
        assert_eq!(peer.journal().handshakes(), 2, "{}", peer.journal());
    }
}

#[test]
fn a_refused_upgrade_moves_the_turn_and_the_next_one() {
    for adapter in ADAPTERS {
        a_refused_upgrade_moves_the_turn_and_the_next_one_on(adapter);
    }
}

fn a_refused_upgrade_moves_the_turn_and_the_next_one_on(adapter: &str) {
    let peer = Peer::start();
    peer.set_handshake(Handshake::status(403));
    let run = failback(&["stream", "--adapter", adapter, "--url", &peer.url(), "--turns", "2", "--json"])
        .exits_with(0);
    assert_eq!(
        run.kinds(),
        ["attempt", "attempt", "notice", "event", "end", "attempt", "event", "end", "summary"]
    );
    let attempts: Vec<_> = run
        .of_kind("attempt")
        .iter()
        .map(|attempt| json!([attempt["turn"], attempt["transport"], attempt["reason"], attempt["number"]]))
        .collect();
    assert_eq!(
        attempts,
        [
            json!([1, "websocket", "healthy", 1]),
            json!([1, "sse", "call_moved", 2]),
            json!([2, "sse", "cooling_down", 1]),
        ]
    );
    let notice = &run.of_kind("notice")[0];
    assert_eq!([&notice["transport"], &notice["reason"]], ["sse", "call_moved"]);
    assert!(notice["text"].as_str().unwrap().contains("403"), "{notice}");
    assert!((1..=90_000).contains(&notice["retry_in_ms"].as_u64().unwrap()), "{notice}");
    assert!(run.of_kind("event").iter().all(|event| event["transport"] == "sse"));
    assert_eq!(run.of_kind("summary")[0]["mode"], "failed_over");
    assert_eq!(peer.journal().handshakes(), 1);
}

#[test]
fn a_failed_turn_says_why_and_the_next_one_still_runs() {
    let peer = Peer::start();
    peer.push_turn(Transport::WebSocket, Turn::error(401, "invalid_api_key", "No such key"));
    let run = failback(&["stream", "--url", &peer.url(), "--turns", "2", "--json"]).exits_with(1);
    assert_eq!(run.kinds(), ["attempt", "end", "attempt", "event", "end", "summary"]);
    let end = &run.of_kind("end")[0];
    assert_eq!(
        [&end["result"], &end["give_up"], &end["transport"]],
        ["failed", "not_retryable", "websocket"]
    );
    assert!(end["error"].as_str().unwrap().contains("No such key"), "{end}");
    assert_eq!(run.of_kind("summary")[0]["completed"], 1);
}

#[test]
fn a_turn_that_the_server_ends_has_not_failed() {
    let peer = Peer::start();
    peer.set_turn(Transport::WebSocket, Turn::failed("invalid_prompt"));
    let run = failback(&["stream", "--url", &peer.url(), "--json"]).exits_with(0);
    let end = &run.of_kind("end")[0];
    assert_eq!([&end["result"], &end["error"]], ["ended", "The response failed."]);
    assert!(end["give_up"].is_null());
    assert_eq!(run.of_kind("summary")[0]["completed"], 0);
}

#[test]
fn a_restart_says_what_to_discard() {
    let peer = Peer::start();
    peer.push_turn(Transport::WebSocket, Turn::drop_after(5));
    let args = ["stream", "--url", &peer.url(), "--json", "--set", "replay=restart", "--set", "backoff_ms=1"];
    let run = failback(&args).exits_with(0);
    assert_eq!(run.kinds(), ["attempt", "event", "attempt", "restarted", "event", "end", "summary"]);
    assert_eq!(run.of_kind("restarted")[0]["discard"], 5);
    assert_eq!(run.of_kind("attempt")[1]["number"], 2);
    assert_eq!(run.of_kind("end")[0]["text"], "echo: Say hello.");
}

#[test]
fn an_event_is_printed_as_it_was_received() {
    let peer = Peer::start();
    let event = r#"{"zeta": 1.10,  "type":"response.output_text.delta", "delta":"h\u0069", "alpha":[ ]}"#;
    peer.set_turn(Transport::WebSocket, Turn::new().then_payload(event).then_complete());
    let run = failback(&["stream", "--url", &peer.url(), "--json"]).exits_with(0);
    assert!(run.out.contains(&format!("\"event\":{event}}}\n")), "{}", run.out);

    peer.set_handshake(Handshake::status(426));
    let lines = "data: {\"type\":\"response.output_text.delta\",\ndata:  \"delta\":\"hi\"}\n\n";
    peer.set_turn(Transport::Sse, Turn::new().then_payload(lines).then_complete());
    let run = failback(&["stream", "--url", &peer.url(), "--json"]).exits_with(0);
    let event = r#""event":{"type":"response.output_text.delta",  "delta":"hi"}}"#;
    assert!(run.out.contains(event), "{}", run.out);
    run.objects();
}

#[test]
fn a_body_is_sent_as_it_is_but_for_the_model_asked_for() {
    let peer = Peer::start();
    let body = r#"{"model":"from-body","input":"Hi.","temperature":0.10}"#;
    let path = file("body.json", body);
    failback(&["stream", "--url", &peer.url(), "--body", &path, "--json"]).exits_with(0);
    finish(command(&["stream", "--url", &peer.url(), "--body", "-", "--model", "asked-for", "--json"]), body)
        .exits_with(0);
    let journal = peer.journal();
    let models: Vec<_> =
        journal.request_bodies(Transport::WebSocket).iter().map(|body| &body["model"]).collect();
    assert_eq!(models, ["from-body", "asked-for"]);
}

#[test]
fn settings_of_the_file_yield_to_those_of_the_command_line() {
    let peer = Peer::start();
    peer.set_handshake(Handshake::status(403));
    let config = file("settings.json", r#"{"max_recoveries": 2, "cooldown_ms": 5000, "jitter": 0}"#);
    let url = peer.url();
    let args = ["stream", "--url", &url, "--config", &config, "--set", "max_recoveries=0", "--json"];
    let run = failback(&args).exits_with(0);
    let summary = &run.of_kind("summary")[0];
    assert_eq!(summary["mode"], "pinned");
    assert_eq!(summary["recoveries_left"], 0);
}
