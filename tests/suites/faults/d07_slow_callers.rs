//! A caller reads nothing for a while, and the server gives up on it: that is not WebSocket's fault. A caller
//! takes slowly what has arrived: no limit ends its turn for that.

use std::time::Duration;

use failback::{Blame, Stage, Transport};
use failback_peer::{Gate, Handshake, Peer, Turn, What};
use failback_tests::{Adapter, Settings, collect, read};
use failback_wire::{Limits, Request};

use crate::common::peer_on;

with_every_adapter!(
    a_caller_that_was_away_is_what_ended_it,
    a_path_that_died_while_the_caller_was_away_is_nobodys_fault,
    a_path_that_died_after_signs_of_life_while_the_caller_was_away_is_nobodys_fault,
    a_caller_that_was_there_did_nothing_wrong,
    a_caller_that_takes_events_slowly_is_not_ended_over_websocket,
    a_caller_that_takes_events_slowly_is_not_ended_over_sse,
);

/// A ping is due after 15 s.
const AWAY: Duration = Duration::from_secs(20);
const THERE: Duration = Duration::from_secs(10);

/// What one attempt, that its caller leaves alone for a while after five events, is blamed on.
fn blame(
    adapter: &dyn Adapter,
    transport: Transport,
    limits: Limits,
    away: Duration,
    end: impl Fn(Turn) -> Turn,
) -> Blame {
    let peer = Peer::start();
    if transport == Transport::Sse {
        peer.set_handshake(Handshake::status(403));
    }
    let gate = Gate::new();
    peer.push_turn(transport, end(Turn::after(5).then_gate(&gate)));
    let client = adapter.client(Settings::new(&peer).limits(limits));
    let mode = client.policy().mode();
    let mut turn = client.stream(Request::text("m", "hello world"));
    drop(read(&mut *turn, 5));
    gate.open();
    client.advance(away);
    let outcome = collect(turn);
    let error = outcome.error.expect("the text was delivered in part");
    let attempt = error.attempts().last().expect("an attempt");
    assert_eq!((attempt.transport(), attempt.stage()), (transport, Stage::Streaming), "{error}");
    let blame = attempt.blame().expect("a failure");
    assert_eq!(error.to_string().contains("the caller had not read"), blame == Blame::Connection, "{error}");
    if blame == Blame::Connection && transport == Transport::WebSocket {
        assert_eq!(client.policy().mode(), mode);
    }
    blame
}

fn keepalive_failed(turn: Turn) -> Turn {
    turn.then_close(1011, "keepalive ping timeout")
}

fn a_caller_that_was_away_is_what_ended_it(adapter: &dyn Adapter) {
    let blame = |transport, end: fn(Turn) -> Turn| blame(adapter, transport, Limits::new(), AWAY, end);
    assert_eq!(blame(Transport::WebSocket, keepalive_failed), Blame::Connection);
    assert_eq!(blame(Transport::WebSocket, Turn::then_reset), Blame::Connection);
    assert_eq!(blame(Transport::WebSocket, Turn::then_drop), Blame::Connection);
    assert_eq!(blame(Transport::Sse, Turn::then_reset), Blame::Connection);
    // What says itself whose fault it is.
    assert_eq!(blame(Transport::WebSocket, |turn| turn.then_close(1009, "")), Blame::Payload);
}

fn a_path_that_died_while_the_caller_was_away_is_nobodys_fault(adapter: &dyn Adapter) {
    let second = Duration::from_secs(1);
    let limits = Limits::new().with_ping_interval(second).with_pong_timeout(second);
    // Whether or not the caller was away for longer than the idle limit, or that is shorter than it takes to
    // miss a pong.
    for idle in [300 * second, 10 * second, second * 3 / 2] {
        let blame =
            blame(adapter, Transport::WebSocket, limits.with_idle_timeout(idle), AWAY, Turn::then_stall);
        assert_eq!(blame, Blame::Connection, "{idle:?}");
    }
}

fn a_path_that_died_after_signs_of_life_while_the_caller_was_away_is_nobodys_fault(adapter: &dyn Adapter) {
    // The first ping is due a whole interval after those were read.
    let second = Duration::from_secs(1);
    let limits = Limits::new().with_ping_interval(second).with_pong_timeout(second);
    let then_stall = |turn: Turn| turn.then_keep_alive().then_stall();
    assert_eq!(blame(adapter, Transport::WebSocket, limits, AWAY, then_stall), Blame::Connection);
}

fn a_caller_that_was_there_did_nothing_wrong(adapter: &dyn Adapter) {
    let blame = |transport, end: fn(Turn) -> Turn| blame(adapter, transport, Limits::new(), THERE, end);
    assert_eq!(blame(Transport::WebSocket, keepalive_failed), Blame::Transport);
    assert_eq!(blame(Transport::WebSocket, Turn::then_reset), Blame::Transport);
    assert_eq!(blame(Transport::Sse, Turn::then_reset), Blame::Transport);
}

fn a_caller_that_takes_events_slowly_is_not_ended_over_websocket(adapter: &dyn Adapter) {
    takes_slowly(adapter, Transport::WebSocket);
}

fn a_caller_that_takes_events_slowly_is_not_ended_over_sse(adapter: &dyn Adapter) {
    takes_slowly(adapter, Transport::Sse);
}

/// These arrive at once, and the clock is read for one in eight of them. The limits are longer than it takes to
/// take eight, and shorter than for all.
const EVENTS: usize = 56;
const EACH: Duration = Duration::from_secs(6);

fn takes_slowly(adapter: &dyn Adapter, transport: Transport) {
    let (second, peer, gate) = (Duration::from_secs(1), peer_on(transport), Gate::new());
    let event = r#"{"type":"response.output_text.delta","delta":"word "}"#;
    let first = Turn::after(1);
    let all = match transport {
        Transport::WebSocket => (0..EVENTS).fold(first, |turn, _| turn.then_payload(event)),
        // In one piece of the body, as each piece is a sign of life when it is read.
        Transport::Sse => first.then_payload(format!("data: {event}\n\n").repeat(EVENTS)),
    };
    // Once the caller has taken everything, the client finds nothing to read for longer than it looks again
    // at a limit that has passed.
    peer.push_turn(transport, all.then_gate(&gate).then_pause(second * 3 / 2).then_complete());
    let limits = Limits::new()
        .with_idle_timeout(60 * second)
        .with_event_timeout(Some(60 * second))
        .with_ping_interval(10 * second)
        .with_pong_timeout(10 * second);
    let client = adapter.client(Settings::new(&peer).limits(limits));
    let mut turn = client.stream(Request::text("m", "hello"));
    let mut outcome = read(&mut *turn, 1);
    peer.wait_for_blocking("the events", |journal| journal.any(|what| *what == What::AtGate));
    for _ in 0..EVENTS {
        client.advance(EACH);
        outcome = outcome.then(read(&mut *turn, 1));
    }
    gate.open();
    let outcome = outcome.then(collect(turn));
    assert!(outcome.error.is_none(), "{:?}", outcome.error);
    assert_eq!(outcome.text(), format!("{}echo: hello", "word ".repeat(EVENTS)));
    assert_eq!(peer.journal().requests(transport), 1);
}
