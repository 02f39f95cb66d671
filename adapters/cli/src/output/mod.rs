//! What is printed, and how.

pub(crate) mod json;
pub(crate) mod paint;
pub(crate) mod plot;
pub(crate) mod text;

use std::io;

use failback_async::{Error as TurnError, Notice};
use failback_wire::Event;
use serde::Serialize;

/// `1 step`, `2 steps`.
pub(crate) fn count(number: usize, what: &str) -> String {
    format!("{number} {what}{}", if number == 1 { "" } else { "s" })
}

/// How a turn ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    Completed,
    Ended,
    Failed,
}

impl Outcome {
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Completed => "completed",
            Self::Ended => "ended",
            Self::Failed => "failed",
        }
    }
}

/// The end of one turn.
#[derive(Debug, Serialize)]
pub(crate) struct End<'a> {
    pub(crate) result: &'static str,
    pub(crate) transport: Option<&'a str>,
    /// All output text of the attempt that survived.
    pub(crate) text: &'a str,
    pub(crate) error: Option<&'a str>,
    pub(crate) give_up: Option<&'static str>,
    /// `error`, in its parts.
    #[serde(skip)]
    pub(crate) failed: Option<&'a TurnError>,
}

/// The end of all turns.
#[derive(Debug, Serialize)]
pub(crate) struct Summary {
    pub(crate) turns: u64,
    pub(crate) completed: u64,
    pub(crate) mode: &'static str,
    pub(crate) recoveries_left: u8,
}

/// Whoever is told what happens in a stream, in the order in which it happens.
pub(crate) trait Report: Send {
    fn attempt(&mut self, turn: u64, transport: &str, reason: &str, number: u64) -> io::Result<()>;
    /// The turn waits for long before its next attempt: what went wrong with the last one, and how it goes on.
    fn wait(&mut self, trouble: &str, waiting: &str) -> io::Result<()>;
    fn event(&mut self, turn: u64, transport: Option<&str>, event: &Event) -> io::Result<()>;
    fn notice(&mut self, turn: u64, notice: &Notice) -> io::Result<()>;
    fn restarted(&mut self, turn: u64, discard: usize) -> io::Result<()>;
    fn end(&mut self, turn: u64, end: &End<'_>) -> io::Result<()>;
    fn summary(&mut self, turn: u64, summary: &Summary) -> io::Result<()>;
}
