//! Keep-alives that look like events: they killed the stream, or counted as output so that a drop after them
//! lost the turn.

use failback::Transport;
use failback_peer::Turn;
use failback_tests::{Adapter, Settings};

use crate::common::{expect_echo, peer_on, turn};

with_every_adapter!(keep_alives_are_no_events, what_is_not_of_the_response_commits_nothing);

const EMPTY: [&str; 5] = ["", " ", "{}", r#"{"type":"ping"}"#, r#"{"type":"keepalive","sequence_number":9}"#];

fn keep_alives_are_no_events(adapter: &dyn Adapter) {
    let peer = peer_on(Transport::WebSocket);
    let client = adapter.client(Settings::new(&peer));
    for requests in 1..3 {
        let mut script = Turn::new();
        for text in EMPTY {
            script = script.then_payload(text).then_events(2).then_payload(text);
        }
        peer.push_turn(Transport::WebSocket, script.then_complete());
        let outcome = turn(&*client);
        expect_echo(&outcome, &peer, Transport::WebSocket, requests);
        assert!(outcome.is_complete(), "{outcome:?}");
    }
    assert_eq!(peer.journal().handshakes(), 1);

    let peer = peer_on(Transport::Sse);
    let client = adapter.client(Settings::new(&peer));
    let mut script = Turn::new();
    for text in EMPTY {
        for name in ["", "event: ping\n", "event: keepalive\n", "event: response.created\n"] {
            script = script.then_payload(format!("{name}data: {text}\n\n")).then_events(1);
        }
        script =
            script.then_payload("event: ping\n\n").then_payload("event: ping\ndata: {\"cost\":\"0\"}\n\n");
    }
    // Named otherwise, a ping whose type says so is still one.
    peer.push_turn(Transport::Sse, script.then_complete());
    let outcome = turn(&*client);
    expect_echo(&outcome, &peer, Transport::Sse, 1);
    assert!(outcome.is_complete(), "{outcome:?}");
}

fn what_is_not_of_the_response_commits_nothing(adapter: &dyn Adapter) {
    let foreign = [
        r#"{"type":"keepalive"}"#,
        r#"{"type":"codex.rate_limits","rate_limits":{"allowed":true}}"#,
        r#"{"type":"gateway.metadata","region":"x"}"#,
    ];
    for transport in [Transport::WebSocket, Transport::Sse] {
        let peer = peer_on(transport);
        let mut script = Turn::after(2);
        for json in foreign {
            let text =
                if transport == Transport::Sse { format!("data: {json}\n\n") } else { json.to_owned() };
            script = script.then_payload(text);
        }
        peer.push_turn(transport, script.then_drop());
        let client = adapter.client(Settings::new(&peer));
        let outcome = turn(&*client);
        expect_echo(&outcome, &peer, transport, 2);
        // The two that are no keep-alives were delivered, and taken back.
        assert_eq!(outcome.restarts(), [4], "{outcome:?}");
    }
}
