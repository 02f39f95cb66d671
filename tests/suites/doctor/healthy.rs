//! Where both transports work: what is found, and that nothing is asked for money.

use failback_peer::{Handshake, Peer, Transport, What};
use serde_json::json;

use crate::report::doctor;

#[test]
fn both_work_and_each_step_is_told() {
    let peer = Peer::start();
    let report = doctor(&peer.url(), &[]).expect(0, &["websocket-works", "sse-works"]);
    let steps = [
        ("proxy", "told"),
        ("name", "told"),
        ("tcp", "ok"),
        ("upgrade", "ok"),
        ("ping", "ok"),
        ("idle", "ok"),
        ("frame", "ok"),
    ];
    assert_eq!(report.steps("websocket"), steps);
    let steps = [("proxy", "told"), ("name", "told"), ("tcp", "ok"), ("post", "ok"), ("live", "unknown")];
    assert_eq!(report.steps("sse"), steps);
    assert_eq!(report.0["websocket"]["idle_ms"], 1000);
    assert!(report.0["sse"]["is_live"].is_null());
    assert_eq!(report.0["policy"]["first_turn"]["transport"], "websocket");
    assert_eq!(report.0["policy"]["mode"], "preferred");
    assert_eq!(report.0["advice"], json!([]));
}

#[test]
fn without_turn_nothing_is_sent_that_an_api_would_generate_for() {
    let peer = Peer::start();
    doctor(&peer.url(), &[]).expect(0, &["websocket-works", "sse-works"]);
    let journal = peer.journal();
    assert_eq!(journal.handshakes(), 1, "{journal}");
    assert_eq!(journal.request_bodies(Transport::Sse), [&json!({})], "{journal}");
    for body in journal.request_bodies(Transport::WebSocket) {
        assert_ne!(body["type"], "response.create", "{journal}");
    }
}

#[test]
fn a_turn_over_each_transport_is_one_and_short() {
    let peer = Peer::start();
    let report =
        doctor(&peer.url(), &["--turn", "--model", "tiny"]).expect(0, &["websocket-works", "sse-works"]);
    let journal = peer.journal();
    for transport in [Transport::WebSocket, Transport::Sse] {
        let bodies = journal.request_bodies(transport);
        assert_eq!(bodies.len(), 1, "{journal}");
        assert_eq!(bodies[0]["model"], "tiny", "{journal}");
    }
    assert!(report.text("websocket", "turn").contains("14 events"), "{:#}", report.0);
    assert!(report.text("sse", "turn").contains("14 events"), "{:#}", report.0);
}

#[test]
fn a_name_is_looked_up() {
    let peer = Peer::start();
    let report = doctor(&peer.url().replace("127.0.0.1", "localhost"), &[]);
    assert!(report.text("websocket", "name").contains("localhost is "), "{:#}", report.0);
    assert!(report.text("websocket", "name").contains("127.0.0.1"), "{:#}", report.0);
}

#[test]
fn without_a_key_a_401_says_enough() {
    let peer = Peer::start();
    peer.require_bearer("open-sesame");
    let report =
        doctor(&peer.url(), &[]).expect(0, &["credentials-wanted"]).says(&["wants credentials", "401"]);
    // Whether an upgrade with a key would be granted is not known, nor what the policy does then.
    assert!(report.0["websocket"]["works"].is_null() && report.0["sse"]["works"] == true, "{:#}", report.0);
    assert!(report.0["policy"]["mode"].is_null());
    assert_eq!(report.0["websocket"]["status"], 401);

    let report = doctor(&peer.url(), &["--header", "Authorization: Bearer open-sesame"]);
    report.expect(0, &["websocket-works", "sse-works"]);
    assert!(peer.journal().any(|what| matches!(what, What::Upgraded)));
}

/// A gateway that says 401 to every upgrade refuses WebSocket: the credentials are good enough for SSE.
#[test]
fn a_401_to_the_upgrade_alone_is_a_refusal() {
    let peer = Peer::start();
    peer.require_bearer("open-sesame");
    peer.set_handshake(Handshake::status(401));
    let report = doctor(&peer.url(), &["--header", "Authorization: Bearer open-sesame"]);
    let report = report.expect(3, &["websocket-refused", "sse-works"]);
    assert_eq!(report.0["policy"]["mode"], "failed_over", "{:#}", report.0);
}
