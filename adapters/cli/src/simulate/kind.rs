//! The strategies that can be simulated.

/// Who decides which transport a turn takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// The policy of this workspace.
    Failback,
    /// Stays on SSE for ever after one failure.
    Sticky,
    /// Stays on SSE for the same time after each failure.
    FixedCooldown,
    /// Tries WebSocket first in each turn.
    AlwaysRetry,
}

impl Kind {
    pub(super) const ALL: [Self; 4] = [Self::Failback, Self::Sticky, Self::FixedCooldown, Self::AlwaysRetry];

    /// The word for it in JSON.
    pub(super) const fn as_str(self) -> &'static str {
        match self {
            Self::Failback => "failback",
            Self::Sticky => "sticky",
            Self::FixedCooldown => "fixed_cooldown",
            Self::AlwaysRetry => "always_retry",
        }
    }

    /// What people call it.
    pub(super) const fn title(self) -> &'static str {
        match self {
            Self::Failback => "failback",
            Self::Sticky => "sticky",
            Self::FixedCooldown => "fixed 60 s",
            Self::AlwaysRetry => "always retry",
        }
    }

    pub(super) const fn about(self) -> &'static str {
        match self {
            Self::Failback => "the policy, with the settings given",
            Self::Sticky => "SSE for ever after the first failure",
            Self::FixedCooldown => "SSE for 60 s after each failure, without jitter",
            Self::AlwaysRetry => "WebSocket first in each turn, whatever happened before",
        }
    }
}
