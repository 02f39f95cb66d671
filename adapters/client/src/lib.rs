//! A client without I/O: what the adapters of failback share.
//!
//! An adapter owns sockets, timers, and tasks or threads. What a turn does with them is decided here, once
//! for all adapters, by a machine: [`Turn`]. The adapter asks it for the next [`Step`], carries that out, and
//! tells it what happened, until the turn is over.
//!
//! ```text
//!            step()                       what the adapter tells it
//!  +------- Wait ----------------------->  (nothing: it asks again when the time has come)
//!  |  +---- Connect -------------------->  handle_connected, handle_failure, or divert
//!  |  |  +- Send ----------------------->  handle_sent, or handle_failure
//!  |  |  |  Read ----------------------->  handle_event, handle_sign_of_life, or handle_failure
//!  |  |  |  Keep, Close ---------------->  (nothing: the connection is no longer the turn's)
//!  |  |  |  Yield ---------------------->  (nothing: the caller has the item)
//!  |  |  |  Fail, Done                      the turn is over
//! ```
//!
//! When the head of an answer has come, the adapter tells that too
//! ([`handle_response_headers`](Turn::handle_response_headers)), for callers who want to read it. A turn may
//! have a deadline ([`Turn::deadline`]): the adapter waits for it beside whatever it does, and then calls
//! [`Turn::handle_deadline`].
//!
//! What goes wrong climbs a ladder, and each step knows more than the one below it:
//!
//! | step | who makes it | what it is |
//! | --- | --- | --- |
//! | [`Lost`] | the adapter | why there is no connection, or no longer one. It owns what it says |
//! | [`Seen`] | [`Lost`], or an event that is an error | what was seen, in the terms of the protocol |
//! | [`Fault`] | [`Turn`], of what was seen | a [`Failure`] for the policy, and a [`Cause`] for people |
//! | [`AttemptReport`] | [`Turn`], of a fault | how one attempt ended, and the words of the cause |
//! | [`Error`] | [`Turn`], when the policy gives up or the deadline is over | why the turn failed: the [`ErrorKind`], and every report |
//!
//! [`BuildError`] stands beside it: there is no client yet, so there is no turn. So does [`Lost::Internal`]:
//! it is a fault of the client itself, and leads to an error without any evidence.
//!
//! [`Seen`]: failback_wire::Seen
//! [`Fault`]: failback_wire::Fault
//! [`Failure`]: failback::Failure
//! [`Cause`]: failback_wire::Cause
//!
//! In scope: what a turn does next, what its caller is told, what its error says. Out of scope: bytes
//! ([`failback_wire`] knows what they mean) and the choice of the transport ([`failback`] makes it).
#![forbid(unsafe_code)]

mod addresses;
mod agent;
mod announcer;
mod books;
mod build_error;
mod builder;
mod context;
mod duration;
mod error;
mod item;
mod left_dial;
mod lost;
mod progress;
mod proxies;
mod proxy;
mod refusal;
mod response;
mod size_limit;
mod step;
pub mod tls;
mod trace;
mod tunnel;
mod turn;
mod world;

pub use addresses::Addresses;
pub use agent::AGENT;
pub use build_error::BuildError;
pub use builder::Builder;
pub use context::Context;
pub use error::{AttemptReport, Error, ErrorKind};
pub use item::{Item, Notice};
pub use left_dial::LeftDial;
pub use lost::Lost;
pub use progress::Progress;
pub use proxies::{Proxies, ProxyChoice};
pub use proxy::{Proxy, ProxyError, ProxyProtocol};
pub use refusal::{Refusal, encoding_of};
pub use response::{Collector, Response};
pub use step::{Connection, Step};
pub use tls::TlsError;
pub use tunnel::{Tunnel, TunnelStep};
pub use turn::Turn;
pub use world::{Parts, Resolver, Route, System, SystemWorld, World};
