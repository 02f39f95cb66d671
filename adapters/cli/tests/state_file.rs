//! `failback stream --state-file`: what one process learns, another one knows.

mod common;

use std::fs;
use std::path::Path;
use std::process::Stdio;

use common::{ADAPTERS, Run, command, failback, file};
use failback_peer::{Gate, Handshake, Peer, Transport, Turn};

/// A path in the folder that cargo keeps for tests, where no file is.
fn path(name: &str) -> String {
    let path = file(name, "");
    fs::remove_file(&path).unwrap();
    path
}

fn stream(adapter: &str, peer: &Peer, state: &str, more: &[&str]) -> Vec<String> {
    let url = peer.url();
    let args = ["stream", "--json", "--adapter", adapter, "--url", &url, "--state-file", state];
    args.iter().chain(more).map(|arg| (*arg).to_owned()).collect()
}

fn run(adapter: &str, peer: &Peer, state: &str) -> Run {
    let args = stream(adapter, peer, state, &[]);
    failback(&args.iter().map(String::as_str).collect::<Vec<_>>()).exits_with(0)
}

#[test]
fn behind_a_black_hole_the_first_run_alone_waits() {
    for adapter in ADAPTERS {
        let (peer, state) = (Peer::start(), path(&format!("black-hole-{adapter}.json")));
        peer.set_handshake(Handshake::BlackHole);
        for number in 1..=5 {
            let run = run(adapter, &peer, &state);
            let mode = if number == 1 { "preferred" } else { "failed_over" };
            assert_eq!(run.of_kind("summary")[0]["mode"], mode, "{adapter}, run {number}");
            assert_eq!(run.err, "", "{adapter}");
        }
        let journal = peer.journal();
        assert_eq!(journal.handshakes(), 1, "{adapter}: {journal}");
        assert_eq!(journal.transports(), [Transport::Sse; 5], "{adapter}: {journal}");
    }
}

#[test]
fn a_run_beside_another_adopts_what_that_learns() {
    let (peer, state, gate) = (Peer::start(), path("beside.json"), Gate::new());
    peer.push_turn(Transport::WebSocket, Turn::complete().gate_before(0, &gate));
    let args = stream("tokio", &peer, &state, &["--turns", "2"]);
    let mut beside = command(&args.iter().map(String::as_str).collect::<Vec<_>>());
    let beside = beside.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    gate.reached_blocking();

    peer.push_handshake(Handshake::status(403));
    let convicted = run("blocking", &peer, &state);
    assert_eq!(convicted.of_kind("summary")[0]["mode"], "failed_over");
    gate.open();
    let output = beside.wait_with_output().unwrap();
    let out = String::from_utf8(output.stdout).unwrap();
    assert!(output.status.success(), "{out}");
    use Transport::{Sse, WebSocket};
    assert_eq!(peer.journal().transports(), [WebSocket, Sse, Sse], "{}\n{out}", peer.journal());
    assert_eq!(peer.journal().handshakes(), 2, "{}", peer.journal());
}

#[test]
fn a_file_that_cannot_be_used_is_told_and_a_path_that_can_be_no_files_is_an_error() {
    let peer = Peer::start();
    let state = file("damaged.json", "{");
    let args = stream("smol", &peer, &state, &[]);
    let args: Vec<_> = args.iter().map(String::as_str).collect();
    failback(&args)
        .exits_with(0)
        .says(&["failback: the state file", "damaged.json: ignored, as it is damaged"]);

    let folder = Path::new(&state).parent().unwrap().to_str().unwrap();
    let missing = format!("{folder}/missing/state.json");
    for (path, said) in
        [(folder, "this is a folder"), (&missing, "does not exist"), ("", "a value is required")]
    {
        let args = stream("smol", &peer, path, &[]);
        let args: Vec<_> = args.iter().map(String::as_str).collect();
        failback(&args).exits_with(2).says(&["--state-file", said]);
    }
}
