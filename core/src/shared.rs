use core::fmt;
use core::time::Duration;
use std::boxed::Box;
use std::collections::hash_map::RandomState;
use std::hash::BuildHasher;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use crate::{
    Attempt, Call, Config, Decision, Dial, DialOutcome, Mode, Outcome, Policy, Reason, Snapshot, Status,
    Timestamp, Transport, Verdict,
};

/// A [`Policy`] for all threads and tasks of a process, with a clock of its own.
///
/// Clones share one policy. The mutex inside is held for the length of one method of [`Policy`], never across
/// I/O. Attempts and dials are guards: one that is dropped reports that it was cancelled or abandoned, so
/// that a task that ends early, or panics, gives back what it held at once.
///
/// ```
/// use failback::{Config, Outcome, SharedPolicy, Verdict};
///
/// let policy = SharedPolicy::new(Config::default());
/// let attempt = policy.begin_call();
/// // ... send the request over `attempt.transport()`, and for each event that arrives:
/// attempt.handle_progress();
/// assert!(matches!(attempt.handle_outcome(Outcome::Completed), Verdict::Done));
/// ```
#[derive(Clone)]
pub struct SharedPolicy {
    shared: Arc<Shared>,
}

struct Shared {
    policy: Mutex<Policy>,
    clock: Box<dyn Fn() -> Timestamp + Send + Sync>,
}

/// What to do with a call now: [`Decision`], with a guard for the attempt.
///
/// Exhaustive on purpose: a driver must obey each of these.
#[must_use = "a decision must be carried out"]
#[derive(Debug)]
pub enum SharedDecision {
    /// Carry out this attempt.
    Start(AttemptGuard),
    /// Not yet: come back when [`SharedPolicy::time_until`] its [`ready_at`](Call::ready_at) is zero.
    Wait(Call),
}

impl SharedPolicy {
    /// A policy that believes in WebSocket, with a random seed and the monotonic clock of the system.
    #[must_use]
    pub fn new(config: Config) -> Self {
        Self::with_clock(monotonic_clock(), |now| Policy::new(config, random_seed(), now))
    }

    /// The policy of which `snapshot` was made, `elapsed` later ([R20](crate::rules#r20)).
    #[must_use]
    pub fn restore(config: Config, snapshot: &Snapshot, elapsed: Duration) -> Self {
        Self::with_clock(monotonic_clock(), |now| {
            Policy::restore(config, random_seed(), snapshot, elapsed, now)
        })
    }

    /// Any policy, with any clock: virtual time in a test, or the clock of a runtime.
    #[must_use]
    pub fn with_clock(
        clock: impl Fn() -> Timestamp + Send + Sync + 'static,
        policy: impl FnOnce(Timestamp) -> Policy,
    ) -> Self {
        let policy = Mutex::new(policy(clock()));
        Self { shared: Arc::new(Shared { policy, clock: Box::new(clock) }) }
    }

    /// The time, by the policy's clock.
    #[must_use]
    pub fn now(&self) -> Timestamp {
        (self.shared.clock)()
    }

    /// How long it is until `at`; zero if that is past.
    #[must_use]
    pub fn time_until(&self, at: Timestamp) -> Duration {
        at.saturating_duration_since(self.now())
    }

    /// See [`Policy::open_call`].
    pub fn open_call(&self) -> Call {
        self.with(Policy::open_call)
    }

    /// See [`Policy::begin_call`].
    pub fn begin_call(&self) -> AttemptGuard {
        self.guard(self.with(Policy::begin_call))
    }

    /// See [`Policy::begin_attempt`].
    pub fn begin_attempt(&self, call: Call) -> SharedDecision {
        match self.with(|policy, now| policy.begin_attempt(call, now)) {
            Decision::Start(attempt) => SharedDecision::Start(self.guard(attempt)),
            Decision::Wait(call) => SharedDecision::Wait(call),
        }
    }

    /// See [`Policy::begin_attempt_now`].
    pub fn begin_attempt_now(&self, call: Call) -> AttemptGuard {
        self.guard(self.with(|policy, now| policy.begin_attempt_now(call, now)))
    }

    /// See [`Policy::poll_probe`].
    #[must_use]
    pub fn poll_probe(&self) -> Option<DialGuard> {
        self.with(Policy::poll_probe).map(|dial| DialGuard { policy: self.clone(), dial: Some(dial) })
    }

    /// How long until [`Policy::poll_timeout`], if there is one.
    #[must_use]
    pub fn poll_timeout(&self) -> Option<Duration> {
        self.with(|policy, now| {
            policy.handle_timeout(now);
            policy.poll_timeout().map(|at| at.saturating_duration_since(now))
        })
    }

    /// See [`Policy::handle_network_change`].
    pub fn handle_network_change(&self) {
        self.with(Policy::handle_network_change);
    }

    /// The mode at this moment.
    #[must_use]
    pub fn mode(&self) -> Mode {
        self.status().mode
    }

    /// What people want to know of the policy at this moment.
    #[must_use]
    pub fn status(&self) -> Status {
        self.with(|policy, now| {
            policy.handle_timeout(now);
            let mode = policy.mode();
            let retry_in = match mode {
                Mode::FailedOver { retry_at } => Some(retry_at.saturating_duration_since(now)),
                _ => None,
            };
            Status { mode, retry_in, recoveries_left: policy.recoveries_left() }
        })
    }

    /// See [`Policy::config`].
    #[must_use]
    pub fn config(&self) -> Config {
        *self.lock().config()
    }

    /// See [`Policy::recoveries_left`].
    #[must_use]
    pub fn recoveries_left(&self) -> u8 {
        // Time alone changes none.
        self.lock().recoveries_left()
    }

    /// See [`Policy::snapshot`].
    #[must_use]
    pub fn snapshot(&self) -> Snapshot {
        self.with(|policy, now| policy.snapshot(now))
    }

    fn guard(&self, attempt: Attempt) -> AttemptGuard {
        AttemptGuard { policy: self.clone(), attempt: Some(attempt) }
    }

    fn with<T>(&self, act: impl FnOnce(&mut Policy, Timestamp) -> T) -> T {
        // Read before the lock is taken, which is then held for less long. Who waited for it tells an earlier
        // time than whoever came first, and that is harmless (R18).
        let now = self.now();
        act(&mut self.lock(), now)
    }

    fn lock(&self) -> MutexGuard<'_, Policy> {
        // No method of the policy panics, so whoever poisoned the mutex left it whole.
        self.shared.policy.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for SharedPolicy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("SharedPolicy").field(&*self.lock()).finish()
    }
}

/// An [`Attempt`] that reports [`Outcome::Cancelled`] when it is dropped.
#[must_use = "an attempt that is dropped is cancelled"]
#[derive(Debug)]
pub struct AttemptGuard {
    policy: SharedPolicy,
    /// Taken by whatever ends the attempt, and by nothing else.
    attempt: Option<Attempt>,
}

impl AttemptGuard {
    /// See [`Attempt::transport`].
    #[must_use]
    pub fn transport(&self) -> Transport {
        self.attempt.as_ref().map_or(Transport::Sse, Attempt::transport)
    }

    /// See [`Attempt::reason`].
    #[must_use]
    pub fn reason(&self) -> Reason {
        self.attempt.as_ref().map_or(Reason::CallMoved, Attempt::reason)
    }

    /// See [`Attempt::number`].
    #[must_use]
    pub fn number(&self) -> u32 {
        self.attempt.as_ref().map_or(0, Attempt::number)
    }

    /// See [`Attempt::is_probe`].
    #[must_use]
    pub fn is_probe(&self) -> bool {
        self.attempt.as_ref().is_some_and(Attempt::is_probe)
    }

    /// See [`Attempt::divert_at`].
    #[must_use]
    pub fn divert_at(&self) -> Option<Timestamp> {
        self.attempt.as_ref().and_then(Attempt::divert_at)
    }

    /// How long until [`Attempt::divert_at`], if it has one.
    #[must_use]
    pub fn time_until_divert(&self) -> Option<Duration> {
        self.attempt.as_ref().and_then(Attempt::divert_at).map(|at| self.policy.time_until(at))
    }

    /// See [`Policy::handle_progress`]. Takes no lock where it changes nothing, so signs of life can be
    /// reported as they come.
    pub fn handle_progress(&self) {
        // An event that changes nothing takes no lock.
        if let Some(attempt) = self.attempt.as_ref().filter(|attempt| attempt.progress_matters()) {
            self.policy.with(|policy, now| policy.handle_progress(attempt, now));
        }
    }

    /// See [`Policy::handle_outcome`].
    pub fn handle_outcome(mut self, outcome: Outcome) -> Verdict {
        match self.attempt.take() {
            Some(attempt) => self.policy.with(|policy, now| policy.handle_outcome(attempt, outcome, now)),
            None => Verdict::Done,
        }
    }

    /// See [`Policy::divert`].
    ///
    /// # Errors
    /// The attempt itself, when it is not one to be diverted.
    pub fn divert(mut self) -> Result<(Call, DialGuard), Self> {
        match self.attempt.take_if(|attempt| attempt.is_divertible()) {
            Some(attempt) => {
                let (call, dial) = self.policy.with(|policy, now| policy.divert(attempt, now));
                Ok((call, DialGuard { policy: self.policy.clone(), dial: Some(dial) }))
            }
            None => Err(self),
        }
    }
}

impl Drop for AttemptGuard {
    fn drop(&mut self) {
        if let Some(attempt) = self.attempt.take() {
            let verdict =
                self.policy.with(|policy, now| policy.handle_outcome(attempt, Outcome::Cancelled, now));
            debug_assert!(matches!(verdict, Verdict::Done), "a cancelled call is over");
        }
    }
}

/// A [`Dial`] that reports [`DialOutcome::Abandoned`] when it is dropped.
#[must_use = "a dial that is dropped is abandoned"]
#[derive(Debug)]
pub struct DialGuard {
    policy: SharedPolicy,
    /// Taken by whatever ends the dial, and by nothing else.
    dial: Option<Dial>,
}

impl DialGuard {
    /// See [`Policy::handle_dial`].
    pub fn handle_dial(mut self, outcome: DialOutcome) {
        self.report(outcome);
    }

    fn report(&mut self, outcome: DialOutcome) {
        if let Some(dial) = self.dial.take() {
            self.policy.with(|policy, now| policy.handle_dial(dial, outcome, now));
        }
    }
}

impl Drop for DialGuard {
    fn drop(&mut self) {
        self.report(DialOutcome::Abandoned);
    }
}

fn monotonic_clock() -> impl Fn() -> Timestamp {
    let origin = Instant::now();
    move || Timestamp::from_elapsed(origin.elapsed())
}

/// A seed for a [`Policy`] that differs between processes, and between calls: the keys with which the
/// standard library seeds its hash maps. Not for secrets.
#[must_use]
pub fn random_seed() -> u64 {
    RandomState::new().hash_one(0)
}
