//! Any operations on the policy and on a model of its rules: equal answers.
#![no_main]

use failback_tests::operations::{decode, run};
use libfuzzer_sys::fuzz_target;

/// Longer traces say no more, and the model remembers everything.
const MOST_OPERATIONS: usize = 400;

fuzz_target!(|input: (u64, Vec<u8>)| {
    let (seed, bytes) = input;
    let (config, mut operations) = decode(&bytes);
    operations.truncate(MOST_OPERATIONS);
    if let Err(disagreement) = run(config, seed, &operations, None) {
        panic!("{disagreement}");
    }
});
