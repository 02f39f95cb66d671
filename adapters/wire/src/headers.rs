use core::fmt;
use std::borrow::Cow;

use http::header::{HeaderName, HeaderValue};

use crate::credential::is_credential;
use crate::secrets::Secrets;
use crate::text::excerpt;

/// Headers that a caller adds to the requests of both transports: credentials, organisation, tracing.
///
/// Values are marked sensitive, and `Debug` shows names only.
/// [`Endpoint::check_credentials`](crate::Endpoint::check_credentials) makes sure that credentials among them
/// are not sent in plain text.
///
/// ```
/// use failback_wire::Headers;
///
/// let mut headers = Headers::new();
/// headers.bearer("secret")?;
/// headers.insert("X-Trace", "7")?;
/// assert!(headers.has_credentials());
/// assert_eq!(format!("{headers:?}"), r#"["authorization", "x-trace"]"#);
/// # Ok::<(), failback_wire::HeaderError>(())
/// ```
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Headers {
    entries: Vec<Entry>,
    /// Other secrets: values in the query of a URL.
    query_values: Vec<String>,
}

#[derive(Clone, PartialEq, Eq)]
struct Entry {
    name: HeaderName,
    value: HeaderValue,
    credential: bool,
}

impl Headers {
    /// No headers.
    #[must_use]
    pub const fn new() -> Self {
        Self { entries: Vec::new(), query_values: Vec::new() }
    }

    /// Sets a header. It replaces an earlier one of that name. White space around the value is dropped.
    ///
    /// It counts as a credential if its name says so: `Authorization`, `Cookie`, `Api-Key`, `X-Api-Key`, and
    /// names with `auth`, `token`, `secret`, `password`, `credential` or that end in `-key`.
    /// `Proxy-Authorization` is refused, as it would go to the server: put the credentials for a proxy into
    /// the proxy's URL.
    ///
    /// # Errors
    ///
    /// [`HeaderError`] when the name is not a header name or belongs to the transport, or when the value has
    /// a character that a header cannot have.
    pub fn insert(&mut self, name: &str, value: &str) -> Result<(), HeaderError> {
        let (name, value) = parse(name, value)?;
        let credential = is_credential(name.as_str());
        self.set(Entry { name, value, credential });
        Ok(())
    }

    /// Sets a header that counts as a credential whatever its name.
    ///
    /// # Errors
    ///
    /// As [`insert`](Self::insert).
    pub fn insert_credential(&mut self, name: &str, value: &str) -> Result<(), HeaderError> {
        let (name, value) = parse(name, value)?;
        self.set(Entry { name, value, credential: true });
        Ok(())
    }

    /// Sets `Authorization: Bearer` with this token. White space around it, such as the line end of a file,
    /// is dropped.
    ///
    /// # Errors
    ///
    /// [`HeaderError`] when the token is empty, or has white space or a character that a header cannot have.
    pub fn bearer(&mut self, token: &str) -> Result<(), HeaderError> {
        let token = token.trim();
        if token.is_empty() || token.contains(char::is_whitespace) {
            return Err(HeaderError { name: "authorization".to_owned(), problem: Problem::Token });
        }
        self.insert("authorization", &format!("Bearer {token}"))
    }

    /// Reads one header from a line `Name: value`, as a command line has it.
    ///
    /// # Errors
    ///
    /// [`HeaderError`] when there is no colon, and as [`insert`](Self::insert).
    pub fn parse_line(line: &str) -> Result<(HeaderName, HeaderValue), HeaderError> {
        // The line may be a secret without its name, so the error does not show it.
        let (name, value) =
            line.split_once(':').ok_or(HeaderError { name: String::new(), problem: Problem::NoColon })?;
        parse(name.trim(), value)
    }

    /// Sets all of these headers too. Each replaces an earlier one of its name.
    pub fn extend(&mut self, headers: Self) {
        for entry in headers.entries {
            self.set(entry);
        }
        self.query_values.extend(headers.query_values);
    }

    /// Makes [`redact`](Self::redact) cut this secret out too.
    pub(crate) fn conceal(&mut self, secret: &str) {
        self.query_values.push(secret.to_owned());
    }

    /// The headers, in the order they were first set.
    pub fn iter(&self) -> impl Iterator<Item = (&HeaderName, &HeaderValue)> {
        self.entries.iter().map(|entry| (&entry.name, &entry.value))
    }

    /// Whether one of them is a credential.
    #[must_use]
    pub fn has_credentials(&self) -> bool {
        self.entries.iter().any(|entry| entry.credential)
    }

    /// Cuts the credentials out of a text, as some servers repeat a key that they refuse.
    ///
    /// Basic credentials are cut out both encoded and decoded. Where the text was shortened with `…`, the
    /// beginning of a credential before the mark is cut out too.
    ///
    /// ```
    /// # use failback_wire::Headers;
    /// let mut headers = Headers::new();
    /// headers.bearer("sk-12345678")?;
    /// assert_eq!(headers.redact("no such key: sk-12345678."), "no such key: [redacted].");
    /// assert_eq!(headers.redact("no such key: sk-123…"), "no such key: [redacted]…");
    /// # Ok::<(), failback_wire::HeaderError>(())
    /// ```
    #[must_use]
    pub fn redact<'t>(&self, text: &'t str) -> Cow<'t, str> {
        let mut secrets = Secrets::default();
        let credentials = self.entries.iter().filter(|entry| entry.credential);
        for value in credentials.filter_map(|entry| entry.value.to_str().ok()) {
            secrets.add_header(value);
        }
        for value in &self.query_values {
            secrets.add_query_value(value);
        }
        secrets.redact(text)
    }

    /// The names of those that are credentials.
    pub(crate) fn credentials(&self) -> impl Iterator<Item = &HeaderName> {
        self.entries.iter().filter(|entry| entry.credential).map(|entry| &entry.name)
    }

    fn set(&mut self, entry: Entry) {
        match self.entries.iter_mut().find(|earlier| earlier.name == entry.name) {
            Some(earlier) => *earlier = entry,
            None => self.entries.push(entry),
        }
    }
}

impl fmt::Debug for Headers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.entries.iter().map(|entry| entry.name.as_str())).finish()
    }
}

fn parse(name: &str, value: &str) -> Result<(HeaderName, HeaderValue), HeaderError> {
    let error = |problem| HeaderError { name: excerpt(name, 64), problem };
    let parsed = HeaderName::from_bytes(name.as_bytes()).map_err(|_| error(Problem::Name))?;
    if is_owned(&parsed) {
        return Err(error(Problem::Owned));
    }
    let value = value.trim();
    // HTTP stacks do not agree on what bytes beyond ASCII mean, and some do not send them.
    let mut value = match HeaderValue::from_str(value) {
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

/// Why a header was refused. It never shows a value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HeaderError {
    name: String,
    problem: Problem,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Problem {
    Name,
    Owned,
    Value,
    Token,
    NoColon,
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
            Problem::NoColon => f.write_str("no colon in a header: expected `Name: value`"),
        }
    }
}

impl std::error::Error for HeaderError {}

#[cfg(test)]
mod tests {
    use super::*;

    fn credentials(name: &str) -> bool {
        let mut headers = Headers::new();
        headers.insert(name, "x").expect(name);
        headers.has_credentials()
    }

    #[test]
    fn names_say_what_is_a_credential() {
        for name in [
            "Authorization",
            "authorization",
            "Cookie",
            "X-Api-Key",
            "api-key",
            "x-goog-api-key",
            "Ocp-Apim-Subscription-Key",
            "X-Amz-Security-Token",
            "cf-access-client-secret",
        ] {
            assert!(credentials(name), "{name}");
        }
        for name in ["user-agent", "OpenAI-Organization", "x-trace", "traceparent", "Idempotency-Key"] {
            assert!(!credentials(name), "{name}");
        }
        let mut headers = Headers::new();
        headers.insert_credential("x-mine", "x").expect("valid");
        assert!(headers.has_credentials());
    }

    #[test]
    fn what_the_transports_own_is_refused() {
        for name in [
            "Host",
            "connection",
            "Upgrade",
            "Proxy-Authorization",
            "sec-websocket-key",
            "Sec-WebSocket-Protocol",
            "content-length",
            "Transfer-Encoding",
            "content-type",
            "accept",
            "Accept-Encoding",
        ] {
            let error = Headers::new().insert(name, "x").expect_err(name);
            assert!(error.to_string().contains(name), "{error}");
        }
    }

    #[test]
    fn a_later_value_replaces_an_earlier_one() {
        let mut headers = Headers::new();
        headers.insert("a", "1").expect("valid");
        headers.insert("b", "2").expect("valid");
        headers.insert("A", " 3 ").expect("valid");
        let all: Vec<_> = headers.iter().map(|(name, value)| (name.as_str(), value.as_bytes())).collect();
        assert_eq!(all, [("a", &b"3"[..]), ("b", &b"2"[..])]);
        assert!(headers.iter().all(|(_, value)| value.is_sensitive()));
    }

    #[test]
    fn no_error_and_no_debug_shows_a_value() {
        let mut headers = Headers::new();
        let secret = "s3cret";
        for error in [
            headers.insert("a", &format!("{secret}\n{secret}")).expect_err("line break"),
            headers.insert("a", &format!("{secret}é")).expect_err("not ASCII"),
            headers.insert("a b", secret).expect_err("not a name"),
            headers.insert("host", secret).expect_err("owned"),
            headers.bearer(&format!("{secret} {secret}")).expect_err("two words"),
            headers.bearer(&format!("{secret}\u{7f}")).expect_err("control"),
            headers.bearer(" \n").expect_err("empty"),
            Headers::parse_line(secret).expect_err("no colon"),
            Headers::parse_line(&format!("a: {secret}\0")).expect_err("control"),
        ] {
            assert!(!error.to_string().contains(secret) && !format!("{error:?}").contains(secret), "{error}");
        }
        headers.bearer(&format!(" {secret}\n")).expect("valid");
        assert!(!format!("{headers:?}").contains(secret));
        assert_eq!(headers.iter().next().map(|(_, value)| value.as_bytes()), Some(&b"Bearer s3cret"[..]));
    }

    #[test]
    fn lines() {
        let (name, value) = Headers::parse_line("X-Url:  http://x:1/ ").expect("valid");
        assert_eq!((name.as_str(), value.as_bytes()), ("x-url", &b"http://x:1/"[..]));
        assert!(value.is_sensitive());
        assert!(Headers::parse_line("").is_err());
        assert!(Headers::parse_line(": x").is_err());
        assert!(Headers::parse_line("accept: x").is_err());
        assert_eq!(Headers::parse_line("empty:").expect("an empty value is valid").1, "");
    }
}
