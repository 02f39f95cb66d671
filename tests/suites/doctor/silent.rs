//! A peer that accepts and never answers, at each step: the doctor ends in its time, and says where it was.

use std::net::{Ipv4Addr, TcpListener};
use std::time::{Duration, Instant};

use failback_peer::{Gate, Peer, Proxy, Tunnel};

use crate::report::{Report, doctor};

/// For a machine that is busy.
const SLACK: Duration = Duration::from_secs(10);

/// Listens, and does nothing else: the system accepts.
fn listener() -> (TcpListener, u16) {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a port");
    let port = listener.local_addr().expect("an address").port();
    (listener, port)
}

#[track_caller]
fn in_time(url: &str, args: &[&str]) -> Report {
    let begun = Instant::now();
    let report = doctor(url, &[&["--timeout", "8"], args].concat());
    assert!(begun.elapsed() < Duration::from_secs(8) + SLACK, "{:?}", begun.elapsed());
    assert_eq!(report.0["verdict"]["exit_code"], 5, "{:#}", report.0);
    report
}

#[test]
fn http() {
    let (_listener, port) = listener();
    let report = in_time(&format!("http://127.0.0.1:{port}/v1"), &[]);
    let report = report.expect(5, &["websocket-black-holed", "sse-black-holed"]);
    assert_eq!(report.steps("websocket").last(), Some(&("upgrade", "failed")));
    assert_eq!(report.steps("sse").last(), Some(&("post", "failed")));
}

#[test]
fn tls() {
    let (_listener, port) = listener();
    let report = in_time(&format!("https://127.0.0.1:{port}/v1"), &[]).expect(5, &["connect-timeout"]);
    assert_eq!(report.steps("sse").last(), Some(&("tls", "failed")));
}

#[test]
fn proxies() {
    let (_listener, port) = listener();
    for (scheme, step) in
        [("http", "connect"), ("https", "proxy_tls"), ("socks5", "socks"), ("socks5h", "socks")]
    {
        let proxy = format!("{scheme}://127.0.0.1:{port}");
        let report = in_time("http://127.0.0.1:1/v1", &["--proxy", &proxy]).expect(5, &["connect-timeout"]);
        assert_eq!(report.steps("websocket").last(), Some(&(step, "failed")), "{:#}", report.0);
    }
}

#[test]
fn a_tunnel_that_is_never_opened() {
    let (peer, gate) = (Peer::start(), Gate::new());
    let proxy = Proxy::start(&peer);
    proxy.set(Tunnel::Hold(gate));
    in_time(&peer.url(), &["--proxy", &proxy.url()]).expect(5, &["connect-timeout"]);
}

/// An address that nobody answers at, or that this machine refuses to reach: either is an end.
#[test]
fn tcp() {
    let report = in_time("http://192.0.2.1:81/v1", &["--no-proxy", "*"]);
    assert_eq!(report.steps("sse").last().map(|(_, state)| *state), Some("failed"), "{:#}", report.0);
}

#[test]
fn a_port_that_is_closed_and_a_name_that_is_none() {
    let (listener, port) = listener();
    drop(listener);
    in_time(&format!("http://127.0.0.1:{port}/v1"), &[]).expect(5, &["not-connected"]);
    let report = in_time("http://no-such-host.invalid/v1", &["--no-proxy", "*"]);
    // Some machines are asked for long, and never answer.
    let kind = report.0["sse"]["kind"].as_str().expect("a kind");
    assert!(["name-not-resolved", "connect-timeout"].contains(&kind), "{:#}", report.0);
}
