//! A large request takes longer to send than any limit on silence: bytes that leave are a sign of life, and the clock for
//! the first event starts when the request has left.

use std::thread;
use std::time::Duration;

use failback::{Mode, Transport};
use failback_peer::{Handshake, Journal, Peer, Turn, What};
use failback_tests::{Adapter, Settings, collect};
use failback_wire::{Limits, Request};

with_every_adapter!(a_long_upload_over_websocket_is_no_silence, a_long_upload_over_sse_is_no_silence);

const SIZE: usize = 20 * 1024 * 1024;
/// More than what the two kernels hold of it when it has left the client.
const ON_ITS_WAY: usize = 12 * 1024 * 1024;
const PART: usize = 64 * 1024;

/// One upload, of which each part takes `pause`, and `more` by the clock of the client.
fn upload(adapter: &dyn Adapter, transport: Transport, limits: Limits, pause: Duration, more: Duration) {
    let peer = Peer::start();
    let client = adapter.client(Settings::new(&peer).limits(limits));
    if transport == Transport::Sse {
        peer.set_handshake(Handshake::status(403));
    }
    peer.set_turn(transport, Turn::text("received"));
    peer.read_slowly(PART, pause);
    let turn = client.stream(Request::text("m", &"x".repeat(SIZE)));
    let turn = thread::spawn(move || collect(turn));
    let mut seen = 0;
    loop {
        let journal = peer.wait_for_blocking("more of the upload", |journal| taken_last(journal) > seen);
        let now = taken_last(&journal);
        if now >= SIZE - ON_ITS_WAY {
            peer.read_at_once();
            break;
        }
        let parts = u32::try_from((now - seen).div_ceil(PART)).expect("few parts");
        client.advance(more * parts);
        seen = now;
    }
    let outcome = turn.join().expect("the turn");
    assert!(outcome.is_complete(), "{:?}", outcome.error);
    let journal = peer.journal();
    assert_eq!(journal.transports(), [transport]);
    // One upload, as one that was given up would leave no request.
    assert_eq!(journal.handshakes(), 1, "{transport}");
    let posts = journal.count(|what| matches!(what, What::Post { .. }));
    assert_eq!(posts, usize::from(transport == Transport::Sse), "{transport}");
    if transport == Transport::WebSocket {
        assert_eq!(client.policy().mode().0, Mode::Preferred);
    }
}

fn taken_last(journal: &Journal) -> usize {
    let last = journal.entries().rev().find_map(|entry| match entry.what {
        What::Taken { bytes } => Some(bytes),
        _ => None,
    });
    last.unwrap_or_default()
}

fn a_long_upload_over_websocket_is_no_silence(adapter: &dyn Adapter) {
    // 50 s in all, and a part, or what goes at once, takes far less than the 30 s of each limit.
    let (pause, more) = (Duration::from_millis(1), Duration::from_millis(400));
    upload(adapter, Transport::WebSocket, Limits::new(), pause, more);
}

fn a_long_upload_over_sse_is_no_silence(adapter: &dyn Adapter) {
    // More than a second in all.
    let limits = Limits::new().with_idle_timeout(Duration::from_millis(700));
    upload(adapter, Transport::Sse, limits, Duration::from_millis(10), Duration::ZERO);
}
