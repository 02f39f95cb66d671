use core::time::Duration;

#[cfg(feature = "std")]
use crate::whole_millis;

/// What a policy knows, to be kept across restarts ([R20](crate::rules#r20)).
///
/// Holds the mode, the counters and remaining durations; never timestamps, calls or tokens. What was
/// suspected or being probed is kept as failed over, or as pinned when no recovery is left, because whoever
/// was to report on it is gone.
///
/// With the feature `serde` it is a flat map of numbers and one word, with durations in whole milliseconds.
/// Any such map whose numbers fit their types can be restored: what does not fit the configuration is clamped
/// to it.
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

impl Snapshot {
    /// The same where WebSocket is in doubt: as failed over for the cooldown of the last conviction, or as
    /// pinned where no recovery is left. That is how a suspicion is kept.
    ///
    /// For a driver whose process may end before a handshake does that it has left to itself
    /// ([R17](crate::rules#r17)): nobody will hear how it ended.
    #[must_use]
    pub const fn in_doubt(self) -> Self {
        let (mode, retry_in) = match self.recoveries_left {
            0 => (KeptMode::Pinned, Duration::ZERO),
            _ => (KeptMode::FailedOver, self.cooldown),
        };
        Self { mode, retry_in, ..self }
    }

    /// As it is written: in whole milliseconds, rounded up.
    #[cfg(feature = "std")]
    #[must_use]
    pub(crate) const fn in_whole_millis(self) -> Self {
        let retry_in = Duration::from_millis(whole_millis(self.retry_in));
        let cooldown = Duration::from_millis(whole_millis(self.cooldown));
        Self { retry_in, cooldown, ..self }
    }
}

/// A mode that outlives the attempts under way.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(rename_all = "snake_case"))]
pub(crate) enum KeptMode {
    Preferred,
    FailedOver,
    Pinned,
}
