//! WebSocket opens, then dies at once, for ever: clients that come back on every open flap between the
//! transports.

use std::time::Duration;

use failback::{GiveUp, Mode, Status, Transport};
use failback_peer::{Handshake, Peer, Turn};
use failback_tests::{Adapter, Settings, collect};
use failback_wire::Request;

with_every_adapter!(
    a_reset_right_after_the_upgrade_is_tried_eight_times_in_all,
    close_1008_right_after_the_upgrade_is_tried_eight_times_in_all,
    an_end_right_after_the_request_is_tried_eight_times_in_all,
    a_refused_upgrade_is_tried_four_times_in_all,
    a_server_that_restarts_for_ever_is_tried_twelve_times_in_all,
    an_end_after_output_is_tried_four_times_in_all,
);

const TURNS: usize = 60;

/// More than the longest cooldown.
const PAUSE: Duration = Duration::from_secs(20 * 60);

/// The first turn has five attempts; then there are three recoveries, each good for one more.
const STREAM_FAILURES: Bound = Bound { first_turn: 5, each_probe: 1 };

struct Bound {
    first_turn: usize,
    each_probe: usize,
}

fn a_reset_right_after_the_upgrade_is_tried_eight_times_in_all(adapter: &dyn Adapter) {
    let peer = Peer::start();
    peer.set_handshake(Handshake::AcceptThenReset);
    flaps(adapter, &peer, &STREAM_FAILURES);
}

fn close_1008_right_after_the_upgrade_is_tried_eight_times_in_all(adapter: &dyn Adapter) {
    let peer = Peer::start();
    peer.set_handshake(Handshake::AcceptThenClose { code: 1008 });
    flaps(adapter, &peer, &STREAM_FAILURES);
}

fn an_end_right_after_the_request_is_tried_eight_times_in_all(adapter: &dyn Adapter) {
    let peer = Peer::start();
    peer.set_turn(Transport::WebSocket, Turn::drop_after(0));
    flaps(adapter, &peer, &STREAM_FAILURES);
    assert_eq!(peer.journal().requests(Transport::WebSocket), 8);
}

fn a_refused_upgrade_is_tried_four_times_in_all(adapter: &dyn Adapter) {
    let peer = Peer::start();
    peer.set_handshake(Handshake::status(403));
    flaps(adapter, &peer, &Bound { first_turn: 1, each_probe: 1 });
}

fn a_server_that_restarts_for_ever_is_tried_twelve_times_in_all(adapter: &dyn Adapter) {
    let peer = Peer::start();
    peer.set_handshake(Handshake::AcceptThenClose { code: 1012 });
    // Once in a row in each turn a restart is nobody's fault.
    flaps(adapter, &peer, &Bound { first_turn: 6, each_probe: 2 });
}

/// Every turn completes over SSE, and what is tried on WebSocket before that is bounded, exactly.
fn flaps(adapter: &dyn Adapter, peer: &Peer, bound: &Bound) {
    let client = adapter.client(Settings::new(peer));
    for turn in 0..TURNS {
        let outcome = collect(client.stream(Request::text("m", &format!("turn {turn}"))));
        assert!(outcome.is_complete(), "{outcome:?}");
        assert_eq!(outcome.text(), format!("echo: turn {turn}"));
        let moves: &[_] = if turn == 0 { &[Transport::Sse] } else { &[] };
        assert_eq!(outcome.moves(), moves, "turn {turn}: it moves once, for good");

        let probes = turn.min(3);
        let journal = peer.journal();
        assert_eq!(journal.handshakes(), bound.first_turn + bound.each_probe * probes, "{journal}");
        assert_eq!(usize::from(client.policy().recoveries_left()), 3 - probes);
        let Status { mode, retry_in, .. } = client.policy().status();
        match turn {
            0..=2 => {
                assert!(matches!(mode, Mode::FailedOver { .. }), "{mode:?}");
                let (least, wait) = (60 << turn, retry_in.expect("a cooldown").as_secs());
                // Jitter adds up to a half; the time since then takes a little away.
                assert!((least - 10..=least * 3 / 2).contains(&wait), "{wait} s after turn {turn}");
            }
            _ => assert_eq!(mode, Mode::Pinned),
        }
        client.advance(PAUSE);
    }
    assert_eq!(peer.journal().requests(Transport::Sse), TURNS);
}

fn an_end_after_output_is_tried_four_times_in_all(adapter: &dyn Adapter) {
    let peer = Peer::start();
    peer.set_turn(Transport::WebSocket, Turn::drop_after(5));
    let client = adapter.client(Settings::new(&peer));

    // A turn that is lost and one over SSE that convicts, and again with each probe until no recovery is
    // left.
    let lost = [1, 3, 5, 7];
    for turn in 1..=TURNS {
        let outcome = collect(client.stream(Request::text("m", "hello world")));
        if lost.contains(&turn) {
            assert_eq!(outcome.text(), "echo: ", "turn {turn}");
            let error = outcome.error.expect("output cannot be taken back");
            assert_eq!(error.give_up(), GiveUp::Committed, "turn {turn}: {error}");
        } else {
            assert!(outcome.is_complete(), "turn {turn}: {outcome:?}");
            assert_eq!(outcome.text(), "echo: hello world");
            client.advance(PAUSE);
        }
    }

    let journal = peer.journal();
    assert_eq!(journal.handshakes(), lost.len(), "{journal}");
    assert_eq!(journal.requests(Transport::WebSocket), lost.len(), "{journal}");
    assert_eq!(journal.requests(Transport::Sse), TURNS - lost.len(), "{journal}");
    assert_eq!(client.policy().mode(), Mode::Pinned);
}
