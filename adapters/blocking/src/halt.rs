use failback_client::Lost;
use failback_wire::{BodyError, Seen};

use crate::bell::Stopped;

/// Why something does not go on.
pub(crate) enum Halt {
    /// There is no connection, or no longer one.
    Lost(Lost),
    /// Nobody wants it any more.
    Stopped,
}

impl Halt {
    pub(crate) fn new(seen: Seen<'static>, detail: impl ToString) -> Self {
        Self::Lost(Lost::new(seen, detail))
    }

    /// The same, with more said of what was lost.
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
