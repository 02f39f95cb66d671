use std::fmt;
use std::time::Duration;

use failback::{Config, Snapshot, Timestamp};

use super::step::Step;

/// A vector or a trace, parsed: it may still prove wrong when it runs, but not malformed.
#[derive(Clone, Debug)]
pub struct Vector {
    /// What it shows.
    pub name: String,
    /// Where it comes from: a rule, a failure seen in the field, or a client that was recorded.
    pub source: String,
    pub(super) config: Config,
    pub(super) seed: u64,
    pub(super) trace: Option<Trace>,
    pub(super) steps: Vec<Step>,
}

/// What a trace has and a vector has not.
#[derive(Clone, Debug)]
pub(super) struct Trace {
    /// When its policy was made.
    pub(super) at: Timestamp,
    /// From what it was restored, if it was, and how old that was.
    pub(super) snapshot: Option<(Snapshot, Duration)>,
    /// The line in whose middle it ends.
    pub(super) cut_off: Option<usize>,
}

impl Vector {
    /// How many steps there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.steps.len()
    }

    /// Whether there are no steps.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.steps.is_empty()
    }

    /// When it begins: a trace with its policy, a vector at zero.
    #[must_use]
    pub fn begin(&self) -> Timestamp {
        self.trace.as_ref().map_or(Timestamp::ZERO, |trace| trace.at)
    }

    /// Whether it is what a client has recorded.
    #[must_use]
    pub const fn is_trace(&self) -> bool {
        self.trace.is_some()
    }

    /// The line of the file, from 1, in whose middle the trace ends, if it does: whoever wrote it was killed,
    /// or it was not copied to its end. The steps are those before it.
    #[must_use]
    pub fn cut_off(&self) -> Option<usize> {
        self.trace.as_ref().and_then(|trace| trace.cut_off)
    }
}

/// A vector that does not parse: where, and what was expected there.
#[derive(Debug)]
pub struct ParseError {
    place: Place,
    problem: String,
}

#[derive(Clone, Copy, Debug)]
pub(super) enum Place {
    Whole,
    /// Of a vector, from 1.
    Step(usize),
    /// Of a trace, from 1.
    Line(usize),
}

impl ParseError {
    pub(super) fn new(place: Place, problem: impl Into<String>) -> Self {
        Self { place, problem: problem.into() }
    }
}

impl fmt::Display for ParseError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.place {
            Place::Whole => f.write_str(&self.problem),
            Place::Step(step) => write!(f, "step {step}: {}", self.problem),
            Place::Line(line) => write!(f, "line {line}: {}", self.problem),
        }
    }
}

impl std::error::Error for ParseError {}
