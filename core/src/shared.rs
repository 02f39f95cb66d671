use core::fmt;
use core::ops::ControlFlow;
use core::time::Duration;
use std::boxed::Box;
use std::collections::hash_map::RandomState;
use std::hash::BuildHasher;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use crate::listeners::Listeners;
use crate::record::{Name, Record};
use crate::recording::{NAMELESS, Recording};
use crate::{
    Attempt, Call, Change, Config, Decision, Dial, DialOutcome, Mode, Outcome, OverSse, Policy, Reason,
    Snapshot, Status, Timestamp, Transport, Verdict,
};

/// A [`Policy`] for all threads and tasks of a process, with a clock of its own.
///
/// Clones share one policy. The mutex inside is held for the length of one method of [`Policy`], and of what
/// a [recorder](Self::record) does with it, never across I/O ([`record_then`](Self::record_then) is for
/// recorders that write). Attempts and dials are guards: one that is
/// dropped reports that it was cancelled or abandoned, so that a task that ends early, or panics, gives back
/// what it held at once.
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
    locked: Mutex<Locked>,
    clock: Box<dyn Fn() -> Timestamp + Send + Sync>,
}

struct Locked {
    policy: Policy,
    /// `None` as long as nobody watches, which is then all that this costs.
    watch: Option<Box<Watch>>,
}

/// Who is told what is asked of a policy, and what that changes.
#[derive(Default)]
struct Watch {
    listeners: Option<Arc<Listeners>>,
    recording: Option<Recording>,
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

    /// The policy of which `snapshot` was made, `elapsed` later ([R20](crate::rules#r20)), with a random seed
    /// and the monotonic clock of the system. See [`Policy::restore`].
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
        let locked = Mutex::new(Locked { policy: policy(clock()), watch: None });
        Self { shared: Arc::new(Shared { locked, clock: Box::new(clock) }) }
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
        self.with(None, |_, policy, now| policy.open_call(now), Recording::open_call)
    }

    /// See [`Policy::open_call_over_sse`].
    pub fn open_call_over_sse(&self, why: OverSse) -> Call {
        let over = |_, policy: &mut Policy, now| policy.open_call_over_sse(now, why);
        self.with(Some(why), over, Recording::open_call)
    }

    /// See [`Policy::begin_call`].
    pub fn begin_call(&self) -> AttemptGuard {
        self.guard(self.with((), |(), policy, now| policy.begin_call(now), Recording::begin_call))
    }

    /// See [`Policy::begin_attempt`].
    pub fn begin_attempt(&self, call: Call) -> SharedDecision {
        let begin = |call, policy: &mut Policy, now| policy.begin_attempt(call, now);
        match self.with(call, begin, Recording::begin_attempt) {
            Decision::Start(attempt) => SharedDecision::Start(self.guard(attempt)),
            Decision::Wait(call) => SharedDecision::Wait(call),
        }
    }

    /// See [`Policy::begin_attempt_now`].
    pub fn begin_attempt_now(&self, call: Call) -> AttemptGuard {
        let begin = |call, policy: &mut Policy, now| policy.begin_attempt_now(call, now);
        self.guard(self.with(call, begin, Recording::begin_attempt_now))
    }

    /// See [`Policy::poll_probe`].
    #[must_use]
    pub fn poll_probe(&self) -> Option<DialGuard> {
        let poll = |(), policy: &mut Policy, now| (policy.poll_probe(now), NAMELESS);
        let (dial, name) = self.with((), poll, Recording::poll_probe);
        dial.map(|dial| self.dial_guard(dial, name))
    }

    /// See [`Policy::warm_up`].
    #[must_use]
    pub fn warm_up(&self) -> Option<DialGuard> {
        let warm_up = |(), policy: &mut Policy, now| (policy.warm_up(now), NAMELESS);
        let (dial, name) = self.with((), warm_up, Recording::warm_up);
        dial.map(|dial| self.dial_guard(dial, name))
    }

    /// How long until [`Policy::poll_timeout`], if there is one.
    #[must_use]
    pub fn poll_timeout(&self) -> Option<Duration> {
        self.noticing(|policy, now| policy.poll_timeout().map(|at| at.saturating_duration_since(now)))
    }

    /// See [`Policy::handle_network_change`].
    pub fn handle_network_change(&self) {
        let change = |(), policy: &mut Policy, now| policy.handle_network_change(now);
        self.with((), change, Recording::network_change);
    }

    /// The mode at this moment.
    #[must_use]
    pub fn mode(&self) -> Mode {
        self.status().mode
    }

    /// What people want to know of the policy at this moment.
    #[must_use]
    pub fn status(&self) -> Status {
        self.noticing(Status::of)
    }

    /// See [`Policy::config`].
    #[must_use]
    pub fn config(&self) -> Config {
        *self.lock().policy.config()
    }

    /// See [`Policy::recoveries_left`].
    #[must_use]
    pub fn recoveries_left(&self) -> u8 {
        // Time alone changes none.
        self.lock().policy.recoveries_left()
    }

    /// See [`Policy::snapshot`].
    #[must_use]
    pub fn snapshot(&self) -> Snapshot {
        let now = self.now();
        self.lock().policy.snapshot(now)
    }

    /// See [`Policy::learn`].
    #[must_use]
    pub fn learn(&self, snapshot: &Snapshot, elapsed: Duration) -> bool {
        let learn = |(snapshot, elapsed): (&Snapshot, _), policy: &mut Policy, now| {
            policy.learn(snapshot, elapsed, now)
        };
        self.with((snapshot, elapsed), learn, Recording::learn)
    }

    /// See [`Policy::hold_probe`].
    pub fn hold_probe(&self, by: Duration) {
        self.with(by, |by, policy, now| policy.hold_probe(by, now), Recording::hold_probe);
    }

    /// From now on, `listener` is called with each change of mode.
    ///
    /// Changes are told one after another, each once, in the order in which they happened: where one ends,
    /// the next begins. No two are told at a time. The thread whose method brought a change about tells it
    /// before that method returns, unless another thread is telling an earlier one at that moment; then that
    /// one goes on with this. What time alone changes is told when a method notices ([`status`](Self::status)
    /// does); if the same method then changes the mode again, the two are told as one.
    ///
    /// The policy is not locked meanwhile, so a listener may ask it anything; a change that it brings about
    /// itself is told when it has returned. Somebody waits for it, so it should be quick: write a line, send
    /// on a channel. Up to 16 changes wait for a listener that is slower than they come, and whatever follows
    /// becomes one with the last of these.
    ///
    /// A listener stays as long as the policy, which is for ever if it holds a clone of it. There may be
    /// several, which are called in the order in which they came. When one panics, so does the method that
    /// told it; those after it do not hear of this change, and what has not been told by then is told with
    /// the next one.
    ///
    /// ```
    /// use failback::{Blame, Config, Failure, Outcome, SharedPolicy, Stage};
    ///
    /// let policy = SharedPolicy::new(Config::new());
    /// let (sender, changes) = std::sync::mpsc::channel();
    /// policy.on_change(move |change| {
    ///     let _nobody_reads = sender.send(format!("{}: {}", change.to, change.why));
    /// });
    ///
    /// let refused = Failure::new(Blame::Transport, Stage::Connecting);
    /// let _verdict = policy.begin_call().handle_outcome(Outcome::Failed(refused));
    /// policy.begin_call().handle_progress();
    /// assert_eq!(changes.try_recv()?, "suspected: websocket_failed");
    /// assert_eq!(changes.try_recv()?, "failed_over: sse_worked");
    /// # Ok::<(), std::sync::mpsc::TryRecvError>(())
    /// ```
    pub fn on_change(&self, listener: impl FnMut(Change) + Send + 'static) {
        let mut locked = self.lock();
        let watch = locked.watch.get_or_insert_default();
        watch.listeners.get_or_insert_with(|| Arc::new(Listeners::new())).add(Box::new(listener));
    }

    /// From now on, `recorder` is called with everything that is asked of the policy and what it answers, in
    /// the order in which that happens, until it returns [`ControlFlow::Break`].
    ///
    /// Set it before anything else is asked: it knows nothing of calls and dials that were open before. Set
    /// again, it takes the place of the former. What is asked of the policy as a whole and changes nothing
    /// ([`config`](Self::config), [`snapshot`](Self::snapshot), [`recoveries_left`](Self::recoveries_left))
    /// is not told. Two things are different with a recorder. Each call takes its number when it is opened
    /// ([`Policy::number_call`]), so waits have other jitter. And durations of a snapshot from which the
    /// policy [learns](Self::learn) are rounded up to whole milliseconds, as they are written.
    ///
    /// The policy is locked meanwhile. So a recorder must not ask it anything, or it waits for itself for
    /// ever, and everybody waits for it: it should be quick, and it should not panic. One that writes to a
    /// file does that in [`record_then`](Self::record_then). It is dropped while nothing is locked, so it can
    /// say then why it has stopped.
    ///
    /// ```
    /// use std::ops::ControlFlow;
    ///
    /// use failback::{Config, Outcome, SharedPolicy};
    ///
    /// let policy = SharedPolicy::new(Config::new());
    /// let (sender, told) = std::sync::mpsc::channel();
    /// policy.record(move |record| match sender.send(format!("{:?}", record.asked)) {
    ///     Ok(()) => ControlFlow::Continue(()),
    ///     Err(_nobody_reads) => ControlFlow::Break(()),
    /// });
    /// let _done = policy.begin_call().handle_outcome(Outcome::Completed);
    /// assert_eq!(told.try_iter().collect::<Vec<_>>(), ["BeginCall", "Outcome(Completed)"]);
    /// ```
    pub fn record(&self, recorder: impl FnMut(&Record<'_>) -> ControlFlow<()> + Send + 'static) {
        self.set_recording(Recording::new(Box::new(recorder), None));
    }

    /// The same in two steps: `recorder` notes what it is told while the policy is locked, and `then` does
    /// what may take long, such as writing it to a file. The thread that asked the policy calls `then` after
    /// each record, when nothing is locked. Several threads may be in it at a time, so what is noted first is
    /// written first only if they see to it.
    ///
    /// ```
    /// use std::ops::ControlFlow;
    /// use std::sync::{Arc, Mutex, PoisonError};
    ///
    /// use failback::{Config, Outcome, SharedPolicy};
    ///
    /// let (noted, written) = (Arc::new(Mutex::new(String::new())), Arc::new(Mutex::new(Vec::new())));
    /// let policy = SharedPolicy::new(Config::new());
    /// let (note, lines) = (Arc::clone(&noted), Arc::clone(&written));
    /// policy.record_then(
    ///     move |record| {
    ///         *note.lock().unwrap_or_else(PoisonError::into_inner) += &format!("{:?}\n", record.asked);
    ///         ControlFlow::Continue(())
    ///     },
    ///     move || {
    ///         // Whoever writes takes all that is noted, so it is written in the order of the notes.
    ///         let mut lines = lines.lock().unwrap_or_else(PoisonError::into_inner);
    ///         lines.push(std::mem::take(&mut *noted.lock().unwrap_or_else(PoisonError::into_inner)));
    ///     },
    /// );
    /// let _done = policy.begin_call().handle_outcome(Outcome::Completed);
    /// let written = written.lock().unwrap_or_else(PoisonError::into_inner);
    /// assert_eq!(written.concat(), "BeginCall\nOutcome(Completed)\n");
    /// ```
    pub fn record_then(
        &self,
        recorder: impl FnMut(&Record<'_>) -> ControlFlow<()> + Send + 'static,
        then: impl Fn() + Send + Sync + 'static,
    ) {
        self.set_recording(Recording::new(Box::new(recorder), Some(Arc::new(then))));
    }

    fn set_recording(&self, recording: Recording) {
        let former = self.lock().watch.get_or_insert_default().recording.replace(recording);
        // Dropped here, where nothing is locked.
        drop(former);
    }

    /// Calls `act`, and lets nobody begin to tell listeners of changes before it has returned. This thread
    /// tells them then, whoever brought them about.
    ///
    /// For those who ask the policy while something of theirs is locked that a listener may want: locked in
    /// `act`, it is free again when a listener is called.
    ///
    /// ```
    /// use std::sync::{Arc, Mutex, mpsc};
    ///
    /// use failback::{Blame, Config, Failure, Outcome, SharedPolicy, Stage};
    ///
    /// let (policy, mine) = (SharedPolicy::new(Config::new()), Arc::new(Mutex::new(())));
    /// let (sender, changes) = mpsc::channel();
    /// let wanted = Arc::clone(&mine);
    /// policy.on_change(move |change| {
    ///     let _nobody_reads = sender.send((change.to.to_string(), wanted.try_lock().is_ok()));
    /// });
    /// policy.telling_later(|| {
    ///     let _locked = mine.lock();
    ///     let refused = Failure::new(Blame::Transport, Stage::Connecting);
    ///     let _verdict = policy.begin_call().handle_outcome(Outcome::Failed(refused));
    /// });
    /// assert_eq!(changes.try_recv()?, ("suspected".to_owned(), true));
    /// # Ok::<(), mpsc::TryRecvError>(())
    /// ```
    pub fn telling_later<T>(&self, act: impl FnOnce() -> T) -> T {
        let listeners = self.lock().watch.as_ref().and_then(|watch| watch.listeners.clone());
        let _held = listeners.as_deref().map(Listeners::hold);
        act()
    }

    fn sse_progressed(&self, attempt: &Attempt) {
        self.with(attempt, |_, policy, now| policy.sse_progressed(now), Recording::progress);
    }

    fn probe_progressed(&self, probe: &Attempt) {
        let progress = |probe: &Attempt, policy: &mut Policy, now| policy.handle_progress(probe, now);
        self.with(probe, progress, Recording::progress);
    }

    fn cancel(&self, attempt: &Attempt) {
        let cancel = |attempt: &Attempt, policy: &mut Policy, now| policy.cancel(attempt, now);
        self.with(attempt, cancel, Recording::cancel);
    }

    fn guard(&self, attempt: Attempt) -> AttemptGuard {
        AttemptGuard { policy: self.clone(), attempt: Some(attempt) }
    }

    fn dial_guard(&self, dial: Dial, name: Name) -> DialGuard {
        DialGuard { policy: self.clone(), dial: Some(dial), name }
    }

    /// What is asked once the policy has noticed what time alone changes.
    fn noticing<T>(&self, ask: impl FnOnce(&Policy, Timestamp) -> T) -> T {
        self.with(
            ask,
            |ask, policy, now| {
                policy.handle_timeout(now);
                ask(policy, now)
            },
            |recording, ask, policy, now| {
                recording.timeout((), policy, now);
                ask(policy, now)
            },
        )
    }

    /// Asks the policy something: with `act`, or with `recorded` if somebody records.
    fn with<I, T>(
        &self,
        input: I,
        act: impl FnOnce(I, &mut Policy, Timestamp) -> T,
        recorded: impl FnOnce(&mut Recording, I, &mut Policy, Timestamp) -> T,
    ) -> T {
        // Read before the lock is taken, which is then held for less long. Who waited for it tells an earlier
        // time than whoever came first, and that is harmless (R18).
        let now = self.now();
        let mut locked = self.lock();
        if locked.watch.is_none() {
            return act(input, &mut locked.policy, now);
        }
        watched(locked, input, now, act, recorded)
    }

    fn lock(&self) -> MutexGuard<'_, Locked> {
        // No method of the policy panics, so whoever poisoned the mutex left it whole.
        self.shared.locked.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Asks a policy that somebody watches. Apart, so that it costs nothing to be asked where nobody does.
#[inline(never)]
fn watched<I, T>(
    mut locked: MutexGuard<'_, Locked>,
    input: I,
    now: Timestamp,
    act: impl FnOnce(I, &mut Policy, Timestamp) -> T,
    recorded: impl FnOnce(&mut Recording, I, &mut Policy, Timestamp) -> T,
) -> T {
    let Locked { policy, watch } = &mut *locked;
    let (from, before) = (policy.mode(), policy.transitions());
    let recording = watch.as_mut().and_then(|watch| watch.recording.as_mut());
    let then = recording.as_ref().and_then(|recording| recording.then());
    let answer = match recording {
        None => act(input, policy, now),
        Some(recording) => recorded(recording, input, policy, now),
    };
    let over = watch.as_mut().and_then(|watch| watch.recording.take_if(|recording| recording.is_over()));
    // Most of what a policy is asked changes no mode, and then a listener costs next to nothing.
    let listeners = if policy.transitions() == before { None } else { note(&locked, from, now) };
    drop(locked);
    if let Some(then) = then {
        then();
    }
    if let Some(listeners) = listeners {
        listeners.tell();
    }
    // Dropped where nothing is locked.
    drop(over);
    answer
}

/// Notes that the mode was just changed, and was this before. The listeners are told once the policy is no
/// longer locked.
#[cold]
fn note(locked: &Locked, from: Mode, now: Timestamp) -> Option<Arc<Listeners>> {
    let listeners = locked.watch.as_ref()?.listeners.clone()?;
    listeners.note(from, &locked.policy, now);
    Some(listeners)
}

impl fmt::Debug for SharedPolicy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // What is written to may ask the policy something, or take long.
        let policy = self.lock().policy.clone();
        f.debug_tuple("SharedPolicy").field(&policy).finish()
    }
}

/// An [`Attempt`] that reports [`Outcome::Cancelled`] when it is dropped.
///
/// So keep it where the outcome is reported, and lend it to what does the I/O: a `?` that leaves the function
/// which owns it makes a cancelled call of every failure, and the policy learns nothing.
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

    /// See [`Policy::handle_progress`]. On WebSocket it takes no lock unless the attempt is the probe, since
    /// it changes nothing there, so signs of life can be reported as they come.
    #[inline]
    pub fn handle_progress(&self) {
        match &self.attempt {
            Some(attempt) if attempt.transport() == Transport::Sse => self.policy.sse_progressed(attempt),
            Some(attempt) if attempt.is_probe() => self.policy.probe_progressed(attempt),
            // Most events are neither SSE's nor the probe's, and change nothing (R4, R8).
            _ => {}
        }
    }

    /// See [`Policy::handle_outcome`].
    pub fn handle_outcome(mut self, outcome: Outcome) -> Verdict {
        match self.attempt.take() {
            Some(attempt) => self.policy.with(
                (attempt, outcome),
                |(attempt, outcome), policy, now| policy.handle_outcome(attempt, outcome, now),
                Recording::outcome,
            ),
            None => Verdict::Done,
        }
    }

    /// See [`Policy::divert`].
    ///
    /// # Errors
    /// The attempt itself, when it has no [`divert_at`](Self::divert_at).
    pub fn divert(mut self) -> Result<(Call, DialGuard), Self> {
        match self.attempt.take_if(|attempt| attempt.is_divertible()) {
            Some(attempt) => {
                let divert = |attempt, policy: &mut Policy, now| {
                    let (call, dial) = policy.divert(attempt, now);
                    (call, dial, NAMELESS)
                };
                let (call, dial, name) = self.policy.with(attempt, divert, Recording::divert);
                Ok((call, self.policy.dial_guard(dial, name)))
            }
            None => Err(self),
        }
    }
}

impl Drop for AttemptGuard {
    // Inlined where the outcome has been reported, and there is nothing to do.
    #[inline]
    fn drop(&mut self) {
        if let Some(attempt) = &self.attempt {
            self.policy.cancel(attempt);
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
    /// What it is called in a record.
    name: Name,
}

impl DialGuard {
    /// See [`Policy::handle_dial`].
    pub fn handle_dial(mut self, outcome: DialOutcome) {
        self.report(outcome);
    }

    /// See [`Dial::is_probe`].
    #[must_use]
    pub fn is_probe(&self) -> bool {
        self.dial.as_ref().is_some_and(Dial::is_probe)
    }

    /// See [`Policy::adopt`].
    ///
    /// # Errors
    /// The dial itself, when no call may wait for it.
    pub fn adopt(mut self) -> Result<AttemptGuard, Self> {
        let Some(dial) = self.dial.take() else { return Err(self) };
        let adopt = |(dial, _), policy: &mut Policy, now| policy.adopt(dial, now);
        match self.policy.with((dial, self.name), adopt, Recording::adopt) {
            Ok(attempt) => Ok(self.policy.guard(attempt)),
            Err(dial) => {
                self.dial = Some(dial);
                Err(self)
            }
        }
    }

    fn report(&mut self, outcome: DialOutcome) {
        if let Some(dial) = self.dial.take() {
            self.policy.with(
                (dial, self.name, outcome),
                |(dial, _, outcome), policy, now| policy.handle_dial(dial, outcome, now),
                Recording::dial,
            );
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
