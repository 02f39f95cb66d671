//! That what the documents in `docs` say of the code is so.

use std::fs;
use std::path::Path;

use failback::Config;
use serde_json::{Map, Value};

/// A file of the repository.
fn read(path: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(path);
    fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

#[test]
fn the_table_of_defaults_has_each_default_and_no_other() {
    let policy = read("docs/POLICY.md");
    let section =
        policy.split("\n## ").find(|section| section.starts_with("The defaults")).expect("a section");
    let rows = section.lines().filter(|line| line.starts_with("| `"));
    let told: Map<String, Value> = rows
        .map(|row| {
            let cells: Vec<&str> = row.split(" | ").collect();
            let [key, value, source] = cells[..] else { panic!("{row}") };
            assert!(source.len() > 10, "{key} has no source");
            let value = serde_json::from_str(value.trim_matches('`')).expect(row);
            (key.trim_start_matches("| ").trim_matches('`').to_owned(), value)
        })
        .collect();
    let Value::Object(defaults) = serde_json::to_value(Config::new()).expect("settings") else {
        panic!("settings are an object")
    };
    assert_eq!(told, defaults);
    assert!(Config::KEYS.iter().all(|key| told.contains_key(*key)));
}

#[test]
fn every_place_that_a_proof_is_said_to_be_in_exists() {
    let policy = read("docs/POLICY.md");
    let (_, proofs) = policy.split_once("## The proofs").expect("a section");
    let places =
        proofs.split('`').skip(1).step_by(2).filter(|word| word.contains('/') && !word.contains(' '));
    let mut seen = 0;
    for place in places {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(place);
        assert!(path.exists(), "{place}");
        seen += 1;
    }
    assert!(seen > 8, "only {seen}");
}

#[test]
fn each_excerpt_of_the_runtime_is_in_the_example_that_runs() {
    let porting = read("docs/PORTING.md");
    let example = read("adapters/async/examples/own_runtime.rs");
    let excerpts: Vec<&str> =
        porting.split("```rust,ignore\n").skip(1).filter_map(|rest| rest.split("```").next()).collect();
    assert!(excerpts.len() > 3, "only {}", excerpts.len());
    for excerpt in excerpts {
        assert!(example.contains(excerpt), "not in the example:\n{excerpt}");
    }
}
