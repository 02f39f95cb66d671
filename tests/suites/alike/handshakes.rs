//! Handshakes that fail, and probes.

use failback_peer::{Gate, Handshake, Peer};
use failback_tests::Adapter;

use crate::alike;
use crate::scene::{Scene, Seen, patient, sse_only};

alike!(
    a_refused_handshake,
    a_handshake_refused_in_the_words_of_the_api,
    a_handshake_that_is_black_holed,
    a_handshake_that_is_reset,
    a_handshake_that_is_hung_up_on,
    a_handshake_answered_with_something_else,
    a_handshake_answered_with_another_key,
    a_busy_server_at_the_handshake,
    a_server_that_is_not_there,
    a_turn_dropped_in_its_handshake,
    a_probe_that_completes,
    a_probe_that_fails,
    a_socket_that_closes_as_soon_as_it_is_open,
);

fn a_refused_handshake(adapter: &dyn Adapter) -> Seen {
    let mut scene = Scene::new(adapter, sse_only());
    scene.hello();
    scene.hello();
    scene.end()
}

fn a_handshake_refused_in_the_words_of_the_api(adapter: &dyn Adapter) -> Seen {
    let mut scene = Scene::new(adapter, Peer::start());
    scene.peer.require_bearer("another key");
    scene.hello();
    scene.end()
}

fn a_handshake_that_is_black_holed(adapter: &dyn Adapter) -> Seen {
    let peer = Peer::start();
    peer.set_handshake(Handshake::BlackHole);
    let config = patient().with_head_start(failback::Config::new().head_start());
    let mut scene = Scene::with(adapter, peer, |settings| settings.config(config).default_head_start());
    scene.hello();
    scene.hello();
    let seen = scene.end();
    let is_diverted = |line: &String| line.contains("the WebSocket handshake took longer than N s");
    assert!(seen.caller.iter().any(is_diverted), "{:?}", seen.caller);
    seen
}

fn a_handshake_that_is_reset(adapter: &dyn Adapter) -> Seen {
    once(adapter, Handshake::Reset)
}

fn a_handshake_that_is_hung_up_on(adapter: &dyn Adapter) -> Seen {
    once(adapter, Handshake::Close)
}

fn a_handshake_answered_with_something_else(adapter: &dyn Adapter) -> Seen {
    once(adapter, Handshake::Garbage(b"220 mail.example.com ESMTP\r\n".to_vec()))
}

fn a_handshake_answered_with_another_key(adapter: &dyn Adapter) -> Seen {
    once(adapter, Handshake::BadAccept)
}

fn a_busy_server_at_the_handshake(adapter: &dyn Adapter) -> Seen {
    once(adapter, Handshake::status(503).header("retry-after", "0"))
}

fn a_socket_that_closes_as_soon_as_it_is_open(adapter: &dyn Adapter) -> Seen {
    once(adapter, Handshake::AcceptThenClose { code: 1008 })
}

/// The first handshake goes like this.
fn once(adapter: &dyn Adapter, handshake: Handshake) -> Seen {
    let mut scene = Scene::new(adapter, Peer::start());
    scene.peer.push_handshake(handshake);
    scene.hello();
    scene.hello();
    scene.end()
}

fn a_server_that_is_not_there(adapter: &dyn Adapter) -> Seen {
    let config = patient().with_stream_max_retries(1);
    let mut scene = Scene::with(adapter, Peer::start(), |settings| settings.config(config));
    scene.peer.stop_listening();
    scene.hello();
    scene.peer.listen_again();
    scene.hello();
    scene.end()
}

fn a_turn_dropped_in_its_handshake(adapter: &dyn Adapter) -> Seen {
    let mut scene = Scene::new(adapter, Peer::start());
    let gate = Gate::new();
    scene.peer.push_handshake(Handshake::hold(&gate));
    scene.drop_when(|_| gate.arrivals() == 1);
    scene.hello();
    scene.end()
}

fn a_probe_that_completes(adapter: &dyn Adapter) -> Seen {
    let mut scene = Scene::new(adapter, Peer::start());
    scene.peer.push_handshake(Handshake::status(403));
    scene.hello();
    scene.cool_down();
    scene.hello();
    scene.end()
}

fn a_probe_that_fails(adapter: &dyn Adapter) -> Seen {
    let mut scene = Scene::new(adapter, sse_only());
    for _ in 0..5 {
        scene.hello();
        scene.cool_down();
    }
    scene.end()
}
