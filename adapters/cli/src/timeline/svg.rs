//! A timeline as SVG, black on white: what is what is told by patterns and letters, not by colours.

mod legend;
mod style;

use style::{
    BREAK, CELL, COUNTS, DIAL_LANES, GAP, HEAD, LANE, LANES, LEFT, LETTER, LINE, MODE, PIECE, RIGHT, WIDTH,
    doing, fill, stature,
};

use super::kinds::{Doing, Thought};
use super::model::{Stretch, Timeline};
use super::rows::Rows;
use super::scale::Scale;
use crate::canvas::{Anchor, Canvas, Fill};

impl Timeline {
    /// The whole picture.
    pub(crate) fn svg(&self) -> String {
        let calls = Rows::new(&self.calls, LANES);
        let dials = Rows::new(&self.dials, DIAL_LANES);
        let scale = Scale::new(self.from, self.until, RIGHT - LEFT);
        let parts = calls.lanes.iter().flatten().flat_map(|bar| &bar.parts);
        let waits = parts.filter(|part| part.what == Doing::Wait).any(|part| is_seen(&scale, part));
        let lines = legend::lines(self, waits);
        let mut height = HEAD + MODE + BREAK + LANE + 40.0 + LINE * lines.len() as f64;
        for rows in [&calls, &dials] {
            height += lanes_height(rows.lanes.len()) + if rows.rest.is_empty() { 0.0 } else { COUNTS + GAP };
        }
        height += if self.dial_ends.is_empty() { 0.0 } else { LANE + GAP };
        height += if self.events.is_empty() { 0.0 } else { LANE + BREAK };

        let mut sheet = Sheet { canvas: Canvas::new(WIDTH, height), scale, y: HEAD };
        sheet.head(self);
        // Behind everything.
        let bottom = height - LINE * lines.len() as f64 - 30.0;
        sheet.axis(bottom);
        sheet.modes(&self.thoughts);
        sheet.y += BREAK;
        sheet.rows("calls", &calls, doing);
        sheet.rows("handshakes", &dials, |_| Fill::Grey);
        if !self.dial_ends.is_empty() {
            sheet.y -= BREAK - GAP;
            sheet.letters("", self.dial_ends.iter().map(|(at, end)| (*at, (*end, end.letter()))));
            sheet.y += BREAK;
        }
        sheet.letters("outcomes", self.ends.iter().map(|(at, end)| (*at, (*end, end.letter()))));
        if !self.events.is_empty() {
            sheet.y += BREAK;
            sheet.letters("other", self.events.iter().map(|(at, event)| (*at, ((), event.letter()))));
        }
        sheet.y = bottom + 30.0;
        for line in lines {
            legend::draw(&mut sheet.canvas, &line, sheet.y);
            sheet.y += LINE;
        }
        sheet.canvas.finish()
    }
}

/// Whether it is long enough to be drawn. What is shorter is no wait to anyone.
fn is_seen<T>(scale: &Scale, stretch: &Stretch<T>) -> bool {
    scale.x(stretch.until) - scale.x(stretch.from) >= 1.0
}

fn lanes_height(lanes: usize) -> f64 {
    if lanes == 0 { 0.0 } else { lanes as f64 * (LANE + GAP) - GAP + BREAK }
}

/// What is drawn on, from the top down.
struct Sheet {
    canvas: Canvas,
    scale: Scale,
    y: f64,
}

impl Sheet {
    fn x(&self, at: u64) -> f64 {
        LEFT + self.scale.x(at)
    }

    fn label(&mut self, text: &str, height: f64) {
        self.canvas.text(LEFT - 10.0, self.y + height / 2.0 + 4.0, Anchor::End, text);
    }

    fn head(&mut self, timeline: &Timeline) {
        let most = ((RIGHT - LEFT) / (LETTER * 1.45)) as usize;
        self.canvas.heading(LEFT, 26.0, &shortened(&timeline.name, most));
        let facts = format!("{}; {}", shortened(&timeline.source, 60), timeline.facts());
        self.canvas.text(LEFT, 46.0, Anchor::Start, &facts);
    }

    fn axis(&mut self, bottom: f64) {
        for (at, name) in self.scale.marks(10) {
            let x = self.x(at);
            self.canvas.rule(x, HEAD - 4.0, bottom);
            self.canvas.text(x, HEAD - 10.0, Anchor::Middle, &name);
        }
    }

    fn modes(&mut self, thoughts: &[Stretch<Thought>]) {
        self.label("mode", MODE);
        for stretch in Stretch::by_length(thoughts.iter()) {
            let (from, width) = self.place(stretch.from, stretch.until);
            let fill = fill(stretch.what);
            self.canvas.block((from, self.y), (width, MODE), fill, &stretch.about);
            let name = stretch.what.name();
            let room = name.len() as f64 * LETTER + 10.0;
            if width < room {
                continue;
            }
            let (middle, baseline) = (from + width / 2.0, self.y + MODE / 2.0 + 4.0);
            match fill {
                Fill::Dark => self.canvas.text_on_dark(middle, baseline, name),
                Fill::White => self.canvas.text(middle, baseline, Anchor::Middle, name),
                _ => {
                    self.canvas.ground(middle - room / 2.0, self.y + 4.0, room, MODE - 8.0);
                    self.canvas.text(middle, baseline, Anchor::Middle, name);
                }
            }
        }
        self.y += MODE;
    }

    /// Where a stretch begins, and how wide it is: it can be seen, however short it is.
    fn place(&self, from: u64, until: u64) -> (f64, f64) {
        let begin = self.x(from).min(RIGHT - 1.5);
        (begin, (self.x(until) - begin).max(1.5))
    }

    fn rows(&mut self, name: &str, rows: &Rows<'_>, fill: impl Fn(Doing) -> Fill) {
        for (bars, number) in rows.lanes.iter().zip(0..) {
            if number == 0 {
                self.label(name, LANE);
            } else {
                self.y += GAP;
            }
            for part in Stretch::by_length(bars.iter().flat_map(|bar| &bar.parts)) {
                let (from, width) = self.place(part.from, part.until);
                if part.what != Doing::Wait {
                    let (above, height) = stature(part.what);
                    let place = (from, self.y + above);
                    self.canvas.block(place, (width, height), fill(part.what), &part.about);
                } else if is_seen(&self.scale, part) {
                    self.canvas.sample(from, from + width, self.y + LANE / 2.0, "1.5 2.5");
                }
            }
            self.y += LANE;
        }
        if !rows.rest.is_empty() {
            self.y += GAP;
            self.counts(rows);
        }
        if !rows.lanes.is_empty() {
            self.y += BREAK;
        }
    }

    /// How many more there are at a time.
    fn counts(&mut self, rows: &Rows<'_>) {
        let pieces = ((RIGHT - LEFT) / PIECE) as usize;
        let scale = self.scale;
        let counts = rows.counts(pieces, |at| ((scale.x(at) / PIECE) as usize).min(pieces - 1));
        let most = counts.iter().copied().max().unwrap_or_default().max(1);
        let bottom = self.y + COUNTS;
        let mut points = vec![(LEFT, bottom)];
        for (count, number) in counts.into_iter().zip(0_u32..) {
            let y = bottom - COUNTS * count as f64 / most as f64;
            let x = LEFT + f64::from(number) * PIECE;
            points.extend([(x, y), (x + PIECE, y)]);
        }
        points.push((RIGHT, bottom));
        self.canvas.area(&points, "more", "calls");
        self.label(&format!("{most} more"), COUNTS);
        self.y = bottom;
    }

    /// One letter for each place, the last in order where several would be.
    fn letters<T: Ord + Copy>(&mut self, name: &str, letters: impl Iterator<Item = (u64, (T, char))>) {
        self.label(name, LANE);
        let cells = ((RIGHT - LEFT) / CELL) as usize;
        let mut row: Vec<Option<(T, char)>> = vec![None; cells];
        for (at, letter) in letters {
            let cell = ((self.scale.x(at) / CELL) as usize).min(cells - 1);
            if let Some(cell) = row.get_mut(cell) {
                *cell = (*cell).max(Some(letter));
            }
        }
        for (cell, number) in row.into_iter().zip(0_u32..) {
            if let Some((_, letter)) = cell {
                let x = LEFT + (f64::from(number) + 0.5) * CELL;
                self.canvas.text(
                    x,
                    self.y + LANE / 2.0 + 4.0,
                    Anchor::Middle,
                    letter.encode_utf8(&mut [0; 4]),
                );
            }
        }
        self.y += LANE;
    }
}

/// A text of at most so many characters.
fn shortened(text: &str, most: usize) -> String {
    if text.chars().count() <= most {
        return text.to_owned();
    }
    let mut short: String = text.chars().take(most.saturating_sub(3)).collect();
    short.push_str("...");
    short
}
