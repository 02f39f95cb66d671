use core::time::Duration;
use std::time::SystemTime;

use failback::{Blame, Failure, Stage, Transport};
use http::HeaderMap;
use http::header::RETRY_AFTER;

use crate::{Seen, ServerError, retry_after};

/// Decides what a failure is evidence against, and how far its attempt had come.
///
/// `stage` is how far the attempt had come as far as the driver knows. If what was seen implies another
/// stage, that one counts. `reused` says that the connection had carried an earlier request, or had waited
/// for this one since its handshake. `now` is subtracted from a time at which the server wants to be asked
/// again.
///
/// Returns `None` only for [`Seen::FailedEvent`], when the server ended the response for a reason that
/// another try would not change. The outcome is then [`Ended`](failback::Outcome::Ended).
///
/// | seen | blame |
/// | --- | --- |
/// | no name, no route, no TLS, not in time, CONNECT or SOCKS refused | Network |
/// | a certificate refused; no proxy at the proxy's address | Network on WebSocket, Request on SSE (1) |
/// | CONNECT answered 4xx; SOCKS answered 2, 7 or 8 | Network on WebSocket, Request on SSE (1) |
/// | 407, from a proxy or a server; CONNECT answered 401; SOCKS for want of credentials | Request (5) |
/// | upgrade not answered, or answered 101 wrongly | Transport |
/// | upgrade answered 429, 529, or 503 with `Retry-After` or `retry-after-ms` | Server |
/// | upgrade answered anything else | Transport (2) |
/// | POST answered 408, 409, 425, 429, 5xx | Server |
/// | POST answered 408 on a reused connection | Connection |
/// | POST answered 511, which asks to log in first | Network |
/// | POST answered any other 4xx or 3xx | Request |
/// | any of these 4xx or 5xx but 407 that is Server or Request, with `x-should-retry: true` | Server |
/// | the same with `x-should-retry: false` | Request |
/// | POST answered 2xx without events, or encoded | Network: a portal or a proxy answered |
/// | POST answered anything else | Transport |
/// | quota used up, by code, whatever `x-should-retry` says | Server if it says for how long, else Request |
/// | close 1001, 1012, 1013; an event of an earlier response | Connection |
/// | close 1009; a request that is known to be too large for WebSocket, and was not sent | Payload |
/// | any other close, reset, end, violation, silence, text that is no event | Transport |
/// | the same before the first event on a reused connection | Connection |
/// | larger than our own limit | Payload (3); Transport if that was the handshake |
/// | `error`: `previous_response_not_found` | Connection; Request on SSE or if there is no fuller input |
/// | `error`: `websocket_connection_limit_reached` | Connection |
/// | `error`: 413, or a code that says too large | Payload; Request on SSE |
/// | `error` that repeats a header `x-should-retry` | Server for `true`, Request for `false` |
/// | `error`: 408, 409, 425, 429, 5xx, or a code of overload, rate limit or server | Server |
/// | `error`: any other 3xx or 4xx, a parameter, or a code that says the request is wrong | Request |
/// | `error`: neither status nor a known code | Server (4) |
/// | an error in another shape, the same | Request, unless the message blames the server |
/// | `response.failed`: as the `error` event, if that is Server by its status or code | Server, else `None` |
///
/// 1. On SSE, too, the next attempts would meet the same.
/// 2. SSE may get through. If the request is to blame, the answer to the POST says so.
/// 3. This is no proof against the transport, and the same attempt again would meet the same.
/// 4. The error does not say that another try is useless.
/// 5. tinyproxy 1.11 answers 401 instead of 407 to a CONNECT without credentials.
#[must_use]
pub fn classify(
    seen: &Seen<'_>,
    transport: Transport,
    stage: Stage,
    reused: bool,
    now: SystemTime,
) -> Option<Failure> {
    let begun = stage.max(Stage::Open);
    let (blame, stage) = match *seen {
        // It wants other credentials, on either transport and at every try.
        Seen::ProxyRefused { status: 401 | 407 } | Seen::ProxyAuthentication => {
            (Blame::Request, Stage::Connecting)
        }
        Seen::Certificate
        | Seen::NotAProxy
        | Seen::ProxyRefused { status: 400..=499 }
        | Seen::SocksRefused { reply: 2 | 7 | 8 }
            if transport == Transport::Sse =>
        {
            (Blame::Request, Stage::Connecting)
        }
        Seen::Resolve
        | Seen::Connect
        | Seen::Tls
        | Seen::Certificate
        | Seen::ConnectTimeout
        | Seen::ProxyRefused { .. }
        | Seen::SocksRefused { .. }
        | Seen::NotAProxy => (Blame::Network, Stage::Connecting),
        Seen::HandshakeTimeout | Seen::BadAccept => (Blame::Transport, Stage::Connecting),
        Seen::Upgrade { status, headers, error } => {
            let answer = Answer::new(status, headers, error, now);
            return Some(with_wait(Failure::new(answer.to_upgrade(), Stage::Connecting), answer.wait));
        }
        Seen::Answer { status, headers, error } => {
            let answer = Answer::new(status, headers, error, now);
            return Some(with_wait(Failure::new(answer.to_post(reused), Stage::Open), answer.wait));
        }
        Seen::WrongContentType { .. } | Seen::Encoded { .. } => (Blame::Network, Stage::Open),
        Seen::LeftOver => (Blame::Connection, begun),
        Seen::Closed { code: Some(1001 | 1012 | 1013), .. } => (Blame::Connection, begun),
        Seen::Closed { code: Some(1009), .. } | Seen::RequestTooLarge => (Blame::Payload, begun),
        Seen::TooLarge if stage > Stage::Connecting => (Blame::Payload, stage),
        Seen::Reset | Seen::EndOfStream | Seen::ProtocolViolation | Seen::TooLarge => {
            (Blame::Transport, stage)
        }
        Seen::Closed { .. }
        | Seen::BinaryFrame
        | Seen::FirstEventTimeout
        | Seen::IdleTimeout
        | Seen::EventTimeout
        | Seen::MissedPong
        | Seen::BadEvent => (Blame::Transport, begun),
        Seen::ErrorEvent(error) => {
            let wait = error.wait(now);
            let blame = event(error, wait, transport).unwrap_or_else(|| guess(error));
            return Some(with_wait(Failure::new(blame, begun), wait));
        }
        Seen::UnknownResponse(_) => (Blame::Request, begun),
        Seen::FailedEvent(error) => {
            let wait = error.wait(now);
            return event(error, wait, transport)
                .filter(|blame| *blame == Blame::Server)
                .map(|blame| with_wait(Failure::new(blame, begun), wait));
        }
    };
    let found_dead = reused && stage < Stage::Streaming && blame == Blame::Transport && !seen.is_stated();
    Some(Failure::new(if found_dead { Blame::Connection } else { blame }, stage))
}

/// An HTTP answer to an upgrade or to a POST.
struct Answer<'a> {
    status: u16,
    error: Option<&'a ServerError>,
    /// Whether it has a header that says how long to wait.
    says_when: bool,
    wait: Option<Duration>,
    should_retry: Option<bool>,
}

impl<'a> Answer<'a> {
    fn new(status: u16, headers: &HeaderMap, error: Option<&'a ServerError>, now: SystemTime) -> Self {
        let should_retry = headers.get("x-should-retry").and_then(|value| value.to_str().ok());
        Self {
            status,
            error,
            says_when: headers.contains_key(RETRY_AFTER) || headers.contains_key("retry-after-ms"),
            wait: retry_after(headers, now).or_else(|| error.and_then(|error| error.wait(now))),
            should_retry: should_retry.and_then(|value| value.trim().parse().ok()),
        }
    }

    fn to_upgrade(&self) -> Blame {
        match self.status {
            407 => Blame::Request,
            429 | 529 => self.of_server(),
            503 if self.says_when => self.of_server(),
            _ => Blame::Transport,
        }
    }

    fn to_post(&self, reused: bool) -> Blame {
        match self.status {
            407 => Blame::Request,
            // Some servers send this when they close an idle connection just as a request arrives on it.
            408 if reused => Blame::Connection,
            200..=299 | 511 => Blame::Network,
            408 | 409 | 425 | 429 | 500..=599 => self.of_server(),
            300..=499 => {
                let asks_again = self.status >= 400 && self.should_retry == Some(true);
                self.quota().unwrap_or(if asks_again { Blame::Server } else { Blame::Request })
            }
            _ => Blame::Transport,
        }
    }

    /// The status blames the server, unless the error says otherwise.
    fn of_server(&self) -> Blame {
        let stated = match self.should_retry {
            Some(true) => Some(Blame::Server),
            Some(false) => Some(Blame::Request),
            None => None,
        };
        self.quota().or(stated).unwrap_or(Blame::Server)
    }

    fn quota(&self) -> Option<Blame> {
        self.error.and_then(|error| quota(error, self.wait))
    }
}

/// The blame by an error's status or code, if it has one that says so.
fn event(error: &ServerError, wait: Option<Duration>, transport: Transport) -> Option<Blame> {
    let on_websocket = transport == Transport::WebSocket;
    let has = |words: &[&str]| {
        names(error).any(|name| {
            let name = name.to_ascii_lowercase();
            words.iter().any(|word| name.contains(word))
        })
    };

    if error.is_unknown_response() {
        return Some(if on_websocket { Blame::Connection } else { Blame::Request });
    }
    if error.ends_connection() {
        return Some(Blame::Connection);
    }
    if error.status == Some(413) || has(&["message_too_big", "message_too_large", "payload_too_large"]) {
        return Some(if on_websocket { Blame::Payload } else { Blame::Request });
    }
    if let Some(blame) = quota(error, wait) {
        return Some(blame);
    }
    match error.should_retry {
        Some(true) => return Some(Blame::Server),
        Some(false) => return Some(Blame::Request),
        None => {}
    }
    if names(error).any(|name| SERVER_WORDS.iter().any(|word| name.eq_ignore_ascii_case(word))) {
        return Some(Blame::Server);
    }
    match error.status {
        Some(408 | 409 | 425 | 429 | 500..) => Some(Blame::Server),
        Some(300..=499) => Some(Blame::Request),
        _ if error.param.is_some() || has(REQUEST_WORDS) => Some(Blame::Request),
        _ => None,
    }
}

/// The blame of an error that has neither a known code nor a status. The API names the kind of an error for
/// which the request is to blame, so here the server is. An error in another shape comes from something that
/// does not speak the API, most often because it refuses the request.
fn guess(error: &ServerError) -> Blame {
    let message = error.message.to_ascii_lowercase();
    let says_server = SERVER_PHRASES.iter().any(|phrase| message.contains(phrase));
    if error.is_foreign && !says_server { Blame::Request } else { Blame::Server }
}

/// Parts of messages that blame the server, or say that the error may pass.
const SERVER_PHRASES: &[&str] = &[
    "again",
    "internal error",
    "internal server error",
    "overload",
    "rate limit",
    "retry",
    "temporar",
    "time out",
    "timed out",
    "timeout",
    "too many requests",
    "unavailable",
    "upstream",
];

/// Codes and types with which servers and gateways say that the fault is theirs and may pass.
const SERVER_WORDS: &[&str] = &[
    "rate_limit_exceeded",
    "rate_limit_error",
    "too_many_requests",
    "server_is_overloaded",
    "overloaded_error",
    "engine_overloaded",
    "slow_down",
    "server_error",
    "internal_error",
    "internal_server_error",
    "service_unavailable",
    "api_error",
];

/// Parts of codes and types that say that the request will fail again.
const REQUEST_WORDS: &[&str] = &[
    "invalid",
    "not_found",
    "unsupported",
    "not_supported",
    "missing",
    "unknown",
    "authentication",
    "permission",
    "unauthorized",
    "forbidden",
    "denied",
    "not_allowed",
    "deactivated",
    "disabled",
    "suspended",
    "revoked",
    "expired",
    "blocked",
    "restricted",
    "required",
    "billing",
    "payment",
    "region",
    "country",
    "context_length",
    "context_window",
    "policy",
    "content_filter",
    "bad_request",
];

/// The blame of a quota that is used up, whatever the status. It is the server if the error says how long to
/// wait. Else another try is useless, and it is the request.
fn quota(error: &ServerError, wait: Option<Duration>) -> Option<Blame> {
    let is_quota = |name: &str| QUOTA_WORDS.iter().any(|word| name.eq_ignore_ascii_case(word));
    names(error).any(is_quota).then_some(if wait.is_some() { Blame::Server } else { Blame::Request })
}

const QUOTA_WORDS: &[&str] =
    &["usage_limit_reached", "usage_not_included", "insufficient_quota", "billing_hard_limit_reached"];

fn names(error: &ServerError) -> impl Iterator<Item = &str> {
    [error.code.as_deref(), error.kind.as_deref()].into_iter().flatten()
}

fn with_wait(failure: Failure, wait: Option<Duration>) -> Failure {
    match wait {
        Some(wait) if failure.blame() == Blame::Server => failure.with_retry_after(wait),
        _ => failure,
    }
}
