use std::future::{Future, poll_fn};
use std::pin::{Pin, pin};
use std::task::{Context, Poll, ready};
use std::time::{Duration, Instant};

use failback::{SharedPolicy, Timestamp};

use crate::Runtime;

/// One timer for a deadline that moves with every event.
///
/// Deadlines move into the future far more often than they pass. So a sleep that would wake too early is
/// kept, and its owner polls again when it wakes.
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

    /// Begins a last look for a limit that passed `late` ago.
    pub(crate) fn last_look(&self, late: Duration) -> LastLook<R> {
        LastLook::new(self.runtime.clone(), late)
    }
}

/// How long each round of a last look takes. It is a sleep and not a mere yield, because before a runtime
/// fires its timers it reads its sockets and wakes the tasks that wait for them.
const ROUND: Duration = Duration::from_millis(1);
/// How many rounds in a row must bring nothing.
const QUIET_ROUNDS: u32 = 3;
/// The most rounds, for a peer that always sends more.
const MAX_ROUNDS: u32 = 12;
/// The most time that is added because a limit was noticed late.
const MAX_LATE: Duration = Duration::from_secs(1);

/// The time between the moment when a limit has passed and the moment when it ends something.
///
/// A runtime that was blocked, or a process that was stopped, notices a limit late, and may do so before it
/// has read what arrived meanwhile. So the runtime reads first, for a bounded time. If it noticed the limit
/// late, the peer is given as much time again, since it could not go on while nobody read.
pub(crate) struct LastLook<R: Runtime> {
    runtime: R,
    round: Option<Pin<Box<R::Sleep>>>,
    rounds: u32,
    quiet: u32,
    until: Option<Instant>,
    /// Whether something has come in this round.
    active: bool,
}

impl<R: Runtime> LastLook<R> {
    fn new(runtime: R, late: Duration) -> Self {
        let until = runtime.now().checked_add(late.min(MAX_LATE));
        Self { runtime, round: None, rounds: 0, quiet: 0, until, active: false }
    }

    /// Ready when everything that had arrived was read. `active` says that something has come since the last
    /// poll.
    pub(crate) fn poll(&mut self, active: bool, cx: &mut Context<'_>) -> Poll<()> {
        self.active |= active;
        let is_read = self.quiet >= QUIET_ROUNDS || self.rounds >= MAX_ROUNDS;
        if is_read && self.until.is_none_or(|until| until <= self.runtime.now()) {
            return Poll::Ready(());
        }
        let round = self.round.get_or_insert_with(|| Box::pin(self.runtime.sleep(ROUND)));
        ready!(round.as_mut().poll(cx));
        self.round = None;
        self.rounds = self.rounds.saturating_add(1);
        self.quiet = if std::mem::take(&mut self.active) { 0 } else { self.quiet.saturating_add(1) };
        // Polls what is awaited after each round.
        cx.waker().wake_by_ref();
        Poll::Pending
    }
}

/// A limit on the whole time that something takes.
pub(crate) struct Deadline<R: Runtime> {
    runtime: R,
    /// `None` is never.
    at: Option<Instant>,
    sleep: Pin<Box<R::Sleep>>,
    has_passed: bool,
}

impl<R: Runtime> Deadline<R> {
    /// This long from now.
    pub(crate) fn after(runtime: &R, limit: Duration) -> Self {
        let at = runtime.now().checked_add(limit);
        let sleep = Box::pin(runtime.sleep(limit));
        Self { runtime: runtime.clone(), at, sleep, has_passed: false }
    }

    /// Awaits `what`. `None` if the time is up first, and a last look finds nothing either.
    pub(crate) async fn limit<T>(&mut self, what: impl Future<Output = T>) -> Option<T> {
        let mut what = pin!(what);
        let mut last_look = None;
        poll_fn(|cx| {
            if let Poll::Ready(done) = what.as_mut().poll(cx) {
                return Poll::Ready(Some(done));
            }
            if !self.has_passed {
                ready!(self.sleep.as_mut().poll(cx));
                self.has_passed = true;
            }
            let last_look = last_look.get_or_insert_with(|| {
                let late =
                    self.at.map_or(Duration::ZERO, |at| self.runtime.now().saturating_duration_since(at));
                LastLook::new(self.runtime.clone(), late)
            });
            last_look.poll(false, cx).map(|()| None)
        })
        .await
    }
}

/// A time, by the policy's clock, at which whatever is awaited ends.
pub(crate) struct Alarm<R: Runtime> {
    at: Timestamp,
    timer: Timer<R>,
}

impl<R: Runtime> Alarm<R> {
    /// Starts no timer yet: that belongs to the runtime in which something is awaited first.
    pub(crate) fn new(runtime: &R, clock: &SharedPolicy, at: Timestamp) -> Self {
        Self { at, timer: Timer::new(runtime.clone(), clock.clone()) }
    }

    /// Awaits `what`, and drops it if the time comes first: then `None`.
    pub(crate) async fn limit<T>(&mut self, what: impl Future<Output = T>) -> Option<T> {
        let mut what = pin!(what);
        poll_fn(|cx| match what.as_mut().poll(cx) {
            Poll::Ready(done) => Poll::Ready(Some(done)),
            Poll::Pending => self.poll(cx).map(|()| None),
        })
        .await
    }

    /// Ready when the time has come.
    pub(crate) fn poll(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        while self.timer.now() < self.at {
            ready!(self.timer.poll_until(self.at, cx));
        }
        Poll::Ready(())
    }
}
