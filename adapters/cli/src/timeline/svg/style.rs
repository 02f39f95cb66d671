//! What a picture is made up like: sizes, and which pattern stands for what.

use super::super::kinds::{Doing, Thought};
use crate::canvas::Fill;

pub(super) const WIDTH: f64 = 970.0;
pub(super) const LEFT: f64 = 92.0;
pub(super) const RIGHT: f64 = 936.0;
/// The title, and what there is to see.
pub(super) const HEAD: f64 = 78.0;
pub(super) const MODE: f64 = 24.0;
pub(super) const LANE: f64 = 16.0;
/// Between two lanes of one kind, and between two kinds.
pub(super) const GAP: f64 = 5.0;
pub(super) const BREAK: f64 = 16.0;
pub(super) const COUNTS: f64 = 36.0;
pub(super) const LINE: f64 = 22.0;
pub(super) const LANES: usize = 16;
pub(super) const DIAL_LANES: usize = 4;
/// How wide a letter is, about, and how much room one has in a lane of letters.
pub(super) const LETTER: f64 = 6.6;
pub(super) const CELL: f64 = 10.0;
/// How wide a piece of a count is.
pub(super) const PIECE: f64 = 2.0;

pub(super) const fn fill(thought: Thought) -> Fill {
    match thought {
        Thought::Preferred => Fill::White,
        Thought::Suspected => Fill::Dots,
        Thought::FailedOver => Fill::Hatch,
        Thought::Probing => Fill::Grey,
        Thought::Pinned => Fill::Dark,
    }
}

pub(super) const fn doing(what: Doing) -> Fill {
    match what {
        Doing::WebSocket => Fill::Dark,
        Doing::Probe => Fill::Crossed,
        Doing::Sse | Doing::Wait => Fill::White,
    }
}

/// How far below the top of its lane a bar begins, and how high it is. SSE is lower than WebSocket, so that
/// they can be told apart where a bar is a mere line.
pub(super) const fn stature(what: Doing) -> (f64, f64) {
    match what {
        Doing::Sse => (LANE / 2.0, LANE / 2.0),
        _ => (0.0, LANE),
    }
}
