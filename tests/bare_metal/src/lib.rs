//! The vectors, run by the same code on the host, on a microcontroller and in WebAssembly.
//!
//! The host turns the JSON vectors into a [`script`] of bytes, which is compiled into the programs for the
//! other machines. The [`runner`] puts the script through the real policy, and makes one digest a run of
//! everything it observes. Machines that decide alike (R21) print the same digests.
#![cfg_attr(not(feature = "host"), no_std)]
#![forbid(unsafe_code)]

pub mod digest;
pub mod runner;
pub mod script;
