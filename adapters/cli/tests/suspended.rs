//! `failback stream` is suspended while it opens a connection, as by Ctrl-Z in a shell: for longer than that may
//! take. The server answers when it goes on.
#![cfg(unix)]

mod common;

use std::process::{Child, Stdio};
use std::thread;
use std::time::Duration;

use common::{ADAPTERS, Run, command};
use failback_peer::{Gate, Handshake, Peer, Proxy, Transport, Tunnel};
use rustix::process::{Pid, Signal, kill_process};

/// Takes away what the limit has left when it goes on, unless the limit was put off: it gets a second more.
const SUSPENDED: Duration = Duration::from_secs(5);
const BACK: Duration = Duration::from_millis(1500);
const SETTINGS: [&str; 4] = ["--set", "connect_timeout_ms=4000", "--set", "head_start_ms=60000"];

#[test]
fn a_connection_that_was_being_opened_goes_on() {
    thread::scope(|scope| {
        for adapter in ADAPTERS {
            scope.spawn(move || over_websocket(adapter));
            scope.spawn(move || over_sse(adapter));
        }
    });
}

fn over_websocket(adapter: &str) {
    let (peer, gate) = (Peer::start(), Gate::new());
    peer.set_handshake(Handshake::hold(&gate));
    let run = suspend(&["--adapter", adapter, "--url", &peer.url()], &gate);
    expect_one_attempt(&run, adapter, "websocket");
    assert_eq!(peer.journal().handshakes(), 1, "{adapter}: {}", peer.journal());
}

fn over_sse(adapter: &str) {
    let (peer, gate) = (Peer::start(), Gate::new());
    let proxy = Proxy::start(&peer);
    proxy.set(Tunnel::Hold(gate.clone()));
    let run =
        suspend(&["--adapter", adapter, "--url", &peer.url(), "--proxy", &proxy.url(), "--sse-only"], &gate);
    expect_one_attempt(&run, adapter, "sse");
    assert_eq!(peer.journal().transports(), [Transport::Sse], "{adapter}: {}", peer.journal());
    assert_eq!(gate.arrivals(), 1, "{adapter}");
}

/// Suspends a turn that waits at `gate`, lets it go on, and opens the gate.
fn suspend(args: &[&str], gate: &Gate) -> Run {
    let mut command = command(&[&["stream", "--json"], args, &SETTINGS].concat());
    let child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    while gate.arrivals() == 0 {
        thread::sleep(Duration::from_millis(5));
    }
    signal(&child, Signal::STOP);
    thread::sleep(SUSPENDED);
    signal(&child, Signal::CONT);
    thread::sleep(BACK);
    gate.open();
    common::wait(child)
}

fn signal(child: &Child, signal: Signal) {
    kill_process(Pid::from_child(child), signal).unwrap();
}

fn expect_one_attempt(run: &Run, adapter: &str, transport: &str) {
    let [end] = &run.of_kind("end")[..] else { panic!("{adapter}: {}", run.out) };
    assert_eq!([&end["result"], &end["text"]], ["completed", "echo: Say hello."], "{adapter}: {}", run.out);
    let attempts = run.of_kind("attempt");
    assert_eq!(attempts.len(), 1, "{adapter}: {}", run.out);
    assert_eq!(attempts[0]["transport"], transport, "{adapter}");
}
