//! TLS: the version, who has issued the certificate, and who trusts that.

use std::path::PathBuf;

use failback_peer::Peer;

use crate::report::doctor;

/// A file with this content, in the folder that cargo keeps for tests.
pub(crate) fn file(name: &str, content: &str) -> String {
    let path = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(name);
    std::fs::write(&path, content).expect("a file");
    path.to_str().expect("a path that is text").to_owned()
}

#[test]
fn a_private_authority_is_told() {
    let peer = Peer::builder().tls().start();
    let ca = file("doctor-ca.pem", peer.ca_pem().expect("a peer with TLS"));
    let report = doctor(&peer.url(), &["--ca", &ca]);
    let report = report.expect(0, &["websocket-works", "sse-works", "private-authority"]);
    let report =
        report.says(&["Both transports work", "is a private authority", "failback-peer test authority"]);
    assert!(report.text("websocket", "tls").starts_with("TLS 1.3; certificate issued by "), "{:#}", report.0);
    let certificate = &report.0["websocket"]["certificate"];
    assert_eq!(certificate["trusted_by"], "added", "{certificate}");
    assert_eq!((&certificate["is_private"], &certificate["is_stamped"]), (&true.into(), &false.into()));
}

#[test]
fn an_authority_that_nobody_trusts_is_named() {
    let peer = Peer::builder().tls().start();
    let report = doctor(&peer.url(), &[]).expect(5, &["unknown-authority"]);
    let report = report.says(&["nobody trusted here", "failback-peer test authority"]);
    assert_eq!(report.0["websocket"]["certificate"]["trusted_by"], "nobody");
    assert!(report.text("websocket", "tls").contains("UnknownIssuer"), "{:#}", report.0);
    assert!(!peer.journal().any(|what| matches!(what, failback_peer::What::Handshake { .. })));
}

#[test]
fn a_server_without_tls_is_no_server_with() {
    let peer = Peer::start();
    let report = doctor(&peer.url().replace("http://", "https://"), &[]).expect(5, &["tls-failed"]);
    assert_eq!(report.steps("sse").last(), Some(&("tls", "failed")));
}

#[test]
fn a_server_that_wants_a_certificate_refuses_who_has_none() {
    let peer = Peer::builder().known_clients().start();
    let ca = file("doctor-known-ca.pem", peer.ca_pem().expect("a peer with TLS"));
    let report = doctor(&peer.url(), &["--ca", &ca]);
    assert_eq!(report.0["verdict"]["exit_code"], 5, "{:#}", report.0);
}
