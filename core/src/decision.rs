use crate::{Attempt, Call, GiveUp};

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
    /// The call is over, and there is nothing to retry: it completed, was cancelled, or the server ended it.
    Done,
    /// Begin another attempt at [`Call::ready_at`].
    Retry(Call),
    /// The call is over, and has failed: tell the caller.
    GiveUp(GiveUp),
}
