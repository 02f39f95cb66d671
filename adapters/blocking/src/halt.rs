use failback_client::Lost;
use failback_wire::{BodyError, Seen};

use crate::bell::Stopped;

/// Why an operation ended without a result.
#[derive(Debug)]
pub enum Halt {
    /// The connection failed, or could not be opened.
    Lost(Lost),
    /// The thread is to stop: it was told so, or its time is over.
    Stopped,
}

impl Halt {
    pub(crate) fn new(seen: Seen<'static>, detail: impl ToString) -> Self {
        Self::Lost(Lost::new(seen, detail))
    }

    /// The client itself is at fault.
    pub(crate) fn internal(what: impl ToString) -> Self {
        Self::Lost(Lost::internal(what))
    }

    /// Replaces the detail of what was lost, as [`Lost::explained`] does.
    pub(crate) fn explained(self, detail: impl FnOnce(&str) -> String) -> Self {
        match self {
            Self::Lost(lost) => Self::Lost(lost.explained(detail)),
            Self::Stopped => Self::Stopped,
        }
    }
}

impl From<Lost> for Halt {
    fn from(lost: Lost) -> Self {
        Self::Lost(lost)
    }
}

impl From<Seen<'static>> for Halt {
    fn from(seen: Seen<'static>) -> Self {
        Self::Lost(seen.into())
    }
}

impl From<BodyError> for Halt {
    fn from(error: BodyError) -> Self {
        Self::Lost(error.into())
    }
}

impl From<Stopped> for Halt {
    fn from(Stopped: Stopped) -> Self {
        Self::Stopped
    }
}
