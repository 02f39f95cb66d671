//! llmock, from PyPI: the Responses API over SSE, with faults, and a verdict on what its clients made of
//! them.

use std::time::Duration;

use failback::{Config, GiveUp};
use failback_tests::{Adapter, Settings};
use failback_wire::{Headers, Limits};

use super::guest::{Guest, ask, with_all_at_once};
use crate::program::{Program, Start};

with_every_adapter!(a_server_without_websocket);

#[test]
#[ignore = "waits for timeouts"]
fn faults_and_the_verdict_on_the_client() {
    with_all_at_once(faults_and_verdict);
}

/// What it answers.
fn answer(input: &str) -> String {
    format!("Hello! You said: {input}")
}

fn llmock() -> Option<Program> {
    Start {
        name: "llmock",
        arguments: &["serve", "--port", "@PORT@", "--response-style", "echo"],
        configuration: "",
        words: &[],
        files: &[],
    }
    .start()
}

fn settings() -> Settings {
    let mut headers = Headers::new();
    headers.bearer("any").expect("a token");
    Settings::default().headers(headers).config(Config::new().with_head_start(Duration::MAX))
}

fn a_server_without_websocket(adapter: &dyn Adapter) {
    let Some(llmock) = llmock() else { return };
    let guest = Guest::new(&llmock, adapter, settings());
    let outcome = guest.expect_sse("m", "hello", &answer("hello"));
    guest.expect("m", "hello", &answer("hello"));
    guest.note_handshakes("no WebSocket (403)", &outcome, 1);
}

/// One fault, one turn, and nothing that it holds against the client. It takes requests with the same body
/// for attempts of one call, so each turn says something else.
fn faults_and_verdict(adapter: &dyn Adapter) {
    let Some(llmock) = llmock() else { return };
    let limits = Limits::new().with_idle_timeout(Duration::from_secs(2));
    // Without the upgrade: the verdict would be on that too.
    let guest = Guest::refused(&llmock, adapter, settings().limits(limits));
    guest.expect_sse("m", "hello", &answer("hello"));
    let fault = |fault: &str| {
        ask(&llmock, "POST", "/_llmock/scenario", &format!(r#"{{"behaviors":[{{{fault}}}]}}"#));
    };
    for (name, behavior) in [
        ("503 once", r#""type":"fail","status":503"#),
        ("500 twice", r#""type":"fail","status":500,"times":2"#),
        ("429 once, Retry-After 1", r#""type":"fail","status":429,"retry_after":1"#),
        ("disconnect before output", r#""type":"stream_fault","kind":"disconnect","after_chunks":2"#),
        ("truncate before output", r#""type":"stream_fault","kind":"truncate","after_chunks":2"#),
        ("malformed before output", r#""type":"stream_fault","kind":"malformed","after_chunks":2"#),
        (
            "stall before output, longer than the idle limit",
            r#""type":"stream_fault","kind":"stall","after_chunks":2,"stall_seconds":8"#,
        ),
        ("first event after 1 s", r#""type":"slow_first_token","seconds":1"#),
    ] {
        fault(behavior);
        let outcome = guest.expect("m", name, &answer(name));
        guest.note(name, &outcome);
    }
    // It cannot know whether the caller was told of what follows: that is looked at here.
    let verdict = ask(&llmock, "GET", "/_llmock/verdict?format=text", "");
    assert!(!["FAIL", "WARN"].iter().any(|finding| verdict.contains(finding)), "{verdict}");
    for kind in ["disconnect", "truncate", "malformed"] {
        fault(&format!(r#""type":"stream_fault","kind":"{kind}","after_chunks":6"#));
        let name = format!("{kind} in output");
        let error = guest.expect_failure(&name, "m", &name, GiveUp::Committed);
        assert_eq!(error.attempts().len(), 1, "{error}");
    }
    for status in [400, 401, 404, 422] {
        fault(&format!(r#""type":"fail","status":{status}"#));
        let name = format!("answers {status}");
        let error = guest.expect_failure(&name, "m", &name, GiveUp::NotRetryable);
        assert_eq!((error.status(), error.attempts().len()), (Some(status), 1), "{error}");
    }
}
