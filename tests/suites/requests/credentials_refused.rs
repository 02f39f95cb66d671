//! A server refuses the credentials of a provider: it is asked for others, and the attempt is repeated.

use std::error::Error as _;
use std::time::Duration;

use failback::{Blame, Config, GiveUp, Mode, Stage, Transport};
use failback_client::{Credentials, Error, ErrorKind};
use failback_peer::{Gate, Handshake, Peer, Turn};
use failback_tests::{Adapter, Failed, Says, Settings, TestClient, TestProvider, collect, until};
use serde_json::json;

use crate::credentials::{hi, settings};

with_every_adapter!(
    by_an_answer_to_the_post,
    by_an_answer_to_the_post_on_a_connection_that_is_used_again,
    by_an_answer_to_the_handshake,
    by_an_answer_to_the_handshake_of_a_probe,
    by_an_error_on_a_websocket_that_is_used_again,
    by_an_error_over_sse,
    by_an_error_after_the_first_event,
    of_whoever_is_not_allowed_to,
    twice_by_the_handshake_and_then_by_the_post,
    twice_by_the_post,
    and_there_are_no_others,
    and_others_are_slow,
    of_a_handshake_that_its_turn_has_left,
    of_a_handshake_that_its_turn_has_left_and_there_are_no_others,
    of_two_turns_at_once,
    and_repeats_them,
);

const OLD: &str = "token-old-7f3a";
const NEW: &str = "token-new-91c2";

fn bearer(token: &str) -> Credentials {
    Credentials::bearer(token).expect("a token")
}

fn old() -> Option<Credentials> {
    Some(bearer(OLD))
}

fn provider() -> TestProvider {
    TestProvider::new(&[OLD, NEW])
}

/// A client whose turns go over SSE, and the mode that it has then. Its provider was asked twice for that.
fn on_sse(adapter: &dyn Adapter, peer: &Peer, settings: Settings) -> (Box<dyn TestClient>, Mode) {
    peer.push_handshake(Handshake::status(403));
    let client = adapter.client(settings);
    assert!(collect(client.stream(hi())).is_complete());
    client.close_idle();
    let mode = client.policy().mode();
    (client, mode)
}

/// A refusal that repeats these.
fn said(tokens: &[&str]) -> String {
    json!({ "error": { "code": "invalid_api_key", "message": format!("not {}", tokens.join(", nor ")) } })
        .to_string()
}

/// A refused handshake that repeats them.
fn refused(tokens: &[&str]) -> Handshake {
    Handshake::Status { code: 401, headers: Vec::new(), body: said(tokens) }
}

fn by_an_answer_to_the_post(adapter: &dyn Adapter) {
    let (peer, provider) = (Peer::start(), provider());
    let (client, mode) = on_sse(adapter, &peer, settings(&peer, &provider));
    peer.require_bearer(NEW);
    let outcome = collect(client.stream(hi()));
    assert!(outcome.is_complete() && outcome.notices().is_empty(), "{outcome:?}");
    assert_eq!(provider.asked(), [None, None, None, old()]);
    assert_eq!(client.policy().mode(), mode);
    let journal = peer.journal();
    assert_eq!(journal.requests(Transport::Sse), 3, "{journal}");
    assert_eq!((journal.refusals(), journal.handshakes()), (vec![403, 401], 1), "{journal}");
}

fn by_an_answer_to_the_post_on_a_connection_that_is_used_again(adapter: &dyn Adapter) {
    let (peer, provider) = (Peer::start(), provider());
    let (client, mode) = on_sse(adapter, &peer, settings(&peer, &provider));
    assert!(collect(client.stream(hi())).is_complete());
    peer.wait_for_blocking("the end of the answer", |journal| journal.requests(Transport::Sse) == 2);
    peer.require_bearer(NEW);
    assert!(collect(client.stream(hi())).is_complete());
    assert_eq!(provider.asked(), [None, None, None, None, old()]);
    let journal = peer.journal();
    assert_eq!(journal.requests(Transport::Sse), 4, "{journal}");
    assert_eq!(client.policy().mode(), mode);
}

fn by_an_answer_to_the_handshake(adapter: &dyn Adapter) {
    let (peer, provider) = (Peer::start(), provider());
    peer.require_bearer(NEW);
    let client = adapter.client(settings(&peer, &provider));
    for _ in 0..2 {
        let outcome = collect(client.stream(hi()));
        assert!(outcome.is_complete() && outcome.notices().is_empty(), "{outcome:?}");
        assert_eq!(client.policy().mode(), Mode::Preferred);
    }
    assert_eq!(provider.asked(), [None, old()]);
    let journal = peer.journal();
    assert_eq!((journal.handshakes(), journal.refusals()), (2, vec![401]), "{journal}");
    assert_eq!(journal.transports(), [Transport::WebSocket; 2], "{journal}");
}

fn by_an_answer_to_the_handshake_of_a_probe(adapter: &dyn Adapter) {
    let (peer, provider) = (Peer::start(), provider());
    let (client, _) = on_sse(adapter, &peer, settings(&peer, &provider));
    client.advance(Duration::from_secs(3600));
    peer.require_bearer(NEW);
    let outcome = collect(client.stream(hi()));
    assert!(outcome.is_complete() && outcome.moves() == [Transport::WebSocket], "{outcome:?}");
    assert_eq!((client.policy().mode(), client.policy().recoveries_left()), (Mode::Preferred, 3));
    assert_eq!(peer.journal().refusals(), [403, 401]);
}

fn by_an_error_on_a_websocket_that_is_used_again(adapter: &dyn Adapter) {
    let (peer, provider) = (Peer::start(), provider());
    let client = adapter.client(settings(&peer, &provider));
    assert!(collect(client.stream(hi())).is_complete());
    peer.push_turn(Transport::WebSocket, Turn::status(401));
    for _ in 0..2 {
        let outcome = collect(client.stream(hi()));
        assert!(outcome.is_complete() && outcome.notices().is_empty(), "{outcome:?}");
    }
    assert_eq!(provider.asked(), [None, old()], "those of the connection were rejected");
    let journal = peer.journal();
    assert_eq!((journal.handshakes(), client.policy().mode()), (2, Mode::Preferred), "{journal}");
    assert_eq!(journal.transports(), [Transport::WebSocket; 4], "{journal}");
}

fn by_an_error_over_sse(adapter: &dyn Adapter) {
    let (peer, provider) = (Peer::start(), provider());
    let (client, mode) = on_sse(adapter, &peer, settings(&peer, &provider));
    peer.push_turn(Transport::Sse, Turn::error(401, "token_expired", "Log in again."));
    assert!(collect(client.stream(hi())).is_complete());
    assert_eq!(provider.asked(), [None, None, None, old()]);
    assert_eq!((client.policy().mode(), peer.journal().requests(Transport::Sse)), (mode, 3));
}

/// It has begun to answer whoever that is, so it is no matter of credentials.
fn by_an_error_after_the_first_event(adapter: &dyn Adapter) {
    let (peer, provider) = (Peer::start(), provider());
    let client = adapter.client(settings(&peer, &provider));
    let expired = Turn::after(1).then_error(401, "token_expired", "Log in again.");
    peer.push_turn(Transport::WebSocket, expired);
    let error = collect(client.stream(hi())).error.expect("an error");
    assert_eq!((error.give_up(), error.status()), (GiveUp::NotRetryable, Some(401)), "{error}");
    assert_eq!((provider.asked(), client.policy().mode()), (vec![None], Mode::Preferred));
}

fn of_whoever_is_not_allowed_to(adapter: &dyn Adapter) {
    for code in [403, 407] {
        let (peer, provider) = (Peer::start(), provider());
        let (client, mode) = on_sse(adapter, &peer, settings(&peer, &provider));
        peer.push_turn(Transport::Sse, Turn::status(code));
        let error = collect(client.stream(hi())).error.expect("an error");
        assert_eq!((error.give_up(), error.status()), (GiveUp::NotRetryable, Some(code)), "{error}");
        assert_eq!((provider.asked(), client.policy().mode()), (vec![None; 3], mode));
    }
}

#[track_caller]
fn expect_final(error: &Error) {
    assert_eq!(error.kind(), &ErrorKind::GaveUp(GiveUp::NotRetryable), "{error}");
    assert_eq!((error.status(), error.source().is_none()), (Some(401), true), "{error}");
    let said = error.server_error().expect("its words");
    assert_eq!(said.message, "Incorrect API key provided.");
    let text = format!("{} (other credentials had been refused before)", said.message);
    assert!(error.to_string().ends_with(&text), "{error}");
}

fn twice_by_the_handshake_and_then_by_the_post(adapter: &dyn Adapter) {
    let (peer, provider) = (Peer::start(), provider());
    peer.require_bearer("token-nobody-has");
    let client = adapter.client(settings(&peer, &provider));
    let error = collect(client.stream(hi())).error.expect("an error");
    expect_final(&error);
    let attempts = error.attempts().iter();
    let attempts: Vec<_> = attempts.map(|attempt| (attempt.transport(), attempt.stage())).collect();
    assert_eq!(attempts, [(Transport::WebSocket, Stage::Connecting), (Transport::Sse, Stage::Open)]);
    // In one turn others are asked for once.
    assert_eq!(provider.asked(), [None, old(), None]);
    let journal = peer.journal();
    assert_eq!((journal.handshakes(), journal.requests(Transport::Sse)), (2, 1), "{journal}");
    // R5: SSE was refused too, so nothing is shown against WebSocket.
    assert_eq!((client.policy().mode(), client.policy().recoveries_left()), (Mode::Preferred, 3));

    // In the next one they are once more.
    expect_final(&collect(client.stream(hi())).error.expect("an error"));
    assert_eq!(provider.asked()[3..], [None, Some(bearer(NEW)), None]);
}

fn twice_by_the_post(adapter: &dyn Adapter) {
    let (peer, provider) = (Peer::start(), provider());
    let (client, mode) = on_sse(adapter, &peer, settings(&peer, &provider));
    peer.require_bearer("token-nobody-has");
    let error = collect(client.stream(hi())).error.expect("an error");
    expect_final(&error);
    let [attempt] = error.attempts() else { panic!("{error}") };
    assert_eq!((attempt.transport(), attempt.blame()), (Transport::Sse, Some(Blame::Request)));
    assert_eq!(provider.asked(), [None, None, None, old()]);
    assert_eq!((peer.journal().requests(Transport::Sse), client.policy().mode()), (3, mode));
}

fn and_there_are_no_others(adapter: &dyn Adapter) {
    let (peer, provider) = (Peer::start(), provider());
    peer.push_handshake(refused(&[OLD]));
    let client = adapter.client(settings(&peer, &provider));
    provider.push(Says::Credentials(bearer(OLD)));
    provider.push(Says::Fails(Failed(format!("{OLD} cannot be refreshed"))));
    let error = collect(client.stream(hi())).error.expect("an error");
    let source = error.source().and_then(|source| source.downcast_ref::<Failed>());
    assert_eq!(source, Some(&Failed(format!("{OLD} cannot be refreshed"))), "as it has made it");
    let text = "the provider of credentials failed: attempt 1, WebSocket, connecting: stopped for want of \
                other credentials: the WebSocket handshake was refused: HTTP 401 Unauthorized: not [redacted]";
    assert_eq!(error.to_string(), text);
    assert!(!format!("{error:?}").contains(OLD), "{error:?}");
    assert_eq!((client.policy().mode(), error.attempts()[0].blame()), (Mode::Preferred, None));
    assert!(collect(client.stream(hi())).is_complete());
}

fn and_others_are_slow(adapter: &dyn Adapter) {
    let (peer, provider) = (Peer::start(), provider());
    peer.push_handshake(refused(&[OLD]));
    let client = adapter.client(settings(&peer, &provider));
    provider.push(Says::Credentials(bearer(OLD)));
    provider.push(Says::Waits);
    let request = hi().with_deadline(Duration::from_secs(1)).expect("some time");
    let error = collect(client.stream(request)).error.expect("an error");
    assert!(error.is_deadline() && provider.asked() == [None, old()], "{error}");
    assert_eq!((client.policy().mode(), peer.journal().handshakes()), (Mode::Preferred, 1));
    provider.release();
    until("the tasks to end", || client.background_tasks() == 0);
}

/// A client whose handshake waits at a gate, where it will be refused, and whose turn has gone on over SSE.
fn left(adapter: &dyn Adapter, peer: &Peer, provider: &TestProvider) -> (Box<dyn TestClient>, Gate) {
    let gate = Gate::new();
    peer.push_handshake(Handshake::hold_then(&gate, refused(&[OLD])));
    let config = Config::new().with_head_start(Duration::from_millis(50));
    let client = adapter.client(settings(peer, provider).config(config));
    let outcome = collect(client.stream(hi()));
    assert!(outcome.is_complete() && outcome.moves() == [Transport::Sse], "{outcome:?}");
    assert_eq!(provider.asked(), [None, None]);
    (client, gate)
}

fn of_a_handshake_that_its_turn_has_left(adapter: &dyn Adapter) {
    let (peer, provider) = (Peer::start(), provider());
    let (client, gate) = left(adapter, &peer, &provider);
    gate.open();
    // What is left to wait for in this mode is the dial.
    until("the dial to open", || client.policy().poll_timeout().is_none());
    assert_eq!((client.policy().mode(), client.policy().recoveries_left()), (Mode::Preferred, 3));
    let outcome = collect(client.stream(hi()));
    assert!(outcome.is_complete() && outcome.moves() == [Transport::WebSocket], "{outcome:?}");
    assert_eq!(provider.asked(), [None, None, old()]);
    assert_eq!((peer.journal().handshakes(), peer.journal().refusals()), (2, vec![401]));

    // Those of the second handshake are the connection's.
    peer.push_turn(Transport::WebSocket, Turn::status(401));
    assert!(collect(client.stream(hi())).is_complete());
    assert_eq!(provider.asked().last(), Some(&Some(bearer(NEW))));
}

fn of_a_handshake_that_its_turn_has_left_and_there_are_no_others(adapter: &dyn Adapter) {
    let (peer, provider) = (Peer::start(), provider());
    let (client, gate) = left(adapter, &peer, &provider);
    provider.push(Says::Fails(Failed("the token server is away".to_owned())));
    gate.open();
    until("the dial to be abandoned", || client.policy().poll_timeout().is_none());
    assert_eq!((client.policy().mode(), provider.asked().len()), (Mode::Preferred, 3));
    let outcome = collect(client.stream(hi()));
    assert!(outcome.is_complete() && outcome.moves() == [Transport::WebSocket], "{outcome:?}");
}

/// Each of them asks. That the token is renewed once is up to the provider, which is told which was rejected.
fn of_two_turns_at_once(adapter: &dyn Adapter) {
    let (peer, provider) = (Peer::start(), TestProvider::new(&[OLD, NEW, "token-beyond"]));
    let gate = Gate::new();
    for _ in 0..2 {
        peer.push_handshake(Handshake::hold_then(&gate, refused(&[OLD])));
    }
    let config = Config::new().with_head_start(Duration::MAX);
    let client = adapter.client(settings(&peer, &provider).config(config));
    std::thread::scope(|scope| {
        let turns = [(); 2].map(|()| scope.spawn(|| collect(client.stream(hi()))));
        until("two handshakes at the gate", || gate.arrivals() == 2);
        peer.require_bearer(NEW);
        gate.open();
        for turn in turns {
            let outcome = turn.join().expect("a turn");
            assert!(outcome.is_complete() && outcome.notices().is_empty(), "{outcome:?}");
        }
    });
    assert_eq!(provider.asked(), [None, None, old(), old()]);
    assert_eq!(client.policy().mode(), Mode::Preferred);
    assert_eq!(peer.journal().refusals(), [401, 401]);
}

fn and_repeats_them(adapter: &dyn Adapter) {
    let (peer, provider) = (Peer::start(), provider());
    peer.push_handshake(refused(&[OLD]));
    peer.push_handshake(refused(&[OLD, NEW]));
    // The last part of a long text is cut off, in the middle of a token.
    let long = said(&["x".repeat(1990).as_str(), OLD, NEW, OLD, NEW]);
    peer.push_turn(Transport::Sse, Turn::status(401).body(&long));
    let client = adapter.client(settings(&peer, &provider));
    let error = collect(client.stream(hi())).error.expect("a refusal");
    assert_eq!(peer.journal().refusals(), [401, 401, 401]);
    let [websocket, sse] = error.attempts() else { panic!("{error}") };
    assert!(websocket.text().contains("not [redacted], nor [redacted] (other"), "{error}");
    assert!(sse.text().contains("nor [redacted]"), "{error}");
    let shown = format!("{error} {error:?} {error:#?} {} {:?}", client.debug(), client.policy());
    for secret in [OLD, NEW, "token-"] {
        assert!(!shown.contains(secret), "{secret} is in {shown}");
    }

    // A WebSocket is known by those with which it was opened, also to a turn that had not to ask.
    assert!(collect(client.stream(hi())).is_complete());
    let used_up = Turn::error(400, "no_more", &format!("the token {NEW} is used up"));
    peer.push_turn(Transport::WebSocket, used_up);
    let asked = provider.asked().len();
    let error = collect(client.stream(hi())).error.expect("a refusal");
    assert_eq!(provider.asked().len(), asked);
    assert!(error.to_string().ends_with("the token [redacted] is used up"), "{error}");
    assert!(!format!("{error:?}").contains(NEW), "{error:?}");
}
