use core::fmt;

/// What ends at [`Policy::poll_timeout`](crate::Policy::poll_timeout).
///
/// Exhaustive on purpose: nothing else in the policy waits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Timer {
    /// The cooldown: from then on the next call probes ([R1](crate::rules#r1)).
    Retry,
    /// The lease of a probe, which then counts as failed ([R8](crate::rules#r8)).
    Lease,
    /// The time during which calls keep off WebSocket because of a dial ([R17](crate::rules#r17)).
    Dial,
    /// A suspicion, which then lapses ([R5](crate::rules#r5)).
    Suspicion,
}

impl Timer {
    /// The word for it in JSON and in logs.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Retry => "retry",
            Self::Lease => "lease",
            Self::Dial => "dial",
            Self::Suspicion => "suspicion",
        }
    }
}

impl fmt::Display for Timer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
