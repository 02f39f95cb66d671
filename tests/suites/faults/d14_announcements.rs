//! Dropped after a part was announced, of which nothing had come yet: the turn was lost, as if there had been
//! output.

use failback::Transport;
use failback_peer::Turn;
use failback_tests::{Adapter, Settings};

use crate::common::{expect_echo, peer_on, turn};

with_every_adapter!(a_drop_after_announcements_is_tried_again);

fn a_drop_after_announcements_is_tried_again(adapter: &dyn Adapter) {
    for transport in [Transport::WebSocket, Transport::Sse] {
        // `response.output_item.added`, and `response.content_part.added` too.
        for events in [3, 4] {
            let peer = peer_on(transport);
            peer.push_turn(transport, Turn::drop_after(events));
            let client = adapter.client(Settings::new(&peer));
            let outcome = turn(&*client);
            expect_echo(&outcome, &peer, transport, 2);
            assert_eq!(outcome.restarts(), [events], "{outcome:?}");
        }
    }
}
