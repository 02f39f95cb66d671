//! What is heard of a turn that its caller drops.

use failback::{Config, Transport};
use failback_peer::{Gate, Handshake, Peer, Turn};
use failback_tests::{Adapter, hello, read};

use super::observed;

with_every_adapter!(in_mid_stream, in_its_handshake, while_it_waits, before_it_was_read, after_its_end);

fn in_mid_stream(adapter: &dyn Adapter) {
    let peer = Peer::start();
    let (client, heard) = observed(adapter, &peer, Config::new());
    peer.push_turn(Transport::WebSocket, Turn::mute_after(3));
    let mut turn = client.stream(hello());
    let _events = read(&mut *turn, 2);
    drop(turn);
    assert_eq!(
        heard.lines(),
        [
            "1: attempt 1, websocket, healthy",
            "1: first event of 1, websocket",
            "1: 1 cancelled",
            "1: cancelled after 1",
        ]
    );
}

fn in_its_handshake(adapter: &dyn Adapter) {
    let (peer, gate) = (Peer::start(), Gate::new());
    let (client, heard) = observed(adapter, &peer, Config::new());
    peer.push_handshake(Handshake::hold(&gate));
    let mut turn = client.stream(hello());
    assert!(turn.next_unless(&|| gate.arrivals() == 1).is_none());
    drop(turn);
    assert_eq!(heard.lines(), ["1: attempt 1, websocket, healthy", "1: 1 cancelled", "1: cancelled after 1"]);
}

fn while_it_waits(adapter: &dyn Adapter) {
    let peer = Peer::start();
    let (client, heard) = observed(adapter, &peer, Config::new());
    peer.push_handshake(Handshake::status(429).header("retry-after", "30"));
    let mut turn = client.stream(hello());
    assert!(turn.next_unless(&|| heard.lines().last().is_some_and(|line| line == "1: waits")).is_none());
    drop(turn);
    assert_eq!(heard.lines()[2..], ["1: waits", "1: cancelled after 1"]);
}

fn before_it_was_read(adapter: &dyn Adapter) {
    let peer = Peer::start();
    let (client, heard) = observed(adapter, &peer, Config::new());
    drop(client.stream(hello()));
    assert!(heard.lines().is_empty(), "{:?}", heard.lines());
}

fn after_its_end(adapter: &dyn Adapter) {
    let peer = Peer::start();
    let (client, heard) = observed(adapter, &peer, Config::new());
    let mut turn = client.stream(hello());
    while turn.next().is_some() {}
    let before = heard.lines();
    drop(turn);
    assert_eq!(heard.lines(), before);
    assert_eq!(before.last().map(String::as_str), Some("1: completed after 1"));
}
