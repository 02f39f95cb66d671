use std::future::{Future, poll_fn};
use std::pin::{Pin, pin};
use std::task::{Context, Poll, ready};
use std::time::{Duration, Instant};

use failback::{SharedPolicy, Timestamp};
use failback_wire::{SLACK, absence};

use crate::Runtime;

/// One timer for a deadline that moves with every event.
///
/// Deadlines move into the future far more often than they pass. So a sleep that ends before the new deadline
/// is kept. When it ends, the owner of the timer polls again.
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

    /// Ready when everything that had arrived has been read. `active` says whether something has come since
    /// the last poll.
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
        // What is awaited is to be polled after each round.
        cx.waker().wake_by_ref();
        Poll::Pending
    }
}

/// A limit on the whole time that something takes.
pub(crate) struct Deadline<R: Runtime> {
    runtime: R,
    /// `None` is never.
    at: Option<Instant>,
    /// The next look at the clock. `None` when the time is up, or never will be.
    look: Option<Look<R>>,
    /// How late the last look was.
    late: Duration,
    counts_absences: bool,
}

struct Look<R: Runtime> {
    begun: Instant,
    wait: Duration,
    sleep: Pin<Box<R::Sleep>>,
}

impl<R: Runtime> Deadline<R> {
    /// A deadline this long from now, which counts only time in which somebody awaits what it limits. It is
    /// put off if the caller does something else, or the runtime stands still, for more than a second.
    pub(crate) fn after(runtime: &R, limit: Duration) -> Self {
        Self::new(runtime, limit, false)
    }

    /// A deadline this long from now, whether somebody awaits what it limits or not.
    pub(crate) fn by_the_clock(runtime: &R, limit: Duration) -> Self {
        Self::new(runtime, limit, true)
    }

    fn new(runtime: &R, limit: Duration, counts_absences: bool) -> Self {
        let at = runtime.now().checked_add(limit);
        let mut deadline =
            Self { runtime: runtime.clone(), at, look: None, late: Duration::ZERO, counts_absences };
        deadline.look_later();
        deadline
    }

    /// Awaits `what`. `None` if the time is up first, and a last look finds nothing either.
    pub(crate) async fn limit<T>(&mut self, what: impl Future<Output = T>) -> Option<T> {
        let mut what = pin!(what);
        let mut last_look = None;
        poll_fn(|cx| {
            if let Poll::Ready(done) = what.as_mut().poll(cx) {
                return Poll::Ready(Some(done));
            }
            let late = ready!(self.poll_over(cx));
            let last_look = last_look.get_or_insert_with(|| LastLook::new(self.runtime.clone(), late));
            last_look.poll(false, cx).map(|()| None)
        })
        .await
    }

    /// Ready when the time is up. Gives how late that was noticed.
    fn poll_over(&mut self, cx: &mut Context<'_>) -> Poll<Duration> {
        while let Some(look) = &mut self.look {
            ready!(look.sleep.as_mut().poll(cx));
            let took = self.runtime.now().saturating_duration_since(look.begun);
            self.late = took.saturating_sub(look.wait);
            if let Some(away) = absence(look.wait, took).filter(|_| !self.counts_absences) {
                self.at = self.at.and_then(|at| at.checked_add(away));
            }
            self.look_later();
        }
        let Some(at) = self.at else { return Poll::Pending };
        Poll::Ready(self.runtime.now().saturating_duration_since(at).max(self.late))
    }

    /// Looks often enough to notice an absence.
    fn look_later(&mut self) {
        let now = self.runtime.now();
        let left = self.at.map(|at| at.saturating_duration_since(now)).filter(|left| !left.is_zero());
        let wait = left.map(|left| if self.counts_absences { left } else { left.min(SLACK) });
        self.look = wait.map(|wait| Look { begun: now, wait, sleep: Box::pin(self.runtime.sleep(wait)) });
    }
}

/// A time, by the policy's clock, after which nothing is awaited any longer.
pub(crate) struct Alarm<R: Runtime> {
    at: Timestamp,
    timer: Timer<R>,
}

impl<R: Runtime> Alarm<R> {
    /// Starts no timer yet: a timer belongs to the runtime in which it starts, and that is where something is
    /// awaited first.
    pub(crate) fn new(runtime: &R, clock: &SharedPolicy, at: Timestamp) -> Self {
        Self { at, timer: Timer::new(runtime.clone(), clock.clone()) }
    }

    /// Awaits `what`. If the time comes first, drops it and gives `None`.
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

#[cfg(test)]
mod tests {
    use super::*;

    use std::future::pending;
    use std::io;
    use std::net::SocketAddr;
    use std::sync::{Arc, Mutex};
    use std::task::Waker;

    use futures_util::io::Cursor;

    /// A clock that is set by hand, and that wakes nobody.
    #[derive(Clone)]
    struct ByHand(Arc<Mutex<Instant>>);

    struct Until(ByHand, Instant);

    impl Future for Until {
        type Output = ();

        fn poll(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<()> {
            if self.0.now() < self.1 { Poll::Pending } else { Poll::Ready(()) }
        }
    }

    impl Runtime for ByHand {
        type Stream = Cursor<Vec<u8>>;
        type Sleep = Until;

        async fn resolve(&self, _: &str, _: u16) -> io::Result<Vec<SocketAddr>> {
            Ok(Vec::new())
        }

        async fn connect(&self, _: SocketAddr) -> io::Result<Self::Stream> {
            Err(io::ErrorKind::ConnectionRefused.into())
        }

        fn sleep(&self, duration: Duration) -> Until {
            Until(self.clone(), self.now() + duration)
        }

        fn spawn(&self, _: impl Future<Output = ()> + Send + 'static) {}

        fn now(&self) -> Instant {
            *self.0.lock().unwrap()
        }
    }

    impl ByHand {
        fn new() -> Self {
            Self(Arc::new(Mutex::new(Instant::now())))
        }

        fn advance(&self, time: Duration) {
            *self.0.lock().unwrap() += time;
        }
    }

    /// How often a caller that looks every `pause` has looked when the time is up.
    fn looks(limit: Duration, pause: Duration) -> u32 {
        let runtime = ByHand::new();
        let mut deadline = Deadline::after(&runtime, limit);
        let mut limited = pin!(deadline.limit(pending::<()>()));
        let mut cx = Context::from_waker(Waker::noop());
        let mut looks = 0;
        while limited.as_mut().poll(&mut cx).is_pending() {
            runtime.advance(pause);
            looks += 1;
        }
        looks
    }

    const SECOND: Duration = Duration::from_secs(1);

    #[test]
    fn a_timer_wakes_by_its_deadline_and_keeps_a_sleep_that_ends_before() {
        let (runtime, clock) = (ByHand::new(), SharedPolicy::new(failback::Config::new()));
        let mut timer = Timer::new(runtime.clone(), clock.clone());
        let mut cx = Context::from_waker(Waker::noop());
        let begun = clock.now();
        let mut poll = |seconds: u32| timer.poll_until(begun.saturating_add(seconds * SECOND), &mut cx);
        assert!(poll(10).is_pending() && poll(5).is_pending(), "it is too early for both");
        runtime.advance(6 * SECOND);
        assert!(poll(20).is_ready(), "the sleep of 5 s is kept");
        assert!(poll(10).is_pending(), "a new one begins");
        runtime.advance(11 * SECOND);
        assert!(poll(10).is_ready());
        runtime.advance(1000 * SECOND);
        let never = timer.poll_until(Timestamp::MAX, &mut cx);
        assert!(never.is_pending());
    }

    /// How many rounds a last look takes that begins so late, when something comes in the first `active` ones.
    fn rounds(late: Duration, active: u32) -> u32 {
        let runtime = ByHand::new();
        let mut last_look = LastLook::new(runtime.clone(), late);
        let mut cx = Context::from_waker(Waker::noop());
        let mut rounds = 0;
        while last_look.poll(rounds < active, &mut cx).is_pending() {
            // Polled once more in the same round, without anything new.
            assert!(last_look.poll(false, &mut cx).is_pending());
            runtime.advance(ROUND);
            rounds += 1;
            if last_look.poll(false, &mut cx).is_ready() {
                break;
            }
        }
        rounds
    }

    #[test]
    fn a_last_look_ends_when_nothing_has_come_for_some_rounds() {
        assert_eq!(rounds(Duration::ZERO, 0), QUIET_ROUNDS);
        assert_eq!(rounds(Duration::ZERO, 1), 1 + QUIET_ROUNDS);
        assert_eq!(rounds(Duration::ZERO, u32::MAX), MAX_ROUNDS, "a peer that always sends");
        assert_eq!(rounds(Duration::from_millis(50), 0), 50, "noticed late");
        assert_eq!(rounds(Duration::from_secs(60), 0), 1000, "noticed very late");
    }

    #[test]
    fn whoever_always_looks_late_does_not_wait_for_ever() {
        for (limit, counted) in [(15_000, 15), (1_000, 1), (1, 1)] {
            let looks = looks(Duration::from_millis(limit), Duration::from_secs(3));
            // A second of each pause counts. The last look takes some more.
            assert!((counted..=counted + 8).contains(&looks), "{looks} in {limit} ms");
        }
    }
}
