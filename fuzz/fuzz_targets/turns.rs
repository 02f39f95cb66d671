//! Turns of the client machine, driven by any bytes: each ends, and its caller is told every event once.
#![no_main]

use failback_tests::turns::drive;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| drive(bytes));
