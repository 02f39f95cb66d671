//! Rounds that take turns, so that whatever else the machine does meets every reader alike.

use std::cell::Cell;
use std::time::{Duration, Instant};

use rustix::time::{ClockId, clock_gettime};

use crate::load::Tally;
use crate::server::Server;

/// Reads one response to its end, and starts the clock at its first event.
pub(crate) type Turn = Box<dyn FnMut(&Clock<'_>) -> Tally>;

/// One way to read a response.
pub(crate) struct Reader {
    pub(crate) column: &'static str,
    turn: Turn,
    /// What it has to have counted, or it has read less than it should.
    expected: Tally,
    pub(crate) rounds: Vec<Round>,
}

/// How long one event took, on average over one response, in nanoseconds.
#[derive(Clone, Copy)]
pub(crate) struct Round {
    pub(crate) wall: f64,
    /// Processor time of the reader's thread. That of the server is not in it.
    pub(crate) cpu: f64,
    /// Whether the whole response was there before it was read.
    pub(crate) filled: bool,
}

/// Takes the time from a response's first event to its end.
pub(crate) struct Clock<'a> {
    server: &'a Server,
    started: Cell<Option<Started>>,
}

#[derive(Clone, Copy)]
struct Started {
    wall: Instant,
    cpu: Duration,
    filled: bool,
}

impl Clock<'_> {
    /// Called at each event, with what has been counted before it: nothing, if it is the first.
    pub(crate) fn start_at_first(&self, counted: usize) {
        if counted == 0 {
            let filled = self.server.wait_for_rest();
            self.started.set(Some(Started { wall: Instant::now(), cpu: thread_cpu(), filled }));
        }
    }
}

impl Reader {
    pub(crate) fn new(column: &'static str, turn: Turn, expected: Tally) -> Self {
        Self { column, turn, expected, rounds: Vec::new() }
    }

    /// Reads one response, and says how long each of its events took after the first.
    pub(crate) fn read(&mut self, server: &Server, events: usize) -> Round {
        let clock = Clock { server, started: Cell::new(None) };
        let tally = (self.turn)(&clock);
        let started = clock.started.get().expect("the reader has started the clock");
        let (wall, cpu) = (started.wall.elapsed(), thread_cpu().saturating_sub(started.cpu));
        assert_eq!(tally, self.expected, "{}", self.column);
        let each = |time: Duration| time.as_nanos() as f64 / (events - 1) as f64;
        Round { wall: each(wall), cpu: each(cpu), filled: started.filled }
    }
}

/// Processor time of this thread so far.
fn thread_cpu() -> Duration {
    let time = clock_gettime(ClockId::ThreadCPUTime);
    let (seconds, nanos) = (u64::try_from(time.tv_sec), u32::try_from(time.tv_nsec));
    Duration::new(seconds.unwrap_or(0), nanos.unwrap_or(0))
}
