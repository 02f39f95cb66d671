//! What the patterns and the letters stand for.

use super::super::kinds::Doing;
use super::super::model::Timeline;
use super::style::{LANE, LEFT, LETTER, RIGHT, doing, fill, stature};
use crate::canvas::{Anchor, Canvas, Fill};

/// One entry of the legend.
pub(super) enum Sample {
    /// Which lanes the line is about.
    Title(&'static str),
    /// Which part of the full height it has.
    Block(Fill, f64, &'static str),
    Line(&'static str),
    Letter(char, &'static str),
}

impl Sample {
    fn width(&self) -> f64 {
        match self {
            Self::Title(_) => 0.0,
            Self::Block(_, _, name) | Self::Line(name) => 50.0 + name.len() as f64 * LETTER,
            Self::Letter(_, name) => 34.0 + name.len() as f64 * LETTER,
        }
    }
}

fn wrap(title: &'static str, samples: Vec<Sample>) -> Vec<Vec<Sample>> {
    let mut lines: Vec<Vec<Sample>> = Vec::new();
    let mut room = 0.0;
    for sample in samples {
        room -= sample.width();
        match lines.last_mut().filter(|_| room >= 0.0) {
            Some(line) => line.push(sample),
            None => {
                room = RIGHT - LEFT - sample.width();
                let title = if lines.is_empty() { title } else { "" };
                lines.push(vec![Sample::Title(title), sample]);
            }
        }
    }
    lines
}

/// What is used, in lines that are no wider than the picture.
pub(super) fn lines(timeline: &Timeline, waits: bool) -> Vec<Vec<Sample>> {
    let thoughts = timeline.thoughts_seen();
    let mut samples: Vec<Sample> =
        thoughts.map(|thought| Sample::Block(fill(thought), 1.0, thought.name())).collect();
    let mut lines = wrap("mode", samples);

    let parts = || timeline.calls.iter().flat_map(|bar| &bar.parts);
    let is_done = |what: &Doing| *what != Doing::Wait && parts().any(|part| part.what == *what);
    let bars = Doing::ALL.into_iter().filter(is_done);
    samples = bars.map(|what| Sample::Block(doing(what), stature(what).1 / LANE, what.name())).collect();
    if waits {
        samples.push(Sample::Line(Doing::Wait.name()));
    }
    if !timeline.dials.is_empty() {
        samples.push(Sample::Block(Fill::Grey, 1.0, "a handshake that no call waits for"));
    }
    lines.extend(wrap("calls", samples));

    let letters = timeline.letters_seen();
    samples = letters.map(|(letter, name)| Sample::Letter(letter, name)).collect();
    lines.extend(wrap("ends", samples));
    lines
}

pub(super) fn draw(canvas: &mut Canvas, line: &[Sample], y: f64) {
    let mut x = LEFT;
    for sample in line {
        match sample {
            Sample::Title(title) => canvas.text(LEFT - 10.0, y + 4.0, Anchor::End, title),
            Sample::Block(fill, part, name) => {
                let height = 14.0 * part;
                canvas.block((x, y + 7.0 - height), (26.0, height), *fill, "");
                canvas.text(x + 32.0, y + 4.0, Anchor::Start, name);
            }
            Sample::Line(name) => {
                canvas.sample(x, x + 26.0, y, "1.5 2.5");
                canvas.text(x + 32.0, y + 4.0, Anchor::Start, name);
            }
            Sample::Letter(letter, name) => {
                canvas.text(x + 4.0, y + 4.0, Anchor::Middle, letter.encode_utf8(&mut [0; 4]));
                canvas.text(x + 14.0, y + 4.0, Anchor::Start, name);
            }
        }
        x += sample.width();
    }
}
