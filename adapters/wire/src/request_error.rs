use core::fmt;

use crate::HeaderError;
use crate::text::excerpt;

/// Why a request was refused before anything was sent.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum RequestError {
    /// The body is not one JSON object, or has a key twice. This is what the parser said, at most 200 bytes
    /// of it.
    Body(String),
    /// A header is not valid, or cannot be given with one request.
    Header(HeaderError),
    /// The deadline is zero.
    ZeroDeadline,
}

impl From<HeaderError> for RequestError {
    fn from(error: HeaderError) -> Self {
        Self::Header(error)
    }
}

impl RequestError {
    pub(crate) fn body(error: &serde_json::Error) -> Self {
        Self::Body(excerpt(&error.to_string(), 200))
    }
}

impl fmt::Display for RequestError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Body(said) => write!(f, "the body of a request must be one JSON object: {said}"),
            Self::Header(error) => error.fmt(f),
            Self::ZeroDeadline => f.write_str(
                "the deadline is zero, and the turn would end before it began: expected some time, or no \
                 deadline",
            ),
        }
    }
}

impl std::error::Error for RequestError {}
