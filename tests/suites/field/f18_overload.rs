//! A rate limit or an overload, blamed on the transport: tried again at once elsewhere, and the account
//! punished.

use std::time::Duration;

use failback::{Blame, Config, GiveUp, Mode, Transport};
use failback_peer::{Handshake, Journal, Peer, Turn, What};
use failback_tests::{Adapter, Settings, TestClient, collect, complete};
use failback_wire::Request;
use serde_json::json;

with_every_adapter!(
    a_rate_limited_handshake_is_asked_for_again_after_retry_after,
    a_rate_limit_on_the_socket_is_waited_for_on_the_same_socket,
    a_rate_limit_over_sse_is_waited_for_over_sse,
    a_rate_limit_in_the_sse_stream_is_waited_for_over_sse,
    a_server_that_asks_for_too_long_is_busy,
    an_overload_of_websocket_alone_strands_no_turn,
    an_overload_on_both_transports_ends_the_turn_and_blames_neither,
);

const SECOND: Duration = Duration::from_secs(1);

/// Refuses WebSocket and completes one turn, so that the next ones are on SSE.
fn fail_over(peer: &Peer, client: &dyn TestClient) -> Mode {
    peer.set_handshake(Handshake::status(403));
    let outcome = collect(client.stream(Request::text("m", "hi")));
    assert!(outcome.is_complete(), "{outcome:?}");
    assert_eq!(outcome.moves(), [Transport::Sse]);
    client.policy().mode()
}

fn complete_quietly(client: &dyn TestClient) {
    let outcome = complete(client);
    assert!(outcome.is_quiet(), "{outcome:?}");
}

/// How long after the first refusal the last request, or handshake, came.
fn waited(journal: &Journal, refusal: fn(&What) -> bool, again: fn(&What) -> bool) -> Duration {
    let (refused, again) = (journal.times(refusal), journal.times(again));
    *again.last().expect("another try") - *refused.last().expect("a refusal")
}

fn is_request(what: &What) -> bool {
    matches!(what, What::Request { .. })
}

fn a_rate_limited_handshake_is_asked_for_again_after_retry_after(adapter: &dyn Adapter) {
    let peer = Peer::start();
    peer.push_handshake(Handshake::status(429).header("retry-after", "1"));
    let client = adapter.client(Settings::new(&peer));
    complete_quietly(&*client);

    let journal = peer.journal();
    assert_eq!((journal.handshakes(), journal.refusals()), (2, vec![429]), "{journal}");
    assert_eq!(journal.transports(), [Transport::WebSocket], "{journal}");
    let waited =
        waited(&journal, |w| matches!(w, What::Refused { .. }), |w| matches!(w, What::Handshake { .. }));
    assert!(waited >= SECOND, "{journal}");
    assert_eq!(client.policy().mode(), Mode::Preferred);
}

fn a_rate_limit_on_the_socket_is_waited_for_on_the_same_socket(adapter: &dyn Adapter) {
    let peer = Peer::start();
    peer.push_turn(Transport::WebSocket, Turn::status(429).header("retry-after", "1"));
    let client = adapter.client(Settings::new(&peer));
    complete_quietly(&*client);

    let journal = peer.journal();
    assert_eq!(journal.handshakes(), 1, "{journal}");
    assert_eq!(journal.transports(), [Transport::WebSocket, Transport::WebSocket], "{journal}");
    assert_eq!(journal.request_connections(), [1, 1], "{journal}");
    let [refused, _] = journal.times(|what| matches!(what, What::TurnDone))[..] else { panic!("{journal}") };
    assert!(journal.times(is_request)[1] - refused >= SECOND, "{journal}");
    assert_eq!(client.policy().mode(), Mode::Preferred);
}

fn a_rate_limit_over_sse_is_waited_for_over_sse(adapter: &dyn Adapter) {
    let peer = Peer::start();
    let client = adapter.client(Settings::new(&peer));
    let mode = fail_over(&peer, &*client);
    peer.push_turn(Transport::Sse, Turn::status(429).header("retry-after", "1"));
    complete_quietly(&*client);

    let journal = peer.journal();
    assert_eq!((journal.handshakes(), journal.refusals()), (1, vec![403, 429]), "{journal}");
    assert_eq!(journal.transports(), [Transport::Sse; 3], "{journal}");
    assert!(waited(&journal, |w| matches!(w, What::Refused { .. }), is_request) >= SECOND, "{journal}");
    assert_eq!(client.policy().mode(), mode);
}

fn a_rate_limit_in_the_sse_stream_is_waited_for_over_sse(adapter: &dyn Adapter) {
    let peer = Peer::start();
    let client = adapter.client(Settings::new(&peer));
    let mode = fail_over(&peer, &*client);
    let limited =
        json!({ "type": "error", "code": "rate_limit_exceeded", "message": "Please try again in 1s." });
    peer.push_turn(Transport::Sse, Turn::new().then_error_event(limited));
    complete_quietly(&*client);

    let journal = peer.journal();
    assert_eq!(journal.handshakes(), 1, "{journal}");
    assert_eq!(journal.transports(), [Transport::Sse; 3], "{journal}");
    let [_, refused, _] = journal.times(|what| matches!(what, What::TurnDone))[..] else {
        panic!("{journal}")
    };
    assert!(journal.times(is_request)[2] - refused >= SECOND, "{journal}");
    assert_eq!(client.policy().mode(), mode);
}

fn a_server_that_asks_for_too_long_is_busy(adapter: &dyn Adapter) {
    let peer = Peer::start();
    let client = adapter.client(Settings::new(&peer));
    let busy = |message: &str| {
        let outcome = collect(client.stream(Request::text("m", "hi")));
        let error = outcome.error.as_ref().expect("an error");
        let retry_after = Duration::from_secs(61);
        assert_eq!(error.give_up(), GiveUp::ServerBusy { retry_after }, "{error}");
        assert_eq!(error.attempts().len(), 1, "{error}");
        assert_eq!(error.attempts()[0].blame(), Some(Blame::Server), "{error}");
        assert!(error.to_string().contains(message), "{error}");
        assert!(outcome.items.is_empty(), "{outcome:?}");
    };

    peer.push_handshake(Handshake::status(503).header("retry-after", "61"));
    busy("The server is overloaded.");
    peer.push_turn(Transport::WebSocket, Turn::status(429).header("retry-after", "61"));
    busy("Rate limit reached.");
    assert_eq!(client.policy().mode(), Mode::Preferred);
    let journal = peer.journal();
    assert_eq!((journal.handshakes(), journal.refusals()), (2, vec![503]), "{journal}");
    assert_eq!(journal.transports(), [Transport::WebSocket], "{journal}");

    // A client that has only SSE.
    client.advance(Duration::from_secs(56 * 60));
    let mode = fail_over(&peer, &*client);
    peer.push_turn(Transport::Sse, Turn::status(429).header("retry-after", "61"));
    busy("Rate limit reached.");
    peer.push_turn(Transport::Sse, Turn::error(429, "slow_down", "Try again in 61s."));
    busy("Try again in 61s.");
    assert_eq!(client.policy().mode(), mode);
    let journal = peer.journal();
    assert_eq!((journal.handshakes(), journal.refusals()), (3, vec![503, 403, 429]), "{journal}");
    assert_eq!(journal.requests(Transport::Sse), 3, "{journal}");
}

fn overloaded() -> Turn {
    Turn::error(503, "server_is_overloaded", "The server is overloaded.")
}

/// Short backoff: the defaults add up to six seconds.
fn impatient() -> Config {
    Config::new().with_backoff_max(Duration::from_millis(10))
}

fn an_overload_of_websocket_alone_strands_no_turn(adapter: &dyn Adapter) {
    let (ws, sse) = (Transport::WebSocket, Transport::Sse);
    for how in [overloaded(), Turn::status(502), Turn::status(429)] {
        let peer = Peer::start();
        peer.set_turn(ws, how);
        let client = adapter.client(Settings::new(&peer).config(impatient()));
        for turn in 1..=3 {
            let outcome = collect(client.stream(Request::text("m", "hi")));
            assert!(outcome.is_complete(), "{outcome:?}");
            assert_eq!(outcome.text(), "echo: hi");
            assert_eq!(client.policy().mode(), Mode::Preferred, "turn {turn}");
        }
        let journal = peer.journal();
        assert_eq!(journal.transports(), [ws, ws, sse, ws, ws, sse, ws, ws, sse], "{journal}");
        assert_eq!(journal.handshakes(), 1, "{journal}");
    }
}

fn an_overload_on_both_transports_ends_the_turn_and_blames_neither(adapter: &dyn Adapter) {
    let peer = Peer::start();
    let (ws, sse) = (Transport::WebSocket, Transport::Sse);
    peer.set_turn(ws, overloaded());
    peer.set_turn(sse, overloaded());
    let client = adapter.client(Settings::new(&peer).config(impatient()));
    let outcome = collect(client.stream(Request::text("m", "hi")));
    let error = outcome.error.as_ref().expect("an error");
    assert_eq!(error.give_up(), GiveUp::AttemptsExhausted, "{error}");
    assert_eq!(error.attempts().len(), 8, "{error}");
    assert!(error.to_string().contains("The server is overloaded."), "{error}");

    let journal = peer.journal();
    assert_eq!(journal.handshakes(), 1, "{journal}");
    assert_eq!(journal.transports(), [ws, ws, sse, sse, sse, sse, sse, sse], "{journal}");
    assert_eq!(client.policy().mode(), Mode::Preferred);
}
