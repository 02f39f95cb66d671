use core::fmt;
use std::sync::Arc;

use http::{HeaderMap, HeaderValue};

/// The headers that say which request it was, to those who look for it in the server's log.
const REQUEST_IDS: [&str; 2] = ["x-request-id", "request-id"];

/// The headers of an answer, to be read: of the answer to the POST over SSE, or of the one to the upgrade
/// over WebSocket.
///
/// An answer with more than 256 headers, or a head of more than
/// [`MAX_HEADER_BYTES`](crate::MAX_HEADER_BYTES), is refused, so this is bounded. Clones share it. `Debug`
/// shows names only, as values may be secrets (`set-cookie`).
///
/// ```
/// use failback_wire::ResponseHeaders;
/// use failback_wire::http::{HeaderMap, HeaderValue};
///
/// let mut map = HeaderMap::new();
/// map.insert("x-request-id", HeaderValue::from_static("req_7"));
/// map.insert("x-ratelimit-remaining-requests", HeaderValue::from_static("59"));
/// let headers = ResponseHeaders::from(map);
/// assert_eq!(headers.request_id(), Some("req_7"));
/// assert_eq!(headers.get("X-RateLimit-Remaining-Requests"), Some("59"));
/// ```
#[derive(Clone, Default, PartialEq, Eq)]
pub struct ResponseHeaders(Arc<HeaderMap>);

impl ResponseHeaders {
    /// The value of the header of this name, whatever the case of its letters. Of several the first. `None`
    /// too if it is not ASCII text.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&str> {
        self.0.get(name).and_then(text)
    }

    /// All values of the headers of this name, in the order in which they came, but those that are not ASCII
    /// text.
    pub fn get_all(&self, name: &str) -> impl Iterator<Item = &str> {
        self.0.get_all(name).iter().filter_map(text)
    }

    /// All headers whose values are ASCII text: names in lower case, and values.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().filter_map(|(name, value)| Some((name.as_str(), text(value)?)))
    }

    /// The id that the server gave to the request, by the header `x-request-id` or `request-id`.
    #[must_use]
    pub fn request_id(&self) -> Option<&str> {
        request_id(&self.0)
    }

    /// The same as a map of the crate `http`.
    #[must_use]
    pub fn as_map(&self) -> &HeaderMap {
        &self.0
    }
}

impl From<HeaderMap> for ResponseHeaders {
    fn from(map: HeaderMap) -> Self {
        Self(Arc::new(map))
    }
}

impl fmt::Debug for ResponseHeaders {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.0.keys().map(|name| name.as_str())).finish()
    }
}

/// The id that the server gave to the request.
pub(crate) fn request_id(headers: &HeaderMap) -> Option<&str> {
    REQUEST_IDS.iter().find_map(|name| headers.get(*name)).and_then(text)
}

fn text(value: &HeaderValue) -> Option<&str> {
    value.to_str().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn they_are_found_by_name_and_not_shown() {
        let mut map = HeaderMap::new();
        map.append("set-cookie", HeaderValue::from_static("id=s3cret"));
        map.append("set-cookie", HeaderValue::from_static("other=s3cret"));
        map.append("request-id", HeaderValue::from_static("r"));
        map.append("x-binary", HeaderValue::from_bytes(b"\xff").unwrap());
        let headers = ResponseHeaders::from(map);
        assert_eq!(headers.get("Set-Cookie"), Some("id=s3cret"));
        assert_eq!(headers.get_all("SET-COOKIE").collect::<Vec<_>>(), ["id=s3cret", "other=s3cret"]);
        assert_eq!(headers.request_id(), Some("r"));
        assert_eq!((headers.get("x-binary"), headers.get("not a name"), headers.get("")), (None, None, None));
        assert_eq!((headers.iter().count(), headers.as_map().len()), (3, 4));
        assert_eq!(format!("{headers:?}"), r#"["set-cookie", "request-id", "x-binary"]"#);
    }
}
