use core::fmt;

use crate::Timestamp;

/// Which transport the policy believes in.
///
/// Exhaustive on purpose: it is the policy's whole judgement.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Mode {
    /// WebSocket works as far as is known.
    Preferred,
    /// WebSocket failed; whether SSE works where it did not is not known yet.
    Suspected,
    /// WebSocket is at fault.
    FailedOver {
        /// From when on the next call may probe.
        retry_at: Timestamp,
    },
    /// One attempt, or a dial, is finding out whether WebSocket works again.
    Probing {
        /// When it counts as failed unless it reports something before ([R8](crate::rules#r8)).
        lease_until: Timestamp,
    },
    /// WebSocket is at fault and no recovery is left: SSE until a WebSocket attempt completes (a last resort,
    /// or one that had begun before), the network changes, or the policy
    /// [learns](crate::Policy::learn) better of another one.
    Pinned,
}

impl Mode {
    /// The word for it in JSON and in logs.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Preferred => "preferred",
            Self::Suspected => "suspected",
            Self::FailedOver { .. } => "failed_over",
            Self::Probing { .. } => "probing",
            Self::Pinned => "pinned",
        }
    }
}

impl fmt::Display for Mode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
