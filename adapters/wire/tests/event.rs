//! Events as received, and text that is none.

use failback_wire::{Delta, Event, Terminal};

fn parse(json: &str) -> Event {
    Event::parse(json).unwrap_or_else(|error| panic!("{error}"))
}

#[test]
fn kinds() {
    use Terminal::{Completed, Ended, Error};
    for (kind, output, terminal) in [
        ("response.created", false, None),
        ("response.queued", false, None),
        ("response.in_progress", false, None),
        ("response.output_item.added", false, None),
        ("response.content_part.added", false, None),
        ("response.reasoning_summary_part.added", false, None),
        ("response.output_text.annotation.added", true, None),
        ("response.something.new", true, None),
        ("response.output_text.delta", true, None),
        ("response.reasoning_summary_text.delta", true, None),
        ("keepalive", false, None),
        ("codex.rate_limits", false, None),
        ("something.new", false, None),
        ("", false, None),
        ("response.completed", true, Some(Completed)),
        ("response.incomplete", true, Some(Completed)),
        ("response.failed", true, Some(Ended)),
        ("response.cancelled", true, Some(Ended)),
        ("response.done", true, Some(Completed)),
        ("error", false, Some(Error)),
        ("response.error", false, Some(Error)),
        ("invalid_request_error", false, Some(Error)),
    ] {
        let json = format!(r#" {{"a":[1,{{}}],"type":"{kind}","sequence_number":18446744073709551615}}"#);
        let event = parse(&json);
        assert_eq!(event.kind(), kind);
        assert_eq!((event.is_output(), event.terminal()), (output, terminal), "{kind}");
        assert_eq!(event.sequence_number(), Some(u64::MAX));
        assert_eq!(event.json(), json);
        assert_eq!(event.into_json(), json);
    }
}

#[test]
fn escapes_in_the_type() {
    let event = parse(r#"{"type":"response\u002ecompleted"}"#);
    assert_eq!((event.kind(), event.terminal()), ("response.completed", Some(Terminal::Completed)));
    assert_eq!(parse(r#"{"\u0074ype":"error","message":"m"}"#).kind(), "error");
}

#[test]
fn debug_shows_the_text() {
    assert_eq!(format!("{:?}", parse(r#"{"type":"x"}"#)), r#"Event("{\"type\":\"x\"}")"#);
}

#[test]
fn text_deltas() {
    let delta = |json: &str| {
        let event =
            parse(&format!(r#"{{"type":"response.output_text.delta","delta":{json},"item_id":"i"}}"#));
        event.text_delta().map(String::from)
    };
    assert_eq!(delta(r#""Hi""#).as_deref(), Some("Hi"));
    assert_eq!(delta(r#""""#).as_deref(), Some(""));
    assert_eq!(delta(r#""\n\"é\u00e9\ud83d\ude00""#).as_deref(), Some("\n\"éé\u{1f600}"));
    assert_eq!(delta(r#""half \ud83d""#).as_deref(), Some("half \u{fffd}"));
    assert_eq!(delta("null"), None);
    assert_eq!(delta("7"), None);
    assert_eq!(delta(r#"["\\"]"#), None);
    assert_eq!(parse(r#"{"type":"response.output_text.delta"}"#).text_delta(), None);
    assert_eq!(parse(r#"{"type":"response.refusal.delta","delta":"no"}"#).text_delta(), None);
}

#[test]
fn response_ids() {
    let id = |json: &str| parse(json).response_id().map(str::to_owned);
    assert_eq!(id(r#"{"type":"response.created","response":{"x":{},"id":"r_1"}}"#).as_deref(), Some("r_1"));
    assert_eq!(id(r#"{"response":{"id":"r\u005f1"},"type":"response.completed"}"#).as_deref(), Some("r_1"));
    for none in ["null", "1", "[]", "{}", r#"{"id":null}"#, r#"{"id":7}"#] {
        assert_eq!(id(&format!(r#"{{"type":"response.completed","response":{none}}}"#)), None, "{none}");
    }
    assert_eq!(id(r#"{"type":"response.output_item.done","response":{"id":"r_1"}}"#).as_deref(), Some("r_1"));
    assert_eq!(id(r#"{"type":"response.refusal.delta","response_id":"r_1"}"#).as_deref(), Some("r_1"));
}

#[test]
fn errors() {
    let event =
        parse(r#"{"type":"error","status":400,"error":{"type":"t","code":"c","message":"m","param":"p"}}"#);
    let error = event.error().expect("an error");
    assert_eq!(
        (error.status, error.code.as_deref(), error.kind.as_deref()),
        (Some(400), Some("c"), Some("t"))
    );
    assert_eq!((&*error.message, error.param.as_deref()), ("m", Some("p")));

    let flat = parse(r#"{"type":"error","code":"c","message":"m","param":null,"sequence_number":3}"#);
    let error = flat.error().expect("an error");
    assert_eq!((error.status, error.code.as_deref(), error.kind.as_deref()), (None, Some("c"), None));

    let failed = parse(
        r#"{"type":"response.failed","response":{"id":"r","error":{"code":"server_error","message":"m"}}}"#,
    );
    assert_eq!(failed.error().and_then(|error| error.code.as_deref()), Some("server_error"));
    assert_eq!(failed.response_id(), Some("r"));

    assert!(parse(r#"{"type":"error"}"#).error().is_some());
    assert!(parse(r#"{"type":"response.failed","response":{"error":null}}"#).error().is_none());
    assert!(parse(r#"{"type":"response.cancelled"}"#).error().is_none());
    assert!(parse(r#"{"type":"response.completed","response":{"error":{"code":"c"}}}"#).error().is_none());
}

#[test]
fn what_is_no_event() {
    for (text, said) in [
        ("", "object"),
        ("[DONE]", "object"),
        ("null", "object"),
        (r#"["response.created",1,null,null]"#, "object"),
        ("<html>", "object"),
        ("{", "valid JSON"),
        ("{}", "`type`"),
        (r#"{"type":null}"#, "`type`"),
        (r#"{"type":7}"#, "`type`"),
        (r#"{"type":"a"} x"#, "valid JSON"),
        (r#"{"type":"a"}{"type":"b"}"#, "valid JSON"),
        ("{\"type\":\"a\nb\"}", "valid JSON"),
        (r#"{"type":"\ud800"}"#, ""),
        (r#"{"type":"a","x":}"#, "valid JSON"),
    ] {
        match Event::parse(text) {
            Err(error) => assert!(error.to_string().contains(said), "{text}: {error}"),
            Ok(event) => assert!(said.is_empty(), "{text}: {event:?}"),
        }
    }
}

#[test]
fn a_field_that_nobody_needs_kills_no_event() {
    for (number, expected) in [
        ("0", Some(0)),
        (r#""7""#, Some(7)),
        ("-1", None),
        ("0.0", None),
        ("null", None),
        ("{}", None),
        ("1e999", None),
        ("18446744073709551616", None),
        ("1,\"sequence_number\":2", Some(2)),
    ] {
        let event = parse(&format!(
            r#"{{"type":"response.output_text.delta","sequence_number":{number},"delta":"x"}}"#
        ));
        assert_eq!(event.sequence_number(), expected, "{number}");
        assert_eq!(event.text_delta().as_deref(), Some("x"));
    }
    assert_eq!(parse(r#"{"type":"a","type":"b"}"#).kind(), "b");
    let error = parse(r#"{"type":"error","x":1e999,"\ud800":1,"error":{"code":"c","y":-1e999}}"#);
    assert_eq!(error.error().and_then(|error| error.code.as_deref()), Some("c"));
}

#[test]
fn the_status_of_a_response_that_is_done_says_how_it_ended() {
    for (status, terminal) in [
        (r#""completed""#, Terminal::Completed),
        (r#""incomplete""#, Terminal::Completed),
        (r#""failed""#, Terminal::Ended),
        (r#""cancelled""#, Terminal::Ended),
        ("null", Terminal::Completed),
    ] {
        let json = format!(
            r#"{{"type":"response.done","response":{{"id":"r","status":{status},"error":{{"code":"server_error"}}}}}}"#
        );
        let event = parse(&json);
        assert_eq!(event.terminal(), Some(terminal), "{status}");
        assert_eq!(event.error().is_some(), terminal == Terminal::Ended, "{status}");
        assert_eq!(event.response_id(), Some("r"));
    }
}

#[test]
fn a_response_that_is_completed_is_so_whatever_its_status_says() {
    let event = parse(r#"{"type":"response.completed","response":{"status":"failed","error":{"code":"c"}}}"#);
    assert_eq!((event.terminal(), event.error()), (Some(Terminal::Completed), None));
}

#[test]
fn nesting_is_limited() {
    let nested = |depth: usize| format!(r#"{{"type":"a","x":{}{}}}"#, "[".repeat(depth), "]".repeat(depth));
    assert!(Event::parse(nested(127)).is_ok());
    assert!(Event::parse(nested(128)).is_err());
    assert!(Event::parse(nested(1_000_000)).is_err());
    assert!(Event::parse("{\"a\":".repeat(1_000_000)).is_err());
    // Many brackets are not deep ones, and those in strings are none.
    assert!(Event::parse(format!(r#"{{"type":"a","x":[{}0]}}"#, "[],".repeat(1000))).is_ok());
    for more in ["", r#","y":[1]"#] {
        let inside = "[{".repeat(1000);
        for string in [&inside, &format!(r#"\"{inside}\\"#), &format!(r#"\\\"{inside}"#)] {
            assert!(
                Event::parse(format!(r#"{{"type":"a","x":"{string}"{more}}}"#)).is_ok(),
                "{string}{more}"
            );
        }
    }
    // The limit is the same where there are too many brackets to be only counted, strings among them.
    let many = |depth: usize| {
        format!(
            r#"{{"type":"a","x":[{}"]\\"],"y":{}{}}}"#,
            r#"[],"\"[","#.repeat(200),
            "[".repeat(depth),
            "]".repeat(depth)
        )
    };
    assert!(Event::parse(many(127)).is_ok());
    let error = Event::parse(many(128)).expect_err("too deep").to_string();
    assert!(error.starts_with("an event must not nest deeper than 128 levels; "), "{error}");
}

#[test]
fn an_error_shows_a_bounded_line() {
    let error =
        Event::parse(format!("oops\n\u{1b}{}", "x".repeat(100_000))).expect_err("not JSON").to_string();
    assert!(error.contains("`oops x") && error.len() < 200, "{error}");
    // What serde says may quote a value of any length.
    let text = format!(r#"{{"type":"a","x":[1],"{}":x"#, "y".repeat(1000));
    let error = Event::parse(text).expect_err("not JSON").to_string();
    assert!(error.contains("valid JSON: expected value at line 1 column ") && error.len() < 300, "{error}");
}

#[test]
fn what_an_event_adds() {
    for (kind, delta) in [
        ("response.output_text.delta", Delta::Text("a\u{fffd}".into())),
        ("response.reasoning_text.delta", Delta::Reasoning("a\u{fffd}".into())),
        ("response.reasoning_summary_text.delta", Delta::ReasoningSummary("a\u{fffd}".into())),
        ("response.refusal.delta", Delta::Refusal("a\u{fffd}".into())),
        ("response.function_call_arguments.delta", Delta::Arguments("a\u{fffd}".into())),
        ("response.custom_tool_call_input.delta", Delta::Arguments("a\u{fffd}".into())),
    ] {
        let event = parse(&format!(r#"{{"type":"{kind}","delta":"a\ud800"}}"#));
        assert_eq!(event.delta().as_ref(), Some(&delta), "{kind}");
        assert_eq!(event.text_delta().is_some(), kind == "response.output_text.delta", "{kind}");
    }
    for none in [
        r#"{"type":"response.output_text.delta"}"#,
        r#"{"type":"response.output_text.delta","delta":{"a":1}}"#,
        r#"{"type":"response.audio.delta","delta":"AAAA"}"#,
        r#"{"type":"response.output_text.done","delta":"a"}"#,
        r#"{"type":"output_text.delta","delta":"a"}"#,
    ] {
        assert_eq!(parse(none).delta(), None, "{none}");
    }
}

#[test]
fn the_parts_of_a_response() {
    let added = parse(r#"{"type":"response.output_item.added","item":{"id":"msg_1"}}"#);
    assert_eq!((added.item_added(), added.item_done()), (Some(r#"{"id":"msg_1"}"#), None));
    let done = parse(r#"{"type":"response.output_item.done","item":{"id":"msg_1"}}"#);
    assert_eq!((done.item_added(), done.item_done()), (None, Some(r#"{"id":"msg_1"}"#)));

    let response = r#"{"id":"r","status":"incomplete","incomplete_details":{"reason":"max_output_tokens"},"usage":{"input_tokens":3,"output_tokens":4,"total_tokens":8}}"#;
    let last = parse(&format!(r#"{{"type":"response.incomplete","response":{response}}}"#));
    assert_eq!(last.response(), Some(response));
    assert_eq!(last.response_status(), "incomplete");
    assert_eq!(last.incomplete_reason().as_deref(), Some("max_output_tokens"));
    assert_eq!(
        last.usage().map(|usage| (usage.input_tokens, usage.output_tokens, usage.total_tokens)),
        Some((3, 4, 8))
    );
    assert_eq!(last.output(), None);
    let whole = parse(
        r#"{"type":"response.completed","response":{"output":[{"type":"message","content":[{"type":"output_text","text":"Hi"}]}]}}"#,
    );
    assert_eq!(whole.output().expect("output").text(), "Hi");

    let first = parse(r#"{"type":"response.created","response":{"id":"r"}}"#);
    assert_eq!(first.response(), Some(r#"{"id":"r"}"#));
    let between = parse(r#"{"type":"response.refusal.done","response":{"id":"r"}}"#);
    assert_eq!((between.response(), between.response_id()), (None, Some("r")));

    for (json, status) in [
        (r#"{"type":"response.completed","response":{}}"#, "completed"),
        (r#"{"type":"response.done"}"#, "completed"),
        (r#"{"type":"response.done","response":{"status":"failed"}}"#, "failed"),
        (r#"{"type":"response.failed","response":{"status":7}}"#, "failed"),
        (r#"{"type":"response.incomplete","response":{}}"#, "incomplete"),
        (r#"{"type":"response.completed","response":{"status":"failed"}}"#, "failed"),
        (r#"{"type":"error","message":"no"}"#, "failed"),
        (r#"{"type":"response.created","response":{"status":"in_progress"}}"#, ""),
    ] {
        assert_eq!(parse(json).response_status(), status, "{json}");
    }
}
