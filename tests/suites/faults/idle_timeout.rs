//! The idle limit of SSE counts from the last byte, not from when the client looks: one that looked only when
//! the limit was due waited as long again.

use std::time::{Duration, Instant};

use failback::{Config, Transport};
use failback_peer::{Handshake, Peer, Turn};
use failback_tests::{Adapter, Settings, collect};
use failback_wire::{Limits, Request};

with_every_adapter!(
    a_server_that_never_answers,
    a_server_that_is_silent_after_two_events,
    a_server_that_is_silent_in_the_middle_of_a_chunk,
);

const LIMIT: Duration = Duration::from_secs(3);
/// A busy machine may add some time, but not the limit once more.
const ONCE: Duration = Duration::from_millis(5700);

fn a_server_that_never_answers(adapter: &dyn Adapter) {
    expect_one_limit(adapter, Turn::no_headers());
}

fn a_server_that_is_silent_after_two_events(adapter: &dyn Adapter) {
    expect_one_limit(adapter, Turn::stall_after(2));
}

fn a_server_that_is_silent_in_the_middle_of_a_chunk(adapter: &dyn Adapter) {
    let turn = Turn::new().then_headers().then_pause(Duration::from_millis(200));
    expect_one_limit(adapter, turn.then_raw("40\r\ndata: ").then_stall());
}

fn expect_one_limit(adapter: &dyn Adapter, silent: Turn) {
    let peer = Peer::start();
    peer.set_handshake(Handshake::status(403));
    peer.set_turn(Transport::Sse, silent);
    let limits = Limits::new().with_idle_timeout(LIMIT);
    let config = Config::new().with_stream_max_retries(0);
    let client = adapter.client(Settings::new(&peer).limits(limits).config(config));
    let begun = Instant::now();
    let error = collect(client.stream(Request::text("m", "hello"))).error.expect("it is silent");
    let took = begun.elapsed();
    assert!(error.to_string().contains("was silent for too long"), "{error}");
    assert!((LIMIT..ONCE).contains(&took), "{took:?}: {error}");
}
