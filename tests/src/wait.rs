use std::time::{Duration, Instant};

/// How long a test waits for something that should take milliseconds.
pub(crate) const PATIENCE: Duration = Duration::from_secs(20);
/// How often it looks for what it is not told of.
pub(crate) const LOOK_EVERY: Duration = Duration::from_millis(1);

/// Waits for something that nothing tells of. What the peer sees is better waited for there.
///
/// # Panics
/// After 20 seconds, with `what`.
pub fn until(what: &str, done: impl Fn() -> bool) {
    let begun = Instant::now();
    while !done() {
        assert!(begun.elapsed() < PATIENCE, "waited {PATIENCE:?} for: {what}");
        std::thread::sleep(LOOK_EVERY);
    }
}
