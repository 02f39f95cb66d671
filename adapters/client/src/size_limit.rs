use std::sync::atomic::{AtomicUsize, Ordering};

/// The least that is learned: 64 KiB. Some servers take no more in a message; one that refuses less means
/// something else, and without this an odd refusal would disable WebSocket.
const FLOOR: usize = 64 * 1024;

/// How large a request may be to go over WebSocket: by what is set, and by what a server has refused.
#[derive(Debug)]
pub(crate) struct SizeLimit {
    /// The most that may be sent.
    most: usize,
    /// The size of the smallest request that was refused.
    refused: AtomicUsize,
}

impl SizeLimit {
    /// `None` for no limit but what is learned.
    pub(crate) const fn new(most: Option<usize>) -> Self {
        let most = match most {
            Some(most) => most,
            None => usize::MAX,
        };
        Self { most, refused: AtomicUsize::new(usize::MAX) }
    }

    /// Whether there is any limit, so that it is worth to measure.
    pub(crate) fn is_some(&self) -> bool {
        !self.allows(usize::MAX - 1)
    }

    /// Whether a request of this size may go over WebSocket.
    pub(crate) fn allows(&self, bytes: usize) -> bool {
        bytes <= self.most && bytes < self.refused.load(Ordering::Relaxed)
    }

    /// A request of this size was refused as too large.
    pub(crate) fn learn(&self, bytes: usize) {
        if bytes >= FLOOR {
            self.refused.fetch_min(bytes, Ordering::Relaxed);
        }
    }

    /// Somebody else may answer from now on.
    pub(crate) fn forget(&self) {
        self.refused.store(usize::MAX, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_set_is_the_most() {
        let limit = SizeLimit::new(Some(2000));
        assert!(limit.is_some() && limit.allows(2000) && !limit.allows(2001));
    }

    #[test]
    fn the_smallest_refusal_above_the_floor_is_learned_and_forgotten() {
        let limit = SizeLimit::new(None);
        limit.learn(FLOOR - 1);
        assert!(!limit.is_some() && limit.allows(FLOOR - 1));
        limit.learn(FLOOR + 10);
        limit.learn(FLOOR + 20);
        assert!(limit.is_some() && limit.allows(FLOOR + 9) && !limit.allows(FLOOR + 10));
        limit.learn(FLOOR);
        assert!(!limit.allows(FLOOR) && limit.allows(FLOOR - 1));
        limit.forget();
        assert!(!limit.is_some());
    }
}
