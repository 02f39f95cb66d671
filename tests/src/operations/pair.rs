use std::fmt;
use std::time::Duration;

use failback::{
    Attempt, Call, Config, Decision, Dial, DialOutcome, GiveUp, Mode, Outcome, Policy, Reason, Snapshot,
    Timestamp, Transport, Verdict,
};
use serde_json::json;

use super::{Clock, Edge, MadeUp, Operation, Restart};
use crate::model::{Broken, Kept, Model, ModelDecision, ModelMode, ModelVerdict, Span};

/// A policy and its model, with the handles that are out.
#[derive(Debug)]
pub struct Pair {
    config: Config,
    seed: u64,
    broken: Option<Broken>,
    policy: Policy,
    model: Model,
    /// How many transitions each had made when they were last compared.
    transitions: (u32, u64),
    clock: Timestamp,
    calls: Vec<(Call, u64)>,
    attempts: Vec<(Attempt, u64)>,
    dials: Vec<(Dial, u64)>,
    lines: Vec<Line>,
}

/// One operation of a trace, and what the policy made of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Line {
    /// When, by the clock that was told.
    pub at: Timestamp,
    /// What happened.
    pub operation: Operation,
    /// What the policy answered.
    pub seen: Seen,
    /// The mode afterwards.
    pub mode: Mode,
    /// As in the policy.
    pub recoveries_left: u8,
}

/// What the policy answered to an operation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Seen {
    /// It was not asked, or has nothing to say.
    Nothing,
    /// There was nothing to apply the operation to.
    NoSuchHandle,
    /// An attempt began.
    Started {
        /// Where.
        transport: Transport,
        /// Why there.
        reason: Reason,
        /// Whether it is the probe.
        probe: bool,
        /// Which of its call.
        number: u32,
        /// When to divert it.
        divert_at: Option<Timestamp>,
    },
    /// Too early.
    Waits(Timestamp),
    /// The call is over.
    Done,
    /// The call goes on then.
    Retry(Timestamp),
    /// The call has failed.
    GaveUp(GiveUp),
    /// A dial ahead of calls began.
    Dialled,
}

/// The policy and the model see something differently.
pub struct Disagreement {
    what: &'static str,
    policy: String,
    model: String,
    config: Config,
    seed: u64,
    lines: Vec<Line>,
    last: Operation,
    at: Timestamp,
}

impl fmt::Display for Disagreement {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}: the policy says {}, the model {}", self.what, self.policy, self.model)?;
        writeln!(f, "seed {}, {:?}", self.seed, self.config)?;
        for line in &self.lines {
            let Line { at, operation, seen, mode, recoveries_left } = line;
            writeln!(
                f,
                "{:>20} {operation:?} -> {seen:?}; {mode:?}, recoveries {recoveries_left}",
                at.as_nanos()
            )?;
        }
        write!(f, "{:>20} {:?} -> as above", self.at.as_nanos(), self.last)
    }
}

impl fmt::Debug for Disagreement {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl std::error::Error for Disagreement {}

/// What differs.
struct Difference {
    what: &'static str,
    policy: String,
    model: String,
}

fn same<P: fmt::Debug, M: fmt::Debug>(
    what: &'static str,
    is: bool,
    policy: P,
    model: M,
) -> Result<(), Difference> {
    if is {
        return Ok(());
    }
    Err(Difference { what, policy: format!("{policy:?}"), model: format!("{model:?}") })
}

fn equal<T: PartialEq + fmt::Debug>(what: &'static str, policy: T, model: T) -> Result<(), Difference> {
    let is = policy == model;
    same(what, is, policy, model)
}

fn nanos(at: Timestamp) -> u128 {
    at.as_nanos().into()
}

/// The snapshot that somebody made up, and what it should hold.
fn made(up: MadeUp) -> (Snapshot, Kept) {
    let MadeUp { mode, retry_in_ms, cooldown_ms, failures, recoveries_left, convictions, elapsed: _ } = up;
    let json = json!({
        "mode": mode,
        "retry_in_ms": retry_in_ms,
        "cooldown_ms": cooldown_ms,
        "failures": failures,
        "recoveries_left": recoveries_left,
        "convictions": convictions,
    });
    let snapshot = serde_json::from_value(json).expect("any numbers that fit make a snapshot");
    let millis = |millis: u64| Span::exactly(u128::from(millis) * 1_000_000);
    let kept = Kept {
        mode,
        retry_in: millis(retry_in_ms),
        cooldown: millis(cooldown_ms),
        failures: failures.into(),
        recoveries: recoveries_left.into(),
        convictions: convictions.into(),
    };
    (snapshot, kept)
}

/// The handle in that place, counted round and round.
fn take<T>(handles: &mut Vec<T>, which: u8) -> Option<T> {
    (!handles.is_empty()).then(|| handles.remove(usize::from(which) % handles.len()))
}

fn look<T>(handles: &[T], which: u8) -> Option<&T> {
    (!handles.is_empty()).then(|| &handles[usize::from(which) % handles.len()])
}

impl Pair {
    /// A new policy and its model, at the origin of time.
    #[must_use]
    pub fn new(config: Config, seed: u64, broken: Option<Broken>) -> Self {
        Self {
            config,
            seed,
            broken,
            policy: Policy::new(config, seed, Timestamp::ZERO),
            model: Model::new(config, broken, 0),
            transitions: (0, 0),
            clock: Timestamp::ZERO,
            calls: Vec::new(),
            attempts: Vec::new(),
            dials: Vec::new(),
            lines: Vec::new(),
        }
    }

    /// The policy, to ask what else it can tell.
    #[must_use]
    pub fn policy(&self) -> &Policy {
        &self.policy
    }

    /// What has happened.
    #[must_use]
    pub fn lines(&self) -> &[Line] {
        &self.lines
    }

    /// What has happened.
    #[must_use]
    pub fn into_lines(self) -> Vec<Line> {
        self.lines
    }

    /// Applies one operation to both, and compares all that can be observed.
    ///
    /// # Errors
    /// What they see differently, and how it came to that.
    pub fn apply(&mut self, operation: Operation) -> Result<(), Box<Disagreement>> {
        let outcome = self.step(operation).and_then(|seen| {
            self.compare()?;
            Ok(seen)
        });
        match outcome {
            Ok(seen) => {
                self.lines.push(Line {
                    at: self.clock,
                    operation,
                    seen,
                    mode: self.policy.mode(),
                    recoveries_left: self.policy.recoveries_left(),
                });
                Ok(())
            }
            Err(Difference { what, policy, model }) => Err(Box::new(Disagreement {
                what,
                policy,
                model,
                config: self.config,
                seed: self.seed,
                lines: std::mem::take(&mut self.lines),
                last: operation,
                at: self.clock,
            })),
        }
    }

    /// What can be observed at any time.
    fn compare(&mut self) -> Result<(), Difference> {
        let mode = self.policy.mode();
        let expected = self.model.mode();
        let agreed = match (mode, expected) {
            (Mode::Preferred, ModelMode::Preferred)
            | (Mode::Suspected, ModelMode::Suspected { .. })
            | (Mode::Pinned, ModelMode::Pinned) => true,
            (Mode::FailedOver { retry_at }, ModelMode::FailedOver { retry_at: expected, .. }) => {
                expected.contains(nanos(retry_at))
            }
            (Mode::Probing { lease_until }, ModelMode::Probing { lease_until: expected, .. }) => {
                nanos(lease_until) == expected
            }
            _ => false,
        };
        same("mode", agreed, mode, expected)?;
        if let Mode::FailedOver { retry_at } = mode {
            self.model.settle_mode(nanos(retry_at));
        }
        let recoveries = self.policy.recoveries_left();
        equal("recoveries_left", recoveries.into(), self.model.recoveries_left())?;
        equal("trigger", self.policy.trigger(), self.model.trigger())?;
        let before = self.transitions;
        self.transitions = (self.policy.transitions(), self.model.transitions());
        let (policy, model) = (before.0 != self.transitions.0, before.1 != self.transitions.1);
        equal("whether there was a transition", policy, model)?;
        equal("poll_timeout", self.policy.poll_timeout().map(nanos), self.model.poll_timeout())?;
        equal("config", *self.policy.config(), self.config)
    }

    fn step(&mut self, operation: Operation) -> Result<Seen, Difference> {
        let now = self.clock;
        match operation {
            Operation::Open => {
                let call = self.policy.open_call(now);
                let id = self.model.open_call(nanos(now));
                self.opened(call, id)
            }
            Operation::OpenOverSse(why) => {
                let call = self.policy.open_call_over_sse(now, why);
                let id = self.model.open_call_over_sse(nanos(now), why);
                self.opened(call, id)
            }
            Operation::Call => {
                let attempt = self.policy.begin_call(self.clock);
                let id = self.model.open_call(nanos(self.clock));
                let expected = self.model.begin_attempt(id, nanos(self.clock));
                self.began(Decision::Start(attempt), expected, id)
            }
            Operation::Begin(which) => match take(&mut self.calls, which) {
                Some(call) => self.begin(call),
                None => Ok(Seen::NoSuchHandle),
            },
            Operation::BeginNow(which) => match take(&mut self.calls, which) {
                Some((call, id)) => {
                    let attempt = self.policy.begin_attempt_now(call, now);
                    let expected = self.model.begin_attempt_now(id, nanos(now));
                    self.began(Decision::Start(attempt), expected, id)
                }
                None => Ok(Seen::NoSuchHandle),
            },
            Operation::Progress(which) => {
                let Some((attempt, id)) = look(&self.attempts, which) else {
                    return Ok(Seen::NoSuchHandle);
                };
                self.policy.handle_progress(attempt, now);
                self.model.handle_progress(*id, nanos(now));
                Ok(Seen::Nothing)
            }
            Operation::Finish(which, outcome) => match take(&mut self.attempts, which) {
                Some((attempt, id)) => self.finish(attempt, id, outcome),
                None => Ok(Seen::NoSuchHandle),
            },
            Operation::Divert(which) => match take(&mut self.attempts, which) {
                Some((attempt, id)) => self.divert(attempt, id),
                None => Ok(Seen::NoSuchHandle),
            },
            Operation::Dial(which, outcome) => match take(&mut self.dials, which) {
                Some((dial, id)) => {
                    self.end_dial(dial, id, outcome);
                    Ok(Seen::Nothing)
                }
                None => Ok(Seen::NoSuchHandle),
            },
            Operation::PollProbe => {
                let dial = self.policy.poll_probe(now);
                let expected = self.model.poll_probe(nanos(now));
                self.dialled("poll_probe", dial, expected)
            }
            Operation::WarmUp => {
                let dial = self.policy.warm_up(now);
                let expected = self.model.warm_up(nanos(now));
                self.dialled("warm_up", dial, expected)
            }
            Operation::Adopt(which) => match take(&mut self.dials, which) {
                Some((dial, id)) => self.adopt(dial, id),
                None => Ok(Seen::NoSuchHandle),
            },
            Operation::Tick => {
                self.policy.handle_timeout(now);
                self.model.handle_timeout(nanos(now));
                Ok(Seen::Nothing)
            }
            Operation::NetworkChange => {
                self.policy.handle_network_change(now);
                self.model.handle_network_change(nanos(now));
                Ok(Seen::Nothing)
            }
            Operation::Snapshot => self.snapshot().map(|_| Seen::Nothing),
            Operation::Restart(how) => self.restart(how),
            Operation::Restore(made_up) => {
                self.restore(made_up);
                Ok(Seen::Nothing)
            }
            Operation::Learn(made_up) => self.learn(made_up),
            Operation::HoldProbe(by) => {
                self.policy.hold_probe(by, now);
                self.model.hold_probe(by, nanos(now));
                Ok(Seen::Nothing)
            }
            Operation::Clock(how) => Ok(self.turn(how)),
            Operation::LoseCall(which) => Ok(match take(&mut self.calls, which) {
                Some((_, id)) => {
                    self.model.forget_call(id);
                    Seen::Nothing
                }
                None => Seen::NoSuchHandle,
            }),
            Operation::LoseAttempt(which) => Ok(match take(&mut self.attempts, which) {
                Some((_, id)) => {
                    self.model.forget_attempt(id);
                    Seen::Nothing
                }
                None => Seen::NoSuchHandle,
            }),
            Operation::LoseDial(which) => Ok(match take(&mut self.dials, which) {
                Some((_, id)) => {
                    self.model.forget_dial(id);
                    Seen::Nothing
                }
                None => Seen::NoSuchHandle,
            }),
        }
    }

    fn opened(&mut self, call: Call, id: u64) -> Result<Seen, Difference> {
        equal("ready_at of a new call", nanos(call.ready_at()), self.model.now())?;
        equal("where a new call has moved", call.moved(), self.model.moved(id))?;
        self.calls.push((call, id));
        Ok(Seen::Nothing)
    }

    fn begin(&mut self, (call, call_id): (Call, u64)) -> Result<Seen, Difference> {
        let decision = self.policy.begin_attempt(call, self.clock);
        let expected = self.model.begin_attempt(call_id, nanos(self.clock));
        self.began(decision, expected, call_id)
    }

    fn began(
        &mut self,
        decision: Decision,
        expected: ModelDecision,
        call_id: u64,
    ) -> Result<Seen, Difference> {
        match (decision, expected) {
            (Decision::Start(attempt), ModelDecision::Start { id, .. }) => {
                let (transport, reason) = (attempt.transport(), attempt.reason());
                let (probe, number) = (attempt.is_probe(), attempt.number());
                let divert_at = attempt.divert_at();
                let started = ModelDecision::Start {
                    id,
                    transport,
                    reason,
                    probe,
                    number: number.into(),
                    divert_at: divert_at.map(nanos),
                };
                equal("attempt", started, expected)?;
                self.attempts.push((attempt, id));
                Ok(Seen::Started { transport, reason, probe, number, divert_at })
            }
            (Decision::Wait(call), ModelDecision::Wait(ready_at)) => {
                equal("ready_at of a call that waits", nanos(call.ready_at()), ready_at)?;
                let seen = Seen::Waits(call.ready_at());
                self.calls.push((call, call_id));
                Ok(seen)
            }
            (decision, expected) => same("decision", false, decision, expected).map(|()| Seen::Nothing),
        }
    }

    fn finish(&mut self, attempt: Attempt, id: u64, outcome: Outcome) -> Result<Seen, Difference> {
        let call_id = self.model.call_of_attempt(id);
        let verdict = self.policy.handle_outcome(attempt, outcome, self.clock);
        let stayed = self.policy.mode() == Mode::Preferred;
        let expected = self.model.handle_outcome(id, outcome, nanos(self.clock), stayed);
        match (verdict, expected) {
            (Verdict::Done, ModelVerdict::Done) => Ok(Seen::Done),
            (Verdict::Retry(call), ModelVerdict::Retry(span)) => {
                let ready_at = call.ready_at();
                same("ready_at after a failure", span.contains(nanos(ready_at)), ready_at, span)?;
                self.model.settle_call(call_id, nanos(ready_at));
                equal("where a call has moved", call.moved(), self.model.moved(call_id))?;
                self.calls.push((call, call_id));
                Ok(Seen::Retry(ready_at))
            }
            (Verdict::GiveUp(why), ModelVerdict::GiveUp(expected)) => {
                equal("give_up", why, expected)?;
                Ok(Seen::GaveUp(why))
            }
            (verdict, expected) => same("verdict", false, verdict, expected).map(|()| Seen::Nothing),
        }
    }

    fn divert(&mut self, attempt: Attempt, id: u64) -> Result<Seen, Difference> {
        let (call, dial) = self.policy.divert(attempt, self.clock);
        let (call_id, dial_id) = self.model.divert(id, nanos(self.clock));
        let ready_at = call.ready_at();
        equal("ready_at after a divert", nanos(ready_at), self.model.now())?;
        equal("where a diverted call has moved", call.moved(), self.model.moved(call_id))?;
        self.calls.push((call, call_id));
        self.dials.push((dial, dial_id));
        Ok(Seen::Retry(ready_at))
    }

    fn end_dial(&mut self, dial: Dial, id: u64, outcome: DialOutcome) {
        self.policy.handle_dial(dial, outcome, self.clock);
        self.model.handle_dial(id, outcome, nanos(self.clock));
    }

    fn adopt(&mut self, dial: Dial, id: u64) -> Result<Seen, Difference> {
        match (self.policy.adopt(dial, self.clock), self.model.adopt(id, nanos(self.clock))) {
            (Ok(attempt), Some((call, expected))) => self.began(Decision::Start(attempt), expected, call),
            (Err(dial), None) => {
                self.dials.push((dial, id));
                Ok(Seen::Nothing)
            }
            (adopted, expected) => same("adoption", false, adopted, expected).map(|()| Seen::Nothing),
        }
    }

    fn dialled(
        &mut self,
        what: &'static str,
        dial: Option<Dial>,
        expected: Option<u64>,
    ) -> Result<Seen, Difference> {
        equal(what, dial.is_some(), expected.is_some())?;
        Ok(match dial.zip(expected) {
            Some(dial) => {
                self.dials.push(dial);
                Seen::Dialled
            }
            None => Seen::Nothing,
        })
    }

    fn snapshot(&mut self) -> Result<Snapshot, Difference> {
        let before = self.policy.snapshot(self.clock);
        // What a snapshot finds out by the time alone is found out again, and alike, by the next method.
        self.policy.handle_timeout(self.clock);
        self.model.handle_timeout(nanos(self.clock));
        self.compare()?;
        let snapshot = self.policy.snapshot(self.clock);
        equal("a snapshot before and after a tick", before, snapshot)?;

        let kept = self.model.snapshot();
        let json = serde_json::to_value(snapshot).expect("a snapshot is plain data");
        let number = |key: &str| u128::from(json[key].as_u64().unwrap_or(u64::MAX));
        equal("mode of a snapshot", json["mode"].as_str().unwrap_or_default(), kept.mode)?;
        let within = |what, key: &str, span: Span| {
            let millis = |nanos: u128| nanos.div_ceil(1_000_000);
            let is = millis(span.least) <= number(key) && number(key) <= millis(span.most);
            same(what, is, number(key), span)
        };
        within("retry_in of a snapshot", "retry_in_ms", kept.retry_in)?;
        within("cooldown of a snapshot", "cooldown_ms", kept.cooldown)?;
        equal("failures of a snapshot", number("failures"), kept.failures)?;
        equal("recoveries of a snapshot", number("recoveries_left"), kept.recoveries)?;
        equal("convictions of a snapshot", number("convictions"), kept.convictions)?;
        Ok(snapshot)
    }

    fn restart(&mut self, how: Restart) -> Result<Seen, Difference> {
        let mut snapshot = self.snapshot()?;
        let mut kept = self.model.snapshot();
        if how.through_json {
            let text = serde_json::to_string(&snapshot).expect("a snapshot is plain data");
            snapshot = serde_json::from_str(&text).expect("what was written can be read");
            kept = kept.in_whole_millis();
        }
        self.config = how.config.unwrap_or(self.config);
        self.policy = Policy::restore(self.config, self.seed, &snapshot, how.down, self.clock);
        let model = Model::restore(self.config, self.broken, &kept, how.down, nanos(self.clock));
        let before = std::mem::replace(&mut self.model, model);
        if how.handles_survive {
            self.model.inherit(before);
        } else {
            self.drop_handles();
        }
        self.transitions = (self.policy.transitions(), self.model.transitions());
        Ok(Seen::Nothing)
    }

    fn restore(&mut self, made_up: MadeUp) {
        let (snapshot, kept) = made(made_up);
        let elapsed = made_up.elapsed;
        self.policy = Policy::restore(self.config, self.seed, &snapshot, elapsed, self.clock);
        self.model = Model::restore(self.config, self.broken, &kept, elapsed, nanos(self.clock));
        self.transitions = (self.policy.transitions(), self.model.transitions());
        self.drop_handles();
    }

    fn learn(&mut self, made_up: MadeUp) -> Result<Seen, Difference> {
        let (snapshot, kept) = made(made_up);
        let learned = self.policy.learn(&snapshot, made_up.elapsed, self.clock);
        let expected = self.model.learn(&kept, made_up.elapsed, nanos(self.clock));
        equal("whether a snapshot is news", learned, expected)?;
        Ok(Seen::Nothing)
    }

    fn drop_handles(&mut self) {
        self.calls.clear();
        self.attempts.clear();
        self.dials.clear();
    }

    fn turn(&mut self, how: Clock) -> Seen {
        let (to, edge) = match how {
            Clock::Forward(by) => (Some(self.clock.saturating_add(by)), Edge::At),
            Clock::Back(by) => {
                let left = self.clock.saturating_duration_since(Timestamp::from_elapsed(by));
                (Some(Timestamp::from_elapsed(left)), Edge::At)
            }
            Clock::Wake(edge) => (self.policy.poll_timeout(), edge),
            Clock::Ready(which, edge) => (look(&self.calls, which).map(|(call, _)| call.ready_at()), edge),
            Clock::Divert(which, edge) => {
                (look(&self.attempts, which).and_then(|(attempt, _)| attempt.divert_at()), edge)
            }
        };
        let Some(to) = to else {
            return Seen::NoSuchHandle;
        };
        self.clock = match edge {
            Edge::Before => Timestamp::from_nanos(to.as_nanos().saturating_sub(1)),
            Edge::At => to,
            Edge::After => to.saturating_add(Duration::from_nanos(1)),
        };
        Seen::Nothing
    }
}
