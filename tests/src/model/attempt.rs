//! Choosing a transport, and what an attempt reports.

use failback::{GiveUp, Outcome, OverSse, Reason, Transport, Trigger};

use super::call::ModelCall;
use super::{Broken, Model, ModelMode, Span, nanos, saturate};

/// What [`Model::begin_attempt`] decides.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ModelDecision {
    /// Carry out this attempt.
    Start {
        /// To name it by from now on.
        id: u64,
        /// Where.
        transport: Transport,
        /// Why there.
        reason: Reason,
        /// Whether it is the probe.
        probe: bool,
        /// Which of its call, from 1.
        number: u128,
        /// R17.
        divert_at: Option<u128>,
    },
    /// Not before then.
    Wait(u128),
}

/// What [`Model::handle_outcome`] decides.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ModelVerdict {
    /// The call is over.
    Done,
    /// Again, from then on.
    Retry(Span),
    /// The call has failed.
    GiveUp(GiveUp),
}

#[derive(Clone, Copy, Debug)]
pub(super) struct ModelAttempt {
    pub(super) call: u64,
    pub(super) transport: Transport,
    pub(super) reason: Reason,
    pub(super) epoch: u64,
    pub(super) begun: u128,
    pub(super) divert_at: Option<u128>,
}

impl Model {
    /// As `Policy::open_call`.
    pub fn open_call(&mut self, now: u128) -> u64 {
        self.advance(now);
        let id = self.new_id();
        self.calls.insert(id, ModelCall::new(self.now));
        id
    }

    /// As `Policy::open_call_over_sse`.
    pub fn open_call_over_sse(&mut self, now: u128, why: OverSse) -> u64 {
        let id = self.open_call(now);
        let call = self.calls.get_mut(&id).expect("it was opened just now");
        call.moved = Some(match why {
            OverSse::SseOnly => Reason::SseOnly,
            OverSse::TooLarge => Reason::TooLarge,
        });
        call.over_sse = true;
        id
    }

    /// As `Policy::begin_attempt`.
    ///
    /// # Panics
    /// When there is no such call.
    pub fn begin_attempt(&mut self, call_id: u64, now: u128) -> ModelDecision {
        self.advance(now);
        let ready_at = self.calls[&call_id].ready_at;
        if self.now < ready_at {
            return ModelDecision::Wait(ready_at);
        }
        self.begin(call_id)
    }

    /// As `Policy::begin_attempt_now`.
    ///
    /// # Panics
    /// When there is no such call.
    pub fn begin_attempt_now(&mut self, call_id: u64, now: u128) -> ModelDecision {
        self.advance(now);
        self.begin(call_id)
    }

    fn begin(&mut self, call_id: u64) -> ModelDecision {
        let (transport, reason) = self.choose(&self.calls[&call_id]);
        if reason == Reason::Probe {
            self.begin_probe();
        }
        self.begin_as(call_id, transport, reason)
    }

    /// An attempt of this call begins, for this reason.
    pub(super) fn begin_as(&mut self, call_id: u64, transport: Transport, reason: Reason) -> ModelDecision {
        let mut call = self.calls[&call_id];
        let probe = reason == Reason::Probe;
        call.begun += 1;
        call.attempts_on(transport).counted += 1;
        call.attempts_on(transport).tried += 1;
        self.calls.insert(call_id, call);
        // R17.
        let diverted = transport == Transport::WebSocket && reason != Reason::LastResort;
        let head_start_ends = saturate(self.now + nanos(self.config.head_start()));
        let divert_at = diverted.then_some(head_start_ends);
        let id = self.new_id();
        let (epoch, begun) = (self.epoch, self.now);
        self.attempts.insert(id, ModelAttempt { call: call_id, transport, reason, epoch, begun, divert_at });
        ModelDecision::Start { id, transport, reason, probe, number: call.begun, divert_at }
    }

    /// As `Call::moved`.
    ///
    /// # Panics
    /// When there is no such call.
    #[must_use]
    pub fn moved(&self, call_id: u64) -> Option<Reason> {
        let call = self.calls[&call_id];
        if call.last_resort { Some(Reason::LastResort) } else { call.moved }
    }

    /// R1, R12, R17.
    fn choose(&self, call: &ModelCall) -> (Transport, Reason) {
        if call.last_resort {
            return (Transport::WebSocket, Reason::LastResort);
        }
        if let Some(why) = call.moved {
            let misread =
                if call.over_sse { Broken::R1OverSseIsChosenByMode } else { Broken::R1MovedCallsComeBack };
            if !self.is_broken(misread) {
                return (Transport::Sse, why);
            }
        }
        match self.mode {
            ModelMode::Preferred => match self.dial_pending_until {
                Some(_) if !self.is_broken(Broken::R17EveryCallWaits) => {
                    (Transport::Sse, Reason::DialPending)
                }
                _ => (Transport::WebSocket, Reason::Healthy),
            },
            ModelMode::Suspected { .. } => (Transport::Sse, Reason::VerdictPending),
            ModelMode::FailedOver { retry_at, .. } if self.now < retry_at.least => {
                (Transport::Sse, Reason::CoolingDown)
            }
            ModelMode::FailedOver { .. } => (Transport::WebSocket, Reason::Probe),
            ModelMode::Probing { .. } => (Transport::Sse, Reason::ProbeInFlight),
            ModelMode::Pinned => (Transport::Sse, Reason::Pinned),
        }
    }

    /// Of which call this attempt is.
    ///
    /// # Panics
    /// When there is no such attempt.
    #[must_use]
    pub fn call_of_attempt(&self, attempt: u64) -> u64 {
        self.attempts[&attempt].call
    }

    /// As `Policy::handle_progress`.
    ///
    /// # Panics
    /// When there is no such attempt.
    pub fn handle_progress(&mut self, attempt_id: u64, now: u128) {
        self.advance(now);
        let attempt = self.attempts[&attempt_id];
        if attempt.transport == Transport::Sse {
            // R4: the control experiment is any SSE attempt, whenever it began, and whyever it is one.
            if !(self.calls[&attempt.call].over_sse && self.is_broken(Broken::R4OverSseIsNoEvidence)) {
                self.sse_made_progress();
            }
            return;
        }
        if self.is_broken(Broken::R6RefilledByProgress) {
            self.recoveries = self.config.max_recoveries().into();
        }
        // R8.
        if attempt.reason == Reason::Probe && attempt.epoch == self.epoch {
            let renewed = saturate(self.now + nanos(self.config.probe_lease()));
            if let ModelMode::Probing { lease_until, progressed } = &mut self.mode {
                *progressed = true;
                if self.broken != Some(Broken::R8ProgressRenewsNothing) {
                    *lease_until = renewed;
                }
            }
        }
    }

    /// As `Policy::handle_outcome`.
    ///
    /// Whether a call may stay on WebSocket can depend on how long a backoff the policy draws for it (R3).
    /// `stayed` says whether the policy is in Preferred after this outcome. It is believed where the draw
    /// decides, and nowhere else.
    ///
    /// # Panics
    /// When there is no such attempt.
    pub fn handle_outcome(
        &mut self,
        attempt_id: u64,
        outcome: Outcome,
        now: u128,
        stayed: bool,
    ) -> ModelVerdict {
        self.advance(now);
        let attempt = self.attempts.remove(&attempt_id).expect("an attempt that began");
        let verdict = match outcome {
            Outcome::Completed => {
                self.complete(&attempt);
                ModelVerdict::Done
            }
            Outcome::Cancelled | Outcome::Ended => {
                if self.is_the_probe(&attempt) {
                    self.end_silent_probe();
                }
                ModelVerdict::Done
            }
            Outcome::Failed(failure) => self.fail(&attempt, failure, false, stayed),
            Outcome::RetriesExhausted(failure) => self.fail(&attempt, failure, true, stayed),
        };
        if !matches!(verdict, ModelVerdict::Retry(_)) {
            self.calls.remove(&attempt.call);
        }
        verdict
    }

    fn complete(&mut self, attempt: &ModelAttempt) {
        // R16.
        if let (Some(left), Some(full)) = (&mut self.budget, self.config.retry_budget()) {
            *left = (*left + 20).min(u128::from(full) * 100);
        }
        match attempt.transport {
            Transport::Sse => self.sse_made_progress(),
            Transport::WebSocket
                if attempt.epoch != self.epoch && self.is_broken(Broken::R6StaleCompletionsSayNothing) => {}
            // R6.
            Transport::WebSocket => {
                self.forgive();
                self.dial_pending_until = None;
                if self.mode != ModelMode::Preferred {
                    self.enter(ModelMode::Preferred, Trigger::WebSocketCompleted);
                }
            }
        }
    }

    fn is_the_probe(&self, attempt: &ModelAttempt) -> bool {
        attempt.reason == Reason::Probe && attempt.epoch == self.epoch
    }
}
