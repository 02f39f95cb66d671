//! What becomes of a call, and what its failure says about WebSocket.

use failback::{Blame, Failure, GiveUp, Reason, Replay, Stage, Transport};

use super::{Broken, Model, ModelAttempt, ModelMode, ModelVerdict, Span, is_websockets, nanos, saturate};

#[derive(Clone, Copy, Debug)]
pub(super) struct ModelCall {
    pub(super) ready_at: u128,
    pub(super) begun: u128,
    pub(super) moved: Option<Reason>,
    pub(super) last_resort: bool,
    websocket: Tries,
    sse: Tries,
    /// R3: its first failure on WebSocket that counted there.
    first_websocket_failure: Option<u128>,
    /// R10.
    last_failure_was_connection: bool,
}

#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Tries {
    /// R16: without those of R10.
    pub(super) counted: u128,
    /// R12: those of R10 included.
    pub(super) any: bool,
}

impl ModelCall {
    pub(super) fn new(now: u128) -> Self {
        Self {
            ready_at: now,
            begun: 0,
            moved: None,
            last_resort: false,
            websocket: Tries::default(),
            sse: Tries::default(),
            first_websocket_failure: None,
            last_failure_was_connection: false,
        }
    }

    pub(super) fn attempts_on(&mut self, transport: Transport) -> &mut Tries {
        match transport {
            Transport::WebSocket => &mut self.websocket,
            Transport::Sse => &mut self.sse,
        }
    }
}

impl Model {
    pub(super) fn fail(&mut self, attempt: &ModelAttempt, failure: Failure, exhausted: bool) -> ModelVerdict {
        let blame = self.blame(attempt, failure, exhausted);
        if blame == Blame::Connection {
            self.call_of(attempt).attempts_on(attempt.transport).counted -= 1;
        }
        let may_stay = match attempt.transport {
            Transport::WebSocket => self.hear_websocket(attempt, blame, failure.stage(), exhausted),
            Transport::Sse => {
                self.hear_sse(blame, failure.stage());
                !exhausted && !self.used_up(attempt)
            }
        };
        self.judge(attempt, failure, blame, exhausted, may_stay)
    }

    fn call_of(&mut self, attempt: &ModelAttempt) -> &mut ModelCall {
        self.calls.get_mut(&attempt.call).expect("a call that is being attempted")
    }

    /// R10: a connection that fails twice in a row, or as often as its driver would retry, is the transport.
    fn blame(&mut self, attempt: &ModelAttempt, failure: Failure, exhausted: bool) -> Blame {
        let again = self.call_of(attempt).last_failure_was_connection;
        self.call_of(attempt).last_failure_was_connection = failure.blame() == Blame::Connection;
        match failure.blame() {
            Blame::Connection
                if exhausted || (again && !self.is_broken(Broken::R10ConnectionsFailForEver)) =>
            {
                Blame::Transport
            }
            Blame::Payload if self.is_broken(Broken::R11TooLargeIsTransport) => Blame::Transport,
            Blame::Request if self.is_broken(Broken::R14BadRequestsAreRepeated) => Blame::Transport,
            blame => blame,
        }
    }

    /// R16.
    fn used_up(&mut self, attempt: &ModelAttempt) -> bool {
        let allowed = u128::from(self.config.stream_max_retries()) + 1;
        self.call_of(attempt).attempts_on(attempt.transport).counted >= allowed
    }

    /// What this failure says about WebSocket, and whether its call may be retried there.
    fn hear_websocket(
        &mut self,
        attempt: &ModelAttempt,
        blame: Blame,
        stage: Stage,
        exhausted: bool,
    ) -> bool {
        // R12: nothing changes.
        if attempt.reason == Reason::LastResort {
            return false;
        }
        // R9.
        if attempt.epoch != self.epoch && !self.is_broken(Broken::R9StaleFailuresCount) {
            return false;
        }
        // R7.
        if attempt.reason == Reason::Probe {
            if is_websockets(blame) {
                self.suspect(true);
            } else {
                self.excuse_probe();
            }
            return false;
        }
        if !is_websockets(blame) {
            return false;
        }
        // R2.
        if stage == Stage::Connecting && !self.is_broken(Broken::R2HandshakesAreForgiven) {
            self.suspect(false);
            return false;
        }
        // R3.
        self.failures += 1;
        let now = self.now;
        let first = *self.call_of(attempt).first_websocket_failure.get_or_insert(now);
        let in_grace =
            now < saturate(first + nanos(self.config.fallback_within())) || self.is_broken(Broken::R3NoGrace);
        let forgiven = self.failures <= u128::from(self.config.stream_max_retries());
        let may_stay = forgiven && in_grace && !exhausted && !self.used_up(attempt);
        if !may_stay {
            self.suspect(false);
        }
        may_stay
    }

    /// R5: the control experiment, which is any SSE attempt, whenever it began, has failed.
    fn hear_sse(&mut self, blame: Blame, stage: Stage) {
        let suspected = matches!(self.mode, ModelMode::Suspected { .. });
        let had_progress = stage == Stage::Streaming;
        if suspected && !had_progress && blame != Blame::Connection && !self.is_broken(Broken::R5NeverAcquits)
        {
            self.acquit();
        }
    }

    /// What becomes of the call.
    fn judge(
        &mut self,
        attempt: &ModelAttempt,
        failure: Failure,
        blame: Blame,
        exhausted: bool,
        may_stay: bool,
    ) -> ModelVerdict {
        let on_sse = attempt.transport == Transport::Sse;
        // R14, and R11 on SSE: before R15.
        if blame == Blame::Request || (blame == Blame::Payload && on_sse) {
            return ModelVerdict::GiveUp(GiveUp::NotRetryable);
        }
        // R15.
        if failure.is_committed()
            && self.config.replay() == Replay::BeforeOutput
            && !self.is_broken(Broken::R15CommittedIsRetried)
        {
            return ModelVerdict::GiveUp(GiveUp::Committed);
        }
        // R12.
        if attempt.reason == Reason::LastResort {
            return ModelVerdict::GiveUp(GiveUp::AttemptsExhausted);
        }
        match blame {
            // R10.
            Blame::Connection => self.at_once(attempt),
            // R11.
            Blame::Payload => self.move_to_sse(attempt, Reason::TooLarge),
            // R13.
            Blame::Server => self.ask_again(attempt, failure, exhausted),
            Blame::Transport | Blame::Network => {
                if may_stay {
                    self.back_off(attempt, 0)
                } else if !on_sse {
                    self.move_to_sse(attempt, Reason::CallMoved)
                } else if !self.call_of(attempt).websocket.any && !self.is_broken(Broken::R12NoLastResort) {
                    // R12.
                    self.call_of(attempt).last_resort = true;
                    self.at_once(attempt)
                } else {
                    // R16.
                    ModelVerdict::GiveUp(GiveUp::AttemptsExhausted)
                }
            }
            Blame::Request => ModelVerdict::GiveUp(GiveUp::NotRetryable),
        }
    }

    /// R2, R3, R7, R9, R11: at once, without backoff and without a token.
    fn move_to_sse(&mut self, attempt: &ModelAttempt, why: Reason) -> ModelVerdict {
        if self.is_broken(Broken::R16MovesCostTokens) && !self.take_token() {
            return ModelVerdict::GiveUp(GiveUp::BudgetExhausted);
        }
        self.call_of(attempt).moved = Some(why);
        self.at_once(attempt)
    }

    fn at_once(&mut self, attempt: &ModelAttempt) -> ModelVerdict {
        let now = self.now;
        self.call_of(attempt).ready_at = now;
        ModelVerdict::Retry(Span::exactly(now))
    }

    /// R13.
    fn ask_again(&mut self, attempt: &ModelAttempt, failure: Failure, exhausted: bool) -> ModelVerdict {
        let wish = failure.retry_after().unwrap_or_default();
        // First, because it tells the caller more.
        if wish > self.config.max_server_wait() && !self.is_broken(Broken::R13WaitsForEver) {
            return ModelVerdict::GiveUp(GiveUp::ServerBusy { retry_after: wish });
        }
        if exhausted || self.used_up(attempt) {
            return ModelVerdict::GiveUp(GiveUp::AttemptsExhausted);
        }
        self.back_off(attempt, nanos(wish))
    }

    /// R16: after backoff or `at_least`, at the price of a token.
    fn back_off(&mut self, attempt: &ModelAttempt, at_least: u128) -> ModelVerdict {
        if !self.take_token() {
            return ModelVerdict::GiveUp(GiveUp::BudgetExhausted);
        }
        let n = self.call_of(attempt).attempts_on(attempt.transport).counted;
        let mut backoff = nanos(self.config.backoff());
        for _ in 1..n {
            backoff = saturate(backoff * 2);
        }
        let backoff = backoff.min(nanos(self.config.backoff_max()));
        let (shortest, longest) = match self.config.jitter_permille() {
            0 => (backoff, backoff),
            _ => (backoff * 9 / 10, (backoff * 11).div_ceil(10)),
        };
        let wait = Span::between(shortest.max(at_least), longest.max(at_least));
        ModelVerdict::Retry(wait.after(self.now))
    }

    fn take_token(&mut self) -> bool {
        match &mut self.budget {
            None => true,
            Some(left) if *left >= 100 => {
                *left -= 100;
                true
            }
            Some(_) => false,
        }
    }
}
