//! One step that was taken, and what came of it.

use std::time::Duration;

/// The longest text of a step, in letters.
const MAX_TEXT: usize = 600;

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

/// Makes a text fit to be shown: what a server says must not move the cursor of a terminal, turn the
/// direction of writing around, or go on for ever.
pub(super) fn tame(text: &str) -> String {
    let turns_around = |letter: char| {
        let code = u32::from(letter);
        (0x200e..=0x200f).contains(&code)
            || (0x202a..=0x202e).contains(&code)
            || (0x2066..=0x2069).contains(&code)
    };
    let is_bad = |letter: char| letter.is_control() || turns_around(letter);
    let fit = text.chars().map(|letter| if is_bad(letter) { '\u{fffd}' } else { letter });
    let mut shown: String = fit.take(MAX_TEXT).collect();
    if text.chars().nth(MAX_TEXT).is_some() {
        shown.push('…');
    }
    shown
}
