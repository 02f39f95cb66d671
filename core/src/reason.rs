use core::fmt;
use core::time::Duration;

use crate::{Transport, whole_millis};

/// Why an attempt goes where it goes.
///
/// Exhaustive on purpose: it is the policy's account of itself, and leaves nothing out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Reason {
    /// WebSocket works as far as is known.
    Healthy,
    /// The cooldown is over, and this attempt is the one that finds out.
    Probe,
    /// SSE, because a handshake is still going on for which no call waits ([R17](crate::rules#r17)).
    DialPending,
    /// SSE, because WebSocket failed not long ago ([R4](crate::rules#r4)), or because another process probes
    /// ([R20](crate::rules#r20)).
    CoolingDown,
    /// SSE, because another attempt is probing.
    ProbeInFlight,
    /// SSE, because WebSocket failed, and this attempt shows whether it was WebSocket's fault
    /// ([R4](crate::rules#r4), [R5](crate::rules#r5)).
    VerdictPending,
    /// SSE, because no recovery is left.
    Pinned,
    /// SSE, because this very call has left WebSocket: it failed there, the server was busy there twice, or
    /// its head start ran out ([R2](crate::rules#r2), [R3](crate::rules#r3), [R13](crate::rules#r13),
    /// [R17](crate::rules#r17)).
    CallMoved,
    /// SSE, because the message is too large for WebSocket ([R11](crate::rules#r11)).
    TooLarge,
    /// SSE, because whoever opened the call wants it there and nowhere else ([R1](crate::rules#r1)).
    SseOnly,
    /// WebSocket in whatever mode, because SSE failed this call, and no call fails with an untried transport
    /// ([R12](crate::rules#r12)).
    LastResort,
}

impl Reason {
    /// All of them, in order of declaration.
    pub const ALL: [Self; 11] = [
        Self::Healthy,
        Self::Probe,
        Self::DialPending,
        Self::CoolingDown,
        Self::ProbeInFlight,
        Self::VerdictPending,
        Self::Pinned,
        Self::CallMoved,
        Self::TooLarge,
        Self::SseOnly,
        Self::LastResort,
    ];

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
            Self::SseOnly => "sse_only",
            Self::LastResort => "last_resort",
        }
    }

    /// What it means, in a few words for people.
    #[must_use]
    pub const fn explanation(self) -> &'static str {
        match self {
            Self::Healthy => "WebSocket works as far as is known",
            Self::Probe => "the cooldown is over, and this call finds out",
            Self::DialPending => "an earlier WebSocket handshake is still not answered",
            Self::CoolingDown => "WebSocket failed not long ago",
            Self::ProbeInFlight => "another call is trying WebSocket",
            Self::VerdictPending => "WebSocket failed, and SSE is being tried",
            Self::Pinned => "WebSocket failed too often",
            Self::CallMoved => "this call has left WebSocket",
            Self::TooLarge => "the message is too large for WebSocket",
            Self::SseOnly => "SSE alone was asked for",
            Self::LastResort => "SSE failed, and WebSocket is untried",
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
            | Self::TooLarge
            | Self::SseOnly => Transport::Sse,
        }
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Why a whole call goes over SSE, as whoever opens it knows beforehand
/// ([`open_call_over_sse`](crate::Policy::open_call_over_sse)).
///
/// Each is a [`Reason`] too: that of all attempts of the call. Exhaustive on purpose: the policy has a word
/// for nothing else.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum OverSse {
    /// Its caller wants SSE: [`Reason::SseOnly`].
    SseOnly,
    /// It is known to be too large for WebSocket: [`Reason::TooLarge`].
    TooLarge,
}

impl From<OverSse> for Reason {
    fn from(why: OverSse) -> Self {
        match why {
            OverSse::SseOnly => Self::SseOnly,
            OverSse::TooLarge => Self::TooLarge,
        }
    }
}

/// Why a call ends without an answer.
///
/// Exhaustive on purpose: a driver tells its caller which of these it was.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum GiveUp {
    /// Output has reached the caller or, with [`Replay::BeforeSend`](crate::Replay::BeforeSend), the request
    /// has been sent, and the setting [`Replay`](crate::Replay) rules out a replay ([R15](crate::rules#r15)).
    Committed,
    /// It would fail again wherever it is sent ([R11](crate::rules#r11), [R14](crate::rules#r14)).
    NotRetryable,
    /// Every attempt it was allowed has failed ([R12](crate::rules#r12), [R13](crate::rules#r13),
    /// [R16](crate::rules#r16)).
    AttemptsExhausted,
    /// Too many calls have been retried lately ([R16](crate::rules#r16)).
    BudgetExhausted,
    /// The server asked to wait longer than `max_server_wait` ([R13](crate::rules#r13)).
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
            Self::Committed => f.write_str("a replay could duplicate what was delivered or generated"),
            Self::NotRetryable => f.write_str("trying again would fail again"),
            Self::AttemptsExhausted => f.write_str("every attempt failed"),
            Self::BudgetExhausted => f.write_str("too many calls have been retried lately"),
            Self::ServerBusy { retry_after } => {
                // Rounded up, as it is more than what is allowed.
                let seconds = whole_millis(*retry_after).div_ceil(1000);
                write!(f, "the server asks to wait {seconds} s, longer than allowed")
            }
        }
    }
}

impl core::error::Error for GiveUp {}
