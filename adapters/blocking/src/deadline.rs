use std::io::{self, ErrorKind};
use std::time::{Duration, Instant};

use failback_wire::Seen;

use crate::bell::Bell;
use crate::halt::Halt;

/// The time by which something must be done, by the system's clock.
#[derive(Clone, Copy)]
pub(crate) struct Deadline(Option<Instant>);

impl Deadline {
    /// So long after now. Never, if that is too far away to be counted.
    pub(crate) fn after(limit: Duration) -> Self {
        Self(Instant::now().checked_add(limit))
    }

    /// How much time is left. `None` if there is no limit.
    pub(crate) fn left(self) -> Option<Duration> {
        self.0.map(|at| at.saturating_duration_since(Instant::now()))
    }

    pub(crate) fn is_over(self) -> bool {
        self.left() == Some(Duration::ZERO)
    }

    /// Calls `act`, which must not block, again and again until it no longer says that it would block. Waits
    /// at `bell` in between. When the time is over, that is reported as `late`.
    pub(crate) fn limit<T>(
        self,
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
            bell.wait(self.left())?;
        }
    }
}
