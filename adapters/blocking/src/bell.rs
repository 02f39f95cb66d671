//! Where a thread waits for the first of several things: its sockets, a time, or another thread.

use std::io;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::Duration;

use failback::{SharedPolicy, Timestamp};
use mio::event::Source;
use mio::{Events, Interest, Poll, Registry, Token, Waker};

const SOCKET: Token = Token(0);
const RINGER: Token = Token(1);

/// How many events one wait takes: more than a thread has sockets. Others would come with the next wait.
const EVENTS: usize = 16;

/// Wakes one thread, and tells it to stop. Clones wake the same thread.
#[derive(Clone, Default)]
pub(crate) struct Ringer(Arc<Ring>);

#[derive(Default)]
struct Ring {
    stopped: AtomicBool,
    /// Set when the thread makes its [`Bell`].
    waker: OnceLock<Waker>,
}

/// The thread is to stop what it does, and to drop what it holds: another thread told it so
/// ([`Ringer::stop`]), or its time is over ([`Bell::until`]).
#[derive(Debug)]
pub(crate) struct Stopped;

impl Ringer {
    /// Wakes the thread, so that it looks for what has changed.
    pub(crate) fn ring(&self) {
        if let Some(waker) = self.0.waker.get() {
            // If this fails, the thread wakes when its time has come.
            let _ = waker.wake();
        }
    }

    /// Tells the thread to stop. A wait under way ends, and so does every later one.
    pub(crate) fn stop(&self) {
        self.0.stopped.store(true, Ordering::SeqCst);
        self.ring();
    }

    /// Whether another clone exists: the thread that would be woken holds one.
    pub(crate) fn is_heard(&self) -> bool {
        Arc::strong_count(&self.0) > 1
    }

    pub(crate) fn is_stopped(&self) -> bool {
        self.0.stopped.load(Ordering::SeqCst)
    }
}

/// Where one thread waits.
pub(crate) struct Bell {
    registry: Registry,
    /// Locked while the thread waits. Only one thread waits here.
    poll: Mutex<(Poll, Events)>,
    ringer: Ringer,
    end: Option<End>,
}

/// When the time of a thread is over.
struct End {
    clock: SharedPolicy,
    at: Timestamp,
}

impl Bell {
    /// A place to wait, at which `ringer` wakes the thread. A ringer has one bell only.
    pub(crate) fn new(ringer: Ringer) -> io::Result<Arc<Self>> {
        Self::with_end(ringer, None)
    }

    /// The same, for a thread whose time is over at `at` by this clock, if there is such a time.
    pub(crate) fn until(
        at: Option<Timestamp>,
        clock: &SharedPolicy,
        ringer: Ringer,
    ) -> io::Result<Arc<Self>> {
        Self::with_end(ringer, at.map(|at| End { clock: clock.clone(), at }))
    }

    fn with_end(ringer: Ringer, end: Option<End>) -> io::Result<Arc<Self>> {
        let poll = Poll::new()?;
        let registry = poll.registry().try_clone()?;
        let waker = Waker::new(&registry, RINGER)?;
        if ringer.0.waker.set(waker).is_err() {
            return Err(io::Error::from(io::ErrorKind::AlreadyExists));
        }
        let poll = Mutex::new((poll, Events::with_capacity(EVENTS)));
        Ok(Arc::new(Self { registry, poll, ringer, end }))
    }

    pub(crate) fn ringer(&self) -> &Ringer {
        &self.ringer
    }

    /// From now on wakes also when this source becomes readable or writable.
    pub(crate) fn attach(&self, source: &mut impl Source) -> io::Result<()> {
        self.registry.register(source, SOCKET, Interest::READABLE | Interest::WRITABLE)
    }

    pub(crate) fn detach(&self, source: &mut impl Source) {
        // Fails only if the source is not attached.
        let _ = self.registry.deregister(source);
    }

    /// Waits until something happens, but no longer than `timeout`. `None` sets no limit. May return although
    /// nothing has happened.
    pub(crate) fn wait(&self, timeout: Option<Duration>) -> Result<(), Stopped> {
        self.check()?;
        let timeout = timeout.into_iter().chain(self.left()).min();
        let mut poll = self.poll.lock().unwrap_or_else(PoisonError::into_inner);
        let (poll, events) = &mut *poll;
        if poll.poll(events, timeout).is_err() {
            // A signal interrupted it. The caller looks at its sockets anyhow.
            events.clear();
        }
        self.check()
    }

    /// Fails if the thread is to stop. Does not wait.
    pub(crate) fn check(&self) -> Result<(), Stopped> {
        let is_over = self.left().is_some_and(|left| left.is_zero());
        if is_over || self.ringer.is_stopped() { Err(Stopped) } else { Ok(()) }
    }

    /// How much of the thread's time is left, if it has an end.
    fn left(&self) -> Option<Duration> {
        self.end.as_ref().map(|End { clock, at }| clock.time_until(*at))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whoever_waits_is_woken_and_stopped() {
        let ringer = Ringer::default();
        let bell = Bell::new(ringer.clone()).unwrap();
        ringer.ring();
        assert!(bell.wait(None).is_ok());
        assert!(bell.wait(Some(Duration::from_millis(1))).is_ok());
        let other = ringer.clone();
        let thread = std::thread::spawn(move || other.stop());
        while bell.wait(None).is_ok() {}
        thread.join().unwrap();
        assert!(bell.wait(None).is_err(), "once stopped is stopped for good");
    }

    #[test]
    fn who_has_no_time_left_does_not_wait() {
        let clock = SharedPolicy::new(failback::Config::new());
        let soon = clock.now().saturating_add(Duration::from_millis(5));
        let bell = Bell::until(Some(soon), &clock, Ringer::default()).unwrap();
        while bell.wait(None).is_ok() {}
        assert!(bell.check().is_err());
        assert!(Bell::until(None, &clock, Ringer::default()).unwrap().check().is_ok());
    }

    #[test]
    fn who_is_stopped_before_it_waits_does_not_wait() {
        let ringer = Ringer::default();
        ringer.stop();
        assert!(Bell::new(ringer).unwrap().wait(None).is_err());
    }
}
