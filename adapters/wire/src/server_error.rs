use core::time::Duration;
use std::borrow::Cow;
use std::time::SystemTime;

use serde_json::value::RawValue;

use crate::Headers;
use crate::json::{self, fields};
use crate::retry_after::{in_message, millis, seconds};
use crate::text::excerpt;

/// The most bytes of a server's message that are kept.
pub(crate) const MAX_MESSAGE: usize = 2048;
/// The most bytes of a code, a type or a parameter name that are kept.
const MAX_WORD: usize = 128;

/// An error in the server's own words: from an `error` event, a `response.failed` event, or the body of an
/// answer.
///
/// Servers may leave out each field. Texts are on one line and of bounded length. Do not trust them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct ServerError {
    /// The HTTP status that goes with it, if one was given.
    pub status: Option<u16>,
    /// Its code, such as `rate_limit_exceeded`.
    pub code: Option<String>,
    /// Its `type`, such as `invalid_request_error`.
    pub kind: Option<String>,
    /// Its message for people, which may be empty.
    pub message: String,
    /// The part of the request that it is about.
    pub param: Option<String>,
    /// How long it asks to wait: from a field of its own, from headers that an event carries, or from a
    /// message like "try again in 1.898s".
    pub retry_after: Option<Duration>,
    /// When a quota is available again, in seconds since 1970, if it says so.
    pub resets_at: Option<u64>,
    /// Whether another try makes sense, by the header `x-should-retry` that an event carries.
    pub(crate) should_retry: Option<bool>,
    /// Whether it came in another shape than the API's own `error` event.
    pub(crate) is_foreign: bool,
}

/// How deep one error may stand inside another.
const MAX_LEVELS: usize = 4;

impl ServerError {
    /// Reads the body of an answer with this status. Takes the error from JSON such as `{"error": {..}}`, the
    /// title of an HTML page, or the start of plain text.
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
        let json = core::str::from_utf8(body).ok();
        let json = json.and_then(|body| serde_json::from_str::<&RawValue>(body).ok());
        let mut error = match json {
            Some(json) => Self::from_json(json.get()),
            None => {
                let message = prose(&String::from_utf8_lossy(body));
                Self { retry_after: in_message(&message), message, ..Self::default() }
            }
        };
        error.status = Some(status);
        error
    }

    /// Cuts the credentials among these headers out of everything that it says.
    pub(crate) fn redact(&mut self, headers: &Headers) {
        let words = [&mut self.code, &mut self.kind, &mut self.param].into_iter().flatten();
        for text in words.chain([&mut self.message]) {
            if let Cow::Owned(redacted) = headers.redact(text) {
                *text = redacted;
            }
        }
    }

    /// Reads an error from JSON: `{"error": {..}}`, `{"error": "text"}`, the same with `detail`, the error's
    /// own fields, or a string.
    pub(crate) fn from_json(json: &str) -> Self {
        if let Some(message) = json::text(json) {
            return Self::from_message(&message);
        }
        // From the inside out: the error, then the objects around it.
        let mut levels = vec![Level::read(json)];
        while let Some(inner) = levels.last().and_then(Level::inner).filter(|_| levels.len() < MAX_LEVELS) {
            levels.push(Level::read(inner));
        }
        levels.reverse();

        let word = |pick: fn(&Level<'_>) -> Option<String>| levels.iter().find_map(pick);
        let mut error =
            levels.iter().find_map(Level::message).map(|m| Self::from_message(&m)).unwrap_or_default();
        error.code = word(|level| level.code.and_then(self::word));
        // The `type` of the event around it says nothing about the error.
        error.kind = word(|level| level.kind.and_then(self::word).filter(|kind| kind != "error"));
        error.param = word(|level| level.param.and_then(self::word));
        // From the outside in, as the outermost object is the answer, whose status it is.
        error.status = levels
            .iter()
            .rev()
            .find_map(|level| level.status.and_then(status))
            .or_else(|| error.code.as_deref().and_then(|code| code.parse().ok()).and_then(error_status));
        let waits = levels.iter().find_map(Level::wait);
        let from_headers = || levels.iter().rev().find_map(|level| level.headers.and_then(headers_wait));
        error.retry_after = waits.or_else(from_headers).or(error.retry_after);
        error.resets_at = levels.iter().find_map(|level| level.resets_at.and_then(time));
        error.should_retry = levels.iter().find_map(|level| {
            let [should_retry] = json::headers(level.headers?, &["x-should-retry"]);
            should_retry.and_then(json::text)?.trim().parse().ok()
        });
        error
    }

    fn from_message(message: &str) -> Self {
        let message = excerpt(message, MAX_MESSAGE);
        Self { retry_after: in_message(&message), message, ..Self::default() }
    }

    /// How long it asks to wait, at this time.
    pub(crate) fn wait(&self, now: SystemTime) -> Option<Duration> {
        self.retry_after.or_else(|| {
            let since_1970 = now.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
            Some(Duration::from_secs(self.resets_at?).saturating_sub(since_1970))
        })
    }

    /// Whether the connection can carry no other response after it. After other errors it can.
    #[must_use]
    pub fn ends_connection(&self) -> bool {
        self.is_named("websocket_connection_limit_reached")
    }

    /// Whether it says that the server does not know the response that the request builds on.
    #[must_use]
    pub fn is_unknown_response(&self) -> bool {
        self.is_named("previous_response_not_found")
    }

    /// Whether its code or its type is this, ignoring case.
    fn is_named(&self, name: &str) -> bool {
        let names = [self.code.as_deref(), self.kind.as_deref()];
        names.into_iter().flatten().any(|own| own.eq_ignore_ascii_case(name))
    }

    /// The code, or else the type.
    pub(crate) fn name(&self) -> Option<&str> {
        self.code.as_deref().or(self.kind.as_deref())
    }
}

/// One object of an error, as received: the error itself, or an object around it.
#[derive(Default)]
struct Level<'a> {
    error: Option<&'a str>,
    detail: Option<&'a str>,
    messages: [Option<&'a str>; 4],
    code: Option<&'a str>,
    kind: Option<&'a str>,
    param: Option<&'a str>,
    status: Option<&'a str>,
    waits: [Option<&'a str>; 3],
    resets_at: Option<&'a str>,
    headers: Option<&'a str>,
}

impl<'a> Level<'a> {
    fn read(json: &'a str) -> Self {
        let names = [
            "error",
            "detail",
            "message",
            "msg",
            "error_description",
            "title",
            "code",
            "type",
            "param",
            "status",
            "status_code",
            "retry_after_ms",
            "retry_after",
            "resets_in_seconds",
            "resets_at",
            "headers",
        ];
        let Ok(found) = fields(json, &names) else { return Self::default() };
        let [error, detail, message, msg, description, title, code, kind, param, rest @ ..] = found;
        let [status, status_code, retry_after_ms, retry_after, resets_in_seconds, resets_at, headers] = rest;
        Self {
            error,
            detail,
            messages: [message, msg, description, title],
            code,
            kind,
            param,
            // Some servers have a word there, such as `failed`.
            status: status.filter(|json| self::status(json).is_some()).or(status_code),
            waits: [retry_after_ms, retry_after, resets_in_seconds],
            resets_at,
            headers,
        }
    }

    /// The error inside this object, if it stands in an object of its own. Of several it is the first.
    fn inner(&self) -> Option<&'a str> {
        let found = self.error.or(self.detail)?;
        if found.starts_with('[') {
            json::first(found)
        } else {
            Some(found).filter(|json| json.starts_with('{'))
        }
    }

    fn message(&self) -> Option<Cow<'a, str>> {
        let [message, rest @ ..] = self.messages;
        let candidates = [self.error, message, self.detail].into_iter().chain(rest);
        candidates.flatten().filter_map(json::text).find(|text| !text.trim().is_empty())
    }

    fn wait(&self) -> Option<Duration> {
        let [in_millis, in_seconds, resets] = self.waits;
        let read = |json: Option<&str>, parse: fn(&str) -> Option<Duration>| parse(scalar(json?)?.trim());
        read(in_millis, millis).or_else(|| read(in_seconds, seconds)).or_else(|| read(resets, seconds))
    }
}

/// The text of a number or of a string.
fn scalar(json: &str) -> Option<Cow<'_, str>> {
    if json.starts_with(['{', '[', 't', 'f', 'n']) { None } else { json::text(json).or(Some(json.into())) }
}

/// A status as a number, or as text as some gateways have it.
fn status(json: &str) -> Option<u16> {
    scalar(json)?.parse().ok().filter(|status| (100..=999).contains(status))
}

fn error_status(status: u16) -> Option<u16> {
    (400..=599).contains(&status).then_some(status)
}

fn word(json: &str) -> Option<String> {
    let word = excerpt(&scalar(json)?, MAX_WORD);
    (!word.is_empty()).then_some(word)
}

/// Seconds since 1970. Some servers send milliseconds, which would be a year far from now.
fn time(json: &str) -> Option<u64> {
    const FAR: u64 = 100_000_000_000;
    let time = seconds(scalar(json)?.trim())?.as_secs();
    Some(if time >= FAR { time / 1000 } else { time })
}

/// The wait in the headers that an event repeats from an HTTP answer. Dates are left out, as they need a
/// clock.
fn headers_wait(json: &str) -> Option<Duration> {
    let [in_millis, in_seconds] = json::headers(json, &["retry-after-ms", "retry-after"]);
    let read = |json: Option<&str>, parse: fn(&str) -> Option<Duration>| parse(scalar(json?)?.trim());
    read(in_millis, millis).or_else(|| read(in_seconds, seconds))
}

/// The message in a text that is not JSON: the title of a page, or the beginning of other text.
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
        ServerError::from_json(json)
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
