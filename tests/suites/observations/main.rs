//! What an observer hears of a client, with every adapter.

#[macro_use]
extern crate failback_tests;

mod callbacks;
mod cancelled;
mod dials;
mod turns;

use failback::Config;
use failback_peer::Peer;
use failback_tests::{Adapter, Heard, Settings, TestClient};

/// A client, and what is heard of it.
fn observed(adapter: &dyn Adapter, peer: &Peer, config: Config) -> (Box<dyn TestClient>, Heard) {
    let heard = Heard::default();
    let settings = Settings::new(peer).config(config).observer(heard.observer());
    (adapter.client(settings), heard)
}
