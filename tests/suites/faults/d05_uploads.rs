//! A large request takes longer to send than any limit on silence: bytes that leave are a sign of life, and
//! the clock for the first event starts when the request has left.

use std::cell::Cell;
use std::time::Duration;

use failback::{Mode, Transport};
use failback_peer::{Handshake, Journal, Peer, Turn, What};
use failback_tests::{Adapter, Settings, collect};
use failback_wire::Request;

with_every_adapter!(a_long_upload_over_websocket_is_no_silence, a_long_upload_over_sse_is_no_silence);

const SIZE: usize = 20 * 1024 * 1024;
/// More than what the two kernels hold of it when it has left the client.
const ON_ITS_WAY: usize = 12 * 1024 * 1024;
const PART: usize = 64 * 1024;

/// One upload, of which each part takes so long by the clock of the client.
fn upload(adapter: &dyn Adapter, transport: Transport, part_time: Duration) {
    let peer = Peer::start();
    let client = adapter.client(Settings::new(&peer));
    if transport == Transport::Sse {
        peer.set_handshake(Handshake::status(403));
    }
    peer.set_turn(transport, Turn::text("received"));
    peer.read_slowly(PART, Duration::from_millis(1));
    let mut turn = client.stream(Request::text("m", &"x".repeat(SIZE)));
    let seen = Cell::new(0);
    let is_on_its_way = || {
        let taken = taken_last(&peer.journal());
        if taken >= SIZE - ON_ITS_WAY {
            return true;
        }
        let parts = taken.saturating_sub(seen.replace(taken)).div_ceil(PART);
        client.advance(part_time * u32::try_from(parts).expect("few parts"));
        false
    };
    while !is_on_its_way() {
        // Before the request there is the notice of the move to SSE, or nothing.
        drop(turn.next_unless(&is_on_its_way));
    }
    peer.read_at_once();
    let outcome = collect(turn);
    assert!(outcome.error.is_none(), "{:?}", outcome.error);
    assert_eq!(outcome.text(), "received");
    let journal = peer.journal();
    assert_eq!(journal.transports(), [transport]);
    // One upload, as one that was given up would leave no request.
    assert_eq!(journal.handshakes(), 1, "{transport}");
    let posts = journal.count(|what| matches!(what, What::Post { .. }));
    assert_eq!(posts, usize::from(transport == Transport::Sse), "{transport}");
    if transport == Transport::WebSocket {
        assert_eq!(client.policy().mode(), Mode::Preferred);
    }
}

fn taken_last(journal: &Journal) -> usize {
    let last = journal.entries().rev().find_map(|entry| match entry.what {
        What::Taken { bytes } => Some(bytes),
        _ => None,
    });
    last.unwrap_or_default()
}

/// Over 30 s in all, the time of each limit. It takes nearly all of the parts to come to that: a client that
/// stands still for a moment, while the peer takes what the kernels hold, is not silent for so long.
fn a_long_upload_over_websocket_is_no_silence(adapter: &dyn Adapter) {
    upload(adapter, Transport::WebSocket, Duration::from_millis(250));
}

/// There the limit is ten times as long.
fn a_long_upload_over_sse_is_no_silence(adapter: &dyn Adapter) {
    upload(adapter, Transport::Sse, Duration::from_millis(2500));
}
