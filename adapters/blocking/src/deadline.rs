use std::io::{self, ErrorKind};
use std::time::{Duration, Instant};

use failback_wire::Seen;

use crate::bell::Bell;
use crate::halt::Halt;

/// Until when something may take, by the clock of the system.
#[derive(Clone, Copy)]
pub(crate) struct Deadline(Option<Instant>);

impl Deadline {
    /// This long after now. What is too far away to be counted never comes.
    pub(crate) fn after(limit: Duration) -> Self {
        Self(Instant::now().checked_add(limit))
    }

    /// How long until then; `None` if it never comes.
    pub(crate) fn left(self) -> Option<Duration> {
        self.0.map(|at| at.saturating_duration_since(Instant::now()))
    }

    pub(crate) fn is_over(self) -> bool {
        self.left() == Some(Duration::ZERO)
    }

    /// Does what must not block, until it is done or it is too late: that is then `late`.
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
