//! Runs every method of the policy on any input, in a library whose panic handler calls a function that does
//! not exist. If the linked code does not refer to that function, nothing in it can panic.
#![no_std]

use core::time::Duration;

use failback::{
    Attempt, Blame, Call, Config, Decision, Dial, DialOutcome, Failure, GiveUp, Mode, Outcome, OverSse,
    Policy, ProbeStyle, Replay, Stage, Timestamp, Transport, Verdict, VerdictStyle,
};

unsafe extern "C" {
    /// Defined nowhere.
    safe fn failback_can_panic() -> !;
}

#[panic_handler]
fn panic(_: &core::panic::PanicInfo<'_>) -> ! {
    failback_can_panic()
}

/// What the caller holds between operations.
struct Held {
    policy: Policy,
    call: Option<Call>,
    attempt: Option<Attempt>,
    dial: Option<Dial>,
}

/// Applies operations that the compiler knows nothing about, and returns something that depends on all of
/// them.
///
/// # Safety
/// `words` points to `len` readable numbers.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn failback_no_panic(words: *const u64, len: usize) -> u64 {
    // SAFETY: as the caller promises.
    let words = unsafe { core::slice::from_raw_parts(words, len) };
    let mut words = words.iter().copied();
    let config = config(&mut words);
    let seed = words.next().unwrap_or(0);
    let mut held = Held {
        policy: Policy::new(config, seed, Timestamp::from_nanos(words.next().unwrap_or(0))),
        call: None,
        attempt: None,
        dial: None,
    };
    let mut digest = 0_u64;
    while let Some(operation) = words.next() {
        let now = Timestamp::from_nanos(words.next().unwrap_or(0));
        let word = words.next().unwrap_or(0);
        digest = digest.rotate_left(7) ^ apply(&mut held, config, operation, now, word);
    }
    digest
}

fn config(words: &mut impl Iterator<Item = u64>) -> Config {
    let mut next = || words.next().unwrap_or(0);
    let mut duration = || Duration::from_nanos(next());
    Config::new()
        .with_fallback_within(duration())
        .with_head_start(duration())
        .with_cooldown(duration())
        .with_cooldown_max(duration())
        .with_probe_lease(duration())
        .with_backoff(duration())
        .with_backoff_max(duration())
        .with_max_server_wait(duration())
        .with_jitter_permille(next() as u16)
        .with_retry_budget(if next() & 1 == 0 { None } else { Some(next() as u16) })
        .with_stream_max_retries(next() as u8)
        .with_max_recoveries(next() as u8)
        .with_replay(match next() % 3 {
            0 => Replay::BeforeOutput,
            1 => Replay::BeforeSend,
            _ => Replay::Restart,
        })
        .with_verdict(if next() & 1 == 0 { VerdictStyle::OnEvidence } else { VerdictStyle::Immediate })
        .with_probe(if next() & 1 == 0 { ProbeStyle::InBand } else { ProbeStyle::Background })
}

fn failure(word: u64) -> Failure {
    let blame = match word & 7 {
        0 => Blame::Connection,
        1 => Blame::Payload,
        2 => Blame::Transport,
        3 => Blame::Network,
        4 => Blame::Server,
        _ => Blame::Request,
    };
    let stage = match (word >> 3) & 3 {
        0 => Stage::Connecting,
        1 => Stage::Open,
        _ => Stage::Streaming,
    };
    let mut failure = Failure::new(blame, stage);
    if word & 32 != 0 {
        failure = failure.with_committed();
    }
    if word & 64 != 0 {
        failure = failure.with_retry_after(Duration::from_nanos(word));
    }
    failure
}

fn apply(held: &mut Held, config: Config, operation: u64, now: Timestamp, word: u64) -> u64 {
    let Held { policy, call, attempt, dial } = held;
    match operation {
        0 => *call = Some(policy.open_call(now)),
        1 => {
            if let Some(ready) = call.take() {
                match policy.begin_attempt(ready, now) {
                    Decision::Start(started) => *attempt = Some(started),
                    Decision::Wait(waiting) => *call = Some(waiting),
                }
            }
        }
        2 => {
            if let Some(attempt) = attempt {
                policy.handle_progress(attempt, now);
            }
        }
        3 => {
            let outcome = match word & 7 {
                0 => Outcome::Completed,
                1 => Outcome::Cancelled,
                2 => Outcome::Ended,
                3 => Outcome::RetriesExhausted(failure(word >> 3)),
                _ => Outcome::Failed(failure(word >> 3)),
            };
            if let Some(attempt) = attempt.take() {
                match policy.handle_outcome(attempt, outcome, now) {
                    Verdict::Done => return 1,
                    Verdict::Retry(again) => *call = Some(again),
                    Verdict::GiveUp(GiveUp::ServerBusy { retry_after }) => return retry_after.as_secs(),
                    Verdict::GiveUp(why) => return why.as_str().len() as u64,
                }
            }
        }
        4 => {
            if let Some(attempt) = attempt.take() {
                let (moved, left) = policy.divert(attempt, now);
                *call = Some(moved);
                *dial = Some(left);
            }
        }
        5 => *dial = policy.poll_probe(now),
        6 => {
            let outcome = match word & 3 {
                0 => DialOutcome::Opened,
                1 => DialOutcome::Abandoned,
                _ => DialOutcome::Failed(failure(word >> 2)),
            };
            if let Some(dial) = dial.take() {
                policy.handle_dial(dial, outcome, now);
            }
        }
        7 => policy.handle_timeout(now),
        8 => policy.handle_network_change(now),
        9 => {
            let snapshot = policy.snapshot(now);
            *policy = Policy::restore(config, word, &snapshot, Duration::from_nanos(word), now);
        }
        14 => {
            let snapshot = policy.snapshot(now).in_doubt();
            policy.learn(&snapshot, Duration::from_nanos(word), now);
            policy.hold_probe(Duration::from_nanos(word), now);
        }
        10 => *attempt = Some(policy.begin_call(now)),
        11 => {
            if let Some(waiting) = call.take() {
                *attempt = Some(policy.begin_attempt_now(waiting, now));
            }
        }
        12 => *dial = policy.warm_up(now),
        13 => {
            if let Some(ahead) = dial.take() {
                match policy.adopt(ahead, now) {
                    Ok(adopted) => *attempt = Some(adopted),
                    Err(refused) => *dial = Some(refused),
                }
            }
        }
        15 => {
            let why = if word & 1 == 0 { OverSse::SseOnly } else { OverSse::TooLarge };
            *call = Some(policy.open_call_over_sse(now, why));
        }
        _ => {}
    }
    observe(held)
}

fn observe(held: &Held) -> u64 {
    #[cfg(feature = "control")]
    #[allow(clippy::unwrap_used)]
    if held.policy.recoveries_left() == 200 {
        held.policy.poll_timeout().unwrap();
    }
    let mode = match held.policy.mode() {
        Mode::Preferred => 0,
        Mode::Suspected => 1,
        Mode::FailedOver { retry_at } => retry_at.as_nanos(),
        Mode::Probing { lease_until } => lease_until.saturating_duration_since(Timestamp::ZERO).as_secs(),
        Mode::Pinned => 2,
    };
    let wake = held.policy.poll_timeout().map_or(0, Timestamp::as_nanos);
    let timer = held.policy.timer().map_or(0, |timer| timer.as_str().len() as u64);
    let attempt = held.attempt.as_ref().map_or(0, |attempt| {
        let divert = attempt.divert_at().map_or(0, Timestamp::as_nanos);
        let transport = u64::from(attempt.transport() == Transport::Sse);
        divert ^ transport ^ u64::from(attempt.number()) ^ attempt.reason().as_str().len() as u64
    });
    let call = held.call.as_ref().map_or(0, |call| {
        let moved = call.moved().map_or(0, |reason| reason.as_str().len() as u64);
        call.ready_at().as_nanos() ^ moved
    });
    let trigger = held.policy.trigger().map_or(0, |trigger| trigger.as_str().len() as u64);
    mode ^ timer
        ^ trigger
        ^ u64::from(held.policy.transitions())
        ^ wake.rotate_left(1)
        ^ attempt.rotate_left(2)
        ^ call.rotate_left(3)
        ^ u64::from(held.policy.recoveries_left())
}
