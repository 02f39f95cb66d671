//! What a caller says of one request, and is told of its answer, with every adapter.

#[macro_use]
extern crate failback_tests;

mod answers;
mod credentials;
mod credentials_refused;

mod deadline;
mod headers;
mod size_limit;
mod sse_only;
