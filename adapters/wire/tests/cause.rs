//! What a human is told.

use failback::{Stage, Transport};
use failback_wire::{Cause, Seen, ServerError};
use http::HeaderMap;

use Stage::{Connecting, Open, Streaming};
use Transport::{Sse, WebSocket};

fn told(seen: &Seen<'_>, transport: Transport, stage: Stage, detail: Option<&str>) -> String {
    Cause::new(seen, transport, stage, detail).to_string()
}

#[test]
fn sentences() {
    let headers = HeaderMap::new();
    let page = ServerError::from_body(403, b"<html><title>Access denied</title>");
    let body = ServerError::from_body(401, br#"{"error":{"message":"No such key."}}"#);
    let empty = ServerError::from_body(500, b"");
    let rate = ServerError::from_body(429, br#"{"error":{"code":"rate_limit_exceeded","message":"Wait."}}"#);
    let bare = ServerError::default();
    let mut elsewhere = HeaderMap::new();
    elsewhere.insert("location", "https://me:s3cret@elsewhere/login?key=s3cret".parse().expect("a value"));
    for (seen, transport, stage, detail, expected) in [
        (
            Seen::Resolve,
            WebSocket,
            Connecting,
            Some("no such host"),
            "could not resolve the host name for WebSocket: no such host",
        ),
        (Seen::Connect, Sse, Connecting, Some("refused\n"), "could not connect for SSE: refused"),
        (Seen::Tls, Sse, Connecting, None, "the TLS handshake for SSE failed"),
        (
            Seen::ProxyRefused { status: 407 },
            Sse,
            Connecting,
            None,
            "the proxy refused to connect for SSE: HTTP 407 Proxy Authentication Required; give its URL a user name and a \
             password",
        ),
        (
            Seen::SocksRefused { reply: 2 },
            WebSocket,
            Connecting,
            Some("proxy:1080"),
            "the proxy refused to connect for WebSocket: SOCKS reply 2 (not allowed by ruleset); have it allow \
             this host, or list the host in NO_PROXY: proxy:1080",
        ),
        (
            Seen::SocksRefused { reply: 77 },
            Sse,
            Connecting,
            None,
            "the proxy refused to connect for SSE: SOCKS reply 77",
        ),
        (
            Seen::ProxyAuthentication,
            Sse,
            Connecting,
            None,
            "the proxy wants other credentials to connect for SSE; give its URL a user name and a password",
        ),
        (
            Seen::Upgrade { status: 403, headers: &headers, error: Some(&page) },
            WebSocket,
            Connecting,
            None,
            "the WebSocket handshake was refused: HTTP 403 Forbidden: an HTML page: Access denied",
        ),
        (
            Seen::Upgrade { status: 200, headers: &headers, error: None },
            WebSocket,
            Connecting,
            None,
            "the server did not switch protocols in the WebSocket handshake: HTTP 200 OK",
        ),
        (
            Seen::Upgrade { status: 799, headers: &headers, error: None },
            WebSocket,
            Connecting,
            None,
            "the WebSocket handshake was refused: HTTP 799",
        ),
        (
            Seen::Answer { status: 401, headers: &headers, error: Some(&body) },
            Sse,
            Open,
            None,
            "the request over SSE was answered with HTTP 401 Unauthorized: No such key.",
        ),
        (
            Seen::Answer { status: 500, headers: &headers, error: Some(&empty) },
            Sse,
            Open,
            None,
            "the request over SSE was answered with HTTP 500 Internal Server Error",
        ),
        (
            Seen::WrongContentType { content_type: Some("text/html; charset=utf-8") },
            Sse,
            Open,
            None,
            "SSE was answered with HTML (text/html) instead of an event stream: a captive portal or a proxy?",
        ),
        (
            Seen::WrongContentType { content_type: Some("application/json") },
            Sse,
            Open,
            None,
            "SSE was answered with application/json instead of an event stream",
        ),
        (
            Seen::WrongContentType { content_type: None },
            Sse,
            Open,
            None,
            "SSE was answered without a content type instead of an event stream",
        ),
        (
            Seen::Encoded { encoding: "gzip" },
            Sse,
            Open,
            None,
            "SSE was answered in an encoding that was not asked for: gzip",
        ),
        (
            Seen::Answer { status: 302, headers: &elsewhere, error: None },
            Sse,
            Open,
            None,
            "the request over SSE was answered with HTTP 302 Found to https://elsewhere/login?…",
        ),
        (
            Seen::Reset,
            WebSocket,
            Connecting,
            Some("reset by peer"),
            "the WebSocket was cut off during the handshake: reset by peer",
        ),
        (
            Seen::EndOfStream,
            Sse,
            Streaming,
            None,
            "the SSE stream ended in mid-stream, without a final event",
        ),
        (
            Seen::Closed { code: Some(4001), reason: "a\r\nb" },
            WebSocket,
            Open,
            None,
            "the WebSocket was closed before the first event with code 4001: a b",
        ),
        (
            Seen::Closed { code: None, reason: "" },
            WebSocket,
            Streaming,
            None,
            "the WebSocket was closed in mid-stream without a code",
        ),
        (
            Seen::FirstEventTimeout,
            WebSocket,
            Open,
            None,
            "the request was sent over WebSocket, but no event came in time",
        ),
        (
            Seen::ErrorEvent(&rate),
            WebSocket,
            Open,
            None,
            "the server reported an error over WebSocket (429 Too Many Requests, rate_limit_exceeded): Wait.",
        ),
        (Seen::ErrorEvent(&bare), Sse, Open, None, "the server reported an error over SSE"),
        (
            Seen::FailedEvent(&rate),
            Sse,
            Open,
            None,
            "the response failed on the server, over SSE (429 Too Many Requests, rate_limit_exceeded): Wait.",
        ),
    ] {
        assert_eq!(told(&seen, transport, stage, detail), expected);
    }
}

#[test]
fn where_a_redirect_leads_is_shown_without_what_may_be_secret() {
    for (location, shown) in [
        ("https://me:s3cret@elsewhere/login", "https://elsewhere/login"),
        ("https://me:s3@cret@elsewhere:8443", "https://elsewhere:8443"),
        ("//me:s3cret@elsewhere/login#s3cret", "//elsewhere/login?…"),
        ("https://elsewhere/@me/login", "https://elsewhere/@me/login"),
        ("/login//@me", "/login//@me"),
    ] {
        let mut headers = HeaderMap::new();
        headers.insert("location", location.parse().expect("a value"));
        let seen = Seen::Answer { status: 302, headers: &headers, error: None };
        let expected = format!("the request over SSE was answered with HTTP 302 Found to {shown}");
        assert_eq!(told(&seen, Sse, Open, None), expected);
    }
}

#[test]
fn headers_are_never_shown_and_text_is_bounded() {
    let mut headers = HeaderMap::new();
    headers.insert("set-cookie", "s3cret".parse().expect("a value"));
    for seen in [
        Seen::Upgrade { status: 403, headers: &headers, error: None },
        Seen::Answer { status: 403, headers: &headers, error: None },
    ] {
        assert!(!told(&seen, WebSocket, Open, None).contains("s3cret"));
        assert!(!format!("{seen:?}").contains("s3cret"));
    }
    let long = "x".repeat(1_000_000);
    let error = ServerError::from_body(500, long.as_bytes());
    for seen in [
        Seen::ErrorEvent(&error),
        Seen::Closed { code: Some(1000), reason: &long },
        Seen::WrongContentType { content_type: Some(&long) },
    ] {
        assert!(told(&seen, Sse, Open, Some(&long)).len() < 5000);
    }
}
