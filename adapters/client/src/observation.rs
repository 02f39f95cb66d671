use std::time::Duration;

use failback::{Change, Failure, Reason, Timestamp, Transport};

use crate::error::ErrorKind;
use crate::item::Notice;

/// One thing that a client decided or met, as an [observer](crate::Builder::observer) hears it.
///
/// `turn` is the number of the turn, counted from 1 in one client. Turns that go on at the same time are told
/// apart by it. What one turn brings comes in this order:
///
/// ```text
///  +-> Attempt -> FirstEvent? -> Moved? -> AttemptEnded, or Diverted -> Waiting? -+-> TurnEnded
///  +------------------------------------------------------------------------------+
/// ```
///
/// [`Renewing`](Self::Renewing) may come once in a turn, before the first event of an attempt.
///
/// Each [`Attempt`](Self::Attempt) is followed by one [`AttemptEnded`](Self::AttemptEnded) or
/// [`Diverted`](Self::Diverted) of the same turn and number, each `Diverted` by one
/// [`DialEnded`](Self::DialEnded), which may come after the end of its turn, and each first `Attempt` by one
/// [`TurnEnded`](Self::TurnEnded). A turn that fails before its first attempt brings its `TurnEnded` alone,
/// and any other that was never read brings nothing. [`Changed`](Self::Changed) is the client's and no
/// turn's. It comes where the policy made the change: before the `Attempt` that probes, and between what
/// happened and what the turn makes of it.
///
/// No text in it holds a header, a credential, the query of a URL, or a part of a request or of an event.
///
/// More may be told in later versions: variants and their fields may grow.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Observation {
    /// An attempt begins.
    #[non_exhaustive]
    Attempt {
        /// The turn.
        turn: u64,
        /// Which attempt of the turn it is, from 1.
        number: u32,
        /// The transport that was chosen.
        transport: Transport,
        /// Why.
        reason: Reason,
        /// Whether it is the probe, which may bring WebSocket back.
        probe: bool,
        /// Whether it waits for the handshake of a [`WarmUp`](Self::WarmUp) instead of one of its own. Then
        /// that has told of the same probe: count one of them.
        adopted: bool,
    },
    /// The first event of an attempt has come, and is about to be delivered.
    #[non_exhaustive]
    FirstEvent {
        /// The turn.
        turn: u64,
        /// Its attempt.
        number: u32,
        /// The transport that brought it.
        transport: Transport,
        /// How long that took since the attempt began, its handshake included.
        after: Duration,
    },
    /// The caller is told that responses come over another transport now, and why.
    #[non_exhaustive]
    Moved {
        /// The turn.
        turn: u64,
        /// What the caller is told.
        notice: Notice,
    },
    /// The handshake took longer than the head start. Its turn goes on over SSE, and the handshake without
    /// its turn (R17).
    #[non_exhaustive]
    Diverted {
        /// The turn.
        turn: u64,
        /// The attempt that ends here.
        number: u32,
        /// The head start.
        head_start: Duration,
    },
    /// A handshake begins ahead of any turn, as was asked for with `warm_up`. A
    /// [`DialEnded`](Self::DialEnded) with turn 0 follows, unless a turn adopts it: then it is the first
    /// [`Attempt`](Self::Attempt) of that, which says so.
    #[non_exhaustive]
    WarmUp {
        /// [`Reason::Healthy`] if WebSocket works as far as is known, or [`Reason::Probe`] if this is the
        /// probe.
        reason: Reason,
    },
    /// A handshake that went on without a turn has ended.
    #[non_exhaustive]
    DialEnded {
        /// The turn that had begun it. 0 if it was begun ahead of any.
        turn: u64,
        /// How it ended.
        end: DialEnd,
    },
    /// An attempt has ended.
    #[non_exhaustive]
    AttemptEnded {
        /// The turn.
        turn: u64,
        /// The attempt.
        number: u32,
        /// Its transport.
        transport: Transport,
        /// How it ended.
        end: AttemptEnd,
    },
    /// The server has refused the credentials of an attempt, and the provider is asked for others
    /// ([`Builder::credentials`](crate::Builder::credentials)). The attempt has not ended: it begins again
    /// with those.
    #[non_exhaustive]
    Renewing {
        /// The turn.
        turn: u64,
        /// The attempt.
        number: u32,
        /// Its transport.
        transport: Transport,
        /// What the server said.
        text: String,
    },
    /// The turn waits before its next attempt. Not told where it does not wait.
    #[non_exhaustive]
    Waiting {
        /// The turn.
        turn: u64,
        /// For how long.
        wait: Duration,
        /// Until when, by the clock of the client's policy.
        until: Timestamp,
    },
    /// The policy has changed its mode. When one thread changes it while another is told of an earlier
    /// change, the other one is told of this too.
    Changed(Change),
    /// The turn is over. The caller gets its last item, or its error, after this.
    #[non_exhaustive]
    TurnEnded {
        /// The turn.
        turn: u64,
        /// How many attempts it made.
        attempts: u32,
        /// How it ended.
        end: TurnEnd,
    },
}

/// How an attempt ended.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum AttemptEnd {
    /// The response is complete.
    Completed,
    /// The server ended the response without completing it, or it was a warm-up, which generates nothing.
    Ended,
    /// It failed.
    #[non_exhaustive]
    Failed {
        /// What the policy is told.
        failure: Failure,
        /// What went wrong, in words.
        text: String,
    },
    /// The turn was stopped meanwhile, by its deadline, by its provider of credentials or by a fault of the
    /// client itself.
    Stopped,
    /// The caller dropped or cancelled the turn.
    Cancelled,
}

impl AttemptEnd {
    /// The word for it in logs and metrics.
    #[must_use]
    pub const fn as_str(&self) -> &'static str {
        match self {
            Self::Completed => "completed",
            Self::Ended => "ended",
            Self::Failed { .. } => "failed",
            Self::Stopped => "stopped",
            Self::Cancelled => "cancelled",
        }
    }
}

/// How a handshake ended that went on without its turn.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum DialEnd {
    /// The connection is kept for the next turn.
    Opened,
    /// It failed.
    #[non_exhaustive]
    Failed {
        /// What the policy is told.
        failure: Failure,
        /// What went wrong, in words.
        text: String,
    },
    /// The client stopped it.
    Abandoned,
}

impl DialEnd {
    /// The word for it in logs and metrics.
    #[must_use]
    pub const fn as_str(&self) -> &'static str {
        match self {
            Self::Opened => "opened",
            Self::Failed { .. } => "failed",
            Self::Abandoned => "abandoned",
        }
    }
}

/// How a turn ended.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum TurnEnd {
    /// The response is complete.
    Completed,
    /// The server ended the response without completing it, or it was a warm-up, which generates nothing.
    Ended,
    /// The caller gets an error of this kind.
    Failed(ErrorKind),
    /// The caller dropped or cancelled it.
    Cancelled,
}

impl TurnEnd {
    /// The word for it in logs and metrics.
    #[must_use]
    pub const fn as_str(&self) -> &'static str {
        match self {
            Self::Completed => "completed",
            Self::Ended => "ended",
            Self::Failed(_) => "failed",
            Self::Cancelled => "cancelled",
        }
    }
}

impl Observation {
    /// The number of the turn that it is about. `None` for a change of mode, and for a handshake that was
    /// begun ahead of any turn.
    #[must_use]
    pub const fn turn(&self) -> Option<u64> {
        match self {
            Self::DialEnded { turn: 0, .. } | Self::WarmUp { .. } | Self::Changed(_) => None,
            Self::Attempt { turn, .. }
            | Self::FirstEvent { turn, .. }
            | Self::Moved { turn, .. }
            | Self::Diverted { turn, .. }
            | Self::DialEnded { turn, .. }
            | Self::AttemptEnded { turn, .. }
            | Self::Renewing { turn, .. }
            | Self::Waiting { turn, .. }
            | Self::TurnEnded { turn, .. } => Some(*turn),
        }
    }
}
