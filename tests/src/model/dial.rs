//! Handshakes that no call waits for (R17).

use failback::{DialOutcome, ProbeStyle, Reason, Transport, Trigger};

use super::{Broken, Model, ModelDecision, ModelMode, is_websockets, nanos, saturate};

#[derive(Clone, Copy, Debug)]
pub(super) struct ModelDial {
    epoch: u64,
    /// How much SSE progress had been seen when it was left alone.
    progress_before: u64,
    /// It is the probe, or what the probe left.
    probe: bool,
    /// It was asked for by `poll_probe` or `warm_up`, and no call has waited for it.
    ahead: bool,
    /// It was made of an attempt that is never diverted.
    mute: bool,
}

impl Model {
    /// As `Policy::divert`: names the dial. The call keeps its name.
    ///
    /// # Panics
    /// When there is no such attempt.
    pub fn divert(&mut self, attempt_id: u64, now: u128) -> (u64, u64) {
        self.advance(now);
        let attempt = self.attempts.remove(&attempt_id).expect("an attempt that began");
        let mut call = self.calls[&attempt.call];
        let mute = attempt.divert_at.is_none();
        call.ready_at = self.now;
        if !mute {
            call.moved = Some(Reason::CallMoved);
            // R12.
            if !self.is_broken(Broken::R12DivertedIsATry) {
                call.attempts_on(attempt.transport).tried -= 1;
            }
        }
        self.calls.insert(attempt.call, call);
        if !mute && attempt.epoch == self.epoch && self.mode == ModelMode::Preferred {
            // R17.
            let until = saturate(self.now + nanos(self.config.probe_lease()));
            self.dial_pending_until = Some(until);
        }
        let id = self.new_id();
        let dial = ModelDial {
            epoch: attempt.epoch,
            progress_before: self.sse_progress,
            probe: attempt.reason == Reason::Probe,
            ahead: false,
            mute,
        };
        self.dials.insert(id, dial);
        (attempt.call, id)
    }

    /// As `Policy::poll_probe`.
    pub fn poll_probe(&mut self, now: u128) -> Option<u64> {
        self.advance(now);
        if self.config.probe() != ProbeStyle::Background || self.dial_opened {
            return None;
        }
        match self.mode {
            ModelMode::FailedOver { retry_at, .. } if self.now >= retry_at.most => {
                self.begin_probe();
                Some(self.dial_ahead(true))
            }
            _ => None,
        }
    }

    /// As `Policy::warm_up`.
    pub fn warm_up(&mut self, now: u128) -> Option<u64> {
        self.advance(now);
        let out = self.dial_pending_until.is_some() && !self.is_broken(Broken::R17WarmsUpTwice);
        match self.mode {
            ModelMode::Preferred if !out => {
                if !self.is_broken(Broken::R17WarmUpsDivertNobody) {
                    self.dial_pending_until = Some(saturate(self.now + nanos(self.config.probe_lease())));
                }
                Some(self.dial_ahead(false))
            }
            ModelMode::FailedOver { retry_at, .. } if self.now >= retry_at.most => {
                self.begin_probe();
                if self.is_broken(Broken::R17WarmUpsAreFree) {
                    self.give_recovery_back();
                }
                Some(self.dial_ahead(true))
            }
            _ => None,
        }
    }

    fn dial_ahead(&mut self, probe: bool) -> u64 {
        let id = self.new_id();
        let dial = ModelDial {
            epoch: self.epoch,
            progress_before: self.sse_progress,
            probe,
            ahead: true,
            mute: false,
        };
        self.dials.insert(id, dial);
        id
    }

    /// As `Policy::adopt`: names the call, and what became of it. `None` when the dial stays one.
    ///
    /// # Panics
    /// When there is no such dial.
    pub fn adopt(&mut self, dial_id: u64, now: u128) -> Option<(u64, ModelDecision)> {
        self.advance(now);
        let dial = self.dials[&dial_id];
        let refused = !dial.ahead && !self.is_broken(Broken::R17WaitsTwice);
        if dial.mute || refused || dial.epoch != self.epoch {
            return None;
        }
        self.dials.remove(&dial_id);
        // What it was waited for is the call's own attempt now.
        self.dial_pending_until = None;
        let call = self.open_call(now);
        let reason = if dial.probe { Reason::Probe } else { Reason::Healthy };
        Some((call, self.begin_as(call, Transport::WebSocket, reason)))
    }

    /// As `Policy::handle_dial`.
    ///
    /// # Panics
    /// When there is no such dial.
    pub fn handle_dial(&mut self, dial_id: u64, outcome: DialOutcome, now: u128) {
        self.advance(now);
        let dial = self.dials.remove(&dial_id).expect("a dial that began");
        // R9, R17: a stale dial changes nothing.
        if dial.mute || (dial.epoch != self.epoch && !self.is_broken(Broken::R9StaleFailuresCount)) {
            return;
        }
        self.dial_pending_until = None;
        match outcome {
            DialOutcome::Opened => {
                if dial.probe {
                    self.excuse_probe(Trigger::DialOpened);
                    self.dial_opened = true;
                }
            }
            DialOutcome::Failed(failure) if is_websockets(failure.blame()) => {
                // R2, or R7.
                if !dial.probe {
                    self.handshake_failed();
                }
                if self.sse_progress > dial.progress_before {
                    let trigger = if dial.probe { Trigger::ProbeFailed } else { Trigger::WebSocketFailed };
                    self.convict(trigger);
                } else {
                    self.suspect(dial.probe);
                }
            }
            DialOutcome::Failed(_) => {
                if dial.probe && dial.ahead {
                    // R7 would have it dialled again at once, for ever: no call paces it.
                    self.give_recovery_back();
                    self.cool_down(Trigger::ProbeUndecided);
                } else if dial.probe {
                    self.excuse_probe(Trigger::ProbeUndecided);
                }
            }
            DialOutcome::Abandoned => {
                if dial.probe {
                    self.end_silent_probe();
                }
            }
        }
    }
}
