use core::time::Duration;
use std::vec::Vec;

use crate::{Blame, Config, DialOutcome, Failure, Outcome, OverSse, ProbeStyle, Replay, Stage, VerdictStyle};

use super::{BUDGETS, COUNTS, Clock, DURATIONS, Edge, JITTERS, MadeUp, Operation, Restart};

/// How many bytes the settings take.
pub(super) const CONFIG_BYTES: usize = 13;

/// How many bytes an operation takes.
pub(super) const OPERATION_BYTES: usize = 3;

/// Reads settings and operations from bytes: thirteen for the settings, then three an operation. Any bytes
/// will do, and what is missing is zero.
#[must_use]
pub fn decode(bytes: &[u8]) -> (Config, Vec<Operation>) {
    let (head, tail) = bytes.split_at(bytes.len().min(CONFIG_BYTES));
    let operations = tail.chunks(OPERATION_BYTES).map(|chunk| operation(padded(chunk))).collect();
    (config(padded(head)), operations)
}

fn padded<const N: usize>(bytes: &[u8]) -> [u8; N] {
    let mut all = [0; N];
    all[..bytes.len()].copy_from_slice(bytes);
    all
}

/// One of these, whatever the byte.
fn pick<T: Copy>(from: &[T], byte: u8) -> T {
    from[usize::from(byte) % from.len()]
}

pub(super) fn config(bytes: [u8; CONFIG_BYTES]) -> Config {
    let [
        retries,
        recoveries,
        budget,
        jitter,
        styles,
        within,
        head_start,
        cooldown,
        cooldown_max,
        lease,
        backoff,
        backoff_max,
        wait,
    ] = bytes;
    Config::new()
        .with_stream_max_retries(pick(&COUNTS, retries))
        .with_max_recoveries(pick(&COUNTS, recoveries))
        .with_retry_budget(pick(&BUDGETS, budget))
        .with_jitter_permille(pick(&JITTERS, jitter))
        .with_replay(pick(
            &[Replay::BeforeOutput, Replay::Restart, Replay::BeforeOutput, Replay::BeforeSend],
            styles & 1 | styles >> 6 & 2,
        ))
        .with_verdict(pick(
            &[VerdictStyle::OnEvidence, VerdictStyle::OnEvidence, VerdictStyle::Immediate],
            styles >> 1,
        ))
        .with_probe(pick(&[ProbeStyle::InBand, ProbeStyle::Background], styles >> 3))
        .with_fallback_within(pick(&DURATIONS, within))
        .with_head_start(pick(&DURATIONS, head_start))
        .with_cooldown(pick(&DURATIONS, cooldown))
        .with_cooldown_max(pick(&DURATIONS, cooldown_max))
        .with_probe_lease(pick(&DURATIONS, lease))
        .with_backoff(pick(&DURATIONS, backoff))
        .with_backoff_max(pick(&DURATIONS, backoff_max))
        .with_max_server_wait(pick(&DURATIONS, wait))
}

/// The second byte says which, the third says how.
pub(super) fn operation([kind, which, how]: [u8; OPERATION_BYTES]) -> Operation {
    match kind % 32 {
        4 if how % 4 == 3 => Operation::Adopt(which),
        0..=4 => Operation::Call,
        5 => match how % 4 {
            0 | 1 => Operation::Open,
            2 => Operation::OpenOverSse(OverSse::SseOnly),
            _ => Operation::OpenOverSse(OverSse::TooLarge),
        },
        // Seldom, so that most calls wait.
        6..=9 if how % 8 == 7 => Operation::BeginNow(which),
        6..=9 => Operation::Begin(which),
        10..=12 => Operation::Progress(which),
        13..=18 => Operation::Finish(which, outcome(kind, how)),
        19..=20 => Operation::Divert(which),
        21..=22 => Operation::Dial(which, dial_outcome(how)),
        23 if how % 2 == 1 => Operation::WarmUp,
        23 => Operation::PollProbe,
        24 => match how % 4 {
            0 | 1 if how >> 5 == 6 => Operation::HoldProbe(pick(&DURATIONS, which)),
            0 | 1 => Operation::Tick,
            2 if how >> 7 == 1 => Operation::Learn(made_up(which, how >> 2)),
            2 => Operation::Snapshot,
            _ => Operation::NetworkChange,
        },
        25 => match how % 4 {
            0 => Operation::LoseCall(which),
            1 => Operation::LoseAttempt(which),
            2 => Operation::LoseDial(which),
            _ if how >> 5 == 7 => Operation::Restore(made_up(which, how >> 2)),
            _ => Operation::Restart(Restart {
                down: pick(&DURATIONS, which),
                config: other_config(which >> 4, how >> 5),
                through_json: how & 4 != 0,
                handles_survive: how & 8 != 0,
            }),
        },
        26..=27 => Operation::Clock(Clock::Forward(forward(how))),
        28 => match how % 16 {
            0 => Operation::Clock(Clock::Back(pick(&DURATIONS, which))),
            how => Operation::Clock(Clock::Divert(which, edge(how))),
        },
        29 => Operation::Clock(Clock::Ready(which, edge(how))),
        _ => Operation::Clock(Clock::Wake(edge(how))),
    }
}

/// Seldom so far that time is at its end.
fn forward(how: u8) -> Duration {
    match how {
        0 => Duration::MAX,
        1 => Duration::from_nanos(u64::MAX / 3),
        _ => pick(&DURATIONS[..13], how),
    }
}

fn edge(how: u8) -> Edge {
    pick(&[Edge::At, Edge::At, Edge::After, Edge::Before], how)
}

/// Seldom other settings, and then some that clamp what was kept.
fn other_config(which: u8, how: u8) -> Option<Config> {
    (how == 3).then(|| config([0, which, 0, 0, 0, 0, 0, which, which / 2, 0, 0, 0, 0]))
}

fn made_up(which: u8, how: u8) -> MadeUp {
    let number = pick(&[1, 0, 2, u8::MAX], which);
    MadeUp {
        mode: pick(&["failed_over", "preferred", "pinned"], how),
        retry_in_ms: pick(&[50, 0, 150, u64::MAX], which >> 2),
        cooldown_ms: pick(&[100, 0, 250, u64::MAX], which >> 4),
        failures: pick(&[0, 1, 2, u16::MAX], which >> 6),
        recoveries_left: number,
        convictions: number,
        elapsed: pick(&DURATIONS, which >> 3),
    }
}

pub(super) fn outcome(kind: u8, how: u8) -> Outcome {
    match kind % 32 {
        13 => match how % 8 {
            0..=3 => Outcome::Completed,
            4..=5 => Outcome::Cancelled,
            _ => Outcome::Ended,
        },
        14 => Outcome::RetriesExhausted(failure(how)),
        _ => Outcome::Failed(failure(how)),
    }
}

fn dial_outcome(how: u8) -> DialOutcome {
    match how % 8 {
        0..=2 => DialOutcome::Opened,
        3 => DialOutcome::Abandoned,
        _ => DialOutcome::Failed(failure(how / 8)),
    }
}

/// Mostly of the kinds that say something about WebSocket.
pub(super) fn failure(how: u8) -> Failure {
    let blame = match how % 12 {
        0..=4 => Blame::Transport,
        5 | 6 => Blame::Network,
        7 | 8 => Blame::Server,
        9 => Blame::Connection,
        10 => Blame::Payload,
        _ => Blame::Request,
    };
    let rest = how / 12;
    let failure = Failure::new(blame, pick(&Stage::ALL, rest));
    match rest / 3 {
        1 => failure.with_committed(),
        2 => failure.with_retry_after(Duration::from_millis(150)),
        3 => failure.with_retry_after(Duration::from_secs(60)),
        4 => failure.with_committed().with_retry_after(Duration::MAX),
        5 => failure.with_retry_after(Duration::ZERO),
        6 => failure.with_retry_after(Duration::MAX),
        _ => failure,
    }
}
