//! Rounds that take turns, so that whatever else the machine does meets every reader alike.

use std::time::{Duration, Instant};

use rustix::time::{ClockId, clock_gettime};

use crate::load::Tally;

/// Reads one response to its end.
pub(crate) type Turn = Box<dyn FnMut() -> Tally>;

/// One way to read a response.
pub(crate) struct Reader {
    pub(crate) column: &'static str,
    pub(crate) turn: Turn,
    /// What it has to have counted, or it has read less than it should.
    pub(crate) expected: Tally,
    pub(crate) rounds: Vec<Round>,
}

/// How long one event took, on average over one response, in nanoseconds.
#[derive(Clone, Copy)]
pub(crate) struct Round {
    pub(crate) wall: f64,
    /// Processor time of the reader's thread. That of the server is not in it.
    pub(crate) cpu: f64,
}

impl Reader {
    pub(crate) fn new(column: &'static str, turn: Turn, expected: Tally) -> Self {
        Self { column, turn, expected, rounds: Vec::new() }
    }

    /// Reads one response without a look at the clock: connects, and finds out what does not work.
    pub(crate) fn warm_up(&mut self) {
        assert_eq!((self.turn)(), self.expected, "{}", self.column);
    }

    pub(crate) fn measure(&mut self, events: usize) {
        let (wall, cpu) = (Instant::now(), thread_cpu());
        let tally = (self.turn)();
        let (wall, cpu) = (wall.elapsed(), thread_cpu().saturating_sub(cpu));
        assert_eq!(tally, self.expected, "{}", self.column);
        let each = |time: Duration| time.as_nanos() as f64 / events as f64;
        self.rounds.push(Round { wall: each(wall), cpu: each(cpu) });
    }
}

/// Processor time of this thread so far.
fn thread_cpu() -> Duration {
    let time = clock_gettime(ClockId::ThreadCPUTime);
    let (seconds, nanos) = (u64::try_from(time.tv_sec), u32::try_from(time.tv_nsec));
    Duration::new(seconds.unwrap_or(0), nanos.unwrap_or(0))
}
