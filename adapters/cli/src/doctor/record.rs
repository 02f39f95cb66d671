//! One step that was taken, and what came of it.

use std::time::Duration;

/// One step of one way.
#[derive(Clone, Debug)]
pub(super) struct Record {
    /// Its word in JSON.
    pub(super) step: &'static str,
    pub(super) state: State,
    /// How long it took, if it takes time.
    pub(super) took: Option<Duration>,
    /// What was found, without a full stop.
    pub(super) text: String,
}

/// What came of a step. Exhaustive on purpose: no step is without.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum State {
    Ok,
    Failed,
    /// It could not be found out.
    Unknown,
    /// It is neither good nor bad.
    Told,
}

impl State {
    pub(super) const fn as_str(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Failed => "failed",
            Self::Unknown => "unknown",
            Self::Told => "told",
        }
    }
}
