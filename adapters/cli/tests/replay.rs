//! `failback replay`.

mod common;

use std::fs;
use std::path::Path;

use common::{failback, file};
use serde_json::Value;

const VECTOR: &str = r#"{"name": "A refused handshake", "source": "made here", "config": {"jitter": 0}, "steps": [
    {"at_ms": 0, "do": "call", "call": "a", "expect": {"start": "websocket", "reason": "healthy"}},
    {"at_ms": 5, "do": "fail", "call": "a", "stage": "connecting", "blame": "transport", "expect": {"verdict": "retry"}},
    {"at_ms": 5, "do": "begin", "call": "a", "expect": {"start": "websocket", "mode": "suspected"}},
    {"at_ms": 12000, "do": "complete", "call": "a", "expect": {"mode": "failed_over", "retry_in_ms": 60000}}
]}"#;

#[test]
fn every_vector_is_as_expected() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/vectors");
    let mut files = Vec::new();
    for folder in [folder.clone(), folder.join("random")] {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.extension().is_some_and(|extension| extension == "json") {
                files.push(path.to_str().unwrap().to_owned());
            }
        }
    }
    let args: Vec<_> = ["replay", "--check"].into_iter().chain(files.iter().map(String::as_str)).collect();
    let run = failback(&args).exits_with(0);
    assert!(run.out.starts_with(&format!("{} vectors, ", files.len())), "{}", run.out);
    assert!(run.out.ends_with(" steps: all as expected\n"), "{}", run.out);
    assert_eq!(run.out.lines().count(), 1);
}

#[test]
fn each_decision_is_printed_with_its_reason() {
    let path = file("vector.json", VECTOR);
    let run = failback(&["replay", &path]).exits_with(0);
    assert_eq!(
        run.out,
        format!(
            "{path}: A refused handshake (made here)
    0.000 s  call a               -> websocket (healthy)           preferred, 3 recoveries left
    0.005 s  fail a               -> retry at 0.005 s              suspected, 3 recoveries left
    0.005 s  begin a              -> sse (call_moved)              suspected, 3 recoveries left
   12.000 s  complete a           -> done                          failed_over, may probe in 60.000 s, 3 recoveries left

1 vector, 4 steps
"
        )
    );
}

#[test]
fn what_differs_is_named() {
    let path = file("differs.json", VECTOR);
    let run = failback(&["replay", "--check", &path]).exits_with(1);
    let line = format!("{path}: step 3 (begin a at 0.005 s): start: expected \"websocket\", got \"sse\"");
    assert_eq!(run.out, format!("{line}\n1 vector, 4 steps: 1 differ\n"));
}

#[test]
fn json_has_an_object_for_each_step() {
    let path = file("json.json", VECTOR);
    let run = failback(&["replay", "--check", "--json", &path]).exits_with(1);
    let objects: Vec<Value> = run.out.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(objects.len(), 5);
    let begin = &objects[2];
    assert_eq!([&begin["file"], &begin["do"], &begin["call"]], [path.as_str(), "begin", "a"]);
    assert_eq!([&begin["step"], &begin["at_ms"]], [3, 5]);
    assert_eq!(begin["got"]["reason"], "call_moved");
    assert_eq!(
        begin["mismatches"],
        serde_json::json!([{"key": "start", "expected": "websocket", "got": "sse"}])
    );
    assert_eq!(
        objects[4],
        serde_json::json!({"kind": "summary", "vectors": 1, "steps": 4, "differ": 1, "errors": 0})
    );
}

#[test]
fn a_step_that_makes_no_sense_is_an_error() {
    let text = VECTOR.replace("\"begin\"", "\"progress\"");
    let path = file("senseless.json", &text.replace("\"start\": \"websocket\", \"mode\"", "\"mode\""));
    for check in [&["--check"][..], &[]] {
        let args: Vec<_> = ["replay", &path].into_iter().chain(check.iter().copied()).collect();
        let run = failback(&args).exits_with(1).says(&[&path, "step 3", "no call `a`"]);
        assert!(run.out.ends_with("1 file could not be run\n"), "{}", run.out);
    }
}

#[test]
fn a_file_that_is_no_vector_is_named_and_the_others_still_run() {
    let good = file("good.json", VECTOR);
    for (name, text, parts) in [
        ("key.json", VECTOR.replace("\"blame\"", "\"blames\""), ["step 2", "blame"]),
        ("word.json", VECTOR.replace("\"reason\"", "\"reasons\""), ["step 1", "reasons"]),
        ("config.json", VECTOR.replace("\"jitter\": 0", "\"jitter\": 7"), ["config", "jitter"]),
        ("text.json", "nonsense".to_owned(), ["not JSON", "expected"]),
    ] {
        let bad = file(name, &text);
        let run = failback(&["replay", &bad, &good]).exits_with(2).says(&[&bad]).says(&parts);
        assert!(run.out.contains("1 vector, 4 steps, 1 file could not be run"), "{}", run.out);
    }
    failback(&["replay", "no/such.json"]).exits_with(2).says(&["no/such.json: No such file"]);
    failback(&["replay"]).exits_with(2).says(&["<FILE>"]);
}
