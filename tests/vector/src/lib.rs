//! Vectors: recorded sequences of events, and what the policy is expected to decide on each.
//!
//! A vector is a JSON object: `name`, `source`, `config`, `seed` and `steps`. Each step has `at_ms`, `do`,
//! for most a `call`, and an optional `expect` of which every key present must match.

mod parse;
mod run;

pub use parse::{ParseError, Vector};
pub use run::{Mismatch, RunError, StepReport};
