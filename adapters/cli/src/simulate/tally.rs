//! What is counted while clients are simulated. Whole numbers only: whoever adds up first makes no
//! difference.

use failback::Transport;

use super::histogram::Histogram;
use super::period::{BUCKET, Period, buckets};

/// What happened in one bucket. A turn counts where it arrived.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Bucket {
    /// Turns that WebSocket carried to their end.
    pub(super) websocket: u32,
    /// Turns that SSE carried to their end.
    pub(super) sse: u32,
    /// Turns that failed.
    pub(super) failed: u32,
    /// Handshakes that began, and came to the server or to where it should have been.
    pub(super) handshakes: u32,
}

/// Clients of one sort: those behind a broken proxy, or the others.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Group {
    pub(super) clients: u64,
    /// Of those, how many will not try WebSocket again by themselves, at the end.
    pub(super) pinned: u64,
    pub(super) websocket: u64,
    pub(super) sse: u64,
    pub(super) failed: u64,
    pub(super) handshakes: u64,
}

/// All that is counted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Tally {
    pub(super) buckets: Vec<Bucket>,
    /// Of each period, how long its completed turns waited.
    pub(super) waits: Vec<Histogram>,
    pub(super) sound: Group,
    pub(super) broken: Group,
    /// Which period each bucket is in.
    period_of: Vec<u16>,
}

impl Tally {
    pub(super) fn new(length: u64, periods: &[Period]) -> Self {
        let mut period_of = Vec::new();
        for (period, number) in periods.iter().zip(0..) {
            period_of.resize(period.until, number);
        }
        Self {
            buckets: vec![Bucket::default(); buckets(length)],
            waits: vec![Histogram::default(); periods.len()],
            sound: Group::default(),
            broken: Group::default(),
            period_of,
        }
    }

    pub(super) fn client(&mut self, broken: bool, pinned: bool) {
        let group = self.group(broken);
        group.clients += 1;
        group.pinned += u64::from(pinned);
    }

    /// Whoever is behind a broken proxy never reaches the server.
    pub(super) fn handshake(&mut self, at: u64, broken: bool) {
        if !broken {
            self.count(at, |bucket| &mut bucket.handshakes);
        }
        if index(at) < self.buckets.len() {
            self.group(broken).handshakes += 1;
        }
    }

    pub(super) fn completed(&mut self, arrived: u64, transport: Transport, waited: u64, broken: bool) {
        let group = self.group(broken);
        match transport {
            Transport::WebSocket => {
                group.websocket += 1;
                self.count(arrived, |bucket| &mut bucket.websocket);
            }
            Transport::Sse => {
                group.sse += 1;
                self.count(arrived, |bucket| &mut bucket.sse);
            }
        }
        let period = self.period_of.get(index(arrived)).copied().unwrap_or_default();
        if let Some(waits) = self.waits.get_mut(usize::from(period)) {
            waits.add(waited.div_ceil(1_000_000));
        }
    }

    pub(super) fn failed(&mut self, arrived: u64, broken: bool) {
        self.group(broken).failed += 1;
        self.count(arrived, |bucket| &mut bucket.failed);
    }

    pub(super) fn merge(&mut self, other: &Self) {
        for (bucket, more) in self.buckets.iter_mut().zip(&other.buckets) {
            bucket.websocket = bucket.websocket.saturating_add(more.websocket);
            bucket.sse = bucket.sse.saturating_add(more.sse);
            bucket.failed = bucket.failed.saturating_add(more.failed);
            bucket.handshakes = bucket.handshakes.saturating_add(more.handshakes);
        }
        for (waits, more) in self.waits.iter_mut().zip(&other.waits) {
            waits.merge(more);
        }
        self.sound.merge(&other.sound);
        self.broken.merge(&other.broken);
    }

    fn group(&mut self, broken: bool) -> &mut Group {
        if broken { &mut self.broken } else { &mut self.sound }
    }

    /// What happens after the end is not counted.
    fn count(&mut self, at: u64, what: impl FnOnce(&mut Bucket) -> &mut u32) {
        if let Some(bucket) = self.buckets.get_mut(index(at)) {
            let count = what(bucket);
            *count = count.saturating_add(1);
        }
    }
}

impl Group {
    fn merge(&mut self, other: &Self) {
        self.clients += other.clients;
        self.pinned += other.pinned;
        self.websocket += other.websocket;
        self.sse += other.sse;
        self.failed += other.failed;
        self.handshakes += other.handshakes;
    }

    pub(super) const fn turns(&self) -> u64 {
        self.websocket + self.sse + self.failed
    }
}

const fn index(at: u64) -> usize {
    (at / BUCKET) as usize
}

#[cfg(test)]
mod tests {
    use super::super::period::periods;
    use super::super::span::{HOUR, MINUTE, SECOND};
    use super::*;

    #[test]
    fn what_happens_is_counted_where_it_belongs() {
        let periods = periods(HOUR, &[(10 * MINUTE, 20 * MINUTE)]);
        let mut tally = Tally::new(HOUR, &periods);
        tally.handshake(15 * SECOND, false);
        tally.handshake(15 * SECOND, true);
        tally.handshake(2 * HOUR, false);
        tally.completed(10 * MINUTE, Transport::WebSocket, 0, false);
        tally.completed(10 * MINUTE, Transport::Sse, 1_500_001, true);
        tally.failed(59 * MINUTE, false);
        tally.client(false, true);
        assert_eq!(tally.buckets[1].handshakes, 1);
        assert_eq!(tally.buckets[60], Bucket { websocket: 1, sse: 1, ..Bucket::default() });
        assert_eq!(tally.buckets[354].failed, 1);
        assert_eq!(tally.waits.iter().map(Histogram::max).collect::<Vec<_>>(), [None, Some(2), None]);
        let sound =
            Group { clients: 1, pinned: 1, websocket: 1, failed: 1, handshakes: 1, ..Group::default() };
        assert_eq!((tally.sound, tally.sound.turns()), (sound, 2));
        assert_eq!((tally.broken.handshakes, tally.broken.sse), (1, 1));

        let mut twice = tally.clone();
        twice.merge(&tally);
        assert_eq!(twice.buckets[60].sse, 2);
        assert_eq!(twice.sound.handshakes, 2);
    }
}
