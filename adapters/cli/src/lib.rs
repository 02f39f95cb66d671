//! What the `failback` command line is made of.

pub mod vector;
