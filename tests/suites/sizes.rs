//! How much room a policy takes, and that it never takes any more: no method allocates (R21). And how much an
//! event takes.

#[path = "../benches/scenario/list.rs"]
mod list;
#[path = "../benches/scenario/mod.rs"]
mod scenario;

use std::hint::black_box;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use allocation_counter::measure;
use failback::{
    Attempt, Blame, Call, Config, Decision, Dial, DialGuard, DialOutcome, Failure, Mode, Outcome, Policy,
    ProbeStyle, SharedDecision, SharedPolicy, Snapshot, Stage, Timestamp, Verdict, VerdictStyle,
};
use failback_wire::{Body, Said};

#[test]
fn a_policy_and_its_handles_stay_small() {
    assert!(size_of::<Policy>() <= 136, "Policy: {} bytes", size_of::<Policy>());
    assert!(size_of::<Call>() <= 32, "Call: {} bytes", size_of::<Call>());
    assert!(size_of::<Attempt>() <= 40, "Attempt: {} bytes", size_of::<Attempt>());
    assert!(size_of::<Dial>() <= 12, "Dial: {} bytes", size_of::<Dial>());
    assert!(size_of::<Snapshot>() <= 48, "Snapshot: {} bytes", size_of::<Snapshot>());
}

#[test]
fn allocations_are_counted() {
    assert_eq!(measure(|| drop(black_box(Box::new(7_u64)))).count_total, 1);
}

#[test]
fn no_benchmarked_piece_allocates() {
    for scenario in list::ALL.iter().filter(|scenario| !scenario.name.starts_with("shared")) {
        assert_eq!(measure(|| (scenario.run)(100)).count_total, 0, "{}", scenario.name);
    }
}

#[test]
fn sharing_allocates_only_to_set_up() {
    let policy = scenario::shared_with_still_clock();
    sharing_allocates_nothing(&policy);
    let told = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&told);
    policy.on_change(move |_| {
        count.fetch_add(1, Ordering::Relaxed);
    });
    sharing_allocates_nothing(&policy);
    assert!(told.load(Ordering::Relaxed) > 0);
}

fn sharing_allocates_nothing(policy: &SharedPolicy) {
    let info = measure(|| {
        for outcome in outcomes() {
            let attempt = policy.begin_call();
            attempt.handle_progress();
            drop(attempt.handle_outcome(outcome));
            let SharedDecision::Start(attempt) = policy.clone().begin_attempt(policy.open_call()) else {
                unreachable!("a new call never waits");
            };
            black_box((attempt.time_until_divert(), policy.poll_timeout(), policy.mode()));
            drop(attempt.divert());
            drop(policy.poll_probe());
            drop(policy.warm_up().map(DialGuard::adopt));
            black_box(policy.snapshot());
            policy.handle_network_change();
        }
    });
    assert_eq!(info.count_total, 0);
}

#[test]
fn no_method_allocates_whatever_happened_before() {
    let mut seen = Seen::default();
    let info = measure(|| {
        for verdict in [VerdictStyle::OnEvidence, VerdictStyle::Immediate] {
            let config = Config::new().with_verdict(verdict).with_probe(ProbeStyle::Background);
            for first in outcomes() {
                for second in outcomes() {
                    go_through(config, first, second, &mut seen);
                }
            }
        }
    });
    assert_eq!(info.count_total, 0);
    assert_eq!(seen, Seen { modes: [true; 5], verdicts: [true; 3], waited: true, dialled: true });
}

/// Proof that the walk went everywhere.
#[derive(Debug, Default, PartialEq)]
struct Seen {
    modes: [bool; 5],
    verdicts: [bool; 3],
    waited: bool,
    dialled: bool,
}

/// Every method in every mode that two outcomes in turn, a dial and time can bring about.
fn go_through(config: Config, first: Outcome, second: Outcome, seen: &mut Seen) {
    let mut now = Timestamp::ZERO;
    let mut policy = Policy::new(config, 7, now);
    for outcome in [first, second, first, second, first, second, first, second] {
        let call = policy.open_call(now);
        if let Some((attempt, verdict)) = carry(&mut policy, call, now, seen).map(|attempt| {
            let number = attempt.number();
            (number, policy.handle_outcome(attempt, outcome, now))
        }) {
            black_box(attempt);
            match verdict {
                Verdict::Done => seen.verdicts[0] = true,
                Verdict::Retry(call) => {
                    seen.verdicts[1] = true;
                    if let Some(attempt) = carry(&mut policy, call, now, seen) {
                        drop(policy.handle_outcome(attempt, second, now));
                    }
                }
                Verdict::GiveUp(why) => {
                    seen.verdicts[2] = true;
                    black_box(why);
                }
            }
        }
        let snapshot = policy.snapshot(now);
        black_box(Policy::restore(config, 7, &snapshot, Duration::from_secs(1), now));
        seen.modes[index(policy.mode())] = true;
        black_box((policy.recoveries_left(), policy.poll_timeout(), policy.config()));

        now = now.saturating_add(Duration::from_secs(100));
        policy.handle_timeout(now);
        if let Some(dial) = policy.poll_probe(now) {
            seen.dialled = true;
            seen.modes[index(policy.mode())] = true;
            policy.handle_dial(dial, dial_outcome(second), now);
        }
        if let Some(dial) = policy.warm_up(now) {
            match policy.adopt(dial, now) {
                Ok(attempt) => drop(policy.handle_outcome(attempt, second, now)),
                Err(dial) => policy.handle_dial(dial, dial_outcome(second), now),
            }
        }
        let call = policy.open_call(now);
        if let Decision::Start(attempt) = policy.begin_attempt(call, now) {
            let (call, dial) = policy.divert(attempt, now);
            black_box(carry(&mut policy, call, now, seen).is_some());
            policy.handle_dial(dial, dial_outcome(first), now);
        }
    }
    policy.handle_network_change(now);
}

/// The call's next attempt, with an event, if it need not wait.
fn carry(policy: &mut Policy, call: Call, now: Timestamp, seen: &mut Seen) -> Option<Attempt> {
    match policy.begin_attempt(call, now) {
        Decision::Start(attempt) => {
            policy.handle_progress(&attempt, now);
            Some(attempt)
        }
        Decision::Wait(call) => {
            seen.waited = true;
            black_box(call.ready_at());
            None
        }
    }
}

fn outcomes() -> impl Iterator<Item = Outcome> {
    let failures = Blame::ALL.into_iter().flat_map(|blame| {
        Stage::ALL.into_iter().flat_map(move |stage| {
            let failure = Failure::new(blame, stage).with_retry_after(Duration::from_secs(3));
            [failure, failure.with_committed()]
                .map(|failure| [Outcome::Failed(failure), Outcome::RetriesExhausted(failure)])
        })
    });
    [Outcome::Completed, Outcome::Cancelled, Outcome::Ended].into_iter().chain(failures.flatten())
}

fn dial_outcome(outcome: Outcome) -> DialOutcome {
    match outcome {
        Outcome::Completed | Outcome::Ended => DialOutcome::Opened,
        Outcome::Failed(failure) | Outcome::RetriesExhausted(failure) => DialOutcome::Failed(failure),
        Outcome::Cancelled => DialOutcome::Abandoned,
    }
}

fn index(mode: Mode) -> usize {
    match mode {
        Mode::Preferred => 0,
        Mode::Suspected => 1,
        Mode::FailedOver { .. } => 2,
        Mode::Probing { .. } => 3,
        Mode::Pinned => 4,
    }
}

/// What a server may make as large as the limit allows, text included.
#[test]
fn an_event_takes_at_most_three_times_its_size() {
    const SIZE: usize = 1 << 20;
    let filled = |start: &str, filler: &str, end: &str| {
        let count = (SIZE - start.len() - end.len()) / filler.len();
        format!("{start}{}{end}", filler.repeat(count))
    };
    let texts = [
        ("numbers", filled(r#"{"type":"error","x":["#, "0,", "0]}")),
        ("objects", filled(r#"{"error":{"x":["#, "{},", "0]}}")),
        ("keys", filled(r#"{"type":"error","headers":{"#, "\"a\":{},", "\"b\":0}}")),
        ("elements", filled(r#"{"detail":["#, "{},", "0]}")),
        ("a message", filled(r#"{"type":"error","message":""#, "\\n", "\"}")),
        ("a code", filled(r#"{"type":"error","code":""#, "\\u00e9", "\"}")),
        ("a name", filled(r#"{"type":""#, "\\u00e9", "\"}")),
        ("a response", filled(r#"{"type":"response.failed","response":{"error":{"x":["#, "[],", "0]}}}")),
        ("a delta", filled(r#"{"type":"response.output_text.delta","delta":""#, "x", "\"}")),
        ("what is cut", filled(r#"{"type":"error","message":""#, "x", "")),
        ("what is no JSON", filled("", "x", "")),
    ];
    for (name, text) in &texts {
        for event_name in [None, Some("error")] {
            let taken = measure(|| drop(black_box(Said::read(text.as_str(), event_name)))).bytes_max;
            assert!(taken <= 3 * SIZE as u64, "{name}: {taken} bytes for {}", text.len());
        }
    }
    let whole = filled(r#"{"object":"response","id":"r","output":["#, "0,", "0]}");
    let event = format!("data: {}\n\n", texts[0].1);
    for text in [whole, event] {
        let taken = measure(|| {
            let mut body = Body::new(None, 2 * SIZE).expect("a body");
            for mut chunk in text.as_bytes().chunks(16 * 1024) {
                while let Some(said) = body.decode(&mut chunk).expect("an event") {
                    assert!(matches!(black_box(said), Said::Event(_)));
                }
            }
        });
        assert!(taken.bytes_max <= 3 * SIZE as u64 + 4096, "{} bytes for {}", taken.bytes_max, text.len());
    }
}
