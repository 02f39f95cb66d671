//! A caller to whom pongs and comments are not enough sets a limit on the time without an event.

use std::time::Duration;

use failback::{Blame, GiveUp, Transport};
use failback_peer::{Handshake, Peer, Turn};
use failback_tests::{Adapter, Settings, collect};
use failback_wire::{Limits, Request};

with_every_adapter!(a_stream_without_events_ends, without_it_signs_of_life_are_enough);

fn cases() -> [(Transport, Handshake); 2] {
    [(Transport::WebSocket, Handshake::Accept), (Transport::Sse, Handshake::status(403))]
}

/// Five events, then signs of life for two seconds, then the rest.
fn thinks() -> Turn {
    let turn = Turn::after(5);
    (0..40).fold(turn, |turn, _| turn.then_keep_alive().then_pause(Duration::from_millis(50))).then_complete()
}

fn a_stream_without_events_ends(adapter: &dyn Adapter) {
    for (transport, handshake) in cases() {
        let peer = Peer::start();
        peer.set_handshake(handshake);
        peer.set_turn(transport, thinks());
        let limits = Limits::new().with_event_timeout(Some(Duration::from_millis(500)));
        let client = adapter.client(Settings::new(&peer).limits(limits));
        let outcome = collect(client.stream(Request::text("m", "hello world")));
        let error = outcome.error.as_ref().expect("an error");
        assert_eq!(error.give_up(), GiveUp::Committed, "{error}");
        let attempt = error.attempts().last().expect("an attempt");
        assert_eq!((attempt.transport(), attempt.blame()), (transport, Some(Blame::Transport)), "{error}");
        assert!(attempt.text().contains("brought no event for too long"), "{error}");
    }
}

fn without_it_signs_of_life_are_enough(adapter: &dyn Adapter) {
    for (transport, handshake) in cases() {
        let peer = Peer::start();
        peer.set_handshake(handshake);
        peer.set_turn(transport, thinks());
        // Less than the silence, and more than a peer stands still on a busy machine.
        let limits = Limits::new().with_idle_timeout(Duration::from_millis(1500));
        let client = adapter.client(Settings::new(&peer).limits(limits));
        let outcome = collect(client.stream(Request::text("m", "hello world")));
        assert!(outcome.is_complete(), "{outcome:?}");
        assert_eq!(peer.journal().transports(), [transport]);
    }
}
