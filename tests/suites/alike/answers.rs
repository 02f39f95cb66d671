//! Answers over SSE that are no stream, or one of another kind.

use failback::Transport::Sse;
use failback_peer::Turn;
use failback_tests::Adapter;
use serde_json::json;

use crate::alike;
use crate::scene::{Seen, once};

alike!(
    a_page,
    a_busy_server,
    a_busy_server_for_too_long,
    an_error_of_the_server,
    an_error_in_the_words_of_the_api,
    an_error_that_is_not_in_json,
    a_redirect,
    a_wrong_key,
    an_encoding_that_was_not_asked_for,
    a_whole_response,
    an_error_event,
    signs_of_life,
    more_headers_than_most,
    an_error_with_more_headers_than_most,
);

fn answered(adapter: &dyn Adapter, turn: Turn) -> Seen {
    once(adapter, Sse, turn)
}

fn a_page(adapter: &dyn Adapter) -> Seen {
    answered(adapter, Turn::html())
}

fn a_busy_server(adapter: &dyn Adapter) -> Seen {
    answered(adapter, Turn::status(503).header("retry-after", "0").header("x-request-id", "req_1"))
}

fn a_busy_server_for_too_long(adapter: &dyn Adapter) -> Seen {
    answered(adapter, Turn::status(503).header("retry-after", "3600").header("x-request-id", "req_1"))
}

fn an_error_of_the_server(adapter: &dyn Adapter) -> Seen {
    answered(adapter, Turn::status(500))
}

/// What the API says of a request that is wrong.
const WORDS: &str =
    r#"{"error":{"type":"invalid_request_error","code":"no_such_model","message":"No.","param":"model"}}"#;

fn an_error_in_the_words_of_the_api(adapter: &dyn Adapter) -> Seen {
    answered(adapter, Turn::status(400).header("x-request-id", "req_1").body(WORDS))
}

fn an_error_that_is_not_in_json(adapter: &dyn Adapter) -> Seen {
    answered(adapter, Turn::status(422).header("content-type", "text/plain").body("What is\nthis?"))
}

fn a_redirect(adapter: &dyn Adapter) -> Seen {
    answered(adapter, Turn::status(307).header("location", "https://elsewhere.example/v1/responses?a=b"))
}

fn a_wrong_key(adapter: &dyn Adapter) -> Seen {
    answered(adapter, Turn::status(401))
}

fn an_encoding_that_was_not_asked_for(adapter: &dyn Adapter) -> Seen {
    let turn =
        Turn::status(200).header("content-type", "text/event-stream").header("content-encoding", "gzip");
    answered(adapter, turn.body("what is this?"))
}

fn a_whole_response(adapter: &dyn Adapter) -> Seen {
    let response = json!({ "id": "resp_1", "object": "response", "status": "completed", "output": [] });
    answered(
        adapter,
        Turn::status(200).header("content-type", "application/json").body(&response.to_string()),
    )
}

fn an_error_event(adapter: &dyn Adapter) -> Seen {
    answered(adapter, Turn::after(2).then_error(429, "rate_limit_exceeded", "Try again in 0.1s."))
}

fn signs_of_life(adapter: &dyn Adapter) -> Seen {
    answered(adapter, Turn::after(2).then_keep_alive().then_payload("data: {}\n\n").then_complete())
}

fn more_headers_than_most(adapter: &dyn Adapter) -> Seen {
    let turn = Turn::status(200).header("content-type", "text/event-stream");
    let body = "data: {\"type\":\"response.completed\",\"response\":{\"id\":\"resp_1\"}}\n\n";
    answered(adapter, with_more_headers(turn).body(body))
}

fn an_error_with_more_headers_than_most(adapter: &dyn Adapter) -> Seen {
    let turn = with_more_headers(Turn::status(400)).header("x-request-id", "req_1");
    answered(adapter, turn.body(WORDS))
}

fn with_more_headers(turn: Turn) -> Turn {
    (0..150).fold(turn, |turn, number| turn.header(&format!("x-{number}"), "1"))
}
