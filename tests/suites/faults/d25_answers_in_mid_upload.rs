//! A server refuses a large request before it has read it, and hangs up: the next write fails, and what the
//! server said waits to be read.

use failback::{GiveUp, Mode, Reason, Transport};
use failback_peer::{Handshake, Peer, What};
use failback_tests::{Adapter, Settings, collect};
use failback_wire::Request;

with_every_adapter!(
    a_close_1009_in_mid_upload_moves_this_turn_alone,
    a_413_in_mid_upload_ends_the_turn_in_the_servers_words,
);

fn large() -> Request {
    Request::text("m", &"x".repeat(6 * 1024 * 1024))
}

fn a_close_1009_in_mid_upload_moves_this_turn_alone(adapter: &dyn Adapter) {
    let peer = Peer::start();
    peer.hang_up_above(64 * 1024);
    let client = adapter.client(Settings::new(&peer));
    let outcome = collect(client.stream(large()));
    // SSE is as strict here, and says so.
    let error = outcome.error.as_ref().expect("an error");
    assert_eq!(error.give_up(), GiveUp::NotRetryable, "{error}");
    let attempts: Vec<_> =
        error.attempts().iter().map(|attempt| (attempt.transport(), attempt.reason())).collect();
    let expected = [(Transport::WebSocket, Reason::Healthy), (Transport::Sse, Reason::TooLarge)];
    assert_eq!(attempts, expected, "{error}");
    assert!(error.attempts()[1].text().contains("HTTP 413"), "{error}");
    assert_eq!((client.policy().mode(), client.policy().recoveries_left()), (Mode::Preferred, 3));

    let journal = peer.journal();
    assert_eq!(journal.count(|what| matches!(what, What::CloseSent { code: 1009 })), 1, "{journal}");
    let outcome = collect(client.stream(Request::text("m", "small")));
    assert!(outcome.is_complete(), "{outcome:?}");
    assert_eq!(peer.journal().transports(), [Transport::WebSocket]);
}

fn a_413_in_mid_upload_ends_the_turn_in_the_servers_words(adapter: &dyn Adapter) {
    let peer = Peer::start();
    peer.set_handshake(Handshake::status(403));
    peer.hang_up_above(64 * 1024);
    let client = adapter.client(Settings::new(&peer));
    let outcome = collect(client.stream(large()));
    let error = outcome.error.as_ref().expect("an error");
    assert_eq!(error.give_up(), GiveUp::NotRetryable, "{error}");
    assert_eq!(error.attempts().len(), 2, "{error}");
    assert!(error.attempts()[1].text().contains("HTTP 413"), "{error}");
    assert!(error.to_string().contains("told to refuse this"), "{error}");
    assert_eq!(peer.journal().count(|what| matches!(what, What::Refused { status: 413 })), 1);
}
