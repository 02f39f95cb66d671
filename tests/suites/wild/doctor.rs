//! What `failback doctor` says of proxies that nobody here wrote.

use std::time::Duration;

use failback_peer::{Peer, Transport, Turn};

use crate::certificates::Certificate;
use crate::doctor_report::doctor;
use crate::{front, front_tls, outward, socks};

/// A certificate's authority in a file of its own.
fn ca(name: &str, certificate: &Certificate) -> String {
    let path = std::path::PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(name);
    std::fs::write(&path, &certificate.authority).expect("a file");
    path.to_str().expect("a path that is text").to_owned()
}

#[test]
fn nginx_by_what_it_does_to_an_upgrade() {
    let peer = Peer::start();
    let Some(nginx) = front::nginx(&peer) else { return };
    let at = |path: &str| format!("http://127.0.0.1:{}/{path}/v1", nginx.port());
    doctor(&at("upgraded"), &[]).expect(0, &["websocket-works", "sse-works"]);
    for path in ["plain", "http11", "gzip"] {
        let report = doctor(&at(path), &[]).expect(3, &["websocket-not-offered", "sse-works"]);
        report.says(&["405 Method Not Allowed", "calls itself nginx"]);
    }
    for (path, says) in
        [("400", "400 Bad Request"), ("301", "301 Moved"), ("403", "403 Forbidden"), ("502", "502 Bad")]
    {
        let report = doctor(&at(path), &[]).expect(3, &["websocket-refused", "sse-works"]);
        let report = report.says(&["refused by what calls itself nginx", says]);
        assert_eq!(report.steps("websocket").last(), Some(&("upgrade", "failed")));
    }
}

#[test]
fn nginx_that_buffers_and_nginx_that_cuts_what_is_idle() {
    let peer = Peer::start();
    let Some(nginx) = front::nginx(&peer) else { return };
    let at = |path: &str| format!("http://127.0.0.1:{}/{path}/v1", nginx.port());
    peer.set_turn(Transport::Sse, Turn::after(5).then_pause(Duration::from_millis(1500)).then_complete());
    let report = doctor(&at("buffered"), &["--turn"]).expect(3, &["websocket-not-offered", "sse-buffered"]);
    assert!(report.text("sse", "live").starts_with("buffered: "), "{:#}", report.0);
    let report = doctor(&at("upgraded"), &["--turn"]).expect(0, &["websocket-works", "sse-works"]);
    assert_eq!(report.0["sse"]["is_live"], true, "{:#}", report.0);
    let times = ["--timeout", "60", "--idle", "8"];
    doctor(&at("idle"), &times).expect(0, &["websocket-idle-cut", "sse-works"]);
}

#[test]
fn haproxy_by_what_it_does_to_an_upgrade() {
    let peer = Peer::start();
    let Some(haproxy) = front::haproxy(&peer) else { return };
    let at = |path: &str| format!("http://127.0.0.1:{}/{path}/v1", haproxy.port());
    doctor(&at("upgraded"), &[]).expect(0, &["websocket-works", "sse-works"]);
    doctor(&at("403"), &[]).expect(3, &["websocket-refused", "sse-works"]);
    doctor(&at("200"), &[]).expect(3, &["websocket-stripped", "sse-works"]);
    let settings = ["--set", "connect_timeout_ms=2000"];
    let report = doctor(&at("tarpit"), &settings).expect(3, &["websocket-black-holed", "sse-works"]);
    assert_eq!(report.0["policy"]["first_turn"]["waits_ms"], 1000, "{:#}", report.0);
}

#[test]
fn nginx_by_its_certificate() {
    let peer = Peer::start();
    for (certificate, trusted, code, kinds) in [
        (Certificate::new("127.0.0.1"), true, 0, &["websocket-works", "sse-works", "private-authority"][..]),
        (Certificate::new("127.0.0.1"), false, 5, &["unknown-authority"]),
        (Certificate::expired("127.0.0.1"), true, 5, &["certificate-expired"]),
        (Certificate::new("elsewhere.test"), true, 5, &["certificate-wrong-name"]),
    ] {
        let Some(nginx) = front_tls::nginx(&peer, &certificate) else { return };
        let other = Certificate::new("other.test");
        let ca = ca("wild-doctor-ca.pem", if trusted { &certificate } else { &other });
        let url = format!("https://127.0.0.1:{}/v1", nginx.port());
        doctor(&url, &["--ca", &ca]).expect(code, kinds);
    }
}

#[test]
fn squid_tinyproxy_and_microsocks_on_the_way_out() {
    let peer = Peer::start();
    let port = peer.addr().port();
    let through = |proxy: &crate::program::Program, scheme: &str, credentials: &str| {
        doctor(&peer.url(), &["--proxy", &format!("{scheme}://{credentials}127.0.0.1:{}", proxy.port())])
    };
    let both = ["websocket-works", "sse-works"];
    if let (Some(open), Some(closed), Some(locked)) =
        (outward::squid(port, false), outward::squid(1, false), outward::squid(port, true))
    {
        through(&open, "http", "").expect(0, &both);
        through(&closed, "http", "").expect(5, &["proxy-refused"]);
        through(&locked, "http", "").expect(5, &["proxy-wants-credentials"]);
        through(&locked, "http", "aladdin:open%20sesame@").expect(0, &both);
    }
    if let (Some(open), Some(locked)) = (outward::tinyproxy(port, false), outward::tinyproxy(port, true)) {
        through(&open, "http", "").expect(0, &both);
        through(&locked, "http", "aladdin:wrong@").expect(5, &["proxy-wants-credentials"]);
    }
    if let Some(microsocks) = socks::microsocks(&[]) {
        for scheme in ["socks5", "socks5h"] {
            through(&microsocks, scheme, "").expect(0, &both);
        }
        through(&microsocks, "http", "").expect(5, &["not-a-proxy"]);
    }
}
