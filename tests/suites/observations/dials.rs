//! What is heard of a handshake that goes on without its turn, or is begun ahead of any.

use std::time::Duration;

use failback::{Config, Mode};
use failback_peer::{Gate, Handshake, Peer};
use failback_tests::{Adapter, Heard, TestClient, collect, complete, hello};

use super::observed;

with_every_adapter!(
    one_that_opens_late,
    one_that_is_refused_late,
    one_that_nobody_wants_any_more,
    one_that_was_begun_ahead_of_any_turn,
    one_that_a_turn_adopts,
    one_that_probes_while_the_mode_changes_again,
);

const DIVERTED: [&str; 7] = [
    "1: attempt 1, websocket, healthy",
    "1: 1 diverted",
    "1: attempt 2, sse, call_moved",
    "1: first event of 2, sse",
    "1: moved to sse, call_moved",
    "1: 2 completed",
    "1: completed after 2",
];

/// A turn that has left its handshake, which ends so when the gate opens.
fn diverted(
    adapter: &dyn Adapter,
    peer: &Peer,
    then: Option<Handshake>,
) -> (Box<dyn TestClient>, Heard, Gate) {
    let gate = Gate::new();
    peer.push_handshake(match then {
        Some(then) => Handshake::hold_then(&gate, then),
        None => Handshake::hold(&gate),
    });
    let config = Config::new().with_head_start(Duration::from_millis(200));
    let (client, heard) = observed(adapter, peer, config);
    complete(&*client);
    assert_eq!(heard.lines(), DIVERTED);
    heard.clear();
    (client, heard, gate)
}

fn one_that_opens_late(adapter: &dyn Adapter) {
    let peer = Peer::start();
    let (_client, heard, gate) = diverted(adapter, &peer, None);
    gate.open();
    heard.wait_for("1: dial opened");
    assert_eq!(heard.lines().len(), 1, "{:?}", heard.lines());
}

fn one_that_is_refused_late(adapter: &dyn Adapter) {
    let peer = Peer::start();
    let (_client, heard, gate) = diverted(adapter, &peer, Some(Handshake::status(403)));
    gate.open();
    heard.wait_for("preferred -> failed_over, websocket_failed");
    assert_eq!(heard.lines(), ["1: dial failed, transport", "preferred -> failed_over, websocket_failed"]);
}

fn one_that_nobody_wants_any_more(adapter: &dyn Adapter) {
    let peer = Peer::start();
    let (client, heard, _gate) = diverted(adapter, &peer, None);
    let _ground = client.leave();
    heard.wait_for("1: dial abandoned");
    assert_eq!(heard.lines().len(), 1, "{:?}", heard.lines());
}

fn one_that_was_begun_ahead_of_any_turn(adapter: &dyn Adapter) {
    let peer = Peer::start();
    let (client, heard) = observed(adapter, &peer, Config::new());
    client.warm_up()();
    assert_eq!(heard.lines(), ["warm-up, healthy", "0: dial opened"]);
    heard.clear();
    complete(&*client);
    assert_eq!(
        heard.lines(),
        [
            "1: attempt 1, websocket, healthy",
            "1: first event of 1, websocket",
            "1: 1 completed",
            "1: completed after 1"
        ]
    );

    client.close_idle();
    heard.clear();
    peer.push_handshake(Handshake::status(403));
    client.warm_up()();
    assert_eq!(
        heard.lines(),
        ["warm-up, healthy", "0: dial failed, transport", "preferred -> suspected, websocket_failed"]
    );
}

/// It is an attempt of that turn from then on, and no dial.
fn one_that_a_turn_adopts(adapter: &dyn Adapter) {
    let (peer, gate) = (Peer::start(), Gate::new());
    let (client, heard) = observed(adapter, &peer, Config::new());
    peer.push_handshake(Handshake::hold(&gate));
    let warm_up = client.warm_up();
    gate.reached_blocking();
    let mut turn = client.stream(hello());
    assert!(turn.next_unless(&|| heard.lines().len() == 2).is_none());
    gate.open();
    assert!(collect(turn).is_complete());
    warm_up();
    assert_eq!(
        heard.lines(),
        [
            "warm-up, healthy",
            "1: attempt 1, websocket, healthy, adopted",
            "1: first event of 1, websocket",
            "1: 1 completed",
            "1: completed after 1"
        ]
    );
}

/// What it was begun as is told, not what the policy thinks a moment later.
fn one_that_probes_while_the_mode_changes_again(adapter: &dyn Adapter) {
    let peer = Peer::start();
    let (client, heard) = observed(adapter, &peer, Config::new());
    peer.push_handshake(Handshake::status(403));
    complete(&*client);
    client.advance(Duration::from_secs(90));
    let policy = client.policy();
    client.policy().on_change(move |change| {
        if matches!(change.to, Mode::Probing { .. }) {
            policy.handle_network_change();
        }
    });
    heard.clear();
    client.warm_up()();
    assert_eq!(
        heard.lines(),
        [
            "failed_over -> probing, cooldown_over",
            "probing -> preferred, network_changed",
            "warm-up, probe",
            "0: dial opened"
        ]
    );
}
