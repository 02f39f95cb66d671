//! Streams that break, or that are dropped, on either transport.

use std::time::Duration;

use failback::Transport::{self, Sse, WebSocket};
use failback_peer::{Gate, Handshake, Peer, Turn};
use failback_tests::Adapter;

use crate::alike;
use crate::scene::{Scene, Seen, once, sse_only};

alike!(
    a_websocket_that_ends_before_any_event,
    a_websocket_that_ends_after_two_events,
    a_websocket_that_is_reset,
    a_websocket_that_always_ends_before_any_event,
    an_idle_websocket_that_was_reset,
    an_idle_websocket_that_was_closed,
    sse_that_ends_after_two_events,
    sse_that_is_reset,
    websockets_that_break_after_output,
    websockets_over_tls_that_break_after_output,
    sse_that_breaks_after_output,
    sse_over_tls_that_breaks_after_output,
    sse_over_tls_that_is_reset_after_output,
    turns_dropped_before_they_are_answered,
    turns_dropped_in_mid_stream,
);

fn a_websocket_that_ends_before_any_event(adapter: &dyn Adapter) -> Seen {
    once(adapter, WebSocket, Turn::drop_after(0))
}

fn a_websocket_that_ends_after_two_events(adapter: &dyn Adapter) -> Seen {
    once(adapter, WebSocket, Turn::drop_after(2))
}

fn a_websocket_that_is_reset(adapter: &dyn Adapter) -> Seen {
    once(adapter, WebSocket, Turn::reset_after(0))
}

fn a_websocket_that_always_ends_before_any_event(adapter: &dyn Adapter) -> Seen {
    let peer = Peer::start();
    peer.set_turn(WebSocket, Turn::drop_after(0));
    let mut scene = Scene::new(adapter, peer);
    scene.hello();
    scene.hello();
    scene.end()
}

fn an_idle_websocket_that_was_reset(adapter: &dyn Adapter) -> Seen {
    ended_between_turns(adapter, Peer::drop_connections)
}

fn an_idle_websocket_that_was_closed(adapter: &dyn Adapter) -> Seen {
    ended_between_turns(adapter, |peer| peer.close_connections(1001))
}

fn ended_between_turns(adapter: &dyn Adapter, end: fn(&Peer)) -> Seen {
    let mut scene = Scene::new(adapter, Peer::start());
    scene.hello();
    end(&scene.peer);
    scene.peer.wait_for_blocking("the socket to end", |journal| journal.open_connections() == 0);
    scene.hello();
    scene.end()
}

fn sse_that_ends_after_two_events(adapter: &dyn Adapter) -> Seen {
    once(adapter, Sse, Turn::drop_after(2))
}

fn sse_that_is_reset(adapter: &dyn Adapter) -> Seen {
    once(adapter, Sse, Turn::reset_after(0))
}

/// How a turn goes on that has begun.
type Way = fn(Turn) -> Turn;

/// Turns that break once the caller has output, each in one of these ways.
fn broken(mut scene: Scene, transport: Transport, ways: &[Way]) -> Seen {
    for then_break in ways {
        let gate = Gate::new();
        scene.peer.push_turn(transport, then_break(Turn::after(5).then_gate(&gate)));
        scene.hello_in_two(5, &gate);
        scene.client.handle_network_change();
    }
    scene.end()
}

const WAYS: [Way; 4] = [
    Turn::then_drop,
    |turn| turn.then_close(1011, "keepalive ping timeout"),
    |turn| turn.then_payload("data: what is this?\n\n"),
    Turn::then_reset,
];

fn websockets_that_break_after_output(adapter: &dyn Adapter) -> Seen {
    let ways: [Way; 2] = [
        |turn| turn.then_binary(b"bytes".to_vec()),
        // The first bits of a frame are reserved.
        |turn| turn.then_raw(vec![0xff; 16]),
    ];
    broken(Scene::new(adapter, Peer::start()), WebSocket, &[&WAYS[..], &ways].concat())
}

fn websockets_over_tls_that_break_after_output(adapter: &dyn Adapter) -> Seen {
    broken(Scene::new(adapter, Peer::builder().tls().start()), WebSocket, &WAYS)
}

fn sse_that_breaks_after_output(adapter: &dyn Adapter) -> Seen {
    let ways: [Way; 1] = [|turn| turn.then_raw("this is no chunk\r\n")];
    broken(Scene::new(adapter, sse_only()), Sse, &[&WAYS[..], &ways].concat())
}

fn sse_over_tls_that_breaks_after_output(adapter: &dyn Adapter) -> Seen {
    broken(Scene::new(adapter, sse_over_tls()), Sse, &WAYS[..3])
}

fn sse_over_tls_that_is_reset_after_output(adapter: &dyn Adapter) -> Seen {
    broken(Scene::new(adapter, sse_over_tls()), Sse, &WAYS[3..])
}

fn sse_over_tls() -> Peer {
    let peer = Peer::builder().tls().start();
    peer.set_handshake(Handshake::status(403));
    peer
}

fn turns_dropped_before_they_are_answered(adapter: &dyn Adapter) -> Seen {
    dropped(adapter, |scene, transport| {
        scene.peer.push_turn(transport, Turn::no_headers());
        let before = scene.peer.journal().requests(transport);
        scene.drop_when(|peer| peer.journal().requests(transport) > before);
    })
}

fn turns_dropped_in_mid_stream(adapter: &dyn Adapter) -> Seen {
    dropped(adapter, |scene, transport| {
        scene.peer.push_turn(transport, Turn::mute_after(6));
        scene.drop_after(6);
    })
}

/// A turn that is dropped like this, and a whole one, on either transport.
fn dropped(adapter: &dyn Adapter, drop: impl Fn(&mut Scene, Transport)) -> Seen {
    let mut scene = Scene::new(adapter, Peer::start());
    drop(&mut scene, WebSocket);
    scene.hello();
    // An hour makes the socket too old for the next turn.
    scene.peer.set_handshake(Handshake::status(403));
    scene.client.advance(Duration::from_secs(60 * 60));
    scene.hello();
    drop(&mut scene, Sse);
    scene.hello();
    scene.end()
}
