//! A connection lives 60 minutes at most: the limit ends a turn in the middle, or eats the retry budget.

use std::time::Duration;

use failback::{Blame, GiveUp, Replay, Transport};
use failback_peer::{Peer, Turn};
use failback_tests::{Adapter, Settings, collect, strict};
use failback_wire::Request;
use serde_json::{Value, json};

use super::assert_nothing_is_held_against_websocket;

with_every_adapter!(
    the_limit_reconnects_at_once_uncounted_with_the_full_input,
    the_limit_in_mid_stream_takes_lifecycle_events_back,
    the_limit_after_output_ends_the_turn_unless_it_may_restart,
    the_limit_in_every_turn_is_never_held_against_websocket,
    a_socket_is_retired_at_55_minutes,
    a_socket_of_54_minutes_is_reused,
);

fn the_limit_reconnects_at_once_uncounted_with_the_full_input(adapter: &dyn Adapter) {
    let peer = Peer::start();
    let client = adapter.client(Settings::new(&peer).config(strict()));
    let first = collect(client.stream(Request::text("m", "one")));
    assert!(first.is_complete(), "{first:?}");

    peer.push_turn(Transport::WebSocket, Turn::connection_limit_after(0));
    let full = json!([
        { "role": "user", "content": "one" },
        { "role": "assistant", "content": "echo: one" },
        { "role": "user", "content": "two" },
    ]);
    let new = json!([{ "role": "user", "content": "two" }]);
    let request = Request::from_json(&json!({ "model": "m", "input": full }).to_string());
    let request = request.expect("a body").with_continuation("resp_1", new.clone());
    let second = collect(client.stream(request));
    assert!(second.is_complete(), "{second:?}");
    assert_eq!(second.text(), "echo: two");
    assert!(second.restarts().is_empty() && second.notices().is_empty(), "{second:?}");
    assert_nothing_is_held_against_websocket(&*client);

    let journal = peer.journal();
    assert_eq!(journal.transports(), [Transport::WebSocket; 3], "{journal}");
    assert_eq!(journal.request_connections(), [1, 1, 2], "{journal}");
    let bodies = journal.request_bodies(Transport::WebSocket);
    assert_eq!(bodies[1]["previous_response_id"], "resp_1", "{journal}");
    assert_eq!(bodies[1]["input"], new, "{journal}");
    assert_eq!(bodies[2]["previous_response_id"], Value::Null, "{journal}");
    assert_eq!(bodies[2]["input"], full, "{journal}");
    assert_eq!(bodies[2]["model"], "m", "{journal}");
}

fn the_limit_in_mid_stream_takes_lifecycle_events_back(adapter: &dyn Adapter) {
    let peer = Peer::start();
    peer.push_turn(Transport::WebSocket, Turn::connection_limit_after(2));
    let client = adapter.client(Settings::new(&peer).config(strict()));

    let outcome = collect(client.stream(Request::text("m", "hello world")));
    assert!(outcome.is_complete(), "{outcome:?}");
    assert_eq!(outcome.text(), "echo: hello world");
    assert_eq!(outcome.restarts(), [2]);
    assert!(outcome.notices().is_empty(), "{outcome:?}");
    assert_nothing_is_held_against_websocket(&*client);

    let journal = peer.journal();
    assert_eq!(journal.transports(), [Transport::WebSocket; 2], "{journal}");
    assert_eq!(journal.request_connections(), [1, 2], "{journal}");
}

fn the_limit_after_output_ends_the_turn_unless_it_may_restart(adapter: &dyn Adapter) {
    for replay in [Replay::BeforeOutput, Replay::Restart] {
        let peer = Peer::start();
        peer.push_turn(Transport::WebSocket, Turn::connection_limit_after(5));
        let client = adapter.client(Settings::new(&peer).config(strict().with_replay(replay)));

        let outcome = collect(client.stream(Request::text("m", "hello world")));
        assert!(outcome.notices().is_empty(), "{outcome:?}");
        let requests = if replay == Replay::Restart {
            assert!(outcome.is_complete(), "{outcome:?}");
            assert_eq!(outcome.text(), "echo: hello world");
            assert_eq!(outcome.restarts(), [5]);
            2
        } else {
            assert_eq!(outcome.items.len(), 5, "{outcome:?}");
            assert_eq!(outcome.text(), "echo: ");
            let error = outcome.error.expect("the turn cannot go on");
            assert_eq!(error.give_up(), GiveUp::Committed, "{error}");
            let [attempt] = error.attempts() else { panic!("one attempt: {error}") };
            assert_eq!(attempt.blame(), Some(Blame::Connection));
            assert!(attempt.text().contains("60 minutes"), "{error}");
            1
        };
        assert_nothing_is_held_against_websocket(&*client);
        let journal = peer.journal();
        assert_eq!(journal.transports(), vec![Transport::WebSocket; requests], "{journal}");
        assert_eq!(journal.handshakes(), requests, "{journal}");
    }
}

fn the_limit_in_every_turn_is_never_held_against_websocket(adapter: &dyn Adapter) {
    const TURNS: usize = 20;
    let peer = Peer::start();
    let client = adapter.client(Settings::new(&peer));

    for turn in 0..TURNS {
        peer.push_turn(Transport::WebSocket, Turn::connection_limit_after(turn % 3));
        let outcome = collect(client.stream(Request::text("m", "hello world")));
        assert!(outcome.is_complete() && outcome.notices().is_empty(), "{outcome:?}");
        assert_eq!(outcome.text(), "echo: hello world");
        assert_nothing_is_held_against_websocket(&*client);
    }

    let journal = peer.journal();
    assert_eq!(journal.transports(), [Transport::WebSocket; 2 * TURNS], "{journal}");
    assert_eq!(journal.handshakes(), TURNS + 1, "{journal}");
}

fn a_socket_is_retired_at_55_minutes(adapter: &dyn Adapter) {
    let peer = Peer::start();
    let client = adapter.client(Settings::new(&peer).config(strict()));
    let first = collect(client.stream(Request::text("m", "one")));
    assert!(first.is_complete(), "{first:?}");

    client.advance(Duration::from_secs(55 * 60));
    let second = collect(client.stream(Request::text("m", "two")));
    assert!(second.is_complete() && second.notices().is_empty(), "{second:?}");
    assert_eq!(second.text(), "echo: two");
    peer.wait_for_blocking("the old connection to be closed", |journal| journal.open_connections() == 1);

    let third = collect(client.stream(Request::text("m", "three")));
    assert!(third.is_complete(), "{third:?}");
    let journal = peer.journal();
    assert_eq!(journal.transports(), [Transport::WebSocket; 3], "{journal}");
    assert_eq!(journal.request_connections(), [1, 2, 2], "{journal}");
    assert_nothing_is_held_against_websocket(&*client);
}

fn a_socket_of_54_minutes_is_reused(adapter: &dyn Adapter) {
    let peer = Peer::start();
    let client = adapter.client(Settings::new(&peer));
    for _ in 0..2 {
        let turn = collect(client.stream(Request::text("m", "hello world")));
        assert!(turn.is_complete(), "{turn:?}");
        client.advance(Duration::from_secs(54 * 60));
    }
    let journal = peer.journal();
    assert_eq!(journal.request_connections(), [1, 1], "{journal}");
    assert_eq!(journal.handshakes(), 1, "{journal}");
}
