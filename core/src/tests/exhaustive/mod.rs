//! Everything that can happen, in small: every sequence of operations on a few small configurations, of any
//! length.
//!
//! Each search ends because nothing new is left to visit, so what it finds holds for good; its numbers are
//! asserted, so that one that visits less than it did fails. The bounds are those of the [`Scope`]: how many
//! calls and dials are under way at once, and how long durations are.
//!
//! The invariants are checked by an observer that sees what a driver sees. That it would notice is shown by
//! policies that are broken on purpose, each caught for the one thing that is wrong with it.

mod canonical;
mod continuation;
mod invariant;
mod sabotaged;
mod search;
mod subject;
mod world;

extern crate std;

use self::search::{search, tell_apart};
use self::std::{print, println, time::Instant};
use self::world::{Scope, UNIT, units};
use crate::{Config, ProbeStyle, Replay, VerdictStyle};

/// Short durations, but all different in kind from none: each deadline can be met, just missed and long past.
const SMALL: Config = Config::new()
    .with_jitter_permille(0)
    .with_cooldown(units(2))
    .with_cooldown_max(units(4))
    .with_probe_lease(units(2))
    .with_head_start(UNIT)
    .with_fallback_within(units(2))
    .with_backoff(UNIT)
    .with_backoff_max(units(2))
    .with_max_server_wait(units(3))
    .with_retry_budget(None)
    .with_stream_max_retries(0)
    .with_max_recoveries(1);
const RETRYING: Config = SMALL.with_stream_max_retries(1);

const ONE_CALL: Scope =
    Scope { config: SMALL, calls: 1, dials: 1, warm_ups: false, synonyms: false, over_sse: false };
const WARMED_UP: Scope = Scope { warm_ups: true, ..ONE_CALL };
const TWO_CALLS: Scope = Scope { calls: 2, ..ONE_CALL };

const fn with(scope: Scope, config: Config) -> Scope {
    Scope { config, ..scope }
}

/// Searches to the end. `states` and `transitions` are what it visited when it was last looked at: a policy
/// that behaves otherwise may well visit another number, and then they are to be replaced, after a look at
/// why.
#[track_caller]
fn holds(scope: Scope, states: usize, transitions: usize) {
    let started = Instant::now();
    let report = search(&scope, None, usize::MAX);
    for (invariant, trace) in &report.broken {
        print!("{invariant:?} is broken:\n{trace}");
    }
    println!(
        "{} states, {} transitions, {} operations deep, in {:.1?}",
        report.states,
        report.transitions,
        report.depth,
        started.elapsed()
    );
    assert!(report.broken.is_empty() && report.complete);
    assert_eq!((report.states, report.transitions), (states, transitions));
}

#[test]
fn worlds_that_count_as_the_same_go_on_alike() {
    let config = SMALL.with_probe(ProbeStyle::Background);
    assert_eq!(tell_apart(&with(ONE_CALL, config), 14), None);
    assert_eq!(tell_apart(&with(ONE_CALL, RETRYING.with_retry_budget(Some(1))), 9), None);
    assert_eq!(tell_apart(&with(WARMED_UP, config), 10), None);
    assert_eq!(tell_apart(&Scope { over_sse: true, ..ONE_CALL }, 9), None);
}

#[test]
fn one_call_with_every_synonym_and_two_dials() {
    holds(Scope { dials: 2, synonyms: true, ..ONE_CALL }, 16_960, 384_538);
}

#[test]
fn one_call_with_warm_ups_and_two_dials() {
    let config = SMALL.with_max_recoveries(2).with_probe(ProbeStyle::Background);
    holds(Scope { dials: 2, ..with(WARMED_UP, config) }, 65_893, 1_537_368);
}

#[test]
fn one_call_that_is_retried_with_warm_ups() {
    holds(with(WARMED_UP, RETRYING), 143_515, 2_737_856);
}

#[test]
fn two_calls_and_a_warm_up_under_immediate_conviction() {
    holds(
        Scope { calls: 2, ..with(WARMED_UP, SMALL.with_verdict(VerdictStyle::Immediate)) },
        466_955,
        15_033_390,
    );
}

#[test]
#[ignore = "takes minutes"]
fn two_calls_and_a_warm_up() {
    holds(Scope { calls: 2, ..WARMED_UP }, 1_347_395, 42_938_440);
}

#[test]
fn one_call_that_is_retried() {
    holds(
        with(ONE_CALL, RETRYING.with_max_recoveries(2).with_probe(ProbeStyle::Background)),
        263_172,
        4_992_350,
    );
}

#[test]
fn one_call_that_is_retried_after_output() {
    holds(with(ONE_CALL, RETRYING.with_replay(Replay::Restart)), 69_890, 1_209_628);
}

#[test]
fn one_call_that_must_not_be_sent_twice() {
    holds(with(ONE_CALL, RETRYING.with_replay(Replay::BeforeSend)), 42_553, 732_328);
}

#[test]
fn one_call_that_is_retried_on_a_budget() {
    holds(with(ONE_CALL, RETRYING.with_retry_budget(Some(1))), 176_424, 3_193_530);
}

#[test]
fn one_call_under_immediate_conviction() {
    holds(
        with(ONE_CALL, RETRYING.with_max_recoveries(2).with_verdict(VerdictStyle::Immediate)),
        60_566,
        1_115_056,
    );
}

#[test]
fn two_calls_and_a_dial() {
    holds(with(TWO_CALLS, SMALL.with_probe(ProbeStyle::Background)), 1_158_717, 36_721_856);
}

#[test]
fn two_calls_without_a_recovery() {
    holds(with(TWO_CALLS, SMALL.with_max_recoveries(0)), 143_791, 4_426_419);
}

#[test]
fn two_calls_under_immediate_conviction() {
    holds(with(TWO_CALLS, SMALL.with_verdict(VerdictStyle::Immediate)), 262_528, 8_203_410);
}

#[test]
fn one_call_that_may_be_over_sse() {
    holds(Scope { over_sse: true, synonyms: true, ..with(ONE_CALL, RETRYING) }, 73_976, 1_423_862);
}

#[test]
fn two_calls_that_may_be_over_sse() {
    holds(Scope { over_sse: true, dials: 0, ..TWO_CALLS }, 212_423, 6_010_991);
}

#[test]
#[ignore = "takes minutes"]
fn two_calls_that_are_retried() {
    holds(Scope { dials: 0, ..with(TWO_CALLS, RETRYING.with_max_recoveries(0)) }, 2_304_913, 62_649_153);
}
