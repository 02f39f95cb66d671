//! Which body is sent on which connection.

use std::time::Duration;

use failback_wire::{Request, RequestError};
use serde_json::{Value, json};

fn request(body: &Value) -> Request {
    let Value::Object(body) = body.clone() else { panic!("not an object") };
    Request::new(body).expect("valid")
}

fn value(text: &str) -> Value {
    serde_json::from_str(text).expect("valid JSON")
}

#[test]
fn each_transport_has_its_own_fields() {
    let request = request(&json!({
        "model": "m", "input": "hi", "stream": false, "background": true, "type": "x", "store": false
    }));
    assert_eq!(
        value(&request.sse_body()),
        json!({"model": "m", "input": "hi", "stream": true, "background": true, "store": false})
    );
    assert_eq!(
        value(&request.websocket_frame(None)),
        json!({"type": "response.create", "model": "m", "input": "hi", "store": false})
    );
}

#[test]
fn a_continuation_goes_to_the_connection_that_knows_it_and_nowhere_else() {
    let full = json!({"model": "m", "input": ["a", "b", "c"]});
    let request = request(&full).with_continuation("resp_1", json!(["c"]));
    let continued = json!({
        "type": "response.create", "model": "m", "input": ["c"], "previous_response_id": "resp_1"
    });
    let whole = json!({"type": "response.create", "model": "m", "input": ["a", "b", "c"]});

    assert_eq!(value(&request.websocket_frame(Some("resp_1"))), continued);
    assert_eq!(value(&request.websocket_frame(Some("resp_2"))), whole);
    assert_eq!(value(&request.websocket_frame(None)), whole);
    assert_eq!(value(&request.sse_body()), json!({"model": "m", "input": ["a", "b", "c"], "stream": true}));
    assert!(request.continues(Some("resp_1")) && !request.continues(Some("")) && !request.continues(None));
}

#[test]
fn a_previous_response_of_the_callers_own_is_kept() {
    let request = request(&json!({"input": "hi", "previous_response_id": "mine"}));
    assert_eq!(value(&request.sse_body())["previous_response_id"], "mine");
    assert_eq!(value(&request.websocket_frame(Some("mine")))["previous_response_id"], "mine");
    let request = request.with_continuation("resp_1", json!("hi"));
    assert_eq!(value(&request.sse_body())["previous_response_id"], "mine");
    assert_eq!(value(&request.websocket_frame(None))["previous_response_id"], "mine");
    assert_eq!(value(&request.websocket_frame(Some("resp_1")))["previous_response_id"], "resp_1");
}

#[test]
fn a_continuation_brings_its_input_along() {
    let request = request(&json!({"model": "m"})).with_continuation("r", json!(["new"]));
    assert_eq!(value(&request.websocket_frame(Some("r")))["input"], json!(["new"]));
    assert_eq!(value(&request.websocket_frame(None)).get("input"), None);
}

#[test]
fn json_is_sent_as_it_was_written() {
    let request =
        Request::from_json(r#" { "z": 1.0, "a": 123456789012345678901234567890, "q\"\n": "\u00e9" } "#);
    assert_eq!(
        request.expect("valid").sse_body(),
        r#"{"z":1.0,"a":123456789012345678901234567890,"q\"\n":"\u00e9","stream":true}"#
    );
    assert_eq!(Request::from_json("{}").expect("valid").sse_body(), r#"{"stream":true}"#);
    assert_eq!(
        Request::from_json("{}").expect("valid").websocket_frame(None),
        r#"{"type":"response.create"}"#
    );
}

#[test]
fn text_is_quoted() {
    let body = Request::text("m\"", "line\n\"quoted\" \u{1f600}").sse_body();
    assert_eq!(value(&body), json!({"model": "m\"", "input": "line\n\"quoted\" \u{1f600}", "stream": true}));
}

#[test]
fn what_is_no_body() {
    for text in ["", "null", "[]", "\"x\"", "{", "{\"a\":1} x", "{\"a\":}", "{\"a\":1,\"\\u0061\":2}"] {
        let error = Request::from_json(text).expect_err(text).to_string();
        assert!(error.starts_with("the body of a request must be one JSON object: "), "{error}");
    }
    let deep = format!("{{\"a\":{}{}}}", "[".repeat(100_000), "]".repeat(100_000));
    assert!(Request::from_json(&deep).is_ok(), "the server may judge that");
}

#[test]
fn debug_does_not_show_what_the_caller_says() {
    let request = Request::text("m", "private").with_continuation("r", json!("private"));
    let request = request.with_header("traceparent", "private").expect("a header");
    let shown = concat!(
        r#"Request { keys: ["model", "input"], has_continuation: true, "#,
        r#"headers: ["traceparent"], deadline: None, sse_only: false }"#
    );
    assert_eq!(format!("{request:?}"), shown);
}

#[test]
fn a_deadline_leaves_some_time() {
    let hi = || Request::text("m", "hi");
    assert_eq!(hi().deadline(), None);
    let second = Duration::from_secs(1);
    assert_eq!(hi().with_deadline(second).map(|request| request.deadline()), Ok(Some(second)));
    let error = hi().with_deadline(Duration::ZERO).expect_err("no time");
    assert_eq!(error, RequestError::ZeroDeadline);
    assert!(error.to_string().starts_with("the deadline is zero"), "{error}");
}

#[test]
fn what_only_a_websocket_knows_is_left_out_over_sse() {
    let warm_up = request(&json!({"model": "m", "generate": false, "stream_id": "s"}));
    assert_eq!(value(&warm_up.sse_body()), json!({"model": "m", "stream": true}));
    let frame = value(&warm_up.websocket_frame(None));
    assert_eq!((&frame["generate"], &frame["stream_id"]), (&json!(false), &json!("s")));
    assert!(!warm_up.generates());
    for body in [json!({}), json!({"generate": true}), json!({"generate": null})] {
        assert!(request(&body).generates(), "{body}");
    }
}

#[test]
fn which_requests_name_a_response_themselves() {
    let own = request(&json!({"input": "hi", "previous_response_id": "mine"}));
    assert!(own.names_response(None) && own.names_response(Some("mine")));
    let own = own.with_continuation("resp_1", json!("hi"));
    assert!(own.names_response(None) && !own.names_response(Some("resp_1")));
    for body in [json!({"input": "hi"}), json!({"previous_response_id": null})] {
        assert!(!request(&body).names_response(None), "{body}");
    }
}

#[test]
fn a_frame_is_as_long_as_is_said() {
    let requests = [
        Request::text("m", "quoted \"\u{e9}\u{1f600}\n"),
        Request::from_json("{}").unwrap(),
        Request::from_json(r#"{"stream":true,"type":"x","background":true,"a\"b":[1, 2]}"#).unwrap(),
        Request::from_json(r#"{"model":"m","previous_response_id":"r0"}"#).unwrap(),
    ];
    for request in requests {
        let continued = request.clone().with_continuation("r1", serde_json::json!(["more"]));
        for request in [request, continued] {
            for last in [None, Some("r1"), Some("r2")] {
                assert_eq!(request.websocket_frame_len(last), request.websocket_frame(last).len());
            }
        }
    }
}
