//! The driver that failback's async adapters share.
//!
//! An adapter is a [`Runtime`]: how to resolve, connect, sleep, spawn and tell the time. Everything else is here, once:
//! TLS, the WebSocket and HTTP on top of it, time limits, connection reuse, and obeying the policy. An application uses
//! a crate for its runtime, such as `failback-tokio`; this one is for writing such a crate.
//!
//! # How a turn goes
//!
//! [`Client::stream`] makes a [`ResponseStream`], which opens a call with the policy and then goes through attempts until
//! one carries the response or the policy gives up. An attempt takes an idle connection or dials one; a WebSocket
//! handshake gets a head start, and goes on by itself when that has run out. The stream does its own work when it is polled:
//! dropping it drops its sockets, and whatever it held in the policy is given back. Only this runs beside it: the task of
//! an HTTP connection, which ends with the connection, and one more until the end of an answer has come that nobody
//! waits for; a handshake that its turn has left; and the keeper of the WebSocket that waits for the next turn, which
//! answers pings and sends them, and notices when the socket ends. The last three end with the client, but for the
//! second that a server is given to answer a Close frame.
//!
//! # Bounds
//!
//! Nothing is queued: a reader that is slow makes the server slow. Messages, lines, headers and error bodies have limits
//! ([`Limits`](failback_wire::Limits)), and every wait has one.
//!
//! # Another runtime
//!
//! Implement [`Runtime`], and [`Client::with_runtime`] does the rest.
#![forbid(unsafe_code)]

mod client;
mod dial;
mod http;
mod idle;
mod io;
mod network;
mod pool;
mod runtime;
mod shared;
mod socket;
mod sse;
mod stream;
mod timer;
mod trace;
mod tunnel;
mod watch;
mod websocket;

pub use client::{Builder, Client, World};
pub use failback_client::{AttemptReport, BuildError, Error, Item, Notice, ProxyError, Response, TlsError};
pub use runtime::Runtime;
pub use stream::ResponseStream;
