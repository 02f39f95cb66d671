use core::convert::Infallible;
use core::fmt;

use crate::text::excerpt;

/// Why a header was refused. It never shows a value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HeaderError {
    name: String,
    problem: Problem,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Problem {
    Name,
    Owned,
    Value,
    Token,
    Empty,
    NoColon,
    Several,
    Credential,
}

impl HeaderError {
    pub(crate) fn new(name: &str, problem: Problem) -> Self {
        Self { name: excerpt(name, 64), problem }
    }
}

impl fmt::Display for HeaderError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = &self.name;
        match self.problem {
            Problem::Name => write!(f, "`{name}` is not a header name: expected letters, digits and hyphens"),
            Problem::Owned => write!(f, "the header `{name}` is set by the transport and cannot be given"),
            Problem::Value => write!(
                f,
                "the value of the header `{name}` has a line break, a control or a non-ASCII character: expected \
                 visible ASCII characters and spaces"
            ),
            Problem::Token => write!(
                f,
                "the bearer token for the header `{name}` is empty or has white space: expected one word"
            ),
            Problem::Empty => {
                write!(f, "the value of the header `{name}`, a credential, is empty: expected some")
            }
            Problem::Several => write!(f, "the header `{name}` has several values: expected one"),
            Problem::Credential => write!(
                f,
                "the header `{name}` is a credential and cannot be given with one request, as a WebSocket made \
                 for it carries other turns too: set it on the client"
            ),
            Problem::NoColon => f.write_str("no colon in a header: expected `Name: value`"),
        }
    }
}

impl std::error::Error for HeaderError {}

/// For conversions that do not fail.
impl From<Infallible> for HeaderError {
    fn from(never: Infallible) -> Self {
        match never {}
    }
}
