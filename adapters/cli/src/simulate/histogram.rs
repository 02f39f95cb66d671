//! How long turns waited: a count of each length, to under 2 %.

/// Below this, each millisecond has its own count.
const EXACT: u64 = 128;
/// Above it, so many counts to each doubling.
const STEPS: usize = 64;

/// A histogram of times in milliseconds. Adding two up gives the same in any order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Histogram {
    counts: Vec<u64>,
    total: u64,
    max: u64,
}

impl Histogram {
    pub(super) fn add(&mut self, millis: u64) {
        let index = index(millis);
        if self.counts.len() <= index {
            self.counts.resize(index + 1, 0);
        }
        if let Some(count) = self.counts.get_mut(index) {
            *count += 1;
        }
        self.total += 1;
        self.max = self.max.max(millis);
    }

    pub(super) fn merge(&mut self, other: &Self) {
        if self.counts.len() < other.counts.len() {
            self.counts.resize(other.counts.len(), 0);
        }
        for (count, more) in self.counts.iter_mut().zip(&other.counts) {
            *count += more;
        }
        self.total += other.total;
        self.max = self.max.max(other.max);
    }

    /// The longest, exactly; `None` when nothing was added.
    pub(super) fn max(&self) -> Option<u64> {
        (self.total > 0).then_some(self.max)
    }

    /// What so many thousandths of all are not above: 500 is the median.
    pub(super) fn permille(&self, permille: u64) -> Option<u64> {
        let wanted = (u128::from(self.total) * u128::from(permille)).div_ceil(1000).max(1);
        let mut seen = 0_u128;
        for (index, count) in self.counts.iter().enumerate() {
            seen += u128::from(*count);
            if seen >= wanted {
                return Some(top(index).min(self.max));
            }
        }
        None
    }
}

fn index(millis: u64) -> usize {
    if millis < EXACT {
        return millis as usize;
    }
    // From 64 to 127 are the upper bits, however many are below.
    let shift = millis.ilog2() as usize - 6;
    EXACT as usize + (shift - 1) * STEPS + (millis >> shift) as usize - STEPS
}

/// The largest time that is counted at this index.
fn top(index: usize) -> u64 {
    let Some(above) = index.checked_sub(EXACT as usize) else { return index as u64 };
    let shift = above / STEPS + 1;
    let upper = (above % STEPS + STEPS) as u64;
    (upper << shift) | ((1 << shift) - 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_time_is_counted_with_those_near_it() {
        for millis in (0..5000).chain([65_535, 65_536, 1 << 40, u64::MAX]) {
            let top = top(index(millis));
            assert!(top >= millis && top - millis <= millis / 64, "{millis} {top}");
            if let Some(next) = top.checked_add(1) {
                assert_eq!(index(next), index(millis) + 1);
            }
        }
    }

    #[test]
    fn median_and_the_rest() {
        let mut histogram = Histogram::default();
        assert_eq!((histogram.permille(500), histogram.max()), (None, None));
        for millis in 1..=100 {
            histogram.add(millis);
        }
        assert_eq!(histogram.permille(500), Some(50));
        assert_eq!(histogram.permille(990), Some(99));
        assert_eq!((histogram.permille(0), histogram.permille(1000)), (Some(1), Some(100)));
        histogram.add(100_000);
        assert_eq!((histogram.permille(1000), histogram.max()), (Some(100_000), Some(100_000)));
    }

    #[test]
    fn parts_add_up_to_the_whole() {
        let [mut one, mut two, mut all] = [(); 3].map(|()| Histogram::default());
        for millis in 0..3000 {
            if millis % 3 == 0 { &mut one } else { &mut two }.add(millis);
            all.add(millis);
        }
        let mut other = two.clone();
        one.merge(&two);
        other.merge(&one);
        assert_eq!(one, all);
        assert_eq!(other.total, all.total + two.total);
    }
}
