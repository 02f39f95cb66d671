//! The state that all calls share. Everything that changes it is in this file, and nothing outside touches
//! it.

use core::time::Duration;

use crate::arithmetic::{double, permille};
use crate::random::{self, Draw};
use crate::snapshot::{KeptMode, Snapshot};
use crate::time::{add, nanos};
use crate::{Config, Mode, Reason, Timer, Timestamp, Trigger, VerdictStyle};

/// The mode, and what only that mode has to remember; [`State::trigger`] says what led to it, and
/// [`State::until`] when it ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
// With a byte for its tag: to tell phases apart by a niche takes each decision three instructions more.
#[repr(u8)]
enum Phase {
    Preferred,
    /// [`Mode::Preferred`], but a dial keeps other calls off WebSocket ([R17](crate::rules#r17)).
    DialPending,
    Suspected,
    FailedOver,
    Probing {
        /// The probe has made progress ([R7](crate::rules#r7)).
        progressed: bool,
    },
    Pinned,
}

#[derive(Clone, Debug)]
pub(crate) struct State {
    phase: Phase,
    /// What led to the phase, unless that is Probing: only the end of a cooldown leads there.
    trigger: Option<Trigger>,
    /// When time ends the phase. [`Timestamp::MAX`] in Preferred and Pinned, which time does not end.
    until: Timestamp,
    /// The cooldown of the last conviction, jitter included; the base when there was none.
    cooldown: u64,
    /// Counts transitions. What began in an older epoch is stale ([R9](crate::rules#r9)).
    epoch: u32,
    /// Counts events and completions on SSE, so that a dial can tell whether there was one since
    /// ([R17](crate::rules#r17)).
    sse_progress: u32,
    /// Consecutive stream failures, across calls ([R3](crate::rules#r3)).
    failures: u16,
    recoveries: u8,
    /// Since the last WebSocket completion ([R4](crate::rules#r4)).
    convictions: u8,
}

impl State {
    pub(crate) const fn new(config: &Config) -> Self {
        Self {
            phase: Phase::Preferred,
            trigger: None,
            until: Timestamp::MAX,
            cooldown: config.cooldown,
            epoch: 0,
            sse_progress: 0,
            failures: 0,
            recoveries: config.max_recoveries,
            convictions: 0,
        }
    }

    /// R1: why the next attempt of a call that is not bound goes where it goes. At the end of a cooldown it
    /// becomes the probe.
    #[inline]
    pub(crate) fn choose(&mut self, config: &Config, now: Timestamp) -> Reason {
        match self.phase {
            Phase::Preferred => Reason::Healthy,
            Phase::DialPending => Reason::DialPending,
            Phase::Suspected => Reason::VerdictPending,
            Phase::FailedOver if now < self.until => Reason::CoolingDown,
            Phase::FailedOver => {
                self.start_probe(config, now);
                Reason::Probe
            }
            Phase::Probing { .. } => Reason::ProbeInFlight,
            Phase::Pinned => Reason::Pinned,
        }
    }

    /// Whether a dial may probe ahead of the next call: the cooldown is over, and none has opened yet.
    pub(crate) fn wants_dial(&self, now: Timestamp) -> bool {
        let is_open = matches!(self.trigger, Some(Trigger::DialOpened));
        matches!(self.phase, Phase::FailedOver) && !is_open && self.until <= now
    }

    /// R17: begins a dial ahead of calls, if one is wanted: in Preferred without a dial out, and as the probe
    /// when the cooldown is over.
    pub(crate) fn warm_up(&mut self, config: &Config, now: Timestamp) -> bool {
        match self.phase {
            Phase::Preferred => self.await_dial(config, now),
            Phase::FailedOver if self.until <= now => self.start_probe(config, now),
            _ => return false,
        }
        true
    }

    /// R17: a call waits for the dial after all, as for a handshake of its own. Why it goes to WebSocket.
    pub(crate) fn adopt_dial(&mut self) -> Reason {
        self.forget_dial();
        if self.is_probing() { Reason::Probe } else { Reason::Healthy }
    }

    /// Spends a recovery on a probe. There is one: without, the mode would be Pinned.
    #[cold]
    pub(crate) fn start_probe(&mut self, config: &Config, now: Timestamp) {
        self.recoveries = self.recoveries.saturating_sub(1);
        self.phase = Phase::Probing { progressed: false };
        self.until = add(now, config.probe_lease);
        self.begin_epoch();
    }

    /// R6: a WebSocket stream completed.
    #[inline]
    pub(crate) fn websocket_completed(&mut self, config: &Config) {
        self.exonerate(config, Trigger::WebSocketCompleted);
    }

    /// R19: what is still under way belongs to the old network.
    pub(crate) fn network_changed(&mut self, config: &Config) {
        self.exonerate(config, Trigger::NetworkChanged);
        self.trigger = Some(Trigger::NetworkChanged);
        self.begin_epoch();
    }

    /// Nothing is held against WebSocket.
    #[inline]
    fn exonerate(&mut self, config: &Config, trigger: Trigger) {
        self.failures = 0;
        self.convictions = 0;
        self.cooldown = config.cooldown;
        self.recoveries = config.max_recoveries;
        match self.phase {
            Phase::Preferred => {}
            Phase::DialPending => self.forget_dial(),
            _ => self.prefer(trigger),
        }
    }

    /// What began before this is stale.
    pub(crate) fn begin_epoch(&mut self) {
        self.epoch = self.epoch.wrapping_add(1);
    }

    /// R2, R3: one more stream failure. Says whether it is within what WebSocket is forgiven.
    pub(crate) fn count_failure(&mut self, config: &Config) -> bool {
        self.failures = self.failures.saturating_add(1);
        self.forgives(config)
    }

    const fn forgives(&self, config: &Config) -> bool {
        self.failures <= config.stream_max_retries as u16
    }

    /// R2, R3: WebSocket failed, in a call or in a dial, for a cause that may be its own.
    pub(crate) fn websocket_failed(&mut self, config: &Config, seed: u64, now: Timestamp) {
        self.suspect(config, seed, now, Trigger::WebSocketFailed);
    }

    /// R7: the probe failed, for a cause that may be WebSocket's own.
    pub(crate) fn probe_failed(&mut self, config: &Config, seed: u64, now: Timestamp) {
        self.suspect(config, seed, now, Trigger::ProbeFailed);
    }

    fn suspect(&mut self, config: &Config, seed: u64, now: Timestamp, trigger: Trigger) {
        self.enter(Phase::Suspected, add(now, config.cooldown), trigger);
        if config.verdict == VerdictStyle::Immediate {
            self.convict(config, seed, now, trigger);
        }
    }

    /// R8: the probe made progress. That renews its lease.
    pub(crate) fn probe_progressed(&mut self, config: &Config, now: Timestamp) {
        self.phase = Phase::Probing { progressed: true };
        self.until = add(now, config.probe_lease);
    }

    /// R7: the probe showed that WebSocket can carry data, though it did not complete. It costs nothing, and
    /// the next call probes again.
    pub(crate) fn return_probe(&mut self, config: &Config, now: Timestamp) {
        self.refund(config);
        self.enter(Phase::FailedOver, now, Trigger::ProbeUndecided);
    }

    /// R7: the probe is over without a failure. It stays spent unless it has shown something.
    pub(crate) fn end_probe(&mut self, config: &Config, now: Timestamp) {
        if matches!(self.phase, Phase::Probing { progressed: true }) {
            self.return_probe(config, now);
        } else {
            self.fail_over(now, Trigger::ProbeUndecided);
        }
    }

    /// R17: a handshake goes on without a call. In Preferred, other calls go to SSE until it has ended.
    pub(crate) fn await_dial(&mut self, config: &Config, now: Timestamp) {
        if matches!(self.phase, Phase::Preferred | Phase::DialPending) {
            self.phase = Phase::DialPending;
            self.until = add(now, config.probe_lease);
        }
    }

    /// The dial opened. That changes no mode, except that a probe is given back: the next call probes with
    /// the connection.
    pub(crate) fn dial_opened(&mut self, config: &Config, now: Timestamp) {
        if self.is_probing() {
            self.refund(config);
            self.enter(Phase::FailedOver, now, Trigger::DialOpened);
        } else {
            self.forget_dial();
        }
    }

    /// The dial failed, for a cause that may be WebSocket's own: R2, or R7. SSE progress since then is the
    /// evidence.
    pub(crate) fn dial_failed(&mut self, config: &Config, seed: u64, now: Timestamp, sse_progress: u32) {
        let trigger = if self.is_probing() {
            Trigger::ProbeFailed
        } else {
            self.count_failure(config);
            Trigger::WebSocketFailed
        };
        self.suspect(config, seed, now, trigger);
        if self.mode() == Mode::Suspected && self.sse_progress != sse_progress {
            self.convict(config, seed, now, trigger);
        }
    }

    /// The driver gave the dial up.
    pub(crate) fn dial_abandoned(&mut self, config: &Config, now: Timestamp) {
        if self.is_probing() {
            self.end_probe(config, now);
        } else {
            self.forget_dial();
        }
    }

    /// The dial failed for a cause that is not WebSocket's. That does not show that WebSocket works either: a
    /// dial that probed ahead of the calls cools down again, because nothing else would delay the next one.
    pub(crate) fn dial_excused(&mut self, config: &Config, now: Timestamp, ahead_of_calls: bool) {
        if !self.is_probing() {
            self.forget_dial();
        } else if ahead_of_calls {
            self.refund(config);
            self.fail_over(now, Trigger::ProbeUndecided);
        } else {
            self.return_probe(config, now);
        }
    }

    fn forget_dial(&mut self) {
        if matches!(self.phase, Phase::DialPending) {
            self.phase = Phase::Preferred;
            self.until = Timestamp::MAX;
        }
    }

    /// R4: SSE made progress where WebSocket did not.
    #[inline]
    pub(crate) fn sse_progressed(&mut self, config: &Config, seed: u64, now: Timestamp) {
        self.sse_progress = self.sse_progress.wrapping_add(1);
        if matches!(self.phase, Phase::Suspected) {
            self.convict(config, seed, now, Trigger::SseWorked);
        }
    }

    /// R5: SSE did not work either, so nothing is shown against WebSocket.
    pub(crate) fn sse_failed(&mut self, config: &Config, now: Timestamp) {
        if matches!(self.phase, Phase::Suspected) {
            if self.suspects_probe() {
                self.refund(config);
            }
            self.acquit(now, Trigger::SseFailed);
        }
    }

    /// R5: SSE was busy, which says less than that it failed. It acquits WebSocket only while the failures
    /// are within what is forgiven, and keeps their count. Otherwise an upgrade that is refused in each turn
    /// would be forgiven for ever by a server that is busy now and then.
    pub(crate) fn sse_busy(&mut self, config: &Config) {
        if matches!(self.phase, Phase::Suspected) && !self.suspects_probe() && self.forgives(config) {
            self.prefer(Trigger::SseFailed);
        }
    }

    /// Drops the suspicion. The conviction that came before a probe stands
    /// ([R7](crate::rules#r7)).
    fn acquit(&mut self, now: Timestamp, trigger: Trigger) {
        self.failures = 0;
        if self.suspects_probe() {
            self.fail_over(now, trigger);
        } else {
            self.prefer(trigger);
        }
    }

    /// R7: the suspicion is the probe's doing.
    const fn suspects_probe(&self) -> bool {
        matches!(self.trigger, Some(Trigger::ProbeFailed))
    }

    /// Whatever time alone changes: a lease, a suspicion, or a wait for a dial, that has run out. Doing so
    /// twice makes no difference. A cooldown counts from when it is noticed, so a policy that nobody asks for
    /// a while cools down later, never sooner.
    #[inline]
    pub(crate) fn advance(&mut self, config: &Config, seed: u64, now: Timestamp) {
        if self.until <= now {
            self.run_out(config, seed, now);
        }
    }

    #[cold]
    fn run_out(&mut self, config: &Config, seed: u64, now: Timestamp) {
        match self.phase {
            // R8.
            Phase::Probing { .. } => self.convict(config, seed, now, Trigger::LeaseOver),
            // R5: a probe's recovery stays spent.
            Phase::Suspected => self.acquit(now, Trigger::SuspicionLapsed),
            Phase::DialPending => self.forget_dial(),
            // The next attempt probes.
            Phase::FailedOver => {}
            // `until` is the last point in time there is, and it has come.
            Phase::Preferred | Phase::Pinned => {}
        }
    }

    /// When [`advance`](Self::advance), or a probe, is next due after `now`.
    pub(crate) fn wake_at(&self, now: Timestamp) -> Option<Timestamp> {
        self.timer().map(|_| self.until).filter(|at| *at > now)
    }

    /// What time ends in this phase.
    pub(crate) const fn timer(&self) -> Option<Timer> {
        match self.phase {
            Phase::Preferred | Phase::Pinned => None,
            Phase::DialPending => Some(Timer::Dial),
            Phase::Suspected => Some(Timer::Suspicion),
            Phase::FailedOver => Some(Timer::Retry),
            Phase::Probing { .. } => Some(Timer::Lease),
        }
    }

    fn enter(&mut self, phase: Phase, until: Timestamp, trigger: Trigger) {
        self.phase = phase;
        self.trigger = Some(trigger);
        self.until = until;
        self.begin_epoch();
    }

    fn prefer(&mut self, trigger: Trigger) {
        self.enter(Phase::Preferred, Timestamp::MAX, trigger);
    }

    /// R4: the k-th conviction since the last completion cools down for min(base * 2^(k-1), max) * (1 +
    /// jitter * u).
    #[cold]
    fn convict(&mut self, config: &Config, seed: u64, now: Timestamp, trigger: Trigger) {
        let max = config.cooldown_max.max(config.cooldown);
        let cooldown = double(config.cooldown, self.convictions.into()).min(max);
        self.convictions = self.convictions.saturating_add(1);
        let u = random::fraction(seed, Draw::Cooldown { epoch: self.epoch });
        let jitter = random::scale(permille(cooldown, config.jitter_permille), u);
        self.cooldown = cooldown.saturating_add(jitter);
        self.fail_over(now, trigger);
    }

    /// Away from WebSocket for the cooldown of the last conviction, or for good when no recovery is left.
    fn fail_over(&mut self, now: Timestamp, trigger: Trigger) {
        if self.recoveries == 0 {
            self.enter(Phase::Pinned, Timestamp::MAX, trigger);
        } else {
            self.enter(Phase::FailedOver, add(now, self.cooldown), trigger);
        }
    }

    fn refund(&mut self, config: &Config) {
        self.recoveries = self.recoveries.saturating_add(1).min(config.max_recoveries);
    }

    pub(crate) fn snapshot(&self, now: Timestamp) -> Snapshot {
        let (mode, retry_in) = match self.phase {
            Phase::Preferred | Phase::DialPending => (KeptMode::Preferred, Duration::ZERO),
            Phase::FailedOver => (KeptMode::FailedOver, self.until.saturating_duration_since(now)),
            _ if self.recoveries == 0 => (KeptMode::Pinned, Duration::ZERO),
            _ => (KeptMode::FailedOver, Duration::from_nanos(self.cooldown)),
        };
        Snapshot {
            epoch: self.epoch,
            mode,
            retry_in,
            cooldown: Duration::from_nanos(self.cooldown),
            failures: self.failures,
            recoveries_left: self.recoveries,
            convictions: self.convictions,
        }
    }

    pub(crate) fn restore(config: &Config, snapshot: &Snapshot, elapsed: Duration, now: Timestamp) -> Self {
        let longest = config.cooldown_max.max(config.cooldown);
        let longest = longest.saturating_add(permille(longest, config.jitter_permille));
        let mut state = Self::new(config);
        state.failures = snapshot.failures;
        // Newer than whatever the policy of the snapshot had begun.
        state.epoch = snapshot.epoch;
        state.begin_epoch();
        state.trigger = Some(Trigger::Restored);
        if snapshot.mode == KeptMode::Preferred {
            // Nothing is held against WebSocket in this mode: recoveries are full, convictions none.
            return state;
        }
        state.cooldown = nanos(snapshot.cooldown).min(longest).max(config.cooldown);
        state.convictions = snapshot.convictions;
        state.recoveries = snapshot.recoveries_left.min(config.max_recoveries);
        if snapshot.mode == KeptMode::Pinned || state.recoveries == 0 {
            state.recoveries = 0;
            state.phase = Phase::Pinned;
        } else {
            let left = nanos(snapshot.retry_in).min(longest).saturating_sub(nanos(elapsed));
            state.phase = Phase::FailedOver;
            state.until = add(now, left);
        }
        state
    }

    /// R20: what another policy knew `elapsed` ago takes the place of what this one knows. Says whether it
    /// did: whoever suspects or probes finds out by itself, and nothing new is learned from a policy that
    /// believes in WebSocket where this one does.
    pub(crate) fn learn(
        &mut self,
        config: &Config,
        snapshot: &Snapshot,
        elapsed: Duration,
        now: Timestamp,
    ) -> bool {
        let is_new = match self.phase {
            Phase::Suspected | Phase::Probing { .. } => false,
            Phase::Preferred | Phase::DialPending => snapshot.mode != KeptMode::Preferred,
            Phase::FailedOver | Phase::Pinned => true,
        };
        if is_new {
            // What is under way is stale from now on.
            *self = Self { epoch: self.epoch, ..Self::restore(config, snapshot, elapsed, now) };
            self.begin_epoch();
        }
        is_new
    }

    /// R20: somebody else probes meanwhile, which is for no longer than a lease.
    pub(crate) fn hold_probe(&mut self, config: &Config, by: Duration, now: Timestamp) {
        if matches!(self.phase, Phase::FailedOver) {
            self.until = self.until.latest(add(now, nanos(by).min(config.probe_lease)));
        }
    }

    pub(crate) const fn mode(&self) -> Mode {
        match self.phase {
            Phase::Preferred | Phase::DialPending => Mode::Preferred,
            Phase::Suspected => Mode::Suspected,
            Phase::FailedOver => Mode::FailedOver { retry_at: self.until },
            Phase::Probing { .. } => Mode::Probing { lease_until: self.until },
            Phase::Pinned => Mode::Pinned,
        }
    }

    pub(crate) const fn epoch(&self) -> u32 {
        self.epoch
    }

    pub(crate) const fn trigger(&self) -> Option<Trigger> {
        if self.is_probing() { Some(Trigger::CooldownOver) } else { self.trigger }
    }

    pub(crate) const fn recoveries(&self) -> u8 {
        self.recoveries
    }

    pub(crate) const fn sse_progress(&self) -> u32 {
        self.sse_progress
    }

    pub(crate) const fn is_probing(&self) -> bool {
        matches!(self.phase, Phase::Probing { .. })
    }
}
