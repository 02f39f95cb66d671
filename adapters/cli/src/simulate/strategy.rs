//! What a strategy is to a simulated client: the calls that a real client makes to its policy.

use failback::{
    Attempt, Call, Config, Dial, DialOutcome, Mode, Outcome, Policy, Timestamp, Transport, Verdict,
};

use super::kind::Kind;

/// What the end of an attempt means for its call.
#[derive(Debug)]
pub(super) enum Next<C> {
    /// It is over, and well.
    Done,
    /// It goes on, at this time.
    Retry(C, Timestamp),
    /// It has failed.
    GiveUp,
}

/// Decides which transport each attempt takes. The handles are those of [`Policy`], or stand for them.
pub(super) trait Strategy: Sized {
    type Call;
    type Attempt;
    type Dial;

    fn new(kind: Kind, config: Config, seed: u64, now: Timestamp) -> Self;
    fn begin_call(&mut self, now: Timestamp) -> Self::Attempt;
    fn begin_again(&mut self, call: Self::Call, now: Timestamp) -> Self::Attempt;
    fn transport(attempt: &Self::Attempt) -> Transport;
    fn divert_at(attempt: &Self::Attempt) -> Option<Timestamp>;
    /// Whether it has to hear of events after the first one, because a lease runs.
    fn is_probe(attempt: &Self::Attempt) -> bool;
    fn handle_progress(&mut self, attempt: &Self::Attempt, now: Timestamp);
    fn handle_outcome(
        &mut self,
        attempt: Self::Attempt,
        outcome: Outcome,
        now: Timestamp,
    ) -> Next<Self::Call>;
    fn divert(&mut self, attempt: Self::Attempt, now: Timestamp) -> (Self::Call, Self::Dial);
    fn handle_dial(&mut self, dial: Self::Dial, outcome: DialOutcome, now: Timestamp);
    /// Whether it will not try WebSocket again by itself.
    fn is_pinned(&self) -> bool;
}

impl Strategy for Policy {
    type Call = Call;
    type Attempt = Attempt;
    type Dial = Dial;

    fn new(_: Kind, config: Config, seed: u64, now: Timestamp) -> Self {
        Self::new(config, seed, now)
    }

    fn begin_call(&mut self, now: Timestamp) -> Attempt {
        self.begin_call(now)
    }

    fn begin_again(&mut self, call: Call, now: Timestamp) -> Attempt {
        self.begin_attempt_now(call, now)
    }

    fn transport(attempt: &Attempt) -> Transport {
        attempt.transport()
    }

    fn divert_at(attempt: &Attempt) -> Option<Timestamp> {
        attempt.divert_at()
    }

    fn is_probe(attempt: &Attempt) -> bool {
        attempt.is_probe()
    }

    fn handle_progress(&mut self, attempt: &Attempt, now: Timestamp) {
        self.handle_progress(attempt, now);
    }

    fn handle_outcome(&mut self, attempt: Attempt, outcome: Outcome, now: Timestamp) -> Next<Call> {
        match self.handle_outcome(attempt, outcome, now) {
            Verdict::Done => Next::Done,
            Verdict::GiveUp(_) => Next::GiveUp,
            Verdict::Retry(call) => {
                let ready_at = call.ready_at();
                Next::Retry(call, ready_at)
            }
        }
    }

    fn divert(&mut self, attempt: Attempt, now: Timestamp) -> (Call, Dial) {
        self.divert(attempt, now)
    }

    fn handle_dial(&mut self, dial: Dial, outcome: DialOutcome, now: Timestamp) {
        self.handle_dial(dial, outcome, now);
    }

    fn is_pinned(&self) -> bool {
        self.mode() == Mode::Pinned
    }
}
