//! A caller reads nothing for a while, and the server gives up on it: that is not WebSocket's fault.

use std::thread;
use std::time::Duration;

use failback::{Blame, Stage, Transport};
use failback_peer::{Gate, Handshake, Peer, Turn};
use failback_tests::{Adapter, Settings, collect, read};
use failback_wire::{Limits, Request};

with_every_adapter!(
    a_caller_that_was_away_is_what_ended_it,
    a_path_that_died_while_the_caller_was_away_is_nobodys_fault,
    a_caller_that_was_there_did_nothing_wrong,
);

const PING: Duration = Duration::from_millis(200);
const AWAY: Duration = Duration::from_millis(500);

/// What one attempt, that its caller leaves alone for a while after five events, is blamed on.
fn blame(adapter: &dyn Adapter, transport: Transport, away: Duration, end: impl Fn(Turn) -> Turn) -> Blame {
    let peer = Peer::start();
    if transport == Transport::Sse {
        peer.set_handshake(Handshake::status(403));
    }
    let gate = Gate::new();
    peer.push_turn(transport, end(Turn::after(5).then_gate(&gate)));
    let limits = Limits::new().with_ping_interval(PING).with_pong_timeout(PING);
    let client = adapter.client(Settings::new(&peer).limits(limits));
    let mode = client.policy().mode().0;
    let mut turn = client.stream(Request::text("m", "hello world"));
    drop(read(&mut *turn, 5));
    gate.open();
    thread::sleep(away);
    let outcome = collect(turn);
    let error = outcome.error.expect("the text was delivered in part");
    let attempt = error.attempts().last().expect("an attempt");
    assert_eq!((attempt.transport(), attempt.stage()), (transport, Stage::Streaming), "{error}");
    let blame = attempt.blame().expect("a failure");
    assert_eq!(error.to_string().contains("the caller had not read"), blame == Blame::Connection, "{error}");
    if blame == Blame::Connection && transport == Transport::WebSocket {
        assert_eq!(client.policy().mode().0, mode);
    }
    blame
}

fn a_caller_that_was_away_is_what_ended_it(adapter: &dyn Adapter) {
    let timed_out = |turn: Turn| turn.then_close(1011, "keepalive ping timeout");
    let websocket = Transport::WebSocket;
    assert_eq!(blame(adapter, websocket, AWAY, timed_out), Blame::Connection);
    assert_eq!(blame(adapter, websocket, AWAY, Turn::then_reset), Blame::Connection);
    assert_eq!(blame(adapter, websocket, AWAY, Turn::then_drop), Blame::Connection);
    assert_eq!(blame(adapter, Transport::Sse, AWAY, Turn::then_reset), Blame::Connection);
    // What says itself whose fault it is.
    let too_large = |turn: Turn| turn.then_close(1009, "");
    assert_eq!(blame(adapter, websocket, AWAY, too_large), Blame::Payload);
}

fn a_path_that_died_while_the_caller_was_away_is_nobodys_fault(adapter: &dyn Adapter) {
    assert_eq!(blame(adapter, Transport::WebSocket, AWAY, Turn::then_stall), Blame::Connection);
}

fn a_caller_that_was_there_did_nothing_wrong(adapter: &dyn Adapter) {
    let websocket = Transport::WebSocket;
    let paused = |turn: Turn| turn.then_pause(AWAY);
    for away in [Duration::ZERO, Duration::from_millis(20)] {
        let timed_out = |turn: Turn| paused(turn).then_close(1011, "keepalive ping timeout");
        assert_eq!(blame(adapter, websocket, away, timed_out), Blame::Transport);
        assert_eq!(blame(adapter, websocket, away, Turn::then_stall), Blame::Transport);
        assert_eq!(blame(adapter, Transport::Sse, away, |turn| paused(turn).then_reset()), Blame::Transport);
    }
}
