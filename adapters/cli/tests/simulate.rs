//! `failback simulate`.

mod common;

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::Stdio;

use common::{command, failback, file};
use serde_json::Value;

/// A fleet that is over at once.
const SMALL: [&str; 5] = ["simulate", "--clients", "50", "--length", "2h"];

fn simulate(more: &[&str]) -> common::Run {
    failback(&[&SMALL[..], more].concat())
}

#[track_caller]
fn wrong(args: &[&str], parts: &[&str]) {
    let run = failback(&[&["simulate"], args].concat()).exits_with(2).says(parts);
    assert_eq!(run.out, "");
}

#[test]
fn tables_tell_of_each_period() {
    let run = simulate(&["--broken-share", "0.1", "--black-hole"]).exits_with(0);
    assert_eq!(run.err, "");
    run.tells_in_order(&[
        "50 clients for 2h; 6 turns an hour each, streaming for 20s on average; seed 1\n",
        "outage of WebSocket from 1h, for 10m: handshakes are never answered\n",
        "10.0 % of the clients behind proxies where handshakes are never answered, for good\n",
        "\nfailback: the policy",
        "before  0s-1h ",
        "outage  1h-1h10m ",
        "after   1h10m-2h ",
        "on SSE for good at the end: ",
        " of 5 behind a broken proxy, after ",
        "\nover time, 5m a row",
        "\n  1h5m          0.0 %",
    ]);
}

#[test]
fn the_same_seed_gives_the_same_numbers_on_any_number_of_threads() {
    let run = |more: &[&str]| simulate(&[&["--json", "--compare"], more].concat()).exits_with(0).out;
    let first = run(&["--threads", "1"]);
    assert_eq!(first, run(&["--threads", "2"]));
    assert_ne!(first, run(&["--seed", "2"]));
    let whole: Value = serde_json::from_str(&first).unwrap();
    assert_eq!(first.lines().count(), 1);
    assert_eq!(whole["strategies"].as_array().unwrap().len(), 4);
    assert_eq!(
        whole["outages"][0],
        serde_json::json!({"begin_s": 3600.0, "length_s": 600.0, "scope": "websocket"})
    );
}

#[test]
fn settings_are_those_of_the_other_commands() {
    let pinned = |more: &[&str]| -> u64 {
        let run = simulate(&[&["--json"], more].concat()).exits_with(0);
        let whole: Value = serde_json::from_str(&run.out).unwrap();
        whole["strategies"][0]["clients"]["sound"]["pinned"].as_u64().unwrap()
    };
    let path = file("simulate.json", r#"{"max_recoveries": 0}"#);
    assert_eq!(pinned(&[]), 0);
    assert!(pinned(&["--config", &path]) > 20);
    assert_eq!(pinned(&["--config", &path, "--set", "max_recoveries=255"]), 0);
}

#[test]
fn a_plot_goes_to_its_file_and_the_tables_to_stdout() {
    let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join("simulate.svg");
    let run = simulate(&["--compare", "--svg", path.to_str().unwrap()]).exits_with(0);
    assert!(run.out.contains("always retry"));
    let plot = std::fs::read_to_string(path).unwrap();
    assert!(plot.starts_with("<svg ") && plot.ends_with("</svg>\n"));
    assert_eq!(plot.matches("data-series=\"share\"").count(), 4);
}

#[test]
fn wrong_usage_is_named() {
    wrong(&["--outage", "soon"], &["--outage", "'soon'", "LENGTH@BEGIN"]);
    wrong(&["--outage", "10m@1h:smtp"], &["--outage", "websocket, sse or both", "`smtp`"]);
    wrong(&["--outage", "0s@1h"], &["--outage", "longer than nothing"]);
    wrong(&["--outage", "10m@5h"], &["--outage 10m@5h:websocket", "--length 3h"]);
    wrong(&["--outage", "none", "--outage", "10m@1h"], &["--outage", "none"]);
    wrong(&["--broken-share", "1.5"], &["--broken-share", "'1.5'", "from 0 to 1"]);
    wrong(&["--broken-share", "NaN"], &["--broken-share", "from 0 to 1"]);
    wrong(&["--clients", "0"], &["--clients", "'0'"]);
    wrong(&["--clients", "-1"], &["-1"]);
    wrong(&["--clients", "100000000", "--length", "31d"], &["--clients", "too many"]);
    wrong(&["--length", "0s"], &["--length", "from 1m to 31d", "0s"]);
    wrong(&["--length", "400d"], &["--length", "from 1m to 31d", "400d"]);
    wrong(&["--length", "long"], &["--length", "`long`"]);
    wrong(&["--stream", "0s"], &["--stream", "0s"]);
    wrong(&["--stream", "2h"], &["--stream", "at most 1h"]);
    wrong(&["--turns-per-hour", "0"], &["--turns-per-hour", "3600"]);
    wrong(&["--threads", "0"], &["--threads", "'0'"]);
    wrong(&["--seed", "x"], &["--seed", "'x'"]);
    wrong(&["--set", "cooldown=1"], &["--set", "unknown key `cooldown`", "`cooldown_ms`"]);
    wrong(&["--config", "no/such.json"], &["--config no/such.json", "No such file"]);
    wrong(&["--svg", "no/such/folder/plot.svg"], &["--svg no/such/folder/plot.svg", "No such file"]);
    wrong(&["--colour"], &["--colour"]);
    let many: Vec<String> = (0..101).map(|at| format!("--outage=1s@{at}m")).collect();
    wrong(&many.iter().map(String::as_str).collect::<Vec<_>>(), &["--outage", "at most 100"]);
}

#[test]
fn settings_at_their_limits_are_no_trouble() {
    for set in [
        "cooldown_ms=0",
        "cooldown_ms=18446744073709",
        "head_start_ms=0",
        "probe_lease_ms=0",
        "fallback_within_ms=0",
        "backoff_ms=0",
        "retry_budget=0",
        "retry_budget=null",
        "stream_max_retries=0",
        "stream_max_retries=255",
        "verdict=immediate",
        "replay=restart",
        "connect_timeout_ms=1",
    ] {
        for outage in ["10m@1h:both", "10m@1h"] {
            simulate(&["--compare", "--set", set, "--outage", outage]).exits_with(0);
            simulate(&["--compare", "--set", set, "--outage", outage, "--black-hole"]).exits_with(0);
        }
    }
    simulate(&["--broken-share", "1", "--stream", "1ms", "--outage", "30d@0s"]).exits_with(0);
}

#[test]
fn a_reader_that_goes_away_is_no_failure() {
    for more in [&["--json"][..], &["--compare"]] {
        let args =
            [&["simulate", "--clients", "10", "--length", "31d", "--turns-per-hour", "0.1"], more].concat();
        let mut child = command(&args).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        drop(child.stdout.take());
        let mut said = String::new();
        BufReader::new(child.stderr.take().unwrap()).read_line(&mut said).unwrap();
        assert_eq!((child.wait().unwrap().code(), said.as_str()), (Some(0), ""));
    }
}

#[test]
fn help_tells_of_the_model_and_the_settings() {
    let run = failback(&["simulate", "--help"]).exits_with(0);
    for part in ["Poisson", "--broken-share", "10m@1h:websocket", "max_recoveries", "same seed"] {
        assert!(run.out.contains(part), "no {part}");
    }
}

#[test]
fn the_document_on_the_policy_says_how_clients_come_back() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/POLICY.md");
    let policy = std::fs::read_to_string(path).unwrap();
    let (_, rest) = policy.split_once("## How clients come back").unwrap();
    let (section, _) = rest.split_once("\n## ").unwrap();
    let rows: Vec<&str> =
        section.lines().filter(|line| line.starts_with(['|']) && line.contains('%')).collect();
    assert_eq!(rows.len(), 9);
    for row in rows {
        let cells: Vec<&str> = row.trim_matches(['|', ' ']).split(" | ").collect();
        let [cooldown, turns, ratio, share] = cells[..] else { panic!("{row}") };
        let set = format!("cooldown_ms={}", cooldown.trim_end_matches(", the default"));
        let fleet = ["--outage", "10m@1h", "--clients", "20000", "--turns-per-hour", turns];
        let run = failback(&[&["simulate"], &fleet[..], &["--set", &set, "--json"]].concat()).exits_with(0);
        let whole: Value = serde_json::from_str(&run.out).unwrap();
        let periods = whole["strategies"][0]["periods"].as_array().unwrap();
        let after = periods.iter().find(|period| period["period"] == "after").unwrap();
        let number = |value: &Value| value.as_f64().unwrap();
        let on_websocket = 100.0 * number(&after["websocket"]) / number(&after["turns"]);
        let peak = number(&after["handshakes_per_s"]["peak_to_mean"]);
        assert_eq!(
            (format!("{peak:.2}"), format!("{on_websocket:.1} %")),
            (ratio.into(), share.into()),
            "{row}"
        );
    }
}
