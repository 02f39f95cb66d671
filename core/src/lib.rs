//! Prefer WebSocket. Survive on SSE. Come back on your own.
#![no_std]
#![forbid(unsafe_code)]

#[cfg(feature = "std")]
extern crate std;

mod call;
mod config;
mod failure;
mod policy;
mod random;
#[cfg(feature = "serde")]
mod serde;
#[cfg(feature = "std")]
mod shared;
mod snapshot;
mod state;
mod time;

pub use call::{Attempt, Call, Decision, Dial, GiveUp, Reason, Verdict};
pub use config::{Config, Conviction, ProbeStyle, Replay};
pub use failure::{Blame, DialOutcome, Failure, Outcome, Stage, Transport};
pub use policy::Policy;
#[cfg(feature = "std")]
pub use shared::{AttemptGuard, DialGuard, SharedDecision, SharedPolicy, random_seed};
pub use snapshot::Snapshot;
pub use state::Mode;
pub use time::Timestamp;
