//! The runtime was blocked, or the process stopped, for longer than a limit, and the answer had come
//! meanwhile: it is read before the limit ends anything.

use std::thread;
use std::time::Duration;

use failback::{Config, Mode, Transport};
use failback_peer::{Gate, Handshake, Peer, Turn, What};
use failback_tests::{Adapter, Settings, TestClient, collect, hello, read};
use failback_wire::Limits;

with_every_adapter!(
    a_first_event_that_had_come_counts,
    a_pong_that_had_come_counts,
    an_event_within_the_event_timeout_counts,
    bytes_within_the_idle_limit_count,
    an_upgrade_that_was_answered_counts,
    an_answer_over_sse_that_had_come_counts,
    a_limit_that_nothing_met_still_ends_the_attempt,
);

const LIMIT: Duration = Duration::from_millis(400);
/// How long the runtime stands still.
const STILL: Duration = Duration::from_millis(600);

/// Reads the turn until the peer waits at its gate, lets it go on while the runtime stands still, and reads
/// the rest.
fn stand_still(client: &dyn TestClient, peer: &Peer, gate: &Gate, answered: impl Fn(&What) -> bool) {
    let mut turn = client.stream(hello());
    let at_gate = || peer.journal().any(|what| matches!(what, What::AtGate));
    while !at_gate() {
        if turn.next_unless(&at_gate).is_some() {}
    }
    gate.open();
    peer.wait_for_blocking("the answer", |journal| journal.any(&answered));
    thread::sleep(STILL);
    let outcome = collect(turn);
    assert!(outcome.error.is_none(), "{outcome:?}");
    assert!(outcome.restarts().is_empty(), "{outcome:?}");
    assert_eq!(outcome.events().last().expect("events").kind(), "response.completed");
}

fn expect_one_request(peer: &Peer, client: &dyn TestClient, transport: Transport) {
    let journal = peer.journal();
    assert_eq!(journal.transports(), [transport], "{journal}");
    assert!(journal.handshakes() <= 1, "{journal}");
    assert_eq!(client.policy().recoveries_left(), 3);
}

/// A turn that waits before this event, over a WebSocket.
fn waits_before(peer: &Peer, index: usize) -> Gate {
    let gate = Gate::new();
    peer.set_turn(Transport::WebSocket, Turn::complete().gate_before(index, &gate));
    gate
}

fn is_done(what: &What) -> bool {
    matches!(what, What::TurnDone)
}

fn a_first_event_that_had_come_counts(adapter: &dyn Adapter) {
    let peer = Peer::start();
    let gate = waits_before(&peer, 0);
    let limits = Limits::new().with_first_event_timeout(LIMIT);
    let client = adapter.client_that_stands_still(Settings::new(&peer).limits(limits));
    stand_still(&*client, &peer, &gate, is_done);
    expect_one_request(&peer, &*client, Transport::WebSocket);
}

fn an_event_within_the_event_timeout_counts(adapter: &dyn Adapter) {
    let peer = Peer::start();
    let gate = waits_before(&peer, 3);
    let limits = Limits::new().with_event_timeout(Some(LIMIT));
    let client = adapter.client_that_stands_still(Settings::new(&peer).limits(limits));
    stand_still(&*client, &peer, &gate, is_done);
    expect_one_request(&peer, &*client, Transport::WebSocket);
}

fn bytes_within_the_idle_limit_count(adapter: &dyn Adapter) {
    let peer = Peer::start();
    let gate = waits_before(&peer, 3);
    let limits = Limits::new().with_idle_timeout(LIMIT);
    let client = adapter.client_that_stands_still(Settings::new(&peer).limits(limits));
    stand_still(&*client, &peer, &gate, is_done);
    expect_one_request(&peer, &*client, Transport::WebSocket);
}

fn a_pong_that_had_come_counts(adapter: &dyn Adapter) {
    let peer = Peer::start();
    let gate = Gate::new();
    peer.set_turn(Transport::WebSocket, Turn::complete().gate_before(3, &gate));
    let limits = Limits::new().with_ping_interval(Duration::from_millis(50)).with_pong_timeout(LIMIT);
    let client = adapter.client_that_stands_still(Settings::new(&peer).limits(limits));
    let mut turn = client.stream(hello());
    drop(read(&mut *turn, 3));
    // The ping has left, and its answer has not been read.
    let pinged = || peer.journal().any(|what| matches!(what, What::Ping));
    assert!(turn.next_unless(&pinged).is_none());
    thread::sleep(STILL);
    gate.open();
    let outcome = collect(turn);
    assert!(outcome.error.is_none() && outcome.restarts().is_empty(), "{outcome:?}");
    expect_one_request(&peer, &*client, Transport::WebSocket);
}

fn an_upgrade_that_was_answered_counts(adapter: &dyn Adapter) {
    // The limit on connecting, and the head start.
    let patient = Config::new().with_head_start(Duration::from_secs(60));
    for (config, limits) in [
        (patient, Limits::new().with_connect_timeout(LIMIT)),
        (Config::new().with_head_start(LIMIT), Limits::new()),
    ] {
        let peer = Peer::start();
        let gate = Gate::new();
        peer.set_handshake(Handshake::Hold(gate.clone()));
        let settings = Settings::new(&peer).config(config).limits(limits);
        let client = adapter.client_that_stands_still(settings);
        stand_still(&*client, &peer, &gate, |what| matches!(what, What::Upgraded));
        expect_one_request(&peer, &*client, Transport::WebSocket);
        assert_eq!(client.policy().mode(), Mode::Preferred);
    }
}

fn an_answer_over_sse_that_had_come_counts(adapter: &dyn Adapter) {
    for index in [0, 3] {
        let peer = Peer::start();
        let gate = Gate::new();
        peer.set_handshake(Handshake::status(403));
        peer.set_turn(Transport::Sse, Turn::complete().gate_before(index, &gate));
        let limits = Limits::new().with_idle_timeout(LIMIT);
        let client = adapter.client_that_stands_still(Settings::new(&peer).limits(limits));
        stand_still(&*client, &peer, &gate, is_done);
        expect_one_request(&peer, &*client, Transport::Sse);
    }
}

fn a_limit_that_nothing_met_still_ends_the_attempt(adapter: &dyn Adapter) {
    let peer = Peer::start();
    peer.push_turn(Transport::WebSocket, Turn::mute_after(0));
    let limits = Limits::new().with_first_event_timeout(LIMIT);
    let client = adapter.client_that_stands_still(Settings::new(&peer).limits(limits));
    let mut turn = client.stream(hello());
    let asked = || peer.journal().requests(Transport::WebSocket) == 1;
    assert!(turn.next_unless(&asked).is_none());
    thread::sleep(STILL);
    let outcome = collect(turn);
    assert!(outcome.is_complete(), "{outcome:?}");
    assert_eq!(peer.journal().handshakes(), 2);
}
