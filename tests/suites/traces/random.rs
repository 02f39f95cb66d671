//! Any sequence of operations on a recorded policy is decided again, from what is left of it in the trace.

use std::time::Duration;

use failback::{
    AttemptGuard, Blame, Call, Config, DialGuard, DialOutcome, Failure, Outcome, OverSse, Policy, ProbeStyle,
    Replay, SharedDecision, SharedPolicy, Stage, Timestamp, Verdict, VerdictStyle,
};
use failback_peer::Peer;
use failback_tests::{Dice, Settings, TestClient, Trace, adapter};

/// What a driver may say.
struct Any(Dice);

impl Any {
    fn below(&mut self, end: u64) -> u64 {
        self.0.below(end)
    }

    fn one_of<T: Copy>(&mut self, all: &[T]) -> T {
        all[self.0.place(all)]
    }

    /// One of them, and the others without it.
    fn take<T>(&mut self, all: &mut Vec<T>) -> Option<T> {
        if all.is_empty() {
            return None;
        }
        let place = self.0.place(all);
        Some(all.swap_remove(place))
    }

    fn config(&mut self) -> Config {
        let mut config = Config::new()
            .with_stream_max_retries(self.one_of(&[0, 1, 5]))
            .with_max_recoveries(self.one_of(&[0, 1, 3]))
            .with_cooldown(Duration::from_micros(self.below(20_000_000)))
            .with_probe_lease(Duration::from_micros(self.below(5_000_000)))
            .with_backoff(Duration::from_micros(self.below(400_000)))
            .with_retry_budget(self.one_of(&[None, Some(1), Some(10)]))
            .with_replay(self.one_of(&[Replay::BeforeOutput, Replay::BeforeSend, Replay::Restart]))
            .with_verdict(self.one_of(&[VerdictStyle::OnEvidence, VerdictStyle::Immediate]));
        if self.below(2) == 0 {
            config = config.with_probe(ProbeStyle::Background);
        }
        config
    }

    fn failure(&mut self) -> Failure {
        let mut failure = Failure::new(self.one_of(&Blame::ALL), self.one_of(&Stage::ALL));
        if self.below(4) == 0 {
            failure = failure.with_committed();
        }
        if self.below(4) == 0 {
            failure = failure.with_retry_after(Duration::from_nanos(self.below(90_000_000_000)));
        }
        if self.below(20) == 0 {
            failure = failure.with_retry_after(Duration::MAX);
        }
        failure
    }
}

/// What a driver holds.
#[derive(Default)]
struct Held {
    waiting: Vec<Call>,
    running: Vec<AttemptGuard>,
    dials: Vec<DialGuard>,
}

#[test]
fn any_operations_are_decided_again() {
    let peer = Peer::start();
    let mut steps = 0;
    for seed in 0..250 {
        let (mut dice, trace) = (Any(Dice::new(seed)), Trace::default());
        let settings = Settings::new(&peer).config(dice.config()).seed(seed).record(&trace);
        let client = adapter("blocking").client(settings);
        let (policy, mut held) = (client.policy(), Held::default());
        for _ in 0..120 {
            step(&mut dice, &*client, &policy, &mut held);
        }
        // What is dropped is told too.
        drop((held, client));
        drop(policy);
        trace.check();
        steps += trace.steps().len();
    }
    assert!(steps > 10_000, "{steps}");
}

fn step(dice: &mut Any, client: &dyn TestClient, policy: &SharedPolicy, held: &mut Held) {
    match dice.below(22) {
        0..=2 => held.running.push(policy.begin_call()),
        3 => held.waiting.push(policy.open_call()),
        4 => {
            held.waiting.push(policy.open_call_over_sse(dice.one_of(&[OverSse::SseOnly, OverSse::TooLarge])));
        }
        5 | 6 => {
            if let Some(call) = dice.take(&mut held.waiting) {
                match policy.begin_attempt(call) {
                    SharedDecision::Start(guard) => held.running.push(guard),
                    SharedDecision::Wait(call) => held.waiting.push(call),
                }
            }
        }
        7 => held.running.extend(dice.take(&mut held.waiting).map(|call| policy.begin_attempt_now(call))),
        // A stream, with pauses in which time changes this or that.
        8 | 9 => {
            for _ in 0..dice.below(6) {
                held.running.iter().for_each(AttemptGuard::handle_progress);
                client.advance(Duration::from_nanos(dice.below(3_000_000_000)));
            }
        }
        10..=13 => {
            if let Some(guard) = dice.take(&mut held.running) {
                let failure = dice.failure();
                let (failed, exhausted) = (Outcome::Failed(failure), Outcome::RetriesExhausted(failure));
                let outcomes = [Outcome::Completed, Outcome::Ended, failed, failed, failed, exhausted];
                if let Verdict::Retry(call) = guard.handle_outcome(dice.one_of(&outcomes)) {
                    held.waiting.push(call);
                }
            }
        }
        14 => drop(dice.take(&mut held.running)),
        15 => match dice.take(&mut held.running).map(AttemptGuard::divert) {
            Some(Ok((call, dial))) => {
                held.waiting.push(call);
                held.dials.push(dial);
            }
            Some(Err(guard)) => held.running.push(guard),
            None => {}
        },
        16 => held.dials.extend(policy.warm_up().into_iter().chain(policy.poll_probe())),
        17 => match dice.take(&mut held.dials).map(DialGuard::adopt) {
            Some(Ok(guard)) => held.running.push(guard),
            Some(Err(dial)) => held.dials.push(dial),
            None => {}
        },
        18 => {
            if let Some(dial) = dice.take(&mut held.dials) {
                match dice.below(4) {
                    0 => drop(dial),
                    1 => dial.handle_dial(DialOutcome::Opened),
                    _ => dial.handle_dial(DialOutcome::Failed(dice.failure())),
                }
            }
        }
        19 => {
            let _looked_at = (policy.status(), policy.poll_timeout());
            if dice.below(4) == 0 {
                policy.handle_network_change();
            }
        }
        20 => {
            let mut other = Policy::new(policy.config(), dice.below(9), Timestamp::ZERO);
            let attempt = other.begin_call(Timestamp::ZERO);
            let failed = Outcome::Failed(dice.failure());
            let _verdict = other.handle_outcome(attempt, failed, Timestamp::from_nanos(dice.below(9_999)));
            let snapshot = other.snapshot(Timestamp::from_nanos(dice.below(9_999_999)));
            let _learned = policy.learn(&snapshot, Duration::from_nanos(dice.below(9_999_999_999)));
            policy.hold_probe(Duration::from_nanos(dice.below(2_000_000_000)));
        }
        _ => client.advance(Duration::from_nanos(dice.below(4_000_000_000))),
    }
}
