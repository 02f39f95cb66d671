//! A request that only warms a connection up: its fields do not exist over SSE, and that it completes proves
//! nothing of what WebSocket can carry (R6).

use failback::{Config, Mode, Transport};
use failback_peer::Turn;
use failback_tests::{Adapter, Settings, collect};
use failback_wire::Request;
use serde_json::Value;

use crate::common::{expect_echo, peer_on, turn};

with_every_adapter!(
    fields_of_websocket_are_not_posted,
    a_warm_up_forgives_nothing,
    what_was_warmed_up_can_be_continued,
);

fn warm_up() -> Request {
    Request::from_json(r#"{"model":"m","input":"hello","generate":false,"stream_id":"s"}"#).expect("a body")
}

fn fields_of_websocket_are_not_posted(adapter: &dyn Adapter) {
    let peer = peer_on(Transport::Sse);
    let client = adapter.client(Settings::new(&peer));
    expect_echo(&collect(client.stream(warm_up())), &peer, Transport::Sse, 1);
    let journal = peer.journal();
    let body = journal.request_bodies(Transport::Sse)[0];
    assert_eq!((&body["generate"], &body["stream_id"]), (&Value::Null, &Value::Null), "{journal}");
}

fn a_warm_up_forgives_nothing(adapter: &dyn Adapter) {
    let peer = peer_on(Transport::WebSocket);
    let config = Config::new().with_stream_max_retries(1);
    let client = adapter.client(Settings::new(&peer).config(config));
    // Each real turn breaks once. Warm-ups in between complete.
    peer.push_turn(Transport::WebSocket, Turn::reset_after(0));
    let outcome = collect(client.stream(warm_up()));
    assert!(outcome.error.is_none(), "{outcome:?}");
    assert_eq!(outcome.events().last().map(|event| event.kind()), Some("response.completed"));
    assert_eq!(client.policy().mode(), Mode::Preferred);
    // The failure before it still counts, so one more is one too many.
    peer.push_turn(Transport::WebSocket, Turn::reset_after(2));
    expect_echo(&turn(&*client), &peer, Transport::Sse, 1);
    assert!(matches!(client.policy().mode(), Mode::FailedOver { .. }), "{:?}", client.policy());
}

fn what_was_warmed_up_can_be_continued(adapter: &dyn Adapter) {
    let peer = peer_on(Transport::WebSocket);
    let client = adapter.client(Settings::new(&peer));
    let outcome = collect(client.stream(warm_up()));
    let id = outcome.events().last().and_then(|event| event.response_id()).expect("an id").to_owned();
    let request = Request::text("m", "hello").with_continuation(id.as_str(), "hello".into());
    let outcome = collect(client.stream(request));
    expect_echo(&outcome, &peer, Transport::WebSocket, 2);
    let journal = peer.journal();
    let body = journal.request_bodies(Transport::WebSocket)[1];
    assert_eq!(body["previous_response_id"], id, "{journal}");
}
