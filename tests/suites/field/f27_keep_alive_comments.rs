//! A stall detector that saw events only, and cut off streams that the server kept alive with comments.

use std::time::Duration;

use failback::{GiveUp, Mode, Stage, Transport};
use failback_peer::{Handshake, Peer, Turn, What};
use failback_tests::{Adapter, Settings, TestClient, collect};
use failback_wire::{Limits, Request};

with_every_adapter!(
    comments_keep_a_thinking_stream_alive,
    a_byte_of_an_event_is_a_sign_of_life_too,
    silence_is_a_stall,
);

/// Silence of one second instead of 300.
fn failed_over(peer: &Peer, adapter: &dyn Adapter) -> Box<dyn TestClient> {
    peer.set_handshake(Handshake::status(403));
    let limits = Limits::new().with_idle_timeout(Duration::from_secs(1));
    let client = adapter.client(Settings::new(peer).limits(limits));
    let outcome = collect(client.stream(Request::text("m", "hi")));
    assert!(outcome.is_complete(), "{outcome:?}");
    peer.wait_for_blocking("the end of the answer", |journal| journal.any(|what| *what == What::BodyEnd));
    client.catch_up();
    client
}

fn expect_one_complete_turn(peer: &Peer, client: &dyn TestClient) {
    let mode = client.policy().mode();
    let outcome = collect(client.stream(Request::text("m", "deep thought")));
    assert!(outcome.is_complete(), "{outcome:?}");
    assert_eq!(outcome.text(), "echo: deep thought");
    assert!(outcome.is_quiet(), "{outcome:?}");
    let journal = peer.journal();
    assert_eq!(journal.handshakes(), 1, "{journal}");
    assert_eq!(journal.transports(), [Transport::Sse; 2], "{journal}");
    assert_eq!(client.policy().mode(), mode);
}

fn comments_keep_a_thinking_stream_alive(adapter: &dyn Adapter) {
    let peer = Peer::start();
    let client = failed_over(&peer, adapter);
    let mut turn = Turn::after(3);
    // A second and a half without an event, but never a tenth of the limit without a comment.
    for _ in 0..20 {
        turn = turn.then_keep_alive().then_pause(Duration::from_millis(75));
    }
    peer.push_turn(Transport::Sse, turn.then_complete());
    expect_one_complete_turn(&peer, &*client);
}

fn a_byte_of_an_event_is_a_sign_of_life_too(adapter: &dyn Adapter) {
    let peer = Peer::start();
    let client = failed_over(&peer, adapter);
    let mut turn = Turn::after(3).then_payload(":");
    for _ in 0..20 {
        turn = turn.then_payload("x").then_pause(Duration::from_millis(75));
    }
    peer.push_turn(Transport::Sse, turn.then_payload("\n\n").then_complete());
    expect_one_complete_turn(&peer, &*client);
}

fn silence_is_a_stall(adapter: &dyn Adapter) {
    let peer = Peer::start();
    let client = failed_over(&peer, adapter);
    let mode = client.policy().mode();
    peer.push_turn(Transport::Sse, Turn::after(5).then_keep_alive().then_mute());
    let outcome = collect(client.stream(Request::text("m", "deep thought")));
    let error = outcome.error.as_ref().expect("an error");
    assert_eq!(error.give_up(), GiveUp::Committed, "{error}");
    let [attempt] = error.attempts() else { panic!("more than one attempt: {error}") };
    assert_eq!((attempt.transport(), attempt.stage()), (Transport::Sse, Stage::Streaming), "{error}");
    assert!(attempt.text().contains("silent for too long"), "{error}");
    assert_eq!(outcome.events().len(), 5, "{outcome:?}");

    let journal =
        peer.wait_for_blocking("the stream to be closed", |journal| journal.open_connections() == 0);
    assert_eq!(journal.handshakes(), 1, "{journal}");
    assert_eq!(journal.transports(), [Transport::Sse; 2], "{journal}");
    assert_eq!(client.policy().mode(), mode);
    assert!(matches!(mode, Mode::FailedOver { .. }));
}
