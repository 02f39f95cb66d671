//! What the body of a 200 answer says, whatever it turns out to be, and wherever it is cut.

use failback_wire::{Body, BodyError, Event, Said, Terminal};

const LIMIT: usize = 4096;
const STREAM: Option<&str> = Some("text/event-stream; charset=utf-8");
const JSON: Option<&str> = Some("application/json");

/// All that it says, and what comes of its end.
type Told = (Vec<Said>, Result<Option<Event>, BodyError>);

fn told(content_type: Option<&str>, chunks: &mut dyn Iterator<Item = &[u8]>) -> Told {
    let mut said = Vec::new();
    let mut body = match Body::new(content_type, LIMIT) {
        Ok(body) => body,
        Err(error) => return (said, Err(error)),
    };
    for mut chunk in chunks {
        loop {
            match body.decode(&mut chunk) {
                Ok(Some(more)) => said.push(more),
                Ok(None) => break,
                Err(error) => return (said, Err(error)),
            }
        }
        assert!(chunk.is_empty());
    }
    (said, body.end())
}

/// The same in one piece and byte by byte.
fn read(content_type: Option<&str>, text: &str) -> Told {
    let whole = told(content_type, &mut std::iter::once(text.as_bytes()));
    assert_eq!(told(content_type, &mut text.as_bytes().chunks(1)), whole, "{text}");
    whole
}

fn kinds(said: &[Said]) -> Vec<&str> {
    said.iter()
        .map(|said| match said {
            Said::Event(event) => event.kind(),
            Said::SignOfLife => "-",
            Said::Done => "[DONE]",
        })
        .collect()
}

#[test]
fn a_stream_with_its_content_type_or_without() {
    for content_type in [STREAM, None, Some(""), JSON] {
        for begin in ["", "\n\n", "\u{feff}", ": hello\n\n", "id: 1\n", "retry: 5\n"] {
            let text = format!(
                "{begin}event: response.created\ndata: {{\"type\":\"response.created\"}}\n\nevent: ping\ndata:\n\n\
                 data: {{}}\n\nevent: response.completed\ndata: {{\"response\":{{}}}}\n\ndata: [DONE]\n\n"
            );
            let (said, end) = read(content_type, &text);
            let expected = ["response.created", "-", "-", "response.completed", "[DONE]"];
            let first = kinds(&said);
            assert_eq!(first.strip_prefix(&["-"]).unwrap_or(&first), expected, "{content_type:?} {begin:?}");
            assert_eq!(end, Ok(None));
        }
    }
}

/// The content types of the web platform tests (their `eventsource/format-mime-*`), and that a stream is
/// UTF-8 whatever its content type says (`format-utf-8`).
#[test]
fn content_types_of_the_web_platform_tests() {
    let text = "data: {\"type\":\"response.completed\",\"response\":{\"id\":\"ok\u{2026}\"}}\n\n";
    for content_type in [
        "text/event-stream;",
        "text/event-stream;x=bogus",
        "text/event-stream;charset=windows-1252",
        "Text/Event-Stream ; charset=\"windows-1252\"",
    ] {
        let (said, end) = read(Some(content_type), text);
        let [Said::Event(event)] = &said[..] else { panic!("{content_type}: {said:?}") };
        assert_eq!(event.response_id(), Some("ok\u{2026}"), "{content_type}");
        assert_eq!(end, Ok(None));
    }
    for content_type in
        ["x bogus", "text/event-stream x", "text/event-streams", "text/html;text/event-stream"]
    {
        let refused = BodyError::NotEvents { content_type: Some(content_type.to_owned()) };
        assert_eq!(read(Some(content_type), text), (vec![], Err(refused)), "{content_type}");
    }
}

#[test]
fn what_is_no_stream() {
    for (content_type, text) in [
        (None, "<html>sign in"),
        (None, "identity"),
        (None, "date: now"),
        (None, "[1]"),
        (JSON, "[]"),
        (JSON, r#"{"hello":"world"}"#),
        (JSON, r#"{"object":"response","status":"queued"}"#),
        (JSON, r#"{"error":"cut "#),
        (None, "dat"),
    ] {
        let (said, end) = read(content_type, text);
        let expected = BodyError::NotEvents { content_type: content_type.map(str::to_owned) };
        assert_eq!((said, end), (vec![], Err(expected)), "{content_type:?} {text}");
    }
    assert!(matches!(read(Some("text/html"), "data: x\n\n").1, Err(BodyError::NotEvents { .. })));
    assert_eq!(read(None, ""), (vec![], Ok(None)));
    assert_eq!(read(JSON, " \n"), (vec![], Ok(None)));
}

#[test]
fn an_error_in_json_under_any_content_type() {
    let flat = r#"{"error":{"code":"account_deactivated","message":"It is {closed}."}}"#;
    let pretty = "\n{\n  \"error\": {\n    \"code\": \"account_deactivated\",\n\n    \"message\": \"It is {closed}.\"\n  }\n}\n";
    for text in [flat, pretty] {
        for content_type in [STREAM, None, JSON, Some("application/problem+json; charset=utf-8")] {
            for (before, after) in
                [("", ""), ("", "\n\n"), ("data: {\"type\":\"response.created\"}\r\n\r\n", "")]
            {
                let (said, end) = read(content_type, &format!("{before}{text}{after}"));
                let Some(Said::Event(event)) = said.last() else { panic!("{content_type:?} {before}{text}") };
                assert_eq!(event.terminal(), Some(Terminal::Error));
                let error = event.error().expect("an error");
                assert_eq!(
                    (error.code.as_deref(), &*error.message),
                    (Some("account_deactivated"), "It is {closed}.")
                );
                assert_eq!(end, Ok(None));
            }
        }
    }
}

#[test]
fn a_whole_response() {
    for (status, kind) in [
        ("completed", "response.completed"),
        ("incomplete", "response.incomplete"),
        ("failed", "response.failed"),
        ("cancelled", "response.cancelled"),
    ] {
        let json =
            format!(r#"{{"id":"resp_1","object":"response","status":"{status}","error":null,"output":[]}}"#);
        for content_type in [JSON, STREAM, None] {
            let (said, _) = read(content_type, &json);
            let [Said::Event(event)] = &said[..] else { panic!("{said:?}") };
            assert_eq!((event.kind(), event.response_id()), (kind, Some("resp_1")));
            assert_eq!(event.sequence_number(), Some(0));
            assert!(event.json().ends_with(&format!("{json}}}")), "{event:?}");
        }
    }
}

#[test]
fn what_is_no_whole_response() {
    // It needs an id and an output where it does not say what it is.
    for json in [r#"{"id":"r"}"#, r#"{"output":[]}"#, r#"{"object":"list","id":"r","output":[]}"#] {
        let (said, _) = read(JSON, json);
        assert!(!kinds(&said).contains(&"response.completed"), "{json}: {said:?}");
    }
    let (said, _) = read(JSON, r#"{"id":"r","output":[]}"#);
    assert_eq!(kinds(&said), ["response.completed"]);
}

#[test]
fn other_json_between_events_means_nothing() {
    let event = "data: {\"type\":\"response.created\"}\n\n";
    let (said, end) = read(STREAM, &format!("{event}{{\"a\":[1]}}\n{event}{{\"object\":\"response\"}}"));
    assert_eq!((kinds(&said), end), (vec!["response.created"; 2], Ok(None)));
    // Wherever the body is cut: lines that say nothing come before it, and it stands in the middle of an
    // event.
    for before in ["id: 1\n", "\r\n", "odd\n", ": c\n", "event: x\n\n"] {
        let (said, _) = read(STREAM, &format!("{event}{before}{{\"error\":\"no\"}}\n\n"));
        assert_eq!(kinds(&said).last(), Some(&"error"), "{before}");
    }
    let (said, _) = read(STREAM, "data: {\"type\":\"response.created\"}\n{\"error\":\"no\"}\n\n");
    assert_eq!(kinds(&said), ["response.created"]);
}

#[test]
fn a_last_event_without_its_blank_line() {
    for end_of_line in ["", "\n", "\r", "\r\n"] {
        for (event, kind) in [
            (r#"data: {"type":"response.completed"}"#, Some("response.completed")),
            (r#"data: {"type":"error","message":"no"}"#, Some("error")),
            ("event: response.done\ndata: {\"response\":{}}", Some("response.done")),
            (r#"data: {"type":"response.output_text.delta","delta":"x"}"#, None),
            (r#"data: {"type":"response.compl"#, None),
            ("data: [DONE]", None),
            ("event: response.completed", None),
        ] {
            let (said, end) = read(STREAM, &format!("{event}{end_of_line}"));
            assert_eq!(said, []);
            assert_eq!(end.expect(event).as_ref().map(Event::kind), kind, "{event}");
        }
    }
}

#[test]
fn memory_is_bounded() {
    let long = "x".repeat(2 * LIMIT);
    for (content_type, text) in [
        (JSON, format!(r#"{{"error":"{long}"}}"#)),
        (STREAM, format!("data: {long}")),
        (STREAM, format!("data: {{\"type\":\"response.created\"}}\n\n{{\"error\":\"{long}")),
    ] {
        assert!(matches!(read(content_type, &text).1, Err(BodyError::TooLarge { .. })), "{content_type:?}");
    }
    assert!(matches!(read(None, &" ".repeat(2 * LIMIT)).1, Err(BodyError::NotEvents { .. })));
    // Up to the limit is not beyond it, whatever else the chunk has.
    let error = format!(r#"{{"error":"{}"}}"#, "x".repeat(LIMIT - 12));
    let (said, _) = read(JSON, &format!("{error}{}", "\n".repeat(100)));
    assert_eq!(kinds(&said), ["error"]);
}
