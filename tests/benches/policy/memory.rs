//! Room: what the types take, and what a million policies take for real.

use std::hint::black_box;
use std::{fs, mem};

use failback::{Attempt, Call, Config, Dial, Policy, SharedPolicy, Snapshot, Timestamp};

const MANY: usize = 1_000_000;

pub(crate) fn print() {
    println!("\nBytes");
    println!("  Policy {:>12}", size_of::<Policy>());
    println!("  Call {:>14}", size_of::<Call>());
    println!("  Attempt {:>11}", size_of::<Attempt>());
    println!("  Dial {:>14}", size_of::<Dial>());
    println!("  Snapshot {:>10}", size_of::<Snapshot>());

    println!("\nGrowth of resident memory, bytes for each of {MANY}");
    growth("Policy", |seed| Policy::new(Config::new(), seed, Timestamp::ZERO));
    growth("SharedPolicy", |_| SharedPolicy::new(Config::new()));
}

fn growth<T>(name: &str, make: impl Fn(u64) -> T) {
    let Some(before) = resident() else {
        println!("  {name:<13} not known here: there is no /proc/self/status");
        return;
    };
    let many: Vec<T> = (0..MANY as u64).map(make).collect();
    let after = resident().unwrap_or(before);
    println!("  {name:<13} {:>5.1}", (after.saturating_sub(before)) as f64 / MANY as f64);
    mem::drop(black_box(many));
}

/// Bytes of this process that are in memory.
fn resident() -> Option<u64> {
    let status = fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find(|line| line.starts_with("VmRSS:"))?;
    line.split_whitespace().nth(1)?.parse::<u64>().ok().map(|kib| kib * 1024)
}
