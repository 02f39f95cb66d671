use std::fmt;
use std::time::Duration;

use failback::{Change, Failure, Reason, Timestamp, Transport};

use crate::duration::seconds;
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

/// One line for a log that people read.
impl fmt::Display for Observation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(turn) = self.turn() {
            write!(f, "turn {turn}: ")?;
        }
        match self {
            Self::Attempt { number, transport, reason, .. } => {
                write!(f, "attempt {number} begins over {transport}: {}", reason.explanation())
            }
            Self::FirstEvent { number, transport, after, .. } => {
                write!(
                    f,
                    "the first event of attempt {number} came over {transport} after {}",
                    seconds(*after)
                )
            }
            Self::Moved { notice, .. } => notice.fmt(f),
            Self::Diverted { number, head_start, .. } => write!(
                f,
                "the handshake of attempt {number} takes longer than its head start of {}, and goes on by itself",
                seconds(*head_start)
            ),
            Self::WarmUp { reason } => {
                write!(f, "a handshake begins ahead of the next turn: {}", reason.explanation())
            }
            Self::DialEnded { end, .. } => write!(f, "a handshake that no turn waits for {end}"),
            Self::AttemptEnded { number, transport, end, .. } => {
                write!(f, "attempt {number} over {transport} {end}")
            }
            Self::Renewing { number, transport, text, .. } => write!(
                f,
                "the credentials of attempt {number} over {transport} were refused, and others are asked for: {text}"
            ),
            Self::Waiting { wait, .. } => write!(f, "the next attempt begins in {}", seconds(*wait)),
            Self::Changed(Change { from, to, why, retry_in, .. }) => {
                write!(f, "the mode changes from {from} to {to}: {why}")?;
                match retry_in {
                    Some(wait) => write!(f, "; WebSocket is tried again in {}", seconds(*wait)),
                    None => Ok(()),
                }
            }
            Self::TurnEnded { attempts, end, .. } => {
                let plural = if *attempts == 1 { "" } else { "s" };
                write!(f, "{end} after {attempts} attempt{plural}")
            }
        }
    }
}

impl fmt::Display for AttemptEnd {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Completed => f.write_str("completed"),
            Self::Ended => f.write_str("was ended by the server"),
            Self::Failed { text, .. } => write!(f, "failed: {text}"),
            Self::Stopped => f.write_str("was stopped"),
            Self::Cancelled => f.write_str("was cancelled"),
        }
    }
}

impl fmt::Display for DialEnd {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Opened => f.write_str("succeeded"),
            Self::Failed { text, .. } => write!(f, "failed: {text}"),
            Self::Abandoned => f.write_str("was stopped"),
        }
    }
}

impl fmt::Display for TurnEnd {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Completed => f.write_str("completed"),
            Self::Ended => f.write_str("ended by the server"),
            Self::Failed(kind) => write!(f, "failed ({kind})"),
            Self::Cancelled => f.write_str("cancelled"),
        }
    }
}

#[cfg(test)]
mod tests {
    use failback::{Blame, Stage};

    use super::*;

    #[test]
    fn a_log_tells_a_turn_in_plain_lines() {
        let (turn, number, transport) = (3, 1, Transport::WebSocket);
        let failure = Failure::new(Blame::Transport, Stage::Connecting);
        let text = "could not connect: refused".to_owned();
        let wait = Duration::from_millis(180);
        for (observation, line) in [
            (
                Observation::Attempt {
                    turn,
                    number,
                    transport,
                    reason: Reason::Healthy,
                    probe: false,
                    adopted: false,
                },
                "turn 3: attempt 1 begins over WebSocket: WebSocket works as far as is known",
            ),
            (
                Observation::AttemptEnded {
                    turn,
                    number,
                    transport,
                    end: AttemptEnd::Failed { failure, text: text.clone() },
                },
                "turn 3: attempt 1 over WebSocket failed: could not connect: refused",
            ),
            (
                Observation::Waiting { turn, wait, until: Timestamp::ZERO },
                "turn 3: the next attempt begins in 0.2 s",
            ),
            (
                Observation::FirstEvent { turn, number: 2, transport, after: Duration::from_secs(12) },
                "turn 3: the first event of attempt 2 came over WebSocket after 12 s",
            ),
            (
                Observation::Diverted { turn, number, head_start: Duration::from_secs(1) },
                "turn 3: the handshake of attempt 1 takes longer than its head start of 1.0 s, and goes on by itself",
            ),
            (
                Observation::DialEnded { turn, end: DialEnd::Opened },
                "turn 3: a handshake that no turn waits for succeeded",
            ),
            (
                Observation::DialEnded { turn: 0, end: DialEnd::Failed { failure, text } },
                "a handshake that no turn waits for failed: could not connect: refused",
            ),
            (
                Observation::WarmUp { reason: Reason::Healthy },
                "a handshake begins ahead of the next turn: WebSocket works as far as is known",
            ),
            (
                Observation::Renewing { turn, number, transport, text: "401".into() },
                "turn 3: the credentials of attempt 1 over WebSocket were refused, and others are asked for: 401",
            ),
            (
                Observation::TurnEnded { turn, attempts: 1, end: TurnEnd::Completed },
                "turn 3: completed after 1 attempt",
            ),
            (
                Observation::TurnEnded {
                    turn,
                    attempts: 6,
                    end: TurnEnd::Failed(ErrorKind::GaveUp(failback::GiveUp::AttemptsExhausted)),
                },
                "turn 3: failed (every attempt failed) after 6 attempts",
            ),
        ] {
            assert_eq!(observation.to_string(), line);
        }
    }
}
