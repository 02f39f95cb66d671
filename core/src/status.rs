use core::time::Duration;

use crate::Mode;

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
