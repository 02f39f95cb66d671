//! aimock, from npm: the Responses API on both transports, with faults.

use std::time::Duration;

use failback::{Config, GiveUp, Mode};
use failback_tests::{Adapter, Settings};

use super::guest::{Guest, is_whole, with_all_at_once};
use crate::program::{Program, Start};

with_every_adapter!(
    turns_share_a_websocket,
    the_same_turns_over_sse,
    what_is_cut_over_either_transport,
    errors_over_either_transport,
    chaos_now_and_then,
);

pub(super) fn aimock(arguments: &[&str]) -> Option<Program> {
    Start {
        name: "aimock",
        arguments: &[&["-p", "@PORT@", "-f", "@DIR@/fixtures.json"], arguments].concat(),
        configuration: "",
        words: &[],
        files: &[("fixtures.json", &FIXTURES.replace("@LONG@", &long()))],
    }
    .start()
}

const FIXTURES: &str = include_str!("../../../wild/peers/aimock.json");

/// A text of many frames, and of characters of every length in UTF-8.
fn long() -> String {
    "echo: lo\u{f6}\u{20ac}\u{1f600}ng ".repeat(20_000)
}

/// Settings with a head start that no handshake here comes near.
fn settings() -> Settings {
    Settings::default().config(Config::new().with_head_start(Duration::MAX))
}

/// The answers of every kind.
fn all_turns(guest: &Guest<'_>) {
    guest.expect("gpt-5", "reasons", "echo: reasons");
    let called = guest.expect("m", "a tool", "");
    let done = called.events().iter().find_map(|event| event.item_done().map(str::to_owned));
    assert!(done.is_some_and(|item| item.contains("Paris")), "{called:?}");
    guest.expect("m", "long", &long());
    guest.expect("m", "hello", "echo: hello");
}

fn turns_share_a_websocket(adapter: &dyn Adapter) {
    let Some(aimock) = aimock(&[]) else { return };
    let guest = Guest::new(&aimock, adapter, settings());
    let outcome = guest.expect("m", "hello", "echo: hello");
    all_turns(&guest);
    assert_eq!(guest.connections(), 1);
    assert_eq!(guest.client.policy().mode(), Mode::Preferred);
    guest.note("five turns: text, reasoning, a tool, 600 KB", &outcome);
}

fn the_same_turns_over_sse(adapter: &dyn Adapter) {
    let Some(aimock) = aimock(&[]) else { return };
    let guest = Guest::refused(&aimock, adapter, settings());
    let outcome = guest.expect_sse("m", "hello", "echo: hello");
    all_turns(&guest);
    let mode = guest.client.policy().mode();
    assert!(matches!(mode, Mode::FailedOver { .. }), "{mode:?}");
    guest.note("upgrade answered 404; the same turns", &outcome);
}

/// Before output a turn is asked for again. After it the turn is lost, and the next one is not.
fn what_is_cut_over_either_transport(adapter: &dyn Adapter) {
    for is_refused in [false, true] {
        let Some(aimock) = aimock(&[]) else { return };
        let new = if is_refused { Guest::refused } else { Guest::new };
        let guest = new(&aimock, adapter, settings());
        let road = if is_refused { "over SSE" } else { "over WebSocket" };
        let again = guest.expect("m", "cut once", "echo: cut once");
        // It ends the connection right after the second event, which may be lost with it.
        assert!(matches!(again.restarts()[..], [1 | 2]), "{again:?}");
        guest.note(&format!("cut before output, {road}"), &again);
        let name = format!("cut in output, {road}");
        let error = guest.expect_failure(&name, "m", "cut in output", GiveUp::Committed);
        assert_eq!(error.attempts().len(), 1, "{error}");
        guest.expect("m", "hello", "echo: hello");
    }
}

/// What the server says of the request is not asked for again, on no transport.
fn errors_over_either_transport(adapter: &dyn Adapter) {
    let Some(aimock) = aimock(&[]) else { return };
    for is_refused in [false, true] {
        let new = if is_refused { Guest::refused } else { Guest::new };
        let guest = new(&aimock, adapter, settings());
        let road = if is_refused { "over SSE" } else { "over WebSocket" };
        for (input, says) in [("bad request", "No such model."), ("something unknown", "No fixture matched")]
        {
            let name = format!("`{input}`, {road}");
            let error = guest.expect_failure(&name, "m", input, GiveUp::NotRetryable);
            assert_eq!(error.server_error().map(|error| &*error.message), Some(says), "{error}");
        }
        let outcome = guest.expect("m", "hello", "echo: hello");
        assert!(is_refused || outcome.notices().is_empty(), "{outcome:?}");
    }
}

#[test]
#[ignore = "starts it a dozen times"]
fn chaos_that_is_certain() {
    with_all_at_once(certain_chaos);
}

/// Chaos is for HTTP only, so WebSocket is refused here.
fn certain_chaos(adapter: &dyn Adapter) {
    let retries = Config::new().with_stream_max_retries(1).with_head_start(Duration::MAX);
    for (chaos, says) in [
        ("--chaos-drop", "500 Internal Server Error"),
        ("--chaos-ratelimit", "429 Too Many Requests"),
        ("--chaos-disconnect", ""),
        ("--chaos-malformed", ""),
    ] {
        let Some(aimock) = aimock(&[chaos, "1"]) else { return };
        let guest = Guest::refused(&aimock, adapter, Settings::default().config(retries));
        let error = guest.turn("m", "hello");
        guest.note(&format!("{chaos} 1, over SSE"), &error);
        let error = error.error.expect("an error");
        assert!(error.to_string().contains(says), "{error}");
    }
}

/// Every turn completes, or says that trying again may help.
fn chaos_now_and_then(adapter: &dyn Adapter) {
    let chaos = ["--chaos-drop", "0.2", "--chaos-disconnect", "0.2", "--chaos-ratelimit", "0.1"];
    let Some(aimock) = aimock(&chaos) else { return };
    let config = Config::new().with_head_start(Duration::MAX).with_backoff(Duration::from_millis(20));
    let guest = Guest::refused(&aimock, adapter, Settings::default().config(config));
    let mut completed = 0;
    for _ in 0..20 {
        let outcome = guest.turn("m", "hello");
        match &outcome.error {
            None => {
                assert!(is_whole(&outcome) && outcome.text() == "echo: hello", "{outcome:?}");
                completed += 1;
            }
            Some(error) => assert!(error.is_retryable(), "{error}"),
        }
    }
    assert!(completed > 10, "{completed} of 20");
}
