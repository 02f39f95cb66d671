//! Proxies: which one, why, and what it says.

use failback_peer::{Peer, Proxy, Tunnel};

use crate::report::doctor;

#[test]
fn a_proxy_that_opens_a_tunnel_is_a_step() {
    let peer = Peer::start();
    for (proxy, url, step) in [
        (Proxy::start(&peer), None, "connect"),
        (Proxy::start_socks(&peer), None, "socks"),
        (Proxy::start_socks(&peer), Some("socks5h"), "socks"),
    ] {
        let url = url.map_or_else(|| proxy.url(), |scheme| proxy.url_as(scheme, ""));
        let report = doctor(&peer.url(), &["--proxy", &url]).expect(0, &["websocket-works", "sse-works"]);
        for transport in ["websocket", "sse"] {
            assert!(report.steps(transport).contains(&(step, "ok")), "{:#}", report.0);
            assert_eq!(report.0[transport]["proxy"], proxy.addr().to_string());
            assert_eq!(report.0[transport]["proxy_reason"], "--proxy names it");
        }
    }
}

#[test]
fn a_proxy_over_tls_is_a_step_more() {
    let peer = Peer::start();
    let proxy = Proxy::start_tls(&peer);
    let ca = crate::tls::file("doctor-proxy-ca.pem", proxy.ca_pem().expect("a proxy with TLS"));
    let report = doctor(&peer.url(), &["--proxy", &proxy.url(), "--ca", &ca]);
    let report = report.expect(0, &["websocket-works", "sse-works"]);
    assert!(report.steps("websocket").contains(&("proxy_tls", "ok")), "{:#}", report.0);
    // It is the certificate of the proxy, not of the server.
    assert!(report.0["websocket"]["certificate"].is_null());
}

#[test]
fn a_host_in_the_list_goes_without() {
    let peer = Peer::start();
    let proxy = Proxy::start(&peer);
    let report = doctor(&peer.url(), &["--proxy", &proxy.url(), "--no-proxy", "127.0.0.1"]);
    assert!(report.0["sse"]["proxy"].is_null());
    assert_eq!(report.0["sse"]["proxy_reason"], "--no-proxy lists this host");
    assert_eq!(proxy.connections(), 0);
}

#[test]
fn a_proxy_that_opens_none_is_told_by_what_it_says() {
    let peer = Peer::start();
    let http = Proxy::start(&peer);
    let socks = Proxy::start_socks(&peer);
    let locked = Proxy::start_socks_with(&peer, "aladdin", "open sesame");
    for (proxy, tunnel, kind) in [
        (&http, Tunnel::Refuse(407), "proxy-wants-credentials"),
        (&http, Tunnel::Refuse(403), "proxy-refused"),
        (&http, Tunnel::HangUp, "not-connected"),
        (&http, Tunnel::Say(b"SSH-2.0-OpenSSH_9.2\r\n".to_vec()), "not-a-proxy"),
        (&socks, Tunnel::Refuse(2), "proxy-refused"),
        (&locked, Tunnel::Open, "proxy-wants-credentials"),
    ] {
        proxy.set(tunnel);
        let report = doctor(&peer.url(), &["--proxy", &proxy.url()]).expect(5, &[kind]);
        let steps = report.steps("sse");
        assert!(matches!(steps.last(), Some(("connect" | "socks", "failed"))), "{:#}", report.0);
    }
    assert_eq!(peer.journal().connections(), 0, "{}", peer.journal());
}
