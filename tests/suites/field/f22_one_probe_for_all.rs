//! At the end of a cooldown everyone tried at once, and the server that had just come back went down again.

use std::sync::Barrier;
use std::thread;
use std::time::Duration;

use failback::{Config, Mode, Transport};
use failback_peer::{Gate, Handshake, Peer, Turn, What};
use failback_tests::{Adapter, Outcome, Settings, TestClient, collect, until};
use failback_wire::Request;

with_every_adapter!(
    a_hundred_turns_make_one_handshake,
    a_hundred_turns_make_one_handshake_though_the_probe_is_diverted,
);

const TURNS: usize = 100;

/// Begins a hundred turns at once, does `meanwhile`, and gives what they came to.
fn at_once(client: &dyn TestClient, meanwhile: impl FnOnce()) -> Vec<Outcome> {
    let start = Barrier::new(TURNS);
    thread::scope(|scope| {
        let turns: Vec<_> = (0..TURNS)
            .map(|number| {
                let (start, turn) = (&start, client.stream(Request::text("m", &format!("turn {number}"))));
                scope.spawn(move || {
                    start.wait();
                    collect(turn)
                })
            })
            .collect();
        meanwhile();
        turns.into_iter().map(|turn| turn.join().expect("no panic")).collect()
    })
}

fn fail_over(peer: &Peer, client: &dyn TestClient) {
    peer.push_handshake(Handshake::status(403));
    let outcome = collect(client.stream(Request::text("m", "hi")));
    assert!(outcome.is_complete(), "{outcome:?}");
    client.advance(Duration::from_secs(90));
}

fn expect_all_complete(outcomes: &[Outcome]) {
    for (number, outcome) in outcomes.iter().enumerate() {
        assert!(outcome.is_complete(), "{outcome:?}");
        assert_eq!(outcome.text(), format!("echo: turn {number}"));
    }
}

fn completed_over_sse(peer: &Peer, count: usize) {
    peer.wait_for_blocking("the others to complete", |journal| {
        journal.count(|what| matches!(what, What::TurnDone)) >= count
    });
}

fn a_hundred_turns_make_one_handshake(adapter: &dyn Adapter) {
    let peer = Peer::start();
    // A handshake may take long on a machine that is busy with a hundred others.
    let config = Config::new().with_head_start(Duration::from_secs(20));
    let client = adapter.client(Settings::new(&peer).config(config));
    fail_over(&peer, &*client);

    let gate = Gate::new();
    peer.push_turn(Transport::WebSocket, Turn::complete().gate_before(0, &gate));
    let outcomes = at_once(&*client, || {
        gate.reached_blocking();
        completed_over_sse(&peer, 1 + TURNS - 1);
        gate.open();
    });
    expect_all_complete(&outcomes);
    let back = outcomes.iter().filter(|outcome| outcome.moves() == [Transport::WebSocket]).count();
    assert_eq!(back, 1);

    let journal = peer.journal();
    assert_eq!(journal.handshakes(), 2, "{journal}");
    assert_eq!(journal.requests(Transport::WebSocket), 1, "{journal}");
    assert_eq!(journal.requests(Transport::Sse), 1 + TURNS - 1, "{journal}");
    assert_eq!((client.policy().mode(), client.policy().recoveries_left()), (Mode::Preferred, 3));
}

fn a_hundred_turns_make_one_handshake_though_the_probe_is_diverted(adapter: &dyn Adapter) {
    let peer = Peer::start();
    let client = adapter.client(Settings::new(&peer).default_head_start());
    fail_over(&peer, &*client);

    let gate = Gate::new();
    peer.push_handshake(Handshake::hold(&gate));
    let outcomes = at_once(&*client, || completed_over_sse(&peer, 1 + TURNS));
    expect_all_complete(&outcomes);
    assert!(outcomes.iter().all(|outcome| outcome.notices().is_empty()));
    let journal = peer.journal();
    assert_eq!(journal.handshakes(), 2, "{journal}");
    assert_eq!(journal.requests(Transport::Sse), 1 + TURNS, "{journal}");
    assert!(matches!(client.policy().mode(), Mode::Probing { .. }));

    // What the probe opened is what the next turn uses.
    gate.open();
    until("the handshake to be reported", || client.policy().status().retry_in == Some(Duration::ZERO));
    assert_eq!(client.policy().recoveries_left(), 3);
    let outcome = collect(client.stream(Request::text("m", "back")));
    assert!(outcome.is_complete(), "{outcome:?}");
    assert_eq!(outcome.moves(), [Transport::WebSocket]);
    let journal = peer.journal();
    assert_eq!(journal.handshakes(), 2, "{journal}");
    assert_eq!(client.policy().mode(), Mode::Preferred);
}
