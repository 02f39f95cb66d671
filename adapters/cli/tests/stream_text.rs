//! `failback stream` for people: text on stdout, everything else on stderr.

mod common;

use std::process::Stdio;

use common::{command, failback, file, finish};
use failback_peer::{Handshake, Peer, Proxy, Transport, Turn};

#[test]
fn text_goes_to_stdout_and_notices_to_stderr() {
    let peer = Peer::start();
    peer.set_handshake(Handshake::status(403));
    let run =
        failback(&["stream", "--url", &peer.url(), "--input", "One two.", "--turns", "2"]).exits_with(0);
    assert_eq!(run.out, "echo: One two.\necho: One two.\n");
    assert!(run.err.starts_with("failback: moved to SSE: "), "{}", run.err);
    assert_eq!(run.err.lines().count(), 1, "{}", run.err);
}

#[test]
fn a_failure_tells_of_every_attempt() {
    let peer = Peer::start();
    peer.set_handshake(Handshake::status(403));
    peer.set_turn(Transport::Sse, Turn::status(403));
    let run = failback(&["stream", "--url", &peer.url()]).exits_with(1);
    assert_eq!(run.out, "");
    run.says(&["failback: turn 1 failed: ", "\n  attempt 1, WebSocket, ", "\n  attempt 2, SSE, "]);
}

#[test]
fn who_waits_for_the_next_attempt_is_told_why() {
    // Nobody listens there.
    let url = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let url = format!("http://{url}");
    let retries = ["--set", "stream_max_retries=2", "--set", "jitter=0"];
    for (backoff, told) in [("backoff_ms=1200", true), ("backoff_ms=100", false)] {
        let args = [&["stream", "--url", &url, "--set", backoff][..], &retries].concat();
        let run = failback(&args).exits_with(1).says(&["failback: turn 1 failed: every attempt failed"]);
        let waits = "over SSE failed: could not connect for SSE: ";
        let lines: Vec<_> = run.err.lines().collect();
        let mut pairs = lines.windows(2);
        let is_told = pairs
            .any(|pair| pair[0].contains(waits) && pair[1].contains("turn 1: the next attempt begins in 1."));
        assert_eq!(is_told, told, "{}", run.err);
        let run = failback(&[&args[..], &["--json"]].concat()).exits_with(1);
        assert_eq!(run.err, "");
    }
}

#[test]
fn a_turn_that_breaks_off_after_output_tells_how_to_start_it_over() {
    let peer = Peer::start();
    peer.push_turn(Transport::WebSocket, Turn::drop_after(5));
    let run = failback(&["stream", "--url", &peer.url()]).exits_with(1);
    assert_eq!(run.out, "echo: \n");
    run.says(&["failback: turn 1 failed: ", "\n  attempt 1, WebSocket, ", "--set replay=restart\n"]);
    peer.push_turn(Transport::WebSocket, Turn::drop_after(5));
    let run = failback(&["stream", "--url", &peer.url(), "--set", "replay=restart"]).exits_with(0);
    assert_eq!(run.out, "echo: \necho: Say hello.\n");
    run.says(&["turn 1 starts over"]);
}

#[test]
fn secrets_are_not_printed() {
    let peer = Peer::start();
    peer.require_bearer("sesame-open");
    let url = peer.url();
    let mut good =
        command(&["stream", "--url", &url, "--api-key-env", "TEST_KEY", "--header", "X-Trace: hidden-7"]);
    good.env("TEST_KEY", "sesame-open\n");
    let run = finish(good, "").exits_with(0);
    assert!(!run.out.contains("sesame") && !run.err.contains("sesame") && !run.err.contains("hidden-7"));

    let mut bad =
        command(&["stream", "--url", &url, "--api-key-env", "TEST_KEY", "--header", "X-Trace: hidden-7"]);
    bad.env("TEST_KEY", "not-sesame");
    let run = finish(bad, "").exits_with(1).says(&["401"]);
    assert!(!run.err.contains("sesame") && !run.err.contains("hidden-7"), "{}", run.err);
}

#[test]
fn the_certificates_of_ssl_cert_file_are_trusted_and_no_others() {
    let (peer, stranger) = (Peer::builder().tls().start(), Peer::builder().tls().start());
    let trusted = file("trusted.pem", peer.ca_pem().expect("a certificate"));
    let trusting = |url: &str, file: &str| {
        // One attempt on each transport, at once.
        let mut stream =
            command(&["stream", "--url", url, "--input", "Hello.", "--set", "stream_max_retries=0"]);
        stream.env("SSL_CERT_FILE", file).env_remove("SSL_CERT_DIR");
        finish(stream, "")
    };

    let run = trusting(&peer.url(), &trusted).exits_with(0);
    assert_eq!((run.out.as_str(), run.err.as_str()), ("echo: Hello.\n", ""));
    assert_eq!(peer.journal().transports(), [Transport::WebSocket], "{}", peer.journal());

    trusting(&stranger.url(), &trusted).exits_with(1).says(&["WebSocket", "SSE", "certificate"]);
    assert!(stranger.journal().transports().is_empty(), "{}", stranger.journal());

    let none = file("empty.pem", "");
    trusting(&peer.url(), &none).exits_with(2).says(&[
        "no trusted root certificate",
        ". Pass some with add_root_certificates, use Mozilla's with webpki_roots",
        "tls_config",
    ]);
}

#[test]
fn the_proxy_of_the_environment_is_used_unless_the_way_is_this_machine() {
    let peer = Peer::start();
    let proxy = Proxy::start(&peer);
    let through = |url: &str, proxy: &str| {
        let mut stream = command(&["stream", "--url", url, "--input", "Hello."]);
        stream.env("HTTP_PROXY", proxy);
        finish(stream, "")
    };

    // A name that only the proxy knows.
    let run = through("http://peer.test/v1", &proxy.url()).exits_with(0);
    assert_eq!((run.out.as_str(), run.err.as_str()), ("echo: Hello.\n", ""));
    assert_eq!(proxy.seen().len(), 1, "{:?}", proxy.seen());
    through(&peer.url(), &proxy.url()).exits_with(0);
    assert_eq!(proxy.seen().len(), 1, "{:?}", proxy.seen());

    let socks = Proxy::start_socks(&peer);
    let run = through("http://peer.test/v1", &socks.url()).exits_with(0);
    assert_eq!((run.out.as_str(), run.err.as_str()), ("echo: Hello.\n", ""));
    assert_eq!(socks.seen().len(), 1, "{:?}", socks.seen());

    through(&peer.url(), "socks4://127.0.0.1:1").exits_with(0);
    let run = through("http://peer.test/v1", "socks4://me:hunter2@127.0.0.1:1").exits_with(2);
    let run = run.says(&["HTTP_PROXY", "SOCKS"]);
    assert!(!run.err.contains("hunter2"), "{}", run.err);
}

#[test]
fn a_reader_that_goes_away_ends_the_stream_quietly() {
    let peer = Peer::start();
    for json in [&["--json"][..], &[]] {
        let url = peer.url();
        let args: Vec<_> =
            ["stream", "--url", &url, "--turns", "1000000"].iter().chain(json).copied().collect();
        let mut command = command(&args);
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        drop(child.stdout.take());
        let output = child.wait_with_output().unwrap();
        assert_eq!(String::from_utf8_lossy(&output.stderr), "");
        assert_eq!(output.status.code(), Some(0));
    }
}
