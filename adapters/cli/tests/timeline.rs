//! `failback replay --timeline` and `--svg`, and the traces that `failback stream --record` writes.

mod common;

use std::fs;
use std::path::{Path, PathBuf};

use common::{ADAPTERS, Run, command, failback, file, finish};
use failback_peer::{Handshake, Peer, Transport, Turn};

const VECTOR: &str = r#"{"name": "A <refused> handshake", "source": "made here", "config": {"jitter": 0}, "steps": [
    {"at_ms": 0, "do": "call", "call": "a"},
    {"at_ms": 2000, "do": "fail", "call": "a", "stage": "connecting", "blame": "transport"},
    {"at_ms": 2000, "do": "begin", "call": "a"},
    {"at_ms": 3000, "do": "progress", "call": "a"},
    {"at_ms": 3500, "do": "call", "call": "b"},
    {"at_ms": 4000, "do": "fail", "call": "b", "stage": "open", "blame": "server", "retry_after_ms": 3000},
    {"at_ms": 7000, "do": "begin", "call": "b"},
    {"at_ms": 8000, "do": "cancel", "call": "b"},
    {"at_ms": 10000, "do": "complete", "call": "a"}
]}"#;

fn timeline(path: &str, columns: &str) -> Run {
    let mut replay = command(&["replay", "--timeline", path]);
    replay.env("COLUMNS", columns);
    finish(replay, "")
}

#[test]
fn each_kind_of_thing_has_its_lane() {
    let path = file("timeline.json", VECTOR);
    let run = timeline(&path, "80").exits_with(0);
    let expected = "
          |0 s          |2 s          |4 s          |6 s          |8 s         |
mode      =preferred====???????-failed over-------------------------------------
calls     WWWWWWWWWWWWWWssssssssssssssssssssssssssssssssssssssssssssssssssssssss
                                  ssss.....................sssssss
outcomes                x             x                           c            o

= preferred   ? suspected   - failed over
W WebSocket   s SSE   . waits
o completed   c cancelled   x failed
2 calls, at most 2 at a time, 9 steps

1 vector, 9 steps
";
    let expected = format!("{path}: A <refused> handshake (made here){expected}");
    assert_eq!(run.out, expected, "\n{}", run.out);
}

#[test]
fn every_vector_fits_into_any_terminal() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/vectors");
    let mut files: Vec<PathBuf> = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.is_file())
        .collect();
    files.sort();
    let mut args = vec!["replay", "--timeline"];
    args.extend(files.iter().map(|path| path.to_str().unwrap()));
    for (columns, width) in [("80", 80), ("40", 40), ("7", 40), ("1000", 240), ("wide", 80), ("", 80)] {
        let mut replay = command(&args);
        replay.env("COLUMNS", columns);
        let run = finish(replay, "").exits_with(0);
        let drawn = |line: &&str| !line.contains(".json: ") && !line.contains(" vectors, ");
        for line in run.out.lines().filter(drawn) {
            assert!(line.chars().count() <= width && line == line.trim_end(), "{columns}: `{line}`");
        }
        assert!(run.out.matches("\noutcomes").count() == files.len());
    }
}

#[test]
fn the_ends_of_time_are_drawn_too() {
    for (name, steps) in [
        ("nothing.json", String::new()),
        ("moment.json", r#"{"at_ms": 7, "do": "call", "call": "a"}"#.to_owned()),
        (
            "ages.json",
            format!(
                r#"{{"at_ms": 0, "do": "call", "call": "a"}}, {{"at_ns": {}, "do": "end", "call": "a"}}"#,
                u64::MAX
            ),
        ),
        (
            "backwards.json",
            r#"{"at_ms": 9, "do": "call", "call": "a"}, {"at_ms": 3, "do": "end", "call": "a"}"#.to_owned(),
        ),
    ] {
        let path = file(name, &format!(r#"{{"name": "N", "source": "s", "steps": [{steps}]}}"#));
        let svg = file(&format!("{name}.svg"), "");
        let run = failback(&["replay", "--timeline", "--svg", &svg, &path]).exits_with(0);
        assert!(run.out.contains("\noutcomes"), "{}", run.out);
        let drawn = fs::read_to_string(svg).unwrap();
        assert!(drawn.ends_with("</svg>\n") && !drawn.contains("NaN") && !drawn.contains("inf"), "{drawn}");
    }
}

#[test]
fn a_picture_is_drawn_into_a_file() {
    let (path, svg) = (file("drawn.json", VECTOR), file("drawn.svg", ""));
    let run = failback(&["replay", "--svg", &svg, &path]).exits_with(0);
    assert!(run.out.contains("call a"), "the steps are listed as without it: {}", run.out);
    let drawn = fs::read_to_string(&svg).unwrap();
    assert!(drawn.starts_with("<svg ") && drawn.ends_with("</svg>\n"));
    assert_eq!(drawn.matches('<').count(), drawn.matches('>').count());
    for part in [">A &lt;refused&gt; handshake</text>", ">failed over</text>", ">8 s</text>", ">waits</text>"]
    {
        assert!(drawn.contains(part), "no {part} in {drawn}");
    }
    assert!(drawn.contains("<title>a: WebSocket (healthy), failed</title>"), "{drawn}");

    failback(&["replay", "--svg", &svg, &path, &path]).exits_with(2).says(&["--svg", "one FILE", "got 2"]);
    failback(&["replay", "--svg", &path, &path])
        .exits_with(2)
        .says(&["--svg", "the FILE that is to be drawn"]);
    assert_eq!(fs::read_to_string(&path).unwrap(), VECTOR);
    failback(&["replay", "--svg", "no/such/folder.svg", &path])
        .exits_with(2)
        .says(&["--svg no/such/folder.svg", "No such file"]);
    failback(&["replay", "--timeline", "--json", &path]).exits_with(2).says(&["--json"]);
    failback(&["demo", "--svg", "no/such/folder.svg"]).exits_with(2).says(&["--svg no/such/folder.svg"]);
}

/// A terminal obeys what a file of somebody else says, unless it is kept from it.
#[test]
fn names_in_a_file_command_no_terminal() {
    let text = VECTOR.replace("A <refused>", "\\u001b[2J").replace("\"a\"", "\"\\u001b]0;x\\u0007\"");
    let path = file("escapes.json", &text);
    let senseless = file("senseless-escapes.json", &text.replace("\"begin\"", "\"progress\""));
    for args in [
        &["replay", &path][..],
        &["replay", "--timeline", &path],
        &["replay", "--check", &path],
        &["replay", &senseless],
    ] {
        let run = failback(args);
        assert!(!run.out.contains(['\x1b', '\x07']) && !run.err.contains(['\x1b', '\x07']), "{}", run.out);
    }
}

#[test]
fn what_is_recorded_is_decided_again() {
    for adapter in ADAPTERS {
        let peer = Peer::start();
        peer.push_handshake(Handshake::status(403));
        peer.push_turn(Transport::Sse, Turn::drop_after(0));
        let path = file(&format!("recorded-{adapter}.trace"), "what was there before, which is long\n");
        let url = peer.url();
        let args = ["stream", "--url", &url, "--adapter", adapter, "--turns", "3", "--set", "backoff_ms=1"];
        let args = [&args[..], &["--record", &path]].concat();
        let run = failback(&args).exits_with(0);
        assert_eq!(run.out, "echo: Say hello.\n".repeat(3), "{adapter}");
        let check = failback(&["replay", "--check", &path]).exits_with(0);
        assert!(check.out.ends_with(" steps: all as expected\n"), "{adapter}: {}", check.out);
        let shown = failback(&["replay", &path]).exits_with(0).out;
        assert!(
            shown.contains(": a trace (recorded by failback ") && shown.contains("sse (call_moved)"),
            "{shown}"
        );
        assert!(timeline(&path, "80").exits_with(0).out.contains("\n3 calls, "));
        assert!(!fs::read_to_string(&path).unwrap().contains("127.0.0.1"));
    }
}

#[test]
fn a_trace_that_is_cut_off_is_shown_up_to_there() {
    let path = recorded();
    let text = fs::read_to_string(&path).unwrap();
    let cut = file("cut.trace", &text[..text.len() - 20]);
    for args in [&["replay", &cut][..], &["replay", "--check", &cut], &["replay", "--timeline", &cut]] {
        let run = failback(args).exits_with(1).says(&[&cut, "line 5 is cut off", "the 3 steps before it"]);
        assert!(run.out.contains("3 steps") && run.out.contains("1 file could not be run"), "{}", run.out);
    }
    let header = file("header.trace", &text[..60]);
    failback(&["replay", &header]).exits_with(2).says(&["line 1", "cut off", "nothing of it can be read"]);
    let other = file("other.trace", &text.replacen("{\"version\":1", "{\"version\":7", 1));
    failback(&["replay", &other]).exits_with(2).says(&["line 1", "version 7", "reads version 1"]);
    let differs = file("differs.trace", &text.replacen("\"healthy\"", "\"pinned\"", 1));
    let run = failback(&["replay", "--check", &differs]).exits_with(1);
    assert!(run.out.contains("step 1 (call c1 at 0.0"), "{}", run.out);
    let run = failback(&["replay", "--timeline", &differs]).exits_with(0);
    assert!(run.out.contains("1 step decided otherwise than the file says: --check"), "{}", run.out);
}

/// Of two turns.
fn recorded() -> String {
    let (peer, path) = (Peer::start(), file("two.trace", ""));
    failback(&["stream", "--url", &peer.url(), "--turns", "2", "--record", &path]).exits_with(0);
    path
}

#[test]
fn a_trace_that_cannot_be_written_stops_no_turn() {
    let peer = Peer::start();
    failback(&["stream", "--url", &peer.url(), "--record", "no/such/folder/x"])
        .exits_with(2)
        .says(&["--record no/such/folder/x", "No such file"]);
    assert_eq!(peer.journal().connections(), 0);
    if Path::new("/dev/full").exists() {
        let run = failback(&["stream", "--url", &peer.url(), "--turns", "2", "--record", "/dev/full"]);
        let run = run.exits_with(0).says(&["--record /dev/full", "not complete", "No space left"]);
        assert_eq!((run.out.lines().count(), run.err.lines().count()), (2, 1), "{}", run.err);
    }
}
