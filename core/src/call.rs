use core::fmt;
use core::time::Duration;

use crate::history::History;
use crate::{Timestamp, Transport};

/// Why an attempt goes where it goes.
///
/// Exhaustive on purpose: it is the policy's account of itself, and leaves nothing out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Reason {
    /// WebSocket works as far as is known.
    Healthy,
    /// The cooldown is over, and this attempt is the one that finds out.
    Probe,
    /// SSE, because an earlier call's handshake is still going on (R17).
    DialPending,
    /// SSE, because WebSocket failed not long ago.
    CoolingDown,
    /// SSE, because another attempt is probing.
    ProbeInFlight,
    /// SSE, because WebSocket failed, and this attempt shows whether it was WebSocket's fault (R4, R5).
    VerdictPending,
    /// SSE, because no recovery is left.
    Pinned,
    /// SSE, because WebSocket failed this very call.
    CallMoved,
    /// SSE, because the message is too large for WebSocket (R11).
    TooLarge,
    /// WebSocket in whatever mode, because SSE failed this call, and no call fails with an untried transport (R12).
    LastResort,
}

impl Reason {
    /// The word for it in JSON and in logs.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Healthy => "healthy",
            Self::Probe => "probe",
            Self::DialPending => "dial_pending",
            Self::CoolingDown => "cooling_down",
            Self::ProbeInFlight => "probe_in_flight",
            Self::VerdictPending => "verdict_pending",
            Self::Pinned => "pinned",
            Self::CallMoved => "call_moved",
            Self::TooLarge => "too_large",
            Self::LastResort => "last_resort",
        }
    }

    /// Where an attempt with this reason goes.
    #[must_use]
    #[inline]
    pub const fn transport(self) -> Transport {
        match self {
            Self::Healthy | Self::Probe | Self::LastResort => Transport::WebSocket,
            Self::DialPending
            | Self::CoolingDown
            | Self::ProbeInFlight
            | Self::VerdictPending
            | Self::Pinned
            | Self::CallMoved
            | Self::TooLarge => Transport::Sse,
        }
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Why a call ends without an answer.
///
/// Exhaustive on purpose: a driver tells its caller which of these it was.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum GiveUp {
    /// Output has reached the caller, and [`Replay::BeforeOutput`](crate::Replay::BeforeOutput) rules out a replay (R15).
    Committed,
    /// It would fail again wherever it is sent (R11, R14).
    NotRetryable,
    /// Every attempt it was allowed has failed (R12, R13, R16).
    AttemptsExhausted,
    /// Too many calls have been retried lately (R16).
    BudgetExhausted,
    /// The server asked to wait longer than `max_server_wait` (R13).
    ServerBusy {
        /// How long it asked to wait.
        retry_after: Duration,
    },
}

impl GiveUp {
    /// The word for it in JSON and in logs.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Committed => "committed",
            Self::NotRetryable => "not_retryable",
            Self::AttemptsExhausted => "attempts_exhausted",
            Self::BudgetExhausted => "budget_exhausted",
            Self::ServerBusy { .. } => "server_busy",
        }
    }
}

impl fmt::Display for GiveUp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Committed => f.write_str("output was already delivered, and a replay could duplicate it"),
            Self::NotRetryable => f.write_str("trying again would fail again"),
            Self::AttemptsExhausted => f.write_str("every attempt failed"),
            Self::BudgetExhausted => f.write_str("too many calls have been retried lately"),
            Self::ServerBusy { retry_after } => {
                write!(f, "the server asks to wait {} s, longer than allowed", retry_after.as_secs())
            }
        }
    }
}

impl core::error::Error for GiveUp {}

/// A call that is not being attempted: opened, or waiting for its next attempt.
///
/// Linear: it cannot be cloned, and [`begin_attempt`](crate::Policy::begin_attempt) consumes it, so a call cannot be
/// started twice. Dropping it ends the call; the policy does not mind.
#[must_use = "a call does nothing until an attempt of it begins"]
#[derive(Debug)]
pub struct Call {
    pub(crate) history: History,
    pub(crate) ready_at: Timestamp,
}

impl Call {
    /// When its next attempt may begin: now or earlier, unless it waits for backoff.
    #[must_use]
    #[inline]
    pub const fn ready_at(&self) -> Timestamp {
        self.ready_at
    }
}

/// One try to carry a call over one transport.
///
/// Linear: it owns its call and is consumed by [`handle_outcome`](crate::Policy::handle_outcome) or
/// [`divert`](crate::Policy::divert), so an outcome cannot be reported twice, nor for the wrong transport. It borrows
/// nothing: keep it across I/O. When one is dropped, its lease ends what it held (R8).
#[must_use = "an attempt must be carried out, and its outcome reported"]
#[derive(Debug)]
pub struct Attempt {
    pub(crate) history: History,
    pub(crate) reason: Reason,
    pub(crate) epoch: u32,
    /// Says nothing unless the attempt is divertible (R17).
    pub(crate) divert_at: Timestamp,
}

impl Attempt {
    /// Where to send the request.
    #[must_use]
    #[inline]
    pub const fn transport(&self) -> Transport {
        self.reason.transport()
    }

    /// Why there.
    #[must_use]
    #[inline]
    pub const fn reason(&self) -> Reason {
        self.reason
    }

    /// Which attempt of its call this is, from 1.
    #[must_use]
    #[inline]
    pub const fn number(&self) -> u32 {
        self.history.number()
    }

    /// Whether this is the one attempt that may bring the policy back.
    #[must_use]
    #[inline]
    pub const fn is_probe(&self) -> bool {
        matches!(self.reason, Reason::Probe)
    }

    /// When to give up waiting for the handshake and [`divert`](crate::Policy::divert), if it is not open by then;
    /// `None` on SSE and for a last resort (R17).
    #[must_use]
    #[inline]
    pub const fn divert_at(&self) -> Option<Timestamp> {
        if self.is_divertible() { Some(self.divert_at) } else { None }
    }

    /// Whether an event of it can change anything (R4, R8, R17): most events are neither SSE's nor the probe's.
    #[cfg(feature = "std")]
    pub(crate) const fn progress_matters(&self) -> bool {
        matches!(self.transport(), Transport::Sse) || self.is_probe()
    }

    pub(crate) const fn is_divertible(&self) -> bool {
        matches!(self.reason, Reason::Healthy | Reason::Probe)
    }
}

/// A WebSocket handshake that goes on without a call waiting for it.
///
/// Linear, like an [`Attempt`]: consumed by [`handle_dial`](crate::Policy::handle_dial).
#[must_use = "a dial must be carried out, and its outcome reported"]
#[derive(Debug)]
pub struct Dial {
    pub(crate) epoch: u32,
    /// How much SSE progress the policy had seen when the dial was left alone (R17).
    pub(crate) sse_progress: u32,
    pub(crate) origin: Origin,
}

/// Where a dial comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Origin {
    /// An attempt left it behind (R17).
    Attempt,
    /// It probes ahead of the next call.
    Background,
    /// It was made of something that is no handshake, and says nothing.
    Nothing,
}

/// What to do with a call now.
///
/// Exhaustive on purpose: a driver must obey each of these.
#[must_use = "a decision must be carried out"]
#[derive(Debug)]
pub enum Decision {
    /// Carry out this attempt.
    Start(Attempt),
    /// Not yet: come back at [`Call::ready_at`].
    Wait(Call),
}

/// What an outcome means for its call.
///
/// Exhaustive on purpose: a driver must obey each of these.
#[must_use = "a verdict must be carried out"]
#[derive(Debug)]
pub enum Verdict {
    /// The call is over, and nothing is wrong.
    Done,
    /// Begin another attempt at [`Call::ready_at`].
    Retry(Call),
    /// The call is over: tell the caller.
    GiveUp(GiveUp),
}
