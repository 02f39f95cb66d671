//! From time to place, and where an axis has its marks.

use crate::simulate::span::{SECOND, STEPS, Span};

/// A time may be as short as nothing, and a picture is not.
const SHORTEST: u64 = SECOND / 1000;
const DAY: u64 = 24 * 3600 * SECOND;

/// A stretch of time on so many cells, or pixels.
#[derive(Clone, Copy, Debug)]
pub(super) struct Scale {
    from: u64,
    length: u64,
    width: f64,
}

impl Scale {
    pub(super) fn new(from: u64, until: u64, width: f64) -> Self {
        Self { from, length: until.saturating_sub(from).max(SHORTEST), width }
    }

    /// Where a time is, from 0 to the width.
    pub(super) fn x(&self, at: u64) -> f64 {
        let part = at.saturating_sub(self.from) as f64 / self.length as f64;
        self.width * part.clamp(0.0, 1.0)
    }

    /// In which cell a time is. The last time of all is in the last cell.
    pub(super) fn cell(&self, at: u64) -> usize {
        // Not negative, and not more than a terminal is wide.
        (self.x(at).floor() as usize).min((self.width as usize).saturating_sub(1))
    }

    /// Round times, at most so many and one, and what they are called.
    pub(super) fn marks(&self, most: usize) -> Vec<(u64, String)> {
        let step = step(self.length, most.max(1) as u64);
        let last = self.from.saturating_add(self.length);
        let mut marks = Vec::new();
        // What begins a moment after a round time begins there, as far as anyone can see.
        let begin = self.from.saturating_sub(self.length / 200);
        let mut at = begin.div_ceil(step).checked_mul(step);
        while let Some(mark) = at.filter(|mark| *mark <= last) {
            marks.push((mark, name(mark, step)));
            at = mark.checked_add(step);
        }
        marks
    }
}

/// The shortest round time that fits so often, or less.
fn step(length: u64, most: u64) -> u64 {
    let fits = |step: &u64| length / step <= most;
    // Down to 10 µs: nothing shorter is drawn.
    let powers = (0..7).map(|power| SECOND / 100_000 * 10_u64.pow(power));
    let fine = powers.flat_map(|power| [1, 2, 5].map(|factor| factor * power));
    let fine = fine.filter(|step| *step < 30 * SECOND).chain([30 * SECOND]);
    let days = (0..5).flat_map(|power| [1, 2, 5].map(|factor| factor * 10_u64.pow(power) * DAY));
    let coarse = STEPS.into_iter().chain(days.filter(|days| *days > 3 * DAY));
    fine.chain(coarse).find(fits).unwrap_or(u64::MAX)
}

/// In seconds, with as many digits as the step has; in minutes, hours and days where the step is that long.
fn name(at: u64, step: u64) -> String {
    if step >= 30 * SECOND {
        return Span::from_nanos(at).to_string();
    }
    let decimals = (0..9).find(|decimals| step % (SECOND / 10_u64.pow(*decimals)) == 0).unwrap_or(9);
    let fraction = at % SECOND / (SECOND / 10_u64.pow(decimals));
    let width = decimals as usize;
    match decimals {
        0 => format!("{} s", at / SECOND),
        _ => format!("{}.{fraction:0width$} s", at / SECOND),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn marks_are_round_and_few() {
        let named = |from: u64, until: u64, most| -> Vec<String> {
            Scale::new(from, until, 70.0).marks(most).into_iter().map(|(_, name)| name).collect()
        };
        assert_eq!(named(0, 11 * SECOND, 6), ["0 s", "2 s", "4 s", "6 s", "8 s", "10 s"]);
        assert_eq!(named(0, 0, 4)[..2], ["0.0000 s", "0.0005 s"]);
        assert_eq!(named(500_000, 3_200_000, 3), ["0.001 s", "0.002 s", "0.003 s"]);
        assert_eq!(named(130 * SECOND, 275 * SECOND, 5), ["2m30s", "3m", "3m30s", "4m", "4m30s"]);
        assert_eq!(named(0, 2 * 3600 * SECOND, 6), ["0s", "30m", "1h", "1h30m", "2h"]);
    }

    #[test]
    fn any_time_has_a_few_marks() {
        for from in [0, 1, SECOND, u64::MAX / 2, u64::MAX] {
            for power in 0..64 {
                let scale = Scale::new(from, from.saturating_add(1 << power), 70.0);
                assert!(scale.marks(7).len() <= 8);
                assert_eq!(scale.cell(from), 0, "{scale:?}");
                assert!(scale.cell(u64::MAX) <= 69, "{scale:?}");
            }
        }
    }
}
