//! What becomes of a call, and what its failure says about WebSocket.

use failback::{Blame, Failure, GiveUp, Reason, Replay, Stage, Transport, Trigger};

use super::{Broken, END_OF_TIME, Model, ModelAttempt, ModelVerdict, Span, is_websockets, nanos, saturate};

#[derive(Clone, Copy, Debug)]
pub(super) struct ModelCall {
    pub(super) ready_at: u128,
    pub(super) begun: u128,
    pub(super) moved: Option<Reason>,
    pub(super) last_resort: bool,
    /// R1: it was opened over SSE.
    pub(super) over_sse: bool,
    websocket: Tries,
    sse: Tries,
    /// R3: from when on the time counts that it may spend on a failing WebSocket.
    failing_since: Option<u128>,
    /// R13: how many of its failures on WebSocket had blame Server.
    busy_on_websocket: u128,
}

#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Tries {
    /// R16: without those of R10.
    pub(super) counted: u128,
    /// R12: without those of R10, and those that were diverted.
    pub(super) tried: u128,
    /// R10: its last failure there had blame Connection.
    connection_failed: bool,
}

impl ModelCall {
    pub(super) fn new(now: u128) -> Self {
        Self {
            ready_at: now,
            begun: 0,
            moved: None,
            last_resort: false,
            over_sse: false,
            websocket: Tries::default(),
            sse: Tries::default(),
            failing_since: None,
            busy_on_websocket: 0,
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
    pub(super) fn fail(
        &mut self,
        attempt: &ModelAttempt,
        failure: Failure,
        exhausted: bool,
        stayed: bool,
    ) -> ModelVerdict {
        let blame = self.blame(attempt, failure, exhausted);
        if blame == Blame::Connection {
            let excused = !self.is_broken(Broken::R12ExcusedIsATry);
            let tries = self.call_of(attempt).attempts_on(attempt.transport);
            tries.counted -= 1;
            tries.tried -= u128::from(excused);
        }
        let may_stay = match attempt.transport {
            Transport::WebSocket => self.hear_websocket(attempt, failure, blame, exhausted, stayed),
            Transport::Sse => {
                // R5: the control experiment is any SSE attempt, whenever it began, and whyever it is one.
                let heard = !self.call_of(attempt).over_sse || !self.is_broken(Broken::R5OverSseIsNoEvidence);
                if heard && failure.stage() != Stage::Streaming {
                    self.sse_failed(blame);
                }
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
        let is_connection = failure.blame() == Blame::Connection;
        let across = self.is_broken(Broken::R10InARowAcrossTransports);
        let call = self.call_of(attempt);
        let again = call.attempts_on(attempt.transport).connection_failed;
        for tries in [&mut call.websocket, &mut call.sse] {
            if across {
                tries.connection_failed = is_connection;
            }
        }
        call.attempts_on(attempt.transport).connection_failed = is_connection;
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

    /// R15: whether a replay of the call is ruled out.
    fn is_committed(&self, failure: Failure, blame: Blame) -> bool {
        let sent = is_websockets(blame) && failure.stage() != Stage::Connecting;
        match self.config.replay() {
            Replay::Restart => false,
            Replay::BeforeOutput => failure.is_committed(),
            Replay::BeforeSend => {
                failure.is_committed() || (sent && !self.is_broken(Broken::R15SentIsSentAgain))
            }
        }
    }

    /// What this failure says about WebSocket, and whether its call may be retried there.
    fn hear_websocket(
        &mut self,
        attempt: &ModelAttempt,
        failure: Failure,
        blame: Blame,
        exhausted: bool,
        stayed: bool,
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
                self.excuse_probe(Trigger::ProbeUndecided);
            }
            return false;
        }
        if !is_websockets(blame) {
            return false;
        }
        // R2.
        if failure.stage() == Stage::Connecting && !self.is_broken(Broken::R2HandshakesAreForgiven) {
            self.handshake_failed();
            self.suspect(false);
            return false;
        }
        // R3.
        self.failures += 1;
        let forgiven = self.failures <= u128::from(self.config.stream_max_retries());
        let in_grace = self.is_in_grace(attempt, failure.stage(), stayed);
        let lost = self.is_committed(failure, blame) && !self.is_broken(Broken::R3LostTurnsAreForgiven);
        let mut may_stay = forgiven && in_grace && !lost && !self.used_up(attempt);
        if exhausted && self.is_broken(Broken::R3ExhaustedIsForgiven) {
            return false;
        }
        may_stay &= !exhausted;
        if !may_stay {
            self.suspect(false);
        }
        may_stay
    }

    /// R2: counts like a failure of the stream.
    pub(super) fn handshake_failed(&mut self) {
        if !self.is_broken(Broken::R2HandshakesCountNothing) {
            self.failures += 1;
        }
    }

    /// R3: whether the retry, its backoff included, would begin in time.
    fn is_in_grace(&mut self, attempt: &ModelAttempt, stage: Stage, stayed: bool) -> bool {
        let since = match stage {
            Stage::Open if !self.is_broken(Broken::R3OpenCountsFromTheFailure) => attempt.begun,
            _ => self.now,
        };
        self.call_of(attempt).failing_since.get_or_insert(since);
        let mut retry_at = self.backoff(attempt).after(self.now);
        if self.is_broken(Broken::R3BackoffDoesNotCount) {
            retry_at = Span::exactly(self.now);
        }
        let leave_at = self.leave_at(attempt);
        if self.is_broken(Broken::R3NoGrace) || retry_at.most < leave_at {
            true
        } else if retry_at.least >= leave_at {
            false
        } else {
            stayed
        }
    }

    /// R3: from when on no retry of the call may begin on WebSocket.
    fn leave_at(&mut self, attempt: &ModelAttempt) -> u128 {
        let within = nanos(self.config.fallback_within());
        let since = self.call_of(attempt).failing_since;
        since.map_or(END_OF_TIME, |since| saturate(since + within))
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
        if self.is_committed(failure, blame) && !self.is_broken(Broken::R15CommittedIsRetried) {
            return ModelVerdict::GiveUp(GiveUp::Committed);
        }
        // R12, but for R10.
        let excused = blame == Blame::Connection && !self.is_broken(Broken::R10LastResortsAreNotExcused);
        if attempt.reason == Reason::LastResort && !excused {
            return ModelVerdict::GiveUp(GiveUp::AttemptsExhausted);
        }
        match blame {
            // R10.
            Blame::Connection => self.at_once(attempt),
            // R11.
            Blame::Payload => self.move_to_sse(attempt, Reason::TooLarge),
            // R13.
            Blame::Server => self.ask_again(attempt, failure, exhausted),
            Blame::Transport | Blame::Network => match attempt.transport {
                Transport::WebSocket => self.retry_websocket(attempt, may_stay),
                Transport::Sse => self.retry_sse(attempt, may_stay),
            },
            Blame::Request => ModelVerdict::GiveUp(GiveUp::NotRetryable),
        }
    }

    /// R3, and R16 when there is no token.
    fn retry_websocket(&mut self, attempt: &ModelAttempt, may_stay: bool) -> ModelVerdict {
        if may_stay {
            let leave_at = self.leave_at(attempt);
            match self.back_off(attempt, 0) {
                // What the policy has drawn was short enough.
                ModelVerdict::Retry(Span { least, most }) if most >= leave_at && least < leave_at => {
                    return ModelVerdict::Retry(Span { least, most: leave_at - 1 });
                }
                ModelVerdict::GiveUp(_) if !self.is_broken(Broken::R16NoTokenEndsCalls) => {}
                verdict => return verdict,
            }
        }
        self.move_to_sse(attempt, Reason::CallMoved)
    }

    /// R16, R12.
    fn retry_sse(&mut self, attempt: &ModelAttempt, may_stay: bool) -> ModelVerdict {
        let mut why = GiveUp::AttemptsExhausted;
        if may_stay {
            match self.back_off(attempt, 0) {
                ModelVerdict::GiveUp(_) if !self.is_broken(Broken::R16NoTokenIsNoLastResort) => {
                    why = GiveUp::BudgetExhausted;
                }
                verdict => return verdict,
            }
        }
        let over_sse = self.call_of(attempt).over_sse && !self.is_broken(Broken::R12OverSseHasALastResort);
        let tried = self.call_of(attempt).websocket.tried > 0;
        if tried || over_sse || self.is_broken(Broken::R12NoLastResort) {
            return ModelVerdict::GiveUp(why);
        }
        self.call_of(attempt).last_resort = true;
        self.at_once(attempt)
    }

    /// R2, R3, R7, R9, R11, R16: at once, without backoff and without a token.
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
        let no_more = exhausted || self.used_up(attempt);
        if attempt.transport == Transport::Sse {
            if no_more {
                return ModelVerdict::GiveUp(GiveUp::AttemptsExhausted);
            }
            return self.back_off(attempt, nanos(wish));
        }
        self.call_of(attempt).busy_on_websocket += 1;
        let verdict = self.back_off(attempt, nanos(wish));
        let twice =
            self.call_of(attempt).busy_on_websocket >= 2 && !self.is_broken(Broken::R13StaysOnWebSocket);
        if twice || no_more {
            self.call_of(attempt).moved = Some(Reason::CallMoved);
            if self.is_broken(Broken::R13MovesAtOnce) {
                return self.at_once(attempt);
            }
        }
        verdict
    }

    /// R16: after backoff or `at_least`, at the price of a token.
    fn back_off(&mut self, attempt: &ModelAttempt, at_least: u128) -> ModelVerdict {
        if !self.take_token() {
            return ModelVerdict::GiveUp(GiveUp::BudgetExhausted);
        }
        let Span { least, most } = self.backoff(attempt);
        let wait = Span::between(least.max(at_least), most.max(at_least));
        ModelVerdict::Retry(wait.after(self.now))
    }

    /// R16: how long the next retry on this transport would wait.
    fn backoff(&mut self, attempt: &ModelAttempt) -> Span {
        let n = self.call_of(attempt).attempts_on(attempt.transport).counted;
        let mut backoff = nanos(self.config.backoff());
        for _ in 1..n {
            backoff = saturate(backoff * 2);
        }
        let backoff = backoff.min(nanos(self.config.backoff_max()));
        match self.config.jitter_permille() {
            0 => Span::exactly(backoff),
            _ => Span::between(backoff * 9 / 10, (backoff * 11).div_ceil(10)),
        }
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
