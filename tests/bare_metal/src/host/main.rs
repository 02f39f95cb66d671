//! `host SCRIPT VECTOR...`: writes the vectors as a script, and prints the digest that each run of it must
//! give.
//!
//! The vectors as written are compared with what their steps expect, so that a script which says something
//! else than its vectors is noticed.
#![forbid(unsafe_code)]

mod vector;

use std::error::Error;
use std::path::Path;

use failback_bare_metal::runner::{self, Variant};
use failback_bare_metal::script::vectors;

use crate::vector::Vector;

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let to = arguments.next().ok_or("usage: host SCRIPT VECTOR...")?;
    let mut script = Vec::new();
    let mut names = Vec::new();
    for file in arguments {
        let text = std::fs::read_to_string(&file).map_err(|e| format!("{file}: {e}"))?;
        let vector: Vector = serde_json::from_str(&text).map_err(|e| format!("{file}: {e}"))?;
        let bytes = vector.to_bytes().map_err(|e| format!("{file}: {e}"))?;
        vector.check(&bytes).map_err(|e| format!("{file}: {e}"))?;
        script.extend(bytes);
        let name = Path::new(&file).file_stem().unwrap_or_default().to_string_lossy().into_owned();
        names.push(name);
    }
    if vectors(&script).count() != names.len() {
        return Err("the script does not hold the vectors".into());
    }
    std::fs::write(&to, &script).map_err(|e| format!("{to}: {e}"))?;

    let runs = names.iter().flat_map(|name| Variant::ALL.map(|variant| (name, variant)));
    for ((name, variant), digest) in runs.zip(runner::digests(&script)) {
        println!("{digest:016x} {name} {}", variant.as_str());
    }
    Ok(())
}
