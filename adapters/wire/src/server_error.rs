use core::time::Duration;

use serde_json::{Map, Value};

use crate::retry_after::{in_message, millis, seconds};
use crate::text::excerpt;

/// The most bytes of a server's message that are kept.
const MAX_MESSAGE: usize = 2048;
/// The most bytes of a code, a type or a parameter name that are kept.
const MAX_WORD: usize = 128;

/// An error in the server's own words: from an `error` event, a `response.failed` event, or the body of an answer.
///
/// Everything in it is optional for the server, of bounded length, on one line, and not to be trusted.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct ServerError {
    /// The HTTP status that goes with it, if one was given.
    pub status: Option<u16>,
    /// Its code, such as `rate_limit_exceeded`.
    pub code: Option<String>,
    /// Its `type`, such as `invalid_request_error`.
    pub kind: Option<String>,
    /// What it says to a human; may be empty.
    pub message: String,
    /// The part of the request that it is about.
    pub param: Option<String>,
    /// How long it asks to wait: from a field of its own, from headers that an event carries, or from a message like
    /// "try again in 1.898s".
    pub retry_after: Option<Duration>,
}

impl ServerError {
    /// Reads the body of an answer with this status: `{"error": {..}}` and its common relatives, the title of an HTML
    /// page, or the start of plain text.
    ///
    /// ```
    /// use failback_wire::ServerError;
    ///
    /// let error = ServerError::from_body(401, br#"{"error":{"message":"No such key","code":"invalid_api_key"}}"#);
    /// assert_eq!(error.code.as_deref(), Some("invalid_api_key"));
    /// assert_eq!(ServerError::from_body(502, b"upstream\nis away").message, "upstream is away");
    /// ```
    #[must_use]
    pub fn from_body(status: u16, body: &[u8]) -> Self {
        let mut error = match serde_json::from_slice(body) {
            Ok(value) => Self::from_value(&value),
            Err(_) => {
                let message = prose(&String::from_utf8_lossy(body));
                Self { retry_after: in_message(&message), message, ..Self::default() }
            }
        };
        error.status = Some(status);
        error
    }

    /// Reads an error from JSON: `{"error": {..}}`, `{"error": "text"}`, the error's own fields, or a string.
    pub(crate) fn from_value(value: &Value) -> Self {
        let empty = Map::new();
        let outer = value.as_object().unwrap_or(&empty);
        let nested = outer.get("error").filter(|error| !error.is_null());
        let inner = nested.unwrap_or(value);
        let fields = inner.as_object().unwrap_or(&empty);

        let mut error = Self {
            status: ["status", "status_code"]
                .iter()
                .find_map(|key| outer.get(*key).or_else(|| fields.get(*key)).and_then(status)),
            code: fields.get("code").and_then(word),
            // The `type` of the event around it says nothing about the error.
            kind: fields.get("type").and_then(word).filter(|kind| nested.is_some() || kind != "error"),
            message: [inner, fields.get("message").unwrap_or(&Value::Null)]
                .into_iter()
                .chain(
                    ["message", "detail", "error_description", "title"]
                        .iter()
                        .filter_map(|key| outer.get(*key)),
                )
                .find_map(Value::as_str)
                .map(|message| excerpt(message, MAX_MESSAGE))
                .unwrap_or_default(),
            param: fields.get("param").and_then(word),
            retry_after: None,
        };
        if error.status.is_none() {
            error.status = error.code.as_deref().and_then(|code| code.parse().ok()).and_then(error_status);
        }
        error.retry_after = own_wait(fields)
            .or_else(|| own_wait(outer))
            .or_else(|| outer.get("headers").and_then(Value::as_object).and_then(headers_wait))
            .or_else(|| in_message(&error.message));
        error
    }

    /// The code, or else the type.
    pub(crate) fn name(&self) -> Option<&str> {
        self.code.as_deref().or(self.kind.as_deref())
    }
}

/// A status as a number, or as text as some gateways have it.
fn status(value: &Value) -> Option<u16> {
    let number = value.as_u64().or_else(|| value.as_str()?.parse().ok())?;
    u16::try_from(number).ok().filter(|status| (100..=999).contains(status))
}

fn error_status(status: u16) -> Option<u16> {
    (400..=599).contains(&status).then_some(status)
}

fn word(value: &Value) -> Option<String> {
    let word = match value {
        Value::String(text) => excerpt(text, MAX_WORD),
        Value::Number(number) => number.to_string(),
        _ => return None,
    };
    (!word.is_empty()).then_some(word)
}

fn own_wait(fields: &Map<String, Value>) -> Option<Duration> {
    let field = |key: &str, parse: fn(&str) -> Option<Duration>| match fields.get(key)? {
        Value::Number(number) => parse(&number.to_string()),
        Value::String(text) => parse(text.trim()),
        _ => None,
    };
    field("retry_after_ms", millis)
        .or_else(|| field("retry_after", seconds))
        .or_else(|| field("resets_in_seconds", seconds))
}

/// An event may repeat the headers that an HTTP answer would have had. Dates need a clock and are left out.
fn headers_wait(headers: &Map<String, Value>) -> Option<Duration> {
    let header = |name: &str, parse: fn(&str) -> Option<Duration>| {
        headers.iter().filter(|(key, _)| key.eq_ignore_ascii_case(name)).find_map(|(_, value)| match value {
            Value::Number(number) => parse(&number.to_string()),
            Value::String(text) => parse(text.trim()),
            _ => None,
        })
    };
    header("retry-after-ms", millis).or_else(|| header("retry-after", seconds))
}

/// Text that is not JSON: of a page its title, else the beginning.
fn prose(text: &str) -> String {
    if !text.trim_start().starts_with('<') {
        return excerpt(text, MAX_MESSAGE);
    }
    let lower = text.to_ascii_lowercase();
    let title = lower.find("<title").and_then(|at| {
        let start = at + lower.get(at..)?.find('>')? + 1;
        let end = start + lower.get(start..)?.find('<')?;
        text.get(start..end)
    });
    let title = excerpt(title.unwrap_or_default(), MAX_MESSAGE);
    if title.is_empty() { "an HTML page".to_owned() } else { format!("an HTML page: {title}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(json: &str) -> ServerError {
        ServerError::from_value(&serde_json::from_str(json).expect("test JSON"))
    }

    #[test]
    fn the_websocket_shape() {
        let error = read(
            r#"{"type":"error","status":429,"error":{"type":"requests","code":"rate_limit_exceeded",
                "message":"Slow down. Please try again in 28ms.","param":null}}"#,
        );
        assert_eq!(error.status, Some(429));
        assert_eq!(error.code.as_deref(), Some("rate_limit_exceeded"));
        assert_eq!(error.kind.as_deref(), Some("requests"));
        assert_eq!(error.message, "Slow down. Please try again in 28ms.");
        assert_eq!(error.param, None);
        assert_eq!(error.retry_after, Some(Duration::from_millis(28)));
    }

    #[test]
    fn the_flat_shape() {
        let error = read(r#"{"type":"error","code":"server_error","message":"Oh.","param":"input"}"#);
        assert_eq!(error.kind, None);
        assert_eq!((error.code.as_deref(), error.param.as_deref()), (Some("server_error"), Some("input")));
        assert_eq!((error.status, &*error.message), (None, "Oh."));
    }

    #[test]
    fn relatives() {
        assert_eq!(read(r#"{"error":"no"}"#).message, "no");
        assert_eq!(read(r#""no""#).message, "no");
        assert_eq!(read(r#"{"detail":"no"}"#).message, "no");
        assert_eq!(read(r#"{"error":{"code":1},"message":"no"}"#).message, "no");
        assert_eq!(read(r#"{"error":{"code":429,"message":"no"}}"#).status, Some(429));
        assert_eq!(read(r#"{"status_code":"503","error":null,"message":"no"}"#).status, Some(503));
        assert_eq!(read(r#"{"error":{"code":7}}"#).status, None);
        assert_eq!(read(r#"{"status":99999999999}"#).status, None);
        for nothing in ["null", "1", "[]", "{}", r#"{"error":[]}"#, r#"{"error":{"message":{}}}"#] {
            assert_eq!(read(nothing), ServerError::default(), "{nothing}");
        }
    }

    #[test]
    fn waits() {
        let wait = |json| read(json).retry_after.map(|wait| wait.as_millis());
        assert_eq!(wait(r#"{"error":{"retry_after":2}}"#), Some(2000));
        assert_eq!(wait(r#"{"error":{"retry_after":"1.5"}}"#), Some(1500));
        assert_eq!(wait(r#"{"error":{"retry_after_ms":20,"retry_after":9}}"#), Some(20));
        assert_eq!(wait(r#"{"error":{"resets_in_seconds":3600}}"#), Some(3_600_000));
        assert_eq!(wait(r#"{"retry_after":3,"error":{}}"#), Some(3000));
        assert_eq!(wait(r#"{"error":{},"headers":{"Retry-After":"4"}}"#), Some(4000));
        assert_eq!(wait(r#"{"error":{},"headers":{"retry-after":4,"retry-after-ms":"30"}}"#), Some(30));
        assert_eq!(wait(r#"{"error":{"retry_after":-1}}"#), None);
        assert_eq!(wait(r#"{"error":{"retry_after":{}}}"#), None);
    }

    #[test]
    fn bodies() {
        let error =
            ServerError::from_body(400, br#"{"error":{"message":"bad","type":"invalid_request_error"}}"#);
        assert_eq!((error.status, error.kind.as_deref()), (Some(400), Some("invalid_request_error")));
        assert_eq!(ServerError::from_body(502, b"").message, "");
        let page = b"<!doctype html><HTML><head><Title lang=en>403\n Forbidden</title>";
        assert_eq!(ServerError::from_body(403, page).message, "an HTML page: 403 Forbidden");
        assert_eq!(ServerError::from_body(403, b" <p>hi").message, "an HTML page");
        assert_eq!(ServerError::from_body(403, b"<title").message, "an HTML page");
        assert_eq!(ServerError::from_body(500, b"\xffoops").message, "\u{fffd}oops");
    }

    #[test]
    fn everything_is_bounded_and_on_one_line() {
        let long = "x".repeat(100_000);
        let error = read(&format!(
            r#"{{"error":{{"message":"a\nb\u001b{long}","code":"{long}","param":"{long}"}}}}"#
        ));
        assert!(error.message.starts_with("a b x"));
        assert!(error.message.len() <= MAX_MESSAGE + '…'.len_utf8());
        assert!(error.code.is_some_and(|code| code.len() <= MAX_WORD + '…'.len_utf8()));
        assert!(ServerError::from_body(500, long.as_bytes()).message.len() <= MAX_MESSAGE + '…'.len_utf8());
    }
}
