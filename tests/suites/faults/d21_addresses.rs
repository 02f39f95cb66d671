//! A name has several addresses, and the first ones lead nowhere: each dial tries them again, one family to
//! its end.

use std::net::SocketAddr;
use std::time::Duration;

use failback::{Config, Transport};
use failback_peer::{Handshake, Peer};
use failback_tests::{Adapter, Settings, TestClient, complete};

with_every_adapter!(
    families_take_turns_and_what_answered_comes_first,
    an_address_that_fails_gives_way_at_once,
    both_transports_take_one_road,
    a_new_network_knows_no_addresses,
);

fn address(text: &str) -> SocketAddr {
    text.parse().expect("an address")
}

/// Two addresses of one family that lead nowhere, then the peer's.
fn resolved(peer: &Peer) -> [SocketAddr; 3] {
    [address("[2001:db8::1]:443"), address("[2001:db8::2]:443"), peer.addr()]
}

fn client(adapter: &dyn Adapter, peer: &Peer) -> Box<dyn TestClient> {
    // Late addresses are no late handshake here.
    let config = Config::new().with_head_start(Duration::from_secs(60));
    let client = adapter.client(Settings::new(peer).config(config));
    let [first, second, peer] = resolved(peer);
    client.resolves_to(&[first, second, peer]);
    client.black_hole(first);
    client.black_hole(second);
    client
}

fn families_take_turns_and_what_answered_comes_first(adapter: &dyn Adapter) {
    let peer = Peer::start();
    let client = client(adapter, &peer);
    let [first, _, answers] = resolved(&peer);
    complete(&*client);
    assert_eq!(client.dialled(), [first, answers]);
    client.close_idle();
    complete(&*client);
    assert_eq!(client.dialled(), [first, answers, answers]);
}

fn an_address_that_fails_gives_way_at_once(adapter: &dyn Adapter) {
    let peer = Peer::start();
    let gone = {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
        listener.local_addr().expect("its address")
    };
    let client = adapter.client(Settings::new(&peer));
    client.resolves_to(&[gone, peer.addr()]);
    complete(&*client);
    assert_eq!(client.dialled(), [gone, peer.addr()]);
    client.close_idle();
    complete(&*client);
    assert_eq!(client.dialled(), [gone, peer.addr(), peer.addr()]);
}

fn both_transports_take_one_road(adapter: &dyn Adapter) {
    let peer = Peer::start();
    let client = client(adapter, &peer);
    let [first, _, answers] = resolved(&peer);
    peer.push_handshake(Handshake::status(403));
    complete(&*client);
    assert_eq!(client.dialled(), [first, answers, answers]);
    assert_eq!(peer.journal().transports(), [Transport::Sse]);
}

fn a_new_network_knows_no_addresses(adapter: &dyn Adapter) {
    let peer = Peer::start();
    let client = client(adapter, &peer);
    let [first, _, answers] = resolved(&peer);
    complete(&*client);
    client.handle_network_change();
    complete(&*client);
    assert_eq!(client.dialled(), [first, answers, first, answers]);
}
