//! A server says in a header whether another try makes sense, and 409 passes.

use failback::{Config, Transport};
use failback_peer::Turn;
use failback_tests::{Adapter, Settings};

use crate::common::{expect_echo, expect_refused, peer_on, turn};

with_every_adapter!(a_server_says_whether_to_try_again);

fn a_server_says_whether_to_try_again(adapter: &dyn Adapter) {
    let peer = peer_on(Transport::Sse);
    let no = Turn::status(500).header("x-should-retry", "false");
    peer.set_turn(Transport::Sse, no);
    let client = adapter.client(Settings::new(&peer));
    expect_refused(&turn(&*client), &peer, Transport::Sse, "500 Internal Server Error");

    let backoff = std::time::Duration::from_millis(1);
    for answer in [Turn::status(409), Turn::status(400).header("x-should-retry", "true")] {
        let peer = peer_on(Transport::Sse);
        peer.push_turn(Transport::Sse, answer);
        let client = adapter.client(Settings::new(&peer).config(Config::new().with_backoff(backoff)));
        expect_echo(&turn(&*client), &peer, Transport::Sse, 2);
    }
}
