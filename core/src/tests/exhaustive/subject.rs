//! The policy under test, and policies that are broken on purpose: a checker that has never found anything
//! proves nothing.

use core::time::Duration;

use crate::call::Origin;
use crate::history::Past;
use crate::snapshot::KeptMode;
use crate::state::State;
use crate::{
    Attempt, Call, Config, Decision, Dial, DialOutcome, GiveUp, Mode, Outcome, OverSse, Policy, Reason,
    Snapshot, Timestamp, Transport, Verdict,
};

/// What is wrong with a policy. Each leaves the real one as it is and tampers with what goes in, what comes
/// out, or what it remembers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Sabotage {
    /// The first event of a probe refills recoveries, instead of its completion.
    RefillOnProgress,
    /// A conviction has no cooldown.
    NoCooldown,
    /// A probe does not hold the slot.
    ProbeHoldsNothing,
    /// A lost probe holds the slot for ever.
    LeaseForEver,
    /// Only a last resort under way in `Pinned` could bring the policy back, and it does not.
    PinnedForGood,
    /// Each connection failure of a call counts as its first.
    ConnectionsForEver,
    /// No last resort but in `Pinned`.
    LastResortOnlyWhenPinned,
    /// No last resort for a call with an attempt that did not count.
    ExcusedIsTried,
    /// No last resort for want of a token.
    BudgetEndsCalls,
    /// A call that is opened over SSE has a last resort.
    OverSseHasALastResort,
    /// Nothing but SSE ends a suspicion.
    SuspicionForEver,
    /// A tick is ignored.
    TickIgnored,
    /// Without a recovery left the mode stays `FailedOver`.
    NeverPinned,
    /// A completion refills all recoveries but one.
    CompletionLeavesOneSpent,
    /// A warm-up begins whether or not one is under way.
    WarmUpsPileUp,
    /// A call may wait for any dial.
    AdoptsAnyDial,
}

#[derive(Clone)]
pub(super) struct Subject {
    policy: Policy,
    sabotage: Option<Sabotage>,
}

impl Subject {
    pub(super) fn new(config: Config, sabotage: Option<Sabotage>, now: Timestamp) -> Self {
        // A forged policy starts with all its tokens.
        let forges = !matches!(sabotage, None | Some(Sabotage::BudgetEndsCalls));
        assert!(!forges || config.retry_budget().is_none());
        Self { policy: Policy::new(config, 0, now), sabotage }
    }

    pub(super) fn policy(&self) -> &Policy {
        &self.policy
    }

    pub(super) fn start_call(&mut self, now: Timestamp) -> Decision {
        self.keep_lease(now);
        let call = self.policy.open_call(now);
        self.begin_attempt(call, now)
    }

    pub(super) fn start_call_over_sse(&mut self, why: OverSse, now: Timestamp) -> Decision {
        self.keep_lease(now);
        let mut call = self.policy.open_call_over_sse(now, why);
        if self.is(Sabotage::OverSseHasALastResort) {
            call.history.bind(Reason::CallMoved);
        }
        self.begin_attempt(call, now)
    }

    pub(super) fn begin_attempt(&mut self, call: Call, now: Timestamp) -> Decision {
        self.keep_lease(now);
        let decision = self.policy.begin_attempt(call, now);
        if let Decision::Start(attempt) = &decision {
            self.begun(attempt, now);
        }
        self.tamper(now);
        decision
    }

    pub(super) fn begin_attempt_now(&mut self, call: Call, now: Timestamp) -> Attempt {
        self.keep_lease(now);
        let attempt = self.policy.begin_attempt_now(call, now);
        self.begun(&attempt, now);
        self.tamper(now);
        attempt
    }

    fn begun(&mut self, attempt: &Attempt, now: Timestamp) {
        if self.is(Sabotage::ProbeHoldsNothing) && attempt.is_probe() {
            let kept = Snapshot { retry_in: Duration::ZERO, ..self.policy.state().snapshot(now) };
            self.forge(self.restored(&kept, now), now);
        }
    }

    pub(super) fn handle_progress(&mut self, attempt: &mut Attempt, now: Timestamp) {
        self.keep_lease(now);
        self.policy.handle_progress(attempt, now);
        let holds = attempt.is_probe() && attempt.epoch == self.policy.state().epoch();
        if self.is(Sabotage::RefillOnProgress) && holds {
            self.forge_probing(self.policy.config().max_recoveries(), now);
            attempt.epoch = self.policy.state().epoch();
        }
        self.tamper(now);
    }

    pub(super) fn handle_outcome(&mut self, attempt: Attempt, outcome: Outcome, now: Timestamp) -> Verdict {
        self.keep_lease(now);
        let before = self.policy.clone();
        let (transport, reason) = (attempt.transport(), attempt.reason());
        let verdict = self.policy.handle_outcome(attempt, outcome, now);
        if outcome == Outcome::Completed {
            let pinned = before.mode() == Mode::Pinned;
            if self.is(Sabotage::PinnedForGood) && reason == Reason::LastResort && pinned {
                self.policy = before;
            } else if self.is(Sabotage::CompletionLeavesOneSpent) && transport == Transport::WebSocket {
                let config = *self.policy.config();
                let mut state = self.policy.state().clone();
                state.websocket_completed(&config.with_max_recoveries(config.max_recoveries() - 1));
                self.forge(state, now);
            }
        }
        self.tamper(now);
        match verdict {
            Verdict::Retry(call)
                if self.is(Sabotage::LastResortOnlyWhenPinned)
                    && call.history.bound == Some(Reason::LastResort)
                    && self.policy.mode() != Mode::Pinned =>
            {
                Verdict::GiveUp(GiveUp::AttemptsExhausted)
            }
            Verdict::Retry(call) if self.denies_last_resort(&call, outcome) => {
                Verdict::GiveUp(GiveUp::BudgetExhausted)
            }
            Verdict::Retry(mut call) if self.is(Sabotage::ConnectionsForEver) => {
                call.history.past = Past::NOTHING;
                Verdict::Retry(call)
            }
            verdict => verdict,
        }
    }

    pub(super) fn divert(&mut self, attempt: Attempt, now: Timestamp) -> (Call, Dial) {
        self.keep_lease(now);
        let diverted = self.policy.divert(attempt, now);
        self.tamper(now);
        diverted
    }

    pub(super) fn poll_probe(&mut self, now: Timestamp) -> Option<Dial> {
        self.keep_lease(now);
        let dial = self.policy.poll_probe(now);
        self.tamper(now);
        dial
    }

    pub(super) fn warm_up(&mut self, now: Timestamp) -> Option<Dial> {
        self.keep_lease(now);
        if self.is(Sabotage::WarmUpsPileUp) {
            self.policy.handle_timeout(now);
            if self.policy.mode() == Mode::Preferred {
                let config = *self.policy.config();
                let mut state = self.policy.state().clone();
                state.dial_abandoned(&config, now);
                self.policy = Policy::with_state(config, 0, now, state);
            }
        }
        let dial = self.policy.warm_up(now);
        self.tamper(now);
        dial
    }

    pub(super) fn adopt(&mut self, mut dial: Dial, now: Timestamp) -> Result<Attempt, Dial> {
        self.keep_lease(now);
        if self.is(Sabotage::AdoptsAnyDial) {
            dial.origin = Origin::Ahead;
        }
        let adopted = self.policy.adopt(dial, now);
        self.tamper(now);
        adopted
    }

    pub(super) fn handle_dial(&mut self, dial: Dial, outcome: DialOutcome, now: Timestamp) {
        self.keep_lease(now);
        self.policy.handle_dial(dial, outcome, now);
        self.tamper(now);
    }

    pub(super) fn handle_timeout(&mut self, now: Timestamp) {
        self.keep_lease(now);
        if !self.is(Sabotage::TickIgnored) {
            self.policy.handle_timeout(now);
        }
        self.tamper(now);
    }

    pub(super) fn handle_network_change(&mut self, now: Timestamp) {
        self.policy.handle_network_change(now);
    }

    /// The process ends at `now`, and another one goes on `elapsed` later.
    pub(super) fn restart(&mut self, elapsed: Duration, now: Timestamp) {
        let snapshot = self.policy.snapshot(now);
        let now = now.saturating_add(elapsed);
        self.policy = Policy::restore(*self.policy.config(), 0, &snapshot, elapsed, now);
        self.tamper(now);
    }

    fn denies_last_resort(&self, call: &Call, outcome: Outcome) -> bool {
        let history = &call.history;
        let on = |transport| u32::from(history.counted(transport));
        history.bound == Some(Reason::LastResort)
            && match self.sabotage {
                Some(Sabotage::ExcusedIsTried) => {
                    on(Transport::WebSocket) + on(Transport::Sse) < history.ended()
                }
                Some(Sabotage::BudgetEndsCalls) => {
                    let allowed = u32::from(self.policy.config().stream_max_retries());
                    matches!(outcome, Outcome::Failed(_)) && on(Transport::Sse) <= allowed
                }
                _ => false,
            }
    }

    fn is(&self, sabotage: Sabotage) -> bool {
        self.sabotage == Some(sabotage)
    }

    fn restored(&self, snapshot: &Snapshot, now: Timestamp) -> State {
        State::restore(self.policy.config(), snapshot, Duration::ZERO, now)
    }

    /// Replaces what the policy remembers. What began before is stale then, as after any transition.
    fn forge(&mut self, mut state: State, now: Timestamp) {
        while state.epoch() <= self.policy.state().epoch() {
            state.begin_epoch();
        }
        self.policy = Policy::with_state(*self.policy.config(), 0, now, state);
    }

    fn tamper(&mut self, now: Timestamp) {
        match (self.sabotage, self.policy.mode()) {
            (Some(Sabotage::NoCooldown), Mode::FailedOver { retry_at }) if now < retry_at => {
                let kept = Snapshot { retry_in: Duration::ZERO, ..self.policy.state().snapshot(now) };
                self.forge(self.restored(&kept, now), now);
            }
            (Some(Sabotage::NeverPinned), Mode::Pinned) => {
                let kept = Snapshot {
                    mode: KeptMode::FailedOver,
                    recoveries_left: 1,
                    ..self.policy.state().snapshot(now)
                };
                let config = *self.policy.config();
                let mut state = self.restored(&kept, now);
                state.start_probe(&config, now);
                state.return_probe(&config.with_max_recoveries(0), Timestamp::MAX);
                self.forge(state, now);
            }
            _ => {}
        }
    }

    /// Before anything notices that the lease, or the suspicion, is over, another one begins.
    fn keep_lease(&mut self, now: Timestamp) {
        let over = self.policy.state().wake_at(Timestamp::ZERO).is_some_and(|at| at <= now);
        match self.policy.mode() {
            Mode::Probing { .. } if self.is(Sabotage::LeaseForEver) && over => {
                self.forge_probing(self.policy.recoveries_left(), now);
            }
            Mode::Suspected if self.is(Sabotage::SuspicionForEver) && over => self.forge_suspicion(now),
            _ => {}
        }
    }

    /// The same suspicion, as if it had arisen now.
    fn forge_suspicion(&mut self, now: Timestamp) {
        let config = *self.policy.config();
        let mut acquitted = self.policy.state().clone();
        acquitted.sse_failed(&config, now);
        if acquitted.mode() == Mode::Preferred {
            self.forge(self.policy.state().clone(), now);
        } else {
            self.forge_probing(self.policy.recoveries_left(), now);
        }
        let mut state = self.policy.state().clone();
        if state.is_probing() {
            state.probe_failed(&config, 0, now);
        } else {
            state.websocket_failed(&config, 0, now);
        }
        self.forge(state, now);
    }

    /// The policy is probing, and has so many recoveries left.
    fn forge_probing(&mut self, left: u8, now: Timestamp) {
        let richer = self.policy.config().with_max_recoveries(left + 1);
        let kept = Snapshot {
            mode: KeptMode::FailedOver,
            recoveries_left: left + 1,
            ..self.policy.state().snapshot(now)
        };
        let mut state = State::restore(&richer, &kept, Duration::ZERO, now);
        state.start_probe(&richer, now);
        self.forge(state, now);
    }
}
