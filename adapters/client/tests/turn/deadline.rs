//! The deadline of a turn: wherever it is when that is over, it ends, and nothing is held against a
//! transport.

use std::time::{Duration, SystemTime};

use failback::{Blame, Config, GiveUp, Mode, Stage, Timestamp, Transport};
use failback_client::{Connection, Error, ErrorKind, Item, LeftDial, Step, Turn};
use failback_wire::{Request, RequestError, Seen};

use crate::{CREATED, Client, DELTA, connect, receive};

const SECOND: Duration = Duration::from_secs(1);
const LIMIT: Duration = Duration::from_secs(5);

/// The turn is told, and its error, after a connection was closed if it had one.
#[track_caller]
fn end(mut turn: Turn, had_connection: bool) -> Error {
    turn.handle_deadline();
    assert_eq!(turn.deadline(), None, "nobody has to wait for it any more");
    if had_connection {
        assert!(matches!(turn.step(), Step::Close));
    }
    let Step::Fail(error) = turn.step() else { panic!("it fails") };
    assert!(matches!(turn.step(), Step::Done));
    assert!(error.is_deadline());
    assert_eq!(error.kind(), &ErrorKind::Deadline { limit: LIMIT });
    error
}

#[test]
fn before_anything() {
    let client = Client::new(Some(LIMIT));
    let turn = client.turn();
    assert_eq!(turn.deadline(), Some(Timestamp::ZERO.saturating_add(LIMIT)));
    let error = end(turn, false);
    let text = error.to_string();
    assert_eq!(text, "the turn was not over within its deadline of 5.0 s, before the first attempt");
    assert!(error.is_retryable() && error.attempts().is_empty());
}

#[test]
fn while_it_connects() {
    let client = Client::new(Some(LIMIT));
    let mut turn = client.turn();
    assert!(matches!(turn.step(), Step::Connect { .. }));
    let error = end(turn, false);
    let [attempt] = error.attempts() else { panic!("{error}") };
    assert_eq!((attempt.transport(), attempt.stage()), (Transport::WebSocket, Stage::Connecting));
    assert_eq!(attempt.blame(), None);
    let text = "the turn was not over within its deadline of 5.0 s: \
                attempt 1, WebSocket, connecting: stopped by the deadline";
    assert_eq!(error.to_string(), text);
    assert_eq!(client.mode(), Mode::Preferred);
}

#[test]
fn while_it_sends() {
    let client = Client::new(Some(LIMIT));
    let mut turn = client.turn();
    assert!(matches!(turn.step(), Step::Connect { .. }));
    turn.handle_connected(Connection::default());
    assert!(matches!(turn.step(), Step::Send(_)));
    let error = end(turn, true);
    assert!(error.to_string().ends_with("open: stopped by the deadline, before any event"), "{error}");
    assert_eq!(client.mode(), Mode::Preferred);
}

#[test]
fn while_it_reads() {
    let client = Client::new(Some(LIMIT));
    let mut turn = client.reading();
    receive(&mut turn, CREATED);
    assert!(matches!(turn.step(), Step::Yield(Item::Event(_))));
    let error = end(turn, true);
    assert!(error.to_string().ends_with("streaming: stopped by the deadline, after 1 event"), "{error}");
    assert!(error.is_retryable(), "no output was delivered");
    assert_eq!(error.give_up(), GiveUp::AttemptsExhausted);
    assert_eq!(client.mode(), Mode::Preferred);
}

#[test]
fn while_it_waits_to_try_again() {
    let client = Client::new(Some(LIMIT));
    let mut turn = client.reading();
    turn.handle_failure(&Seen::Reset.into(), SystemTime::UNIX_EPOCH);
    assert!(matches!(turn.step(), Step::Close));
    assert!(matches!(turn.step(), Step::Wait(_)));
    let error = end(turn, false);
    let [attempt] = error.attempts() else { panic!("{error}") };
    assert_eq!(attempt.blame(), Some(Blame::Transport));
    let text = "the turn was not over within its deadline of 5.0 s, while it waited to try again: attempt 1";
    assert!(error.to_string().starts_with(text), "{error}");
}

#[test]
fn what_the_caller_has_been_given_comes_first_and_is_not_to_be_had_again() {
    let client = Client::new(Some(LIMIT));
    let mut turn = client.reading();
    receive(&mut turn, DELTA);
    turn.handle_deadline();
    assert!(matches!(turn.step(), Step::Close));
    assert!(matches!(turn.step(), Step::Yield(Item::Event(_))));
    let Step::Fail(error) = turn.step() else { panic!("it fails") };
    assert!(error.is_deadline() && !error.is_retryable());
    assert_eq!(error.give_up(), GiveUp::Committed);
}

#[test]
fn it_is_the_callers_doing_and_evidence_against_nothing() {
    let client = Client::new(Some(LIMIT));
    for _ in 0..20 {
        drop(end(client.reading(), true));
    }
    assert_eq!(client.mode(), Mode::Preferred);
    assert_eq!(client.context.policy().recoveries_left(), Config::new().max_recoveries());
}

#[test]
fn a_handshake_that_was_left_alone_goes_on() {
    let client = Client::new(Some(LIMIT));
    let mut turn = client.turn();
    assert!(matches!(turn.step(), Step::Connect { divert_at: Some(_), .. }));
    let left: LeftDial = turn.divert().expect("a handshake to leave alone");
    connect(&mut turn, Transport::Sse);
    let error = end(turn, true);
    assert_eq!(error.attempts().len(), 2, "{error}");
    assert!(matches!(client.turn().step(), Step::Connect { transport: Transport::Sse, .. }));
    left.handle_opened();
    assert!(matches!(client.turn().step(), Step::Connect { transport: Transport::WebSocket, .. }));
}

#[test]
fn a_turn_that_is_over_stays_as_it_is() {
    let client = Client::new(Some(LIMIT));
    let mut turn = client.reading();
    receive(&mut turn, r#"{"type":"response.completed","response":{"id":"r"}}"#);
    client.advance(LIMIT);
    turn.handle_deadline();
    assert!(matches!(turn.step(), Step::Keep { completed: Some(_) }));
    assert!(matches!(turn.step(), Step::Yield(Item::Event(_))));
    assert!(matches!(turn.step(), Step::Done));
}

#[test]
fn the_turn_looks_at_the_clock_itself() {
    let client = Client::new(Some(LIMIT));
    let mut turn = client.reading();
    client.advance(LIMIT - SECOND);
    receive(&mut turn, CREATED);
    assert!(matches!(turn.step(), Step::Yield(Item::Event(_))));
    assert!(matches!(turn.step(), Step::Read));
    client.advance(SECOND);
    receive(&mut turn, CREATED);
    assert!(matches!(turn.step(), Step::Yield(Item::Event(_))));
    assert!(matches!(turn.step(), Step::Close));
    assert!(matches!(turn.step(), Step::Fail(error) if error.is_deadline()));
    assert!(matches!(turn.step(), Step::Done));
}

#[test]
fn a_requests_own_deadline_comes_before_the_clients() {
    let client = Client::new(Some(LIMIT));
    let request = || Request::text("m", "hi");
    let deadline = |request| Turn::new(&client.context, request).deadline();
    assert_eq!(deadline(request()), Some(Timestamp::ZERO.saturating_add(LIMIT)));
    for own in [SECOND, 2 * LIMIT] {
        let with_own = request().with_deadline(own).unwrap();
        assert_eq!(deadline(with_own), Some(Timestamp::ZERO.saturating_add(own)));
    }
    assert_eq!(deadline(request().with_deadline(Duration::MAX).unwrap()), None);
    let unlimited = Client::new(None);
    assert_eq!(unlimited.turn().deadline(), None);
    let mut turn = unlimited.turn();
    turn.handle_deadline();
    assert!(matches!(turn.step(), Step::Connect { .. }), "there is none");
    assert_eq!(request().with_deadline(Duration::ZERO).unwrap_err(), RequestError::ZeroDeadline);
}

#[test]
fn it_counts_from_when_the_turn_was_made() {
    let client = Client::new(Some(LIMIT));
    let mut turn = client.turn();
    client.advance(LIMIT);
    assert!(matches!(turn.step(), Step::Fail(error) if error.is_deadline()));
    assert!(matches!(turn.step(), Step::Done));
}
