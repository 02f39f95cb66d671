use std::fmt;
use std::time::Duration;

use failback::{Blame, Config, Failure, OverSse, Reason, Stage};
use serde::de::Error as _;
use serde::{Deserialize, Deserializer};
use serde_json::{Map, Value};

/// A vector, parsed: it may still prove wrong when it runs, but not malformed.
#[derive(Clone, Debug)]
pub struct Vector {
    /// What it shows.
    pub name: String,
    /// Where it comes from: a rule, or a failure seen in the field.
    pub source: String,
    pub(super) config: Config,
    pub(super) seed: u64,
    pub(super) steps: Vec<Step>,
}

#[derive(Clone, Debug)]
pub(super) struct Step {
    pub(super) at_ms: u64,
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
    Begin {
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
    Adopt {
        call: String,
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
        if let Some(ms) = self.retry_after_ms {
            failure = failure.with_retry_after(Duration::from_millis(ms));
        }
        failure
    }
}

impl Action {
    pub(super) fn call(&self) -> Option<&str> {
        match self {
            Self::Call { call, .. }
            | Self::Begin { call }
            | Self::Progress { call }
            | Self::Complete { call }
            | Self::End { call }
            | Self::Cancel { call }
            | Self::Divert { call }
            | Self::WarmUp { call }
            | Self::Adopt { call }
            | Self::DialOpened { call }
            | Self::DialFailed { call, .. }
            | Self::DialAbandoned { call } => Some(call),
            Self::Fail(step) | Self::Exhausted(step) => Some(&step.call),
            Self::Tick {} | Self::NetworkChanged {} | Self::Restart { .. } | Self::Check {} => None,
        }
    }

    /// What a step like this one may expect, besides what every step may.
    fn expects(&self) -> &'static [&'static str] {
        match self {
            Self::Call { .. } | Self::Begin { .. } => &["start", "reason", "probe", "wait_until_ms"],
            Self::Complete { .. }
            | Self::End { .. }
            | Self::Cancel { .. }
            | Self::Fail(_)
            | Self::Exhausted(_) => &["verdict", "retry_at_ms", "give_up", "retry_after_ms"],
            Self::Divert { .. } => &["retry_at_ms"],
            Self::WarmUp { .. } => &["dial"],
            Self::Adopt { .. } => &["start", "reason", "probe", "dial"],
            _ => &[],
        }
    }
}

/// What every step may expect.
const ALWAYS: [&str; 4] = ["mode", "retry_in_ms", "recoveries_left", "wake_in_ms"];

/// A vector that does not parse: where, and what was expected there.
#[derive(Debug)]
pub struct ParseError {
    step: Option<usize>,
    problem: String,
}

impl fmt::Display for ParseError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.step {
            Some(step) => write!(f, "step {step}: {}", self.problem),
            None => f.write_str(&self.problem),
        }
    }
}

impl std::error::Error for ParseError {}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Outline {
    name: String,
    source: String,
    #[serde(default)]
    config: Value,
    #[serde(default)]
    seed: u64,
    steps: Vec<Value>,
}

impl Vector {
    /// Parses one vector. Steps are counted from 1 in errors.
    ///
    /// # Errors
    /// What is wrong, and in which step: a key that is missing, unknown or of the wrong type, a word that is
    /// none.
    pub fn parse(text: &str) -> Result<Self, ParseError> {
        let whole = |problem: String| ParseError { step: None, problem };
        // A list of the values would do for a struct.
        if text.trim_start().starts_with('[') {
            return Err(whole("not a vector: expected an object, found an array".to_owned()));
        }
        let outline: Outline = serde_json::from_str(text).map_err(|e| whole(format!("not a vector: {e}")))?;
        let config = match outline.config {
            Value::Null => Config::new(),
            config => serde_json::from_value(config).map_err(|e| whole(format!("config: {e}")))?,
        };
        let steps = outline
            .steps
            .into_iter()
            .zip(1..)
            .map(|(step, n)| parse_step(step).map_err(|problem| ParseError { step: Some(n), problem }))
            .collect::<Result<_, _>>()?;
        Ok(Self { name: outline.name, source: outline.source, config, seed: outline.seed, steps })
    }

    /// How many steps there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.steps.len()
    }

    /// Whether there are no steps.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.steps.is_empty()
    }
}

/// Names the key whose value is of the wrong type, which the error of a tagged union does not.
fn check_types(step: &Map<String, Value>) -> Result<(), String> {
    for (key, value) in step {
        let expected = match key.as_str() {
            "do" | "call" | "over" | "stage" | "blame" if !value.is_string() => "a word",
            "down_ms" | "retry_after_ms" if value.as_u64().is_none() => "a whole number of milliseconds",
            "committed" if !value.is_boolean() => "true or false",
            _ => continue,
        };
        return Err(format!("{key}: {value} is not {expected}"));
    }
    Ok(())
}

fn parse_step(step: Value) -> Result<Step, String> {
    let Value::Object(mut step) = step else {
        return Err(format!("{step} is not an object"));
    };
    let at_ms = match step.remove("at_ms") {
        Some(at) => {
            at.as_u64().ok_or_else(|| format!("at_ms: {at} is not a whole number of milliseconds"))?
        }
        None => return Err("at_ms is missing".into()),
    };
    let expect = match step.remove("expect") {
        Some(Value::Object(expect)) => expect,
        Some(other) => return Err(format!("expect: {other} is not an object")),
        None => Map::new(),
    };
    check_types(&step)?;
    let word = step.get("do").and_then(Value::as_str).unwrap_or_default().to_owned();
    let action: Action = serde_json::from_value(Value::Object(step)).map_err(|e| e.to_string())?;
    let allowed = action.expects();
    if let Some(key) = expect.keys().find(|key| !allowed.iter().chain(&ALWAYS).any(|known| known == key)) {
        let known = allowed.iter().chain(&ALWAYS).copied().collect::<Vec<_>>().join(", ");
        return Err(format!("expect: unknown key `{key}` for `{word}`, expected one of {known}"));
    }
    Ok(Step { at_ms, action, word, expect })
}
