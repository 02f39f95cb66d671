use core::ops::ControlFlow;
use core::time::Duration;
use std::boxed::Box;
use std::sync::Arc;

use crate::record::{Answer, Answered, Asked, Name, Record};
use crate::{
    Attempt, Call, Decision, Dial, DialOutcome, Outcome, OverSse, Policy, Snapshot, Timestamp, Verdict,
};

pub(crate) type Recorder = Box<dyn FnMut(&Record<'_>) -> ControlFlow<()> + Send>;

/// What is called after the recorder, where nothing is locked.
pub(crate) type Then = Arc<dyn Fn() + Send + Sync>;

/// The name of a dial that nobody records.
pub(crate) const NAMELESS: Name = Name::Dial(0);

/// Asks a policy, and tells the recorder what was asked and answered. There is a method for each of the
/// policy's that is recorded.
pub(crate) struct Recording {
    recorder: Recorder,
    then: Option<Then>,
    /// How many dials ahead of calls were asked for.
    dials: u32,
    /// The recorder wants no more.
    is_over: bool,
}

impl Recording {
    pub(crate) fn new(recorder: Recorder, then: Option<Then>) -> Self {
        Self { recorder, then, dials: 0, is_over: false }
    }

    /// What is to be called when nothing is locked.
    pub(crate) fn then(&self) -> Option<Then> {
        self.then.clone()
    }

    pub(crate) const fn is_over(&self) -> bool {
        self.is_over
    }

    fn tell(&mut self, name: Option<Name>, asked: Asked<'_>, answer: Answer<'_>, policy: &Policy) {
        if !self.is_over {
            let answered = Answered { answer, policy, at: policy.now() };
            self.is_over = (self.recorder)(&Record { name, asked, answered }).is_break();
        }
    }

    pub(crate) fn open_call(&mut self, over: Option<OverSse>, policy: &mut Policy, now: Timestamp) -> Call {
        let mut call = match over {
            None => policy.open_call(now),
            Some(why) => policy.open_call_over_sse(now, why),
        };
        let name = Name::Call(policy.number_call(&mut call));
        self.tell(Some(name), Asked::OpenCall(over), Answer::Call(&call), policy);
        call
    }

    pub(crate) fn begin_call(&mut self, (): (), policy: &mut Policy, now: Timestamp) -> Attempt {
        let mut attempt = policy.begin_call(now);
        let name = Name::Call(policy.number_attempt(&mut attempt));
        self.tell(Some(name), Asked::BeginCall, Answer::Attempt(&attempt), policy);
        attempt
    }

    pub(crate) fn begin_attempt(&mut self, call: Call, policy: &mut Policy, now: Timestamp) -> Decision {
        let name = Name::Call(call.history.id);
        let decision = policy.begin_attempt(call, now);
        self.tell(Some(name), Asked::BeginAttempt, Answer::Decision(&decision), policy);
        decision
    }

    pub(crate) fn begin_attempt_now(&mut self, call: Call, policy: &mut Policy, now: Timestamp) -> Attempt {
        let attempt = policy.begin_attempt_now(call, now);
        self.tell(Some(name_of(&attempt)), Asked::BeginAttemptNow, Answer::Attempt(&attempt), policy);
        attempt
    }

    pub(crate) fn progress(&mut self, attempt: &Attempt, policy: &mut Policy, now: Timestamp) {
        policy.handle_progress(attempt, now);
        self.tell(Some(name_of(attempt)), Asked::Progress(attempt), Answer::Nothing, policy);
    }

    pub(crate) fn outcome(
        &mut self,
        (attempt, outcome): (Attempt, Outcome),
        policy: &mut Policy,
        now: Timestamp,
    ) -> Verdict {
        let name = name_of(&attempt);
        let verdict = policy.handle_outcome(attempt, outcome, now);
        self.tell(Some(name), Asked::Outcome(&outcome), Answer::Verdict(&verdict), policy);
        verdict
    }

    pub(crate) fn cancel(&mut self, attempt: &Attempt, policy: &mut Policy, now: Timestamp) {
        policy.cancel(attempt, now);
        let (asked, answer) = (Asked::Outcome(&Outcome::Cancelled), Answer::Verdict(&Verdict::Done));
        self.tell(Some(name_of(attempt)), asked, answer, policy);
    }

    pub(crate) fn divert(
        &mut self,
        attempt: Attempt,
        policy: &mut Policy,
        now: Timestamp,
    ) -> (Call, Dial, Name) {
        let name = name_of(&attempt);
        let (call, dial) = policy.divert(attempt, now);
        self.tell(Some(name), Asked::Divert, Answer::Diverted(&call), policy);
        (call, dial, name)
    }

    pub(crate) fn warm_up(&mut self, (): (), policy: &mut Policy, now: Timestamp) -> (Option<Dial>, Name) {
        let dial = policy.warm_up(now);
        self.dial_ahead(Asked::WarmUp, dial, policy)
    }

    pub(crate) fn poll_probe(&mut self, (): (), policy: &mut Policy, now: Timestamp) -> (Option<Dial>, Name) {
        let dial = policy.poll_probe(now);
        self.dial_ahead(Asked::PollProbe, dial, policy)
    }

    fn dial_ahead(&mut self, asked: Asked<'_>, dial: Option<Dial>, policy: &Policy) -> (Option<Dial>, Name) {
        self.dials = self.dials.wrapping_add(1);
        let name = Name::Dial(self.dials);
        self.tell(Some(name), asked, Answer::Dial(dial.is_some()), policy);
        (dial, name)
    }

    pub(crate) fn adopt(
        &mut self,
        (dial, name): (Dial, Name),
        policy: &mut Policy,
        now: Timestamp,
    ) -> Result<Attempt, Dial> {
        let mut adopted = policy.adopt(dial, now);
        let call = match &mut adopted {
            Ok(attempt) => Name::Call(policy.number_attempt(attempt)),
            Err(_) => name,
        };
        self.tell(Some(call), Asked::Adopt(name), Answer::Adopted(adopted.as_ref().ok()), policy);
        adopted
    }

    pub(crate) fn dial(
        &mut self,
        (dial, name, outcome): (Dial, Name, DialOutcome),
        policy: &mut Policy,
        now: Timestamp,
    ) {
        policy.handle_dial(dial, outcome, now);
        self.tell(Some(name), Asked::Dial(&outcome), Answer::Nothing, policy);
    }

    pub(crate) fn timeout(&mut self, (): (), policy: &mut Policy, now: Timestamp) {
        policy.handle_timeout(now);
        self.tell(None, Asked::Timeout, Answer::Nothing, policy);
    }

    pub(crate) fn network_change(&mut self, (): (), policy: &mut Policy, now: Timestamp) {
        policy.handle_network_change(now);
        self.tell(None, Asked::NetworkChange, Answer::Nothing, policy);
    }

    pub(crate) fn learn(
        &mut self,
        (snapshot, elapsed): (&Snapshot, Duration),
        policy: &mut Policy,
        now: Timestamp,
    ) -> bool {
        // As it is written.
        let snapshot = snapshot.in_whole_millis();
        let learned = policy.learn(&snapshot, elapsed, now);
        self.tell(None, Asked::Learn(&snapshot, elapsed), Answer::Learned(learned), policy);
        learned
    }

    pub(crate) fn hold_probe(&mut self, by: Duration, policy: &mut Policy, now: Timestamp) {
        policy.hold_probe(by, now);
        self.tell(None, Asked::HoldProbe(by), Answer::Nothing, policy);
    }
}

const fn name_of(attempt: &Attempt) -> Name {
    Name::Call(attempt.history.id)
}
