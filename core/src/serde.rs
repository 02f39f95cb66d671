//! `Serialize` and `Deserialize` with the keys and units of the configuration files: durations in whole
//! milliseconds, fractions as numbers, choices as words.

#[cfg(feature = "std")]
mod record;

use core::fmt;
use core::time::Duration;

use serde::de::{Error, MapAccess, Unexpected, Visitor};
use serde::ser::SerializeMap;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::snapshot::KeptMode;
use crate::{Config, Replay, Snapshot, VerdictStyle, whole_millis};

/// Each key once, in the order in which they are written.
macro_rules! keys {
    ($($key:ident = $name:literal,)+) => {
        #[derive(Clone, Copy, Deserialize)]
        #[serde(field_identifier)]
        enum Key {
            $(#[serde(rename = $name)] $key,)+
        }

        impl Key {
            const ALL: [Self; Config::KEYS.len()] = [$(Self::$key,)+];

            const fn name(self) -> &'static str {
                match self {
                    $(Self::$key => $name,)+
                }
            }
        }

        impl Config {
            /// The keys that [`Deserialize`] accepts, each of them optional (feature `serde`). What may probe
            /// is for the driver to say, not for a file: [`with_probe`](Self::with_probe).
            pub const KEYS: [&'static str; 14] = [$($name,)+];
        }
    };
}

keys! {
    StreamMaxRetries = "stream_max_retries",
    FallbackWithin = "fallback_within_ms",
    HeadStart = "head_start_ms",
    Cooldown = "cooldown_ms",
    CooldownMax = "cooldown_max_ms",
    Jitter = "jitter",
    MaxRecoveries = "max_recoveries",
    ProbeLease = "probe_lease_ms",
    Backoff = "backoff_ms",
    BackoffMax = "backoff_max_ms",
    MaxServerWait = "max_server_wait_ms",
    RetryBudget = "retry_budget",
    Replay = "replay",
    Verdict = "verdict",
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum ReplayWord {
    BeforeOutput,
    BeforeSend,
    Restart,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum VerdictWord {
    OnEvidence,
    Immediate,
}

impl Serialize for Config {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(Self::KEYS.len()))?;
        for key in Key::ALL {
            put(self, key, &mut map)?;
        }
        map.end()
    }
}

#[expect(clippy::float_arithmetic, reason = "files say 0.5; no decision depends on this division")]
fn put<M: SerializeMap>(config: &Config, key: Key, map: &mut M) -> Result<(), M::Error> {
    let name = key.name();
    let mut millis = |duration| map.serialize_entry(name, &whole_millis(duration));
    match key {
        Key::FallbackWithin => millis(config.fallback_within()),
        Key::HeadStart => millis(config.head_start()),
        Key::Cooldown => millis(config.cooldown()),
        Key::CooldownMax => millis(config.cooldown_max()),
        Key::ProbeLease => millis(config.probe_lease()),
        Key::Backoff => millis(config.backoff()),
        Key::BackoffMax => millis(config.backoff_max()),
        Key::MaxServerWait => millis(config.max_server_wait()),
        Key::StreamMaxRetries => map.serialize_entry(name, &config.stream_max_retries),
        Key::MaxRecoveries => map.serialize_entry(name, &config.max_recoveries),
        Key::RetryBudget => map.serialize_entry(name, &config.retry_budget),
        Key::Jitter => map.serialize_entry(name, &(f64::from(config.jitter_permille) / 1000.0)),
        Key::Replay => {
            let word = match config.replay {
                Replay::BeforeOutput => ReplayWord::BeforeOutput,
                Replay::BeforeSend => ReplayWord::BeforeSend,
                Replay::Restart => ReplayWord::Restart,
            };
            map.serialize_entry(name, &word)
        }
        Key::Verdict => {
            let word = match config.verdict {
                VerdictStyle::OnEvidence => VerdictWord::OnEvidence,
                VerdictStyle::Immediate => VerdictWord::Immediate,
            };
            map.serialize_entry(name, &word)
        }
    }
}

impl<'de> Deserialize<'de> for Config {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(ConfigVisitor)
    }
}

struct ConfigVisitor;

impl<'de> Visitor<'de> for ConfigVisitor {
    type Value = Config;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a map of settings")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Config, A::Error> {
        let mut config = Config::new();
        while let Some(key) = map.next_key::<Key>()? {
            config = set(config, key, &mut map)
                .map_err(|error| A::Error::custom(format_args!("{}: {error}", key.name())))?;
        }
        Ok(config)
    }
}

fn set<'de, A: MapAccess<'de>>(config: Config, key: Key, map: &mut A) -> Result<Config, A::Error> {
    let mut millis = || map.next_value().map(Duration::from_millis);
    Ok(match key {
        Key::FallbackWithin => config.with_fallback_within(millis()?),
        Key::HeadStart => config.with_head_start(millis()?),
        Key::Cooldown => config.with_cooldown(millis()?),
        Key::CooldownMax => config.with_cooldown_max(millis()?),
        Key::ProbeLease => config.with_probe_lease(millis()?),
        Key::Backoff => config.with_backoff(millis()?),
        Key::BackoffMax => config.with_backoff_max(millis()?),
        Key::MaxServerWait => config.with_max_server_wait(millis()?),
        Key::StreamMaxRetries => config.with_stream_max_retries(map.next_value()?),
        Key::MaxRecoveries => config.with_max_recoveries(map.next_value()?),
        Key::RetryBudget => config.with_retry_budget(map.next_value()?),
        Key::Jitter => config.with_jitter_permille(permille(map.next_value()?)?),
        Key::Replay => config.with_replay(match map.next_value()? {
            ReplayWord::BeforeOutput => Replay::BeforeOutput,
            ReplayWord::BeforeSend => Replay::BeforeSend,
            ReplayWord::Restart => Replay::Restart,
        }),
        Key::Verdict => config.with_verdict(match map.next_value()? {
            VerdictWord::OnEvidence => VerdictStyle::OnEvidence,
            VerdictWord::Immediate => VerdictStyle::Immediate,
        }),
    })
}

#[expect(clippy::float_arithmetic, reason = "files say 0.5; what is decided on is the integer")]
fn permille<E: Error>(jitter: f64) -> Result<u16, E> {
    if !(0.0..=1.0).contains(&jitter) {
        return Err(E::invalid_value(Unexpected::Float(jitter), &"a number from 0 to 1"));
    }
    // Within 0 and 1000 here, and half is rounded up.
    Ok((jitter * 1000.0 + 0.5) as u16)
}

#[derive(Serialize, Deserialize)]
#[serde(rename = "Snapshot")]
struct KeptSnapshot {
    mode: KeptMode,
    #[serde(default)]
    retry_in_ms: u64,
    cooldown_ms: u64,
    failures: u16,
    recoveries_left: u8,
    convictions: u8,
    #[serde(default)]
    epoch: u32,
}

impl Serialize for Snapshot {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        KeptSnapshot {
            mode: self.mode,
            retry_in_ms: whole_millis(self.retry_in),
            cooldown_ms: whole_millis(self.cooldown),
            failures: self.failures,
            recoveries_left: self.recoveries_left,
            convictions: self.convictions,
            epoch: self.epoch,
        }
        .serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Snapshot {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let kept = KeptSnapshot::deserialize(deserializer)?;
        Ok(Self {
            mode: kept.mode,
            retry_in: Duration::from_millis(kept.retry_in_ms),
            cooldown: Duration::from_millis(kept.cooldown_ms),
            failures: kept.failures,
            recoveries_left: kept.recoveries_left,
            convictions: kept.convictions,
            epoch: kept.epoch,
        })
    }
}

#[cfg(test)]
mod tests {
    extern crate std;
    use std::format;
    use std::string::ToString;

    use super::*;
    use crate::{Policy, Timestamp};

    fn parse(text: &str) -> Result<Config, serde_json::Error> {
        serde_json::from_str(text)
    }

    #[test]
    fn each_key_sets_what_it_names() {
        let text = r#"{"stream_max_retries": 1, "fallback_within_ms": 2, "head_start_ms": 3, "cooldown_ms": 4,
            "cooldown_max_ms": 5, "jitter": 0.25, "max_recoveries": 6, "probe_lease_ms": 7, "backoff_ms": 8,
            "backoff_max_ms": 9, "max_server_wait_ms": 10, "retry_budget": 11, "replay": "restart",
            "verdict": "immediate"}"#;
        let ms = Duration::from_millis;
        let config = Config::new()
            .with_stream_max_retries(1)
            .with_fallback_within(ms(2))
            .with_head_start(ms(3))
            .with_cooldown(ms(4))
            .with_cooldown_max(ms(5))
            .with_jitter_permille(250)
            .with_max_recoveries(6)
            .with_probe_lease(ms(7))
            .with_backoff(ms(8))
            .with_backoff_max(ms(9))
            .with_max_server_wait(ms(10))
            .with_retry_budget(Some(11))
            .with_replay(Replay::Restart)
            .with_verdict(VerdictStyle::Immediate);
        assert_eq!(parse(text).unwrap(), config);
        assert_eq!(parse(&serde_json::to_string(&config).unwrap()).unwrap(), config);
        assert_eq!(parse("{}").unwrap(), Config::new());
        assert_eq!(parse(r#"{"retry_budget": null}"#).unwrap().retry_budget(), None);
    }

    #[test]
    fn each_word_for_a_replay_is_its_own() {
        let words = [
            ("before_output", Replay::BeforeOutput),
            ("before_send", Replay::BeforeSend),
            ("restart", Replay::Restart),
        ];
        for (word, replay) in words {
            let config = parse(&format!(r#"{{"replay": "{word}"}}"#)).unwrap();
            assert_eq!(config.replay(), replay);
            assert!(serde_json::to_string(&config).unwrap().contains(word));
        }
    }

    #[test]
    fn every_key_listed_is_a_key_written() {
        let value = serde_json::to_value(Config::new()).unwrap();
        let mut listed = Config::KEYS.map(ToString::to_string).to_vec();
        listed.sort();
        assert_eq!(value.as_object().unwrap().keys().cloned().collect::<std::vec::Vec<_>>(), listed);
    }

    #[test]
    fn a_bad_value_is_named_with_what_was_expected() {
        for (text, parts) in [
            (r#"{"cooldown_ms": -1}"#, ["cooldown_ms", "-1", "u64"]),
            (r#"{"cooldown_ms": "1s"}"#, ["cooldown_ms", "1s", "u64"]),
            (r#"{"jitter": 1.5}"#, ["jitter", "1.5", "from 0 to 1"]),
            (r#"{"stream_max_retries": 256}"#, ["stream_max_retries", "256", "u8"]),
            (r#"{"replay": "never"}"#, ["replay", "never", "before_output"]),
            (r#"{"cooldown": 1}"#, ["unknown field", "`cooldown`", "cooldown_ms"]),
        ] {
            let error = parse(text).unwrap_err().to_string();
            for part in parts {
                assert!(error.contains(part), "{error}: no {part}");
            }
        }
    }

    #[test]
    fn a_snapshot_survives_json() {
        let snapshot = Policy::new(Config::new(), 1, Timestamp::ZERO).snapshot(Timestamp::ZERO);
        let text = serde_json::to_string(&snapshot).unwrap();
        let kept = format!(
            r#"{{"mode":"preferred","retry_in_ms":0,"cooldown_ms":{},"failures":0,"recoveries_left":3,"convictions":0,"epoch":0}}"#,
            60_000
        );
        assert_eq!(text, kept);
        assert_eq!(serde_json::from_str::<Snapshot>(&text).unwrap(), snapshot);
    }
}
