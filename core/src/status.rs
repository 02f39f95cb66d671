use core::time::Duration;

use crate::Mode;
#[cfg(feature = "std")]
use crate::{Policy, Timestamp};

/// What a policy thinks of WebSocket at one moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Status {
    /// Which transport it believes in.
    pub mode: Mode,
    /// In [`Mode::FailedOver`], how long it is until the next WebSocket attempt may be made: zero when it may
    /// be made now. `None` in any other mode.
    pub retry_in: Option<Duration>,
    /// How many probes may still be spent before the policy stays on SSE.
    pub recoveries_left: u8,
}

#[cfg(feature = "std")]
impl Status {
    /// Of a policy that has been told this time.
    pub(crate) fn of(policy: &Policy, now: Timestamp) -> Self {
        let mode = policy.mode();
        let retry_in = match mode {
            Mode::FailedOver { retry_at } => Some(retry_at.saturating_duration_since(now)),
            _ => None,
        };
        Self { mode, retry_in, recoveries_left: policy.recoveries_left() }
    }
}
