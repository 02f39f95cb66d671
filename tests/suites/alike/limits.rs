//! What takes too long, or is too large.

use std::time::Duration;

use failback::Transport::{self, Sse, WebSocket};
use failback_peer::{Handshake, Peer, Turn};
use failback_tests::Adapter;
use failback_wire::{Limits, Request};

use crate::alike;
use crate::scene::{Scene, Seen, patient, sse_only};

alike!(
    a_handshake_that_is_not_answered_in_time,
    a_websocket_without_a_first_event,
    a_websocket_that_falls_silent,
    sse_that_falls_silent,
    an_event_that_is_too_large_for_the_client,
    an_event_over_sse_that_is_too_large_for_the_client,
    a_request_that_websocket_refuses_before_it_is_read,
    a_request_that_sse_refuses_before_it_is_read,
);

/// Long enough for all that is answered, also on a machine that is busy.
const SHORT: Duration = Duration::from_secs(1);

fn limited(adapter: &dyn Adapter, peer: Peer, limits: Limits) -> Seen {
    let config = patient().with_stream_max_retries(0);
    let mut scene = Scene::with(adapter, peer, |settings| settings.config(config).limits(limits));
    scene.hello();
    scene.end()
}

fn peer_on(transport: Transport, turn: Turn) -> Peer {
    let peer = match transport {
        WebSocket => Peer::start(),
        Sse => sse_only(),
    };
    peer.push_turn(transport, turn);
    peer
}

fn a_handshake_that_is_not_answered_in_time(adapter: &dyn Adapter) -> Seen {
    let peer = Peer::start();
    peer.set_handshake(Handshake::BlackHole);
    limited(adapter, peer, Limits::new().with_connect_timeout(SHORT))
}

fn a_websocket_without_a_first_event(adapter: &dyn Adapter) -> Seen {
    let peer = peer_on(WebSocket, Turn::mute_after(0));
    limited(adapter, peer, Limits::new().with_first_event_timeout(SHORT))
}

fn a_websocket_that_falls_silent(adapter: &dyn Adapter) -> Seen {
    let peer = peer_on(WebSocket, Turn::stall_after(5));
    limited(adapter, peer, Limits::new().with_idle_timeout(SHORT))
}

fn sse_that_falls_silent(adapter: &dyn Adapter) -> Seen {
    let peer = peer_on(Sse, Turn::stall_after(5));
    limited(adapter, peer, Limits::new().with_idle_timeout(SHORT))
}

/// An event with a text of this many bytes.
fn large(bytes: usize) -> String {
    format!(r#"{{"type":"response.output_text.delta","delta":"{}"}}"#, "x".repeat(bytes))
}

fn an_event_that_is_too_large_for_the_client(adapter: &dyn Adapter) -> Seen {
    let peer = peer_on(WebSocket, Turn::after(2).then_payload(large(4096)));
    limited(adapter, peer, Limits::new().with_max_message_bytes(2048))
}

fn an_event_over_sse_that_is_too_large_for_the_client(adapter: &dyn Adapter) -> Seen {
    let peer = peer_on(Sse, Turn::after(2).then_payload(format!("data: {}\n\n", large(4096))));
    limited(adapter, peer, Limits::new().with_max_message_bytes(2048))
}

fn a_request_that_websocket_refuses_before_it_is_read(adapter: &dyn Adapter) -> Seen {
    refused(adapter, Peer::start())
}

fn a_request_that_sse_refuses_before_it_is_read(adapter: &dyn Adapter) -> Seen {
    refused(adapter, sse_only())
}

fn refused(adapter: &dyn Adapter, peer: Peer) -> Seen {
    peer.hang_up_above(64 * 1024);
    let mut scene = Scene::new(adapter, peer);
    scene.turn(Request::text("m", &"x".repeat(6 * 1024 * 1024)));
    scene.hello();
    scene.end()
}
