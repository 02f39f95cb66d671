use std::time::SystemTime;

use failback::{Blame, Failure, Stage, Transport};
use http::HeaderMap;
use http::header::RETRY_AFTER;

use crate::{Seen, ServerError, retry_after};

/// What a failure is evidence against, and how far the attempt had come.
///
/// `stage` is how far the driver knows the attempt to be; where what was seen implies another stage, that one counts.
/// `reused` says that the request went out on a connection that had carried one before. `now` turns a `Retry-After`
/// date into a duration.
///
/// `None` is for [`Seen::FailedEvent`] only, when the server ended the response for a reason of its own that another
/// try would not change: the outcome is then [`Ended`](failback::Outcome::Ended).
///
/// | seen | blame |
/// | --- | --- |
/// | no name, no route, no TLS, not in time, CONNECT refused | Network; CONNECT answered 407 is Request |
/// | upgrade not answered, or answered 101 wrongly | Transport |
/// | upgrade answered 401, 402, 407, 422, or 400 with an error in the API's terms | Request |
/// | upgrade answered 429, 529, or 503 with `Retry-After` | Server |
/// | upgrade answered anything else | Transport: SSE may well be let through |
/// | POST answered 408, 425, 429, 5xx | Server; 408 on a reused connection is Connection, 511 (log in first) Network |
/// | POST answered any other 4xx or 3xx | Request |
/// | POST answered 2xx without events | Network: a portal or a proxy answered |
/// | POST answered anything else | Transport |
/// | quota used up, by code | Request, whatever the status |
/// | close 1001, 1012, 1013; an event of an earlier response | Connection |
/// | close 1009 | Payload |
/// | any other close, reset, end, violation, silence, text that is no event | Transport; Connection before the first event on a reused connection |
/// | larger than our own limit | Payload: neither proof against the transport nor worth the same attempt again |
/// | `error`: `previous_response_not_found` | Connection; Request on SSE, which was sent the full input |
/// | `error`: `websocket_connection_limit_reached` | Connection |
/// | `error`: 413, or a code that says too large | Payload; Request on SSE |
/// | `error`: 408, 425, 429, 5xx, or a code that says overload, rate limit or server | Server |
/// | `error`: any other 3xx or 4xx, or a code that says the request is wrong | Request |
/// | `error`: neither status nor a known code | Server: the message does not say that trying again is useless |
/// | `response.failed`: as the `error` event, if that is Server | Server, else `None` |
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
        // It wants other credentials, whoever asks and however often.
        Seen::ProxyRefused { status: 407 } => (Blame::Request, Stage::Connecting),
        Seen::Resolve | Seen::Connect | Seen::Tls | Seen::ConnectTimeout | Seen::ProxyRefused { .. } => {
            (Blame::Network, Stage::Connecting)
        }
        Seen::HandshakeTimeout | Seen::BadAccept => (Blame::Transport, Stage::Connecting),
        Seen::Upgrade { status, headers, error } => {
            return Some(answered(upgrade(status, headers, error), Stage::Connecting, headers, error, now));
        }
        Seen::Answer { status, headers, error } => {
            return Some(answered(answer(status, error, reused), Stage::Open, headers, error, now));
        }
        Seen::WrongContentType { .. } => (Blame::Network, Stage::Open),
        Seen::LeftOver => (Blame::Connection, begun),
        Seen::Closed { code: Some(1001 | 1012 | 1013), .. } => (Blame::Connection, begun),
        Seen::Closed { code: Some(1009), .. } => (Blame::Payload, begun),
        Seen::TooLarge if stage > Stage::Connecting => (Blame::Payload, stage),
        Seen::Reset | Seen::EndOfStream | Seen::ProtocolViolation | Seen::TooLarge => {
            (Blame::Transport, stage)
        }
        Seen::Closed { .. }
        | Seen::BinaryFrame
        | Seen::FirstEventTimeout
        | Seen::IdleTimeout
        | Seen::MissedPong
        | Seen::BadEvent => (Blame::Transport, begun),
        Seen::ErrorEvent(error) => return Some(stated(event(error, transport), begun, error)),
        Seen::FailedEvent(error) => {
            return Some(event(error, transport))
                .filter(|blame| *blame == Blame::Server && !is_vague(error))
                .map(|blame| stated(blame, begun, error));
        }
    };
    let found_dead = reused && stage < Stage::Streaming && blame == Blame::Transport && !seen.is_stated();
    Some(Failure::new(if found_dead { Blame::Connection } else { blame }, stage))
}

fn upgrade(status: u16, headers: &HeaderMap, error: Option<&ServerError>) -> Blame {
    match status {
        _ if error.is_some_and(is_quota) => Blame::Request,
        // A server that is not the API's says so to an upgrade whose headers a proxy took away.
        400 if error.is_some_and(|error| !is_in_api_terms(error)) => Blame::Transport,
        400 | 401 | 402 | 407 | 422 => Blame::Request,
        429 | 529 => Blame::Server,
        503 if headers.contains_key(RETRY_AFTER) || headers.contains_key("retry-after-ms") => Blame::Server,
        _ => Blame::Transport,
    }
}

fn answer(status: u16, error: Option<&ServerError>, reused: bool) -> Blame {
    match status {
        _ if error.is_some_and(is_quota) => Blame::Request,
        // What a server says that closes an idle connection just as a request comes in on it.
        408 if reused => Blame::Connection,
        408 | 425 | 429 => Blame::Server,
        200..=299 | 511 => Blame::Network,
        500..=599 => Blame::Server,
        300..=499 => Blame::Request,
        _ => Blame::Transport,
    }
}

fn event(error: &ServerError, transport: Transport) -> Blame {
    let on_websocket = transport == Transport::WebSocket;
    let is =
        |words: &[&str]| names(error).any(|name| words.iter().any(|word| name.eq_ignore_ascii_case(word)));
    let has = |words: &[&str]| names(error).any(|name| words.iter().any(|word| name.contains(word)));

    if is(&["previous_response_not_found"]) {
        return if on_websocket { Blame::Connection } else { Blame::Request };
    }
    if is(&["websocket_connection_limit_reached"]) {
        return Blame::Connection;
    }
    if error.status == Some(413) || has(&["message_too_big", "message_too_large", "payload_too_large"]) {
        return if on_websocket { Blame::Payload } else { Blame::Request };
    }
    if is_quota(error) {
        return Blame::Request;
    }
    if is(SERVER_WORDS) {
        return Blame::Server;
    }
    match error.status {
        Some(408 | 425 | 429 | 500..) => Blame::Server,
        Some(300..=499) => Blame::Request,
        _ if error.param.is_some() || has(REQUEST_WORDS) => Blame::Request,
        _ => Blame::Server,
    }
}

/// Codes and types with which servers and gateways say that it is them and that it may pass.
const SERVER_WORDS: &[&str] = &[
    "rate_limit_exceeded",
    "rate_limit_error",
    "too_many_requests",
    "usage_limit_reached",
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
    "forbidden",
    "context_length",
    "context_window",
    "policy",
    "content_filter",
    "bad_request",
];

/// Whether an answer has a code, a type or a parameter, as the API's errors do.
fn is_in_api_terms(error: &ServerError) -> bool {
    names(error).next().is_some() || error.param.is_some()
}

/// A quota is no rate: it comes with 429 and does not come back by waiting.
fn is_quota(error: &ServerError) -> bool {
    names(error).any(|name| matches!(name, "insufficient_quota" | "billing_hard_limit_reached"))
}

/// Whether an error gives no hint of its kind, so that only a guess made it the server's.
fn is_vague(error: &ServerError) -> bool {
    !names(error).any(|name| SERVER_WORDS.iter().any(|word| name.eq_ignore_ascii_case(word)))
        && !matches!(error.status, Some(408 | 425 | 429 | 500..))
}

fn names(error: &ServerError) -> impl Iterator<Item = &str> {
    [error.code.as_deref(), error.kind.as_deref()].into_iter().flatten()
}

fn answered(
    blame: Blame,
    stage: Stage,
    headers: &HeaderMap,
    error: Option<&ServerError>,
    now: SystemTime,
) -> Failure {
    let wait = retry_after(headers, now).or_else(|| error.and_then(|error| error.retry_after));
    with_wait(Failure::new(blame, stage), wait)
}

fn stated(blame: Blame, stage: Stage, error: &ServerError) -> Failure {
    with_wait(Failure::new(blame, stage), error.retry_after)
}

fn with_wait(failure: Failure, wait: Option<core::time::Duration>) -> Failure {
    match wait {
        Some(wait) if failure.blame() == Blame::Server => failure.with_retry_after(wait),
        _ => failure,
    }
}
