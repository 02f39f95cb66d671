//! What the policy knows, in a file: what outlives a client, what clients beside each other share, and files
//! that cannot be used. With every adapter.

#[macro_use]
extern crate failback_tests;

mod alone;
mod bad_files;
mod beside;
mod common;
