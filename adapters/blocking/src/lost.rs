use failback_wire::{BodyError, Seen};

use crate::bell::Stopped;
use crate::refusal::Refusal;

/// Why there is no connection, or no longer one.
pub(crate) enum Lost {
    Seen(Seen<'static>, Option<String>),
    /// The upgrade was answered with a status that is not 101.
    Upgrade(Box<Refusal>),
    /// The POST was answered with a status that is not 200.
    Answer(Box<Refusal>),
    /// The body of the answer to the POST is none that is understood.
    Body(BodyError),
    /// The POST was answered in this encoding, which was not asked for.
    Encoded(String),
    /// A close frame.
    Closed(Option<u16>, String),
    /// Nobody wants it any more.
    Stopped,
}

impl Lost {
    pub(crate) fn new(seen: Seen<'static>, detail: impl ToString) -> Self {
        Self::Seen(seen, Some(detail.to_string()))
    }

    /// Says what was seen, and what the layer below said of it. `None` if nothing is to be said.
    pub(crate) fn tell<T>(&self, hear: impl FnOnce(&Seen<'_>, Option<&str>) -> T) -> Option<T> {
        Some(match self {
            Self::Seen(seen, detail) => hear(seen, detail.as_deref()),
            Self::Upgrade(refusal) => {
                let Refusal { status, headers, error } = &**refusal;
                hear(&Seen::Upgrade { status: *status, headers, error: Some(error) }, None)
            }
            Self::Answer(refusal) => {
                let Refusal { status, headers, error } = &**refusal;
                hear(&Seen::Answer { status: *status, headers, error: Some(error) }, None)
            }
            Self::Body(error) => hear(&error.seen(), error.detail()),
            Self::Encoded(encoding) => hear(&Seen::Encoded { encoding }, None),
            Self::Closed(code, reason) => hear(&Seen::Closed { code: *code, reason }, None),
            Self::Stopped => return None,
        })
    }
}

impl From<Seen<'static>> for Lost {
    fn from(seen: Seen<'static>) -> Self {
        Self::Seen(seen, None)
    }
}

impl From<Stopped> for Lost {
    fn from(Stopped: Stopped) -> Self {
        Self::Stopped
    }
}
