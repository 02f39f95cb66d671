//! `failback doctor`: its text, its exit codes, and that it shows no secret. What it finds is tested in
//! `tests/suites/doctor`.

mod common;

use std::time::{Duration, Instant};

use common::{Run, command, failback, file, finish};
use failback_peer::{Handshake, Peer, Proxy, Tunnel};

const SENTINEL: &str = "s3ntinel-0123456789";

/// Runs it, and looks at its form.
fn doctor(args: &[&str]) -> Run {
    let args: Vec<_> =
        ["doctor"].iter().chain(args).chain(&["--timeout", "30", "--idle", "1"]).copied().collect();
    let run = failback(&args);
    for line in run.out.lines() {
        assert!(line.chars().count() < 80 && !line.ends_with(' '), "{line:?}");
        assert!(!line.contains('\x1b'), "{line:?}");
    }
    assert_eq!(run.err, "", "nothing is told on stderr where nobody looks");
    run
}

fn has(run: &Run, parts: &[&str]) {
    // Lines are wrapped.
    let text = run.out.split_whitespace().collect::<Vec<_>>().join(" ");
    for part in parts {
        assert!(text.contains(part), "no `{part}` in:\n{}", run.out);
    }
}

#[test]
fn both_work() {
    let peer = Peer::start();
    let run = doctor(&[&peer.url()]).exits_with(0);
    has(
        &run,
        &["Verdict Both transports work.", "failback Turns go over WebSocket.", "only --turn can tell"],
    );
    assert!(!run.out.contains("You can") && !run.out.contains("TROUBLESHOOTING"), "{}", run.out);
}

#[test]
fn a_refused_upgrade() {
    let peer = Peer::start();
    peer.set_handshake(Handshake::status(403).header("server", "nginx"));
    let run = doctor(&[&peer.url()]).exits_with(3);
    has(
        &run,
        &[
            "Verdict WebSocket is refused by what calls itself nginx (403 Forbidden); SSE works.",
            "The first turn tries WebSocket once, and moves to SSE",
            "After 60 s one tries WebSocket again. When that has failed 3 times",
            "docs/TROUBLESHOOTING.md#websocket-refused",
        ],
    );
}

#[test]
fn neither_works() {
    let run = doctor(&["http://127.0.0.1:9/v1"]).exits_with(5);
    has(
        &run,
        &["Neither transport gets through: there is no TCP connection.", "TCP FAILED", "#not-connected"],
    );
}

#[test]
fn no_secret_is_shown() {
    let peer = Peer::start();
    let proxy = Proxy::start(&peer);
    peer.set_headers(&[("server", SENTINEL)]);
    let url = format!("{}?api_key={SENTINEL}", peer.url());
    let through = proxy.url_with(&format!("me:{SENTINEL}@"));
    for tunnel in [Tunnel::Open, Tunnel::Refuse(407)] {
        proxy.set(tunnel);
        for json in [&["--json"][..], &[]] {
            let mut command =
                command(&["doctor", &url, "--proxy", &through, "--api-key-env", "TEST_KEY", "--turn"]);
            command.args(["--timeout", "30", "--idle", "1"]).args(json).env("TEST_KEY", SENTINEL);
            let run = finish(command, "");
            assert!(!run.out.contains(SENTINEL) && !run.err.contains(SENTINEL), "{}{}", run.out, run.err);
        }
    }
}

#[test]
fn a_proxy_of_the_environment_is_named_with_its_variable() {
    let mut command = command(&["doctor", "http://example.invalid/v1", "--timeout", "5"]);
    command.env("http_proxy", format!("http://me:{SENTINEL}@127.0.0.1:9"));
    let run = finish(command, "").exits_with(5);
    has(&run, &["http://127.0.0.1:9: http_proxy names it"]);
    assert!(!run.out.contains(SENTINEL), "{}", run.out);
}

#[test]
fn it_ends_in_its_time() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/v1", listener.local_addr().unwrap());
    let begun = Instant::now();
    failback(&["doctor", &url, "--timeout", "2"]).exits_with(5);
    assert!(begun.elapsed() < Duration::from_secs(12), "{:?}", begun.elapsed());
}

#[test]
fn wrong_usage_is_told() {
    const URL: &str = "http://127.0.0.1:9/v1";
    let wrong = |args: &[&str], parts: &[&str]| {
        let args: Vec<_> = ["doctor"].iter().chain(args).copied().collect();
        let run = failback(&args).exits_with(2).says(parts);
        assert_eq!(run.out, "");
    };
    wrong(&[], &["<URL>"]);
    wrong(&["api.example.com"], &["URL", "no scheme"]);
    wrong(&["ftp://example.com"], &["URL", "unknown scheme"]);
    wrong(&[""], &["URL", "no scheme"]);
    wrong(&["https://me:hush@example.com/v1"], &["URL"]);
    wrong(&[URL, "--timeout", "0"], &["'0' for '--timeout", "expected a whole number from 1 to 3600"]);
    wrong(&[URL, "--timeout", "soon"], &["'soon' for '--timeout", "expected a whole number"]);
    wrong(&[URL, "--idle", "-1"], &["'-1' for '--idle", "expected a whole number from 0"]);
    wrong(&[URL, "--idle", "30"], &["--idle", "a third of --timeout, which is 60 s"]);
    wrong(&[URL, "--model", "m"], &["--turn"]);
    wrong(&[URL, "--ca", "no/such.pem"], &["--ca no/such.pem", "No such file"]);
    wrong(&[URL, "--ca", &file("doctor-empty.pem", "")], &["doctor-empty.pem: there is no certificate"]);
    wrong(&[URL, "--proxy", "ftp://proxy"], &["--proxy", "not usable"]);
    wrong(&[URL, "--ws-url", "gopher://x"], &["--ws-url", "unknown scheme"]);
    wrong(&[URL, "--header", "nothing"], &["--header", "no colon"]);
    wrong(&[URL, "--api-key-env", "NO_SUCH_VARIABLE_HERE"], &["NO_SUCH_VARIABLE_HERE", "not set"]);
    wrong(&[URL, "--set", "cooldown=1"], &["unknown key `cooldown`"]);
    wrong(
        &["http://example.com/v1", "--header", "Authorization: Bearer hush"],
        &["`authorization`", "plain text"],
    );
}
