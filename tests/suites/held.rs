//! What the process of a test holds.

use std::collections::BTreeSet;
use std::fs;
use std::path::PathBuf;

/// What the process holds, as the operating system tells.
pub(crate) struct Held {
    /// By their numbers.
    pub(crate) threads: BTreeSet<PathBuf>,
    /// By their numbers too.
    pub(crate) sockets: BTreeSet<PathBuf>,
    /// How many other files, such as those by which threads wake each other.
    pub(crate) others: usize,
}

impl Held {
    pub(crate) fn now() -> Self {
        let list = |what: &str| fs::read_dir(format!("/proc/self/{what}")).expect("what Linux tells");
        let threads = list("task").flatten().map(|entry| entry.file_name().into()).collect();
        // One that was closed meanwhile leads nowhere.
        let files = list("fd").flatten().filter_map(|entry| fs::read_link(entry.path()).ok());
        let (sockets, others): (Vec<PathBuf>, Vec<PathBuf>) =
            files.partition(|file| file.to_string_lossy().starts_with("socket:"));
        Self { threads, sockets: sockets.into_iter().collect(), others: others.len() }
    }
}
