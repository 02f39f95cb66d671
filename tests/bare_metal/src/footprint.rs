//! Nothing but the policy: what of it a program carries that uses all of it. Linked to be measured, not to be
//! run.
#![no_std]
#![no_main]

use core::time::Duration;

use failback::{
    Attempt, Call, Config, Decision, Dial, DialOutcome, Mode, Outcome, Policy, Snapshot, Timestamp, Trigger,
    Verdict,
};

/// Every method, so that none is left out.
#[expect(dead_code, reason = "linked, and never called")]
pub struct Methods {
    new: fn(Config, u64, Timestamp) -> Policy,
    open_call: fn(&mut Policy, Timestamp) -> Call,
    begin_call: fn(&mut Policy, Timestamp) -> Attempt,
    begin_attempt: fn(&mut Policy, Call, Timestamp) -> Decision,
    begin_attempt_now: fn(&mut Policy, Call, Timestamp) -> Attempt,
    handle_progress: fn(&mut Policy, &Attempt, Timestamp),
    handle_outcome: fn(&mut Policy, Attempt, Outcome, Timestamp) -> Verdict,
    divert: fn(&mut Policy, Attempt, Timestamp) -> (Call, Dial),
    poll_probe: fn(&mut Policy, Timestamp) -> Option<Dial>,
    warm_up: fn(&mut Policy, Timestamp) -> Option<Dial>,
    adopt: fn(&mut Policy, Dial, Timestamp) -> Result<Attempt, Dial>,
    handle_dial: fn(&mut Policy, Dial, DialOutcome, Timestamp),
    handle_timeout: fn(&mut Policy, Timestamp),
    poll_timeout: fn(&Policy) -> Option<Timestamp>,
    handle_network_change: fn(&mut Policy, Timestamp),
    mode: fn(&Policy) -> Mode,
    recoveries_left: fn(&Policy) -> u8,
    transitions: fn(&Policy) -> u32,
    trigger: fn(&Policy) -> Option<Trigger>,
    snapshot: fn(&Policy, Timestamp) -> Snapshot,
    restore: fn(Config, u64, &Snapshot, Duration, Timestamp) -> Policy,
}

/// What the linker must keep.
#[unsafe(no_mangle)]
#[used]
pub static METHODS: Methods = Methods {
    new: Policy::new,
    open_call: Policy::open_call,
    begin_call: Policy::begin_call,
    begin_attempt: Policy::begin_attempt,
    begin_attempt_now: Policy::begin_attempt_now,
    handle_progress: Policy::handle_progress,
    handle_outcome: Policy::handle_outcome,
    divert: Policy::divert,
    poll_probe: Policy::poll_probe,
    warm_up: Policy::warm_up,
    adopt: Policy::adopt,
    handle_dial: Policy::handle_dial,
    handle_timeout: Policy::handle_timeout,
    poll_timeout: Policy::poll_timeout,
    handle_network_change: Policy::handle_network_change,
    mode: Policy::mode,
    recoveries_left: Policy::recoveries_left,
    transitions: Policy::transitions,
    trigger: Policy::trigger,
    snapshot: Policy::snapshot,
    restore: Policy::restore,
};

#[panic_handler]
fn panic(_: &core::panic::PanicInfo<'_>) -> ! {
    loop {}
}
