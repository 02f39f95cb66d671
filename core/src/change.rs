use core::fmt;
use core::time::Duration;

use crate::Mode;

/// A change of mode, as `SharedPolicy::on_change` (feature `std`) tells of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Change {
    /// The mode before.
    pub from: Mode,
    /// The mode after.
    pub to: Mode,
    /// What brought it about.
    pub why: Trigger,
    /// Into [`Mode::FailedOver`], how long it was then until the next WebSocket attempt could be made: zero
    /// when it could be made at once. `None` into any other mode.
    pub retry_in: Option<Duration>,
    /// How many probes could still be spent then before the policy would stay on SSE.
    pub recoveries_left: u8,
}

/// What brings a change of mode about.
///
/// It says what happened; what the policy made of that is the mode. So [`Trigger::WebSocketFailed`] leads to
/// [`Mode::Suspected`], or, when the evidence is there already or none is asked for, to a conviction.
///
/// Exhaustive on purpose: nothing else changes the mode.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Trigger {
    /// WebSocket failed, in a call or in a handshake that no call waited for, for a cause that may be its own
    /// ([R2](crate::rules#r2), [R3](crate::rules#r3), [R17](crate::rules#r17)).
    WebSocketFailed,
    /// The probe failed, for a cause that may be WebSocket's own ([R7](crate::rules#r7)).
    ProbeFailed,
    /// SSE works where WebSocket did not: WebSocket is at fault ([R4](crate::rules#r4)).
    SseWorked,
    /// SSE does not work either: nothing is shown against WebSocket ([R5](crate::rules#r5)).
    SseFailed,
    /// For the length of a cooldown nothing has shown whose fault it was ([R5](crate::rules#r5)).
    SuspicionLapsed,
    /// The time for the next WebSocket attempt has come, in most cases because the cooldown is over, and an
    /// attempt or a dial probes ([R1](crate::rules#r1)).
    CooldownOver,
    /// The probe reported nothing until its lease was over ([R8](crate::rules#r8)).
    LeaseOver,
    /// The probe is over, and did not show whether WebSocket works: it was cancelled or given up, the server
    /// ended it, or it failed for a cause that is not WebSocket's ([R7](crate::rules#r7)).
    ProbeUndecided,
    /// The handshake of the probe succeeded while no call waited for it: its call had left it, or it was
    /// begun ahead of calls. The next call probes with the connection ([R17](crate::rules#r17)).
    DialOpened,
    /// A response over WebSocket completed, be it the probe's, a last resort's or an older one
    /// ([R6](crate::rules#r6)).
    WebSocketCompleted,
    /// The driver said that the network is another one ([R19](crate::rules#r19)).
    NetworkChanged,
    /// The policy goes on from a snapshot ([R20](crate::rules#r20)): it has [learned](crate::Policy::learn)
    /// from it, or was restored from it. No listener hears of the latter, as none can have come before.
    Restored,
}

impl Trigger {
    /// All of them, in order of declaration.
    pub const ALL: [Self; 12] = [
        Self::WebSocketFailed,
        Self::ProbeFailed,
        Self::SseWorked,
        Self::SseFailed,
        Self::SuspicionLapsed,
        Self::CooldownOver,
        Self::LeaseOver,
        Self::ProbeUndecided,
        Self::DialOpened,
        Self::WebSocketCompleted,
        Self::NetworkChanged,
        Self::Restored,
    ];

    /// The word for it in JSON and in logs.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::WebSocketFailed => "websocket_failed",
            Self::ProbeFailed => "probe_failed",
            Self::SseWorked => "sse_worked",
            Self::SseFailed => "sse_failed",
            Self::SuspicionLapsed => "suspicion_lapsed",
            Self::CooldownOver => "cooldown_over",
            Self::LeaseOver => "lease_over",
            Self::ProbeUndecided => "probe_undecided",
            Self::DialOpened => "dial_opened",
            Self::WebSocketCompleted => "websocket_completed",
            Self::NetworkChanged => "network_changed",
            Self::Restored => "restored",
        }
    }
}

impl fmt::Display for Trigger {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
