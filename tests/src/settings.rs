use std::time::Duration;

use failback::{Config, Snapshot};
use failback_peer::{Peer, Proxy};
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
    /// The deadline of every turn.
    pub deadline: Option<Duration>,
    /// More headers.
    pub headers: Headers,
    /// The certificate authority to trust, in PEM.
    pub ca_pem: Option<String>,
    /// The proxy to go through.
    pub proxy: Option<String>,
    /// The seed of the policy's jitter; always the same one unless it is set.
    pub seed: Option<u64>,
    /// What an earlier client knew, and how long ago that was.
    pub snapshot: Option<(Snapshot, Duration)>,
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

    /// With this deadline for every turn.
    #[must_use]
    pub fn deadline(mut self, deadline: Duration) -> Self {
        self.deadline = Some(deadline);
        self
    }

    /// With these headers.
    #[must_use]
    pub fn headers(mut self, headers: Headers) -> Self {
        self.headers = headers;
        self
    }

    /// Through this proxy, trusting its certificate authority too.
    #[must_use]
    pub fn proxy(mut self, proxy: &Proxy) -> Self {
        self.proxy = Some(proxy.url());
        let trusted = [self.ca_pem.as_deref(), proxy.ca_pem()];
        let trusted: Vec<&str> = trusted.into_iter().flatten().collect();
        self.ca_pem = (!trusted.is_empty()).then(|| trusted.concat());
        self
    }

    /// With this seed.
    #[must_use]
    pub fn seed(mut self, seed: u64) -> Self {
        self.seed = Some(seed);
        self
    }

    /// With what an earlier client knew, `elapsed` ago.
    #[must_use]
    pub fn snapshot(mut self, snapshot: Snapshot, elapsed: Duration) -> Self {
        self.snapshot = Some((snapshot, elapsed));
        self
    }
}
