//! Wrong usage exits with 2, and is told what is wrong and where.

mod common;

use common::{command, failback, file, finish};

const URL: &str = "http://127.0.0.1:9/v1";

#[track_caller]
fn wrong(args: &[&str], parts: &[&str]) {
    let args: Vec<_> = ["stream"].iter().chain(args).copied().collect();
    let run = failback(&args).exits_with(2).says(parts);
    assert_eq!(run.out, "");
}

#[test]
fn settings() {
    let set = |value, parts: &[&str]| wrong(&["--url", URL, "--set", value], parts);
    set(
        "cooldown=1",
        &["--set", "unknown key `cooldown`", "did you mean `cooldown_ms`?", "max_message_bytes"],
    );
    set(
        "cooldown_ms=soon",
        &["--set", "`cooldown_ms`", "expected a whole number of milliseconds", "\"soon\""],
    );
    set("jitter=1.5", &["--set", "`jitter`", "from 0 to 1", "1.5"]);
    set("connect_timeout_ms=0", &["--set", "`connect_timeout_ms`", "from 1", "got 0"]);
    set("replay=sometimes", &["--set", "`replay`", "before_output, before_send or restart", "sometimes"]);
    set("cooldown_ms", &["--set", "KEY=VALUE", "`cooldown_ms`"]);
}

#[test]
fn settings_in_a_file() {
    for (name, content, part) in [
        ("unknown.json", r#"{"colour": "red"}"#, "unknown key `colour`"),
        (
            "type.json",
            r#"{"max_recoveries": "three"}"#,
            "`max_recoveries`: expected a whole number from 0 to 255",
        ),
        ("array.json", "[1]", "expected a JSON object"),
        ("broken.json", "{", "expected a JSON object"),
    ] {
        let path = file(name, content);
        wrong(&["--url", URL, "--config", &path], &["--config", name, part]);
    }
    wrong(&["--url", URL, "--config", "no/such/file.json"], &["--config no/such/file.json", "No such file"]);
}

#[test]
fn urls() {
    wrong(&["--url", "https://"], &["--url", "no host"]);
    wrong(&["--url", "ftp://example.com"], &["--url", "unknown scheme"]);
    wrong(&["--url", "example.com"], &["--url", "no scheme"]);
    wrong(&["--url", URL, "--ws-url", "gopher://x"], &["--ws-url", "unknown scheme"]);
    wrong(&[], &["--url <URL>"]);
}

#[test]
fn headers_and_keys() {
    wrong(&["--url", URL, "--header", "secret-without-a-name"], &["--header", "no colon"]);
    wrong(&["--url", URL, "--header", "a b: c"], &["--header", "`a b`"]);
    wrong(&["--url", URL, "--header", "Host: other"], &["--header", "`Host`"]);
    wrong(
        &["--url", URL, "--api-key-env", "NO_SUCH_VARIABLE_HERE"],
        &["--api-key-env NO_SUCH_VARIABLE_HERE", "not set"],
    );
    wrong(&["--url", URL, "--api-key-env", "A=B"], &["--api-key-env A=B", "name of an environment variable"]);

    let run = failback(&["stream", "--url", URL, "--header", "secret-without-a-name"]);
    assert!(!run.err.contains("secret"), "{}", run.err);
    let run = failback(&["stream", "--url", URL, "--header", "X-Key:", "hush"]).exits_with(2);
    assert!(run.err.contains("unexpected argument found") && !run.err.contains("hush"), "{}", run.err);
    let mut empty = command(&["stream", "--url", URL, "--api-key-env", "TEST_KEY"]);
    empty.env("TEST_KEY", "two words");
    let run = finish(empty, "").exits_with(2).says(&["--api-key-env TEST_KEY"]);
    assert!(!run.err.contains("two words"), "{}", run.err);
}

#[test]
fn credentials_in_plain_text() {
    let args = ["stream", "--url", "http://example.com/v1", "--header", "Authorization: Bearer hush"];
    let run = failback(&args).exits_with(2).says(&["`authorization`", "example.com", "plain text"]);
    assert!(!run.err.contains("hush"), "{}", run.err);
}

#[test]
fn proxies() {
    for proxy in ["ftp://proxy", "socks4://127.0.0.1", "http://me:hunter2@127.0.0.1:1/path"] {
        let run = failback(&["stream", "--url", URL, "--proxy", proxy]).exits_with(2);
        assert!(!run.err.contains("hunter2"), "{}", run.err);
        run.says(&["--proxy", "is not usable: "]);
    }
}

#[test]
fn bodies() {
    for (name, content) in
        [("body-array.json", "[]"), ("body-broken.json", "{\"a\":"), ("body-twice.json", r#"{"a":1,"a":2}"#)]
    {
        let path = file(name, content);
        wrong(&["--url", URL, "--body", &path], &["--body", name, "JSON object"]);
    }
    wrong(&["--url", URL, "--body", "no/such/body.json"], &["--body no/such/body.json", "No such file"]);
    wrong(&["--url", URL, "--body", "x.json", "--input", "y"], &["--input <TEXT>", "--body <FILE>"]);
    finish(command(&["stream", "--url", URL, "--body", "-"]), "nonsense")
        .exits_with(2)
        .says(&["--body, stdin"]);
}

#[test]
fn adapters_and_numbers() {
    wrong(&["--url", URL, "--adapter", "curl"], &["curl", "tokio, smol, blocking"]);
    wrong(&["--url", URL, "--turns", "0"], &["'0' for '--turns <N>'", "expected a whole number from 1\n"]);
    wrong(
        &["--url", URL, "--turns", "two"],
        &["'two' for '--turns <N>'", "expected a whole number from 1\n"],
    );
    wrong(
        &["--url", URL, "--pause-ms", "-1"],
        &["'-1' for '--pause-ms <MS>'", "expected a whole number from 0"],
    );
    wrong(&["--url", URL, "--colour"], &["--colour"]);
    wrong(&["--url", URL, "--sse-only", "--warm-up"], &["--sse-only", "--warm-up"]);
    wrong(&["--url", URL, "--deadline-ms", "0"], &["--deadline-ms", "0"]);
    wrong(&["--url", URL, "--deadline-ms", "soon"], &["--deadline-ms", "soon"]);
}

#[test]
fn help_and_version_are_no_errors() {
    let run = failback(&["stream", "--help"]).exits_with(0);
    for part in [
        "--api-key-env",
        "--deadline-ms",
        "--proxy",
        "--no-proxy",
        "--sse-only",
        "pong_timeout_ms",
        "15000",
        "before_output",
    ] {
        assert!(run.out.contains(part), "no {part}");
    }
    assert_eq!(
        failback(&["--version"]).exits_with(0).out,
        format!("failback {}\n", env!("CARGO_PKG_VERSION"))
    );
    failback(&[]).exits_with(2).says(&["Usage: failback <COMMAND>"]);
    failback(&["fly"]).exits_with(2).says(&["fly"]);
}
