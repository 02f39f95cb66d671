//! A timeline in characters that any terminal has, without colours.

use super::kinds::{Doing, End, Thought};
use super::model::{Bar, Stretch, Timeline, most_at_once};
use super::rows::Rows;
use super::scale::Scale;
use crate::output::paint::wrap;

/// What stands before each lane.
const LABEL: usize = 10;
/// For one mark of time.
const MARK: usize = 10;
const LANES: usize = 8;
const DIAL_LANES: usize = 3;

impl Timeline {
    /// Lines that are no wider than this, or than 40 characters.
    pub(crate) fn lines(&self, width: usize) -> Vec<String> {
        let width = width.max(40);
        let cells = width - LABEL;
        let scale = Scale::new(self.from, self.until, cells as f64);
        let mut lines = vec![lane("", &axis(&scale, cells)), lane("mode", &self.modes(&scale, cells))];
        let mut used = Vec::new();

        let calls = Rows::new(&self.calls, LANES);
        for (bars, number) in calls.lanes.iter().zip(0..) {
            let row = cover(bars, &scale, cells, doing);
            used.extend(row.iter().copied());
            lines.push(lane(if number == 0 { "calls" } else { "" }, &row));
        }
        if !calls.rest.is_empty() {
            let counts = calls.counts(cells, |at| scale.cell(at));
            let row: Vec<char> = counts.into_iter().map(digit).collect();
            lines.push(lane("more", &row));
        }
        let dials = Rows::new(&self.dials, DIAL_LANES);
        for (bars, number) in dials.lanes.iter().zip(0..) {
            lines.push(lane(if number == 0 { "dials" } else { "" }, &cover(bars, &scale, cells, |_| DIAL)));
        }
        if !dials.rest.is_empty() {
            let counts = dials.counts(cells, |at| scale.cell(at));
            lines.push(lane("more", &counts.into_iter().map(digit).collect::<Vec<_>>()));
        }
        if !self.dial_ends.is_empty() {
            lines.push(lane("  ended", &worst(&self.dial_ends, &scale, cells)));
        }
        lines.push(lane("outcomes", &worst(&self.ends, &scale, cells)));
        if !self.events.is_empty() {
            let mut row = vec![' '; cells];
            for (at, event) in &self.events {
                row[scale.cell(*at)] = event.letter();
            }
            lines.push(lane("other", &row));
        }
        lines.push(String::new());
        lines.extend(self.legend(&used, width));
        lines
    }

    fn modes(&self, scale: &Scale, cells: usize) -> Vec<char> {
        let mut row = vec![' '; cells];
        for stretch in Stretch::by_length(self.thoughts.iter()) {
            let (from, until) = span(scale, stretch.from, stretch.until);
            for cell in row.iter_mut().take(until + 1).skip(from) {
                *cell = fill(stretch.what);
            }
        }
        // What is left of each has its name, where that fits.
        let mut from = 0;
        while from < cells {
            let character = row[from];
            let length = row[from..].iter().take_while(|other| **other == character).count();
            let thought = Thought::ALL.into_iter().find(|thought| fill(*thought) == character);
            if let Some(name) = thought.map(Thought::name).filter(|name| name.len() + 2 <= length) {
                for (cell, letter) in row[from + 1..].iter_mut().zip(name.chars()) {
                    *cell = letter;
                }
            }
            from += length;
        }
        row
    }

    /// What the characters stand for that are used, in lines of this width.
    fn legend(&self, used: &[char], width: usize) -> Vec<String> {
        let modes = self.thoughts_seen().map(|thought| (fill(thought), thought.name()));

        let bars = Doing::ALL.into_iter().map(|what| (doing(what), what.name()));
        let bars = bars.chain([(BOTH, "both in one place")]);
        let bars = bars.filter(|(character, _)| used.contains(character));
        let dials = (!self.dials.is_empty()).then_some((DIAL, "a handshake that no call waits for"));

        let mut lines = fold(modes, width);
        lines.extend(fold(bars.chain(dials), width));
        lines.extend(fold(self.letters_seen(), width));
        if most_at_once(&self.calls) > LANES || most_at_once(&self.dials) > DIAL_LANES {
            lines.extend(wrap("more: how many have no lane of their own; + is ten or more", width));
        }
        lines.extend(wrap(&self.facts(), width));
        lines
    }
}

/// Entries of a legend, each on one line with its character.
fn fold<'a>(entries: impl Iterator<Item = (char, &'a str)>, width: usize) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for (character, name) in entries {
        let entry = format!("{character} {name}");
        match lines.last_mut() {
            Some(line) if line.len() + 3 + entry.len() <= width => {
                line.push_str("   ");
                line.push_str(&entry);
            }
            _ => lines.push(entry),
        }
    }
    lines
}

/// A handshake that no call waits for.
const DIAL: char = '*';

const fn fill(thought: Thought) -> char {
    match thought {
        Thought::Preferred => '=',
        Thought::Suspected => '?',
        Thought::FailedOver => '-',
        Thought::Probing => '~',
        Thought::Pinned => '#',
    }
}

/// Where one cell has to stand for WebSocket and for SSE.
const BOTH: char = 'B';

const fn doing(what: Doing) -> char {
    match what {
        Doing::WebSocket => 'W',
        Doing::Probe => 'P',
        Doing::Sse => 's',
        Doing::Wait => '.',
    }
}

fn lane(label: &str, cells: &[char]) -> String {
    let row: String = cells.iter().collect();
    format!("{label:<LABEL$}{row}").trim_end().to_owned()
}

fn digit(count: usize) -> char {
    match count {
        0 => ' ',
        1..=9 => char::from_digit(count as u32, 10).unwrap_or('+'),
        _ => '+',
    }
}

/// The first and the last cell of a stretch, which has at least one.
fn span(scale: &Scale, from: u64, until: u64) -> (usize, usize) {
    let first = scale.cell(from);
    (first, scale.cell(until.saturating_sub(1)).max(first))
}

fn cover(bars: &[&Bar], scale: &Scale, cells: usize, character: impl Fn(Doing) -> char) -> Vec<char> {
    let mut row = vec![' '; cells];
    for part in Stretch::by_length(bars.iter().flat_map(|bar| &bar.parts)) {
        // To wait for nothing is no wait.
        if part.what == Doing::Wait && part.from == part.until {
            continue;
        }
        let (from, until) = span(scale, part.from, part.until);
        for cell in row.iter_mut().take(until + 1).skip(from) {
            *cell = both(*cell, character(part.what));
        }
    }
    row
}

/// What a cell shows in which something is already.
fn both(there: char, new: char) -> char {
    match (there, new) {
        (' ' | '.', new) => new,
        (there, '.') => there,
        // The probe is what to look for.
        ('W' | 'P', 'W' | 'P') => {
            if there == 'P' || new == 'P' {
                'P'
            } else {
                'W'
            }
        }
        (there, new) if there == new => there,
        _ => BOTH,
    }
}

fn worst(ends: &[(u64, End)], scale: &Scale, cells: usize) -> Vec<char> {
    let mut row: Vec<Option<End>> = vec![None; cells];
    for (at, end) in ends {
        let cell = &mut row[scale.cell(*at)];
        *cell = (*cell).max(Some(*end));
    }
    row.into_iter().map(|end| end.map_or(' ', End::letter)).collect()
}

/// `|0 s      |2 s      |4 s`
fn axis(scale: &Scale, cells: usize) -> Vec<char> {
    let mut row = vec![' '; cells];
    for (at, name) in scale.marks(cells / MARK) {
        let from = scale.cell(at);
        row[from] = '|';
        if from + 1 + name.chars().count() <= cells {
            for (cell, letter) in row[from + 1..].iter_mut().zip(name.chars()) {
                *cell = letter;
            }
        }
    }
    row
}
