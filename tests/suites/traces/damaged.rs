//! Traces that were cut off, changed, or are of another version: an error, never a panic.

use std::panic::catch_unwind;
use std::time::Duration;

use failback::Config;
use failback::Transport::{Sse, WebSocket};
use failback_peer::{Handshake, Peer, Turn};
use failback_tests::{Settings, Trace, adapter};
use failback_vector::Vector;

use crate::common::turn;

/// A trace with most kinds of lines in it.
fn trace() -> String {
    let (peer, trace) = (Peer::start(), Trace::default());
    let config = Config::new().with_backoff(Duration::from_millis(1));
    let client = adapter("blocking").client(Settings::new(&peer).config(config).record(&trace));
    drop(client.warm_up()());
    turn(&*client);
    peer.push_turn(WebSocket, Turn::drop_after(2));
    turn(&*client);
    client.handle_network_change();
    peer.push_handshake(Handshake::status(403));
    peer.push_turn(Sse, Turn::error(429, "rate_limit_exceeded", "Slow down."));
    turn(&*client);
    drop(client);
    trace.check();
    trace.text()
}

#[test]
fn cut_off_anywhere_it_is_read_up_to_there() {
    let text = trace();
    let header = text.find('\n').expect("lines");
    let whole = Vector::parse(&text).expect("a trace").len();
    for end in 0..text.len() {
        let cut = &text[..end];
        match Vector::parse(cut) {
            Ok(vector) => {
                assert!(end >= header && vector.is_trace(), "{cut}");
                let lines = cut.matches('\n').count();
                // A line without its end is whole if nothing but that is missing.
                let is_whole = cut.ends_with(['\n', '}']) && vector.cut_off().is_none();
                assert!(is_whole || vector.cut_off() == Some(lines + 1), "{:?} of {cut}", vector.cut_off());
                assert!(vector.len() <= whole && vector.len() + 1 >= lines, "{cut}");
                vector.run(|report| assert!(report.mismatches.is_empty())).expect("up to there");
            }
            Err(error) => {
                assert!(end < header, "{error}: {cut}");
                let error = error.to_string();
                assert!(!error.is_empty() && (end < 10 || error.contains("line 1")), "{error}: {cut}");
            }
        }
    }
}

#[test]
fn with_any_byte_changed_nothing_panics() {
    let text = trace();
    let mut errors = 0;
    for at in 0..text.len() {
        for byte in [b'{', b'}', b'"', b'9', b'-', b',', b' ', b'\n', b'e', b'\\', 0x80] {
            let mut bytes = text.clone().into_bytes();
            bytes[at] = byte;
            let Ok(changed) = String::from_utf8(bytes) else { continue };
            let ran = catch_unwind(|| match Vector::parse(&changed) {
                Ok(vector) => vector.run(|_| ()).is_err(),
                Err(error) => !error.to_string().is_empty(),
            });
            errors += usize::from(ran.unwrap_or_else(|_| panic!("a panic with byte {at}: {changed}")));
        }
    }
    assert!(errors > text.len(), "{errors}");
}

#[test]
fn a_line_that_is_none_is_named() {
    let text = trace();
    let lines: Vec<&str> = text.lines().collect();
    let with = |number: usize, line: &str| {
        let mut lines = lines.clone();
        lines[number - 1] = line;
        let mut text = lines.join("\n");
        text.push('\n');
        Vector::parse(&text).expect_err(line).to_string()
    };
    let half = &lines[2][..40];
    for (number, line, parts) in [
        (3, half, &["ends in the middle"][..]),
        (3, "nonsense", &["not a step"]),
        (3, "[]", &["not an object"]),
        (3, r#"{"at_ns":0,"do":"jump"}"#, &["jump", "expected one of"]),
        (3, r#"{"at_ns":0.5,"do":"tick"}"#, &["at_ns", "0.5", "nanoseconds"]),
        (3, r#"{"at_ns":0,"at_ms":0,"do":"tick"}"#, &["at_ms and at_ns"]),
        (3, r#"{"at_ns":0,"do":"hold_probe"}"#, &["by_ns"]),
        (3, r#"{"at_ns":0,"do":"learn","snapshot":{},"elapsed_ns":0}"#, &["mode"]),
        (1, r#"{"version":2,"name":"x","future":true}"#, &["version 2", "version 1", "recorded it"]),
        (1, r#"{"version":"1"}"#, &["version", "\"1\""]),
        (1, r#"{"version":1}"#, &["missing field", "name"]),
        (
            1,
            r#"{"version":1,"name":"x","source":"y","at_ns":0,"config":{"cooldown":1},"seed":0}"#,
            &["cooldown"],
        ),
        (1, r#"{"version":1,"#, &["not the first line of a trace"]),
    ] {
        let error = with(number, line);
        assert!(error.starts_with(&format!("line {number}: ")), "{error}");
        for part in parts {
            assert!(error.contains(part), "{error}: no {part}");
        }
    }
    assert!(Vector::parse("").expect_err("nothing").to_string().contains("empty"));
    assert!(Vector::parse(" \n\n").expect_err("nothing").to_string().contains("empty"));
}

/// As they come out of a mail program, or of an editor.
#[test]
fn other_line_ends_and_empty_lines_make_no_difference() {
    let text = trace();
    let steps = Vector::parse(&text).expect("a trace").len();
    for text in [text.replace('\n', "\r\n"), text.replace('\n', "\n\n"), format!("\u{feff}{text}")] {
        let vector = Vector::parse(&text).expect("a trace");
        assert_eq!((vector.len(), vector.cut_off()), (steps, None));
    }
}
