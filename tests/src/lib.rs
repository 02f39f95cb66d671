//! What the suites share: any adapter as a blocking client with a clock that can be moved forward, and what a turn
//! has come to.
//!
//! A suite is written once, against [`Adapter`], and runs with each [`adapter`].

mod adapter;
mod clock;
mod outcome;

pub use adapter::{Adapter, TestClient, TestTurn, adapter};
pub use clock::Shifted;
pub use outcome::{Outcome, collect};

use failback::Config;
use failback_peer::Peer;
use failback_wire::{Headers, Limits};

/// How to build a client for a test: with the defaults, unless said otherwise.
#[derive(Clone, Debug, Default)]
pub struct Settings {
    /// The base URL of the peer.
    pub url: String,
    /// The base URL for WebSocket, if it is another one.
    pub websocket_url: Option<String>,
    /// The settings of the policy.
    pub config: Config,
    /// Time limits and sizes.
    pub limits: Limits,
    /// More headers.
    pub headers: Headers,
    /// The certificate authority to trust, in PEM.
    pub ca_pem: Option<String>,
}

impl Settings {
    /// For this peer, and with its certificate authority.
    #[must_use]
    pub fn new(peer: &Peer) -> Self {
        Self { url: peer.url(), ca_pem: peer.ca_pem().map(str::to_owned), ..Self::default() }
    }

    /// With these settings of the policy.
    #[must_use]
    pub fn config(mut self, config: Config) -> Self {
        self.config = config;
        self
    }

    /// With these time limits and sizes.
    #[must_use]
    pub fn limits(mut self, limits: Limits) -> Self {
        self.limits = limits;
        self
    }
}

/// The examples of the README, which are to work as printed.
#[cfg(doctest)]
#[doc = include_str!("../../README.md")]
pub struct Readme;
