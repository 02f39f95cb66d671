//! Turns over a WebSocket that works, and one that is left for this turn alone.

use std::time::Duration;

use failback_peer::{Peer, Turn};
use failback_tests::{Adapter, TestClient, collect, read};
use failback_wire::Request;
use serde_json::json;

use failback::Transport::WebSocket;

use crate::alike;
use crate::scene::{Scene, Seen, hello};

alike!(
    a_complete_turn,
    three_turns_on_one_socket_with_continuations,
    an_incomplete_response,
    a_failed_response,
    a_warm_up_and_a_turn_that_continues_it,
    a_request_that_is_too_large,
    an_answer_that_is_too_large,
    a_request_error_in_the_words_of_the_api,
    the_limit_of_an_hour,
    a_socket_that_is_too_old,
    a_network_change_between_turns,
    idle_connections_that_are_closed,
    two_turns_at_once,
);

fn a_complete_turn(adapter: &dyn Adapter) -> Seen {
    let mut scene = Scene::new(adapter, Peer::start());
    scene.hello();
    scene.end()
}

fn three_turns_on_one_socket_with_continuations(adapter: &dyn Adapter) -> Seen {
    let mut scene = Scene::new(adapter, Peer::start());
    let mut outcome = scene.hello();
    for word in ["two", "three"] {
        let id = outcome.events().last().and_then(|event| event.response_id()).expect("an id").to_owned();
        let request = Request::text("m", &format!("all of it, {word}"));
        outcome = scene.turn(request.with_continuation(id, json!(word)));
        assert_eq!(outcome.text(), format!("echo: {word}"));
    }
    assert_eq!(scene.peer.journal().request_connections(), [1; 3]);
    scene.end()
}

fn an_incomplete_response(adapter: &dyn Adapter) -> Seen {
    let mut scene = Scene::new(adapter, Peer::start());
    scene.peer.push_turn(WebSocket, Turn::incomplete());
    scene.hello();
    scene.hello();
    scene.end()
}

fn a_failed_response(adapter: &dyn Adapter) -> Seen {
    let mut scene = Scene::new(adapter, Peer::start());
    scene.peer.push_turn(WebSocket, Turn::failed("invalid_prompt"));
    scene.hello();
    scene.hello();
    scene.end()
}

fn a_warm_up_and_a_turn_that_continues_it(adapter: &dyn Adapter) -> Seen {
    let mut scene = Scene::new(adapter, Peer::start());
    let warm_up = r#"{"model":"m","input":"hello","generate":false}"#;
    let outcome = scene.turn(Request::from_json(warm_up).expect("a body"));
    let id = outcome.events().last().and_then(|event| event.response_id()).expect("an id").to_owned();
    scene.turn(Request::text("m", "hello").with_continuation(id, json!("go on")));
    scene.end()
}

fn a_request_that_is_too_large(adapter: &dyn Adapter) -> Seen {
    let mut scene = Scene::new(adapter, Peer::start());
    scene.peer.max_ws_message(1024);
    scene.turn(Request::text("m", &"large ".repeat(500)));
    scene.hello();
    scene.end()
}

fn an_answer_that_is_too_large(adapter: &dyn Adapter) -> Seen {
    let mut scene = Scene::new(adapter, Peer::start());
    scene.peer.push_turn(WebSocket, Turn::close_after(2, 1009));
    scene.hello();
    scene.hello();
    scene.end()
}

fn a_request_error_in_the_words_of_the_api(adapter: &dyn Adapter) -> Seen {
    let mut scene = Scene::new(adapter, Peer::start());
    scene.peer.push_turn(WebSocket, Turn::error(400, "invalid_value", "No such model: m."));
    scene.hello();
    scene.hello();
    scene.end()
}

fn the_limit_of_an_hour(adapter: &dyn Adapter) -> Seen {
    let mut scene = Scene::new(adapter, Peer::start());
    scene.peer.push_turn(WebSocket, Turn::connection_limit_after(2));
    scene.hello();
    scene.hello();
    scene.end()
}

/// Two turns, and this in between.
fn between(adapter: &dyn Adapter, act: fn(&dyn TestClient)) -> Seen {
    let mut scene = Scene::new(adapter, Peer::start());
    scene.hello();
    act(&*scene.client);
    scene.hello();
    scene.end()
}

fn a_socket_that_is_too_old(adapter: &dyn Adapter) -> Seen {
    between(adapter, |client| client.advance(Duration::from_secs(56 * 60)))
}

fn a_network_change_between_turns(adapter: &dyn Adapter) -> Seen {
    between(adapter, |client| client.handle_network_change())
}

fn idle_connections_that_are_closed(adapter: &dyn Adapter) -> Seen {
    between(adapter, |client| client.close_idle())
}

fn two_turns_at_once(adapter: &dyn Adapter) -> Seen {
    let mut scene = Scene::new(adapter, Peer::start());
    let mut first = scene.client.stream(hello());
    let begun = read(&mut *first, 1);
    scene.note(&collect(scene.client.stream(hello())));
    scene.note(&begun.then(collect(first)));
    scene.end()
}
