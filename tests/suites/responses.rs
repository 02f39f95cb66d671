//! `into_response`: a turn as one value, on every adapter.

use failback::{Config, GiveUp, Replay, Transport};
use failback_client::{Error, ErrorKind, Response};
use failback_peer::{Handshake, Peer, Turn};
use failback_wire::{Limits, Request};
use serde_json::{Value, json};

const SECRET: &str = "sk-0123456789abcdef";

/// One turn of a new client, on each adapter in turn.
fn on_each(peer: impl Fn() -> Peer, config: Config, check: impl Fn(&str, Result<Response, Error>, &Peer)) {
    let request = || Request::text("m", "hi");
    let on_tokio = peer();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    let client = failback_tokio::Client::builder(on_tokio.url())
        .bearer(SECRET)
        .config(config)
        .build()
        .expect("a client");
    check("tokio", runtime.block_on(client.stream(request()).into_response()), &on_tokio);

    let on_smol = peer();
    let client = failback_smol::Client::builder(on_smol.url())
        .bearer(SECRET)
        .config(config)
        .build()
        .expect("a client");
    check("smol", smol::block_on(client.stream(request()).into_response()), &on_smol);

    let blocking = peer();
    let client = failback_blocking::Client::builder(blocking.url())
        .bearer(SECRET)
        .config(config)
        .build()
        .expect("a client");
    check("blocking", client.stream(request()).into_response(), &blocking);
}

fn saying(turn: impl Fn() -> Turn) -> impl Fn() -> Peer {
    move || {
        let peer = Peer::start();
        peer.set_turn(Transport::WebSocket, turn());
        peer.set_turn(Transport::Sse, turn());
        peer
    }
}

fn events(events: &[Value]) -> Turn {
    events.iter().fold(Turn::new(), |turn, event| turn.then_send(event.clone()))
}

#[test]
fn a_response_says_what_carried_it_and_after_how_many_attempts() {
    on_each(saying(|| Turn::text("Hello, world.")), Config::new(), |adapter, response, _| {
        let response = response.expect("a response");
        assert_eq!(response.text(), "Hello, world.", "{adapter}");
        assert_eq!((response.status(), response.error()), ("completed", None), "{adapter}");
        assert_eq!((response.transport(), response.attempts()), (Some(Transport::WebSocket), 1), "{adapter}");
    });
    let refusing = || {
        let peer = saying(|| Turn::text("Hello, world."))();
        peer.set_handshake(Handshake::status(403));
        peer
    };
    on_each(refusing, Config::new(), |adapter, response, _| {
        let response = response.expect("a response");
        assert_eq!(response.text(), "Hello, world.", "{adapter}");
        assert_eq!((response.transport(), response.attempts()), (Some(Transport::Sse), 2), "{adapter}");
    });
}

#[test]
fn a_response_has_the_headers_of_its_answer() {
    let naming = || {
        let peer = saying(|| Turn::text("Hello."))();
        peer.set_headers(&[("x-request-id", "req_1"), ("set-cookie", SECRET)]);
        peer
    };
    on_each(naming, Config::new(), |adapter, response, _| {
        let response = response.expect("a response");
        let headers = response.response_headers().expect("headers");
        assert_eq!(headers.request_id(), Some("req_1"), "{adapter}");
        assert!(!format!("{response:?}").contains(SECRET), "{adapter}: {response:?}");
    });
}

#[test]
fn what_an_attempt_left_behind_is_no_part_of_the_response() {
    let dropping = || {
        let peer = Peer::start();
        peer.push_turn(Transport::WebSocket, Turn::drop_after(6).with_text("Half a"));
        peer.set_turn(Transport::WebSocket, whole("All of it."));
        peer
    };
    on_each(dropping, Config::new().with_replay(Replay::Restart), |adapter, response, peer| {
        let response = response.expect("a response");
        assert_eq!(response.text(), "All of it.", "{adapter}");
        assert_eq!(response.attempts(), 2, "{adapter}: {:?}", peer.journal());
    });
}

/// A response whose last event leaves its output out, so that the deltas have to do.
fn whole(text: &str) -> Turn {
    events(&[
        json!({"type": "response.created", "response": {"id": "resp_1"}}),
        json!({"type": "response.output_text.delta", "delta": text}),
        json!({"type": "response.completed", "response": {"id": "resp_1", "output": []}}),
    ])
}

#[test]
fn items_count_where_the_last_event_leaves_the_output_out() {
    let turn = || {
        let call =
            json!({"type": "function_call", "call_id": "c1", "name": "look", "arguments": "{\"a\":1}"});
        let message = json!({"type": "message", "content": [{"type": "output_text", "text": "Done."}]});
        let usage = json!({
            "input_tokens": 9, "input_tokens_details": {"cached_tokens": 4},
            "output_tokens": 5, "output_tokens_details": {"reasoning_tokens": 2},
        });
        events(&[
            json!({"type": "response.created", "response": {"id": "resp_1"}}),
            json!({"type": "response.output_text.delta", "delta": "Do"}),
            json!({"type": "response.output_item.done", "item": call}),
            json!({"type": "response.output_item.done", "item": message}),
            json!({"type": "response.completed", "response": {"id": "resp_1", "output": [], "usage": usage}}),
        ])
    };
    on_each(saying(turn), Config::new(), |adapter, response, _| {
        let response = response.expect("a response");
        assert_eq!((response.text(), response.id()), ("Done.", Some("resp_1")), "{adapter}");
        let calls: Vec<_> =
            response.tool_calls().iter().map(|c| (&*c.call_id, &*c.name, &*c.arguments)).collect();
        assert_eq!(calls, [("c1", "look", "{\"a\":1}")], "{adapter}");
        let usage = response.usage().expect("its usage");
        let tokens = (usage.input_tokens, usage.cached_tokens, usage.output_tokens, usage.reasoning_tokens);
        assert_eq!((tokens, usage.total_tokens), ((9, 4, 5, 2), 14), "{adapter}");
        assert!(
            response.json().is_some_and(|json| json.starts_with('{') && json.contains("usage")),
            "{adapter}"
        );
    });
}

#[test]
fn a_response_that_the_server_did_not_complete_is_one_too() {
    on_each(saying(Turn::incomplete), Config::new(), |adapter, response, _| {
        let response = response.expect("a response");
        assert_eq!(response.status(), "incomplete", "{adapter}");
        assert!(response.incomplete_reason().is_some(), "{adapter}: {:?}", response.json());
    });
    let failed = || {
        events(&[
            json!({"type": "response.created", "response": {"id": "resp_1"}}),
            json!({"type": "response.cancelled", "response": {"id": "resp_1", "status": "cancelled"}}),
        ])
    };
    on_each(saying(failed), Config::new(), |adapter, response, _| {
        assert_eq!(response.expect("a response").status(), "cancelled", "{adapter}");
    });
}

#[test]
fn a_turn_that_failed_is_an_error_with_what_the_server_said() {
    let refused = || Turn::error(400, "invalid_request_error", "No such model.");
    on_each(saying(refused), Config::new(), |adapter, response, _| {
        let error = response.expect_err("an error");
        assert_eq!((error.give_up(), error.is_retryable()), (GiveUp::NotRetryable, false), "{adapter}");
        assert_eq!((error.status(), error.request_id()), (Some(400), None), "{adapter}");
        let said = error.server_error().expect("what the server said");
        assert_eq!(said.message, "No such model.", "{adapter}");
        assert_eq!(said.code.as_deref(), Some("invalid_request_error"), "{adapter}");
        // Once, for those who print the whole chain.
        assert!(std::error::Error::source(&error).is_none(), "{adapter}");
        assert!(error.to_string().contains("No such model."), "{adapter}: {error}");
    });
}

#[test]
fn what_the_server_said_shows_no_secret() {
    let refusing = || {
        let peer = Peer::start();
        peer.set_handshake(Handshake::status(426));
        let body = json!({"error": {"message": format!("Not {SECRET}."), "code": SECRET, "param": SECRET}});
        let refusal = Turn::status(401).header("x-request-id", &format!("req_7 {SECRET}"));
        peer.set_turn(Transport::Sse, refusal.body(&body.to_string()));
        peer
    };
    on_each(refusing, Config::new(), |adapter, response, _| {
        let error = response.expect_err("an error");
        assert_eq!(error.status(), Some(401), "{adapter}");
        assert!(error.request_id().is_some_and(|id| id.starts_with("req_7")), "{adapter}: {error:?}");
        assert!(
            error.server_error().is_some_and(|said| said.message.starts_with("Not ")),
            "{adapter}: {error:?}"
        );
        let attempts = error.attempts();
        assert_eq!(
            attempts.iter().map(|a| a.status()).collect::<Vec<_>>(),
            [Some(426), Some(401)],
            "{adapter}"
        );
        assert!(!format!("{error:?} {error}").contains(SECRET), "{adapter}: {error:?}");
    });
}

#[test]
fn a_turn_that_is_cancelled_leaves_what_it_had() {
    let peer = Peer::start();
    peer.set_turn(Transport::WebSocket, Turn::mute_after(4));
    let client = failback_blocking::Client::builder(peer.url()).build().expect("a client");
    let stream = client.stream(Request::text("m", "hi"));
    let handle = stream.cancel_handle();
    let reader = std::thread::spawn(move || stream.into_response());
    peer.wait_for_blocking("the request", |journal| journal.requests(Transport::WebSocket) == 1);
    handle.cancel();
    let response = reader.join().expect("no panic").expect("no error");
    assert_eq!((response.status(), response.id(), response.json()), ("cancelled", None, None));
    assert_eq!(response.attempts(), 1);
}

#[test]
fn a_response_of_any_size_ends_before_it_fills_the_memory() {
    let piece = "x".repeat(1024 * 1024);
    let delta = json!({ "type": "response.output_text.delta", "delta": piece });
    let peer = saying(|| events(&vec![delta.clone(); 20]).then_stall());
    on_each(peer, Config::new(), |adapter, response, peer| {
        let error = response.expect_err(adapter);
        let limit = Limits::new().max_message_bytes();
        assert_eq!(error.kind(), &ErrorKind::ResponseTooLarge { limit }, "{adapter}");
        assert!(!error.is_retryable() && error.attempts().is_empty(), "{adapter}");
        peer.wait_for_blocking("the turn to be cancelled", |journal| journal.open_connections() == 0);
    });
}
