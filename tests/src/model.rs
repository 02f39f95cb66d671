//! A second opinion: the rules R1 to R21 once more, written from their text alone and in the plainest way, to
//! compare the policy with.
//!
//! It shares the vocabulary of the crate `failback` and none of its logic. Time is whole nanoseconds in an
//! `u128` that cannot overflow, cut down to what a `Timestamp` can hold where a rule says that arithmetic
//! saturates. What the policy draws by lot is a [`Span`] here, and becomes one point once the policy has
//! drawn: see [`Model::settle_mode`] and [`Model::settle_call`].

mod attempt;
mod broken;
mod call;
mod dial;
mod kept;

use std::collections::BTreeMap;

use failback::{Blame, Config, Trigger, VerdictStyle};

use attempt::ModelAttempt;
pub use attempt::{ModelDecision, ModelVerdict};
pub use broken::Broken;
use call::ModelCall;
use dial::ModelDial;
pub use kept::Kept;

/// The latest point in time, and the longest duration.
pub const END_OF_TIME: u128 = u64::MAX as u128;

/// From when to when: one point, or where a draw may fall.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Span {
    /// The earliest, or shortest.
    pub least: u128,
    /// The latest, or longest.
    pub most: u128,
}

impl Span {
    /// Exactly this.
    #[must_use]
    pub fn exactly(point: u128) -> Self {
        Self { least: saturate(point), most: saturate(point) }
    }

    /// Whether it may be this.
    #[must_use]
    pub fn contains(self, point: u128) -> bool {
        self.least <= point && point <= self.most
    }

    fn between(least: u128, most: u128) -> Self {
        Self { least: saturate(least), most: saturate(most) }
    }

    fn after(self, start: u128) -> Self {
        Self::between(start + self.least, start + self.most)
    }
}

/// R18: all arithmetic saturates.
fn saturate(nanos: u128) -> u128 {
    nanos.min(END_OF_TIME)
}

fn nanos(duration: std::time::Duration) -> u128 {
    saturate(duration.as_nanos())
}

/// The modes of section 2.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ModelMode {
    /// As in the policy.
    Preferred,
    /// As in the policy.
    Suspected {
        /// R7: what failed was a probe, so an acquittal does not lead to Preferred.
        by_probe: bool,
        /// R5: when it lapses.
        until: u128,
    },
    /// As in the policy.
    FailedOver {
        /// From when on a probe may begin.
        retry_at: Span,
        /// When the cooldown began, if that is what `retry_at` ends.
        cooling_since: Option<u128>,
    },
    /// As in the policy.
    Probing {
        /// When the probe counts as convicted.
        lease_until: u128,
        /// R7: it showed that WebSocket can carry data.
        progressed: bool,
    },
    /// As in the policy.
    Pinned,
}

/// The policy by its rules.
#[derive(Clone, Debug)]
pub struct Model {
    config: Config,
    broken: Option<Broken>,
    now: u128,
    mode: ModelMode,
    epoch: u64,
    /// What brought the latest transition about.
    trigger: Option<Trigger>,
    failures: u128,
    convictions: u128,
    recoveries: u128,
    /// Of the last conviction; the base when there was none.
    cooldown: Span,
    /// Hundredths of a token; `None` is no limit.
    budget: Option<u128>,
    /// R17: until when other calls use SSE because a dial is out.
    dial_pending_until: Option<u128>,
    /// R17: the dial of a probe has opened, and the mode has not changed since. The next thing to learn is
    /// whether a call completes on it, not whether another one opens.
    dial_opened: bool,
    sse_progress: u64,
    next_id: u64,
    calls: BTreeMap<u64, ModelCall>,
    attempts: BTreeMap<u64, ModelAttempt>,
    dials: BTreeMap<u64, ModelDial>,
}

impl Model {
    /// As `Policy::new`.
    #[must_use]
    pub fn new(config: Config, broken: Option<Broken>, now: u128) -> Self {
        Self {
            config,
            broken,
            now,
            mode: ModelMode::Preferred,
            epoch: 0,
            trigger: None,
            failures: 0,
            convictions: 0,
            recoveries: config.max_recoveries().into(),
            cooldown: Span::exactly(nanos(config.cooldown())),
            budget: config.retry_budget().map(|tokens| u128::from(tokens) * 100),
            dial_pending_until: None,
            dial_opened: false,
            sse_progress: 0,
            next_id: 0,
            calls: BTreeMap::new(),
            attempts: BTreeMap::new(),
            dials: BTreeMap::new(),
        }
    }

    /// The latest time seen.
    #[must_use]
    pub fn now(&self) -> u128 {
        self.now
    }

    /// As `Policy::mode`.
    #[must_use]
    pub fn mode(&self) -> ModelMode {
        self.mode
    }

    /// As `Policy::recoveries_left`.
    #[must_use]
    pub fn recoveries_left(&self) -> u128 {
        self.recoveries
    }

    /// How many transitions there were.
    #[must_use]
    pub fn transitions(&self) -> u64 {
        self.epoch
    }

    /// As `Policy::trigger`.
    #[must_use]
    pub fn trigger(&self) -> Option<Trigger> {
        self.trigger
    }

    /// When time alone will change something next, as `Policy::poll_timeout`.
    #[must_use]
    pub fn poll_timeout(&self) -> Option<u128> {
        let deadline = match self.mode {
            ModelMode::Preferred => self.dial_pending_until,
            ModelMode::FailedOver { retry_at, .. } => Some(retry_at.least),
            ModelMode::Probing { lease_until, .. } => Some(lease_until),
            ModelMode::Suspected { .. } if self.is_broken(Broken::R5LapsesUnannounced) => None,
            ModelMode::Suspected { until, .. } => Some(until),
            ModelMode::Pinned => None,
        };
        deadline.filter(|deadline| *deadline > self.now)
    }

    /// The policy has drawn the end of this cooldown.
    pub fn settle_mode(&mut self, drawn: u128) {
        if let ModelMode::FailedOver { retry_at, cooling_since } = &mut self.mode {
            *retry_at = Span::exactly(drawn);
            // At the end of time the length of a cooldown cannot be told from its end.
            if let (Some(since), true) = (cooling_since, drawn < END_OF_TIME) {
                self.cooldown = Span::exactly(drawn - *since);
            }
        }
    }

    /// The policy has drawn the end of this call's backoff.
    pub fn settle_call(&mut self, call: u64, drawn: u128) {
        if let Some(call) = self.calls.get_mut(&call) {
            call.ready_at = drawn;
        }
    }

    fn is_broken(&self, how: Broken) -> bool {
        self.broken == Some(how)
    }

    fn new_id(&mut self) -> u64 {
        self.next_id += 1;
        self.next_id
    }

    /// What every method does first.
    fn advance(&mut self, now: u128) {
        // R18.
        if now > self.now || self.is_broken(Broken::R18TimeRunsBackwards) {
            self.now = now;
        }
        // R8.
        if let ModelMode::Probing { lease_until, .. } = self.mode {
            if self.now >= lease_until {
                self.convict(Trigger::LeaseOver);
            }
        }
        // R5.
        if let ModelMode::Suspected { by_probe, until } = self.mode {
            if self.now >= until && !self.is_broken(Broken::R5NeverLapses) {
                self.lapse(by_probe);
            }
        }
        // R17.
        if self.dial_pending_until.is_some_and(|until| self.now >= until) {
            self.dial_pending_until = None;
        }
    }

    /// A transition: what began before it is stale after it (R9).
    fn enter(&mut self, mode: ModelMode, trigger: Trigger) {
        self.mode = mode;
        self.epoch += 1;
        self.trigger = Some(trigger);
        self.dial_pending_until = None;
        self.dial_opened = false;
    }

    /// R2, R3, R7: WebSocket may be at fault.
    fn suspect(&mut self, by_probe: bool) {
        let trigger = if by_probe { Trigger::ProbeFailed } else { Trigger::WebSocketFailed };
        match self.config.verdict() {
            VerdictStyle::OnEvidence => {
                let until = saturate(self.now + nanos(self.config.cooldown()));
                self.enter(ModelMode::Suspected { by_probe, until }, trigger);
            }
            VerdictStyle::Immediate => self.convict(trigger),
        }
    }

    /// R4: WebSocket is at fault.
    fn convict(&mut self, trigger: Trigger) {
        self.convictions += 1;
        let base = nanos(self.config.cooldown());
        let max = nanos(self.config.cooldown_max());
        let mut cooldown = base;
        if !self.is_broken(Broken::R4CooldownsNeverDouble) {
            for _ in 1..self.convictions {
                cooldown = saturate(cooldown * 2);
            }
        }
        // Never shorter than configured, be the maximum shorter or not.
        let cooldown = cooldown.min(max).max(base);
        let jitter = cooldown * u128::from(self.config.jitter_permille()) / 1000;
        self.cooldown = Span::between(cooldown, cooldown + jitter);
        self.cool_down(trigger);
    }

    /// R4, R7: away from WebSocket for the cooldown of the last conviction, or for good.
    fn cool_down(&mut self, trigger: Trigger) {
        if self.recoveries == 0 {
            self.enter(ModelMode::Pinned, trigger);
        } else {
            let retry_at = self.cooldown.after(self.now);
            self.enter(ModelMode::FailedOver { retry_at, cooling_since: Some(self.now) }, trigger);
        }
    }

    /// R5: an SSE attempt has failed without progress of its own.
    fn sse_failed(&mut self, blame: Blame) {
        let ModelMode::Suspected { by_probe, .. } = self.mode else {
            return;
        };
        match blame {
            _ if self.is_broken(Broken::R5NeverAcquits) => {}
            Blame::Transport | Blame::Network | Blame::Request => {
                self.failures = 0;
                self.acquit(by_probe);
            }
            Blame::Server => {
                let few = self.failures <= u128::from(self.config.stream_max_retries())
                    || self.is_broken(Broken::R5ServerAlwaysAcquits);
                if few && (!by_probe || self.is_broken(Broken::R5ServerAcquitsProbes)) {
                    if self.is_broken(Broken::R5ServerForgetsFailures) {
                        self.failures = 0;
                    }
                    self.acquit(by_probe);
                }
            }
            Blame::Payload if self.is_broken(Broken::R5PayloadAcquits) => {
                self.failures = 0;
                self.acquit(by_probe);
            }
            Blame::Payload | Blame::Connection => {}
        }
    }

    /// R5, R7: SSE did not work either.
    fn acquit(&mut self, by_probe: bool) {
        if by_probe {
            if !self.is_broken(Broken::R7AcquittedProbesStaySpent) {
                self.give_recovery_back();
            }
            self.cool_down(Trigger::SseFailed);
        } else {
            self.enter(ModelMode::Preferred, Trigger::SseFailed);
        }
    }

    /// R5: nothing has decided the suspicion.
    fn lapse(&mut self, by_probe: bool) {
        self.failures = 0;
        if by_probe {
            if self.is_broken(Broken::R5LapsesRefund) {
                self.give_recovery_back();
            }
            self.cool_down(Trigger::SuspicionLapsed);
        } else {
            self.enter(ModelMode::Preferred, Trigger::SuspicionLapsed);
        }
    }

    /// R7: not more than there can be.
    fn give_recovery_back(&mut self) {
        self.recoveries = (self.recoveries + 1).min(self.config.max_recoveries().into());
    }

    /// R7, R17: a probe, or its dial, that showed that WebSocket can carry data.
    fn excuse_probe(&mut self, trigger: Trigger) {
        self.give_recovery_back();
        let retry_at = Span::exactly(self.now);
        self.enter(ModelMode::FailedOver { retry_at, cooling_since: None }, trigger);
    }

    /// R7: a probe that ended without saying anything about WebSocket.
    fn end_silent_probe(&mut self) {
        if self.is_broken(Broken::R7CancelledProbesAreFree) {
            self.give_recovery_back();
        }
        match self.mode {
            ModelMode::Probing { progressed: true, .. } => self.excuse_probe(Trigger::ProbeUndecided),
            _ => self.cool_down(Trigger::ProbeUndecided),
        }
    }

    /// R1: a probe begins.
    fn begin_probe(&mut self) {
        self.recoveries = self.recoveries.saturating_sub(1);
        let lease_until = saturate(self.now + nanos(self.config.probe_lease()));
        self.enter(ModelMode::Probing { lease_until, progressed: false }, Trigger::CooldownOver);
    }

    /// R6, R19: as new, but for the calls and the budget.
    fn forgive(&mut self) {
        self.failures = 0;
        self.recoveries = self.config.max_recoveries().into();
        self.convictions = 0;
        self.cooldown = Span::exactly(nanos(self.config.cooldown()));
    }

    /// R4, R17: SSE works.
    fn sse_made_progress(&mut self) {
        self.sse_progress += 1;
        if let ModelMode::Suspected { .. } = self.mode {
            self.convict(Trigger::SseWorked);
        }
    }

    /// As `Policy::handle_timeout`.
    pub fn handle_timeout(&mut self, now: u128) {
        self.advance(now);
    }

    /// R19.
    pub fn handle_network_change(&mut self, now: u128) {
        self.advance(now);
        let recoveries = self.recoveries;
        self.forgive();
        if self.is_broken(Broken::R19RecoveriesStaySpent) {
            self.recoveries = recoveries;
        }
        self.enter(ModelMode::Preferred, Trigger::NetworkChanged);
    }

    /// The handle of this call was dropped: nobody will hear of it again.
    pub fn forget_call(&mut self, call: u64) {
        self.calls.remove(&call);
    }

    /// The handle of this attempt was dropped. What it held is ended by its lease (R8).
    pub fn forget_attempt(&mut self, attempt: u64) {
        if let Some(attempt) = self.attempts.remove(&attempt) {
            self.calls.remove(&attempt.call);
        }
    }

    /// The handle of this dial was dropped.
    pub fn forget_dial(&mut self, dial: u64) {
        self.dials.remove(&dial);
    }
}

/// R2, R3: blame that may be WebSocket's own.
fn is_websockets(blame: Blame) -> bool {
    blame == Blame::Transport || blame == Blame::Network
}
