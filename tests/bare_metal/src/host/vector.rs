//! Vectors as they are written, and what they expect.

use std::collections::HashMap;
use std::time::Duration;

use failback::{Blame, Config, DialOutcome, Failure, Mode, Outcome, OverSse, Stage, Timestamp};
use failback_bare_metal::runner::{self, SLOTS, Said, Seen, Variant};
use failback_bare_metal::script::{Action, Step, Writer};
use serde::Deserialize;
use serde_json::{Map, Value, json};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Vector {
    #[serde(rename = "name")]
    _name: String,
    #[serde(rename = "source")]
    _source: String,
    #[serde(default)]
    config: Config,
    #[serde(default)]
    seed: u64,
    steps: Vec<Written>,
}

/// A step. All fields of all kinds of steps: that they fit together is for `failback replay` to check.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    at_ms: u64,
    r#do: String,
    call: Option<String>,
    over: Option<String>,
    stage: Option<String>,
    blame: Option<String>,
    #[serde(default)]
    committed: bool,
    retry_after_ms: Option<u64>,
    #[serde(default)]
    down_ms: u64,
    #[serde(default)]
    expect: Map<String, Value>,
}

impl Vector {
    /// As one vector of a script.
    pub(crate) fn to_bytes(&self) -> Result<Vec<u8>, String> {
        let mut writer = Writer::default();
        writer.head(&self.config, self.seed);
        let mut slots = HashMap::new();
        for (written, n) in self.steps.iter().zip(1..) {
            let slot = match &written.call {
                Some(call) => {
                    let next = slots.len();
                    *slots.entry(call.as_str()).or_insert(next)
                }
                None => 0,
            };
            let slot = u8::try_from(slot).ok().filter(|&slot| usize::from(slot) < SLOTS);
            let slot = slot.ok_or_else(|| format!("more than {SLOTS} calls"))?;
            let action = written.action(slot).map_err(|problem| format!("step {n}: {problem}"))?;
            writer.step(&Step { at: Timestamp::from_millis(written.at_ms), action });
        }
        Ok(writer.finish())
    }

    /// Whether the runner sees what the steps expect.
    pub(crate) fn check(&self, bytes: &[u8]) -> Result<(), String> {
        // Without the length in front.
        let vector = bytes.get(4..).unwrap_or_default();
        let mut seen = Vec::new();
        runner::run(vector, Variant::AsWritten, |step| seen.push(*step));
        if seen.len() != self.steps.len() {
            return Err(format!("{} steps were written, and {} read", self.steps.len(), seen.len()));
        }
        for ((written, seen), n) in self.steps.iter().zip(&seen).zip(1..) {
            let got = observed(seen);
            if seen.said == Said::Misplaced {
                return Err(format!("step {n} makes no sense there"));
            }
            for (key, expected) in &written.expect {
                let got = got.get(key).unwrap_or(&Value::Null);
                if got != expected {
                    return Err(format!("step {n}: {key}: expected {expected}, got {got}"));
                }
            }
        }
        Ok(())
    }
}

impl Written {
    fn action(&self, slot: u8) -> Result<Action, String> {
        Ok(match self.r#do.as_str() {
            "call" => match self.over.as_deref() {
                None => Action::Call(slot),
                Some("sse_only") => Action::CallOverSse(slot, OverSse::SseOnly),
                Some("too_large") => Action::CallOverSse(slot, OverSse::TooLarge),
                Some(other) => return Err(format!("`{other}` is no reason to go over SSE")),
            },
            "begin" => Action::Begin(slot),
            "progress" => Action::Progress(slot),
            "complete" => Action::End(slot, Outcome::Completed),
            "end" => Action::End(slot, Outcome::Ended),
            "cancel" => Action::End(slot, Outcome::Cancelled),
            "fail" => Action::End(slot, Outcome::Failed(self.failure(None)?)),
            "exhausted" => Action::End(slot, Outcome::RetriesExhausted(self.failure(None)?)),
            "divert" => Action::Divert(slot),
            "warm_up" => Action::WarmUp(slot),
            "adopt" => Action::Adopt(slot),
            "dial_opened" => Action::EndDial(slot, DialOutcome::Opened),
            "dial_failed" => {
                Action::EndDial(slot, DialOutcome::Failed(self.failure(Some(Stage::Connecting))?))
            }
            "dial_abandoned" => Action::EndDial(slot, DialOutcome::Abandoned),
            "tick" | "check" => Action::Tick,
            "network_changed" => Action::NetworkChanged,
            "restart" => Action::Restart { down: Duration::from_millis(self.down_ms) },
            other => return Err(format!("`{other}` is no step")),
        })
    }

    fn failure(&self, stage: Option<Stage>) -> Result<Failure, String> {
        let word = self.blame.as_deref().ok_or("no blame")?;
        let blame = Blame::ALL.into_iter().find(|blame| blame.as_str() == word);
        let blame = blame.ok_or_else(|| format!("`{word}` is no blame"))?;
        let stage = match (stage, self.stage.as_deref()) {
            (Some(stage), None) => stage,
            (None, Some(word)) => {
                let stage = Stage::ALL.into_iter().find(|stage| stage.as_str() == word);
                stage.ok_or_else(|| format!("`{word}` is no stage"))?
            }
            _ => return Err("a dial has no stage, and every other failure has one".into()),
        };
        let mut failure = Failure::new(blame, stage);
        if self.committed {
            failure = failure.with_committed();
        }
        if let Some(ms) = self.retry_after_ms {
            failure = failure.with_retry_after(Duration::from_millis(ms));
        }
        Ok(failure)
    }
}

/// What was seen, under the keys that `expect` knows.
fn observed(seen: &Seen) -> Map<String, Value> {
    let mut got = Map::new();
    let mut put = |key: &str, value: Value| {
        got.insert(key.into(), value);
    };
    match seen.said {
        Said::Start { transport, reason, probe, .. } => {
            put("start", transport.as_str().into());
            put("reason", reason.as_str().into());
            put("probe", probe.into());
            put("dial", false.into());
        }
        Said::Wait(until) => put("wait_until_ms", millis(Timestamp::ZERO, until)),
        Said::Done => put("verdict", "done".into()),
        Said::Retry(at) => {
            put("verdict", "retry".into());
            put("retry_at_ms", millis(Timestamp::ZERO, at));
        }
        Said::GiveUp(why) => {
            put("verdict", "give_up".into());
            put("give_up", why.as_str().into());
        }
        Said::Diverted(ready_at) => put("retry_at_ms", millis(Timestamp::ZERO, ready_at)),
        Said::Dial => put("dial", true.into()),
        Said::Nothing => put("dial", false.into()),
        Said::Misplaced => {}
    }
    put("mode", seen.mode.as_str().into());
    put("recoveries_left", seen.recoveries_left.into());
    put("wake_in_ms", seen.wake_at.map_or(Value::Null, |at| millis(seen.at, at)));
    if let Mode::FailedOver { retry_at } = seen.mode {
        put("retry_in_ms", millis(seen.at, retry_at));
    }
    got
}

/// Whole milliseconds, rounded up.
fn millis(from: Timestamp, to: Timestamp) -> Value {
    json!(failback::whole_millis(to.saturating_duration_since(from)))
}
