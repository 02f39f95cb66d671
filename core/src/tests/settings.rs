//! What was set can be read back, and everything says what it is.

extern crate std;
use std::string::ToString;

use super::*;

#[test]
fn settings_come_back_as_they_were_set() {
    let config = Config::new();
    assert_eq!(config, Config::default());
    let defaults = (config.stream_max_retries(), config.max_recoveries(), config.retry_budget());
    assert_eq!(defaults, (5, 3, Some(10)));
    assert_eq!((config.jitter_permille(), config.replay()), (500, Replay::BeforeOutput));
    assert_eq!((config.verdict(), config.probe()), (VerdictStyle::OnEvidence, ProbeStyle::InBand));

    let config = config
        .with_stream_max_retries(7)
        .with_max_recoveries(8)
        .with_retry_budget(None)
        .with_jitter_permille(9)
        .with_replay(Replay::Restart)
        .with_verdict(VerdictStyle::Immediate)
        .with_probe(ProbeStyle::Background);
    let changed = (config.stream_max_retries(), config.max_recoveries(), config.retry_budget());
    assert_eq!(changed, (7, 8, None));
    assert_eq!((config.jitter_permille(), config.replay()), (9, Replay::Restart));
    assert_eq!((config.verdict(), config.probe()), (VerdictStyle::Immediate, ProbeStyle::Background));
}

#[test]
fn default_durations_are_those_documented() {
    let config = Config::new();
    let durations = [
        config.fallback_within(),
        config.head_start(),
        config.cooldown(),
        config.cooldown_max(),
        config.probe_lease(),
        config.backoff(),
        config.backoff_max(),
        config.max_server_wait(),
    ];
    assert_eq!(durations, [5000, 1000, 60_000, 900_000, 30_000, 200, 10_000, 60_000].map(ms));
}

#[test]
fn what_is_shown_is_the_word_for_it() {
    for reason in [Reason::Healthy, Reason::TooLarge, Reason::SseOnly, Reason::LastResort] {
        assert_eq!(reason.to_string(), reason.as_str());
    }
    for mode in [Mode::Suspected, failed_over_until(1), Mode::Pinned] {
        assert_eq!(mode.to_string(), mode.as_str());
    }
    for blame in Blame::ALL {
        assert_eq!(blame.to_string(), blame.as_str());
    }
    for stage in Stage::ALL {
        assert_eq!(stage.to_string(), stage.as_str());
    }
}

#[test]
fn transports_are_shown_as_they_are_written() {
    assert_eq!(
        (Transport::WebSocket.to_string(), Transport::Sse.to_string()),
        ("WebSocket".into(), "SSE".into())
    );
}

#[cfg(feature = "serde")]
#[test]
fn what_are_no_settings_is_told_what_would_be() {
    let error = serde_json::from_str::<Config>("[]").unwrap_err().to_string();
    assert!(error.contains("expected a map of settings"), "{error}");
}
