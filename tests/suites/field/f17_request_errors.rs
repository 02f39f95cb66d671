//! A wrong key or an unknown model, taken for a failure of the transport and tried again and again on both.

use failback::{Blame, GiveUp, Mode, Stage, Transport};
use failback_peer::{Handshake, Peer, Turn};
use failback_tests::{Adapter, Outcome, Settings, collect};
use failback_wire::{Headers, Request};

with_every_adapter!(
    a_wrong_key_is_refused_once_on_each_transport,
    a_wrong_key_is_refused_once_on_sse,
    an_unknown_model_ends_the_turn_but_not_the_socket,
    an_unknown_model_ends_the_turn_over_sse,
);

/// The turn ended with this attempt, and says in the server's own words why.
fn expect_refused(outcome: &Outcome, transport: Transport, stage: Stage, message: &str) {
    let error = outcome.error.as_ref().expect("an error");
    assert_eq!(error.give_up(), GiveUp::NotRetryable, "{error}");
    assert!(outcome.items.is_empty(), "{outcome:?}");
    let (attempt, before) = error.attempts().split_last().expect("an attempt");
    // A handshake that is refused with the same words may come first: some gateways refuse it alone.
    for handshake in before {
        let expected = (Transport::WebSocket, Stage::Connecting, Some(Blame::Transport));
        assert_eq!((handshake.transport(), handshake.stage(), handshake.blame()), expected, "{error}");
    }
    assert!(before.len() <= 1, "{error}");
    assert_eq!(
        (attempt.transport(), attempt.stage(), attempt.blame()),
        (transport, stage, Some(Blame::Request)),
        "{error}"
    );
    assert!(error.to_string().contains(message), "{error}");
}

fn bearer(token: &str) -> Headers {
    let mut headers = Headers::new();
    headers.bearer(token).expect("a token");
    headers
}

fn a_wrong_key_is_refused_once_on_each_transport(adapter: &dyn Adapter) {
    let peer = Peer::start();
    peer.require_bearer("right");
    let client = adapter.client(Settings::new(&peer).headers(bearer("wrong")));
    let outcome = collect(client.stream(Request::text("m", "hi")));
    expect_refused(&outcome, Transport::Sse, Stage::Open, "Incorrect API key provided.");

    let journal = peer.journal();
    assert_eq!((journal.handshakes(), journal.refusals()), (1, vec![401, 401]), "{journal}");
    assert_eq!(journal.transports(), [Transport::Sse], "{journal}");
    assert_eq!(client.policy().mode(), Mode::Preferred);

    // The right key finds everything as it was.
    peer.require_bearer("wrong");
    let outcome = collect(client.stream(Request::text("m", "hi")));
    assert!(outcome.is_complete() && outcome.notices().is_empty(), "{outcome:?}");
    assert_eq!(peer.journal().transports(), [Transport::Sse, Transport::WebSocket]);
}

fn a_wrong_key_is_refused_once_on_sse(adapter: &dyn Adapter) {
    let peer = Peer::start();
    peer.set_handshake(Handshake::status(403));
    let client = adapter.client(Settings::new(&peer));
    let outcome = collect(client.stream(Request::text("m", "hi")));
    assert!(outcome.is_complete(), "{outcome:?}");
    let mode = client.policy().mode();
    assert!(matches!(mode, Mode::FailedOver { .. }), "{mode}");

    peer.require_bearer("right");
    let outcome = collect(client.stream(Request::text("m", "hi")));
    expect_refused(&outcome, Transport::Sse, Stage::Open, "Incorrect API key provided.");

    let journal = peer.journal();
    assert_eq!((journal.handshakes(), journal.refusals()), (1, vec![403, 401]), "{journal}");
    assert_eq!(journal.transports(), [Transport::Sse, Transport::Sse], "{journal}");
    assert_eq!(client.policy().mode(), mode);
}

fn an_unknown_model_ends_the_turn_but_not_the_socket(adapter: &dyn Adapter) {
    let peer = Peer::start();
    peer.push_turn(
        Transport::WebSocket,
        Turn::error(404, "model_not_found", "The model `m` does not exist."),
    );
    let client = adapter.client(Settings::new(&peer));
    let outcome = collect(client.stream(Request::text("m", "hi")));
    expect_refused(&outcome, Transport::WebSocket, Stage::Open, "The model `m` does not exist.");
    assert_eq!(client.policy().mode(), Mode::Preferred);

    let outcome = collect(client.stream(Request::text("n", "hi")));
    assert!(outcome.is_complete() && outcome.notices().is_empty(), "{outcome:?}");
    let journal = peer.journal();
    assert_eq!(journal.handshakes(), 1, "{journal}");
    assert_eq!(journal.transports(), [Transport::WebSocket, Transport::WebSocket], "{journal}");
    assert_eq!(journal.request_connections(), [1, 1], "{journal}");
}

fn an_unknown_model_ends_the_turn_over_sse(adapter: &dyn Adapter) {
    let peer = Peer::start();
    peer.set_handshake(Handshake::status(403));
    let client = adapter.client(Settings::new(&peer));
    let outcome = collect(client.stream(Request::text("m", "hi")));
    assert!(outcome.is_complete(), "{outcome:?}");
    let mode = client.policy().mode();

    let body =
        r#"{"error":{"type":"invalid_request_error","code":"model_not_found","message":"No model `m`."}}"#;
    peer.push_turn(Transport::Sse, Turn::status(404).body(body));
    let outcome = collect(client.stream(Request::text("m", "hi")));
    expect_refused(&outcome, Transport::Sse, Stage::Open, "No model `m`.");

    let journal = peer.journal();
    assert_eq!(journal.handshakes(), 1, "{journal}");
    assert_eq!(journal.transports(), [Transport::Sse, Transport::Sse], "{journal}");
    assert_eq!(client.policy().mode(), mode);
}
