//! Runs the binary, and reads what it prints.
#![allow(dead_code, reason = "each test file uses its part")]

use std::io::Write;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};

use failback::Reason;
use serde_json::Value;

/// The adapters that the command has.
pub(crate) const ADAPTERS: [&str; 3] = ["tokio", "smol", "blocking"];

pub(crate) struct Run {
    pub(crate) code: Option<i32>,
    pub(crate) out: String,
    pub(crate) err: String,
}

impl Run {
    /// Every line of stdout as JSON, checked against what its kind must have.
    pub(crate) fn objects(&self) -> Vec<Value> {
        let objects: Vec<Value> = self
            .out
            .lines()
            .map(|line| serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}")))
            .collect();
        let mut last = 0;
        for object in &objects {
            check(object);
            let now = object["t_ms"].as_u64().unwrap();
            assert!(now >= last, "time runs backwards: {object}");
            last = now;
        }
        objects
    }

    /// The kinds of all objects in order; runs of events are one.
    pub(crate) fn kinds(&self) -> Vec<String> {
        let mut kinds: Vec<_> =
            self.objects().iter().map(|object| object["kind"].as_str().unwrap().to_owned()).collect();
        kinds.dedup_by(|a, b| a == b && a == "event");
        kinds
    }

    pub(crate) fn of_kind(&self, kind: &str) -> Vec<Value> {
        self.objects().into_iter().filter(|object| object["kind"] == kind).collect()
    }

    #[track_caller]
    pub(crate) fn exits_with(self, code: i32) -> Self {
        assert_eq!(self.code, Some(code), "stdout:\n{}\nstderr:\n{}", self.out, self.err);
        self
    }

    #[track_caller]
    pub(crate) fn says(self, parts: &[&str]) -> Self {
        for part in parts {
            assert!(self.err.contains(part), "no `{part}` in:\n{}", self.err);
        }
        self
    }

    /// Its stdout has all of these parts, one after the other.
    #[track_caller]
    pub(crate) fn tells_in_order(&self, parts: &[&str]) {
        let mut rest = &*self.out;
        for part in parts {
            let Some((_, after)) = rest.split_once(part) else { panic!("no `{part}` in:\n{rest}") };
            rest = after;
        }
    }
}

/// Exactly these keys, and values of these types.
fn check(object: &Value) {
    let words = |words: &[&str], value: &Value| words.iter().any(|word| value == word);
    let transport = |value: &Value| words(&["websocket", "sse"], value);
    let reason = |value: &Value| words(&Reason::ALL.map(Reason::as_str), value);
    let maybe = |value: &Value, is: fn(&Value) -> bool| value.is_null() || is(value);
    let (keys, valid): (&[&str], bool) = match object["kind"].as_str().unwrap() {
        "attempt" => (
            &["transport", "reason", "number"],
            transport(&object["transport"])
                && reason(&object["reason"])
                && object["number"].as_u64() >= Some(1),
        ),
        "event" => {
            (&["transport", "event"], transport(&object["transport"]) && object["event"]["type"].is_string())
        }
        "notice" => (
            &["text", "transport", "reason", "retry_in_ms"],
            object["text"].is_string()
                && transport(&object["transport"])
                && reason(&object["reason"])
                && maybe(&object["retry_in_ms"], Value::is_u64),
        ),
        "restarted" => (&["discard"], object["discard"].is_u64()),
        "end" => (
            &["result", "transport", "text", "error", "give_up"],
            words(&["completed", "ended", "failed"], &object["result"])
                && transport(&object["transport"])
                && object["text"].is_string()
                && maybe(&object["error"], Value::is_string)
                && maybe(&object["give_up"], Value::is_string),
        ),
        "summary" => (
            &["turns", "completed", "mode", "recoveries_left"],
            object["turns"].is_u64()
                && object["completed"].is_u64()
                && words(&["preferred", "suspected", "failed_over", "probing", "pinned"], &object["mode"])
                && object["recoveries_left"].is_u64(),
        ),
        other => panic!("unknown kind {other}"),
    };
    assert!(valid, "{object}");
    assert!(object["t_ms"].is_u64() && object["turn"].as_u64() >= Some(1), "{object}");
    let mut expected: Vec<_> = ["t_ms", "turn", "kind"].iter().chain(keys).copied().collect();
    expected.sort_unstable();
    assert_eq!(object.as_object().unwrap().keys().map(String::as_str).collect::<Vec<_>>(), expected);
}

pub(crate) fn command(args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_failback"));
    for name in [
        "HTTP_PROXY",
        "HTTPS_PROXY",
        "ALL_PROXY",
        "NO_PROXY",
        "http_proxy",
        "https_proxy",
        "all_proxy",
        "no_proxy",
        "REQUEST_METHOD",
        "NO_COLOR",
        "COLUMNS",
    ] {
        command.env_remove(name);
    }
    command.args(args).stdin(Stdio::null());
    command
}

pub(crate) fn failback(args: &[&str]) -> Run {
    finish(command(args), "")
}

pub(crate) fn finish(mut command: Command, input: &str) -> Run {
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    // A program that has no use for its input may be gone already.
    let _ = child.stdin.take().unwrap().write_all(input.as_bytes());
    wait(child)
}

/// Waits for the end of a program whose output is piped.
pub(crate) fn wait(child: Child) -> Run {
    let output = child.wait_with_output().unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    let run = Run { code: output.status.code(), out: text(output.stdout), err: text(output.stderr) };
    assert!(!run.err.contains("panicked"), "{}", run.err);
    run
}

/// A file with this content, in the folder that cargo keeps for tests.
pub(crate) fn file(name: &str, content: &str) -> String {
    let path = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(name);
    std::fs::write(&path, content).unwrap();
    path.to_str().unwrap().to_owned()
}
