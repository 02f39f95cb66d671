//! The periods that are told apart: before an outage, in it, the hour after it.

use super::span::{HOUR, SECOND, Span};

/// How long a bucket is: what is counted is counted by it, and a peak is that of one bucket.
pub(super) const BUCKET: u64 = 10 * SECOND;

/// How long after an outage the server hears of it.
const AFTERMATH: u64 = HOUR;

/// What a period is to the outages.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Part {
    Before,
    Outage,
    /// Until an hour after the outage, the next outage or the end, whichever comes first.
    After,
    /// Whatever is left.
    Rest,
}

impl Part {
    pub(super) const fn as_str(self) -> &'static str {
        match self {
            Self::Before => "before",
            Self::Outage => "outage",
            Self::After => "after",
            Self::Rest => "rest",
        }
    }
}

/// Some buckets in a row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Period {
    pub(super) part: Part,
    /// From this bucket to before that one.
    pub(super) from: usize,
    pub(super) until: usize,
}

impl Period {
    pub(super) const fn begin(&self) -> Span {
        Span::from_nanos(self.from as u64 * BUCKET)
    }

    pub(super) const fn end(&self) -> Span {
        Span::from_nanos(self.until as u64 * BUCKET)
    }
}

/// How many buckets there are: the last one may reach beyond the end.
pub(super) const fn buckets(length: u64) -> usize {
    length.div_ceil(BUCKET) as usize
}

/// All periods, in order and without gaps. They begin and end with buckets: an outage that begins or ends
/// within one is taken to do so at its beginning.
pub(super) fn periods(length: u64, spells: &[(u64, u64)]) -> Vec<Period> {
    let all = buckets(length);
    let mut periods = Vec::new();
    let mut at = 0;
    let mut add = |part, until: u64| {
        let until = usize::try_from(until / BUCKET).map_or(all, |until| until.min(all));
        if at < until {
            periods.push(Period { part, from: at, until });
            at = until;
        }
    };
    for (number, &(begin, end)) in spells.iter().enumerate() {
        add(if number == 0 { Part::Before } else { Part::Rest }, begin);
        add(Part::Outage, end);
        let next = spells.get(number + 1).map_or(u64::MAX, |(begin, _)| *begin);
        add(Part::After, end.saturating_add(AFTERMATH).min(next));
    }
    add(if spells.is_empty() { Part::Before } else { Part::Rest }, u64::MAX);
    periods
}

#[cfg(test)]
mod tests {
    use super::super::span::MINUTE;
    use super::*;

    fn parts(length: u64, spells: &[(u64, u64)]) -> Vec<(&'static str, String)> {
        let periods = periods(length, spells);
        periods.iter().map(|p| (p.part.as_str(), format!("{}-{}", p.begin(), p.end()))).collect()
    }

    #[test]
    fn the_hour_after_an_outage_is_told_from_the_rest() {
        let expected =
            [("before", "0s-1h"), ("outage", "1h-1h10m"), ("after", "1h10m-2h10m"), ("rest", "2h10m-3h")];
        assert_eq!(parts(3 * HOUR, &[(HOUR, HOUR + 10 * MINUTE)]), expected.map(|(a, b)| (a, b.to_owned())));
    }

    #[test]
    fn the_next_outage_or_the_end_comes_first() {
        let spells = [(0, MINUTE), (10 * MINUTE, 20 * MINUTE)];
        let expected =
            [("outage", "0s-1m"), ("after", "1m-10m"), ("outage", "10m-20m"), ("after", "20m-30m")];
        assert_eq!(parts(30 * MINUTE, &spells), expected.map(|(a, b)| (a, b.to_owned())));
        assert_eq!(parts(15 * MINUTE, &spells)[2], ("outage", "10m-15m".to_owned()));
    }

    #[test]
    fn without_an_outage_there_is_one_period() {
        assert_eq!(parts(3 * HOUR, &[]), [("before", "0s-3h".to_owned())]);
    }

    #[test]
    fn periods_begin_and_end_with_buckets() {
        let spells = [(HOUR + SECOND, HOUR + 25 * SECOND)];
        assert_eq!(parts(2 * HOUR, &spells)[1], ("outage", "1h-1h20s".to_owned()));
        assert_eq!(buckets(25 * SECOND), 3);
    }
}
