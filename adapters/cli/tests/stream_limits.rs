//! `failback stream` with a deadline, through a proxy, and over SSE alone.

mod common;

use common::{ADAPTERS, failback};
use failback_peer::{Handshake, Peer, Proxy, Transport, Turn};

#[test]
fn a_turn_fails_when_its_deadline_is_over_and_the_next_one_has_its_own() {
    for adapter in ADAPTERS {
        let peer = Peer::start();
        peer.push_turn(Transport::WebSocket, Turn::mute_after(3));
        let url = peer.url();
        let args = ["--adapter", adapter, "--url", &url, "--turns", "2", "--deadline-ms", "2000", "--json"];
        let run = failback(&[&["stream"], &args[..]].concat()).exits_with(1);
        let [stopped, completed] = &run.of_kind("end")[..] else { panic!("{}", run.out) };
        assert_eq!(stopped["result"], "failed", "{adapter}");
        assert!(stopped["give_up"].is_null(), "{adapter}: {stopped}");
        let error = stopped["error"].as_str().unwrap();
        assert!(
            error.starts_with("the turn was not over within its deadline of 2.0 s: attempt 1"),
            "{error}"
        );
        assert_eq!(completed["result"], "completed", "{adapter}");
        assert_eq!(run.of_kind("summary")[0]["mode"], "preferred", "{adapter}");
    }
}

#[test]
fn a_deadline_is_told_to_people_too() {
    let peer = Peer::start();
    peer.set_handshake(Handshake::BlackHole);
    let args = ["stream", "--url", &peer.url(), "--deadline-ms", "300"];
    let parts = ["turn 1 failed: the turn was not over within its deadline of 0.3 s", "attempt 1, WebSocket"];
    failback(&args).exits_with(1).says(&parts);
}

#[test]
fn the_proxy_that_is_named_is_used_for_both_transports() {
    for adapter in ADAPTERS {
        let peer = Peer::start();
        peer.set_handshake(Handshake::status(403));
        let proxy = Proxy::start(&peer);
        let (url, proxy_url) = (peer.url(), proxy.url());
        let args = ["stream", "--adapter", adapter, "--url", &url, "--proxy", &proxy_url];
        let run = failback(&args).exits_with(0);
        assert_eq!(run.out, "echo: Say hello.\n", "{adapter}");
        assert_eq!(proxy.seen().len(), 2, "{adapter}: {:?}", proxy.seen());
    }
}

#[test]
fn hosts_that_are_listed_are_reached_without_it() {
    for adapter in ADAPTERS {
        let peer = Peer::start();
        let proxy = Proxy::start(&peer);
        let (url, proxy_url) = (peer.url(), proxy.url());
        for (list, tunnels) in [("example.com, 127.0.0.0/8", 0), ("*", 0), ("example.com", 1)] {
            let args = ["--adapter", adapter, "--url", &url, "--proxy", &proxy_url, "--no-proxy", list];
            let run = failback(&[&["stream"], &args[..]].concat()).exits_with(0);
            assert_eq!(run.out, "echo: Say hello.\n", "{adapter}");
            assert_eq!(proxy.seen().len(), tunnels, "{adapter}, {list}: {:?}", proxy.seen());
        }
    }
}

#[test]
fn a_stream_over_sse_alone_opens_no_websocket() {
    for adapter in ADAPTERS {
        let peer = Peer::start();
        let args = ["stream", "--adapter", adapter, "--url", &peer.url(), "--sse-only", "--json"];
        let run = failback(&args).exits_with(0);
        let [attempt] = &run.of_kind("attempt")[..] else { panic!("{}", run.out) };
        assert_eq!([&attempt["transport"], &attempt["reason"]], ["sse", "sse_only"], "{adapter}");
        assert_eq!(peer.journal().handshakes(), 0, "{adapter}");
    }
}
