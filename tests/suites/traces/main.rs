//! What a client records of its policy, with every adapter; and what is made of a trace that is none.

#[macro_use]
extern crate failback_tests;

mod common;
mod damaged;
mod random;
mod recorded;
mod restored;
mod writers;
