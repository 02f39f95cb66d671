//! No file imports in a circle, and no crate imports upwards.
//!
//! Reads the sources as text: the paths that begin with `crate::`, `super::` or the name of a crate, and what
//! `lib.rs` passes on. Test modules are left out: they may import what they test.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

/// The crates, from the lowest up. Each may use those before it.
const CRATES: [(&str, &str); 10] = [
    ("failback", "core"),
    ("failback_wire", "adapters/wire"),
    ("failback_client", "adapters/client"),
    ("failback_async", "adapters/async"),
    ("failback_tokio", "adapters/tokio"),
    ("failback_smol", "adapters/smol"),
    ("failback_blocking", "adapters/blocking"),
    ("failback_vector", "tests/vector"),
    ("failback_peer", "tests/peer"),
    ("failback_cli", "adapters/cli"),
];

/// Which file uses which, by their module paths: `a`, `a::b`.
type Uses = BTreeMap<String, BTreeSet<String>>;

#[test]
fn no_file_imports_in_a_circle() {
    for (name, place) in CRATES {
        let uses = uses_within(&root().join(place).join("src"));
        assert!(!uses.is_empty(), "{name} has no source");
        if let Some(circle) = circle(&uses) {
            panic!("files of {name} import each other in a circle: {}", circle.join(" -> "));
        }
    }
}

#[test]
fn no_crate_imports_upwards() {
    for (rank, (name, place)) in CRATES.iter().enumerate() {
        for (_, path) in modules(&root().join(place).join("src")) {
            let text = code(&path);
            for (above, _) in &CRATES[rank + 1..] {
                let import = format!("{above}::");
                let used = text.match_indices(&import).any(|(at, _)| begins_a_path(&text, at));
                assert!(!used, "{} of {name} imports {above}", path.display());
            }
        }
    }
}

#[test]
fn a_circle_is_found() {
    let uses = |pairs: &[(&str, &str)]| {
        let mut uses = Uses::new();
        for (from, to) in pairs {
            uses.entry((*from).to_owned()).or_default().insert((*to).to_owned());
        }
        uses
    };
    assert_eq!(circle(&uses(&[("a", "b"), ("b", "c"), ("a", "c")])), None);
    let found = circle(&uses(&[("x", "a"), ("a", "b"), ("b", "c"), ("c", "a")])).expect("a circle");
    assert_eq!(found, ["a", "b", "c", "a"]);
}

#[test]
fn paths_are_read_as_the_compiler_reads_them() {
    let found = paths("crate::", "use crate::{a, b::C, d::{E, f}};\nlet x = crate::g::h(); not_crate::z;");
    assert_eq!(found, ["a", "b::C", "d::E", "d::f", "g::h"]);
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// Every file of a crate that is not a test, by its module path; `""` is `lib.rs`.
fn modules(src: &Path) -> Vec<(String, PathBuf)> {
    fn walk(folder: &Path, prefix: &str, found: &mut Vec<(String, PathBuf)>) {
        let mut entries: Vec<_> =
            fs::read_dir(folder).expect("a folder").map(|e| e.expect("an entry").path()).collect();
        entries.sort();
        for path in entries {
            let stem = path.file_stem().and_then(|stem| stem.to_str()).expect("a name").to_owned();
            if stem == "tests" {
                continue;
            }
            let name = if prefix.is_empty() { stem.clone() } else { format!("{prefix}::{stem}") };
            if path.is_dir() {
                walk(&path, &name, found);
            } else if path.extension().is_some_and(|extension| extension == "rs") && stem != "main" {
                let name = match &*stem {
                    "lib" => String::new(),
                    "mod" => prefix.to_owned(),
                    _ => name,
                };
                found.push((name, path));
            }
        }
    }
    let mut found = Vec::new();
    walk(src, "", &mut found);
    found
}

/// A file without comments and without its tests, which stand at its end.
fn code(path: &Path) -> String {
    let text = fs::read_to_string(path).expect("source");
    let text = text.split("#[cfg(test)]\nmod tests {").next().unwrap_or_default();
    text.lines().filter(|line| !line.trim_start().starts_with("//")).map(|line| format!("{line}\n")).collect()
}

fn uses_within(src: &Path) -> Uses {
    let modules = modules(src);
    let names: BTreeSet<&str> = modules.iter().map(|(name, _)| name.as_str()).collect();
    // What a module passes on, and from where: `pub use call::Attempt` in `lib.rs`.
    let mut passed_on = BTreeMap::new();
    for (module, path) in &modules {
        for line in code(path).split(';').filter(|line| line.contains("use ")) {
            let Some((_, tree)) = line.split_once("use ") else { continue };
            if !line.trim_start_matches(|c: char| c.is_whitespace()).starts_with("pub")
                && !line.contains("pub use")
                && !line.contains("pub(crate) use")
            {
                continue;
            }
            for path in expand(tree) {
                let path = path.strip_prefix("self::").unwrap_or(&path).to_owned();
                let last = path.rsplit("::").next().unwrap_or_default().to_owned();
                passed_on.insert(join(module, &last), join(module, &path));
            }
        }
    }
    let mut uses = Uses::new();
    for (module, path) in &modules {
        let text = code(path);
        let parent = module.rsplit_once("::").map_or("", |(parent, _)| parent);
        let mut targets: Vec<String> = paths("crate::", &text);
        targets.extend(paths("super::", &text).into_iter().map(|path| join(parent, &path)));
        let found = uses.entry(module.clone()).or_default();
        for target in targets {
            let target = passed_on.get(&target).cloned().unwrap_or(target);
            if let Some(file) = file_of(&target, &names) {
                // A folder's own file stands for what is in it.
                if file != *module && !file.is_empty() {
                    found.insert(file);
                }
            }
        }
    }
    uses
}

fn join(module: &str, path: &str) -> String {
    if module.is_empty() { path.to_owned() } else { format!("{module}::{path}") }
}

/// The file in which a path ends: the longest beginning of it that is one.
fn file_of(path: &str, names: &BTreeSet<&str>) -> Option<String> {
    let mut path = path;
    loop {
        if names.contains(path) {
            return Some(path.to_owned());
        }
        path = path.rsplit_once("::")?.0;
    }
}

/// The paths in a text that begin with `start`, without it.
fn paths(start: &str, text: &str) -> Vec<String> {
    text.match_indices(start)
        .filter(|(at, _)| begins_a_path(text, *at))
        .flat_map(|(at, _)| expand(&text[at + start.len()..]))
        .collect()
}

fn begins_a_path(text: &str, at: usize) -> bool {
    !text[..at].ends_with(|c: char| c.is_alphanumeric() || c == '_' || c == ':')
}

/// The paths of a tree such as `a::{B, c::D}`, read up to where it ends.
fn expand(tree: &str) -> Vec<String> {
    let is_name = |c: char| c.is_alphanumeric() || c == '_';
    let tree = tree.trim_start();
    if let Some(inside) = tree.strip_prefix('{') {
        let (mut depth, mut start, mut found) = (0, 0, Vec::new());
        for (at, character) in inside.char_indices() {
            match character {
                '{' => depth += 1,
                '}' if depth > 0 => depth -= 1,
                ',' if depth == 0 => {
                    found.extend(expand(&inside[start..at]));
                    start = at + 1;
                }
                '}' => {
                    found.extend(expand(&inside[start..at]));
                    return found;
                }
                _ => {}
            }
        }
        return found;
    }
    let end = tree.find(|c: char| !is_name(c)).unwrap_or(tree.len());
    let (name, rest) = tree.split_at(end);
    if name.is_empty() {
        return Vec::new();
    }
    match rest.strip_prefix("::") {
        Some(rest) => {
            let more = expand(rest);
            if more.is_empty() {
                vec![name.to_owned()]
            } else {
                more.into_iter().map(|path| format!("{name}::{path}")).collect()
            }
        }
        None => vec![name.to_owned()],
    }
}

/// A circle among these, from a file back to itself, if there is one.
fn circle(uses: &Uses) -> Option<Vec<String>> {
    fn visit(uses: &Uses, file: &str, way: &mut Vec<String>, done: &mut BTreeSet<String>) -> bool {
        if let Some(start) = way.iter().position(|seen| seen == file) {
            way.drain(..start);
            way.push(file.to_owned());
            return true;
        }
        if done.contains(file) {
            return false;
        }
        way.push(file.to_owned());
        for next in uses.get(file).into_iter().flatten() {
            if visit(uses, next, way, done) {
                return true;
            }
        }
        way.pop();
        done.insert(file.to_owned());
        false
    }
    let mut done = BTreeSet::new();
    uses.keys().find_map(|file| {
        let mut way = Vec::new();
        visit(uses, file, &mut way, &mut done).then_some(way)
    })
}
