//! Each invariant is noticed when it is broken, and no other one is blamed for it.

use super::invariant::Invariant;
use super::search::search;
use super::std::print;
use super::subject::Sabotage;
use super::world::Scope;
use super::{ONE_CALL, SMALL, WARMED_UP, with};
use crate::Config;

/// As deep as it takes to spend a recovery more than there are, and some more for what else might break.
const DEPTH: usize = 16;

#[track_caller]
fn breaks(sabotage: Sabotage, config: Config, invariant: Invariant) {
    let over_sse = invariant == Invariant::OverSseIsKept;
    breaks_within(Scope { dials: 0, over_sse, ..with(ONE_CALL, config) }, DEPTH, sabotage, invariant);
}

#[track_caller]
fn breaks_within(scope: Scope, depth: usize, sabotage: Sabotage, invariant: Invariant) {
    let report = search(&scope, Some(sabotage), depth);
    for (broken, trace) in &report.broken {
        print!("{sabotage:?} breaks {broken:?}:\n{trace}");
    }
    let mut broken = report.broken.iter().map(|(broken, _)| *broken);
    assert_eq!((broken.next(), broken.next()), (Some(invariant), None));
}

#[test]
fn a_probe_that_refills_recoveries_before_it_completes() {
    breaks(Sabotage::RefillOnProgress, SMALL, Invariant::RecoveriesAreBounded);
}

#[test]
fn a_conviction_without_a_cooldown() {
    breaks(Sabotage::NoCooldown, SMALL, Invariant::CooldownIsKept);
}

#[test]
fn a_probe_that_does_not_hold_the_slot() {
    breaks(Sabotage::ProbeHoldsNothing, SMALL.with_max_recoveries(2), Invariant::OneProbe);
}

#[test]
fn a_lease_that_never_ends() {
    breaks(Sabotage::LeaseForEver, SMALL, Invariant::ComesBack);
}

#[test]
fn a_last_resort_that_does_not_bring_the_policy_back() {
    breaks(Sabotage::PinnedForGood, SMALL, Invariant::LastResortComesBack);
}

#[test]
fn a_connection_failure_that_never_counts() {
    breaks(Sabotage::ConnectionsForEver, SMALL, Invariant::CallsEnd);
}

#[test]
fn a_last_resort_that_is_denied() {
    breaks(Sabotage::LastResortOnlyWhenPinned, SMALL, Invariant::BothAreTried);
}

#[test]
fn a_last_resort_that_is_denied_to_what_did_not_count() {
    breaks(Sabotage::ExcusedIsTried, SMALL, Invariant::BothAreTried);
}

#[test]
fn a_last_resort_that_is_denied_for_want_of_a_token() {
    let config = SMALL.with_stream_max_retries(1).with_retry_budget(Some(0));
    breaks(Sabotage::BudgetEndsCalls, config, Invariant::BothAreTried);
}

#[test]
fn a_call_over_sse_that_has_a_last_resort() {
    breaks(Sabotage::OverSseHasALastResort, SMALL, Invariant::OverSseIsKept);
}

#[test]
fn a_suspicion_that_does_not_lapse() {
    breaks(Sabotage::SuspicionForEver, SMALL, Invariant::SuspicionsEnd);
}

#[test]
fn a_tick_that_is_ignored() {
    breaks(Sabotage::TickIgnored, SMALL, Invariant::WakeUpsAreAhead);
}

#[test]
fn a_policy_that_is_never_pinned() {
    breaks(Sabotage::NeverPinned, SMALL, Invariant::PinnedWhenSpent);
}

#[test]
fn a_completion_that_leaves_a_recovery_spent() {
    breaks(Sabotage::CompletionLeavesOneSpent, SMALL, Invariant::PreferredIsFull);
}

/// A warm-up needs no history to go wrong.
const FEW: usize = 6;

#[test]
fn a_warm_up_beside_another() {
    breaks_within(Scope { dials: 2, ..WARMED_UP }, FEW, Sabotage::WarmUpsPileUp, Invariant::OneWarmUp);
}

#[test]
fn a_dial_that_is_waited_for_again() {
    breaks_within(WARMED_UP, FEW, Sabotage::AdoptsAnyDial, Invariant::NobodyWaitsTwice);
}
