//! What counts as what: every row of the table, and every status and close code.

use std::time::{Duration, SystemTime};

use failback::{Blame, Failure, Stage, Transport};
use failback_wire::{Event, Seen, ServerError, classify};
use http::HeaderMap;

use Blame::{Connection, Network, Payload, Request, Server};
use Stage::{Connecting, Open, Streaming};
use Transport::{Sse, WebSocket};

const BOTH: [Transport; 2] = [WebSocket, Sse];

fn judge(seen: &Seen<'_>, transport: Transport, stage: Stage, reused: bool) -> Option<Failure> {
    classify(seen, transport, stage, reused, SystemTime::UNIX_EPOCH)
}

fn verdict(seen: &Seen<'_>, transport: Transport, stage: Stage, reused: bool) -> (Blame, Stage) {
    let failure = judge(seen, transport, stage, reused).unwrap_or_else(|| panic!("{seen:?}"));
    assert!(!failure.is_committed());
    (failure.blame(), failure.stage())
}

fn headers(pairs: &[(&'static str, &'static str)]) -> HeaderMap {
    pairs.iter().map(|(name, value)| (name.parse().expect("name"), value.parse().expect("value"))).collect()
}

#[test]
fn the_network_below_both() {
    for seen in
        [Seen::Resolve, Seen::Connect, Seen::Tls, Seen::ConnectTimeout, Seen::ProxyRefused { status: 502 }]
    {
        for transport in BOTH {
            for stage in Stage::ALL {
                for reused in [false, true] {
                    assert_eq!(verdict(&seen, transport, stage, reused), (Network, Connecting), "{seen:?}");
                }
            }
        }
    }
}

#[test]
fn what_would_be_met_again_is_not_tried_again_over_sse() {
    for seen in [
        Seen::Certificate,
        Seen::NotAProxy,
        Seen::ProxyRefused { status: 400 },
        Seen::ProxyRefused { status: 403 },
        Seen::ProxyRefused { status: 499 },
    ] {
        for reused in [false, true] {
            assert_eq!(verdict(&seen, WebSocket, Connecting, reused), (Network, Connecting), "{seen:?}");
            assert_eq!(verdict(&seen, Sse, Connecting, reused), (Request, Connecting), "{seen:?}");
        }
    }
}

#[test]
fn a_proxy_that_wants_other_credentials() {
    for seen in
        [Seen::ProxyRefused { status: 407 }, Seen::ProxyRefused { status: 401 }, Seen::ProxyAuthentication]
    {
        for transport in BOTH {
            assert_eq!(verdict(&seen, transport, Connecting, false), (Request, Connecting), "{seen:?}");
        }
    }
}

#[test]
fn every_socks_reply() {
    for reply in 0..=255 {
        let seen = Seen::SocksRefused { reply };
        let on_sse = if matches!(reply, 2 | 7 | 8) { Request } else { Network };
        assert_eq!(verdict(&seen, WebSocket, Connecting, false), (Network, Connecting), "{reply}");
        assert_eq!(verdict(&seen, Sse, Connecting, false), (on_sse, Connecting), "{reply}");
    }
}

#[test]
fn a_handshake_not_answered_or_answered_wrongly() {
    for seen in [Seen::HandshakeTimeout, Seen::BadAccept] {
        assert_eq!(verdict(&seen, WebSocket, Connecting, false), (Blame::Transport, Connecting), "{seen:?}");
    }
    for seen in [Seen::Reset, Seen::EndOfStream, Seen::ProtocolViolation, Seen::TooLarge] {
        assert_eq!(verdict(&seen, WebSocket, Connecting, false), (Blame::Transport, Connecting), "{seen:?}");
    }
}

#[test]
fn every_upgrade_status() {
    let (plain, wait) = (HeaderMap::new(), headers(&[("retry-after", "7")]));
    for status in 0..=1000 {
        let expected = match status {
            407 => Request,
            429 | 529 => Server,
            _ => Blame::Transport,
        };
        for reused in [false, true] {
            let seen = Seen::Upgrade { status, headers: &plain, error: None };
            assert_eq!(verdict(&seen, WebSocket, Connecting, reused), (expected, Connecting), "{status}");
            let seen = Seen::Upgrade { status, headers: &wait, error: None };
            let expected = if status == 503 { Server } else { expected };
            let failure = judge(&seen, WebSocket, Connecting, reused).expect("a failure");
            assert_eq!((failure.blame(), failure.stage()), (expected, Connecting), "{status}");
            let waits = (expected == Server).then_some(Duration::from_secs(7));
            assert_eq!(failure.retry_after(), waits, "{status}");
        }
    }
    let millis = headers(&[("retry-after-ms", "70")]);
    let failure =
        judge(&Seen::Upgrade { status: 503, headers: &millis, error: None }, WebSocket, Connecting, false);
    assert_eq!(failure, Some(Failure::new(Server, Connecting).with_retry_after(Duration::from_millis(70))));
}

#[test]
fn an_upgrade_refused_in_the_apis_own_words_is_left_to_sse() {
    let plain = HeaderMap::new();
    let error = ServerError::from_body(400, br#"{"error":{"param":"model","type":"invalid_request_error"}}"#);
    for status in [400, 401, 402, 403, 404, 422, 500, 503] {
        for should_retry in ["true", "false"] {
            let stated = headers(&[("x-should-retry", should_retry)]);
            for headers in [&plain, &stated] {
                let seen = Seen::Upgrade { status, headers, error: Some(&error) };
                assert_eq!(verdict(&seen, WebSocket, Connecting, false), (Blame::Transport, Connecting));
            }
        }
    }
}

#[test]
fn a_server_may_say_whether_to_try_again() {
    let [yes, no] = ["true", "false"].map(|value| headers(&[("x-should-retry", value)]));
    for (status, said_yes, said_no) in [
        (500, Server, Request),
        (429, Server, Request),
        (409, Server, Request),
        (400, Server, Request),
        (404, Server, Request),
        (407, Request, Request),
        (302, Request, Request),
        (511, Network, Network),
    ] {
        for (headers, expected) in [(&yes, said_yes), (&no, said_no)] {
            let seen = Seen::Answer { status, headers, error: None };
            assert_eq!(verdict(&seen, Sse, Open, false), (expected, Open), "{status}");
        }
    }
    // Nobody knows better than the quota when it is available again.
    let quota = ServerError::from_body(403, br#"{"error":{"code":"insufficient_quota","message":"Pay."}}"#);
    for status in [403, 429] {
        let seen = Seen::Answer { status, headers: &yes, error: Some(&quota) };
        assert_eq!(verdict(&seen, Sse, Open, false), (Request, Open), "{status}");
    }
    for (headers, expected) in [(&yes, Server), (&no, Request)] {
        let seen = Seen::Upgrade { status: 429, headers, error: None };
        assert_eq!(verdict(&seen, WebSocket, Connecting, false), (expected, Connecting));
    }
    for (said, expected) in [("false", Request), ("true", Server)] {
        let event = event(&format!(
            r#"{{"type":"error","status":500,"headers":{{"X-Should-Retry":"{said}"}},"error":{{"code":"server_error"}}}}"#
        ));
        let seen = Seen::ErrorEvent(event.error().expect("an error"));
        assert_eq!(verdict(&seen, WebSocket, Open, false), (expected, Open), "{said}");
    }
}

#[test]
fn a_quota_is_worth_a_wait_if_it_is_known_how_long() {
    let plain = HeaderMap::new();
    let now = SystemTime::UNIX_EPOCH + Duration::from_secs(1_700_000_000);
    for code in
        ["usage_limit_reached", "usage_not_included", "insufficient_quota", "billing_hard_limit_reached"]
    {
        for (when, wait) in [
            ("", None),
            (r#","resets_at":1700000090"#, Some(90)),
            (r#","resets_at":"1700000090""#, Some(90)),
            (r#","resets_at":1700000090000"#, Some(90)),
            (r#","resets_at":1600000000"#, Some(0)),
            (r#","resets_in_seconds":7"#, Some(7)),
            (r#","resets_at":1e999"#, None),
        ] {
            let error = format!(r#"{{"error":{{"code":"{code}","message":"m"{when}}}}}"#);
            let expected = match wait {
                Some(wait) => Failure::new(Server, Open).with_retry_after(Duration::from_secs(wait)),
                None => Failure::new(Request, Open),
            };
            for status in [402, 403, 429] {
                let error = ServerError::from_body(status, error.as_bytes());
                let seen = Seen::Answer { status, headers: &plain, error: Some(&error) };
                assert_eq!(classify(&seen, Sse, Open, false, now), Some(expected), "{status} {error:?}");
            }
            let json = error.replacen('{', r#"{"type":"error","status":429,"#, 1);
            let event = event(&json);
            let seen = Seen::ErrorEvent(event.error().expect("an error"));
            for transport in BOTH {
                assert_eq!(classify(&seen, transport, Open, false, now), Some(expected), "{json}");
            }
            let seen = Seen::FailedEvent(event.error().expect("an error"));
            let ended = Some(expected).filter(|failure| failure.blame() == Server);
            assert_eq!(classify(&seen, Sse, Open, false, now), ended, "{json}");
        }
    }
    let error = ServerError::from_body(429, br#"{"error":{"type":"usage_limit_reached"}}"#);
    let wait = headers(&[("retry-after", "60")]);
    for headers in [&plain, &wait] {
        let seen = Seen::Upgrade { status: 429, headers, error: Some(&error) };
        let expected = if headers.is_empty() { Request } else { Server };
        assert_eq!(verdict(&seen, WebSocket, Connecting, false), (expected, Connecting));
    }
}

#[test]
fn errors_in_other_shapes_are_judged_by_what_they_say() {
    for (json, expected) in [
        (r#"{"error":{"code":"account_deactivated","message":"Your account is closed."}}"#, Request),
        (r#"{"error":"not today"}"#, Request),
        (r#"{"detail":"Not for you."}"#, Request),
        (r#"{"detail":[{"loc":["body"],"msg":"Field required","type":"missing"}]}"#, Request),
        (r#"{"detail":{"code":"deactivated_workspace"}}"#, Request),
        (r#"{"message":"Forbidden","connectionId":"x","requestId":"y"}"#, Request),
        (r#"{"message":"Internal server error","connectionId":"x"}"#, Server),
        (r#"{"detail":"Please try again later."}"#, Server),
        (r#"{"error":{"code":503,"message":"m"}}"#, Server),
        (r#"{"error":{"code":"rate_limit_exceeded","message":"m"}}"#, Server),
        (r#"{"type":"server_error","message":"m"}"#, Server),
        (r#"{"object":"error","type":"BadRequestError","message":"m","code":400}"#, Request),
        (r#"{"type":"error","error":{"message":"m"}}"#, Server),
    ] {
        let event = event(json);
        let seen = Seen::ErrorEvent(event.error().unwrap_or_else(|| panic!("{json}")));
        for transport in BOTH {
            assert_eq!(verdict(&seen, transport, Open, false), (expected, Open), "{json}");
        }
    }
}

#[test]
fn every_answer_status() {
    let (plain, wait) = (HeaderMap::new(), headers(&[("retry-after", "Thu, 01 Jan 1970 00:00:09 GMT")]));
    for status in 0..=1000 {
        let expected = match status {
            511 | 200..=299 => Network,
            408 | 409 | 425 | 429 | 500..=599 => Server,
            300..=499 => Request,
            _ => Blame::Transport,
        };
        let seen = Seen::Answer { status, headers: &plain, error: None };
        assert_eq!(verdict(&seen, Sse, Open, false), (expected, Open), "{status}");
        let failure = judge(&Seen::Answer { status, headers: &wait, error: None }, Sse, Open, false);
        let waits = (expected == Server).then_some(Duration::from_secs(9));
        assert_eq!(failure.expect("a failure").retry_after(), waits, "{status}");
        let expected = if status == 408 { Connection } else { expected };
        assert_eq!(verdict(&seen, Sse, Open, true), (expected, Open), "{status} on a reused connection");
    }
}

#[test]
fn the_body_of_an_answer_counts() {
    let plain = HeaderMap::new();
    let quota = ServerError::from_body(429, br#"{"error":{"code":"insufficient_quota","message":"Pay."}}"#);
    let seen = Seen::Answer { status: 429, headers: &plain, error: Some(&quota) };
    assert_eq!(judge(&seen, Sse, Open, false), Some(Failure::new(Request, Open)));
    let seen = Seen::Upgrade { status: 429, headers: &plain, error: Some(&quota) };
    assert_eq!(verdict(&seen, WebSocket, Connecting, false), (Request, Connecting));

    let rate = ServerError::from_body(429, b"Please try again in 1.898s.");
    let expected = Failure::new(Server, Open).with_retry_after(Duration::from_micros(1_898_000));
    let seen = Seen::Answer { status: 429, headers: &plain, error: Some(&rate) };
    assert_eq!(judge(&seen, Sse, Open, false), Some(expected));
    let wait = headers(&[("retry-after", "3")]);
    let seen = Seen::Answer { status: 429, headers: &wait, error: Some(&rate) };
    let expected = Failure::new(Server, Open).with_retry_after(Duration::from_secs(3));
    assert_eq!(judge(&seen, Sse, Open, false), Some(expected), "a header says it better than a sentence");
}

#[test]
fn an_answer_without_events() {
    for content_type in [None, Some("text/html"), Some("application/json")] {
        for reused in [false, true] {
            assert_eq!(verdict(&Seen::WrongContentType { content_type }, Sse, Open, reused), (Network, Open));
        }
    }
    assert_eq!(verdict(&Seen::Encoded { encoding: "gzip" }, Sse, Open, false), (Network, Open));
}

#[test]
fn a_stream_that_breaks() {
    for seen in [
        Seen::Reset,
        Seen::EndOfStream,
        Seen::ProtocolViolation,
        Seen::BinaryFrame,
        Seen::FirstEventTimeout,
        Seen::IdleTimeout,
        Seen::MissedPong,
        Seen::BadEvent,
        Seen::Closed { code: None, reason: "" },
    ] {
        for transport in BOTH {
            assert_eq!(verdict(&seen, transport, Open, false), (Blame::Transport, Open), "{seen:?}");
            assert_eq!(
                verdict(&seen, transport, Streaming, false),
                (Blame::Transport, Streaming),
                "{seen:?}"
            );
            assert_eq!(verdict(&seen, transport, Open, true), (Connection, Open), "{seen:?} reused");
            assert_eq!(
                verdict(&seen, transport, Streaming, true),
                (Blame::Transport, Streaming),
                "{seen:?} reused"
            );
        }
    }
}

#[test]
fn what_only_an_open_stream_can_show_says_that_it_was_open() {
    let error = ServerError::from_body(503, b"");
    for (seen, blame) in [
        (Seen::Closed { code: Some(1001), reason: "" }, Connection),
        (Seen::Closed { code: Some(1009), reason: "" }, Payload),
        (Seen::Closed { code: None, reason: "" }, Blame::Transport),
        (Seen::BinaryFrame, Blame::Transport),
        (Seen::FirstEventTimeout, Blame::Transport),
        (Seen::IdleTimeout, Blame::Transport),
        (Seen::MissedPong, Blame::Transport),
        (Seen::BadEvent, Blame::Transport),
        (Seen::ErrorEvent(&error), Server),
        (Seen::FailedEvent(&error), Server),
    ] {
        assert_eq!(verdict(&seen, WebSocket, Connecting, false), (blame, Open), "{seen:?}");
    }
}

#[test]
fn every_close_code() {
    for code in (0..=u16::MAX).filter(|code| (990..=5000).contains(code) || code % 997 == 0) {
        let seen = Seen::Closed { code: Some(code), reason: "why" };
        let expected = match code {
            1001 | 1012 | 1013 => Connection,
            1009 => Payload,
            _ => Blame::Transport,
        };
        assert_eq!(verdict(&seen, WebSocket, Open, false), (expected, Open), "{code}");
        assert_eq!(verdict(&seen, WebSocket, Streaming, true), (expected, Streaming), "{code}");
        let expected = if expected == Blame::Transport { Connection } else { expected };
        assert_eq!(verdict(&seen, WebSocket, Open, true), (expected, Open), "{code} reused");
    }
}

#[test]
fn larger_than_our_own_limit() {
    for transport in BOTH {
        for (stage, reused) in [(Open, false), (Open, true), (Streaming, false), (Streaming, true)] {
            assert_eq!(verdict(&Seen::TooLarge, transport, stage, reused), (Payload, stage));
        }
    }
}

fn event(json: &str) -> Event {
    Event::parse(json).unwrap_or_else(|error| panic!("{error}"))
}

/// The same error in the nested shape with a status, nested without, and flat.
fn blame(code: &str, status: Option<u16>, transport: Transport) -> Blame {
    let nested = format!(r#""error":{{"code":"{code}","message":"m"}}"#);
    let shapes = match status {
        Some(status) => vec![
            format!(r#"{{"type":"error","status":{status},{nested}}}"#),
            format!(r#"{{"type":"error","status_code":"{status}",{nested}}}"#),
        ],
        None => vec![
            format!(r#"{{"type":"error",{nested}}}"#),
            format!(r#"{{"type":"error","code":"{code}","message":"m","param":null}}"#),
        ],
    };
    let mut blames = shapes.iter().map(|shape| {
        let event = event(shape);
        let seen = Seen::ErrorEvent(event.error().expect("an error"));
        let fresh = verdict(&seen, transport, Open, false);
        assert_eq!(verdict(&seen, transport, Open, true), fresh, "the server stated it: {shape}");
        assert_eq!(verdict(&seen, transport, Streaming, false), (fresh.0, Streaming), "{shape}");
        fresh.0
    });
    let first = blames.next().expect("a shape");
    assert!(blames.all(|blame| blame == first), "{code} {status:?}");
    first
}

#[test]
fn error_events_by_code() {
    for transport in BOTH {
        let on_websocket = |blame| if transport == WebSocket { blame } else { Request };
        for (code, statuses, expected) in [
            ("rate_limit_exceeded", &[None, Some(429), Some(400)][..], Server),
            ("server_is_overloaded", &[None, Some(503), Some(529)], Server),
            ("slow_down", &[None, Some(503)], Server),
            ("server_error", &[None, Some(500), Some(400)], Server),
            ("Overloaded_Error", &[None], Server),
            ("usage_limit_reached", &[None, Some(429)], Request),
            ("insufficient_quota", &[None, Some(429)], Request),
            ("websocket_connection_limit_reached", &[None, Some(400), Some(429)], Connection),
            ("previous_response_not_found", &[None, Some(400), Some(404)], on_websocket(Connection)),
            ("message_too_large", &[None, Some(400), Some(413)], on_websocket(Payload)),
            ("websocket_message_too_big", &[None], on_websocket(Payload)),
            ("payload_too_large", &[None], on_websocket(Payload)),
            ("something", &[Some(413)], on_websocket(Payload)),
            ("invalid_api_key", &[None, Some(401)], Request),
            ("model_not_found", &[None, Some(404)], Request),
            ("context_length_exceeded", &[None, Some(400)], Request),
            ("unsupported_parameter", &[None, Some(400)], Request),
            ("something", &[Some(302), Some(400), Some(403), Some(422), Some(499)], Request),
            (
                "something",
                &[Some(408), Some(409), Some(425), Some(429), Some(500), Some(503), Some(529), Some(599)],
                Server,
            ),
            ("something", &[None, Some(200), Some(101)], Server),
            ("", &[None], Server),
        ] {
            for status in statuses {
                assert_eq!(blame(code, *status, transport), expected, "{code} {status:?} on {transport}");
            }
        }
    }
}

#[test]
fn every_word_for_the_server_says_so_whatever_the_status() {
    for word in [
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
    ] {
        for status in [None, Some(400), Some(500)] {
            assert_eq!(blame(word, status, WebSocket), Server, "{word} {status:?}");
        }
        let event =
            event(&format!(r#"{{"type":"response.failed","response":{{"error":{{"code":"{word}"}}}}}}"#));
        let seen = Seen::FailedEvent(event.error().expect("an error"));
        assert_eq!(verdict(&seen, Sse, Streaming, false), (Server, Streaming), "{word}");
    }
}

#[test]
fn every_word_for_the_request_says_so_within_another() {
    for word in [
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
    ] {
        for transport in BOTH {
            assert_eq!(blame(&format!("a_{word}_b"), None, transport), Request, "{word}");
            assert_eq!(
                blame(&format!("a_{word}_b"), Some(500), transport),
                Server,
                "a status says it better"
            );
        }
    }
}

#[test]
fn every_error_event_status_is_someones() {
    for status in 0..=1000 {
        blame("something", Some(status), WebSocket);
        blame("something", Some(status), Sse);
    }
}

#[test]
fn error_events_by_type_and_parameter() {
    for (fields, expected) in [
        (r#""type":"server_error""#, Server),
        (r#""type":"api_error","code":null"#, Server),
        (r#""type":"invalid_request_error""#, Request),
        (r#""type":"authentication_error""#, Request),
        (r#""type":"tokens","code":"rate_limit_exceeded","param":"x""#, Server),
        (r#""code":"odd","param":"input""#, Request),
    ] {
        let event = event(&format!(r#"{{"type":"error","error":{{{fields},"message":"m"}}}}"#));
        let seen = Seen::ErrorEvent(event.error().expect("an error"));
        assert_eq!(verdict(&seen, WebSocket, Open, false), (expected, Open), "{fields}");
    }
}

#[test]
fn error_events_say_how_long_to_wait() {
    for (json, wait) in [
        (r#"{"type":"error","status":429,"error":{"message":"Please try again in 28ms."}}"#, Some(28)),
        (
            r#"{"type":"error","status":429,"error":{"retry_after":2,"message":"try again in 5s"}}"#,
            Some(2000),
        ),
        (
            r#"{"type":"error","status":429,"error":{"code":"usage_limit_reached","resets_in_seconds":90}}"#,
            Some(90_000),
        ),
        (r#"{"type":"error","status":503,"headers":{"retry-after":"4"},"error":{}}"#, Some(4000)),
        (r#"{"type":"error","status":400,"error":{"retry_after":2}}"#, None),
        (r#"{"type":"error","status":500,"error":{}}"#, None),
    ] {
        let event = event(json);
        let failure = judge(&Seen::ErrorEvent(event.error().expect("an error")), WebSocket, Open, false);
        assert_eq!(failure.expect("a failure").retry_after(), wait.map(Duration::from_millis), "{json}");
    }
}

#[test]
fn failed_responses() {
    for (error, expected) in [
        (r#"{"code":"server_error","message":"m"}"#, Some(Server)),
        (r#"{"code":"rate_limit_exceeded","message":"m"}"#, Some(Server)),
        (r#"{"code":"server_is_overloaded","message":"m"}"#, Some(Server)),
        (r#"{"code":"slow_down","message":"m"}"#, Some(Server)),
        (r#"{"code":503,"message":"m"}"#, Some(Server)),
        (r#"{"code":"insufficient_quota","message":"m"}"#, None),
        (r#"{"code":"invalid_prompt","message":"m"}"#, None),
        (r#"{"code":"previous_response_not_found","message":"m"}"#, None),
        (r#"{"code":"something","message":"m"}"#, None),
        (r#"{"message":"m"}"#, None),
        ("{}", None),
    ] {
        let event = event(&format!(r#"{{"type":"response.failed","response":{{"error":{error}}}}}"#));
        for transport in BOTH {
            for reused in [false, true] {
                let seen = Seen::FailedEvent(event.error().expect("an error"));
                let failure = judge(&seen, transport, Streaming, reused);
                assert_eq!(failure.map(|failure| failure.blame()), expected, "{error}");
            }
        }
    }
}

#[test]
fn failed_responses_by_status() {
    for status in 300..=599 {
        let event =
            event(&format!(r#"{{"type":"response.failed","response":{{"error":{{"code":{status}}}}}}}"#));
        let failure = judge(&Seen::FailedEvent(event.error().expect("an error")), Sse, Streaming, false);
        let expected = matches!(status, 408 | 409 | 425 | 429 | 500..).then_some(Server);
        assert_eq!(failure.map(|failure| failure.blame()), expected, "{status}");
    }
}

#[test]
fn nothing_but_a_failed_response_is_none() {
    let (plain, error) = (HeaderMap::new(), ServerError::default());
    for seen in [
        Seen::Resolve,
        Seen::Connect,
        Seen::Tls,
        Seen::ConnectTimeout,
        Seen::ProxyRefused { status: 0 },
        Seen::Certificate,
        Seen::NotAProxy,
        Seen::Encoded { encoding: "" },
        Seen::UnknownResponse(&error),
        Seen::SocksRefused { reply: 0 },
        Seen::ProxyAuthentication,
        Seen::HandshakeTimeout,
        Seen::Upgrade { status: 0, headers: &plain, error: Some(&error) },
        Seen::BadAccept,
        Seen::Answer { status: 0, headers: &plain, error: Some(&error) },
        Seen::WrongContentType { content_type: None },
        Seen::Reset,
        Seen::EndOfStream,
        Seen::Closed { code: None, reason: "" },
        Seen::ProtocolViolation,
        Seen::BinaryFrame,
        Seen::FirstEventTimeout,
        Seen::IdleTimeout,
        Seen::MissedPong,
        Seen::TooLarge,
        Seen::ErrorEvent(&error),
        Seen::BadEvent,
    ] {
        for transport in BOTH {
            for stage in Stage::ALL {
                for reused in [false, true] {
                    assert!(judge(&seen, transport, stage, reused).is_some(), "{seen:?}");
                }
            }
        }
    }
}
