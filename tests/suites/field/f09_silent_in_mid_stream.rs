//! The path dies in mid-stream without a word: 300 s of idle time-out elsewhere, for each retry.

use std::time::{Duration, Instant};

use failback::{Blame, GiveUp, Mode, Stage, Transport};
use failback_peer::{Peer, Turn};
use failback_tests::{Adapter, Settings, TestClient, collect};
use failback_wire::{Limits, Request};

with_every_adapter!(a_missed_pong_ends_it_before_output, a_missed_pong_ends_it_after_output);

/// Far below the idle time-out.
const SOON: Duration = Duration::from_secs(10);

fn client(adapter: &dyn Adapter, peer: &Peer) -> Box<dyn TestClient> {
    // 15 s each otherwise. The idle time-out stays at its 300 s.
    let limits = Limits::new()
        .with_ping_interval(Duration::from_millis(200))
        .with_pong_timeout(Duration::from_millis(800));
    adapter.client(Settings::new(peer).limits(limits))
}

fn a_missed_pong_ends_it_before_output(adapter: &dyn Adapter) {
    let peer = Peer::start();
    peer.push_turn(Transport::WebSocket, Turn::stall_after(2));
    let client = client(adapter, &peer);

    let begun = Instant::now();
    let outcome = collect(client.stream(Request::text("m", "hello world")));
    assert!(begun.elapsed() < SOON, "{outcome:?}");
    assert!(outcome.is_complete(), "{outcome:?}");
    assert_eq!(outcome.text(), "echo: hello world");
    assert_eq!(outcome.restarts(), [2]);
    assert!(outcome.notices().is_empty(), "{outcome:?}");

    let journal = peer.journal();
    assert_eq!(journal.transports(), [Transport::WebSocket; 2], "{journal}");
    assert_eq!(journal.request_connections(), [1, 2], "{journal}");
    peer.wait_for_blocking("the dead connection to be closed", |journal| journal.open_connections() == 1);
    assert_eq!(client.policy().mode(), Mode::Preferred);
}

fn a_missed_pong_ends_it_after_output(adapter: &dyn Adapter) {
    let peer = Peer::start();
    peer.push_turn(Transport::WebSocket, Turn::stall_after(5));
    let client = client(adapter, &peer);

    let begun = Instant::now();
    let outcome = collect(client.stream(Request::text("m", "hello world")));
    assert!(begun.elapsed() < SOON, "{outcome:?}");
    assert_eq!(outcome.items.len(), 5, "{outcome:?}");
    assert_eq!(outcome.text(), "echo: ");
    let error = outcome.error.expect("the turn cannot go on");
    assert_eq!(error.give_up(), GiveUp::Committed, "{error}");
    let [attempt] = error.attempts() else { panic!("one attempt: {error}") };
    assert_eq!((attempt.transport(), attempt.stage()), (Transport::WebSocket, Stage::Streaming));
    assert_eq!(attempt.blame(), Some(Blame::Transport));
    assert!(attempt.text().contains("did not answer a ping"), "{error}");
    peer.wait_for_blocking("the dead connection to be closed", |journal| journal.open_connections() == 0);

    let next = collect(client.stream(Request::text("m", "hello again")));
    assert!(next.is_complete(), "{next:?}");
    assert_eq!(next.moves(), [Transport::Sse], "a turn that was lost is not forgiven");

    let journal = peer.journal();
    assert_eq!(journal.transports(), [Transport::WebSocket, Transport::Sse], "{journal}");
    assert_eq!(journal.handshakes(), 1, "{journal}");
    assert!(matches!(client.policy().mode(), Mode::FailedOver { .. }));
}
