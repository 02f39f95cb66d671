use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use failback::{Config, Snapshot};
use failback_client::{Builder, World};
use failback_peer::{Peer, Proxy};
use failback_wire::{Headers, Limits};
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;

use crate::heard::Observer;
use crate::{TestProvider, Trace};

/// What takes the place of the default head start: on a machine that is busy enough, a handshake takes longer
/// than a second, and a test that is not about the head start would go on over SSE.
const HEAD_START: Duration = Duration::from_secs(20);

/// How to build a client for a test: with the defaults, unless said otherwise.
#[derive(Clone, Debug, Default)]
pub struct Settings {
    /// The base URL of the peer.
    pub url: String,
    /// The base URL for WebSocket, if it is another one.
    pub websocket_url: Option<String>,
    /// The settings of the policy. Where the head start is the default, handshakes have 20
    /// seconds instead, unless [`default_head_start`](Self::default_head_start) is called.
    pub config: Config,
    /// Whether the default head start is meant.
    pub is_head_start_meant: bool,
    /// Time limits and sizes.
    pub limits: Limits,
    /// The deadline of every turn.
    pub deadline: Option<Duration>,
    /// Every turn goes over SSE alone.
    pub sse_only: bool,
    /// More headers.
    pub headers: Headers,
    /// Who is asked for credentials.
    pub provider: Option<TestProvider>,
    /// The certificate authority to trust, in PEM.
    pub ca_pem: Option<String>,
    /// More certificates to trust, in PEM, beside the platform's.
    pub root_certificates: Option<String>,
    /// Mozilla's roots are trusted instead of the platform's.
    pub webpki_roots: bool,
    /// The certificate of the client, and its key, in PEM.
    pub identity: Option<String>,
    /// The proxy to go through.
    pub proxy: Option<String>,
    /// The seed of the policy's jitter; always the same one unless it is set.
    pub seed: Option<u64>,
    /// What an earlier client knew, and how long ago that was.
    pub snapshot: Option<(Snapshot, Duration)>,
    /// Where to keep what the policy knows.
    pub state_file: Option<PathBuf>,
    /// Who hears what the client decides.
    pub observer: Option<Observer>,
    /// Where to write down what happens to the policy.
    pub trace: Option<Trace>,
}

/// The policy that excuses nothing: no retry that counts, and none that waits.
#[must_use]
pub fn strict() -> Config {
    Config::new().with_stream_max_retries(0).with_retry_budget(Some(0))
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

    /// With the head start that users have by default.
    #[must_use]
    pub fn default_head_start(mut self) -> Self {
        self.is_head_start_meant = true;
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

    /// With every turn over SSE alone.
    #[must_use]
    pub fn sse_only(mut self) -> Self {
        self.sse_only = true;
        self
    }

    /// With these headers.
    #[must_use]
    pub fn headers(mut self, headers: Headers) -> Self {
        self.headers = headers;
        self
    }

    /// With credentials of this provider.
    #[must_use]
    pub fn provider(mut self, provider: &TestProvider) -> Self {
        self.provider = Some(provider.clone());
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

    /// With what the policy knows kept in this file.
    #[must_use]
    pub fn state_file(mut self, path: &Path) -> Self {
        self.state_file = Some(path.to_owned());
        self
    }

    /// With this observer.
    #[must_use]
    pub fn observer(mut self, observer: Observer) -> Self {
        self.observer = Some(observer);
        self
    }

    /// With everything that happens to the policy written there.
    #[must_use]
    pub fn record(mut self, trace: &Trace) -> Self {
        self.trace = Some(trace.clone());
        self
    }

    /// A builder with these settings, but for the provider. `begin` makes one for a URL.
    pub(crate) fn builder<W: World>(self, begin: impl FnOnce(String) -> Builder<W>) -> Builder<W> {
        let mut config = self.config;
        if !self.is_head_start_meant && config.head_start() == Config::new().head_start() {
            config = config.with_head_start(HEAD_START);
        }
        let mut builder = begin(self.url)
            .config(config)
            .limits(self.limits)
            .headers(self.headers)
            .seed(self.seed.unwrap_or(7));
        if let Some(url) = self.websocket_url {
            builder = builder.websocket_url(url);
        }
        if let Some(deadline) = self.deadline {
            builder = builder.deadline(deadline);
        }
        if self.sse_only {
            builder = builder.sse_only();
        }
        // The machine's own proxy is no part of a test.
        builder = match self.proxy {
            Some(url) => builder.proxy(url),
            None => builder.no_proxy(),
        };
        if let Some((snapshot, elapsed)) = self.snapshot {
            builder = builder.snapshot(snapshot, elapsed);
        }
        if let Some(path) = self.state_file {
            builder = builder.state_file(path);
        }
        if let Some(observer) = self.observer {
            builder = builder.observer(observer.into_fn());
        }
        if let Some(trace) = self.trace {
            builder = builder.record(trace);
        }
        if let Some(pem) = self.root_certificates {
            builder = builder.add_root_certificates(pem);
        }
        if self.webpki_roots {
            builder = builder.webpki_roots();
        }
        if let Some(pem) = self.identity {
            builder = builder.client_identity(pem);
        }
        if let Some(pem) = self.ca_pem {
            builder = builder.tls_config(Arc::new(trusting(&pem)));
        }
        builder
    }
}

fn trusting(pem: &str) -> rustls::ClientConfig {
    let mut roots = rustls::RootCertStore::empty();
    for certificate in CertificateDer::pem_slice_iter(pem.as_bytes()) {
        roots.add(certificate.expect("PEM from the peer")).expect("a certificate from the peer");
    }
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = rustls::ClientConfig::builder_with_provider(provider);
    let config = config.with_safe_default_protocol_versions().expect("the default versions");
    config.with_root_certificates(roots).with_no_client_auth()
}
