//! Any text as an event, as an error body and as headers: classified without a panic, and in bounded size.
#![no_main]

use std::time::{Duration, SystemTime};

use failback::{Blame, Stage, Transport};
use failback_wire::{Event, Fault, Headers, Request, Said, Seen, ServerError, classify, retry_after};
use http::{HeaderMap, HeaderValue};
use libfuzzer_sys::fuzz_target;
use serde_json::value::RawValue;

/// Well above the parts that are kept of a message, and well below the input.
const LONGEST_SENTENCE: usize = 16 * 1024;

fuzz_target!(|input: (u16, u8, String)| {
    let (number, choice, text) = input;
    let now = SystemTime::UNIX_EPOCH + Duration::from_secs(1_700_000_000);
    let transport = if choice & 1 == 0 { Transport::WebSocket } else { Transport::Sse };
    let stage = Stage::ALL[usize::from(choice >> 1) % 3];
    let reused = choice & 8 != 0;

    let mut headers = HeaderMap::new();
    if let Ok(value) = HeaderValue::from_str(&text) {
        headers.insert(http::header::RETRY_AFTER, value.clone());
        if choice & 16 != 0 {
            headers.insert("retry-after-ms", value);
        }
    }
    let wait = retry_after(&headers, now);
    let error = ServerError::from_body(number, text.as_bytes());
    for seen in [
        Seen::Upgrade { status: number, headers: &headers, error: Some(&error) },
        Seen::Answer { status: number, headers: &headers, error: Some(&error) },
        Seen::WrongContentType { content_type: Some(&text) },
        Seen::Closed { code: Some(number), reason: &text },
        Seen::Encoded { encoding: &text },
        Seen::ErrorEvent(&error),
        Seen::UnknownResponse(&error),
        Seen::FailedEvent(&error),
    ] {
        let failure = classify(&seen, transport, stage, reused, now);
        assert!(failure.is_some() || matches!(seen, Seen::FailedEvent(_)), "{seen:?}");
        if let Some(failure) = failure {
            assert!(failure.retry_after().is_none() || failure.blame() == Blame::Server, "{seen:?}");
            assert!(!failure.is_committed());
        }
        let fault = Fault::new(&seen, transport, stage, reused, Some(&text), now);
        assert_eq!(fault.is_some(), failure.is_some(), "{seen:?}");
        let shown = fault.as_ref().map_or("", Fault::text);
        assert!(shown.len() < LONGEST_SENTENCE && !shown.contains('\n'), "{shown}");
    }
    assert!(wait.is_none() || !headers.is_empty());

    let _ = Request::from_json(&text).map(|request| {
        for body in [request.sse_body(), request.websocket_frame(None)] {
            serde_json::from_str::<&RawValue>(&body).expect("a request is JSON on the wire");
        }
    });

    let mut secrets = Headers::new();
    let secret = text.split_whitespace().next().unwrap_or_default().to_owned();
    let is_plain = secret.len() >= 7 && secret.bytes().all(|byte| byte.is_ascii_alphanumeric());
    if is_plain && !"redacted".contains(&secret) && secrets.bearer(&secret).is_ok() {
        assert!(!secrets.redact(&text).contains(&secret), "a secret is cut out");
    }

    for name in [None, Some("error"), Some("response.completed")] {
        match Said::read(text.as_str(), name) {
            Ok(Said::Event(event)) if name.is_none() => {
                assert_eq!(Event::parse(text.as_str()).as_ref(), Ok(&event))
            }
            Ok(_) => {}
            Err(_) => assert_ne!(name, Some("error"), "an error is one, whatever it says"),
        }
    }

    let length = text.len();
    let Ok(event) = Event::parse(text) else { return };
    assert_eq!(event.json().len(), length, "an event is kept as received");
    let _ = (event.text_delta(), event.response_id(), event.sequence_number());
});
