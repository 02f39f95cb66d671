use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

use failback::{SharedPolicy, Timestamp};

use crate::Runtime;

/// One timer for a deadline that moves with every event.
///
/// Deadlines move into the future far more often than they pass, so a sleep that would wake too early is kept, and
/// its owner asks again when it wakes.
pub(crate) struct Timer<R: Runtime> {
    runtime: R,
    clock: SharedPolicy,
    sleep: Option<(Timestamp, Pin<Box<R::Sleep>>)>,
}

impl<R: Runtime> Timer<R> {
    pub(crate) fn new(runtime: R, clock: SharedPolicy) -> Self {
        Self { runtime, clock, sleep: None }
    }

    pub(crate) fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// Ready at `deadline`, or earlier.
    pub(crate) fn poll_until(&mut self, deadline: Timestamp, cx: &mut Context<'_>) -> Poll<()> {
        if deadline == Timestamp::MAX {
            return Poll::Pending;
        }
        let sleep = match &mut self.sleep {
            Some((at, sleep)) if *at <= deadline => sleep,
            _ => {
                let sleep = self.runtime.sleep(self.clock.time_until(deadline));
                &mut self.sleep.insert((deadline, Box::pin(sleep))).1
            }
        };
        let polled = sleep.as_mut().poll(cx);
        if polled.is_ready() {
            self.sleep = None;
        }
        polled
    }
}
