use crate::history::History;
use crate::{Reason, Timestamp, Transport};

/// A call that is not being attempted: opened, or waiting for its next attempt.
///
/// Linear: it cannot be cloned, and [`begin_attempt`](crate::Policy::begin_attempt) consumes it, so a call
/// cannot be started twice. Dropping it ends the call; the policy does not mind.
#[must_use = "a call does nothing until an attempt of it begins"]
#[derive(Debug)]
pub struct Call {
    pub(crate) history: History,
    pub(crate) ready_at: Timestamp,
}

impl Call {
    /// When its next attempt may begin. Later than the time that the policy was told last only if the call
    /// waits for its backoff, or because the server asked for it.
    #[must_use]
    #[inline]
    pub const fn ready_at(&self) -> Timestamp {
        self.ready_at
    }

    /// Why the next attempt goes where it goes, if that is decided already, whatever the mode will be: the
    /// call has moved to SSE, where it stays ([`Reason::CallMoved`], [`Reason::TooLarge`]), or was opened to
    /// go there alone ([`open_call_over_sse`](crate::Policy::open_call_over_sse)), or SSE has failed it and
    /// WebSocket is its last resort ([`Reason::LastResort`]). [`Reason::transport`] says where.
    ///
    /// `None` as long as the mode decides when the attempt begins ([R1](crate::rules#r1)).
    ///
    /// For a driver that wants to know before it waits: to tell its user, or to begin its own count of
    /// retries anew on the other transport.
    ///
    /// ```
    /// use failback::{Blame, Config, Failure, Outcome, Policy, Reason, Stage, Timestamp, Transport, Verdict};
    ///
    /// let now = Timestamp::ZERO;
    /// let mut policy = Policy::new(Config::new(), 7, now);
    /// let attempt = policy.begin_call(now);
    /// let refused = Failure::new(Blame::Transport, Stage::Connecting);
    /// let Verdict::Retry(call) = policy.handle_outcome(attempt, Outcome::Failed(refused), now) else {
    ///     unreachable!("a refused handshake moves its call");
    /// };
    /// assert_eq!(call.moved(), Some(Reason::CallMoved));
    /// assert_eq!(call.moved().map(Reason::transport), Some(Transport::Sse));
    /// ```
    #[must_use]
    #[inline]
    pub const fn moved(&self) -> Option<Reason> {
        self.history.bound()
    }
}

/// One try to carry a call over one transport.
///
/// Linear: it owns its call and is consumed by [`handle_outcome`](crate::Policy::handle_outcome) or
/// [`divert`](crate::Policy::divert), so an outcome cannot be reported twice, nor for the wrong transport. It
/// borrows nothing: keep it across I/O. When one is dropped, its lease ends what it held
/// ([R8](crate::rules#r8)).
#[must_use = "an attempt must be carried out, and its outcome reported"]
#[derive(Debug)]
pub struct Attempt {
    pub(crate) history: History,
    pub(crate) reason: Reason,
    pub(crate) epoch: u32,
    /// Says nothing unless the attempt is divertible ([R17](crate::rules#r17)).
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

    /// Which attempt of its call this is, from 1, over both transports. Attempts that count for nothing else
    /// ([R10](crate::rules#r10), [R17](crate::rules#r17)) count here.
    #[must_use]
    #[inline]
    pub const fn number(&self) -> u32 {
        self.history.ended().saturating_add(1)
    }

    /// Whether this is the probe: the one attempt that finds out whether WebSocket works again
    /// ([R1](crate::rules#r1)).
    #[must_use]
    #[inline]
    pub const fn is_probe(&self) -> bool {
        matches!(self.reason, Reason::Probe)
    }

    /// When to give up waiting for the handshake and [`divert`](crate::Policy::divert), if it is not open by
    /// then; `None` on SSE and for a last resort, which have no head start ([R17](crate::rules#r17)).
    ///
    /// Whatever timer the driver uses will do. Once a handshake of the attempt has succeeded it is not
    /// diverted any more, even if its driver has to connect again.
    #[must_use]
    #[inline]
    pub const fn divert_at(&self) -> Option<Timestamp> {
        if self.is_divertible() { Some(self.divert_at) } else { None }
    }

    pub(crate) const fn is_divertible(&self) -> bool {
        matches!(self.reason, Reason::Healthy | Reason::Probe)
    }
}

/// A WebSocket handshake that goes on without a call waiting for it.
///
/// Linear, like an [`Attempt`]: consumed by [`handle_dial`](crate::Policy::handle_dial), or by
/// [`adopt`](crate::Policy::adopt), which makes an attempt of one that was begun ahead of calls.
#[must_use = "a dial must be carried out, and its outcome reported"]
#[derive(Debug)]
pub struct Dial {
    pub(crate) epoch: u32,
    /// How much SSE progress the policy had seen when the dial was left alone ([R17](crate::rules#r17)).
    pub(crate) sse_progress: u32,
    pub(crate) origin: Origin,
    pub(crate) is_probe: bool,
}

impl Dial {
    /// Whether this is the probe: the one handshake that finds out whether WebSocket works again
    /// ([R17](crate::rules#r17)). An attempt that [adopts](crate::Policy::adopt) it, or that has left it, is
    /// that same probe.
    #[must_use]
    pub const fn is_probe(&self) -> bool {
        self.is_probe
    }
}

/// Where a dial comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Origin {
    /// An attempt left it behind ([R17](crate::rules#r17)).
    Attempt,
    /// It was begun ahead of the next call.
    Ahead,
    /// It was made of something that is no handshake, and says nothing.
    Nothing,
}
