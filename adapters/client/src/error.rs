use std::fmt;
use std::time::Duration;

use failback::{Blame, GiveUp, Reason, Stage, Transport};
use failback_wire::{Fault, ServerError};

use crate::duration::seconds;

/// How one attempt ended that did not complete its turn.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AttemptReport {
    transport: Transport,
    reason: Reason,
    stage: Stage,
    blame: Option<Blame>,
    text: String,
    status: Option<u16>,
    server_error: Option<Box<ServerError>>,
    request_id: Option<String>,
}

impl AttemptReport {
    /// The report of an attempt that failed with this fault.
    pub(crate) fn failed(transport: Transport, reason: Reason, fault: &Fault) -> Self {
        let failure = fault.failure();
        Self {
            transport,
            reason,
            stage: failure.stage(),
            blame: Some(failure.blame()),
            text: fault.text().to_owned(),
            status: fault.status(),
            server_error: fault.server_error().cloned().map(Box::new),
            request_id: fault.request_id().map(str::to_owned),
        }
    }

    /// The report of a WebSocket attempt that the turn left, because its handshake took longer than this head
    /// start (R17).
    pub(crate) fn diverted(reason: Reason, head_start: Duration) -> Self {
        Self {
            transport: Transport::WebSocket,
            reason,
            stage: Stage::Connecting,
            blame: None,
            text: format!("the WebSocket handshake took longer than {}", seconds(head_start)),
            status: None,
            server_error: None,
            request_id: None,
        }
    }

    /// The transport that the attempt used.
    #[must_use]
    pub const fn transport(&self) -> Transport {
        self.transport
    }

    /// Why the attempt was made over that transport.
    #[must_use]
    pub const fn reason(&self) -> Reason {
        self.reason
    }

    /// How far the attempt had come.
    #[must_use]
    pub const fn stage(&self) -> Stage {
        self.stage
    }

    /// What its failure is evidence against. `None` if the attempt did not fail: its handshake took longer
    /// than the head start, and the turn went on without it.
    #[must_use]
    pub const fn blame(&self) -> Option<Blame> {
        self.blame
    }

    /// What went wrong, with the server's own message if it sent one.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The HTTP status that the server, or a proxy, answered with or named, if it did.
    #[must_use]
    pub const fn status(&self) -> Option<u16> {
        self.status
    }

    /// What the server said was wrong: its code, type, parameter and message. Without the client's
    /// credentials.
    #[must_use]
    pub fn server_error(&self) -> Option<&ServerError> {
        self.server_error.as_deref()
    }

    /// The id that the server gave to the request, by the header `x-request-id` or `request-id` of a refusal.
    #[must_use]
    pub fn request_id(&self) -> Option<&str> {
        self.request_id.as_deref()
    }
}

impl fmt::Display for AttemptReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}, {}: {}", self.transport, self.stage, self.text)
    }
}

/// Why a turn failed: why the policy gave it up, and how each attempt ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Error {
    give_up: GiveUp,
    attempts: Vec<AttemptReport>,
}

impl Error {
    pub(crate) const fn new(give_up: GiveUp, attempts: Vec<AttemptReport>) -> Self {
        Self { give_up, attempts }
    }

    /// Why the policy gave the turn up.
    #[must_use]
    pub const fn give_up(&self) -> GiveUp {
        self.give_up
    }

    /// Every attempt, in order. So the error says why WebSocket was left even if SSE failed too.
    #[must_use]
    pub fn attempts(&self) -> &[AttemptReport] {
        &self.attempts
    }

    /// Whether the same request may succeed later: nothing shows that it is wrong, and no output of it was
    /// delivered.
    #[must_use]
    pub const fn is_retryable(&self) -> bool {
        match self.give_up {
            GiveUp::Committed | GiveUp::NotRetryable => false,
            GiveUp::AttemptsExhausted | GiveUp::BudgetExhausted | GiveUp::ServerBusy { .. } => true,
        }
    }

    /// How long the server asked to wait, by the last attempt that was told.
    #[must_use]
    pub fn retry_after(&self) -> Option<Duration> {
        match self.give_up {
            GiveUp::ServerBusy { retry_after } => Some(retry_after),
            _ => self.server_error()?.retry_after,
        }
    }

    /// The last attempt's [`status`](AttemptReport::status), of those that have one.
    #[must_use]
    pub fn status(&self) -> Option<u16> {
        self.last(AttemptReport::status)
    }

    /// The last attempt's [`server_error`](AttemptReport::server_error), of those that have one.
    #[must_use]
    pub fn server_error(&self) -> Option<&ServerError> {
        self.last(AttemptReport::server_error)
    }

    /// The last attempt's [`request_id`](AttemptReport::request_id), of those that have one.
    #[must_use]
    pub fn request_id(&self) -> Option<&str> {
        self.last(AttemptReport::request_id)
    }

    fn last<'a, T>(&'a self, part: impl Fn(&'a AttemptReport) -> Option<T>) -> Option<T> {
        self.attempts.iter().rev().find_map(part)
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.give_up)?;
        for (attempt, number) in self.attempts.iter().zip(1..) {
            let separator = if number == 1 { ": " } else { "; " };
            write!(f, "{separator}attempt {number}, {attempt}")?;
        }
        Ok(())
    }
}

// No source: `Display` has told everything, and whoever prints the whole chain should not read it twice.
impl std::error::Error for Error {}
