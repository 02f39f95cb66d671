//! A Responses API server on loopback that misbehaves on command, and keeps a journal that tests assert on.
//!
//! A [`Peer`] speaks both transports on one port, WebSocket and Server-Sent Events, with TLS when asked. It
//! runs on a thread of its own, so it serves clients of any runtime, and none. Left alone it is a good
//! server: it checks what it is sent, and answers `echo: ` and the text of the request. What it is to do
//! otherwise is said in advance:
//!
//! - a [`Handshake`] for each WebSocket upgrade: refused, reset, never answered, held at a [`Gate`];
//! - a [`Turn`] for each request on either transport: complete, cut off, silent, endless, broken;
//! - a [`Proxy`] in front of it, for HTTP or SOCKS5, which opens tunnels or does not;
//! - [`Peer::stop_listening`] and [`Peer::refuse_everything`] take the whole server away and give it back.
//!
//! Behaviour that was pushed is used once, in order; what was set serves all others.
//!
//! The [`Journal`] tells what happened. An entry is made *before* the bytes it speaks of leave, so whatever a
//! client has seen is already in the journal. For what the peer must first hear about, such as a client that
//! went away, there is [`Peer::wait_for`], which works on every executor.
//!
//! ```
//! use failback_peer::{Gate, Handshake, Peer, Transport, Turn, What};
//!
//! let peer = Peer::start();
//! peer.push_handshake(Handshake::status(403)); // the first upgrade is refused, later ones are accepted
//! peer.push_turn(Transport::Sse, Turn::drop_after(2)); // the first SSE stream breaks off after two events
//! let gate = Gate::new();
//! peer.set_turn(Transport::WebSocket, Turn::complete().gate_before(4, &gate));
//!
//! // ... run a client against peer.url(), wait for gate.reached(), then:
//! gate.open();
//!
//! let journal = peer.journal();
//! assert_eq!(journal.handshakes(), 0, "{journal}");
//! assert_eq!(journal.requests(Transport::Sse), 0, "{journal}");
//! assert!(!journal.any(|what| matches!(what, What::Busy)), "{journal}");
//! ```
#![forbid(unsafe_code)]

mod between;
mod conn;
mod frame;
mod gate;
mod handshake;
mod http;
mod journal;
mod peer;
mod proxy;
mod run;
mod script;
mod serve;
mod server;
mod socks;
mod sse;
mod state;
mod tls;
mod tunnel;
mod turn;
mod wait;
mod ws;

pub use between::Between;
pub use failback::Transport;
pub use frame::{binary_frame, close_frame, frame_header, ping_frame, text_frame};
pub use gate::Gate;
pub use handshake::Handshake;
pub use journal::{Entry, Journal, What};
pub use peer::{Builder, Peer};
pub use proxy::Proxy;
pub use tunnel::{Connect, Tunnel};
pub use turn::Turn;
