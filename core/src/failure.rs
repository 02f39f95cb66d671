use core::fmt;
use core::time::Duration;

/// What a failure is evidence against.
///
/// Blame decides everything that follows, so a driver should take care with it. When in doubt between
/// `Transport` and `Network`, either will do: the policy treats them alike and asks the other transport for
/// evidence.
///
/// Exhaustive on purpose: a driver must be able to say each of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Blame {
    /// This one connection, not the way it was made: its lifetime was reached, it was pooled and already
    /// dead, or state that lived only on it is gone. A new connection is expected to work
    /// ([R10](crate::rules#r10)).
    Connection,
    /// The message: too large for WebSocket, fine for SSE. On SSE it is too large for either, and its call
    /// ends ([R11](crate::rules#r11)).
    Payload,
    /// The transport: the handshake was refused, the stream broke, or nothing came ([R2](crate::rules#r2),
    /// [R3](crate::rules#r3)).
    Transport,
    /// The network below both transports: no name, no route, no TLS ([R2](crate::rules#r2),
    /// [R3](crate::rules#r3)).
    Network,
    /// The server, whatever carried the request: overload, rate limit, an internal error
    /// ([R13](crate::rules#r13)).
    Server,
    /// The request itself: it will fail again wherever it is sent ([R14](crate::rules#r14)).
    Request,
}

impl Blame {
    /// All of them, in order of declaration.
    pub const ALL: [Self; 6] =
        [Self::Connection, Self::Payload, Self::Transport, Self::Network, Self::Server, Self::Request];

    /// The word for it in JSON and in logs.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Connection => "connection",
            Self::Payload => "payload",
            Self::Transport => "transport",
            Self::Network => "network",
            Self::Server => "server",
            Self::Request => "request",
        }
    }
}

impl fmt::Display for Blame {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// How far an attempt had come. Exhaustive on purpose: there is nothing between these.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Stage {
    /// No handshake yet: nothing of the request has been sent.
    Connecting,
    /// The request was sent, and no event has come back.
    Open,
    /// At least one event arrived.
    Streaming,
}

impl Stage {
    /// All of them, in order.
    pub const ALL: [Self; 3] = [Self::Connecting, Self::Open, Self::Streaming];

    /// The word for it in JSON and in logs.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Connecting => "connecting",
            Self::Open => "open",
            Self::Streaming => "streaming",
        }
    }
}

impl fmt::Display for Stage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Why and where an attempt or a dial failed. Of a dial, which carries no call, only the blame counts.
///
/// ```
/// use core::time::Duration;
/// use failback::{Blame, Failure, Stage};
///
/// let reset = Failure::new(Blame::Transport, Stage::Streaming).with_committed();
/// let busy = Failure::new(Blame::Server, Stage::Open).with_retry_after(Duration::from_secs(7));
/// # assert!(reset.is_committed());
/// # assert_eq!(busy.retry_after(), Some(Duration::from_secs(7)));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Failure {
    blame: Blame,
    stage: Stage,
    committed: bool,
    retry_after: Option<Duration>,
}

impl Failure {
    /// A failure with this blame at this stage, with no output delivered and no word on when to retry.
    #[must_use]
    pub const fn new(blame: Blame, stage: Stage) -> Self {
        Self { blame, stage, committed: false, retry_after: None }
    }

    /// Output of the call has reached the caller, so replaying could duplicate it ([R15](crate::rules#r15)).
    ///
    /// Say so for the call, not for the attempt: once output was delivered and not taken back, every later
    /// failure of that call is committed too.
    #[must_use]
    pub const fn with_committed(mut self) -> Self {
        self.committed = true;
        self
    }

    /// The server said how long to wait before the next try. Used with [`Blame::Server`] only: the retry
    /// waits for so long or for its backoff, whichever is longer, and above
    /// [`max_server_wait`](crate::Config::with_max_server_wait) the call ends ([R13](crate::rules#r13)).
    #[must_use]
    pub const fn with_retry_after(mut self, retry_after: Duration) -> Self {
        self.retry_after = Some(retry_after);
        self
    }

    /// What the failure is evidence against.
    #[must_use]
    pub const fn blame(&self) -> Blame {
        self.blame
    }

    /// How far the attempt had come.
    #[must_use]
    pub const fn stage(&self) -> Stage {
        self.stage
    }

    /// Whether output of the call had reached the caller.
    #[must_use]
    pub const fn is_committed(&self) -> bool {
        self.committed
    }

    /// How long the server asked to wait.
    #[must_use]
    pub const fn retry_after(&self) -> Option<Duration> {
        self.retry_after
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failure_says_what_it_was_told() {
        let failure = Failure::new(Blame::Server, Stage::Open).with_retry_after(Duration::from_secs(3));
        assert_eq!((failure.blame(), failure.stage()), (Blame::Server, Stage::Open));
        assert_eq!(failure.retry_after(), Some(Duration::from_secs(3)));
        assert!(!failure.is_committed() && failure.with_committed().is_committed());
    }

    #[test]
    fn stages_are_in_order() {
        assert!(Stage::Connecting < Stage::Open && Stage::Open < Stage::Streaming);
    }
}
