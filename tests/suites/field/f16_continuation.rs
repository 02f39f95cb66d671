//! `previous_response_not_found` after a reconnect or a switch, because the id was sent to a connection that
//! had never heard of it.

use std::time::Duration;

use failback::{Config, Mode, Transport};
use failback_peer::{Handshake, Journal, Peer, Turn};
use failback_tests::{Adapter, Outcome, Settings, TestClient, collect};
use failback_wire::Request;
use serde_json::{Value, json};

with_every_adapter!(
    a_continuation_goes_out_on_the_socket_that_completed_its_id,
    an_older_id_gets_the_full_input,
    a_new_socket_gets_the_full_input,
    a_dead_socket_is_replaced_by_one_that_gets_the_full_input,
    a_socket_that_dies_on_the_continuation_is_replaced_at_once,
    sse_gets_the_full_input_and_so_does_the_way_back,
    a_restarted_attempt_gets_the_full_input,
    not_found_is_answered_with_the_full_input_at_once_and_uncounted,
);

const FULL: [&str; 2] = ["one", "two"];

/// The second request of a conversation, that may continue this response.
fn second(previous: &str) -> Request {
    let item = |text: &str| json!({ "role": "user", "content": text });
    let body = json!({ "model": "m", "input": FULL.map(item) });
    let request = Request::from_json(&body.to_string()).expect("a body");
    request.with_continuation(previous, json!([item("two")]))
}

fn first(client: &dyn TestClient) -> String {
    let outcome = collect(client.stream(Request::text("m", "one")));
    assert!(outcome.is_complete(), "{outcome:?}");
    id(&outcome)
}

fn id(outcome: &Outcome) -> String {
    let events = outcome.events();
    events.last().and_then(|event| event.response_id()).expect("an id").to_owned()
}

fn expect_second(outcome: &Outcome) {
    assert!(outcome.is_complete(), "{outcome:?}");
    assert_eq!(outcome.text(), "echo: two");
}

/// What a request is expected to say.
#[derive(Debug, PartialEq)]
enum Said {
    First,
    Full,
    Continued(String),
    Other(Value),
}

fn said(journal: &Journal) -> Vec<(Transport, u64, Said)> {
    let (mut websocket, mut sse) = (
        journal.request_bodies(Transport::WebSocket).into_iter(),
        journal.request_bodies(Transport::Sse).into_iter(),
    );
    let bodies =
        journal.transports().into_iter().zip(journal.request_connections()).map(|(transport, conn)| {
            let body = match transport {
                Transport::WebSocket => websocket.next(),
                Transport::Sse => sse.next(),
            };
            (transport, conn, understand(body.expect("a body")))
        });
    bodies.collect()
}

fn understand(body: &Value) -> Said {
    if body["input"] == "one" && body["previous_response_id"].is_null() {
        return Said::First;
    }
    let items = body["input"].as_array().map(Vec::as_slice).unwrap_or_default();
    let texts: Vec<_> = items.iter().filter_map(|item| item["content"].as_str()).collect();
    match (body["previous_response_id"].as_str(), &*texts) {
        (None, texts) if *texts == FULL => Said::Full,
        (Some(id), ["two"]) => Said::Continued(id.to_owned()),
        _ => Said::Other(body.clone()),
    }
}

use Transport::{Sse, WebSocket};

fn a_continuation_goes_out_on_the_socket_that_completed_its_id(adapter: &dyn Adapter) {
    let peer = Peer::start();
    let client = adapter.client(Settings::new(&peer));
    let one = first(&*client);
    let outcome = collect(client.stream(second(&one)));
    expect_second(&outcome);
    let two = id(&outcome);
    expect_second(&collect(client.stream(second(&two))));

    let journal = peer.journal();
    let continued = |id: &str| (WebSocket, 1, Said::Continued(id.to_owned()));
    assert_eq!(said(&journal), [(WebSocket, 1, Said::First), continued(&one), continued(&two)], "{journal}");
    assert_eq!(journal.handshakes(), 1, "{journal}");
    assert!(journal.bad_requests().is_empty(), "{journal}");
}

fn an_older_id_gets_the_full_input(adapter: &dyn Adapter) {
    let peer = Peer::start();
    let client = adapter.client(Settings::new(&peer));
    let one = first(&*client);
    first(&*client);
    expect_second(&collect(client.stream(second(&one))));

    let journal = peer.journal();
    let first = || (WebSocket, 1, Said::First);
    assert_eq!(said(&journal), [first(), first(), (WebSocket, 1, Said::Full)], "{journal}");
    assert!(journal.bad_requests().is_empty(), "{journal}");
}

fn a_new_socket_gets_the_full_input(adapter: &dyn Adapter) {
    let peer = Peer::start();
    let client = adapter.client(Settings::new(&peer));
    let one = first(&*client);
    client.advance(Duration::from_secs(56 * 60));
    expect_second(&collect(client.stream(second(&one))));

    let journal = peer.journal();
    assert_eq!(said(&journal), [(WebSocket, 1, Said::First), (WebSocket, 2, Said::Full)], "{journal}");
    assert!(journal.bad_requests().is_empty(), "{journal}");
}

fn a_dead_socket_is_replaced_by_one_that_gets_the_full_input(adapter: &dyn Adapter) {
    let peer = Peer::start();
    let client = adapter.client(Settings::new(&peer));
    let one = first(&*client);
    peer.drop_connections();
    peer.wait_for_blocking("the socket to be gone", |journal| journal.open_connections() == 0);
    let outcome = collect(client.stream(second(&one)));
    expect_second(&outcome);
    assert!(outcome.notices().is_empty(), "{outcome:?}");

    let journal = peer.journal();
    assert_eq!(said(&journal), [(WebSocket, 1, Said::First), (WebSocket, 2, Said::Full)], "{journal}");
    assert!(journal.bad_requests().is_empty(), "{journal}");
    assert_eq!(client.policy().mode(), Mode::Preferred);
}

fn a_socket_that_dies_on_the_continuation_is_replaced_at_once(adapter: &dyn Adapter) {
    let peer = Peer::start();
    peer.push_turn(WebSocket, Turn::complete());
    peer.push_turn(WebSocket, Turn::drop_after(0));
    // No retry is allowed that counts, and none that costs a token.
    let config = Config::new().with_stream_max_retries(0).with_retry_budget(Some(0));
    let client = adapter.client(Settings::new(&peer).config(config));
    let one = first(&*client);
    let outcome = collect(client.stream(second(&one)));
    expect_second(&outcome);
    assert!(outcome.is_quiet(), "{outcome:?}");

    let journal = peer.journal();
    let expected =
        [(WebSocket, 1, Said::First), (WebSocket, 1, Said::Continued(one)), (WebSocket, 2, Said::Full)];
    assert_eq!(said(&journal), expected, "{journal}");
    assert_eq!(client.policy().mode(), Mode::Preferred);
}

fn sse_gets_the_full_input_and_so_does_the_way_back(adapter: &dyn Adapter) {
    let peer = Peer::start();
    let client = adapter.client(Settings::new(&peer));
    let one = first(&*client);
    // The socket will not do for the next turn, nor WebSocket for a while.
    client.advance(Duration::from_secs(56 * 60));
    peer.push_handshake(Handshake::status(403));
    let outcome = collect(client.stream(second(&one)));
    expect_second(&outcome);
    assert_eq!(outcome.moves(), [Sse]);
    let two = id(&outcome);

    client.advance(Duration::from_secs(90));
    let outcome = collect(client.stream(second(&two)));
    expect_second(&outcome);
    assert_eq!(outcome.moves(), [WebSocket]);

    let journal = peer.journal();
    let expected = [(WebSocket, 1, Said::First), (Sse, 3, Said::Full), (WebSocket, 4, Said::Full)];
    assert_eq!(said(&journal), expected, "{journal}");
    assert!(journal.bad_requests().is_empty(), "{journal}");
    assert_eq!(journal.request_bodies(Sse)[0]["stream"], true);
}

fn a_restarted_attempt_gets_the_full_input(adapter: &dyn Adapter) {
    let peer = Peer::start();
    peer.push_turn(WebSocket, Turn::complete());
    peer.push_turn(WebSocket, Turn::drop_after(2));
    let client = adapter.client(Settings::new(&peer));
    let one = first(&*client);
    let outcome = collect(client.stream(second(&one)));
    expect_second(&outcome);
    assert_eq!(outcome.restarts(), [2]);

    let journal = peer.journal();
    let expected =
        [(WebSocket, 1, Said::First), (WebSocket, 1, Said::Continued(one)), (WebSocket, 2, Said::Full)];
    assert_eq!(said(&journal), expected, "{journal}");
    assert!(journal.bad_requests().is_empty(), "{journal}");
}

fn not_found_is_answered_with_the_full_input_at_once_and_uncounted(adapter: &dyn Adapter) {
    let peer = Peer::start();
    peer.push_turn(WebSocket, Turn::complete());
    peer.push_turn(
        WebSocket,
        Turn::error(400, "previous_response_not_found", "Previous response not found."),
    );
    // No retry is allowed that counts, and none that costs a token.
    let config = Config::new().with_stream_max_retries(0).with_retry_budget(Some(0));
    let client = adapter.client(Settings::new(&peer).config(config));
    let one = first(&*client);
    let outcome = collect(client.stream(second(&one)));
    expect_second(&outcome);
    assert!(outcome.is_quiet(), "{outcome:?}");

    let journal = peer.journal();
    // An error ends the response, not the connection.
    let expected =
        [(WebSocket, 1, Said::First), (WebSocket, 1, Said::Continued(one)), (WebSocket, 1, Said::Full)];
    assert_eq!(said(&journal), expected, "{journal}");
    assert_eq!(client.policy().mode(), Mode::Preferred);
}
