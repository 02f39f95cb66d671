use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::fmt;
use std::time::Duration;

use failback::record::{Answer, Answered};
use failback::{
    Attempt, Call, Decision, Dial, DialOutcome, Failure, Outcome, OverSse, Policy, Stage, Timestamp, Verdict,
};
use serde_json::{Map, Value};

use super::step::{Action, Step};
use super::vector::Vector;

/// What the policy said to one step.
#[derive(Clone, Debug)]
pub struct StepReport {
    /// Which step, from 1.
    pub step: usize,
    /// When, in milliseconds, rounded down.
    pub at_ms: u64,
    /// When.
    pub at: Timestamp,
    /// What happened: the step's `do`.
    pub action: String,
    /// To which call, if to one.
    pub call: Option<String>,
    /// The dial that the call waits for from now on, where it is not called as the call.
    pub dial: Option<String>,
    /// What was observed, under the keys that `expect` knows.
    pub got: Map<String, Value>,
    /// Where that differs from what the step expects.
    pub mismatches: Vec<Mismatch>,
}

/// One expectation that was not met.
#[derive(Clone, Debug, PartialEq)]
pub struct Mismatch {
    /// Which key.
    pub key: String,
    /// What the vector says.
    pub expected: Value,
    /// What the policy said; `null` if it said nothing.
    pub got: Value,
}

/// A step that makes no sense where it stands: no such call, or one of that name already.
#[derive(Debug)]
pub struct RunError {
    step: usize,
    problem: String,
}

impl fmt::Display for RunError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "step {}: {}", self.step, self.problem)
    }
}

impl std::error::Error for RunError {}

impl Vector {
    /// Runs the vector through a new policy, and hands each step's report to `observe` as it is made.
    ///
    /// # Errors
    /// A step that makes no sense where it stands.
    pub fn run(&self, mut observe: impl FnMut(StepReport)) -> Result<(), RunError> {
        let mut runner = Runner::new(self);
        for (step, n) in self.steps.iter().zip(1..) {
            let got = runner.step(step).map_err(|problem| RunError { step: n, problem })?;
            let mismatches = step
                .expect
                .iter()
                .map(|(key, expected)| (key, expected, got.get(key).unwrap_or(&Value::Null)))
                .filter(|(_, expected, got)| expected != got)
                .map(|(key, expected, got)| Mismatch {
                    key: key.clone(),
                    expected: expected.clone(),
                    got: got.clone(),
                })
                .collect();
            let call = step.action.call().map(str::to_owned);
            observe(StepReport {
                step: n,
                at_ms: step.at.as_nanos() / 1_000_000,
                at: step.at,
                action: step.word.clone(),
                call,
                dial: step.action.dial().map(str::to_owned),
                got,
                mismatches,
            });
        }
        Ok(())
    }
}

struct Runner<'a> {
    vector: &'a Vector,
    policy: Policy,
    waiting: HashMap<String, Call>,
    running: HashMap<String, Attempt>,
    dials: HashMap<String, Dial>,
}

/// What was answered, under the keys that `expect` knows.
type Got = Map<String, Value>;

impl<'a> Runner<'a> {
    fn new(vector: &'a Vector) -> Self {
        let Vector { config, seed, .. } = *vector;
        let policy = match vector.trace.as_ref().and_then(|trace| trace.snapshot) {
            Some((snapshot, elapsed)) => Policy::restore(config, seed, &snapshot, elapsed, vector.begin()),
            None => Policy::new(config, seed, vector.begin()),
        };
        Self { vector, policy, waiting: HashMap::new(), running: HashMap::new(), dials: HashMap::new() }
    }

    fn step(&mut self, step: &Step) -> Result<Got, String> {
        let now = step.at;
        match &step.action {
            Action::Call { call, over } => {
                self.check_is_new(call)?;
                let opened = self.open(*over, now);
                let attempt = self.policy.begin_attempt_now(opened, now);
                Ok(self.run(call, attempt, now))
            }
            Action::Open { call, over } => {
                self.check_is_new(call)?;
                let opened = self.open(*over, now);
                let got = self.got(Answer::Call(&opened), now);
                self.waiting.insert(call.clone(), opened);
                Ok(got)
            }
            Action::Begin { call } => {
                let waiting = take(&mut self.waiting, call, "waiting for an attempt")?;
                let decision = self.policy.begin_attempt(waiting, now);
                let got = self.got(Answer::Decision(&decision), now);
                match decision {
                    Decision::Start(attempt) => drop(self.running.insert(call.clone(), attempt)),
                    Decision::Wait(waiting) => drop(self.waiting.insert(call.clone(), waiting)),
                }
                Ok(got)
            }
            Action::BeginNow { call } => {
                let waiting = take(&mut self.waiting, call, "waiting for an attempt")?;
                let attempt = self.policy.begin_attempt_now(waiting, now);
                Ok(self.run(call, attempt, now))
            }
            Action::Progress { call } => {
                let attempt = self.running.get(call).ok_or_else(|| no(call, "being attempted"))?;
                self.policy.handle_progress(attempt, now);
                Ok(self.got(Answer::Nothing, now))
            }
            Action::Complete { call } => self.end(call, Outcome::Completed, now),
            Action::End { call } => self.end(call, Outcome::Ended, now),
            Action::Cancel { call } => self.end(call, Outcome::Cancelled, now),
            Action::Fail(fail) => self.end(&fail.call, Outcome::Failed(fail.failure()), now),
            Action::Exhausted(fail) => self.end(&fail.call, Outcome::RetriesExhausted(fail.failure()), now),
            Action::Divert { call } => {
                let attempt = take(&mut self.running, call, "being attempted")?;
                let (moved, dial) = self.policy.divert(attempt, now);
                let got = self.got(Answer::Diverted(&moved), now);
                self.waiting.insert(call.clone(), moved);
                self.keep_dial(call, dial)?;
                Ok(got)
            }
            Action::WarmUp { call } => {
                let dial = self.policy.warm_up(now);
                self.dial_ahead(call, dial, now)
            }
            Action::PollProbe { call } => {
                let dial = self.policy.poll_probe(now);
                self.dial_ahead(call, dial, now)
            }
            Action::Adopt { call, dial } => self.adopt(call, dial.as_ref().unwrap_or(call), now),
            Action::DialOpened { call } => self.end_dial(call, DialOutcome::Opened, now),
            Action::DialFailed { call, blame } => {
                let failure = Failure::new(*blame, Stage::Connecting);
                self.end_dial(call, DialOutcome::Failed(failure), now)
            }
            Action::DialAbandoned { call } => self.end_dial(call, DialOutcome::Abandoned, now),
            Action::Tick {} | Action::Check {} => {
                self.policy.handle_timeout(now);
                Ok(self.got(Answer::Nothing, now))
            }
            Action::NetworkChanged {} => {
                self.policy.handle_network_change(now);
                Ok(self.got(Answer::Nothing, now))
            }
            Action::Restart { down_ms } => Ok(self.restart(Duration::from_millis(*down_ms), now)),
            Action::Learn { snapshot, elapsed_ns } => {
                let learned = self.policy.learn(snapshot, Duration::from_nanos(*elapsed_ns), now);
                Ok(self.got(Answer::Learned(learned), now))
            }
            Action::HoldProbe { by_ns } => {
                self.policy.hold_probe(Duration::from_nanos(*by_ns), now);
                Ok(self.got(Answer::Nothing, now))
            }
        }
    }

    fn check_is_new(&self, call: &str) -> Result<(), String> {
        if self.waiting.contains_key(call) || self.running.contains_key(call) {
            return Err(format!("call `{call}` is open already"));
        }
        Ok(())
    }

    fn open(&mut self, over: Option<OverSse>, now: Timestamp) -> Call {
        let mut call = match over {
            None => self.policy.open_call(now),
            Some(why) => self.policy.open_call_over_sse(now, why),
        };
        // As whoever recorded it did, or its waits would have other jitter.
        if self.vector.is_trace() {
            self.policy.number_call(&mut call);
        }
        call
    }

    /// The attempt has begun.
    fn run(&mut self, call: &str, attempt: Attempt, now: Timestamp) -> Got {
        let got = self.got(Answer::Attempt(&attempt), now);
        self.running.insert(call.to_owned(), attempt);
        got
    }

    fn end(&mut self, call: &str, outcome: Outcome, now: Timestamp) -> Result<Got, String> {
        let attempt = take(&mut self.running, call, "being attempted")?;
        let verdict = self.policy.handle_outcome(attempt, outcome, now);
        let got = self.got(Answer::Verdict(&verdict), now);
        if let Verdict::Retry(waiting) = verdict {
            self.waiting.insert(call.to_owned(), waiting);
        }
        Ok(got)
    }

    fn dial_ahead(&mut self, name: &str, dial: Option<Dial>, now: Timestamp) -> Result<Got, String> {
        let got = self.got(Answer::Dial(dial.is_some()), now);
        match dial {
            Some(dial) => self.keep_dial(name, dial).map(|()| got),
            None => Ok(got),
        }
    }

    fn keep_dial(&mut self, name: &str, dial: Dial) -> Result<(), String> {
        match self.dials.entry(name.to_owned()) {
            Entry::Occupied(_) => Err(format!("call `{name}` has left a dial already")),
            Entry::Vacant(vacant) => {
                vacant.insert(dial);
                Ok(())
            }
        }
    }

    fn adopt(&mut self, call: &str, name: &str, now: Timestamp) -> Result<Got, String> {
        let dial = take(&mut self.dials, name, "dialling")?;
        match self.policy.adopt(dial, now) {
            Ok(mut attempt) => {
                self.check_is_new(call)?;
                if self.vector.is_trace() {
                    self.policy.number_attempt(&mut attempt);
                }
                let got = self.got(Answer::Adopted(Some(&attempt)), now);
                self.running.insert(call.to_owned(), attempt);
                Ok(got)
            }
            Err(dial) => {
                self.keep_dial(name, dial)?;
                Ok(self.got(Answer::Adopted(None), now))
            }
        }
    }

    fn end_dial(&mut self, name: &str, outcome: DialOutcome, now: Timestamp) -> Result<Got, String> {
        let dial = take(&mut self.dials, name, "dialling")?;
        self.policy.handle_dial(dial, outcome, now);
        Ok(self.got(Answer::Nothing, now))
    }

    fn restart(&mut self, down: Duration, now: Timestamp) -> Got {
        let snapshot = self.policy.snapshot(now);
        let now = now.saturating_add(down);
        self.policy = Policy::restore(self.vector.config, self.vector.seed, &snapshot, down, now);
        self.waiting.clear();
        self.running.clear();
        self.dials.clear();
        self.got(Answer::Nothing, now)
    }

    /// What the policy has answered, and how it stands.
    fn got(&self, answer: Answer<'_>, at: Timestamp) -> Got {
        let answered = Answered { answer, policy: &self.policy, at };
        match serde_json::to_value(answered) {
            Ok(Value::Object(got)) => got,
            // An answer is written as an object, and nothing in it can fail to be written.
            _ => Map::new(),
        }
    }
}

fn take<T>(from: &mut HashMap<String, T>, call: &str, state: &str) -> Result<T, String> {
    from.remove(call).ok_or_else(|| no(call, state))
}

fn no(call: &str, state: &str) -> String {
    format!("no call `{call}` is {state}")
}
