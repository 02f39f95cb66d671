//! When two worlds are the same: whatever happens next, both answer alike. Times count from now, epochs are
//! current or stale, and calls have no names.

use core::hash::{BuildHasherDefault, Hasher};

use super::std::collections::HashMap;
use super::world::{Dialling, Slot, Stand, World};
use crate::call::Origin;
use crate::history::{History, Past};
use crate::{Blame, Failure, Mode, Outcome, Policy, Reason, Stage, Timestamp, Transport, Verdict};

const CALL: usize = 7;

/// What makes a world this one and no other.
pub(super) type Key = [u8; 32];

/// A map by key. Half of the time goes into hashing otherwise.
pub(super) type ByKey<K, V> = HashMap<K, V, BuildHasherDefault<Multiply>>;

#[derive(Default)]
pub(super) struct Multiply(u64);

impl Hasher for Multiply {
    fn write(&mut self, bytes: &[u8]) {
        for chunk in bytes.chunks(8) {
            let mut word = [0; 8];
            word[..chunk.len()].copy_from_slice(chunk);
            self.0 = (self.0.rotate_left(23) ^ u64::from_le_bytes(word)).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        }
    }

    fn finish(&self) -> u64 {
        self.0 ^ self.0 >> 32
    }
}

impl World {
    pub(super) fn key(&self) -> Key {
        let mut key = Writer { key: [0; 32], at: 0 };
        key.write(self.policy_key());
        let ghost = &self.ghost;
        key.write([
            ghost.spent,
            u8::from(ghost.undecided),
            self.until(ghost.not_before),
            self.until(ghost.taken_until),
            self.until(ghost.suspected_until),
            self.until(ghost.dialling_until),
        ]);
        let mut calls = [[0; CALL]; super::world::MAX_CALLS];
        for (part, slot) in calls.iter_mut().zip(self.calls.iter().flatten()) {
            *part = self.call_key(slot);
        }
        calls.sort_unstable();
        for part in calls {
            key.write(part);
        }
        let mut dials = [0; super::world::MAX_DIALS];
        for (part, dial) in dials.iter_mut().zip(self.dials.iter().flatten()) {
            *part = self.dial_key(dial);
        }
        dials.sort_unstable();
        key.write(dials);
        key.key
    }

    /// The policy alone. What no accessor tells shows in what it does next.
    pub(super) fn policy_key(&self) -> [u8; 8] {
        let policy = self.subject.policy();
        let (config, state) = (policy.config(), policy.state());
        let then = |f: &dyn Fn(&mut crate::state::State)| {
            let mut state = state.clone();
            f(&mut state);
            state
        };
        let (mode, detail, hidden) = match state.mode() {
            // The raw deadline of a dial: at the origin, every deadline is ahead.
            Mode::Preferred => (0, self.until(state.wake_at(Timestamp::ZERO).unwrap_or_default()), {
                state.wake_at(Timestamp::ZERO).is_some()
            }),
            Mode::Suspected => (1, self.until(state.wake_at(Timestamp::ZERO).unwrap_or_default()), {
                then(&|state| state.sse_failed(config, self.now)).mode() == Mode::Preferred
            }),
            Mode::FailedOver { retry_at } => (2, self.until(retry_at), state.wants_dial(Timestamp::MAX)),
            Mode::Probing { lease_until } => (3, self.until(lease_until), {
                then(&|state| state.end_probe(config, self.now)).recoveries() > state.recoveries()
            }),
            Mode::Pinned => (4, 0, false),
        };
        let kept = state.snapshot(self.now);
        // More of either makes no difference: the next failure moves, and the cooldown is the longest.
        let failures = kept.failures.min(u16::from(config.stream_max_retries()) + 1);
        let longest = config.cooldown_max().as_nanos() / config.cooldown().as_nanos();
        let convictions = u128::from(kept.convictions).min(longest);
        let cooldown = kept.cooldown.as_nanos();
        [
            mode,
            detail,
            u8::from(hidden),
            state.recoveries(),
            u8::try_from(failures).expect("small"),
            u8::try_from(convictions).expect("small"),
            u8::try_from(cooldown).expect("small"),
            completions_to_a_token(policy),
        ]
    }

    pub(super) fn call_key(&self, slot: &Slot) -> [u8; CALL] {
        // Whether the last one had a worn out connection is in the history as well.
        let [websocket, sse] = slot.tries.map(|tries| u8::from(tries.tried));
        let tried = websocket | sse << 1;
        let attempts = u8::try_from(slot.attempts).expect("small");
        let (history, stand): (&History, [u8; 2]) = match &slot.stand {
            Stand::Waiting(call) => (&call.history, [1, self.until(call.ready_at())]),
            Stand::Running(running) => {
                let attempt = &running.attempt;
                let reason = match attempt.reason() {
                    Reason::Probe => 2,
                    Reason::LastResort => 3,
                    _ if attempt.transport() == Transport::WebSocket => 4,
                    _ => 5,
                };
                // No transition makes a stale epoch current again, and SSE has none.
                let current = attempt.transport() == Transport::WebSocket
                    && attempt.epoch == self.subject.policy().state().epoch();
                let probes = running.probes && self.now < self.ghost.taken_until;
                let flags = u8::from(current) | u8::from(running.progressed) << 1 | u8::from(probes) << 2;
                (&attempt.history, [reason, flags])
            }
        };
        let bound = match history.bound.map(Reason::transport) {
            _ if slot.over_sse => 3,
            None => 0,
            Some(Transport::Sse) => 1,
            Some(Transport::WebSocket) => 2,
        };
        // A call that is bound asks neither for its grace any more, nor who was busy, and without retries
        // there is none to ask for. Before its first failure only an attempt that might fail in grace knows
        // when it began.
        let free = bound == 0;
        let graceful = free && self.config().stream_max_retries() > 0;
        let in_grace = graceful && history.past.has(Past::IN_GRACE);
        let asks = in_grace || graceful && stand[0] == 4 && stand[1] & 1 == 1;
        let leave_at = history.grace_from.saturating_add(self.config().fallback_within());
        let leave_at = if asks { self.until(leave_at) } else { 0 };
        [
            stand[0],
            stand[1],
            bound
                | u8::from(in_grace) << 2
                | u8::from(free && history.past.has(Past::BUSY)) << 3
                | tried << 4
                | u8::from(history.past.has(Past::WEBSOCKET_WORN_OUT)) << 6
                | u8::from(history.past.has(Past::SSE_WORN_OUT)) << 7,
            u8::try_from(history.counted(Transport::WebSocket)).expect("small"),
            u8::try_from(history.counted(Transport::Sse)).expect("small"),
            leave_at,
            attempts,
        ]
    }

    fn dial_key(&self, dialling: &Dialling) -> u8 {
        let state = self.subject.policy().state();
        let dial = &dialling.dial;
        let current = dial.epoch == state.epoch();
        if !current || dial.origin == Origin::Nothing {
            return 1;
        }
        let probes = dialling.probes && self.now < self.ghost.taken_until;
        let ahead = dial.origin == Origin::Ahead;
        let evidence = dial.sse_progress != state.sse_progress();
        2 | u8::from(evidence) << 2 | u8::from(probes) << 3 | u8::from(ahead) << 4
    }

    /// Zero when it is not ahead, and the most there is when it is out of reach.
    fn until(&self, at: Timestamp) -> u8 {
        let units = at.as_nanos().saturating_sub(self.now.as_nanos());
        if units < u8::MAX.into() { units as u8 } else { u8::MAX }
    }
}

/// How much of a token is left: so many completions go by until a retry is granted.
fn completions_to_a_token(policy: &Policy) -> u8 {
    let config = policy.config();
    if config.retry_budget().is_none() || config.stream_max_retries() == 0 {
        // Nothing takes a token.
        return 0;
    }
    let busy = Outcome::Failed(Failure::new(Blame::Server, Stage::Open));
    let mut policy = policy.clone();
    for completions in 0..u8::MAX {
        let mut asking = policy.clone();
        let attempt = asking.begin_call(Timestamp::ZERO);
        if let Verdict::Retry(_) = asking.handle_outcome(attempt, busy, Timestamp::ZERO) {
            return completions;
        }
        let attempt = policy.begin_call(Timestamp::ZERO);
        let _done = policy.handle_outcome(attempt, Outcome::Completed, Timestamp::ZERO);
    }
    u8::MAX
}

struct Writer {
    key: Key,
    at: usize,
}

impl Writer {
    fn write<const N: usize>(&mut self, part: [u8; N]) {
        self.key[self.at..self.at + N].copy_from_slice(&part);
        self.at += N;
    }
}
