use std::time::{Duration, SystemTime};

use failback::{Failure, Reason, Stage, Transport};
use failback_wire::{Event, Fault, Seen, Terminal};

use crate::error::{AttemptReport, Error, ErrorKind};
use crate::item::Item;

/// What the turn does with an event that arrived.
#[derive(Debug)]
#[must_use = "an event is to be delivered, or ends the attempt"]
pub(crate) enum Received {
    /// Deliver it; more will come.
    Deliver(Event),
    /// Deliver it: the response is complete.
    Complete(Event),
    /// Deliver it: the server ended the response without completing it.
    End(Event),
    /// Do not deliver it: the attempt failed.
    Fail(Fault, Fate),
}

/// What becomes of the connection of a response that failed by an event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fate {
    /// An error ends the response, not the connection.
    Keep,
    /// The connection can carry no other response.
    Close,
}

/// The books of one turn: how many events the caller has, and how each attempt ended.
#[derive(Debug, Default)]
pub(crate) struct Books {
    /// How many events of this attempt were delivered to the caller.
    delivered: usize,
    /// Whether output is among them.
    committed: bool,
    /// Whether the request of this attempt itself names an earlier response. If the server does not know that
    /// response, no retry can send a fuller input.
    names_response: bool,
    attempts: Vec<AttemptReport>,
}

impl Books {
    /// An attempt begins. Returns what tells the caller to forget the events of the attempt before, if there
    /// were any.
    #[must_use]
    pub(crate) fn begin_attempt(&mut self) -> Option<Item> {
        self.committed = false;
        self.names_response = false;
        match std::mem::take(&mut self.delivered) {
            0 => None,
            discard => Some(Item::Restarted { discard }),
        }
    }

    /// The attempt sends its request. `names_response` says whether that itself names an earlier response
    /// ([`Request::names_response`](failback_wire::Request::names_response)).
    pub(crate) fn send(&mut self, names_response: bool) {
        self.names_response = names_response;
    }

    /// An event arrived. `stage` is how far the attempt had come before it. `now` is asked only if the event
    /// tells of an error.
    pub(crate) fn receive(
        &mut self,
        event: Event,
        transport: Transport,
        stage: Stage,
        now: impl FnOnce() -> SystemTime,
    ) -> Received {
        let error = self.error_in(&event);
        let fault = error
            .and_then(|(seen, fate)| Some((Fault::new(&seen, transport, stage, false, None, now())?, fate)));
        if let Some((fault, fate)) = fault {
            return Received::Fail(fault, fate);
        }
        self.deliver(&event);
        match event.terminal() {
            Some(Terminal::Completed) => Received::Complete(event),
            Some(Terminal::Ended | Terminal::Error) => Received::End(event),
            _ => Received::Deliver(event),
        }
    }

    /// The event goes to the caller.
    pub(crate) fn deliver(&mut self, event: &Event) {
        self.delivered = self.delivered.saturating_add(1);
        self.committed |= event.is_output();
    }

    /// If the event tells of an error: what it shows, and what becomes of the connection. It may still be one
    /// with which the server has ended the response as it meant to.
    fn error_in<'a>(&self, event: &'a Event) -> Option<(Seen<'a>, Fate)> {
        match (event.terminal()?, event.error()) {
            (Terminal::Error, Some(error)) => {
                let fate = if error.ends_connection() { Fate::Close } else { Fate::Keep };
                let seen = if self.names_response && error.is_unknown_response() {
                    Seen::UnknownResponse(error)
                } else {
                    Seen::ErrorEvent(error)
                };
                Some((seen, fate))
            }
            (Terminal::Error, None) => Some((Seen::BadEvent, Fate::Close)),
            (Terminal::Ended, Some(error)) => Some((Seen::FailedEvent(error), Fate::Keep)),
            (Terminal::Ended, None) | (Terminal::Completed, _) => None,
        }
    }

    /// An attempt failed. Keeps a report of it, and returns what to tell the policy.
    #[must_use]
    pub(crate) fn fail(&mut self, transport: Transport, reason: Reason, fault: &Fault) -> Failure {
        self.attempts.push(AttemptReport::failed(transport, reason, fault));
        let failure = fault.failure();
        if self.committed { failure.with_committed() } else { failure }
    }

    /// The handshake of an attempt took longer than the head start, so the turn went on without it (R17).
    pub(crate) fn divert(&mut self, reason: Reason, head_start: Duration) {
        self.attempts.push(AttemptReport::diverted(reason, head_start));
    }

    /// An attempt was stopped in the middle, for a reason that says nothing of its transport.
    pub(crate) fn stop(&mut self, transport: Transport, reason: Reason, stage: Stage, why: &str) {
        let events = match (stage, self.delivered) {
            (Stage::Connecting, _) => String::new(),
            (_, 0) => ", before any event".to_owned(),
            (_, 1) => ", after 1 event".to_owned(),
            (_, count) => format!(", after {count} events"),
        };
        self.attempts.push(AttemptReport::stopped(transport, reason, stage, format!("{why}{events}")));
    }

    /// Why the turn is not on WebSocket: how its last attempt there ended.
    #[must_use]
    pub(crate) fn why_not_websocket(&self) -> Option<&str> {
        let mut latest_first = self.attempts.iter().rev();
        latest_first.find(|attempt| attempt.transport() == Transport::WebSocket).map(AttemptReport::text)
    }

    /// The turn is over, and this is its error.
    #[must_use]
    pub(crate) fn end(self, kind: ErrorKind) -> Error {
        Error::new(kind, self.committed, self.attempts)
    }
}

#[cfg(test)]
mod tests {
    use failback::{Blame, GiveUp};
    use failback_wire::ServerError;

    use super::*;

    fn event(json: &str) -> Event {
        Event::parse(json).expect("an event")
    }

    fn receive(turn: &mut Books, json: &str) -> Received {
        turn.receive(event(json), Transport::WebSocket, Stage::Open, || SystemTime::UNIX_EPOCH)
    }

    fn fault(seen: &Seen<'_>, transport: Transport, stage: Stage) -> Fault {
        Fault::new(seen, transport, stage, false, None, SystemTime::UNIX_EPOCH).expect("a fault")
    }

    const CREATED: &str = r#"{"type":"response.created"}"#;
    const DELTA: &str = r#"{"type":"response.output_text.delta","delta":"x"}"#;

    #[test]
    fn output_commits_and_lifecycle_events_do_not() {
        let mut turn = Books::default();
        let reset = fault(&Seen::Reset, Transport::WebSocket, Stage::Streaming);
        assert!(matches!(receive(&mut turn, CREATED), Received::Deliver(_)));
        assert!(!turn.fail(Transport::WebSocket, Reason::Healthy, &reset).is_committed());
        assert!(matches!(receive(&mut turn, DELTA), Received::Deliver(_)));
        assert!(turn.fail(Transport::WebSocket, Reason::Healthy, &reset).is_committed());
    }

    #[test]
    fn what_was_delivered_is_taken_back_once_and_commits_no_longer() {
        let mut turn = Books::default();
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
        let mut turn = Books::default();
        assert!(matches!(receive(&mut turn, r#"{"type":"response.completed"}"#), Received::Complete(_)));
        assert!(matches!(receive(&mut turn, r#"{"type":"response.incomplete"}"#), Received::Complete(_)));
        assert!(matches!(receive(&mut turn, r#"{"type":"response.cancelled"}"#), Received::End(_)));
        let refused =
            r#"{"type":"response.failed","response":{"error":{"code":"invalid_prompt","message":"no"}}}"#;
        assert!(matches!(receive(&mut turn, refused), Received::End(_)));
    }

    #[test]
    fn an_error_is_not_delivered_and_keeps_the_connection_but_for_its_own_limit() {
        let mut turn = Books::default();
        for (json, blame, fate) in [
            (
                r#"{"type":"error","status":429,"error":{"code":"rate_limit_exceeded"}}"#,
                Blame::Server,
                Fate::Keep,
            ),
            (
                r#"{"type":"error","error":{"code":"previous_response_not_found"}}"#,
                Blame::Connection,
                Fate::Keep,
            ),
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
        let mut turn = Books::default();
        turn.divert(Reason::Healthy, Duration::from_secs(1));
        let error = ServerError::from_body(403, br#"{"error":{"message":"not in your region"}}"#);
        let refused = Seen::Answer { status: 403, headers: &http::HeaderMap::new(), error: Some(&error) };
        let refused = fault(&refused, Transport::Sse, Stage::Open);
        assert_eq!(turn.why_not_websocket(), Some("the WebSocket handshake took longer than 1.0 s"));
        let _ = turn.fail(Transport::Sse, Reason::CallMoved, &refused);

        let error = turn.end(ErrorKind::GaveUp(GiveUp::NotRetryable));
        assert_eq!(error.give_up(), GiveUp::NotRetryable);
        let blames: Vec<_> =
            error.attempts().iter().map(|attempt| (attempt.transport(), attempt.blame())).collect();
        assert_eq!(blames, [(Transport::WebSocket, None), (Transport::Sse, Some(Blame::Request))]);
        let text = error.to_string();
        assert!(
            text.starts_with("trying again would fail again: attempt 1, WebSocket, connecting: "),
            "{text}"
        );
        assert!(text.contains("took longer than 1.0 s; attempt 2, SSE, open: "), "{text}");
        assert!(text.contains("403") && text.ends_with("not in your region"), "{text}");
    }
}
