//! A client without I/O: what the adapters of failback share.
//!
//! An adapter owns sockets, timers, and tasks or threads. What a turn does with them is decided here, once
//! for all adapters, by a machine: [`Turn`]. The adapter asks it for the next [`Step`], carries that out, and
//! tells it what happened, until the turn is over.
//!
//! ```text
//!            step()                       what the adapter tells it
//!  +------- Wait ----------------------->  (nothing: it asks again when the time has come)
//!  |  +---- Ask ------------------------>  handle_credentials, or handle_idle_websocket
//!  |  +---- Connect -------------------->  handle_connected, handle_failure, or divert
//!  |  |  +- Send ----------------------->  handle_sent, or handle_failure
//!  |  |  |  Read ----------------------->  handle_event, handle_sign_of_life, or handle_failure
//!  |  |  |  Keep, Close ---------------->  (nothing: the connection is no longer the turn's)
//!  |  |  |  Yield ---------------------->  (nothing: the caller has the item)
//!  |  |  |  Fail, Done                      the turn is over
//! ```
//!
//! `Ask` comes only to a client with a provider of credentials. It comes before each attempt that does not
//! find an idle WebSocket, and once more, with what was rejected, when the server has answered 401: the
//! attempt then begins again with a connection, and the policy hears of neither.
//!
//! When the head of an answer has come, the adapter tells that too
//! ([`handle_response_headers`](Turn::handle_response_headers)), for callers who want to read it. A turn may
//! have a deadline ([`Turn::deadline`]): the adapter waits for it beside whatever it does, and then calls
//! [`Turn::handle_deadline`].
//!
//! A handshake may be begun ahead of any turn ([`LeftDial::ahead`]). The adapter keeps it where the next turn
//! finds it, and offers it to that turn before its first step ([`Turn::adopt`]).
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
//! # What is told of it
//!
//! What a client decides and meets is told three times, of the same values ([`Observation`]): to the
//! [observer](Builder::observer) of its user, to [`tracing`], and with the feature `metrics` to the crate
//! [`metrics`]. Of the events of a response only the time of the first is told, and no secret is told to
//! anyone.
//!
//! To `tracing`: a span `turn` (target `failback::turn`, info, field `turn`), made where the turn is, and
//! entered for what is logged of it. In it, or without a span where no turn brought it about:
//!
//! | target | level | of | fields |
//! | --- | --- | --- | --- |
//! | `failback::attempt` | info | [`Attempt`](Observation::Attempt) | `turn` `transport` `reason` `number` `probe` `adopted` |
//! | `failback::first_event` | debug | [`FirstEvent`](Observation::FirstEvent) | `turn` `transport` `number` `after_ms` |
//! | `failback::failed` | info | an [`AttemptEnded`](Observation::AttemptEnded) that failed | `turn` `transport` `number` `blame` `stage` `committed` `text` |
//! | `failback::diverted` | info | [`Diverted`](Observation::Diverted) | `turn` `number` `head_start_ms` |
//! | `failback::credentials` | info | [`Renewing`](Observation::Renewing) | `turn` `transport` `number` `text` |
//! | `failback::wait` | debug | [`Waiting`](Observation::Waiting) | `turn` `wait_ms` |
//! | `failback::dial` | info; debug if abandoned | [`DialEnded`](Observation::DialEnded) | `turn` `opened`, `text` if it failed |
//! | `failback::warm_up` | info | [`WarmUp`](Observation::WarmUp) | `reason` |
//! | `failback::notice` | info | [`Moved`](Observation::Moved) | `turn` `transport` `reason` `text`, `retry_in_ms` in a cooldown |
//! | `failback::mode` | info | [`Changed`](Observation::Changed) | `from` `mode` `why` `recoveries_left`, `retry_in_ms` in a cooldown |
//! | `failback::end` | info; debug if cancelled; warn if failed | [`TurnEnded`](Observation::TurnEnded) | `turn` `attempts` `result`, `give_up` or `kind` if it failed |
//! | `failback::sse_only` | info | turns go over SSE alone from now on, as was set when the client was built or with `set_sse_only`, or no longer do | `on` |
//! | `failback::state` | info | another process has written the state file | `changed` |
//! | `failback::state` | warn | the state file cannot be used | `problem` |
//! | `failback::record` | warn | the trace cannot be written any more ([`Builder::record`]) | `problem` |
//! | `failback::observer` | warn | the observer has panicked | |
//! | `failback::idle` | debug | an idle WebSocket is not kept any longer (async adapters) | `why` |
//!
//! So a fallback is no warning; only a turn that failed is.
//!
//! To `metrics`:
//!
//! | name | kind | labels | what |
//! | --- | --- | --- | --- |
//! | `failback_attempts_total` | counter | `transport`, `outcome`: `completed` `ended` `failed` `diverted` `stopped` `cancelled` | attempts that ended |
//! | `failback_turns_total` | counter | `outcome`: `completed` `ended` `failed` `cancelled` | turns that ended |
//! | `failback_probes_total` | counter | | attempts and warm-ups that probed; one that a turn has adopted counts once |
//! | `failback_failovers_total` | counter | | how often responses moved from WebSocket to SSE |
//! | `failback_failbacks_total` | counter | | how often they moved back |
//! | `failback_dials_total` | counter | `outcome`: `opened` `failed` `abandoned` | handshakes that went on without a turn, or were begun ahead of any and not adopted, and ended |
//! | `failback_time_to_first_event_seconds` | histogram | `transport` | from the begin of an attempt to its first event |
//! | `failback_mode` | gauge | `mode`: `preferred` `suspected` `failed_over` `probing` `pinned` | 1 for the mode of the policy, 0 for the others; of the client that was built or changed last |
//!
//! [`tracing`]: https://docs.rs/tracing
//! [`metrics`]: https://docs.rs/metrics
//!
//! In scope: what a turn does next, what its caller is told, what its error says. Out of scope: bytes
//! ([`failback_wire`] knows what they mean) and the choice of the transport ([`failback`] makes it).
#![forbid(unsafe_code)]

mod access;
mod addresses;
mod agent;
mod announcer;
mod books;
mod build_error;
mod builder;
pub mod common;
mod context;
mod credentials;
mod duration;
mod error;
mod item;
mod left_dial;
mod lines;
mod lost;
#[cfg(feature = "metrics")]
mod meters;
mod observation;
mod observer;
mod progress;
mod provider;
mod proxies;
mod proxy;
mod read_ahead;
mod recorder;
mod refusal;
mod response;
mod shared_tls;
mod size_limit;
mod state_file;
mod state_file_error;
mod step;
pub mod tls;
mod trace;
mod trust;
mod tunnel;
mod turn;
mod warmed;
mod witness;
mod world;

pub use addresses::Addresses;
pub use agent::AGENT;
pub use build_error::BuildError;
pub use builder::Builder;
pub use context::Context;
pub use credentials::{Credentials, CredentialsRequest};
pub use error::{AttemptReport, Error, ErrorKind};
pub use item::{Item, Notice};
pub use left_dial::LeftDial;
pub use lost::Lost;
pub use observation::{AttemptEnd, DialEnd, Observation, TurnEnd};
pub use progress::Progress;
pub use provider::{Provider, ProviderAnswer, ProviderError, ProviderPanicked};
pub use proxies::{Proxies, ProxyChoice, ProxyReason};
pub use proxy::{Proxy, ProxyError, ProxyProtocol};
pub use read_ahead::ReadAhead;
pub use refusal::{Refusal, encoding_of};
pub use response::{Collector, Response};
/// The crate of whose configurations [`Builder::tls_config`] takes one.
pub use rustls;
pub use state_file_error::{StateFileError, StateFileProblem};
pub use step::{Connection, Step};
pub use tls::TlsError;
pub use tunnel::{Tunnel, TunnelStep};
pub use turn::Turn;
pub use warmed::Warmed;
#[doc(hidden)]
pub use witness::{Shown, Vouched, Witness};
pub use world::{Parts, Provides, Resolver, Route, System, SystemWorld, World};
