use core::fmt;
use std::borrow::Cow;

use http::header::{HeaderName, HeaderValue};

use crate::header_error::{HeaderError, Problem};

/// The value of a header as a caller gives it: text, or a value of the crate `http`. One that is marked as
/// sensitive counts as a credential.
#[derive(Clone)]
pub struct HeaderText<'v> {
    bytes: Cow<'v, [u8]>,
    is_sensitive: bool,
}

impl HeaderText<'_> {
    pub(crate) const fn is_sensitive(&self) -> bool {
        self.is_sensitive
    }
}

impl<'v> From<&'v str> for HeaderText<'v> {
    fn from(text: &'v str) -> Self {
        Self { bytes: Cow::Borrowed(text.as_bytes()), is_sensitive: false }
    }
}

impl<'v> From<&'v String> for HeaderText<'v> {
    fn from(text: &'v String) -> Self {
        text.as_str().into()
    }
}

impl From<String> for HeaderText<'_> {
    fn from(text: String) -> Self {
        Self { bytes: Cow::Owned(text.into_bytes()), is_sensitive: false }
    }
}

impl<'v> From<&'v HeaderValue> for HeaderText<'v> {
    fn from(value: &'v HeaderValue) -> Self {
        Self { bytes: Cow::Borrowed(value.as_bytes()), is_sensitive: value.is_sensitive() }
    }
}

impl From<HeaderValue> for HeaderText<'_> {
    fn from(value: HeaderValue) -> Self {
        Self { bytes: Cow::Owned(value.as_bytes().to_vec()), is_sensitive: value.is_sensitive() }
    }
}

/// Does not show it: it may be a secret.
impl fmt::Debug for HeaderText<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("HeaderText(…)")
    }
}

/// Checks a header that a caller gives.
pub(crate) fn parse(name: &str, value: &HeaderText<'_>) -> Result<(HeaderName, HeaderValue), HeaderError> {
    let error = |problem| HeaderError::new(name, problem);
    let parsed = HeaderName::from_bytes(name.as_bytes()).map_err(|_| error(Problem::Name))?;
    if is_owned(&parsed) {
        return Err(error(Problem::Owned));
    }
    let value = value.bytes.trim_ascii();
    // HTTP stacks do not agree on what bytes beyond ASCII mean, and some do not send them.
    let mut value = match HeaderValue::from_bytes(value) {
        Ok(parsed) if value.is_ascii() => parsed,
        _ => return Err(error(Problem::Value)),
    };
    value.set_sensitive(true);
    Ok((parsed, value))
}

/// Headers that the transports set themselves, or that say how a message is framed.
fn is_owned(name: &HeaderName) -> bool {
    let name = name.as_str();
    name.starts_with("sec-websocket-")
        || matches!(
            name,
            "accept"
                | "accept-encoding"
                | "connection"
                | "content-encoding"
                | "content-length"
                | "content-type"
                | "expect"
                | "host"
                | "http2-settings"
                | "keep-alive"
                // It would go to the server instead of the proxy.
                | "proxy-authorization"
                | "proxy-connection"
                | "te"
                | "trailer"
                | "transfer-encoding"
                | "upgrade"
        )
}
