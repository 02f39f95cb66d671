//! The books of a turn: what is delivered, taken back, announced, and told in the end.

use std::time::{Duration, SystemTime};

use failback::{Blame, GiveUp, Mode, Reason, Stage, Status, Timestamp, Transport};
use failback_wire::{Announcer, Event, Fate, Fault, Item, Received, Seen, ServerError, Turn};

fn event(json: &str) -> Event {
    Event::parse(json).expect("an event")
}

fn receive(turn: &mut Turn, json: &str) -> Received {
    turn.receive(event(json), Transport::WebSocket, Stage::Open, SystemTime::UNIX_EPOCH)
}

fn fault(seen: &Seen<'_>, transport: Transport, stage: Stage) -> Fault {
    Fault::new(seen, transport, stage, false, None, SystemTime::UNIX_EPOCH)
}

const CREATED: &str = r#"{"type":"response.created"}"#;
const DELTA: &str = r#"{"type":"response.output_text.delta","delta":"x"}"#;

#[test]
fn output_commits_and_lifecycle_events_do_not() {
    let mut turn = Turn::new();
    let reset = fault(&Seen::Reset, Transport::WebSocket, Stage::Streaming);
    assert!(matches!(receive(&mut turn, CREATED), Received::Deliver(_)));
    assert!(!turn.fail(Transport::WebSocket, Reason::Healthy, &reset).is_committed());
    assert!(matches!(receive(&mut turn, DELTA), Received::Deliver(_)));
    assert!(turn.fail(Transport::WebSocket, Reason::Healthy, &reset).is_committed());
}

#[test]
fn what_was_delivered_is_taken_back_once_and_commits_no_longer() {
    let mut turn = Turn::new();
    assert!(turn.begin_attempt().is_none());
    for json in [CREATED, DELTA, DELTA] {
        assert!(matches!(receive(&mut turn, json), Received::Deliver(_)));
    }
    assert!(matches!(turn.begin_attempt(), Some(Item::Restarted { discard: 3 })));
    assert!(turn.begin_attempt().is_none());
    let reset = fault(&Seen::Reset, Transport::Sse, Stage::Open);
    assert!(!turn.fail(Transport::Sse, Reason::CallMoved, &reset).is_committed());
}

#[test]
fn terminal_events_end_the_attempt() {
    let mut turn = Turn::new();
    assert!(matches!(receive(&mut turn, r#"{"type":"response.completed"}"#), Received::Complete(_)));
    assert!(matches!(receive(&mut turn, r#"{"type":"response.incomplete"}"#), Received::Complete(_)));
    assert!(matches!(receive(&mut turn, r#"{"type":"response.cancelled"}"#), Received::End(_)));
    let refused =
        r#"{"type":"response.failed","response":{"error":{"code":"invalid_prompt","message":"no"}}}"#;
    assert!(matches!(receive(&mut turn, refused), Received::End(_)));
}

#[test]
fn an_error_is_not_delivered_and_keeps_the_connection_but_for_its_own_limit() {
    let mut turn = Turn::new();
    for (json, blame, fate) in [
        (
            r#"{"type":"error","status":429,"error":{"code":"rate_limit_exceeded"}}"#,
            Blame::Server,
            Fate::Keep,
        ),
        (r#"{"type":"error","error":{"code":"previous_response_not_found"}}"#, Blame::Connection, Fate::Keep),
        (
            r#"{"type":"error","error":{"code":"websocket_connection_limit_reached"}}"#,
            Blame::Connection,
            Fate::Close,
        ),
        (
            r#"{"type":"response.failed","response":{"error":{"code":"server_error"}}}"#,
            Blame::Server,
            Fate::Keep,
        ),
    ] {
        let Received::Fail(fault, what_now) = receive(&mut turn, json) else { panic!("{json}") };
        assert_eq!((fault.failure().blame(), what_now), (blame, fate), "{json}");
    }
    assert!(turn.begin_attempt().is_none(), "nothing was delivered");
}

#[test]
fn an_error_tells_the_whole_story() {
    let mut turn = Turn::new();
    turn.divert(Reason::Healthy, Duration::from_secs(1));
    let error = ServerError::from_body(403, br#"{"error":{"message":"not in your region"}}"#);
    let refused = Seen::Answer { status: 403, headers: &http::HeaderMap::new(), error: Some(&error) };
    let refused = fault(&refused, Transport::Sse, Stage::Open);
    assert_eq!(turn.why_not_websocket(), Some("the WebSocket handshake took longer than 1.0 s"));
    let _ = turn.fail(Transport::Sse, Reason::CallMoved, &refused);

    let error = turn.give_up(GiveUp::NotRetryable);
    assert_eq!(error.give_up(), GiveUp::NotRetryable);
    let blames: Vec<_> =
        error.attempts().iter().map(|attempt| (attempt.transport(), attempt.blame())).collect();
    assert_eq!(blames, [(Transport::WebSocket, None), (Transport::Sse, Some(Blame::Request))]);
    let text = error.to_string();
    assert!(text.starts_with("trying again would fail again: attempt 1, WebSocket, connecting: "), "{text}");
    assert!(text.contains("took longer than 1.0 s; attempt 2, SSE, open: "), "{text}");
    assert!(text.contains("403") && text.ends_with("not in your region"), "{text}");
}

fn status(mode: Mode, retry_in: Option<Duration>) -> Status {
    Status { mode, retry_in, recoveries_left: 3 }
}

#[test]
fn only_a_change_of_transport_is_announced() {
    let mut announcer = Announcer::new();
    let preferred = &status(Mode::Preferred, None);
    assert!(announcer.announce(Transport::WebSocket, Reason::Healthy, preferred, None).is_none());

    let wait = Duration::from_millis(60_000);
    let cooling = &status(Mode::FailedOver { retry_at: Timestamp::MAX }, Some(wait));
    let notice =
        announcer.announce(Transport::Sse, Reason::CallMoved, cooling, Some("it broke")).expect("a notice");
    assert_eq!((notice.transport(), notice.reason()), (Transport::Sse, Reason::CallMoved));
    assert_eq!(notice.retry_in(), Some(wait));
    assert_eq!(notice.text(), "moved to SSE: it broke; next WebSocket attempt in 60 s");
    assert!(announcer.announce(Transport::Sse, Reason::CoolingDown, cooling, None).is_none());

    let notice = announcer.announce(Transport::WebSocket, Reason::Probe, preferred, None).expect("a notice");
    assert_eq!(notice.to_string(), "back on WebSocket");
}

#[test]
fn a_notice_says_why_even_when_the_turn_itself_saw_nothing() {
    for (reason, mode, text) in [
        (Reason::Pinned, Mode::Pinned, "moved to SSE: WebSocket failed too often; staying on SSE"),
        (
            Reason::DialPending,
            Mode::Preferred,
            "moved to SSE: an earlier WebSocket handshake is still not answered",
        ),
        (Reason::TooLarge, Mode::Preferred, "moved to SSE: the message is too large for WebSocket"),
    ] {
        let notice =
            Announcer::new().announce(Transport::Sse, reason, &status(mode, None), None).expect("a notice");
        assert_eq!(notice.text(), text);
    }
}
