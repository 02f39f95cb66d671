use std::cell::Cell;
use std::io::{self, ErrorKind};
use std::time::{Duration, Instant};

use failback_wire::{SLACK, Seen, absence};

use crate::bell::{Bell, Stopped};
use crate::halt::Halt;

/// The time by which something must be done, by the system's clock.
///
/// If the whole process sleeps while somebody [waits](Self::wait), that time does not count.
pub(crate) struct Deadline(Cell<Option<Instant>>);

impl Deadline {
    /// A deadline this long after now. It never comes if it is too far away to be counted.
    pub(crate) fn after(limit: Duration) -> Self {
        Self(Cell::new(Instant::now().checked_add(limit)))
    }

    /// How much time is left. `None` if there is no limit.
    pub(crate) fn left(&self) -> Option<Duration> {
        self.0.get().map(|at| at.saturating_duration_since(Instant::now()))
    }

    pub(crate) fn is_over(&self) -> bool {
        self.left() == Some(Duration::ZERO)
    }

    /// Waits until `bell` rings, but not past the deadline, and no longer than `pause`. May return sooner.
    pub(crate) fn wait(&self, bell: &Bell, pause: Option<Duration>) -> Result<(), Stopped> {
        // No longer than a second, so that a sleep of the process is noticed.
        let longest = [self.left(), pause].into_iter().flatten().fold(SLACK, Duration::min);
        let begun = Instant::now();
        let waited = bell.wait(Some(longest));
        self.handle_waited(longest, begun.elapsed());
        waited
    }

    /// A wait that was to take `longest` at most took `took`.
    fn handle_waited(&self, longest: Duration, took: Duration) {
        if let Some(asleep) = absence(longest, took) {
            self.0.set(self.0.get().and_then(|at| at.checked_add(asleep)));
        }
    }

    /// Calls `act`, which must not block, until it no longer says that it would block. Waits at `bell`
    /// between two calls. If the deadline comes first, reports that as `late`.
    pub(crate) fn limit<T>(
        &self,
        bell: &Bell,
        late: &Seen<'static>,
        mut act: impl FnMut() -> io::Result<T>,
    ) -> Result<io::Result<T>, Halt> {
        loop {
            match act() {
                Err(error) if error.kind() == ErrorKind::WouldBlock => {}
                done => return Ok(done),
            }
            if self.is_over() {
                return Err(Halt::from(*late));
            }
            self.wait(bell, None)?;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn while_the_process_sleeps_no_time_counts() {
        let deadline = Deadline::after(Duration::from_secs(15));
        let left = |deadline: &Deadline| deadline.left().unwrap().as_secs_f64();
        deadline.handle_waited(SLACK, Duration::from_secs(2));
        assert!(left(&deadline) <= 15.0, "a wait may be late by a second");
        deadline.handle_waited(SLACK, Duration::from_secs(60));
        // The wait itself counts.
        assert!((73.5..=74.0).contains(&left(&deadline)), "{}", left(&deadline));
    }

    #[test]
    fn a_process_that_is_suspended_again_and_again_comes_to_the_end() {
        let deadline = Deadline::after(Duration::from_secs(15));
        let minute = Duration::from_secs(60);
        let mut begun = Instant::now();
        let end = |begun| deadline.0.get().unwrap().checked_duration_since(begun);
        let mut waits = 0;
        while let Some(left) = end(begun).filter(|left| !left.is_zero()) {
            deadline.handle_waited(left.min(SLACK), minute);
            begun += minute;
            waits += 1;
        }
        assert!((14..=16).contains(&waits), "{waits}");
    }
}
