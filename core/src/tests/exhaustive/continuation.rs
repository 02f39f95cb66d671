//! What must come of every state, not only in it: the policy comes back, and calls end.

use super::canonical::{ByKey, Key};
use super::invariant::{Broken, Invariant, most_attempts};
use super::std::vec;
use super::std::vec::Vec;
use super::world::{Op, Scope, Stand, UNIT, World};
use crate::{Attempt, Blame, Decision, DialOutcome, Failure, Mode, Outcome, Stage, Transport, Verdict};

/// Calls until `Preferred` is reached, from any state: one convicts or finds that the slot is taken, one
/// finds that its lease is over, and one probes.
const CALLS_TO_COME_BACK: usize = 3;

#[derive(Default)]
pub(super) struct Continuations {
    by_policy: ByKey<[u8; 8], Broken>,
    attempts_left: ByKey<Key, u32>,
}

impl Continuations {
    pub(super) fn check(&mut self, world: &World, scope: &Scope) -> Broken {
        let mut broken = *self.by_policy.entry(world.policy_key()).or_insert_with(|| {
            let mut broken = Broken::default();
            for ahead in [Ahead::Nothing, Ahead::Probe, Ahead::WarmUp, Ahead::Adopted] {
                broken.union(comes_back(world, ahead));
            }
            broken
        });
        for n in 0..world.calls.len() {
            if let Some(slot) = &world.calls[n] {
                let mut alone = world.alone(n);
                let begun = slot.attempts;
                alone.calls[0].as_mut().expect("a call").attempts = 0;
                let left = self.attempts_left(&alone, scope);
                broken.add_if(begun + left > most_attempts(&scope.config), Invariant::CallsEnd);
            }
        }
        broken
    }

    /// The most attempts that the only call there is still makes, if none goes well.
    fn attempts_left(&mut self, world: &World, scope: &Scope) -> u32 {
        let Some(slot) = &world.calls[0] else { return 0 };
        let endless = most_attempts(&scope.config) + 1;
        if slot.attempts == endless {
            return 0;
        }
        let key = world.key();
        if let Some(&left) = self.attempts_left.get(&key) {
            return left;
        }
        let begun = slot.attempts;
        let next: Vec<World> = match &slot.stand {
            Stand::Waiting(call) => {
                let mut next = world.clone();
                next.now = next.now.latest(call.ready_at());
                next.step(Op::Begin(0));
                let mut unwaited = world.clone();
                unwaited.step(Op::BeginNow(0));
                vec![next, unwaited]
            }
            Stand::Running(_) => {
                let mut ops = Vec::new();
                world.ops(scope, &mut ops);
                ops.retain(|op| matches!(op, Op::Outcome(_, Outcome::Failed(_)) | Op::Divert(_)));
                let after = |op| {
                    let mut next = world.clone();
                    next.step(op);
                    next.dials = Default::default();
                    next
                };
                ops.into_iter().map(after).collect()
            }
        };
        let mut most = 0;
        for next in next {
            let began = next.calls[0].as_ref().map_or(0, |slot| slot.attempts - begun);
            most = most.max(began + self.attempts_left(&next, scope));
        }
        self.attempts_left.insert(key, most);
        most
    }
}

impl World {
    /// The world in which everything else has been lost.
    fn alone(&self, n: usize) -> World {
        let mut world = self.clone();
        world.dials = Default::default();
        world.calls = Default::default();
        world.calls[0].clone_from(&self.calls[n]);
        world
    }

    fn call(&mut self) -> Attempt {
        match self.subject.start_call(self.now) {
            Decision::Start(attempt) => attempt,
            Decision::Wait(_) => unreachable!("a new call does not wait"),
        }
    }
}

/// What its driver does ahead of each call.
#[derive(Clone, Copy, PartialEq)]
enum Ahead {
    Nothing,
    Probe,
    WarmUp,
    /// The call begins before the warm-up has ended.
    Adopted,
}

/// Whatever was under way reports nothing any more. From now on WebSocket and SSE work.
fn comes_back(world: &World, ahead: Ahead) -> Broken {
    let mut world = world.clone();
    let mut broken = Broken::default();
    for _ in 0..CALLS_TO_COME_BACK {
        let dial = match ahead {
            Ahead::Nothing => None,
            Ahead::Probe => world.subject.poll_probe(world.now),
            Ahead::WarmUp | Ahead::Adopted => world.subject.warm_up(world.now),
        };
        let adopted = match dial {
            Some(dial) if ahead == Ahead::Adopted => world.subject.adopt(dial, world.now).ok(),
            Some(dial) => {
                world.subject.handle_dial(dial, DialOutcome::Opened, world.now);
                None
            }
            None => None,
        };
        let mut attempt = adopted.unwrap_or_else(|| world.call());
        let transport = attempt.transport();
        if world.mode() == Mode::Pinned && transport == Transport::Sse {
            broken.add_if(!last_resort_comes_back(world, attempt), Invariant::LastResortComesBack);
            return broken;
        }
        world.subject.handle_progress(&mut attempt, world.now);
        let _done = world.subject.handle_outcome(attempt, Outcome::Completed, world.now);
        if transport == Transport::WebSocket {
            broken.add_if(world.mode() != Mode::Preferred, Invariant::ComesBack);
            return broken;
        }
        let later = world.now.saturating_add(UNIT);
        world.now = world.subject.policy().poll_timeout().unwrap_or(later);
    }
    broken.add_if(true, Invariant::ComesBack);
    broken
}

fn last_resort_comes_back(mut world: World, attempt: Attempt) -> bool {
    let refused = Outcome::RetriesExhausted(Failure::new(Blame::Transport, Stage::Connecting));
    let Verdict::Retry(call) = world.subject.handle_outcome(attempt, refused, world.now) else {
        return false;
    };
    let Decision::Start(attempt) = world.subject.begin_attempt(call, world.now) else { return false };
    let transport = attempt.transport();
    let _done = world.subject.handle_outcome(attempt, Outcome::Completed, world.now);
    transport == Transport::WebSocket && world.mode() == Mode::Preferred
}
