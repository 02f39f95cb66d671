//! The policy against its model: whatever happens, they decide alike.

use std::collections::BTreeSet;
use std::time::Duration;

use failback::{Blame, Failure, Outcome, ProbeStyle, Reason, Stage};
use failback_tests::model::Broken;
use failback_tests::operations::{Clock, Edge, Operation, Seen, Trace, decode, run, traces};
use proptest::collection::vec;
use proptest::prelude::{Strategy, any};
use proptest::strategy::ValueTree;
use proptest::test_runner::{Config, RngAlgorithm, TestCaseError, TestError, TestRng, TestRunner};

/// A failing trace is told in full, so none is kept in a file.
fn config(cases: u32) -> Config {
    Config { cases, failure_persistence: None, ..Config::default() }
}

/// For what is to come out alike in each run.
fn same_traces(longest: usize) -> impl Iterator<Item = Trace> {
    let rng = TestRng::deterministic_rng(RngAlgorithm::ChaCha);
    let mut runner = TestRunner::new_with_rng(config(1), rng);
    let strategy = traces(longest);
    std::iter::repeat_with(move || strategy.new_tree(&mut runner).expect("a trace").current())
}

fn check<S: Strategy>(cases: u32, strategy: &S, agree: impl Fn(S::Value) -> Result<(), String>) {
    let outcome =
        TestRunner::new(config(cases)).run(strategy, |value| agree(value).map_err(TestCaseError::fail));
    match outcome {
        Ok(()) => {}
        // The reason tells the trace, with what became of each operation.
        Err(TestError::Fail(reason, _) | TestError::Abort(reason)) => panic!("{reason}"),
    }
}

#[test]
fn the_policy_does_what_its_rules_say() {
    check(20_000, &traces(200), |Trace { config, seed, operations }| {
        run(config, seed, &operations, None).map(drop).map_err(|disagreement| disagreement.to_string())
    });
}

#[test]
fn any_bytes_are_a_trace() {
    check(2_000, &vec(any::<u8>(), 0..600), |bytes| {
        let (config, operations) = decode(&bytes);
        run(config, 1, &operations, None).map(drop).map_err(|disagreement| disagreement.to_string())
    });
}

#[test]
fn equal_seeds_decide_alike() {
    for Trace { config, seed, operations } in same_traces(200).take(1_000) {
        let (once, again) =
            (run(config, seed, &operations, None).unwrap(), run(config, seed, &operations, None).unwrap());
        assert_eq!(once, again);
    }
}

#[test]
fn each_misread_rule_is_noticed() {
    for broken in Broken::ALL {
        let noticed = same_traces(200)
            .take(20_000)
            .position(|trace| run(trace.config, trace.seed, &trace.operations, Some(broken)).is_err());
        assert!(noticed.is_some(), "{broken:?} was not noticed");
    }
}

/// Or agreement would say little.
#[test]
fn traces_come_to_every_decision() {
    let mut seen = BTreeSet::new();
    for trace in same_traces(200).take(1_000) {
        for line in run(trace.config, trace.seed, &trace.operations, None).unwrap() {
            seen.insert(format!("mode {}", line.mode));
            seen.insert(match line.seen {
                Seen::Started { reason, .. } => format!("reason {}", reason.as_str()),
                Seen::GaveUp(why) => format!("give up {}", why.as_str()),
                Seen::Waits(_) => "waits".to_owned(),
                Seen::Retry(_) => "retry".to_owned(),
                other => format!("{other:?}"),
            });
        }
    }
    let mut all: BTreeSet<String> = ["preferred", "suspected", "failed_over", "probing", "pinned"]
        .map(|mode| format!("mode {mode}"))
        .into();
    all.extend(Reason::ALL.map(|reason| format!("reason {reason}")));
    let ends = ["committed", "not_retryable", "attempts_exhausted", "budget_exhausted", "server_busy"];
    all.extend(ends.map(|why| format!("give up {why}")));
    all.extend(["waits", "retry", "Done", "Dialled", "Nothing", "NoSuchHandle"].map(str::to_owned));
    assert_eq!(seen, all);
}

/// The model believes the policy where its draw decides whether a call stays (R3), so both must come of it.
#[test]
fn a_drawn_backoff_decides_whether_a_call_stays() {
    let config = failback::Config::new()
        .with_backoff(Duration::from_millis(100))
        .with_fallback_within(Duration::from_millis(100))
        .with_jitter_permille(1);
    let broken = Outcome::Failed(Failure::new(Blame::Transport, Stage::Streaming));
    let stays = |seed: &u64| {
        let lines = run(config, *seed, &[Operation::Call, Operation::Finish(0, broken)], None).unwrap();
        lines.last().map(|line| line.mode) == Some(failback::Mode::Preferred)
    };
    let staying = (0..1_000).filter(stays).count();
    assert!(
        (400..600).contains(&staying),
        "{staying} of 1000 stay, with a backoff drawn evenly around the limit"
    );
}

/// Further than a random trace comes.
#[test]
fn counters_reach_their_ends() {
    let patient = failback::Config::new()
        .with_stream_max_retries(255)
        .with_max_recoveries(255)
        .with_retry_budget(None)
        .with_fallback_within(Duration::MAX)
        .with_backoff_max(Duration::from_millis(300))
        .with_probe(ProbeStyle::Background)
        .with_jitter_permille(0);
    let broken = Outcome::Failed(Failure::new(Blame::Transport, Stage::Open));
    let connection = Outcome::Failed(Failure::new(Blame::Connection, Stage::Open));
    let refused = Outcome::Failed(Failure::new(Blame::Network, Stage::Connecting));
    let again = [Operation::Clock(Clock::Ready(0, Edge::At)), Operation::Begin(0)];

    let mut one_call = vec![Operation::Call];
    for _ in 0..600 {
        for outcome in [connection, broken] {
            one_call.push(Operation::Finish(0, outcome));
            one_call.extend(again);
        }
    }
    let lines = run(patient, 1, &one_call, None).unwrap();
    assert!(lines.iter().any(|line| matches!(line.seen, Seen::GaveUp(_))));

    let mut for_good = Vec::new();
    for _ in 0..300 {
        for_good.extend([
            Operation::Clock(Clock::Wake(Edge::At)),
            Operation::Call,
            Operation::Finish(0, refused),
            Operation::Begin(0),
            Operation::Progress(0),
            Operation::Finish(0, Outcome::Ended),
            Operation::Snapshot,
        ]);
    }
    let lines = run(patient.with_cooldown(Duration::from_nanos(1)), 1, &for_good, None).unwrap();
    assert_eq!(lines.last().map(|line| line.mode), Some(failback::Mode::Pinned));
}

/// Tokens come back in fractions, which a random trace seldom adds up.
#[test]
fn the_budget_fills_up_in_fifths() {
    let config = failback::Config::new()
        .with_stream_max_retries(255)
        .with_retry_budget(Some(100))
        .with_backoff(Duration::ZERO)
        .with_jitter_permille(0);
    let busy = Outcome::Failed(Failure::new(Blame::Server, Stage::Open));
    let retry_until_broke = || {
        let retries = (0..101).flat_map(|_| [Operation::Finish(0, busy), Operation::Begin(0)]);
        std::iter::once(Operation::Call).chain(retries)
    };
    let completions =
        [Operation::Call, Operation::Finish(0, Outcome::Completed)].into_iter().cycle().take(2 * 24);
    let operations: Vec<_> = retry_until_broke().chain(completions).chain(retry_until_broke()).collect();
    let lines = run(config, 1, &operations, None).unwrap();
    let retries = lines.iter().filter(|line| matches!(line.seen, Seen::Retry(_))).count();
    assert_eq!(retries, 100 + 4);
}
