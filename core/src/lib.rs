//! Prefer WebSocket. Survive on SSE. Come back on your own.
//!
//! A client of a streaming API can often be served over two transports: a preferred one (WebSocket), which is
//! faster, and a fallback (Server-Sent Events over HTTP), which works nearly everywhere. This crate decides
//! which of them carries the next attempt. It falls back when the preferred transport is really at fault,
//! comes back when it works again, and never makes a permanently broken network worse.
//!
//! It is a [`Policy`] and nothing else: no I/O, no clock, no allocation, no `std`. Events go in with the time
//! at which they happened, decisions come out. Crates with the I/O around it are `failback-tokio` and its
//! siblings; embedding it in a client of your own takes about as many lines as the example below.
//!
//! # Modes
//!
//! - [`Mode::Preferred`]: WebSocket works as far as is known. Attempts go there.
//! - [`Mode::Suspected`]: WebSocket failed. Attempts go to SSE, and the first one shows whose fault it was:
//!   if SSE works, it was WebSocket's; if SSE fails as well, or nobody asks it for long, it was not.
//! - [`Mode::FailedOver`]: WebSocket is at fault. Attempts go to SSE until the cooldown is over.
//! - [`Mode::Probing`]: one attempt finds out whether WebSocket works again; all others go to SSE.
//! - [`Mode::Pinned`]: WebSocket failed too often. Attempts go to SSE.
//!
//! In whatever mode, a call that SSE has failed and that has not tried WebSocket makes one attempt there, its
//! last resort, before it fails.
//!
//! ```text
//!               stream failures > stream_max_retries,
//!               or a handshake failed                      SSE made progress
//!  Preferred ------------------------------> Suspected ---------------------> FailedOver
//!    ^  ^  ^                                   |    ^                           |    ^
//!    |  |  |         SSE failed as well        |    |  the probe failed         |    |
//!    |  |  +-----------------------------------+    |               cooldown is |    | verdict on the probe,
//!    |  |                                           |                     over, |    | budget left
//!    |  |                                           |                   a probe v    |
//!    |  |                                           +------------------------ Probing
//!    |  |        a WebSocket stream completed                                   |
//!    |  +-----------------------------------------------------------------------+
//!    +---------- any WebSocket stream completed, or the network changed: from every mode
//! ```
//!
//! With no budget left, what leads to FailedOver leads to Pinned instead.
//!
//! # How a call goes
//!
//! A [`Call`] is one request as its caller sees it, made of one [`Attempt`] or more. Calls and attempts are
//! linear: each method consumes what it ends, so an outcome cannot be reported twice, nor for the wrong
//! transport.
//!
//! ```
//! use failback::*;
//!
//! # fn connect_and_stream(_: Transport) -> Result<(), Failure> { Ok(()) }
//! # fn sleep_until(_: Timestamp) {}
//! # fn now() -> Timestamp { Timestamp::ZERO }
//! fn carry(policy: &mut Policy) -> Result<(), GiveUp> {
//!     let mut attempt = policy.begin_call(now());
//!     loop {
//!         // Your own I/O. For each event that arrives, call `policy.handle_progress(&attempt, now())`.
//!         let outcome = match connect_and_stream(attempt.transport()) {
//!             Ok(()) => Outcome::Completed,
//!             Err(failure) => Outcome::Failed(failure),
//!         };
//!         let call = match policy.handle_outcome(attempt, outcome, now()) {
//!             Verdict::Done => return Ok(()),
//!             Verdict::Retry(call) => call,
//!             Verdict::GiveUp(why) => return Err(why),
//!         };
//!         sleep_until(call.ready_at());
//!         attempt = policy.begin_attempt_now(call, now());
//!     }
//! }
//!
//! let mut policy = Policy::new(Config::new(), 7, now());
//! carry(&mut policy)?;
//! assert_eq!(policy.mode(), Mode::Preferred);
//! # Ok::<(), GiveUp>(())
//! ```
//!
//! A driver that does not sleep, but comes back when there is something to do, begins with
//! [`begin_attempt`](Policy::begin_attempt), which says when it is too early.
//!
//! # What a driver owes the policy
//!
//! - The transport of an attempt is the policy's choice.
//! - Each event is reported ([`handle_progress`](Policy::handle_progress)). That is the evidence: SSE that
//!   works convicts WebSocket.
//! - Each attempt has an [`Outcome`]. A failure says what it is evidence against, how far the attempt had
//!   come, and whether output has reached the caller ([`Failure`]).
//! - A handshake that fails is reported at once. What breaks later may be retried by the driver itself first,
//!   which then reports [`Outcome::RetriesExhausted`].
//! - A handshake that outlasts the attempt's head start ([`divert_at`](Attempt::divert_at)) no longer keeps
//!   its call waiting: after [`divert`](Policy::divert) the call goes on over SSE, and the handshake is a
//!   [`Dial`], whose end is reported too. So is that of a handshake which was asked for ahead of any call
//!   ([`warm_up`](Policy::warm_up)).
//!
//! One policy serves all calls to one endpoint: put it behind a mutex, or use `SharedPolicy` (feature `std`),
//! which also reports what is dropped, and tells listeners when the mode changes. The guide with more of this
//! is `docs/EMBEDDING.md` in the repository.
//!
//! # In scope, and out of scope
//!
//! In scope: which transport, when to retry, when to stop, when to come back. Out of scope: connections,
//! time-outs, what an error means. A driver finds out what went wrong and says what it is evidence against
//! ([`Blame`]) and how far the attempt had come ([`Stage`]); the policy takes it from there.
//!
//! # Rules
//!
//! The behaviour is fixed by numbered [`rules`], R1 to R21, and the code says where each is implemented. The
//! judgement follows Chromium's handling of broken alternative services (an alternative is broken only once
//! the plain way has worked; delays double; a change of network forgives) and Envoy's HTTP/3 grid; the retry
//! budget follows gRPC's retry throttling.
//!
#![doc = include_str!("../docs/transitions.md")]
//!
//! # Features
//!
//! - `std`: `SharedPolicy`, a policy behind a mutex with its own clock. It hands out guards that report a
//!   drop, tells listeners of changes of mode, and tells a recorder of everything that is asked and answered
//!   (the module `record`).
//! - `serde`: `Serialize` and `Deserialize` for [`Config`] and [`Snapshot`], and, with `std`, `Serialize` for
//!   `record::Record`.
//! - `proptest`: the module `testing`, random settings and operations for tests of what embeds the policy, or
//!   of a port of it. Includes `std`.
//!
//! None is on by default. Without features there are no dependencies, and no feature changes what the policy
//! does.
#![no_std]
#![forbid(unsafe_code)]
// No input panics (R18), and every platform decides alike (R21).
#![cfg_attr(
    not(test),
    deny(
        clippy::arithmetic_side_effects,
        clippy::indexing_slicing,
        clippy::unwrap_used,
        clippy::expect_used,
        clippy::panic,
        clippy::float_arithmetic
    )
)]

#[cfg(feature = "std")]
extern crate std;

#[doc = include_str!("../docs/rules.md")]
pub mod rules {}

mod arithmetic;
mod call;
mod change;
mod config;
mod decision;
mod failure;
mod history;
#[cfg(feature = "std")]
mod listeners;
mod mode;
mod outcome;
mod policy;
mod random;
mod reason;
#[cfg(feature = "std")]
pub mod record;
#[cfg(feature = "std")]
mod recording;
#[cfg(feature = "serde")]
mod serde;
#[cfg(feature = "std")]
mod shared;
mod snapshot;
mod state;
mod status;
#[cfg(feature = "proptest")]
pub mod testing;
#[cfg(test)]
mod tests;
mod time;
mod timer;
mod transport;

pub use call::{Attempt, Call, Dial};
pub use change::{Change, Trigger};
pub use config::{Config, ProbeStyle, Replay, VerdictStyle};
pub use decision::{Decision, Verdict};
pub use failure::{Blame, Failure, Stage};
pub use mode::Mode;
pub use outcome::{DialOutcome, Outcome};
pub use policy::Policy;
pub use reason::{GiveUp, OverSse, Reason};
#[cfg(feature = "std")]
pub use shared::{AttemptGuard, DialGuard, SharedDecision, SharedPolicy, random_seed};
pub use snapshot::Snapshot;
pub use status::Status;
pub use time::Timestamp;
#[doc(hidden)]
pub use time::whole_millis;
pub use timer::Timer;
pub use transport::Transport;
