//! When a turn asks for credentials, and that the policy hears of nothing but what comes of them.

use std::time::{Duration, SystemTime};

use failback::{Mode, Transport};
use failback_client::{Connection, Credentials, ErrorKind, Lost, Refusal, Step, Turn};
use failback_wire::{Seen, http};

use crate::{Client, receive};

const UNKNOWN: &str = r#"{"type":"error","status":401,"error":{"message":"who are you?"}}"#;

fn token(word: &str) -> Credentials {
    Credentials::bearer(word).expect("a token")
}

fn refusal() -> Box<Refusal> {
    Box::new(Refusal::new(401, http::HeaderMap::new(), Vec::new(), true))
}

fn fail(turn: &mut Turn, lost: &Lost) {
    turn.handle_failure(lost, SystemTime::UNIX_EPOCH);
}

/// What was rejected, and whether an idle WebSocket would do.
#[track_caller]
fn asked(turn: &mut Turn) -> (Option<Credentials>, bool) {
    let Step::Ask { request, unless_idle } = turn.step() else { panic!("{:?}", turn.step()) };
    (request.rejected().cloned(), unless_idle)
}

#[track_caller]
fn divert_at(turn: &mut Turn) -> Duration {
    let Step::Connect { transport: Transport::WebSocket, divert_at } = turn.step() else {
        panic!("{:?}", turn.step())
    };
    assert!(turn.handle_none_idle());
    divert_at.expect("a head start").saturating_duration_since(failback::Timestamp::ZERO)
}

fn sent(turn: &Turn) -> Option<String> {
    let mut headers = turn.headers().iter();
    let value = headers.find(|(name, _)| *name == "authorization").map(|(_, value)| value);
    value.map(|value| value.to_str().expect("text").to_owned())
}

#[test]
fn a_client_without_a_provider_asks_nobody() {
    let client = Client::new(None);
    let mut turn = client.turn();
    turn.handle_credentials(Ok(token("a-token")));
    assert!(matches!(turn.step(), Step::Connect { .. }));
    assert!(turn.handle_none_idle());
    fail(&mut turn, &Lost::Upgrade(refusal()));
    assert!(matches!(turn.step(), Step::Connect { transport: Transport::Sse, .. }), "R2");
    assert_eq!((sent(&turn), client.mode()), (None, Mode::Suspected));
}

#[test]
fn each_handshake_has_a_head_start_of_its_own() {
    let (client, second) = (Client::asking(), Duration::from_secs(1));
    let mut turn = client.turn();
    client.advance(second);
    assert_eq!(asked(&mut turn), (None, true));
    assert_eq!(asked(&mut turn), (None, true), "until it is told");
    client.advance(60 * second);
    turn.handle_credentials(Ok(token("old")));
    assert_eq!(divert_at(&mut turn), 62 * second, "the attempt begins when they are there");
    assert_eq!(sent(&turn).as_deref(), Some("Bearer old"));

    client.advance(second / 2);
    fail(&mut turn, &Lost::Upgrade(refusal()));
    assert_eq!(asked(&mut turn), (Some(token("old")), false));
    assert!(turn.divert().is_none(), "there is no handshake to leave");
    turn.handle_connected(Connection::default());
    client.advance(60 * second);
    turn.handle_credentials(Ok(token("new")));
    assert_eq!(divert_at(&mut turn), Duration::from_millis(122_500));
    assert_eq!(sent(&turn).as_deref(), Some("Bearer new"));
    assert_eq!((turn.progress().attempts(), client.mode()), (1, Mode::Preferred));
    assert!(!turn.can_use(Some(&token("old"))) && turn.can_use(Some(&token("new"))) && turn.can_use(None));

    fail(&mut turn, &Lost::Upgrade(refusal()));
    assert_eq!(client.mode(), Mode::Suspected, "the second time it is an answer like any other");
    assert_eq!(asked(&mut turn), (None, true));
}

#[test]
fn an_idle_websocket_may_be_gone_when_it_is_wanted() {
    let client = Client::asking();
    let mut turn = client.turn();
    assert_eq!(asked(&mut turn), (None, true));
    turn.handle_idle_websocket();
    assert!(matches!(turn.step(), Step::Connect { transport: Transport::WebSocket, .. }));
    assert!(!turn.handle_none_idle());
    client.advance(Duration::from_secs(5));
    assert_eq!(asked(&mut turn), (None, false));
    turn.handle_credentials(Ok(token("old")));
    assert_eq!(divert_at(&mut turn), Duration::from_secs(6));

    // Over SSE it is no use.
    let left = turn.divert().expect("a handshake to leave");
    assert_eq!(left.credentials(), Some(&token("old")));
    assert_eq!(asked(&mut turn), (None, true));
    turn.handle_idle_websocket();
    assert_eq!(asked(&mut turn), (None, false));
    turn.handle_credentials(Ok(token("old")));
    assert!(matches!(turn.step(), Step::Connect { transport: Transport::Sse, .. }));
    assert!(turn.handle_none_idle());
}

#[test]
fn they_are_asked_for_when_the_wait_is_over() {
    let client = Client::asking();
    let mut turn = client.turn();
    turn.handle_idle_websocket();
    assert!(matches!(turn.step(), Step::Connect { .. }));
    let credentials = Some(token("old"));
    turn.handle_connected(Connection { reused: false, last_completed: None, credentials });
    assert!(matches!(turn.step(), Step::Send(_)));
    fail(&mut turn, &Seen::Reset.into());
    assert!(matches!(turn.step(), Step::Close));
    let Step::Wait(until) = turn.step() else { panic!("a stream failure is retried after backoff") };
    turn.handle_credentials(Ok(token("early")));
    client.advance(client.context.policy().time_until(until));
    // They were given ahead of time, and may not be the ones any more.
    assert_eq!(turn.credentials(), None);
    assert_eq!(asked(&mut turn), (None, true));
}

#[test]
fn an_error_before_the_first_event_is_renewed_on_another_connection() {
    let client = Client::asking();
    let mut turn = client.turn();
    turn.handle_idle_websocket();
    assert!(matches!(turn.step(), Step::Connect { .. }));
    let credentials = Some(token("of-the-connection"));
    turn.handle_connected(Connection { reused: true, last_completed: None, credentials });
    assert!(matches!(turn.step(), Step::Send(_)));
    turn.handle_sent();
    receive(&mut turn, UNKNOWN);
    assert!(matches!(turn.step(), Step::Close), "that connection is nobody's");
    assert_eq!(asked(&mut turn), (Some(token("of-the-connection")), false));
    assert_eq!((turn.progress().attempts(), client.mode()), (1, Mode::Preferred));
    turn.handle_credentials(Err("there are none".into()));
    let Step::Fail(error) = turn.step() else { panic!("it fails") };
    assert!(matches!(error.kind(), ErrorKind::Credentials(why) if why.get().to_string() == "there are none"));
    let text = "the provider of credentials failed: attempt 1, WebSocket, connecting: stopped for want of \
                other credentials: ";
    assert!(error.to_string().starts_with(text) && error.to_string().ends_with("who are you?"), "{error}");
    assert_eq!(client.mode(), Mode::Preferred);
    assert!(matches!(turn.step(), Step::Done));
    turn.handle_credentials(Ok(token("late")));
    assert!(matches!(turn.step(), Step::Done));
}
