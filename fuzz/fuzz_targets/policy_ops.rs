//! Any settings, any times, any handles in any order: the invariants hold, and WebSocket is found to work
//! again.
#![no_main]

use failback::{Policy, Timestamp};
use failback_fuzz::{Driver, config};
use libfuzzer_sys::arbitrary::{Result, Unstructured};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    // Too few bytes are too few operations, not an error.
    let _ = run(&mut Unstructured::new(bytes));
});

fn run(u: &mut Unstructured<'_>) -> Result<()> {
    let config = config(u)?;
    let now = Timestamp::from_millis(u64::from(u.arbitrary::<u16>()?));
    let mut driver = Driver::new(Policy::new(config, u.arbitrary()?, now), now);
    let ran = driver.run(u);
    driver.check_comes_back();
    ran
}
