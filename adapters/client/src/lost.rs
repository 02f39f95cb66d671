use failback_wire::{BodyError, Seen};
use http::HeaderMap;

use crate::Refusal;

/// The status with which a server refuses credentials.
pub(crate) const UNAUTHORIZED: u16 = 401;

/// Why there is no connection, or no longer one. An adapter tells it to
/// [`Turn::handle_failure`](crate::Turn::handle_failure), or to
/// [`LeftDial::handle_failure`](crate::LeftDial::handle_failure).
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum Lost {
    /// What was seen, and what the layer below said of it.
    Seen(Seen<'static>, Option<String>),
    /// The upgrade was answered with a status that is not 101.
    Upgrade(Box<Refusal>),
    /// The POST was answered with a status that is not 200.
    Answer(Box<Refusal>),
    /// The body of the answer to the POST cannot be understood.
    Body(BodyError),
    /// The POST was answered in this content encoding, which the request had not asked for.
    Encoded(String),
    /// A close frame, with its code and its reason.
    Closed(Option<u16>, String),
    /// Nothing was lost: the client itself is at fault, as it is in a state that cannot be. This is what it
    /// found. The turn ends with [`ErrorKind::Internal`](crate::ErrorKind::Internal), and nothing is held
    /// against the server or a transport.
    Internal(String),
}

impl Lost {
    /// What was seen, and what the layer below said of it.
    #[must_use]
    pub fn new(seen: Seen<'static>, detail: impl ToString) -> Self {
        Self::Seen(seen, Some(detail.to_string()))
    }

    /// The client itself is at fault.
    #[must_use]
    pub fn internal(what: impl ToString) -> Self {
        Self::Internal(what.to_string())
    }

    /// Replaces the detail: `detail` is called with what the layer below said, empty if it said nothing.
    /// Changes nothing but [`Seen`](Self::Seen).
    #[must_use]
    pub fn explained(self, detail: impl FnOnce(&str) -> String) -> Self {
        match self {
            Self::Seen(seen, said) => Self::Seen(seen, Some(detail(said.as_deref().unwrap_or_default()))),
            other => other,
        }
    }

    /// Whether the server answered that it does not accept the credentials (401).
    pub(crate) fn is_unauthorized(&self) -> bool {
        matches!(self, Self::Upgrade(refusal) | Self::Answer(refusal) if refusal.status == UNAUTHORIZED)
    }

    /// The headers of an answer that refused.
    pub(crate) fn headers(&self) -> Option<&HeaderMap> {
        match self {
            Self::Upgrade(refusal) | Self::Answer(refusal) => Some(&refusal.headers),
            _ => None,
        }
    }

    /// What was seen, and what the layer below said of it. `None` if nothing was.
    #[must_use]
    pub fn seen(&self) -> Option<(Seen<'_>, Option<&str>)> {
        Some(match self {
            Self::Seen(seen, detail) => (*seen, detail.as_deref()),
            Self::Upgrade(refusal) => {
                let Refusal { status, headers, error } = &**refusal;
                (Seen::Upgrade { status: *status, headers, error: Some(error) }, None)
            }
            Self::Answer(refusal) => {
                let Refusal { status, headers, error } = &**refusal;
                (Seen::Answer { status: *status, headers, error: Some(error) }, None)
            }
            Self::Body(error) => (error.seen(), error.detail()),
            Self::Encoded(encoding) => (Seen::Encoded { encoding }, None),
            Self::Closed(code, reason) => (Seen::Closed { code: *code, reason }, None),
            Self::Internal(_) => return None,
        })
    }
}

impl From<Seen<'static>> for Lost {
    fn from(seen: Seen<'static>) -> Self {
        Self::Seen(seen, None)
    }
}

impl From<BodyError> for Lost {
    fn from(error: BodyError) -> Self {
        Self::Body(error)
    }
}
