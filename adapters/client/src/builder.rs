use std::fmt;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use failback::{Config, Policy, SharedPolicy, Snapshot, Timestamp, Transport};
use failback_wire::{Endpoint, HeaderError, Headers, Limits};
use rustls::ClientConfig;

use crate::build_error::BuildError;
use crate::context::Context;
use crate::proxies::{Proxies, ProxyChoice};
use crate::tls;
use crate::world::{Parts, SystemWorld, World};

/// Settings of a client that is being built. Errors are reported by [`build`](Self::build).
///
/// `Debug` shows no header value and no URL.
#[must_use = "a builder builds nothing until `build` is called"]
pub struct Builder<W> {
    world: W,
    url: String,
    websocket_url: Option<String>,
    headers: Headers,
    /// The first of them.
    header_error: Option<HeaderError>,
    allow_plaintext: bool,
    config: Config,
    limits: Limits,
    tls: Option<Arc<ClientConfig>>,
    proxy: ProxyChoice,
    seed: Option<u64>,
    snapshot: Option<(Snapshot, Duration)>,
}

impl<W: World> Builder<W> {
    /// Begins to build a client that runs on this world, for this base URL, such as `https://api.openai.com/v1`.
    pub fn new(world: W, url: impl Into<String>) -> Self {
        Self {
            world,
            url: url.into(),
            websocket_url: None,
            headers: Headers::new(),
            header_error: None,
            allow_plaintext: false,
            config: Config::new(),
            limits: Limits::new(),
            tls: None,
            proxy: ProxyChoice::default(),
            seed: None,
            snapshot: None,
        }
    }

    /// Sends WebSocket handshakes to this base URL instead. By default one URL gives both: `https` and `wss`, or
    /// `http` and `ws`.
    pub fn websocket_url(mut self, url: impl Into<String>) -> Self {
        self.websocket_url = Some(url.into());
        self
    }

    /// Sends this header with every request and every handshake.
    pub fn header(mut self, name: &str, value: &str) -> Self {
        if let Err(error) = self.headers.insert(name, value) {
            self.header_error.get_or_insert(error);
        }
        self
    }

    /// Sends `Authorization: Bearer` with this token.
    pub fn bearer(mut self, token: &str) -> Self {
        if let Err(error) = self.headers.bearer(token) {
            self.header_error.get_or_insert(error);
        }
        self
    }

    /// Sends all of these headers too, each in place of an earlier one of its name.
    pub fn headers(mut self, headers: Headers) -> Self {
        self.headers.extend(headers);
        self
    }

    /// Allows credentials over `http` and `ws` to other hosts than this one. By default that is an error.
    pub fn allow_plaintext_credentials(mut self) -> Self {
        self.allow_plaintext = true;
        self
    }

    /// The settings of the policy.
    pub fn config(mut self, config: Config) -> Self {
        self.config = config;
        self
    }

    /// Time limits and sizes.
    pub fn limits(mut self, limits: Limits) -> Self {
        self.limits = limits;
        self
    }

    /// TLS as configured here, but for the protocols that it offers (ALPN): that is always HTTP/1.1, which both transports
    /// speak. By default the platform's roots are trusted, or those in the file that the environment
    /// variable `SSL_CERT_FILE` names.
    pub fn tls_config(mut self, tls: Arc<ClientConfig>) -> Self {
        self.tls = Some(tls);
        self
    }

    /// Reaches the server through this proxy, on both transports:
    ///
    /// | URL | way |
    /// | --- | --- |
    /// | `http://host:port` | a tunnel (CONNECT); the proxy looks the server's name up |
    /// | `https://host:port` | the same, and the way to the proxy is encrypted too |
    /// | `socks5h://host:port` | SOCKS5; the proxy looks the server's name up |
    /// | `socks5://host:port` | SOCKS5; this machine looks the name up and asks for one address after another |
    ///
    /// Without a port it is 80, 443 or, for SOCKS, 1080. If the proxy asks who comes, put `user:password@` before the host.
    /// All but `https://` send that in plain text, as such proxies want it.
    ///
    /// By default what the environment names: `https_proxy` or `http_proxy`, by the scheme of the server's URL, else
    /// `all_proxy`, or the same in capitals; but no proxy for what `no_proxy` lists (names with all their subdomains,
    /// addresses, networks, `*`). A server on this machine is reached through a proxy only if that is on this machine too,
    /// and set here.
    pub fn proxy(mut self, url: impl Into<String>) -> Self {
        self.proxy = ProxyChoice::Url(url.into());
        self
    }

    /// Reaches the server directly, whatever the environment says.
    pub fn no_proxy(mut self) -> Self {
        self.proxy = ProxyChoice::Direct;
        self
    }

    /// The seed of the policy's jitter. Random by default; set it to repeat a run.
    pub fn seed(mut self, seed: u64) -> Self {
        self.seed = Some(seed);
        self
    }

    /// Starts from what an earlier process knew, `elapsed` ago.
    pub fn snapshot(mut self, snapshot: Snapshot, elapsed: Duration) -> Self {
        self.snapshot = Some((snapshot, elapsed));
        self
    }

    /// Builds the client. Makes no connection.
    ///
    /// # Errors
    /// A URL or a header that is none, credentials that would travel in plain text, a proxy that cannot be used, and TLS
    /// without anything to trust.
    pub fn build(self) -> Result<W::Client, BuildError> {
        let endpoint = self.endpoint()?;
        let proxies = Proxies::choose(&self.proxy, &endpoint).map_err(BuildError::Proxy)?;
        let policy = self.policy();
        let Self { world, mut headers, limits, tls, .. } = self;
        let tls = match tls {
            Some(tls) => tls::speaking_http1(tls),
            None => {
                let encrypted = |transport| endpoint.target(transport).is_tls();
                let needed = [Transport::WebSocket, Transport::Sse].into_iter().any(encrypted);
                tls::platform(needed || proxies.need_tls()).map_err(BuildError::Tls)?
            }
        };
        endpoint.conceal_queries(&mut headers);
        let headers = Arc::new(headers);
        Ok(world.client(Parts {
            context: Arc::new(Context::new(policy, Arc::clone(&headers))),
            endpoint,
            headers,
            proxy_tls: tls::anonymous(&tls),
            tls,
            proxies,
            limits,
        }))
    }

    /// Where the transports go, if everything that goes there may.
    fn endpoint(&self) -> Result<Endpoint, BuildError> {
        if let Some(error) = &self.header_error {
            return Err(BuildError::Header(error.clone()));
        }
        let mut endpoint = Endpoint::new(&self.url).map_err(BuildError::Url)?;
        if let Some(url) = &self.websocket_url {
            endpoint = endpoint.with_websocket(url).map_err(BuildError::Url)?;
        }
        endpoint.check_credentials(&self.headers, self.allow_plaintext).map_err(BuildError::Plaintext)?;
        Ok(endpoint)
    }

    /// The policy, which is the client's clock too. Its time begins now.
    fn policy(&self) -> SharedPolicy {
        let clock = self.world.clock();
        let origin = clock();
        let clock = move || Timestamp::from_elapsed(clock().saturating_duration_since(origin));
        let seed = self.seed.unwrap_or_else(failback::random_seed);
        SharedPolicy::with_clock(clock, |now| match &self.snapshot {
            Some((snapshot, elapsed)) => Policy::restore(self.config, seed, snapshot, *elapsed, now),
            None => Policy::new(self.config, seed, now),
        })
    }
}

impl<W: SystemWorld> Builder<W> {
    /// Tells the time by this monotonic clock. By default the system's. Waits take as long as this says that it is until
    /// their end when they begin.
    pub fn clock(mut self, clock: impl Fn() -> Instant + Send + Sync + 'static) -> Self {
        self.world.system().clock = Arc::new(clock);
        self
    }

    /// Looks hosts up like this, literal addresses included. By default as the system does. Called in a thread of its own.
    pub fn resolver(
        mut self,
        resolver: impl Fn(&str, u16) -> io::Result<Vec<SocketAddr>> + Send + Sync + 'static,
    ) -> Self {
        self.world.system().resolver = Some(Arc::new(resolver));
        self
    }

    /// For tests: told of each address that a connection is opened to, and says whether it is answered.
    #[doc(hidden)]
    pub fn route(mut self, answers: impl Fn(SocketAddr) -> bool + Send + Sync + 'static) -> Self {
        self.world.system().route = Some(Arc::new(answers));
        self
    }
}

impl<W> fmt::Debug for Builder<W> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Builder")
            .field("headers", &self.headers)
            .field("config", &self.config)
            .field("limits", &self.limits)
            .finish_non_exhaustive()
    }
}
