//! The fallback is refused, "not available in your region", and its error hides that WebSocket only had a bad
//! moment; the session stays on the fallback that never works.

use failback::{Blame, GiveUp, Mode, Stage, Transport};
use failback_peer::{Handshake, Peer, Turn};
use failback_tests::{Adapter, Outcome, Settings, collect};
use failback_wire::Request;

with_every_adapter!(
    a_refused_fallback_does_not_hide_a_reset_handshake,
    a_refused_fallback_does_not_hide_a_stream_that_broke,
);

const REGION: &str = "Country, region, or territory not supported.";

fn refuse_sse(peer: &Peer) {
    let body = format!(
        r#"{{"error":{{"type":"request_forbidden","code":"unsupported_country","message":"{REGION}"}}}}"#
    );
    peer.set_turn(Transport::Sse, Turn::status(403).body(&body));
}

/// The error names both transports and what each of them met, the fallback last.
fn expect_both(outcome: &Outcome, websocket: (Stage, &str), attempts: usize) {
    let error = outcome.error.as_ref().expect("an error");
    assert_eq!(error.give_up(), GiveUp::NotRetryable, "{error}");
    assert!(outcome.items.is_empty(), "{outcome:?}");
    assert_eq!(error.attempts().len(), attempts, "{error}");
    let (last, before) = error.attempts().split_last().expect("attempts");
    assert_eq!(
        (last.transport(), last.stage(), last.blame()),
        (Transport::Sse, Stage::Open, Some(Blame::Request)),
        "{error}"
    );
    for attempt in before {
        let expected = (Transport::WebSocket, websocket.0, Some(Blame::Transport));
        assert_eq!((attempt.transport(), attempt.stage(), attempt.blame()), expected, "{error}");
    }
    let text = error.to_string();
    for part in ["WebSocket", websocket.1, "SSE", "403 Forbidden", REGION] {
        assert!(text.contains(part), "{part} is not in: {text}");
    }
}

fn expect_websocket_next(peer: &Peer, client: &dyn failback_tests::TestClient) {
    assert_eq!((client.policy().mode(), client.policy().recoveries_left()), (Mode::Preferred, 3));
    let before = peer.journal();
    let outcome = collect(client.stream(Request::text("m", "hello")));
    assert!(outcome.is_complete(), "{outcome:?}");
    assert_eq!(outcome.text(), "echo: hello");
    assert!(outcome.notices().is_empty(), "{outcome:?}");
    let journal = peer.journal();
    assert_eq!(journal.handshakes(), before.handshakes() + 1, "{journal}");
    assert_eq!(journal.transports().last(), Some(&Transport::WebSocket), "{journal}");
    assert_eq!(journal.requests(Transport::Sse), 1, "{journal}");
}

fn a_refused_fallback_does_not_hide_a_reset_handshake(adapter: &dyn Adapter) {
    let peer = Peer::start();
    peer.push_handshake(Handshake::Reset);
    refuse_sse(&peer);
    let client = adapter.client(Settings::new(&peer));
    let outcome = collect(client.stream(Request::text("m", "hello")));
    expect_both(&outcome, (Stage::Connecting, "during the handshake"), 2);
    let journal = peer.journal();
    assert_eq!((journal.handshakes(), journal.transports()), (1, vec![Transport::Sse]), "{journal}");
    expect_websocket_next(&peer, &*client);
}

fn a_refused_fallback_does_not_hide_a_stream_that_broke(adapter: &dyn Adapter) {
    let peer = Peer::start();
    for _ in 0..2 {
        peer.push_turn(Transport::WebSocket, Turn::reset_after(0));
    }
    refuse_sse(&peer);
    let config = failback::Config::new().with_stream_max_retries(1);
    let client = adapter.client(Settings::new(&peer).config(config));
    let outcome = collect(client.stream(Request::text("m", "hello")));
    expect_both(&outcome, (Stage::Open, "before the first event"), 3);
    let journal = peer.journal();
    assert_eq!(journal.handshakes(), 2, "{journal}");
    let expected = [Transport::WebSocket, Transport::WebSocket, Transport::Sse];
    assert_eq!(journal.transports(), expected, "{journal}");
    expect_websocket_next(&peer, &*client);
}
