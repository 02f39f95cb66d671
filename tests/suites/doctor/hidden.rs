//! No secret is in a report, not even where a server or a proxy repeats it.

use failback_peer::{Handshake, Peer, Proxy, Transport, Tunnel, Turn};

use crate::report::doctor;

const SENTINEL: &str = "s3ntinel-0123456789";

/// Refuses with the secret in its headers and in its body.
fn tells(status: u16) -> Handshake {
    Handshake::Status {
        code: status,
        headers: vec![
            ("content-type".into(), "application/json".into()),
            ("server".into(), format!("nginx {SENTINEL}")),
            ("via".into(), format!("1.1 {SENTINEL}")),
            ("location".into(), format!("https://elsewhere.test/{SENTINEL}?key={SENTINEL}")),
        ],
        body: format!(r#"{{"error":{{"message":"no key {SENTINEL} here","code":"{SENTINEL}"}}}}"#),
    }
}

#[test]
fn a_secret_that_is_repeated_is_cut_out() {
    let peer = Peer::start();
    let proxy = Proxy::start(&peer);
    let query = format!("{}?api_key={SENTINEL}", peer.url());
    let header = format!("X-Api-Key: {SENTINEL}");
    let bearer = format!("Authorization: Bearer {SENTINEL}");
    let through = proxy.url_with(&format!("me:{SENTINEL}@"));
    peer.set_headers(&[("server", SENTINEL)]);
    for status in [200, 302, 401, 403, 404, 429, 502] {
        peer.set_handshake(tells(status));
        peer.set_turn(Transport::Sse, Turn::error(400, SENTINEL, SENTINEL));
        for args in [
            &[query.as_str()][..],
            &[&peer.url(), "--header", &header],
            &[&peer.url(), "--header", &bearer, "--turn"],
            &[&query, "--proxy", &through, "--header", &header],
        ] {
            let report = doctor(args[0], &args[1..]).0.to_string();
            assert!(!report.contains(SENTINEL), "{status} {report}");
        }
    }
    proxy.set(Tunnel::Refuse(407));
    let report = doctor(&query, &["--proxy", &through]).0.to_string();
    assert!(!report.contains(SENTINEL) && report.contains("proxy-wants-credentials"), "{report}");
}
