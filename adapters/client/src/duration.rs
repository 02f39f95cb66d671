use std::time::Duration;

/// A wait in words, with one decimal below ten seconds: `0.5 s`, `60 s`.
pub(crate) fn seconds(wait: Duration) -> String {
    if wait < Duration::from_secs(10) {
        // Rounded up: a wait of a few milliseconds must not read as none.
        let tenths = wait.as_millis().div_ceil(100);
        format!("{}.{} s", tenths / 10, tenths % 10)
    } else {
        format!("{} s", wait.as_millis().div_ceil(1000))
    }
}
