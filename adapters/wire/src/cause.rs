use core::fmt::{self, Write as _};

use failback::{Stage, Transport};
use http::header::LOCATION;
use http::{HeaderMap, StatusCode};

use crate::text::{CUT, excerpt};
use crate::{Headers, Seen, ServerError};

/// The most bytes that one part of the sentence takes from a server or from an error.
const MAX_PART: usize = 2048;

/// The most bytes that the reason of a close frame can have (RFC 6455).
const MAX_REASON: usize = 123;
/// A reason of this length was probably cut by its sender, between two characters.
const FULL_REASON: usize = MAX_REASON - 3;

/// Why one attempt failed, in one sentence for a human: what was attempted, what came back, and what the
/// server or the operating system said about it.
///
/// The sentence is one line and of bounded length. Of the headers of an answer it shows where a redirect
/// leads, the content type and the content encoding, and nothing else. It never shows a user name or password
/// in a URL, or the query of a URL, as long as the `detail` given to [`new`](Self::new) does not.
///
/// ```
/// use failback::{Stage, Transport};
/// use failback_wire::{Cause, Seen};
///
/// let closed = Seen::Closed { code: Some(1008), reason: "bye" };
/// let cause = Cause::new(&closed, Transport::WebSocket, Stage::Streaming, None);
/// assert_eq!(cause.as_str(), "the WebSocket was closed in mid-stream with code 1008 (policy violation): bye");
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cause(String);

impl Cause {
    /// Describes what was seen.
    ///
    /// `detail` is added to the sentence, at most 2048 bytes of it. It is usually the text of an I/O, TLS or
    /// decoder error.
    #[must_use]
    pub fn new(seen: &Seen<'_>, transport: Transport, stage: Stage, detail: Option<&str>) -> Self {
        let mut text = sentence(seen, transport, stage);
        if let Some(detail) =
            detail.map(|detail| excerpt(detail, MAX_PART)).filter(|detail| !detail.is_empty())
        {
            text.push_str(": ");
            text.push_str(&detail);
        }
        Self(text)
    }

    /// Adds to the sentence that the caller had not read for a while.
    pub(crate) fn left_alone(mut self) -> Self {
        self.0.push_str(" (the caller had not read for a while)");
        self
    }

    /// Adds to the sentence that other credentials had been refused before these.
    pub(crate) fn renewed(mut self) -> Self {
        self.0.push_str(" (other credentials had been refused before)");
        self
    }

    /// Cuts the credentials among these headers out of the sentence, as a server may have repeated one.
    #[must_use]
    pub fn redacted(self, headers: &Headers) -> Self {
        Self(headers.redact(&self.0).into_owned())
    }

    /// The sentence, without a full stop.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Cause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl From<Cause> for String {
    fn from(cause: Cause) -> Self {
        cause.0
    }
}

fn sentence(seen: &Seen<'_>, transport: Transport, stage: Stage) -> String {
    let stream = match transport {
        Transport::WebSocket => "the WebSocket",
        Transport::Sse => "the SSE stream",
    };
    let when = match stage {
        Stage::Connecting => "during the handshake",
        Stage::Open => "before the first event",
        Stage::Streaming => "in mid-stream",
    };
    match *seen {
        Seen::Resolve => format!("could not resolve the host name for {transport}"),
        Seen::Connect => format!("could not connect for {transport}"),
        Seen::Tls => format!("the TLS handshake for {transport} failed"),
        Seen::Certificate => format!(
            "a certificate was refused in the TLS handshake for {transport}; if it is the right one, trust who issued it \
             (SSL_CERT_FILE, or a TLS configuration of your own)"
        ),
        Seen::ConnectTimeout => format!("could not connect for {transport} in time"),
        Seen::ProxyRefused { status } => {
            let remedy = match status {
                401 | 407 => BE_KNOWN,
                400..=499 => BE_ALLOWED,
                _ => "",
            };
            format!("the proxy refused to connect for {transport}: HTTP {}{remedy}", named(status))
        }
        Seen::NotAProxy => format!(
            "could not connect for {transport}: what is at the address of the proxy does not speak as a proxy does; check its \
             scheme and its port"
        ),
        Seen::SocksRefused { reply } => {
            let remedy = if reply == 2 { BE_ALLOWED } else { "" };
            format!(
                "the proxy refused to connect for {transport}: SOCKS reply {}{remedy}",
                socks_reply(reply)
            )
        }
        Seen::ProxyAuthentication => {
            format!("the proxy wants other credentials to connect for {transport}{BE_KNOWN}")
        }
        Seen::HandshakeTimeout => {
            format!("connected, but the {transport} handshake was not answered in time")
        }
        Seen::Upgrade { status, headers, error } => {
            let (to, said) = (redirected(status, headers), said(error));
            // The server refuses nothing: it has answered what it took for a plain request.
            let what = if (200..=299).contains(&status) {
                "the server did not switch protocols in the WebSocket handshake"
            } else {
                "the WebSocket handshake was refused"
            };
            format!("{what}: HTTP {}{to}{said}", named(status))
        }
        Seen::BadAccept => {
            "the WebSocket handshake was answered by something that does not speak WebSocket".to_owned()
        }
        Seen::Answer { status, headers, error } => {
            let (to, said) = (redirected(status, headers), said(error));
            format!("the request over SSE was answered with HTTP {}{to}{said}", named(status))
        }
        Seen::WrongContentType { content_type } => wrong_content_type(content_type),
        Seen::Encoded { encoding } => {
            format!("SSE was answered in an encoding that was not asked for: {}", excerpt(encoding, 80))
        }
        Seen::Reset => format!("{stream} was cut off {when}"),
        Seen::EndOfStream => format!("{stream} ended {when}, without a final event"),
        Seen::Closed { code, reason } => closed(stream, when, code, reason),
        Seen::ProtocolViolation => format!("{stream} broke the rules of its protocol {when}"),
        Seen::BinaryFrame => format!("{stream} sent a binary frame {when}, where only text is expected"),
        Seen::FirstEventTimeout => {
            format!("the request was sent over {transport}, but no event came in time")
        }
        Seen::IdleTimeout => format!("{stream} was silent for too long {when}"),
        Seen::EventTimeout => format!("{stream} brought no event for too long {when}"),
        Seen::MissedPong => format!("{stream} did not answer a ping in time {when}: the connection is dead"),
        Seen::RequestTooLarge => "the request is too large for WebSocket, and was not sent".to_owned(),
        Seen::TooLarge => format!("{stream} sent more {when} than the size limit allows"),
        Seen::ErrorEvent(error) | Seen::UnknownResponse(error) => {
            format!("the server reported an error over {transport}{}", stated(error))
        }
        Seen::FailedEvent(error) => {
            format!("the response failed on the server, over {transport}{}", stated(error))
        }
        Seen::LeftOver => format!("{stream} sent an event of an earlier response"),
        Seen::BadEvent => format!("{stream} sent something {when} that is not an event"),
    }
}

fn wrong_content_type(content_type: Option<&str>) -> String {
    let content_type = content_type.map(|given| excerpt(given, 80)).unwrap_or_default();
    // Its parameters are left out.
    let essence = content_type.split(';').next().unwrap_or_default().trim();
    if essence.is_empty() {
        "SSE was answered without a content type instead of an event stream".to_owned()
    } else if essence.eq_ignore_ascii_case("text/html")
        || essence.eq_ignore_ascii_case("application/xhtml+xml")
    {
        format!(
            "SSE was answered with HTML ({essence}) instead of an event stream: a captive portal or a proxy?"
        )
    } else {
        format!("SSE was answered with {essence} instead of an event stream")
    }
}

fn closed(stream: &str, when: &str, code: Option<u16>, reason: &str) -> String {
    let mut text = format!("{stream} was closed {when}");
    // Writing to a `String` does not fail.
    let _ = match code {
        Some(code) => match close_code(code) {
            Some(meaning) => write!(text, " with code {code} ({meaning})"),
            None => write!(text, " with code {code}"),
        },
        None => write!(text, " without a code"),
    };
    let shown = excerpt(reason, MAX_PART);
    if !shown.is_empty() {
        text.push_str(": ");
        text.push_str(&shown);
    }
    // Its sender had no room for more, so a secret at its end may have been cut in two. The mark makes
    // `redact` look for that.
    if (FULL_REASON..=MAX_REASON).contains(&reason.len()) {
        text.push(CUT);
    }
    text
}

/// What to do about a proxy that wants credentials, and about one that refuses to go there.
const BE_KNOWN: &str = "; give its URL a user name and a password";
const BE_ALLOWED: &str = "; have it allow this host, or list the host in NO_PROXY";

/// The reply and what it means (RFC 1928, section 6).
fn socks_reply(reply: u8) -> String {
    let meaning = match reply {
        0 => "succeeded",
        1 => "general failure",
        2 => "not allowed by ruleset",
        3 => "network unreachable",
        4 => "host unreachable",
        5 => "connection refused",
        6 => "TTL expired",
        7 => "command not supported",
        8 => "address type not supported",
        _ => return reply.to_string(),
    };
    format!("{reply} ({meaning})")
}

const fn close_code(code: u16) -> Option<&'static str> {
    Some(match code {
        1000 => "normal closure",
        1001 => "going away",
        1002 => "protocol error",
        1003 => "unsupported data",
        1005 => "no status",
        1006 => "abnormal closure",
        1007 => "invalid data",
        1008 => "policy violation",
        1009 => "message too big",
        1010 => "missing extension",
        1011 => "internal error",
        1012 => "service restart",
        1013 => "try again later",
        1014 => "bad gateway",
        1015 => "TLS failure",
        _ => return None,
    })
}

fn named(status: u16) -> String {
    match StatusCode::from_u16(status).ok().and_then(|status| status.canonical_reason()) {
        Some(reason) => format!("{status} {reason}"),
        None => status.to_string(),
    }
}

/// ` to https://elsewhere/path`, where a redirect leads. Without the query, which may hold a secret.
fn redirected(status: u16, headers: &HeaderMap) -> String {
    let location = headers.get(LOCATION).filter(|_| (300..=399).contains(&status));
    let location = location.and_then(|location| location.to_str().ok()).unwrap_or_default();
    let (path, query) = location.split_at(location.find(['?', '#']).unwrap_or(location.len()));
    // Without a user name and a password too, with or without a scheme before the host.
    let host = path.find("//").filter(|at| path.get(..*at).is_some_and(|s| s.is_empty() || s.ends_with(':')));
    let (scheme, rest) = path.split_at(host.map_or(0, |at| at.saturating_add(2)));
    let (authority, rest) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
    let shown = match authority.rsplit_once('@').filter(|_| host.is_some()) {
        Some((_, host)) => format!("{scheme}{host}{rest}"),
        None => path.to_owned(),
    };
    let more = if query.is_empty() { "" } else { "?…" };
    if shown.is_empty() { String::new() } else { format!(" to {}{more}", excerpt(&shown, 256)) }
}

/// `: message`, or `: code` when there is none, or nothing.
fn said(error: Option<&ServerError>) -> String {
    match error {
        Some(error) if !error.message.is_empty() => format!(": {}", error.message),
        Some(error) => error.name().map(|name| format!(": {name}")).unwrap_or_default(),
        None => String::new(),
    }
}

/// ` (429 Too Many Requests, code): message`. Each part may be missing.
fn stated(error: &ServerError) -> String {
    let words = [error.status.map(named), error.name().map(str::to_owned)];
    let words = words.into_iter().flatten().collect::<Vec<_>>().join(", ");
    let mut text = if words.is_empty() { String::new() } else { format!(" ({words})") };
    if !error.message.is_empty() {
        text.push_str(": ");
        text.push_str(&error.message);
    }
    text
}
