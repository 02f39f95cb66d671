//! Random settings and operations, to test with them what embeds the policy, or a port of it.
//!
//! Operations name calls, attempts and dials by their place among those that are there, counted round and
//! round, so that each means something wherever it stands: one that finds nothing to act on does nothing.
//! That also makes a failing trace shrink to the operations that matter.
//!
//! They come from strategies ([`configs`], [`failures`], [`outcomes`], [`operations`], [`traces`]) or from
//! bytes ([`decode()`]), as a fuzzer has them.
//!
//! ```
//! use failback::testing::{Operation, traces};
//! use failback::{Decision, Policy, Timestamp};
//! use proptest::prelude::*;
//!
//! proptest!(|(trace in traces(100))| {
//!     // Your driver, or your port, in place of this one. It holds what the operations name.
//!     let mut policy = Policy::new(trace.config, trace.seed, Timestamp::ZERO);
//!     let mut attempts = Vec::new();
//!     for operation in trace.operations {
//!         if operation == Operation::Call {
//!             let call = policy.open_call(Timestamp::ZERO);
//!             match policy.begin_attempt(call, Timestamp::ZERO) {
//!                 Decision::Start(attempt) => attempts.push(attempt),
//!                 Decision::Wait(_) => prop_assert!(false, "a new call never waits"),
//!             }
//!         }
//!     }
//!     prop_assert!(attempts.iter().filter(|attempt| attempt.is_probe()).count() <= 1);
//! });
//! ```
#![allow(clippy::indexing_slicing, clippy::arithmetic_side_effects, reason = "no part of the policy")]

mod decode;
mod strategy;

use core::time::Duration;
use std::vec::Vec;

use crate::{Config, DialOutcome, Outcome, OverSse};

pub use decode::decode;
pub use strategy::{configs, failures, operations, outcomes, traces};

/// What a run needs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Trace {
    /// The settings.
    pub config: Config,
    /// Of the policy.
    pub seed: u64,
    /// One after another.
    pub operations: Vec<Operation>,
}

/// One thing that a driver, its network or its clock does.
///
/// Exhaustive on purpose: a test that passes over an operation tests less than it seems to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Operation {
    /// A call is opened, to begin later.
    Open,
    /// A call is opened over SSE, to begin later.
    OpenOverSse(OverSse),
    /// A call is opened and begins.
    Call,
    /// A call that waits begins its next attempt, or finds that it is too early.
    Begin(u8),
    /// A call begins its next attempt, whether it should wait or not.
    BeginNow(u8),
    /// An event of an attempt arrives.
    Progress(u8),
    /// An attempt ends.
    Finish(u8, Outcome),
    /// The head start of an attempt runs out, or its driver is wrong about that.
    Divert(u8),
    /// A dial ends.
    Dial(u8, DialOutcome),
    /// The driver would dial ahead of the next call.
    PollProbe,
    /// The driver asks for a handshake ahead of any call.
    WarmUp,
    /// A call opens and waits for a dial, or finds that it may not.
    Adopt(u8),
    /// A tick.
    Tick,
    /// Another network.
    NetworkChange,
    /// A snapshot is made, and nothing comes of it.
    Snapshot,
    /// The process ends and starts again.
    Restart(Restart),
    /// The policy starts anew from a snapshot that somebody made up.
    Restore(MadeUp),
    /// The policy learns from a snapshot that somebody made up.
    Learn(MadeUp),
    /// The policy is to hold its probe.
    HoldProbe(Duration),
    /// The clock that is told to the policy moves.
    Clock(Clock),
    /// The handle of a call is dropped.
    LoseCall(u8),
    /// The handle of an attempt is dropped.
    LoseAttempt(u8),
    /// The handle of a dial is dropped.
    LoseDial(u8),
}

/// How a policy is restored from its snapshot.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Restart {
    /// How long it was away.
    pub down: Duration,
    /// It comes back with other settings.
    pub config: Option<Config>,
    /// Its snapshot goes through JSON, and loses parts of milliseconds there.
    pub through_json: bool,
    /// Handles of the policy before it are still around: what they report is stale.
    pub handles_survive: bool,
}

/// What somebody wrote into a snapshot.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MadeUp {
    /// `preferred`, `failed_over` or `pinned`.
    pub mode: &'static str,
    /// As in a snapshot.
    pub retry_in_ms: u64,
    /// As in a snapshot.
    pub cooldown_ms: u64,
    /// As in a snapshot.
    pub failures: u16,
    /// As in a snapshot.
    pub recoveries_left: u8,
    /// As in a snapshot.
    pub convictions: u8,
    /// How long ago it is said to have been made.
    pub elapsed: Duration,
}

/// How the clock moves. Exhaustive on purpose, as [`Operation`] is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Clock {
    /// Onward.
    Forward(Duration),
    /// Backwards: what is told then is older than what was.
    Back(Duration),
    /// To the next wake-up, just before it, or just after.
    Wake(Edge),
    /// To when a call is ready.
    Ready(u8, Edge),
    /// To when an attempt is to be diverted.
    Divert(u8, Edge),
}

/// Which side of a deadline. Exhaustive on purpose: there are no others.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Edge {
    /// A nanosecond early.
    Before,
    /// On time.
    At,
    /// A nanosecond late.
    After,
}

/// Durations worth trying: none, the smallest, some that a trace can outlast and some that it cannot. The
/// first is the commonest.
const DURATIONS: [Duration; 16] = [
    Duration::from_millis(100),
    Duration::ZERO,
    Duration::from_nanos(1),
    Duration::from_nanos(7),
    Duration::from_millis(1),
    Duration::from_millis(10),
    Duration::from_millis(99),
    Duration::from_millis(101),
    Duration::from_millis(200),
    Duration::from_secs(1),
    Duration::from_secs(5),
    Duration::from_secs(60),
    Duration::from_secs(3600),
    Duration::from_nanos(u64::MAX / 3),
    Duration::from_nanos(u64::MAX),
    Duration::MAX,
];

/// How often a call may be retried, or recoveries may be spent.
const COUNTS: [u8; 8] = [1, 0, 2, 3, 4, 5, 254, 255];

/// Retry budgets.
const BUDGETS: [Option<u16>; 8] =
    [Some(10), None, Some(0), Some(1), Some(2), Some(3), Some(100), Some(u16::MAX)];

/// Jitters.
const JITTERS: [u16; 4] = [0, 500, 1, 1000];
