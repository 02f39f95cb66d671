#![doc = include_str!("../README.md")]

mod parse;
mod run;
mod step;
mod trace;
mod vector;

pub use run::{Mismatch, RunError, StepReport};
pub use vector::{ParseError, Vector};
