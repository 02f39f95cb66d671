//! Starting, stopping, being away, and many clients at once.

mod common;

use std::collections::HashSet;
use std::io::ErrorKind;
use std::net::TcpStream;
use std::thread;

use common::{End, Raw, all_gone, hello_ws, text};
use failback_peer::{Gate, Handshake, Peer, Transport, Turn, What};

fn refused(peer: &Peer) -> bool {
    TcpStream::connect(peer.addr()).is_err_and(|error| error.kind() == ErrorKind::ConnectionRefused)
}

#[test]
fn the_port_goes_and_comes_back() {
    let peer = Peer::start();
    let mut raw = Raw::upgrade(&peer);
    for _ in 0..5 {
        peer.stop_listening();
        assert!(refused(&peer));
        peer.listen_again();
        peer.listen_again();
        Raw::upgrade(&peer);
    }
    // What was connected before lives on.
    raw.create(hello_ws());
    raw.ws_turn();
}

#[test]
fn refuse_everything() {
    let peer = Peer::start();
    let mut raw = Raw::upgrade(&peer);
    peer.refuse_everything(true);
    assert_eq!(raw.end(), End::Reset);
    assert!(refused(&peer));
    all_gone(&peer);
    peer.refuse_everything(false);
    Raw::upgrade(&peer);
}

#[test]
fn offline_from_the_start_on_a_port_of_choice() {
    let port = Peer::start().addr().port();
    let peer = Peer::builder().port(port).offline().start();
    assert_eq!(peer.url(), format!("http://127.0.0.1:{port}/v1"));
    assert!(refused(&peer));
    peer.listen_again();
    Raw::upgrade(&peer);
}

#[test]
fn no_two_peers_are_given_one_port() {
    let peers: Vec<_> = (0..100).map(|_| Peer::builder().offline().start()).collect();
    let ports: HashSet<_> = peers.iter().map(Peer::addr).collect();
    assert_eq!(ports.len(), peers.len());
    assert!(peers.iter().all(refused));
}

#[test]
fn connections_are_dropped_or_closed_in_any_state() {
    let peer = Peer::start();
    let gate = Gate::new();
    peer.push_handshake(Handshake::BlackHole);
    let mut waiting = Raw::ask_upgrade(&peer);
    peer.wait_for_blocking("the handshake", |j| j.handshakes() == 1);
    let mut idle = Raw::upgrade(&peer);
    peer.set_turn(Transport::Sse, Turn::complete().gate_before(1, &gate));
    let mut streaming = Raw::stream(&peer);
    streaming.sse_events(1);
    gate.reached_blocking();
    peer.close_connections(1012);
    assert_eq!(idle.close_code(), 1012);
    assert_eq!(waiting.end(), End::Eof);
    assert_eq!(streaming.end(), End::Eof);

    // A close that the client does not answer may be followed by something stronger.
    let mut deaf = Raw::upgrade(&peer);
    peer.close_connections(1001);
    assert_eq!(deaf.close_code(), 1001);
    peer.drop_connections();
    assert_eq!(deaf.end(), End::Reset);
}

#[test]
fn dropping_the_last_handle_ends_everything() {
    let peer = Peer::start();
    let other = peer.clone();
    let mut raw = Raw::upgrade(&peer);
    let mut stalled = Raw::upgrade(&peer);
    peer.set_turn(Transport::WebSocket, Turn::stall_after(0));
    stalled.create(hello_ws());
    peer.wait_for_blocking("the request", |j| j.requests(Transport::WebSocket) == 1);
    drop(peer);
    raw.ping();
    let addr = other.addr();
    drop(other);
    assert_eq!(raw.end(), End::Eof);
    assert_eq!(stalled.end(), End::Eof);
    assert!(TcpStream::connect(addr).is_err());
}

#[test]
fn shutting_down_twice_is_fine() {
    let peer = Peer::start();
    Raw::upgrade(&peer);
    peer.shut_down();
    peer.shut_down();
    peer.listen_again();
    peer.drop_connections();
    assert_eq!(peer.journal().open_connections(), 0);
    assert!(refused(&peer));
}

#[test]
fn what_a_client_has_seen_is_in_the_journal() {
    let peer = Peer::start();
    for turn in 1..=50 {
        let mut raw = Raw::upgrade(&peer);
        assert_eq!(peer.journal().upgrades(), turn);
        raw.create(hello_ws());
        raw.ws_turn();
        let journal = peer.journal();
        assert_eq!(journal.count(|w| *w == What::TurnDone), turn, "{journal}");
    }
}

#[test]
fn a_hundred_clients_at_once() {
    let peer = Peer::start();
    let gate = Gate::new();
    peer.set_turn(Transport::WebSocket, Turn::complete().gate_before(1, &gate));
    let clients: Vec<_> = (0..100)
        .map(|number| {
            let peer = peer.clone();
            thread::spawn(move || {
                let mut raw = Raw::upgrade(&peer);
                raw.create(serde_json::json!({ "input": number.to_string() }));
                assert_eq!(text(&raw.ws_turn()), format!("echo: {number}"));
            })
        })
        .collect();
    let journal = peer.wait_for_blocking("all requests", |j| j.requests(Transport::WebSocket) == 100);
    assert_eq!(journal.open_connections(), 100);
    gate.open();
    for client in clients {
        client.join().unwrap();
    }
    assert_eq!(gate.arrivals(), 100);
    assert_eq!(all_gone(&peer).busy(), 0);
}

#[test]
fn the_journal_is_readable() {
    let peer = Peer::start();
    Raw::stream(&peer).sse_turn();
    let text = all_gone(&peer).to_string();
    // The events of one turn are one line.
    assert_eq!(text.matches("Sent").count(), 1, "{text}");
    assert!(text.contains("Sent { count: 11 }"), "{text}");
}
