//! Streams Responses over a WebSocket with threads and no async runtime, survives on SSE, and comes back by
//! itself.
//!
//! ```no_run
//! use std::io::{Write, stdout};
//!
//! use failback_blocking::{Client, Item, Request};
//!
//! # fn run(key: &str) -> Result<(), Box<dyn std::error::Error>> {
//! let client = Client::builder("https://api.openai.com/v1").bearer(key).build()?;
//!
//! for item in client.stream(Request::text("gpt-5.2", "Say hello.")) {
//!     match item? {
//!         Item::Event(event) => {
//!             if let Some(delta) = event.text_delta() {
//!                 print!("{delta}");
//!                 stdout().flush()?; // or it shows only when a line ends
//!             }
//!         }
//!         Item::Restarted { discard } => println!("[forget the last {discard} events]"),
//!         Item::Notice(notice) => eprintln!("[{notice}]"),
//!     }
//! }
//! # Ok(())
//! # }
//! ```
//!
//! Make one client for an endpoint and keep it: what one turn learns about the network helps the next, and
//! connections are used again. Clones share both. A turn goes on while its stream is read, and dropping the
//! stream cancels it. The thread that asks for the next item reads it from the socket itself. Another thread
//! can end the turn with [`ResponseStream::cancel_handle`].
//!
//! Which transport carries a turn is decided by the policy of the crate [`failback`], whose documentation
//! says how; its settings are a [`Config`], and those of the connections are [`Limits`].
//!
//! [`Builder`]'s `observer` hears every decision as a value ([`Observation`]). The same values are
//! [`tracing`] events with targets that begin with `failback`, in a span for each turn; the documentation of
//! the crate `failback-client` has a table of them.
//!
//! # Features
//!
//! - `metrics`: the same values as counters, a histogram and a gauge of the crate [`metrics`]; the
//!   documentation of `failback-client` has a table of these too.
//! - `webpki-roots`: `Builder::webpki_roots`, the roots that Mozilla trusts, compiled in, for containers
//!   without a store of roots. A client that does not call it trusts what the platform trusts.
//!
//! [`tracing`]: https://docs.rs/tracing
//! [`metrics`]: https://docs.rs/metrics
//!
//! # Threads
//!
//! A WebSocket handshake runs in a thread of its own, since it may go on without its turn, or begin ahead of
//! it ([`Client::warm_up`]). So do a name look-up and a provider of credentials, which cannot be interrupted.
//! One more thread looks after idle connections while there are any: it sends and answers pings. All of them
//! end with the client, a look-up as soon as the system has answered, and a provider as soon as it returns.
#![forbid(unsafe_code)]

mod bell;
mod builder;
mod client;
mod connect;
mod deadline;
mod dial;
mod dialling;
mod driver;
mod frames;
mod halt;
mod handshake;
mod head;
mod heard;
mod idle;
mod idle_http;
#[doc(hidden)]
pub mod inspect;
mod io;
mod link;
mod milestone;
mod network;
mod no_stream;
mod pool;
mod shared;
mod slot;
mod socket;
mod sse;
mod stream;
mod threads;
mod transport;
mod tunnel;
mod warm_up;
mod watch;
mod websocket;

pub use builder::{Builder, World};
pub use client::Client;
#[doc(no_inline)]
pub use failback;
#[doc(inline)]
pub use failback::{
    Blame, Change, Config, GiveUp, Mode, Reason, Replay, SharedPolicy, Snapshot, Stage, Status, Transport,
    Trigger, VerdictStyle,
};
#[doc(no_inline)]
pub use failback_client::rustls;
#[doc(inline)]
pub use failback_client::{
    AttemptEnd, AttemptReport, BuildError, Credentials, CredentialsRequest, DialEnd, Error, ErrorKind, Item,
    Notice, Observation, ProviderAnswer, ProviderError, ProviderPanicked, ProxyError, Response,
    StateFileError, StateFileProblem, TlsError, TurnEnd, Warmed,
};
#[doc(inline)]
pub use failback_wire::{
    Delta, Event, EventError, HeaderError, HeaderText, Headers, Limits, Output, PlaintextError, Request,
    RequestError, ResponseHeaders, ServerError, Terminal, ToolCall, UrlError, Usage,
};
#[doc(no_inline)]
pub use failback_wire::{http, serde_json};
pub use stream::{CancelHandle, ResponseStream};
pub use warm_up::WarmUp;
