use std::fmt;
use std::time::Duration;

use failback::{Blame, GiveUp, Reason, Stage, Transport};
use failback_wire::Fault;

use crate::duration::seconds;

/// What became of one attempt that did not carry its turn.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AttemptReport {
    transport: Transport,
    reason: Reason,
    stage: Stage,
    blame: Option<Blame>,
    text: String,
}

impl AttemptReport {
    /// What to report of an attempt that failed like this.
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

    /// What to report of a WebSocket attempt whose handshake took longer than this head start (R17).
    pub(crate) fn diverted(reason: Reason, head_start: Duration) -> Self {
        Self {
            transport: Transport::WebSocket,
            reason,
            stage: Stage::Connecting,
            blame: None,
            text: format!("the WebSocket handshake took longer than {}", seconds(head_start)),
        }
    }

    /// Which transport it used.
    #[must_use]
    pub const fn transport(&self) -> Transport {
        self.transport
    }

    /// Why it was made there.
    #[must_use]
    pub const fn reason(&self) -> Reason {
        self.reason
    }

    /// How far it came.
    #[must_use]
    pub const fn stage(&self) -> Stage {
        self.stage
    }

    /// What its failure is evidence against; `None` if it has not failed but was left, because the handshake took
    /// longer than the head start.
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

/// A turn failed: why it was given up, and what every attempt of it met.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Error {
    give_up: GiveUp,
    attempts: Vec<AttemptReport>,
}

impl Error {
    pub(crate) const fn new(give_up: GiveUp, attempts: Vec<AttemptReport>) -> Self {
        Self { give_up, attempts }
    }

    /// Why the turn was given up.
    #[must_use]
    pub const fn give_up(&self) -> GiveUp {
        self.give_up
    }

    /// Every attempt, in order. A refused fallback does not hide why WebSocket was left.
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
