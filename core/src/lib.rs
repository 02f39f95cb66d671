//! Prefer WebSocket. Survive on SSE. Come back on your own.
#![no_std]
#![forbid(unsafe_code)]

mod failure;
mod time;

pub use failure::{Blame, DialOutcome, Failure, Outcome, Stage, Transport};
pub use time::Timestamp;
