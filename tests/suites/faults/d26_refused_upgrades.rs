//! WebSocket alone is refused, by a gateway that lets SSE through: every turn failed, and SSE was never
//! asked.

use std::time::Duration;

use failback::{Blame, Config, GiveUp, Mode, Stage, Transport};
use failback_peer::{Handshake, Peer};
use failback_tests::{Adapter, Settings, strict};
use failback_wire::Limits;

use crate::common::{expect_echo, turn};

with_every_adapter!(
    sse_carries_the_turn_whatever_refuses_the_upgrade,
    a_websocket_side_that_alone_is_busy_strands_no_turn,
    what_sse_refuses_too_is_told_in_its_words,
    a_refusal_whose_rest_is_late_is_a_refusal,
);

fn refused(code: u16) -> Handshake {
    let body = r#"{"error":{"type":"invalid_request_error","code":"no_websockets","message":"Not here."}}"#;
    Handshake::Status { code, headers: Vec::new(), body: body.to_owned() }
}

fn sse_carries_the_turn_whatever_refuses_the_upgrade(adapter: &dyn Adapter) {
    for code in [400, 401, 402, 403, 404, 409, 418, 422, 426, 500, 503] {
        let peer = Peer::start();
        peer.set_handshake(refused(code));
        let client = adapter.client(Settings::new(&peer));
        expect_echo(&turn(&*client), &peer, Transport::Sse, 1);
        expect_echo(&turn(&*client), &peer, Transport::Sse, 2);
        assert_eq!(peer.journal().handshakes(), 1, "{code}: {}", peer.journal());
        assert!(matches!(client.policy().mode(), Mode::FailedOver { .. }), "{code}");
    }
}

fn a_websocket_side_that_alone_is_busy_strands_no_turn(adapter: &dyn Adapter) {
    for code in [429, 503, 529] {
        let peer = Peer::start();
        peer.set_handshake(Handshake::status(code).header("retry-after", "0"));
        // 200 ms and more otherwise, before each.
        let config = Config::new().with_backoff_max(Duration::from_millis(10));
        let client = adapter.client(Settings::new(&peer).config(config));
        for turns in 1..=3 {
            expect_echo(&turn(&*client), &peer, Transport::Sse, turns);
            // Asked again once, and then over SSE; a busy server says nothing against WebSocket.
            assert_eq!(peer.journal().handshakes(), 2 * turns, "{code}: {}", peer.journal());
            assert_eq!(client.policy().mode(), Mode::Preferred, "{code}");
        }
    }
}

fn what_sse_refuses_too_is_told_in_its_words(adapter: &dyn Adapter) {
    let peer = Peer::start();
    peer.require_bearer("right");
    let client = adapter.client(Settings::new(&peer));
    let error = turn(&*client).error.expect("an error");
    assert_eq!(error.give_up(), GiveUp::NotRetryable, "{error}");
    let attempts: Vec<_> = error.attempts().iter().map(|a| (a.transport(), a.stage(), a.blame())).collect();
    let expected = [
        (Transport::WebSocket, Stage::Connecting, Some(Blame::Transport)),
        (Transport::Sse, Stage::Open, Some(Blame::Request)),
    ];
    assert_eq!(attempts, expected, "{error}");
    assert!(error.attempts()[1].text().contains("Incorrect API key provided."), "{error}");
    let journal = peer.journal();
    assert_eq!((journal.handshakes(), journal.requests(Transport::Sse)), (1, 1), "{journal}");
    assert_eq!(client.policy().mode(), Mode::Preferred);
}

/// A busy server was taken for one that does not answer, which is WebSocket's fault.
fn a_refusal_whose_rest_is_late_is_a_refusal(adapter: &dyn Adapter) {
    let peer = Peer::start();
    let head =
        "HTTP/1.1 429 Too Many Requests\r\ncontent-type: text/plain\r\ncontent-length: 100\r\n\r\nnot al";
    peer.set_handshake(Handshake::Garbage(head.into()));
    // The rest of such an answer is awaited for a second.
    let limits = Limits::new().with_connect_timeout(Duration::from_millis(900));
    let client = adapter.client(Settings::new(&peer).config(strict()).limits(limits));
    let error = turn(&*client).error.expect("an error");
    let told: Vec<_> = error.attempts().iter().map(|a| (a.transport(), a.blame())).collect();
    assert_eq!(told, [(Transport::WebSocket, Some(Blame::Server))], "{error}");
    assert!(error.to_string().contains("429 Too Many Requests: not al…"), "{error}");
    assert_eq!(client.policy().mode(), Mode::Preferred);
}
