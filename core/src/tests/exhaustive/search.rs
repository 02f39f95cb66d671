//! Breadth first through every world that can be reached, so that the first way to break an invariant is a
//! shortest one.

use super::canonical::ByKey;
use super::continuation::Continuations;
use super::invariant::{Broken, Invariant};
use super::std::collections::hash_map::Entry;
use super::std::fmt::Write as _;
use super::std::format;
use super::std::string::String;
use super::std::vec::Vec;
use super::subject::Sabotage;
use super::world::{Op, Scope, World};
use crate::Timestamp;

pub(super) struct Report {
    pub(super) states: usize,
    pub(super) transitions: usize,
    /// How many operations lead to the furthest state.
    pub(super) depth: usize,
    /// Nothing is left to visit: what was found holds for sequences of any length.
    pub(super) complete: bool,
    /// For each broken invariant a shortest way to break it.
    pub(super) broken: Vec<(Invariant, String)>,
}

/// How each state was reached first.
struct Origin {
    from: u32,
    op: Op,
}

pub(super) fn search(scope: &Scope, sabotage: Option<Sabotage>, depth: usize) -> Report {
    let start = World::new(scope.config, sabotage);
    let mut seen: ByKey<_, ()> = ByKey::default();
    let mut origins = Vec::new();
    let mut continuations = Continuations::default();
    let mut report = Report { states: 1, transitions: 0, depth: 0, complete: false, broken: Vec::new() };
    seen.insert(start.key(), ());
    origins.push(Origin { from: 0, op: Op::Tick });
    let mut frontier = Vec::from([(0_u32, start.clone())]);
    let mut ops = Vec::new();
    let note = |report: &mut Report, origins: &[Origin], broken: Broken, from: u32, op: Option<Op>| {
        if broken == Broken::default() {
            return;
        }
        for invariant in broken.iter() {
            if report.broken.iter().all(|(known, _)| *known != invariant) {
                report.broken.push((invariant, trace(&start, origins, from, op)));
            }
        }
    };
    while !frontier.is_empty() && report.depth < depth {
        report.depth += 1;
        let mut next = Vec::new();
        for (from, world) in frontier {
            world.ops(scope, &mut ops);
            for &op in &ops {
                let mut world = world.clone();
                let broken = world.step(op);
                report.transitions += 1;
                note(&mut report, &origins, broken, from, Some(op));
                if let Entry::Vacant(entry) = seen.entry(world.key()) {
                    entry.insert(());
                    let index = u32::try_from(origins.len()).expect("fewer states than that");
                    origins.push(Origin { from, op });
                    let broken = continuations.check(&world, scope);
                    note(&mut report, &origins, broken, index, None);
                    next.push((index, world));
                }
            }
        }
        frontier = next;
    }
    report.states = seen.len();
    report.complete = frontier.is_empty();
    report.broken.sort_by_key(|(invariant, _)| *invariant);
    report
}

/// The search takes worlds with one key for one world. An operation that tells two of them apart proves it
/// wrong. With one call and one dial, the same operation means the same to both.
pub(super) fn tell_apart(scope: &Scope, depth: usize) -> Option<String> {
    let successors = |world: &World| {
        let mut ops = Vec::new();
        world.ops(scope, &mut ops);
        let after = |op| {
            let mut world = world.clone();
            let broken = world.step(op);
            (op, broken, world.key())
        };
        ops.into_iter().map(after).collect::<Vec<_>>()
    };
    let start = World::new(scope.config, None);
    let mut seen = ByKey::default();
    seen.insert(start.key(), successors(&start));
    let mut frontier = Vec::from([start]);
    for _ in 0..depth {
        let mut next = Vec::new();
        for world in frontier {
            for &(op, _, key) in &seen[&world.key()] {
                let mut world = world.clone();
                world.step(op);
                next.push((key, world));
            }
        }
        frontier = Vec::new();
        for (key, world) in next {
            let here = successors(&world);
            match seen.entry(key) {
                Entry::Vacant(entry) => {
                    entry.insert(here);
                    frontier.push(world);
                }
                Entry::Occupied(entry) => {
                    let differs = entry.get().iter().zip(&here).find(|(known, here)| known != here);
                    if differs.is_some() || entry.get().len() != here.len() {
                        return Some(format!("{differs:?}"));
                    }
                }
            }
        }
    }
    None
}

/// Every operation that led to a state, and one more.
fn trace(start: &World, origins: &[Origin], mut at: u32, last: Option<Op>) -> String {
    let mut ops: Vec<Op> = last.into_iter().collect();
    while at != 0 {
        let origin = &origins[at as usize];
        ops.push(origin.op);
        at = origin.from;
    }
    let mut world = start.clone();
    let zero = world.now;
    let since = |at: Timestamp| at.saturating_duration_since(zero).as_nanos();
    let mut text = String::new();
    for op in ops.into_iter().rev() {
        world.step(op);
        let (now, mode, left) = (since(world.now), world.mode(), world.subject.policy().recoveries_left());
        let _ = writeln!(text, "{now:>5}  {:<50} {mode}, {left} left", format!("{op}"));
    }
    text
}
