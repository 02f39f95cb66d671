//! The driver that failback's async adapters share.
//!
//! An adapter implements [`Runtime`]: it resolves, connects, sleeps, spawns and tells the time. Everything
//! else is here, once: TLS, WebSocket and HTTP over it, time limits, connection reuse, and obedience to the
//! policy. An application uses the crate for its runtime, such as `failback-tokio`. This crate is for those
//! who write such a crate.
//!
//! # How a turn goes
//!
//! [`Client::stream`] makes a [`ResponseStream`], which opens a call with the policy and then makes attempts
//! until one carries the response or the policy gives up. An attempt takes an idle connection or dials one. A
//! WebSocket handshake gets a head start, and goes on without its turn after that. The stream does its work
//! when it is polled. If it is dropped, its sockets are dropped too, and the policy hears that the turn was
//! cancelled.
//!
//! These tasks run beside the stream:
//!
//! - the keeper of each HTTP connection that waits for a turn (at most four, a minute each): it reads the end
//!   of the last answer, so that the connection can be used again, and notices when the connection ends;
//! - a handshake that its turn has left, or that was begun ahead of any turn ([`Client::warm_up`]);
//! - the keeper of the WebSocket that waits for the next turn: it sends and answers pings, and notices when
//!   the socket ends.
//!
//! All of them end with the client, except that a server is given a second to answer a Close frame.
//!
//! # Bounds
//!
//! Nothing is queued: a slow reader slows the server. Messages, lines, headers and error bodies have limits
//! ([`Limits`](failback_wire::Limits)), and so has every wait for a server or a proxy. A provider of
//! credentials has the limit of whoever waits for it: the deadline of the turn, if there is one, or the
//! connect time-out.
//!
//! # Another runtime
//!
//! Implement [`Runtime`], and build a client with [`Client::with_runtime`]. The example `own_runtime` does so
//! in one file, and `docs/PORTING.md` in the repository goes through it with a checklist.
#![forbid(unsafe_code)]

mod ahead;
mod client;
mod dial;
mod driver;
mod http;
mod idle_http;
mod idle_websocket;
mod io;
mod items;
mod keeper;
mod network;
mod pool;
mod relay;
mod runtime;
mod shared;
mod socket;
mod sse;
mod stream;
mod timer;
mod trace;
mod tunnel;
mod warm_up;
mod watch;
mod websocket;

pub use client::{Builder, Client, World};
#[doc(no_inline)]
pub use failback_client::rustls;
#[doc(inline)]
pub use failback_client::{
    AttemptEnd, AttemptReport, BuildError, Credentials, CredentialsRequest, DialEnd, Error, ErrorKind, Item,
    Notice, Observation, ProviderAnswer, ProviderError, ProviderPanicked, ProxyError, Response,
    StateFileError, StateFileProblem, TlsError, TurnEnd, Warmed,
};
pub use runtime::Runtime;
pub use stream::ResponseStream;
