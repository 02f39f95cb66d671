use core::time::Duration;

/// A point in monotonic time, in nanoseconds since an origin that the driver chose.
///
/// The policy never reads a clock: each method is told what time it is. Any origin will do (the start of the
/// process, the boot of the machine, zero in a simulation) as long as one [`Policy`](crate::Policy) sees only
/// one. Arithmetic saturates, and there are no operators, so that no input can overflow.
///
/// A clock that runs backwards is treated as one that stands still ([R18](crate::rules#r18)).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Timestamp(u64);

impl Timestamp {
    /// The origin.
    pub const ZERO: Self = Self(0);
    /// The latest point there is, about 584 years after the origin. As a deadline it means "never".
    pub const MAX: Self = Self(u64::MAX);

    /// The point `nanos` nanoseconds after the origin.
    #[must_use]
    pub const fn from_nanos(nanos: u64) -> Self {
        Self(nanos)
    }

    /// The point `millis` milliseconds after the origin, or [`Timestamp::MAX`] if that is too far away.
    #[must_use]
    pub const fn from_millis(millis: u64) -> Self {
        Self(millis.saturating_mul(1_000_000))
    }

    /// The point `elapsed` after the origin, or [`Timestamp::MAX`] if that is too far away: what a driver
    /// makes of `origin.elapsed()`.
    #[must_use]
    pub const fn from_elapsed(elapsed: Duration) -> Self {
        Self(nanos(elapsed))
    }

    /// Nanoseconds since the origin.
    #[must_use]
    pub const fn as_nanos(self) -> u64 {
        self.0
    }

    /// This point moved `duration` into the future, or [`Timestamp::MAX`] if that is too far away.
    #[must_use]
    pub const fn saturating_add(self, duration: Duration) -> Self {
        Self(self.0.saturating_add(nanos(duration)))
    }

    /// How long after `earlier` this point is; zero if it is not after it.
    #[must_use]
    pub const fn saturating_duration_since(self, earlier: Self) -> Duration {
        Duration::from_nanos(self.0.saturating_sub(earlier.0))
    }

    /// The later of the two.
    #[must_use]
    pub(crate) const fn latest(self, other: Self) -> Self {
        if self.0 < other.0 { other } else { self }
    }
}

/// A point so many nanoseconds later, or [`Timestamp::MAX`] if that is too far away.
#[must_use]
#[inline]
pub(crate) const fn add(at: Timestamp, nanos: u64) -> Timestamp {
    Timestamp(at.0.saturating_add(nanos))
}

/// A duration in whole nanoseconds; what does not fit is as long as can be told.
#[must_use]
pub(crate) const fn nanos(duration: Duration) -> u64 {
    let nanos = duration.as_nanos();
    if nanos > u64::MAX as u128 { u64::MAX } else { nanos as u64 }
}

/// A duration in whole milliseconds, as files and logs have it. Rounded up, so that nothing is due earlier
/// than it is.
#[must_use]
pub const fn whole_millis(duration: Duration) -> u64 {
    let millis = duration.as_nanos().div_ceil(1_000_000);
    if millis > u64::MAX as u128 { u64::MAX } else { millis as u64 }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arithmetic_saturates_at_both_ends() {
        assert_eq!(Timestamp::MAX.saturating_add(Duration::MAX), Timestamp::MAX);
        assert_eq!(Timestamp::from_millis(u64::MAX), Timestamp::MAX);
        assert_eq!(Timestamp::ZERO.saturating_duration_since(Timestamp::MAX), Duration::ZERO);
        assert_eq!(Timestamp::from_elapsed(Duration::MAX), Timestamp::MAX);
    }

    #[test]
    fn a_point_and_a_duration_later_are_that_duration_apart() {
        let start = Timestamp::from_millis(7);
        let later = start.saturating_add(Duration::from_micros(1500));
        assert_eq!(later.as_nanos(), 8_500_000);
        assert_eq!(later.saturating_duration_since(start), Duration::from_micros(1500));
        assert!(start < later);
        assert_eq!(start.latest(later), later);
    }
}
