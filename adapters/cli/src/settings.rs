//! `--config` and `--set`: every key, where it was given, and what was expected of it.

use std::collections::BTreeMap;
use std::fmt;
use std::fs;
use std::path::Path;
use std::time::Duration;

use failback::{Config, whole_millis};
use failback_wire::Limits;
use serde_json::{Map, Value};

use crate::error::Error;

/// What a stream runs with.
#[derive(Debug, Default)]
pub(crate) struct Settings {
    pub(crate) config: Config,
    pub(crate) limits: Limits,
}

/// A key, and what its value must be.
struct Key {
    name: &'static str,
    expected: &'static str,
    about: &'static str,
    /// `None` for a key of the policy.
    limit: Option<Limit>,
}

/// How a limit is read and set: in the unit of its key, or `None` where it limits nothing.
#[derive(Clone, Copy)]
struct Limit {
    get: fn(&Limits) -> Option<u64>,
    set: fn(Limits, Option<u64>) -> Option<Limits>,
}

const fn key(name: &'static str, expected: &'static str, about: &'static str) -> Key {
    Key { name, expected, about, limit: None }
}

/// A key for a time limit that there always is.
macro_rules! time_limit {
    ($name:literal, $get:ident, $set:ident, $about:literal) => {
        Key {
            name: $name,
            expected: SOME_MILLIS,
            about: $about,
            limit: Some(Limit {
                get: |limits| Some(whole_millis(limits.$get())),
                set: |limits, ms| Some(limits.$set(Duration::from_millis(ms?))),
            }),
        }
    };
}

const MILLIS: &str = "a whole number of milliseconds";
const SOME_MILLIS: &str = "a whole number of milliseconds from 1";
const SMALL: &str = "a whole number from 0 to 255";

/// Every key: the policy's, as [`Config::KEYS`] lists them, then the limits'.
const KEYS: [Key; 22] = [
    key("stream_max_retries", SMALL, "failures in a row that WebSocket is forgiven"),
    key("fallback_within_ms", MILLIS, "how long a call retries a failing WebSocket"),
    key("head_start_ms", MILLIS, "how long a handshake may keep a call waiting"),
    key("cooldown_ms", MILLIS, "how long WebSocket is not tried; doubles"),
    key("cooldown_max_ms", MILLIS, "the longest that doubling makes the cooldown"),
    key("jitter", "a number from 0 to 1", "chance in the cooldown; 0 is deterministic"),
    key("max_recoveries", SMALL, "probes between two WebSocket completions"),
    key("probe_lease_ms", MILLIS, "how long a probe may report nothing"),
    key("backoff_ms", MILLIS, "how long the first retry waits; doubles"),
    key("backoff_max_ms", MILLIS, "the longest that doubling makes the backoff"),
    key("max_server_wait_ms", MILLIS, "the longest wait that a server may ask for"),
    key("retry_budget", "a whole number from 0 to 65535, or null", "tokens for retries; null sets no limit"),
    key("replay", "before_output, before_send or restart", "what rules out that a turn is sent again"),
    key("verdict", "on_evidence or immediate", "what it takes to leave WebSocket"),
    time_limit!(
        "connect_timeout_ms",
        connect_timeout,
        with_connect_timeout,
        "name, TCP, proxy, TLS and upgrade together"
    ),
    time_limit!(
        "first_event_timeout_ms",
        first_event_timeout,
        with_first_event_timeout,
        "from the request to its first event"
    ),
    time_limit!("idle_timeout_ms", idle_timeout, with_idle_timeout, "how long a stream may be silent"),
    time_limit!(
        "ping_interval_ms",
        ping_interval,
        with_ping_interval,
        "silence on a WebSocket before it is pinged"
    ),
    time_limit!("pong_timeout_ms", pong_timeout, with_pong_timeout, "how long the answer to a ping may take"),
    Key {
        name: "event_timeout_ms",
        expected: "a whole number of milliseconds from 1, or null",
        about: "time without an event; null sets no limit",
        limit: Some(Limit {
            get: |limits| limits.event_timeout().map(whole_millis),
            set: |limits, ms| Some(limits.with_event_timeout(ms.map(Duration::from_millis))),
        }),
    },
    Key {
        name: "max_message_bytes",
        expected: "a whole number of bytes from 1024",
        about: "the largest message, event or line",
        limit: Some(Limit {
            get: |limits| u64::try_from(limits.max_message_bytes()).ok(),
            set: |limits, bytes| Some(limits.with_max_message_bytes(usize::try_from(bytes?).ok()?)),
        }),
    },
    Key {
        name: "max_websocket_request_bytes",
        expected: "a whole number of bytes from 1024, or null",
        about: "larger ones go over SSE; null sets no limit",
        limit: Some(Limit {
            get: |limits| limits.max_websocket_request_bytes().and_then(|bytes| u64::try_from(bytes).ok()),
            set: |limits, bytes| {
                let bytes = bytes.map(usize::try_from).transpose().ok()?;
                Some(limits.with_max_websocket_request_bytes(bytes))
            },
        }),
    },
];

/// Where a setting was given.
#[derive(Clone, Debug)]
enum Place {
    File(String),
    Option,
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File(name) => write!(f, "--config {name}"),
            Self::Option => f.write_str("--set"),
        }
    }
}

impl Settings {
    /// The settings of the file, if there is one, and over them those of the options.
    pub(crate) fn read(file: Option<&Path>, options: &[String]) -> Result<Self, Error> {
        let mut given = BTreeMap::new();
        if let Some(path) = file {
            let place = Place::File(path.display().to_string());
            let text = fs::read_to_string(path).map_err(|error| Error::usage(&place, error))?;
            let object: Map<String, Value> = serde_json::from_str(&text)
                .map_err(|error| Error::usage(&place, format_args!("expected a JSON object: {error}")))?;
            given.extend(object.into_iter().map(|(key, value)| (key, (value, place.clone()))));
        }
        for option in options {
            let (key, value) = option
                .split_once('=')
                .ok_or_else(|| Error::usage("--set", format_args!("expected KEY=VALUE, got `{option}`")))?;
            let value = serde_json::from_str(value).unwrap_or_else(|_| Value::from(value));
            given.insert(key.trim().to_owned(), (value, Place::Option));
        }
        let mut settings = Self::default();
        let mut policy = Map::new();
        for (name, (value, place)) in given {
            let key = find(&name).map_err(|problem| Error::usage(&place, problem))?;
            let wrong = || {
                let problem = format_args!("`{}`: expected {}, got {value}", key.name, key.expected);
                Error::usage(&place, problem)
            };
            match key.limit {
                Some(limit) => {
                    settings.limits = set_limit(settings.limits, limit, &value).ok_or_else(wrong)?;
                }
                None if is_policy_value(key.name, &value) => {
                    policy.insert(name, value);
                }
                None => return Err(wrong()),
            }
        }
        settings.config = serde_json::from_value(Value::Object(policy))
            .map_err(|error| Error::Usage(format!("settings: {error}")))?;
        Ok(settings)
    }
}

/// Whether the policy takes this value, and takes it as it is.
fn is_policy_value(name: &str, value: &Value) -> bool {
    let one = Map::from_iter([(name.to_owned(), value.clone())]);
    let Ok(config) = serde_json::from_value::<Config>(Value::Object(one)) else { return false };
    // Of `jitter` thousandths are kept, and what is more exact is in range too.
    name == "jitter" || serde_json::to_value(config).is_ok_and(|kept| kept.get(name) == Some(value))
}

fn set_limit(limits: Limits, limit: Limit, given: &Value) -> Option<Limits> {
    let value = if given.is_null() { None } else { Some(given.as_u64()?) };
    let limits = (limit.set)(limits, value)?;
    // What the library would raise to the least it can use is out of range here.
    ((limit.get)(&limits) == value).then_some(limits)
}

fn find(name: &str) -> Result<&'static Key, String> {
    if let Some(key) = KEYS.iter().find(|key| key.name == name) {
        return Ok(key);
    }
    let nearest = KEYS.iter().map(|key| (distance(name, key.name), key.name)).min();
    let hint = match nearest {
        Some((distance, nearest)) if distance <= 4 => format!("; did you mean `{nearest}`?"),
        _ => String::new(),
    };
    let known = KEYS.map(|key| key.name).join(", ");
    Err(format!("unknown key `{name}`{hint}\nknown keys: {known}"))
}

/// How many letters to add, drop or change (Levenshtein).
fn distance(a: &str, b: &str) -> usize {
    let mut row: Vec<usize> = (0..=b.chars().count()).collect();
    for (i, x) in a.chars().enumerate() {
        let mut diagonal = i;
        let mut left = i + 1;
        for (cell, y) in row.iter_mut().skip(1).zip(b.chars()) {
            let changed = diagonal + usize::from(x != y);
            diagonal = *cell;
            left = changed.min(*cell + 1).min(left + 1);
            *cell = left;
        }
        if let Some(first) = row.first_mut() {
            *first = i + 1;
        }
    }
    row.last().copied().unwrap_or_default()
}

/// Every key with what it means and its default, for `--help`.
pub(crate) fn help() -> String {
    let defaults = serde_json::to_value(Config::new()).unwrap_or_default();
    let mut text = String::from("Settings of --config and --set, with their defaults:\n");
    for key in &KEYS {
        let default = match key.limit {
            Some(limit) => (limit.get)(&Limits::new()).into(),
            None => defaults.get(key.name).cloned().unwrap_or_default(),
        };
        let default = default.as_str().map_or_else(|| default.to_string(), str::to_owned);
        let default = format!("{}={default}", key.name);
        text.push_str(&format!("  {default:<32}  {}\n", key.about));
    }
    text.push_str(
        "\nTimes are in milliseconds. replay is before_output, before_send or restart;\n\
         verdict is on_evidence or immediate.",
    );
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn set(options: &[&str]) -> Result<Settings, String> {
        let options: Vec<_> = options.iter().map(|option| (*option).to_owned()).collect();
        Settings::read(None, &options).map_err(|error| error.to_string())
    }

    #[test]
    fn every_key_of_the_policy_is_listed_in_its_order() {
        assert_eq!(KEYS.map(|key| key.name)[..Config::KEYS.len()], Config::KEYS);
    }

    #[test]
    fn every_key_has_a_default_that_it_accepts() {
        let defaults = serde_json::to_value(Config::new()).unwrap();
        for key in &KEYS {
            let default = match key.limit {
                Some(limit) => (limit.get)(&Limits::new()).into(),
                None => defaults[key.name].clone(),
            };
            set(&[&format!("{}={default}", key.name)]).unwrap();
        }
    }

    #[test]
    fn a_value_is_json_or_a_bare_word_and_the_last_one_counts() {
        let settings = set(&[
            "replay=restart",
            "verdict=\"immediate\"",
            "retry_budget=null",
            "cooldown_ms=1",
            "cooldown_ms=2",
            "jitter=0.25",
            "ping_interval_ms=50",
            "event_timeout_ms=20",
        ])
        .unwrap();
        let expected = Config::new()
            .with_replay(failback::Replay::Restart)
            .with_verdict(failback::VerdictStyle::Immediate)
            .with_retry_budget(None)
            .with_cooldown(Duration::from_millis(2))
            .with_jitter_permille(250);
        assert_eq!(settings.config, expected);
        let expected = Limits::new()
            .with_ping_interval(Duration::from_millis(50))
            .with_event_timeout(Some(Duration::from_millis(20)));
        assert_eq!(settings.limits, expected);
        let settings = set(&["event_timeout_ms=20", "event_timeout_ms=null"]).unwrap();
        assert_eq!(settings.limits, Limits::new());
    }

    #[test]
    fn what_is_out_of_range_or_of_a_wrong_type_is_named() {
        for (option, expected) in [
            ("jitter=1.5", "--set: `jitter`: expected a number from 0 to 1, got 1.5"),
            ("cooldown_ms=-1", "--set: `cooldown_ms`: expected a whole number of milliseconds, got -1"),
            ("cooldown_ms=1s", "--set: `cooldown_ms`: expected a whole number of milliseconds, got \"1s\""),
            ("max_recoveries=256", "--set: `max_recoveries`: expected a whole number from 0 to 255, got 256"),
            (
                "max_message_bytes=10",
                "--set: `max_message_bytes`: expected a whole number of bytes from 1024, got 10",
            ),
            (
                "idle_timeout_ms=0",
                "--set: `idle_timeout_ms`: expected a whole number of milliseconds from 1, got 0",
            ),
            (
                "event_timeout_ms=0",
                "--set: `event_timeout_ms`: expected a whole number of milliseconds from 1, or null, got 0",
            ),
            (
                "replay=never",
                "--set: `replay`: expected before_output, before_send or restart, got \"never\"",
            ),
            (
                "cooldown_ms=99999999999999999",
                "--set: `cooldown_ms`: expected a whole number of milliseconds, got 99999999999999999",
            ),
            ("cooldown_ms", "--set: expected KEY=VALUE, got `cooldown_ms`"),
        ] {
            assert_eq!(set(&[option]).unwrap_err(), expected);
        }
    }

    #[test]
    fn an_unknown_key_gets_a_hint_and_the_list() {
        let error = set(&["cooldown=1"]).unwrap_err();
        assert!(error.starts_with("--set: unknown key `cooldown`; did you mean `cooldown_ms`?\n"), "{error}");
        assert!(error.contains("known keys: stream_max_retries, "), "{error}");
        assert!(!set(&["something_else_entirely=1"]).unwrap_err().contains("did you mean"));
    }
}
