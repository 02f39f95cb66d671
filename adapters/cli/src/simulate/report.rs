//! The numbers that are told, made of what was counted.

use serde::Serialize;

use super::kind::Kind;
use super::period::{BUCKET, Period};
use super::span::SECOND;
use super::tally::{Bucket, Group, Tally};

/// What one strategy did.
#[derive(Debug)]
pub(super) struct Report {
    pub(super) kind: Kind,
    pub(super) periods: Vec<PeriodReport>,
    pub(super) buckets: Vec<Bucket>,
    pub(super) sound: Group,
    pub(super) broken: Group,
}

/// What happened in one period.
#[derive(Clone, Copy, Debug)]
pub(super) struct PeriodReport {
    pub(super) period: Period,
    pub(super) turns: Turns,
    pub(super) handshakes: Rate,
    pub(super) waiting: Waiting,
}

/// Turns by what became of them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Turns {
    pub(super) websocket: u64,
    pub(super) sse: u64,
    pub(super) failed: u64,
}

/// Handshakes a second.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Rate {
    pub(super) mean: f64,
    /// In the bucket that has the most.
    pub(super) peak: f64,
}

/// How long the turns that completed had waited, in milliseconds; nothing if none did.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub(super) struct Waiting {
    pub(super) median_ms: Option<u64>,
    pub(super) p99_ms: Option<u64>,
    pub(super) max_ms: Option<u64>,
}

impl Turns {
    pub(super) fn of(buckets: &[Bucket]) -> Self {
        let sum = |what: fn(&Bucket) -> u32| buckets.iter().map(|bucket| u64::from(what(bucket))).sum();
        Self { websocket: sum(|b| b.websocket), sse: sum(|b| b.sse), failed: sum(|b| b.failed) }
    }

    pub(super) const fn all(self) -> u64 {
        self.websocket + self.sse + self.failed
    }

    /// The share of all turns, failed ones included, that WebSocket carried; `None` when there are none.
    pub(super) fn on_websocket(self) -> Option<f64> {
        let all = self.all();
        (all > 0).then(|| self.websocket as f64 / all as f64)
    }
}

impl Rate {
    pub(super) fn of(buckets: &[Bucket]) -> Self {
        let seconds = (BUCKET / SECOND) as f64;
        let all: u64 = buckets.iter().map(|bucket| u64::from(bucket.handshakes)).sum();
        let most = buckets.iter().map(|bucket| bucket.handshakes).max().unwrap_or_default();
        let mean = if buckets.is_empty() { 0.0 } else { all as f64 / (buckets.len() as f64 * seconds) };
        Self { mean, peak: f64::from(most) / seconds }
    }

    /// How many times the mean the peak is; `None` without any handshake.
    pub(super) fn ratio(self) -> Option<f64> {
        (self.mean > 0.0).then(|| self.peak / self.mean)
    }
}

impl Report {
    pub(super) fn new(kind: Kind, tally: Tally, periods: &[Period]) -> Self {
        let periods = periods.iter().zip(&tally.waits).map(|(&period, waits)| {
            let buckets = tally.buckets.get(period.from..period.until).unwrap_or_default();
            PeriodReport {
                period,
                turns: Turns::of(buckets),
                handshakes: Rate::of(buckets),
                waiting: Waiting {
                    median_ms: waits.permille(500),
                    p99_ms: waits.permille(990),
                    max_ms: waits.max(),
                },
            }
        });
        let periods = periods.collect();
        Self { kind, periods, buckets: tally.buckets, sound: tally.sound, broken: tally.broken }
    }

    /// The buckets in rows of so many, as a table or a plot has them.
    pub(super) fn rows(&self, each: usize) -> impl Iterator<Item = &[Bucket]> {
        self.buckets.chunks(each.max(1))
    }
}

#[cfg(test)]
mod tests {
    use super::super::period::periods;
    use super::super::span::{HOUR, MINUTE};
    use super::*;
    use failback::Transport;

    #[test]
    fn shares_and_rates() {
        let bucket = |websocket, sse, failed, handshakes| Bucket { websocket, sse, failed, handshakes };
        let buckets = [bucket(6, 1, 1, 0), bucket(0, 2, 0, 30), bucket(0, 0, 0, 0)];
        assert_eq!(Turns::of(&buckets), Turns { websocket: 6, sse: 3, failed: 1 });
        assert_eq!(Turns::of(&buckets).on_websocket(), Some(0.6));
        assert_eq!(Turns::of(&buckets[2..]).on_websocket(), None);
        assert_eq!(Rate::of(&buckets), Rate { mean: 1.0, peak: 3.0 });
        assert_eq!(Rate::of(&buckets).ratio(), Some(3.0));
        assert_eq!((Rate::of(&buckets[2..]).ratio(), Rate::of(&[]).ratio()), (None, None));
    }

    #[test]
    fn each_period_has_its_own_numbers() {
        let periods = periods(HOUR, &[(10 * MINUTE, 20 * MINUTE)]);
        let mut tally = Tally::new(HOUR, &periods);
        tally.completed(0, Transport::WebSocket, 0, false);
        tally.completed(15 * MINUTE, Transport::Sse, SECOND, false);
        tally.handshake(25 * MINUTE, false);
        let report = Report::new(Kind::Failback, tally, &periods);
        let shares: Vec<_> = report.periods.iter().map(|p| p.turns.on_websocket()).collect();
        assert_eq!(shares, [Some(1.0), Some(0.0), None]);
        let peaks: Vec<_> = report.periods.iter().map(|p| p.handshakes.peak).collect();
        assert_eq!(peaks, [0.0, 0.0, 0.1]);
        let medians: Vec<_> = report.periods.iter().map(|p| p.waiting.median_ms).collect();
        assert_eq!(medians, [Some(0), Some(1000), None]);
        assert_eq!(report.rows(36).count(), 10);
    }
}
