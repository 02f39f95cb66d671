//! A fault of the client itself ends the turn and says so, and nothing is held against a transport.

use std::time::SystemTime;

use failback::{Config, GiveUp, Mode, Stage, Transport};
use failback_client::{Connection, Error, ErrorKind, Lost, Step, Turn};
use failback_wire::{Seen, ServerError};

use crate::{Client, DELTA, connect, receive};

fn fail(turn: &mut Turn, lost: &Lost) {
    turn.handle_failure(lost, SystemTime::UNIX_EPOCH);
}

fn fault() -> Lost {
    Lost::internal("there is no connection")
}

#[track_caller]
fn error(mut turn: Turn) -> Error {
    let Step::Fail(error) = turn.step() else { panic!("it fails") };
    assert!(matches!(turn.step(), Step::Done));
    assert!(matches!(error.kind(), ErrorKind::Internal { .. }), "{error:?}");
    assert!(!error.is_retryable() && !error.is_deadline());
    error
}

#[test]
fn it_is_said_and_blames_nobody() {
    let client = Client::new(None);
    for _ in 0..20 {
        let mut turn = client.turn();
        assert!(matches!(turn.step(), Step::Connect { .. }));
        turn.handle_connected(Connection::default());
        fail(&mut turn, &fault());
        assert!(matches!(turn.step(), Step::Close));
        let error = error(turn);
        let text = "failback itself is at fault, please report it: there is no connection: attempt 1, \
                    WebSocket, open: stopped by a fault of the client itself, before any event";
        assert_eq!(error.to_string(), text);
        assert_eq!(error.give_up(), GiveUp::NotRetryable);
        let [attempt] = error.attempts() else { panic!("{error}") };
        assert_eq!((attempt.blame(), attempt.status()), (None, None));
    }
    assert_eq!(client.mode(), Mode::Preferred);
    assert_eq!(client.context.policy().recoveries_left(), Config::new().max_recoveries());
}

#[test]
fn it_is_told_wherever_the_turn_is() {
    let client = Client::new(None);
    let mut turn = client.turn();
    assert!(matches!(turn.step(), Step::Connect { .. }));
    fail(&mut turn, &fault());
    assert_eq!(error(turn).attempts()[0].stage(), Stage::Connecting);

    let mut turn = client.reading();
    receive(&mut turn, DELTA);
    fail(&mut turn, &fault());
    assert!(matches!(turn.step(), Step::Close));
    assert!(matches!(turn.step(), Step::Yield(_)));
    let error = error(turn);
    assert!(error.to_string().ends_with("after 1 event"), "{error}");
}

#[test]
fn what_is_no_failure_is_not_one_of_the_request() {
    let client = Client::new(None);
    // With this the server has ended the response as it meant to. Nobody may report it as a failure.
    let said = br#"{"error":{"code":"invalid_prompt","message":"no"}}"#;
    let said: &'static ServerError = Box::leak(Box::new(ServerError::from_body(400, said)));
    let mut turn = client.reading();
    fail(&mut turn, &Seen::FailedEvent(said).into());
    assert!(matches!(turn.step(), Step::Close));
    drop(error(turn));
}

#[test]
fn a_handshake_that_was_left_alone_is_abandoned() {
    let client = Client::new(None);
    let mut turn = client.turn();
    assert!(matches!(turn.step(), Step::Connect { .. }));
    let left = turn.divert().expect("a handshake to leave alone");
    connect(&mut turn, Transport::Sse);
    left.handle_failure(&fault(), SystemTime::UNIX_EPOCH);
    receive(&mut turn, r#"{"type":"response.completed","response":{"id":"r"}}"#);
    assert_eq!(client.mode(), Mode::Preferred, "WebSocket is not convicted of it");
    assert!(matches!(client.turn().step(), Step::Connect { transport: Transport::WebSocket, .. }));
}
