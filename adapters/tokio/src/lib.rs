//! Streams Responses over WebSocket and SSE on tokio.
#![forbid(unsafe_code)]

mod runtime;

pub use failback::{
    Blame, Config, Conviction, GiveUp, Mode, Reason, Replay, SharedPolicy, Snapshot, Stage, Transport,
};
pub use failback_async::{BuildError, ResponseStream, TlsError};
pub use failback_wire::{
    AttemptReport, Error, Event, HeaderError, Headers, Item, Limits, Notice, PlaintextError, Request,
    RequestError, ServerError, Terminal, UrlError,
};
pub use runtime::Tokio;

/// A client on tokio.
pub type Client = failback_async::Client<Tokio>;

/// Settings of a client on tokio.
pub type Builder = failback_async::Builder<Tokio>;
