use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::fmt;
use std::time::Duration;

use failback::{
    Attempt, Call, Decision, Dial, DialOutcome, Failure, GiveUp, Mode, Outcome, Policy, Stage, Timestamp,
    Verdict, whole_millis,
};
use serde_json::{Map, Value, json};

use super::parse::{Action, Step, Vector};

/// What the policy said to one step.
#[derive(Clone, Debug)]
pub struct StepReport {
    /// Which step, from 1.
    pub step: usize,
    /// When, in milliseconds.
    pub at_ms: u64,
    /// What happened: the step's `do`.
    pub action: String,
    /// To which call, if to one.
    pub call: Option<String>,
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
                at_ms: step.at_ms,
                action: step.word.clone(),
                call,
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

impl<'a> Runner<'a> {
    fn new(vector: &'a Vector) -> Self {
        Self {
            vector,
            policy: Policy::new(vector.config, vector.seed, Timestamp::ZERO),
            waiting: HashMap::new(),
            running: HashMap::new(),
            dials: HashMap::new(),
        }
    }

    fn step(&mut self, step: &Step) -> Result<Map<String, Value>, String> {
        let mut now = Timestamp::from_millis(step.at_ms);
        let mut got = Map::new();
        match &step.action {
            Action::Call { call, over } => {
                self.check_is_new(call)?;
                let attempt = match over {
                    None => self.policy.begin_call(now),
                    Some(why) => {
                        let call = self.policy.open_call_over_sse(now, *why);
                        self.policy.begin_attempt_now(call, now)
                    }
                };
                self.began(call, Decision::Start(attempt), &mut got);
            }
            Action::Begin { call } => {
                let waiting = take(&mut self.waiting, call, "waiting for an attempt")?;
                self.begin(call, waiting, now, &mut got);
            }
            Action::Progress { call } => {
                let attempt = self.running.get(call).ok_or_else(|| no(call, "being attempted"))?;
                self.policy.handle_progress(attempt, now);
            }
            Action::Complete { call } => self.end(call, Outcome::Completed, now, &mut got)?,
            Action::End { call } => self.end(call, Outcome::Ended, now, &mut got)?,
            Action::Cancel { call } => self.end(call, Outcome::Cancelled, now, &mut got)?,
            Action::Fail(fail) => self.end(&fail.call, Outcome::Failed(fail.failure()), now, &mut got)?,
            Action::Exhausted(fail) => {
                self.end(&fail.call, Outcome::RetriesExhausted(fail.failure()), now, &mut got)?;
            }
            Action::Divert { call } => {
                let attempt = take(&mut self.running, call, "being attempted")?;
                let (moved, dial) = self.policy.divert(attempt, now);
                got.insert("retry_at_ms".into(), millis(moved.ready_at()).into());
                self.waiting.insert(call.clone(), moved);
                self.keep_dial(call, dial)?;
            }
            Action::WarmUp { call } => {
                let dial = self.policy.warm_up(now);
                got.insert("dial".into(), dial.is_some().into());
                if let Some(dial) = dial {
                    self.keep_dial(call, dial)?;
                }
            }
            Action::Adopt { call } => {
                self.check_is_new(call)?;
                let dial = take(&mut self.dials, call, "dialling")?;
                let adopted = self.policy.adopt(dial, now);
                got.insert("dial".into(), adopted.is_err().into());
                match adopted {
                    Ok(attempt) => self.began(call, Decision::Start(attempt), &mut got),
                    Err(dial) => self.keep_dial(call, dial)?,
                }
            }
            Action::DialOpened { call } => self.end_dial(call, DialOutcome::Opened, now)?,
            Action::DialFailed { call, blame } => {
                let failure = Failure::new(*blame, Stage::Connecting);
                self.end_dial(call, DialOutcome::Failed(failure), now)?;
            }
            Action::DialAbandoned { call } => self.end_dial(call, DialOutcome::Abandoned, now)?,
            Action::Tick {} => self.policy.handle_timeout(now),
            Action::NetworkChanged {} => self.policy.handle_network_change(now),
            Action::Restart { down_ms } => {
                let down = Duration::from_millis(*down_ms);
                let snapshot = self.policy.snapshot(now);
                now = now.saturating_add(down);
                self.policy = Policy::restore(self.vector.config, self.vector.seed, &snapshot, down, now);
                self.waiting.clear();
                self.running.clear();
                self.dials.clear();
            }
            Action::Check {} => self.policy.handle_timeout(now),
        }
        self.observe(now, &mut got);
        Ok(got)
    }

    fn check_is_new(&self, call: &str) -> Result<(), String> {
        if self.waiting.contains_key(call) || self.running.contains_key(call) {
            return Err(format!("call `{call}` is open already"));
        }
        Ok(())
    }

    fn keep_dial(&mut self, call: &str, dial: Dial) -> Result<(), String> {
        match self.dials.entry(call.to_owned()) {
            Entry::Occupied(_) => Err(format!("call `{call}` has left a dial already")),
            Entry::Vacant(vacant) => {
                vacant.insert(dial);
                Ok(())
            }
        }
    }

    fn begin(&mut self, name: &str, call: Call, now: Timestamp, got: &mut Map<String, Value>) {
        let decision = self.policy.begin_attempt(call, now);
        self.began(name, decision, got);
    }

    fn began(&mut self, name: &str, decision: Decision, got: &mut Map<String, Value>) {
        match decision {
            Decision::Start(attempt) => {
                got.insert("start".into(), attempt.transport().as_str().into());
                got.insert("reason".into(), attempt.reason().as_str().into());
                got.insert("probe".into(), attempt.is_probe().into());
                self.running.insert(name.to_owned(), attempt);
            }
            Decision::Wait(call) => {
                got.insert("wait_until_ms".into(), millis(call.ready_at()).into());
                self.waiting.insert(name.to_owned(), call);
            }
        }
    }

    fn end(
        &mut self,
        name: &str,
        outcome: Outcome,
        now: Timestamp,
        got: &mut Map<String, Value>,
    ) -> Result<(), String> {
        let attempt = take(&mut self.running, name, "being attempted")?;
        let verdict = match self.policy.handle_outcome(attempt, outcome, now) {
            Verdict::Done => "done",
            Verdict::Retry(call) => {
                got.insert("retry_at_ms".into(), millis(call.ready_at()).into());
                self.waiting.insert(name.to_owned(), call);
                "retry"
            }
            Verdict::GiveUp(give_up) => {
                got.insert("give_up".into(), give_up.as_str().into());
                if let GiveUp::ServerBusy { retry_after } = give_up {
                    got.insert("retry_after_ms".into(), json!(retry_after.as_millis() as u64));
                }
                "give_up"
            }
        };
        got.insert("verdict".into(), verdict.into());
        Ok(())
    }

    fn end_dial(&mut self, name: &str, outcome: DialOutcome, now: Timestamp) -> Result<(), String> {
        let dial = take(&mut self.dials, name, "dialling")?;
        self.policy.handle_dial(dial, outcome, now);
        Ok(())
    }

    fn observe(&self, now: Timestamp, got: &mut Map<String, Value>) {
        let until = |at: Timestamp| whole_millis(at.saturating_duration_since(now));
        let mode = self.policy.mode();
        let retry_in = match mode {
            Mode::FailedOver { retry_at } => Some(until(retry_at)),
            _ => None,
        };
        got.insert("mode".into(), mode.as_str().into());
        got.insert("retry_in_ms".into(), retry_in.into());
        got.insert("recoveries_left".into(), self.policy.recoveries_left().into());
        got.insert("wake_in_ms".into(), self.policy.poll_timeout().map(until).into());
    }
}

fn take<T>(from: &mut HashMap<String, T>, call: &str, state: &str) -> Result<T, String> {
    from.remove(call).ok_or_else(|| no(call, state))
}

fn no(call: &str, state: &str) -> String {
    format!("no call `{call}` is {state}")
}

fn millis(at: Timestamp) -> u64 {
    whole_millis(at.saturating_duration_since(Timestamp::ZERO))
}
