//! `failback doctor` against the peer and its proxies: what it finds, what it says of it, and what it sends.

mod anchors;
mod healthy;
mod hidden;
mod proxies;
mod report;
mod silent;
mod sse;
mod tls;
mod websocket;
