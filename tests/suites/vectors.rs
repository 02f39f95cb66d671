//! Every vector in `tests/vectors`, run through the policy; and what is said of a vector that is none.

use std::fs;
use std::path::{Path, PathBuf};

use failback_vector::Vector;

/// The vectors in a folder, in order of their names.
fn files(folder: &str) -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("vectors").join(folder);
    let mut files: Vec<_> = fs::read_dir(&folder)
        .unwrap_or_else(|error| panic!("{}: {error}", folder.display()))
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "json"))
        .collect();
    files.sort();
    files
}

fn read(file: &Path) -> Vector {
    let text = fs::read_to_string(file).unwrap();
    Vector::parse(&text).unwrap_or_else(|error| panic!("{}: {error}", file.display()))
}

/// What differs, a line for each expectation that was not met, with the file, the step, and both values.
fn differences(file: &Path) -> Vec<String> {
    let name = file.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let mut lines = Vec::new();
    let run = read(file).run(|report| {
        let what = match &report.call {
            Some(call) => format!("{} {call}", report.action),
            None => report.action.clone(),
        };
        for mismatch in &report.mismatches {
            lines.push(format!(
                "{name}: step {} ({what} at {} ms): {}: expected {}, got {}",
                report.step, report.at_ms, mismatch.key, mismatch.expected, mismatch.got
            ));
        }
    });
    if let Err(error) = run {
        lines.push(format!("{name}: {error}"));
    }
    lines
}

#[track_caller]
fn assert_all_agree(files: &[PathBuf], at_least: usize) {
    assert!(files.len() >= at_least, "only {} vectors were found", files.len());
    let lines: Vec<_> = files.iter().flat_map(|file| differences(file)).collect();
    assert!(lines.is_empty(), "{} expectations were not met:\n{}", lines.len(), lines.join("\n"));
}

#[test]
fn the_policy_decides_what_the_vectors_expect() {
    assert_all_agree(&files(""), 45);
}

#[test]
fn the_policy_decides_what_the_random_vectors_expect() {
    assert_all_agree(&files("random"), 50);
}

#[test]
fn every_rule_has_a_vector_and_every_vector_a_name_and_a_source() {
    let files = files("");
    let stems: Vec<_> = files.iter().map(|file| file.file_stem().unwrap().to_string_lossy()).collect();
    for rule in 1..=21 {
        let prefix = format!("r{rule:02}-");
        assert!(stems.iter().any(|stem| stem.starts_with(&prefix)), "no vector for R{rule}");
    }
    for (file, stem) in files.iter().zip(&stems) {
        let vector = read(file);
        assert!(vector.name.contains(' '), "{stem}: its name is no sentence");
        let id = stem.split('-').next().unwrap_or_default().to_uppercase();
        let id = match id.strip_prefix("R0") {
            Some(number) => format!("R{number}"),
            None => id,
        };
        assert!(vector.source.starts_with(&id), "{stem}: its source is {}", vector.source);
        assert!(!vector.is_empty(), "{stem}: it has no steps");
    }
}

/// A difference is found, and told with all that is needed to find it again.
#[test]
fn an_expectation_that_is_not_met_is_reported() {
    let vector = vector(
        r#"{"at_ms": 0, "do": "call", "call": "a"},
           {"at_ms": 7, "do": "complete", "call": "a", "expect": {"verdict": "retry", "mode": "preferred", "retry_at_ms": 3}}"#,
    );
    let mut mismatches = Vec::new();
    vector
        .unwrap()
        .run(|report| {
            for mismatch in report.mismatches {
                mismatches.push((
                    report.step,
                    mismatch.key,
                    mismatch.expected.to_string(),
                    mismatch.got.to_string(),
                ));
            }
        })
        .unwrap();
    let expected = [(3, "retry_at_ms", "3", "null"), (3, "verdict", "\"retry\"", "\"done\"")];
    mismatches.sort();
    assert_eq!(mismatches.len(), expected.len());
    for (got, expected) in mismatches.iter().zip(expected) {
        assert_eq!((got.0, &*got.1, &*got.2, &*got.3), expected);
    }
}

/// A vector of these steps, after a first one that is valid.
fn vector(steps: &str) -> Result<Vector, String> {
    let text = format!(
        r#"{{"name": "A test", "source": "none", "config": {{"jitter": 0}}, "steps": [{{"at_ms": 0, "do": "check"}}, {steps}]}}"#
    );
    Vector::parse(&text).map_err(|error| error.to_string())
}

#[test]
fn a_step_that_does_not_parse_is_named_with_its_key() {
    for (step, parts) in [
        (r#"{"do": "check"}"#, &["at_ms", "missing"][..]),
        (r#"{"at_ms": -1, "do": "check"}"#, &["at_ms", "-1"]),
        (r#"{"at_ms": 0.5, "do": "check"}"#, &["at_ms", "0.5"]),
        (r#"{"at_ms": "0", "do": "check"}"#, &["at_ms", "\"0\""]),
        (r#"{"at_ms": 0}"#, &["do"]),
        (r#"{"at_ms": 0, "do": "jump"}"#, &["jump", "expected one of", "network_changed"]),
        (r#"{"at_ms": 0, "do": "call"}"#, &["call"]),
        (r#"{"at_ms": 0, "do": "call", "call": "a", "colour": 1}"#, &["colour"]),
        (r#"{"at_ms": 0, "do": "tick", "call": "a"}"#, &["call"]),
        (
            r#"{"at_ms": 0, "do": "call", "call": "a", "over": "pinned"}"#,
            &["pinned", "sse_only", "too_large"],
        ),
        (r#"{"at_ms": 0, "do": "call", "call": "a", "over": null}"#, &["over", "null"]),
        (r#"{"at_ms": 0, "do": "begin", "call": "a", "over": "sse_only"}"#, &["over"]),
        (r#"{"at_ms": 0, "do": "fail", "call": "a", "blame": "server"}"#, &["stage"]),
        (r#"{"at_ms": 0, "do": "fail", "call": "a", "stage": "open"}"#, &["blame"]),
        (r#"{"at_ms": 0, "do": "fail", "call": "a", "stage": "open", "blame": "me"}"#, &["me", "network"]),
        (
            r#"{"at_ms": 0, "do": "fail", "call": "a", "stage": "late", "blame": "server"}"#,
            &["late", "streaming"],
        ),
        (r#"{"at_ms": 0, "do": "dial_failed", "call": "a"}"#, &["blame"]),
        (r#"{"at_ms": 0, "do": "restart"}"#, &["down_ms"]),
        (r#"{"at_ms": 0, "do": "check", "expect": 1}"#, &["expect", "1"]),
        (r#"{"at_ms": 0, "do": "check", "expect": {"colour": 1}}"#, &["expect", "colour", "mode"]),
        (
            r#"{"at_ms": 0, "do": "tick", "expect": {"start": "sse"}}"#,
            &["expect", "start", "tick", "wake_in_ms"],
        ),
        (
            r#"{"at_ms": 0, "do": "call", "call": "a", "expect": {"verdict": "done"}}"#,
            &["verdict", "wait_until_ms"],
        ),
        (
            r#"{"at_ms": 0, "do": "complete", "call": "a", "expect": {"reason": "healthy"}}"#,
            &["reason", "retry_at_ms"],
        ),
        (r#"{"at_ms": 0, "do": "divert", "call": "a", "expect": {"give_up": "committed"}}"#, &["give_up"]),
        ("7", &["7", "not an object"]),
    ] {
        let error = vector(step).expect_err(step);
        assert!(error.starts_with("step 2: "), "{step}: {error}");
        for part in parts {
            assert!(error.contains(part), "{step}: {error} does not say {part}");
        }
    }
}

#[test]
fn a_vector_that_does_not_parse_is_told_why() {
    let ok = r#"{"name": "A test", "source": "none", "steps": []}"#;
    assert!(Vector::parse(ok).unwrap().is_empty());
    for (text, parts) in [
        ("", &["not a vector"][..]),
        ("[]", &["not a vector"]),
        (r#"{"source": "none", "steps": []}"#, &["name"]),
        (r#"{"name": "A test", "steps": []}"#, &["source"]),
        (r#"{"name": "A test", "source": "none"}"#, &["steps"]),
        (r#"{"name": "A test", "source": "none", "steps": [], "stage": 1}"#, &["stage"]),
        (r#"{"name": "A test", "source": "none", "steps": [], "seed": -1}"#, &["-1"]),
        (
            r#"{"name": "A test", "source": "none", "steps": [], "config": {"cooldown": 1}}"#,
            &["config", "cooldown"],
        ),
        (
            r#"{"name": "A test", "source": "none", "steps": [], "config": {"cooldown_ms": true}}"#,
            &["config", "cooldown_ms", "true"],
        ),
        (
            r#"{"name": "A test", "source": "none", "steps": [], "config": {"jitter": 2}}"#,
            &["config", "jitter", "2", "from 0 to 1"],
        ),
    ] {
        let error = Vector::parse(text).expect_err(text).to_string();
        for part in parts {
            assert!(error.contains(part), "{text}: {error} does not say {part}");
        }
    }
}

#[test]
fn a_step_that_makes_no_sense_where_it_stands_is_named() {
    for (steps, number, call) in [
        (r#"{"at_ms": 0, "do": "complete", "call": "nobody"}"#, 2, "nobody"),
        (r#"{"at_ms": 0, "do": "progress", "call": "nobody"}"#, 2, "nobody"),
        (r#"{"at_ms": 0, "do": "begin", "call": "nobody"}"#, 2, "nobody"),
        (r#"{"at_ms": 0, "do": "divert", "call": "nobody"}"#, 2, "nobody"),
        (r#"{"at_ms": 0, "do": "dial_opened", "call": "nobody"}"#, 2, "nobody"),
        (r#"{"at_ms": 0, "do": "call", "call": "a"}, {"at_ms": 0, "do": "call", "call": "a"}"#, 3, "a"),
        (r#"{"at_ms": 0, "do": "call", "call": "a"}, {"at_ms": 0, "do": "begin", "call": "a"}"#, 3, "a"),
        (
            r#"{"at_ms": 0, "do": "call", "call": "a"}, {"at_ms": 0, "do": "restart", "down_ms": 1},
               {"at_ms": 1, "do": "complete", "call": "a"}"#,
            4,
            "a",
        ),
    ] {
        let mut seen = 0;
        let error = vector(steps).unwrap().run(|_| seen += 1).expect_err(steps).to_string();
        assert!(error.starts_with(&format!("step {number}: ")), "{steps}: {error}");
        assert!(error.contains(&format!("`{call}`")), "{steps}: {error}");
        assert_eq!(seen, number - 1, "the steps before it were reported");
    }
}
