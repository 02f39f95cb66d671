use core::time::Duration;

use crate::{Config, Policy, Timestamp};

/// What a policy knows, to be kept across restarts (R20).
///
/// Holds the mode, the counters and remaining durations; never timestamps, calls or tokens. What was suspected or
/// being probed is kept as failed over, because whoever was to report on it is gone.
///
/// With the feature `serde` it is a flat map of numbers and one word, with durations in whole milliseconds. Any such
/// map whose numbers fit their types can be restored: what does not fit the configuration is clamped to it.
///
/// ```
/// use core::time::Duration;
/// use failback::{Config, Policy, Timestamp};
///
/// let policy = Policy::new(Config::new(), 7, Timestamp::ZERO);
/// let snapshot = policy.snapshot(Timestamp::from_millis(500));
/// // ... the process ends, and another one starts ten seconds later ...
/// let asleep = Duration::from_secs(10);
/// let restored = Policy::restore(Config::new(), 8, &snapshot, asleep, Timestamp::ZERO);
/// assert_eq!(restored.mode(), policy.mode());
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Snapshot {
    pub(crate) epoch: u32,
    pub(crate) mode: KeptMode,
    pub(crate) retry_in: Duration,
    pub(crate) cooldown: Duration,
    pub(crate) failures: u16,
    pub(crate) recoveries_left: u8,
    pub(crate) convictions: u8,
}

/// A mode that outlives the attempts under way.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(rename_all = "snake_case"))]
pub(crate) enum KeptMode {
    Preferred,
    FailedOver,
    Pinned,
}

impl Policy {
    /// What the policy knows at `now`.
    #[must_use]
    pub fn snapshot(&self, now: Timestamp) -> Snapshot {
        let mut policy = self.clone();
        policy.handle_timeout(now);
        policy.state().snapshot(policy.now())
    }

    /// The policy of which `snapshot` was made, `elapsed` later.
    ///
    /// Cooldowns went on meanwhile. A process that cannot tell how long it was away passes zero, and waits longer than it
    /// has to. Handles that the earlier policy had given out are stale to this one (R9).
    #[must_use]
    pub fn restore(
        config: Config,
        seed: u64,
        snapshot: &Snapshot,
        elapsed: Duration,
        now: Timestamp,
    ) -> Self {
        Self::with_state(config, seed, now, crate::state::State::restore(&config, snapshot, elapsed, now))
    }
}
