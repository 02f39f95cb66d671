//! What stands in the way of WebSocket, while SSE works.

use failback::Transport;
use failback_peer::{Handshake, Peer, Turn, What};

use crate::report::doctor;

#[test]
fn a_refused_upgrade_is_told_by_its_status() {
    let peer = Peer::start();
    peer.set_headers(&[("server", "api")]);
    for (status, kind, says) in [
        (403, "websocket-refused", "refused by a proxy that calls itself nginx (403 Forbidden)"),
        (502, "websocket-refused", "502 Bad Gateway"),
        (302, "websocket-refused", "302 Found"),
        (200, "websocket-stripped", "stripped by"),
        (426, "websocket-stripped", "426 Upgrade Required"),
        (404, "websocket-not-offered", "no WebSocket at this URL"),
        (405, "websocket-not-offered", "405 Method Not Allowed"),
    ] {
        peer.set_handshake(Handshake::status(status).header("server", "nginx"));
        let report =
            doctor(&peer.url(), &["--turn"]).expect(3, &[kind, "sse-works"]).says(&[says, "SSE works"]);
        assert_eq!(report.0["websocket"]["status"], status);
        assert_eq!(report.0["websocket"]["server"], "nginx");
        // The numbers of the policy, out of the policy.
        let policy = &report.0["policy"];
        assert_eq!(policy["first_turn"]["transport"], "sse", "{policy}");
        assert_eq!(policy["first_turn"]["websocket_attempts"], 1, "{policy}");
        assert_eq!(
            (&policy["mode"], &policy["retry_in_ms"]),
            (&"failed_over".into(), &60_000.into()),
            "{policy}"
        );
        assert_eq!(policy["pinned"]["tries"], 3, "{policy}");
    }
}

#[test]
fn the_nearest_proxy_is_named() {
    let peer = Peer::start();
    peer.set_handshake(Handshake::status(403).header("via", "1.0 far, 1.1 near (squid/5.7)"));
    doctor(&peer.url(), &[])
        .expect(3, &["websocket-refused", "sse-works"])
        .says(&["a proxy that calls itself near (squid/5.7)"]);
}

#[test]
fn a_server_that_is_busy_is_not_held_against_websocket() {
    let peer = Peer::start();
    peer.set_handshake(Handshake::status(429));
    let report = doctor(&peer.url(), &[]).expect(3, &["websocket-busy", "sse-works"]);
    assert_eq!(report.0["policy"]["mode"], "preferred");
    assert!(report.0["websocket"]["works"].is_null());
}

#[test]
fn a_black_hole_costs_the_first_turn_its_head_start() {
    let peer = Peer::start();
    peer.set_handshake(Handshake::BlackHole);
    let settings = ["--set", "connect_timeout_ms=700", "--set", "head_start_ms=300"];
    let report = doctor(&peer.url(), &settings).expect(3, &["websocket-black-holed", "sse-works"]);
    assert_eq!(report.0["policy"]["first_turn"]["waits_ms"], 300, "{:#}", report.0);
    assert_eq!(report.0["policy"]["mode"], "failed_over");
    assert_eq!(report.steps("websocket").last(), Some(&("upgrade", "failed")));
}

#[test]
fn a_turn_that_breaks_off_is_told_as_far_as_it_had_come() {
    let peer = Peer::start();
    for (events, says, give_up, mode) in [
        (0, "before the first event", None, "failed_over"),
        (2, "in mid-stream", None, "failed_over"),
        // The fifth is output.
        (5, "in mid-stream", Some("committed"), "suspected"),
    ] {
        peer.push_turn(Transport::WebSocket, Turn::drop_after(events));
        let report =
            doctor(&peer.url(), &["--turn"]).expect(3, &["websocket-broken", "sse-works"]).says(&[says]);
        let policy = &report.0["policy"];
        assert_eq!(policy["first_turn"]["give_up"].as_str(), give_up, "{events}: {policy}");
        assert_eq!(policy["mode"], mode, "{events}: {policy}");
    }
}

#[test]
fn a_handshake_that_breaks_is_told() {
    let peer = Peer::start();
    for (handshake, step) in [
        (Handshake::Reset, "upgrade"),
        (Handshake::Close, "upgrade"),
        (Handshake::BadAccept, "upgrade"),
        (Handshake::Garbage(b"\x16\x03nonsense\r\n\r\n".to_vec()), "upgrade"),
        (Handshake::AcceptThenReset, "ping"),
        (Handshake::AcceptThenClose { code: 1008 }, "ping"),
    ] {
        peer.set_handshake(handshake);
        let report = doctor(&peer.url(), &[]).expect(3, &["websocket-broken", "sse-works"]);
        assert_eq!(report.steps("websocket").last(), Some(&(step, "failed")), "{:#}", report.0);
    }
}

#[test]
fn a_socket_that_is_cut_in_its_idle_time_is_told_from_one_that_does_not_work() {
    let peer = Peer::start();
    let url = peer.url();
    let examined = std::thread::spawn(move || doctor(&url, &["--timeout", "60", "--idle", "15"]));
    peer.wait_for_blocking("the upgrade", |journal| journal.upgrades() == 1);
    // The pong leaves with the first ping, and the silence begins.
    peer.wait_for_blocking("the ping", |journal| journal.any(|what| matches!(what, What::Ping)));
    std::thread::sleep(std::time::Duration::from_millis(500));
    peer.drop_connections();
    let report = examined.join().expect("a report").expect(0, &["websocket-idle-cut", "sse-works"]);
    assert_eq!(report.steps("websocket").last(), Some(&("idle", "failed")));
    assert_eq!(report.0["policy"]["mode"], "preferred");
}
