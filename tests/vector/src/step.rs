use std::time::Duration;

use failback::{Blame, Failure, OverSse, Reason, Snapshot, Stage, Timestamp};
use serde::de::Error as _;
use serde::{Deserialize, Deserializer};
use serde_json::{Map, Value};

#[derive(Clone, Debug)]
pub(super) struct Step {
    pub(super) at: Timestamp,
    pub(super) action: Action,
    /// As written, for people to read.
    pub(super) word: String,
    pub(super) expect: Map<String, Value>,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(tag = "do", rename_all = "snake_case", deny_unknown_fields)]
pub(super) enum Action {
    Call {
        call: String,
        /// It goes over SSE, for this reason.
        #[serde(default, deserialize_with = "over")]
        over: Option<OverSse>,
    },
    Open {
        call: String,
        /// It goes over SSE, for this reason.
        #[serde(default, deserialize_with = "over")]
        over: Option<OverSse>,
    },
    Begin {
        call: String,
    },
    BeginNow {
        call: String,
    },
    Progress {
        call: String,
    },
    Complete {
        call: String,
    },
    End {
        call: String,
    },
    Cancel {
        call: String,
    },
    Fail(FailureStep),
    Exhausted(FailureStep),
    Divert {
        call: String,
    },
    WarmUp {
        call: String,
    },
    PollProbe {
        call: String,
    },
    Adopt {
        call: String,
        /// What the dial is called, if not as the call.
        dial: Option<String>,
    },
    DialOpened {
        call: String,
    },
    DialFailed {
        call: String,
        #[serde(deserialize_with = "blame")]
        blame: Blame,
    },
    DialAbandoned {
        call: String,
    },
    Tick {},
    NetworkChanged {},
    Restart {
        down_ms: u64,
    },
    Learn {
        snapshot: Snapshot,
        elapsed_ns: u64,
    },
    HoldProbe {
        by_ns: u64,
    },
    Check {},
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct FailureStep {
    pub(super) call: String,
    #[serde(deserialize_with = "stage")]
    stage: Stage,
    #[serde(deserialize_with = "blame")]
    blame: Blame,
    #[serde(default)]
    committed: bool,
    retry_after_ms: Option<u64>,
    retry_after_ns: Option<u64>,
}

fn blame<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Blame, D::Error> {
    one_of(deserializer, &Blame::ALL, Blame::as_str)
}

fn stage<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Stage, D::Error> {
    one_of(deserializer, &Stage::ALL, Stage::as_str)
}

fn over<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<OverSse>, D::Error> {
    let word = |why: OverSse| Reason::from(why).as_str();
    one_of(deserializer, &[OverSse::SseOnly, OverSse::TooLarge], word).map(Some)
}

/// What is called by this word.
fn one_of<'de, D: Deserializer<'de>, T: Copy>(
    deserializer: D,
    all: &[T],
    word: fn(T) -> &'static str,
) -> Result<T, D::Error> {
    let given = String::deserialize(deserializer)?;
    all.iter().copied().find(|one| word(*one) == given).ok_or_else(|| {
        let words: Vec<_> = all.iter().map(|one| format!("`{}`", word(*one))).collect();
        D::Error::custom(format_args!("unknown word `{given}`, expected one of {}", words.join(", ")))
    })
}

impl FailureStep {
    pub(super) fn failure(&self) -> Failure {
        let mut failure = Failure::new(self.blame, self.stage);
        if self.committed {
            failure = failure.with_committed();
        }
        let ms = self.retry_after_ms.map(Duration::from_millis);
        match ms.or(self.retry_after_ns.map(Duration::from_nanos)) {
            Some(retry_after) => failure.with_retry_after(retry_after),
            None => failure,
        }
    }
}

impl Action {
    pub(super) fn call(&self) -> Option<&str> {
        match self {
            Self::Call { call, .. }
            | Self::Open { call, .. }
            | Self::Begin { call }
            | Self::BeginNow { call }
            | Self::Progress { call }
            | Self::Complete { call }
            | Self::End { call }
            | Self::Cancel { call }
            | Self::Divert { call }
            | Self::WarmUp { call }
            | Self::PollProbe { call }
            | Self::Adopt { call, .. }
            | Self::DialOpened { call }
            | Self::DialFailed { call, .. }
            | Self::DialAbandoned { call } => Some(call),
            Self::Fail(step) | Self::Exhausted(step) => Some(&step.call),
            Self::Tick {}
            | Self::NetworkChanged {}
            | Self::Restart { .. }
            | Self::Learn { .. }
            | Self::HoldProbe { .. }
            | Self::Check {} => None,
        }
    }

    /// The dial that a call adopts, where it has another name.
    pub(super) fn dial(&self) -> Option<&str> {
        match self {
            Self::Adopt { dial, .. } => dial.as_deref(),
            _ => None,
        }
    }

    /// What a step like this one may expect, besides what every step may.
    fn expects(&self) -> &'static [&'static str] {
        match self {
            Self::Call { .. } | Self::Begin { .. } | Self::BeginNow { .. } => &START,
            Self::Open { .. } => &["moved"],
            Self::Complete { .. }
            | Self::End { .. }
            | Self::Cancel { .. }
            | Self::Fail(_)
            | Self::Exhausted(_) => &["verdict", "retry_at_ms", "moved", "give_up", "retry_after_ms"],
            Self::Divert { .. } => &["retry_at_ms", "moved"],
            Self::WarmUp { .. } | Self::PollProbe { .. } => &["dial"],
            Self::Adopt { .. } => &["start", "reason", "probe", "number", "divert_at_ms", "dial"],
            Self::Learn { .. } => &["learned"],
            _ => &[],
        }
    }
}

/// What an attempt that begins may be expected to be. It does not wait, but a vector may say so.
const START: [&str; 6] = ["start", "reason", "probe", "number", "divert_at_ms", "wait_until_ms"];

/// What every step may expect.
const ALWAYS: [&str; 4] = ["mode", "retry_in_ms", "recoveries_left", "wake_in_ms"];

/// Names the key whose value is of the wrong type, which the error of a tagged union does not.
fn check_types(step: &Map<String, Value>) -> Result<(), String> {
    for (key, value) in step {
        let expected = match key.as_str() {
            "do" | "call" | "over" | "stage" | "blame" | "dial" if !value.is_string() => "a word",
            "down_ms" | "retry_after_ms" if value.as_u64().is_none() => "a whole number of milliseconds",
            "retry_after_ns" | "elapsed_ns" | "by_ns" if value.as_u64().is_none() => {
                "a whole number of nanoseconds"
            }
            "committed" if !value.is_boolean() => "true or false",
            _ => continue,
        };
        return Err(format!("{key}: {value} is not {expected}"));
    }
    Ok(())
}

pub(super) fn parse_step(step: Value) -> Result<Step, String> {
    let Value::Object(mut step) = step else {
        return Err(format!("{step} is not an object"));
    };
    let at = take_time(&mut step)?;
    let expect = match step.remove("expect") {
        Some(Value::Object(expect)) => expect,
        Some(other) => return Err(format!("expect: {other} is not an object")),
        None => Map::new(),
    };
    check_types(&step)?;
    if step.contains_key("retry_after_ms") && step.contains_key("retry_after_ns") {
        return Err("retry_after_ms and retry_after_ns: expected one of them".into());
    }
    let word = step.get("do").and_then(Value::as_str).unwrap_or_default().to_owned();
    let action: Action = serde_json::from_value(Value::Object(step)).map_err(|e| e.to_string())?;
    let allowed = action.expects();
    if let Some(key) = expect.keys().find(|key| !allowed.iter().chain(&ALWAYS).any(|known| known == key)) {
        let known = allowed.iter().chain(&ALWAYS).copied().collect::<Vec<_>>().join(", ");
        return Err(format!("expect: unknown key `{key}` for `{word}`, expected one of {known}"));
    }
    Ok(Step { at, action, word, expect })
}

/// When a step is: in milliseconds, or in nanoseconds where they matter.
fn take_time(step: &mut Map<String, Value>) -> Result<Timestamp, String> {
    let number = |key: &str, value: &Value, unit: &str| {
        value.as_u64().ok_or_else(|| format!("{key}: {value} is not a whole number of {unit}"))
    };
    match (step.remove("at_ms"), step.remove("at_ns")) {
        (Some(at), None) => number("at_ms", &at, "milliseconds").map(Timestamp::from_millis),
        (None, Some(at)) => number("at_ns", &at, "nanoseconds").map(Timestamp::from_nanos),
        (Some(_), Some(_)) => Err("at_ms and at_ns: expected one of them".into()),
        (None, None) => Err("at_ms is missing".into()),
    }
}
