use crate::Failure;

/// How an attempt ended.
///
/// Exhaustive on purpose: a driver must be able to say each of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Outcome {
    /// The stream reached its proper end (`response.completed`). The only thing that proves a transport
    /// ([R6](crate::rules#r6)).
    Completed,
    /// The attempt failed; the policy decides what becomes of its call.
    ///
    /// A handshake that failed is this, and reported at once, whatever retries the driver has of its own:
    /// the call goes on over SSE without a wait ([R2](crate::rules#r2)).
    Failed(Failure),
    /// The attempt failed after its handshake, and retries that the driver made on its own, below the policy,
    /// are used up: the policy allows no further one on this transport ([R3](crate::rules#r3),
    /// [R13](crate::rules#r13)).
    RetriesExhausted(Failure),
    /// The caller gave up on the call. It says nothing about the transport, but ends a probe
    /// ([R7](crate::rules#r7)).
    Cancelled,
    /// The server ended the response without completing it (`response.failed`, `response.cancelled`), or it
    /// was a warm-up, with nothing to complete. The call is over. It proves nothing, and ends a probe as
    /// [`Cancelled`](Self::Cancelled) does.
    Ended,
}

/// How a dial ended.
///
/// Exhaustive on purpose: a driver must be able to say each of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum DialOutcome {
    /// The handshake succeeded; the connection is kept for the next call.
    Opened,
    /// The handshake failed.
    Failed(Failure),
    /// The driver gave it up before it had ended.
    Abandoned,
}
