//! The npm package `ws` and the PyPI package `websockets`, which ping their clients and end those that do not
//! answer.

use std::time::{Duration, Instant};

use failback::{Config, GiveUp, Mode};
use failback_tests::{Adapter, Settings, collect, until};
use failback_wire::Request;

use super::guest::{Guest, is_whole, with_all_at_once};
use crate::program::{Program, Start};

with_every_adapter!(
    an_idle_socket_answers_heartbeats,
    a_socket_that_missed_heartbeats_is_replaced,
    a_socket_that_ends_in_mid_stream,
);

/// So many answers show that the first one was accepted.
const PONGS: usize = 3;

/// It pings every so many seconds, and ends whoever has not answered when it pings again. Its documentation
/// shows 30.
fn ws(seconds: &str) -> Option<Program> {
    Start {
        name: "ws-server",
        arguments: &["@CONF@", "@PORT@", seconds],
        configuration: include_str!("../../../wild/peers/ws-server.cjs"),
        words: &[],
        files: &[],
    }
    .start()
}

/// So many seconds between pings, and so many for an answer; as it does by default, without these.
fn websockets(seconds: &[&str]) -> Option<Program> {
    Start {
        name: "websockets-server",
        arguments: &[&["@CONF@", "@PORT@"], seconds].concat(),
        configuration: include_str!("../../../wild/peers/websockets-server.py"),
        words: &[],
        files: &[],
    }
    .start()
}

/// Both, with pings as often as a busy machine can answer them in time.
fn both() -> impl Iterator<Item = Program> {
    [ws("2"), websockets(&["1", "20"])].into_iter().flatten()
}

/// Settings with a head start that no handshake here comes near.
fn settings() -> Settings {
    Settings::default().config(Config::new().with_head_start(Duration::MAX))
}

/// How often a client has answered. `ws` notes `pong`, `websockets` every frame that it gets.
fn pongs(program: &Program) -> usize {
    program.output().lines().filter(|line| *line == "pong" || line.starts_with("< PONG")).count()
}

/// How many WebSockets were opened.
fn handshakes(program: &Program) -> usize {
    program.output().lines().filter(|line| *line == "GET /v1/responses").count()
}

fn survives_idle(program: &Program, adapter: &dyn Adapter, name: &str, patience: Duration) {
    let guest = Guest::new(program, adapter, settings());
    guest.expect("m", "hello", "echo: hello");
    let (before, begun) = (pongs(program), Instant::now());
    while pongs(program) < before + PONGS {
        assert!(begun.elapsed() < patience, "no pongs: {}", program.output());
        std::thread::sleep(Duration::from_millis(10));
    }
    let outcome = guest.expect("m", "hello", "echo: hello");
    assert_eq!((handshakes(program), guest.connections()), (1, 1), "{}", program.output());
    assert_eq!(guest.client.policy().mode(), Mode::Preferred);
    guest.note(name, &outcome);
}

fn an_idle_socket_answers_heartbeats(adapter: &dyn Adapter) {
    for program in both() {
        survives_idle(
            &program,
            adapter,
            "pinged every few seconds between two turns",
            Duration::from_secs(30),
        );
    }
}

/// The same with the pings that are their defaults, which takes minutes.
fn default_heartbeats(adapter: &dyn Adapter) {
    for program in [ws("30"), websockets(&[])].into_iter().flatten() {
        survives_idle(&program, adapter, "pinged by default between two turns", Duration::from_secs(150));
    }
}

#[test]
#[ignore = "waits for heartbeats of 20 and 30 seconds"]
fn an_idle_socket_answers_default_heartbeats() {
    with_all_at_once(default_heartbeats);
}

#[test]
#[ignore = "waits for heartbeats of seconds"]
fn a_socket_answers_heartbeats_while_the_model_thinks() {
    with_all_at_once(heartbeats_while_it_thinks);
}

#[test]
#[ignore = "waits until clients have enough of it"]
fn a_socket_that_is_closed_before_an_event() {
    with_all_at_once(closed_before_an_event);
}

fn heartbeats_while_it_thinks(adapter: &dyn Adapter) {
    for program in both() {
        let guest = Guest::new(&program, adapter, settings());
        let outcome = guest.expect("think 7", "hello", "echo: hello");
        assert!(pongs(&program) >= PONGS, "{}", program.output());
        assert_eq!((handshakes(&program), guest.connections()), (1, 1), "{}", program.output());
        guest.note("pinged every few seconds before the first event", &outcome);
    }
}

/// Where nothing runs between turns, nobody answers. The next turn finds that out before it sends anything.
fn a_socket_that_missed_heartbeats_is_replaced(adapter: &dyn Adapter) {
    if adapter.name() == "blocking" {
        // It has threads of its own.
        return;
    }
    for program in [ws("1"), websockets(&["1", "1"])].into_iter().flatten() {
        let mut settings = settings();
        settings.url = format!("http://127.0.0.1:{}/v1", program.port());
        let client = adapter.client_that_stands_still(settings);
        let turn = || collect(client.stream(Request::text("m", "hello")));
        assert!(is_whole(&turn()));
        until("the server to give it up", || {
            let output = program.output();
            output.contains("no pong") || output.contains("keepalive ping timeout")
        });
        let outcome = turn();
        assert!(is_whole(&outcome), "{outcome:?}");
        assert!(outcome.notices().is_empty(), "{outcome:?}");
        assert_eq!(handshakes(&program), 2, "{}", program.output());
        assert_eq!(client.policy().mode(), Mode::Preferred);
        crate::table::note(&program, "pings missed between two turns", adapter, &outcome, 2);
    }
}

/// 1001 says that the server goes away, 1011 that it met an error, 1012 that it restarts, 1013 that it is to
/// be tried again later.
fn closed_before_an_event(adapter: &dyn Adapter) {
    let Some(program) = ws("2") else { return };
    for code in ["1000", "1001", "1011", "1012", "1013"] {
        let before = handshakes(&program);
        let guest = Guest::new(&program, adapter, settings());
        let outcome = guest.expect_sse(&format!("close {code}"), "hello", "echo: hello");
        guest.note_handshakes(
            &format!("closes with {code} before the first event"),
            &outcome,
            handshakes(&program) - before,
        );
    }
}

fn a_socket_that_ends_in_mid_stream(adapter: &dyn Adapter) {
    for program in both() {
        let guest = Guest::new(&program, adapter, settings());
        let error = guest.expect_failure("no Close frame in mid-stream", "cut", "hello", GiveUp::Committed);
        assert_eq!(error.attempts().len(), 1, "{error}");
        assert_eq!(handshakes(&program), 1, "{}", program.output());
    }
}
