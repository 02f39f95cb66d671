use std::fmt;
use std::time::Duration;

use failback::{Blame, GiveUp, Reason, Stage, Transport};
use failback_wire::Fault;

use crate::duration::seconds;

/// How one attempt ended that did not complete its turn.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AttemptReport {
    transport: Transport,
    reason: Reason,
    stage: Stage,
    blame: Option<Blame>,
    text: String,
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

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        Some(&self.give_up)
    }
}
