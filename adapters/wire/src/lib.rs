//! The protocol half of failback's adapters, without any I/O.
//!
//! An adapter owns sockets, clocks and tasks. Everything that can be decided from bytes alone is decided
//! here, once for all adapters:
//!
//! | question | answer |
//! | --- | --- |
//! | where does each transport go? | [`Endpoint`], [`Target`], [`Headers`] |
//! | what is sent on this connection? | [`Request`] |
//! | what did the server send? | [`ResponseHeaders`], [`Body`], [`SseDecoder`], [`Said`], [`Event`], [`ServerError`] |
//! | what is in an event? | [`Delta`], [`Output`], [`Usage`] |
//! | is the WebSocket open? | [`is_upgrade_accepted`] |
//! | to which response does it belong? | [`Carried`] |
//! | is the other end still there? | [`Liveness`], [`Limits`] |
//! | what is this failure evidence against? | [`Seen`], [`classify`], [`retry_after`] |
//! | what do people want to know about it? | [`Cause`] |
//! | both of these at once | [`Fault`] |
//!
//! In scope: the Responses API as it is spoken over a WebSocket and over Server-Sent Events. Out of scope:
//! sockets, TLS, proxies, the framing of WebSocket and HTTP, time (it is always an argument), and the policy
//! itself, which is the crate [`failback`].
//!
//! Nothing here panics, whatever the input. What is kept of what a server sends is bounded, by a limit that
//! the caller sets or by a constant.
//!
//! ```
//! use std::time::SystemTime;
//!
//! use failback::{Blame, Stage, Transport};
//! use failback_wire::{Endpoint, Event, Request, Seen, SseDecoder, SseItem, Terminal, classify};
//!
//! // One URL gives both transports.
//! let endpoint = Endpoint::new("https://api.example.com/v1")?;
//! assert_eq!(endpoint.target(Transport::WebSocket).request_uri(), "wss://api.example.com/v1/responses");
//!
//! // One request gives both bodies.
//! let request = Request::text("some-model", "Say hello");
//! assert!(request.sse_body().contains(r#""stream":true"#));
//!
//! // Bytes become events ...
//! let mut decoder = SseDecoder::new(1024);
//! let mut input: &[u8] = b"event: response.completed\ndata: {\"type\":\"response.completed\"}\n\n";
//! while let Some(item) = decoder.decode(&mut input)? {
//!     if let SseItem::Event { data, .. } = item {
//!         assert_eq!(Event::parse(data)?.terminal(), Some(Terminal::Completed));
//!     }
//! }
//!
//! // ... and what went wrong becomes a `Failure` for the policy.
//! let failure = classify(&Seen::EndOfStream, Transport::Sse, Stage::Streaming, false, SystemTime::now());
//! assert_eq!(failure.map(|failure| failure.blame()), Some(Blame::Transport));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
#![forbid(unsafe_code)]

mod absence;
mod authority;
mod body;
mod carried;
mod cause;
mod classify;
mod credential;
mod delta;
mod endpoint;
mod event;
mod fault;
mod flat;
mod handshake;
mod header_error;
mod header_text;
mod headers;
mod json;
mod json_object;
mod limits;
mod liveness;
mod output;
mod request;
mod request_error;
mod response_headers;
mod retry_after;
mod said;
mod secrets;
mod seen;
mod server_error;
mod span;
mod sse;
mod target;
mod text;
mod url_error;
mod usage;

pub use absence::{SLACK, absence};
pub use authority::{bracketed, host_and_port, is_loopback};
pub use body::{Body, BodyError};
pub use carried::{Carried, Owner};
pub use cause::Cause;
pub use classify::classify;
pub use delta::Delta;
pub use endpoint::{Endpoint, PlaintextError};
pub use event::{Event, EventError, Terminal};
pub use fault::Fault;
pub use handshake::is_upgrade_accepted;
pub use header_error::HeaderError;
pub use header_text::HeaderText;
pub use headers::Headers;
/// The crate whose names, values and maps of headers, and whose URIs, are accepted too.
pub use http;
pub use limits::{Limits, MAX_ERROR_BODY_BYTES, MAX_HEADER_BYTES};
pub use liveness::{Liveness, LivenessAction};
pub use output::{Output, ToolCall};
pub use request::Request;
pub use request_error::RequestError;
pub use response_headers::ResponseHeaders;
pub use retry_after::retry_after;
pub use said::Said;
pub use seen::Seen;
/// The crate of whose values [`Request::new`] and [`Request::with_continuation`] take some.
pub use serde_json;
pub use server_error::ServerError;
pub use sse::{SseDecoder, SseError, SseItem};
pub use target::Target;
pub use text::PIECE;
pub use url_error::UrlError;
pub use usage::Usage;
