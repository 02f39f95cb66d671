//! Any bytes as a snapshot: an error, or a policy that keeps the invariants and the snapshot.
#![no_main]

use core::time::Duration;

use failback::{Policy, Snapshot, Timestamp};
use failback_fuzz::{Driver, config};
use libfuzzer_sys::arbitrary::{Result, Unstructured};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let _ = run(&mut Unstructured::new(bytes));
});

fn run(u: &mut Unstructured<'_>) -> Result<()> {
    let config = config(u)?;
    let away = Duration::from_millis(u.arbitrary()?);
    let now = Timestamp::from_nanos(u.arbitrary()?);
    let Some(snapshot) = snapshot(u)? else { return Ok(()) };

    let text = serde_json::to_string(&snapshot).expect("a snapshot is JSON");
    let again: Snapshot = serde_json::from_str(&text).expect("what was written can be read");
    assert_eq!(serde_json::to_string(&again).expect("a snapshot is JSON"), text);

    let policy = Policy::restore(config, u.arbitrary()?, &snapshot, away, now);
    let kept = policy.snapshot(now);
    let mut driver = Driver::new(policy.clone(), now);
    let restored = Policy::restore(config, 0, &kept, Duration::ZERO, now);
    assert_eq!(restored.mode(), policy.mode());
    assert_eq!(restored.recoveries_left(), policy.recoveries_left());

    let ran = driver.run(u);
    driver.check_comes_back();
    ran
}

/// Bytes that may be JSON, or JSON that may be a snapshot.
fn snapshot(u: &mut Unstructured<'_>) -> Result<Option<Snapshot>> {
    if u.ratio(1, 4)? {
        let length = u.arbitrary_len::<u8>()?;
        return Ok(serde_json::from_slice(u.bytes(length)?).ok());
    }
    let mode = u.choose(&["preferred", "failed_over", "pinned"])?;
    let (retry_in, cooldown): (u64, u64) = (u.arbitrary()?, u.arbitrary()?);
    let (failures, recoveries, convictions): (u16, u8, u8) = u.arbitrary()?;
    let epoch: u32 = u.arbitrary()?;
    let text = format!(
        r#"{{"mode":"{mode}","retry_in_ms":{retry_in},"cooldown_ms":{cooldown},"failures":{failures},
            "recoveries_left":{recoveries},"convictions":{convictions},"epoch":{epoch}}}"#
    );
    Ok(Some(serde_json::from_str(&text).expect("every number fits its type")))
}
