//! Streams Responses over a WebSocket on smol, survives on SSE, and comes back by itself.
//!
//! ```no_run
//! use std::io::{Write, stdout};
//!
//! use failback_smol::{Client, Item, Request};
//!
//! # async fn run(key: &str) -> Result<(), Box<dyn std::error::Error>> {
//! let client = Client::builder("https://api.openai.com/v1").bearer(key).build()?;
//!
//! let mut turn = client.stream(Request::text("gpt-5.2", "Say hello."));
//! while let Some(item) = turn.next().await {
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
//! connections are used again. Clones share both. A turn goes on while its stream is polled, and dropping the
//! stream cancels it.
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
//! # Tasks
//!
//! A turn can be polled anywhere: I/O and timers are smol's own. Two kinds of tasks run beside the turns:
//! handshakes that go on after their turn has left them, or begin before it ([`Client::warm_up`]), and the
//! keepers of idle connections. A keeper notices when its connection ends, and sends and answers the pings of
//! a WebSocket. The tasks run on smol's global executor, or on your own:
//! `Client::with_runtime(Smol::on(&executor), url)`. All tasks end with the client; a server is given a
//! second to answer a Close frame.
//!
//! [`Client::warm_up`]: failback_async::Client::warm_up
#![forbid(unsafe_code)]

mod runtime;

#[doc(no_inline)]
pub use failback;
#[doc(inline)]
pub use failback::{
    Blame, Change, Config, GiveUp, Mode, Reason, Replay, SharedPolicy, Snapshot, Stage, Status, Transport,
    Trigger, VerdictStyle,
};
#[doc(no_inline)]
pub use failback_async::rustls;
#[doc(inline)]
pub use failback_async::{
    AttemptEnd, AttemptReport, BuildError, Credentials, CredentialsRequest, DialEnd, Error, ErrorKind, Item,
    Notice, Observation, ProviderAnswer, ProviderError, ProviderPanicked, ProxyError, Response,
    ResponseStream, StateFileError, StateFileProblem, TlsError, TurnEnd, Warmed,
};
#[doc(inline)]
pub use failback_wire::{
    Delta, Event, EventError, HeaderError, HeaderText, Headers, Limits, Output, PlaintextError, Request,
    RequestError, ResponseHeaders, ServerError, Terminal, ToolCall, UrlError, Usage,
};
#[doc(no_inline)]
pub use failback_wire::{http, serde_json};
pub use runtime::{Sleep, Smol};

/// A client on smol. See [`failback_async::Client`] for its methods.
///
/// ```no_run
/// # async fn run(key: &str) -> Result<(), Box<dyn std::error::Error>> {
/// use failback_smol::{Client, Request};
///
/// let client = Client::builder("https://api.openai.com/v1").bearer(key).build()?;
/// let response = client.stream(Request::text("gpt-5.2", "Say hello.")).into_response().await?;
/// println!("{}, over {:?}", response.text(), response.transport());
/// # Ok(())
/// # }
/// ```
pub type Client = failback_async::Client<Smol>;

/// Settings of a client on smol that is being built: an alias of [`failback_client::Builder`], which has its
/// methods.
///
/// [`failback_client::Builder`]: https://docs.rs/failback-client/latest/failback_client/struct.Builder.html
pub type Builder = failback_async::Builder<Smol>;
