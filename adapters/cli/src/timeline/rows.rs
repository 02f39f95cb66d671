//! Which call is drawn in which lane.

use super::model::Bar;

/// Bars in lanes, none of which overlaps another one of its lane.
pub(super) struct Rows<'a> {
    pub(super) lanes: Vec<Vec<&'a Bar>>,
    /// For which there is no lane: they are counted.
    pub(super) rest: Vec<&'a Bar>,
}

impl<'a> Rows<'a> {
    /// Each bar in the first lane that is free when it begins. They are in the order of their begins.
    pub(super) fn new(bars: &'a [Bar], most: usize) -> Self {
        let mut lanes: Vec<Vec<&Bar>> = Vec::new();
        let mut rest = Vec::new();
        for bar in bars {
            let is_free = |lane: &Vec<&Bar>| lane.last().is_none_or(|last| last.until <= bar.from);
            match lanes.iter().position(is_free) {
                Some(free) => lanes[free].push(bar),
                None if lanes.len() < most => lanes.push(vec![bar]),
                None => rest.push(bar),
            }
        }
        Self { lanes, rest }
    }

    /// How many of the rest there are at a time, in each of so many parts of the whole time. `place` says in
    /// which part a time is.
    pub(super) fn counts(&self, parts: usize, place: impl Fn(u64) -> usize) -> Vec<usize> {
        // How many more there are in each part than in the one before.
        let mut more = vec![0_isize; parts + 1];
        for bar in &self.rest {
            let (from, until) = (place(bar.from), place(bar.until.saturating_sub(1)).max(place(bar.from)));
            more[from.min(parts)] += 1;
            more[(until + 1).min(parts)] -= 1;
        }
        let counts = more.iter().take(parts).scan(0_isize, |count, more| {
            *count += more;
            Some(usize::try_from(*count).unwrap_or_default())
        });
        counts.collect()
    }
}
