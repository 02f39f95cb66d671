//! A WebSocket that no turn uses is not read: the heartbeats of the server go unanswered, it closes the
//! socket, and each turn after a pause makes a handshake and starts from the full input.

use std::time::Duration;

use failback::{Mode, Transport};
use failback_peer::{Between, Peer, Turn, What};
use failback_tests::{Adapter, Outcome, Settings, TestClient, collect, until};
use failback_wire::{Limits, Request};
use serde_json::{Value, json};

with_every_adapter!(
    heartbeats_are_answered_between_turns,
    a_close_is_noticed_and_answered_when_it_comes,
    the_end_of_a_socket_is_noticed_when_it_comes,
    what_nobody_asked_for_ends_an_idle_socket,
    an_idle_socket_is_closed_when_its_time_is_over,
    a_turn_right_after_a_turn_takes_the_socket,
);

fn complete(client: &dyn TestClient, request: Request) -> Outcome {
    let outcome = collect(client.stream(request));
    assert!(outcome.is_complete() && outcome.notices().is_empty(), "{outcome:?}");
    outcome
}

fn id(outcome: &Outcome) -> String {
    outcome.events().last().and_then(|event| event.response_id()).expect("an id").to_owned()
}

fn heartbeats_are_answered_between_turns(adapter: &dyn Adapter) {
    for peer in [Peer::start(), Peer::builder().tls().start()] {
        turns_with_pauses(adapter, &peer);
    }
}

fn turns_with_pauses(adapter: &dyn Adapter, peer: &Peer) {
    // 20 s each, a thousand times faster; with more time to answer, for a machine that is busy.
    let (every, limit) = (Duration::from_millis(20), Duration::from_secs(5));
    peer.set_between(Between::Heartbeat { every, limit });
    let client = adapter.client(Settings::new(peer));

    let mut previous = id(&complete(&*client, Request::text("m", "one")));
    for turn in 1..=3 {
        // 60 s.
        let pongs = |what: &What| matches!(what, What::Pong);
        peer.wait_for_blocking("answers to heartbeats", |journal| journal.count(pongs) >= 3 * turn);
        client.advance(Duration::from_secs(60));

        let body = json!({ "model": "m", "input": [{ "role": "user", "content": "all of it" }] });
        let request = Request::from_json(&body.to_string()).expect("a body");
        let new = json!([{ "role": "user", "content": "what is new" }]);
        let outcome = complete(&*client, request.with_continuation(&previous, new));
        let journal = peer.journal();
        let bodies = journal.request_bodies(Transport::WebSocket);
        assert_eq!(bodies[turn]["previous_response_id"], Value::from(previous), "{journal}");
        assert_eq!(outcome.text(), "echo: what is new");
        previous = id(&outcome);
    }
    let journal = peer.journal();
    assert_eq!((journal.handshakes(), journal.request_connections()), (1, vec![1; 4]), "{journal}");
    assert!(journal.bad_requests().is_empty(), "{journal}");
}

fn a_close_is_noticed_and_answered_when_it_comes(adapter: &dyn Adapter) {
    for code in [1000, 1001, 1011] {
        let peer = Peer::start();
        let client = adapter.client(Settings::new(&peer));
        complete(&*client, Request::text("m", "one"));
        peer.close_connections(code);
        // No turn looks at it.
        peer.wait_for_blocking("the socket to end", |journal| journal.open_connections() == 0);
        until("its task to end", || client.background_tasks() == 0);
        let answer = What::CloseReceived { code };
        assert!(peer.journal().any(|what| *what == answer), "{}", peer.journal());
        complete(&*client, Request::text("m", "two"));
        assert_eq!(peer.journal().request_connections(), [1, 2], "{}", peer.journal());
        assert_eq!(client.policy().mode(), Mode::Preferred);
    }
}

fn the_end_of_a_socket_is_noticed_when_it_comes(adapter: &dyn Adapter) {
    let peer = Peer::start();
    let client = adapter.client(Settings::new(&peer));
    complete(&*client, Request::text("m", "one"));
    peer.drop_connections();
    until("its task to end", || client.background_tasks() == 0);
    complete(&*client, Request::text("m", "two"));
    assert_eq!(peer.journal().request_connections(), [1, 2], "{}", peer.journal());
}

fn what_nobody_asked_for_ends_an_idle_socket(adapter: &dyn Adapter) {
    let peer = Peer::start();
    let late = json!({ "type": "response.output_text.delta", "delta": "late", "sequence_number": 99 });
    let turn = Turn::complete().with_late_event(late, Duration::from_millis(5));
    peer.push_turn(Transport::WebSocket, turn);
    let client = adapter.client(Settings::new(&peer));
    complete(&*client, Request::text("m", "one"));
    until("the task of the socket to end", || client.background_tasks() == 0);
    peer.wait_for_blocking("the socket to end", |journal| journal.open_connections() == 0);
    complete(&*client, Request::text("m", "two"));
    assert_eq!(peer.journal().request_connections(), [1, 2], "{}", peer.journal());
}

fn an_idle_socket_is_closed_when_its_time_is_over(adapter: &dyn Adapter) {
    let peer = Peer::start();
    // 55 min by default.
    let limits = Limits::new().with_websocket_lifetime(Duration::from_millis(300));
    let client = adapter.client(Settings::new(&peer).limits(limits));
    complete(&*client, Request::text("m", "one"));
    let closed = |what: &What| *what == What::CloseReceived { code: 1000 };
    peer.wait_for_blocking("a Close frame", |journal| journal.any(closed));
    peer.wait_for_blocking("the socket to end", |journal| journal.open_connections() == 0);
    until("its task to end", || client.background_tasks() == 0);
}

fn a_turn_right_after_a_turn_takes_the_socket(adapter: &dyn Adapter) {
    const TURNS: usize = 200;
    let peer = Peer::start();
    let client = adapter.client(Settings::new(&peer));
    for _ in 0..TURNS {
        complete(&*client, Request::text("m", "hello"));
    }
    assert_eq!(peer.journal().request_connections(), [1; TURNS], "{}", peer.journal());
    until("all tasks but one to end", || client.background_tasks() == 1);
}
