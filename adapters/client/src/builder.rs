use std::fmt;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use failback::{Config, Policy, SharedPolicy, Snapshot, Timestamp, Transport};
use failback_wire::{Endpoint, HeaderError, HeaderText, Headers, Limits};
use rustls::ClientConfig;

use crate::build_error::BuildError;
use crate::context::Context;
use crate::proxies::{Proxies, ProxyChoice};
use crate::tls;
use crate::world::{Parts, SystemWorld, World};

/// Settings of a client that is being built. A setter never fails: [`build`](Self::build) reports what is
/// wrong.
///
/// `Debug` shows neither header values nor URLs.
#[must_use = "a builder builds nothing until `build` is called"]
pub struct Builder<W> {
    world: W,
    url: String,
    websocket_url: Option<String>,
    headers: Headers,
    /// The first error of a header.
    header_error: Option<HeaderError>,
    allow_plaintext: bool,
    config: Config,
    limits: Limits,
    deadline: Option<Duration>,
    sse_only: bool,
    tls: Option<Arc<ClientConfig>>,
    proxy: ProxyChoice,
    no_proxy: Option<String>,
    seed: Option<u64>,
    snapshot: Option<(Snapshot, Duration)>,
}

impl<W: World> Builder<W> {
    /// Begins to build a client that runs on this [`World`]. `url` is the base URL of the API, such as
    /// `https://api.openai.com/v1`: text, or an [`http::Uri`].
    pub fn new(world: W, url: impl fmt::Display) -> Self {
        Self {
            world,
            url: url.to_string(),
            websocket_url: None,
            headers: Headers::new(),
            header_error: None,
            allow_plaintext: false,
            config: Config::new(),
            limits: Limits::new(),
            deadline: None,
            sse_only: false,
            tls: None,
            proxy: ProxyChoice::default(),
            no_proxy: None,
            seed: None,
            snapshot: None,
        }
    }

    /// Sends WebSocket handshakes to this base URL. By default they go to the base URL of the client, with
    /// `wss` instead of `https`, or `ws` instead of `http`.
    pub fn websocket_url(mut self, url: impl fmt::Display) -> Self {
        self.websocket_url = Some(url.to_string());
        self
    }

    /// Sends this header with every request and every handshake. Name and value are text, or those of the
    /// crate [`http`]. See [`Headers::insert`] for what is refused, and what counts as a credential.
    pub fn header<'v>(mut self, name: impl AsRef<str>, value: impl Into<HeaderText<'v>>) -> Self {
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

    /// Sends all of these headers too: [`Headers`], or an [`http::HeaderMap`]. Each replaces an earlier
    /// header of the same name.
    pub fn headers<H>(mut self, headers: H) -> Self
    where
        H: TryInto<Headers>,
        H::Error: Into<HeaderError>,
    {
        match headers.try_into() {
            Ok(headers) => self.headers.extend(headers),
            Err(error) => {
                self.header_error.get_or_insert(error.into());
            }
        }
        self
    }

    /// Allows credentials to be sent over `http` and `ws` to other machines than this one. By default that is
    /// an error.
    pub fn allow_plaintext_credentials(mut self) -> Self {
        self.allow_plaintext = true;
        self
    }

    /// The settings of the policy. By default [`Config::new`].
    pub fn config(mut self, config: Config) -> Self {
        self.config = config;
        self
    }

    /// Time limits and sizes. By default [`Limits::new`].
    pub fn limits(mut self, limits: Limits) -> Self {
        self.limits = limits;
        self
    }

    /// Ends every turn that is not over so long after its `stream` was called, unless its request has a
    /// deadline of its own ([`Request::with_deadline`](failback_wire::Request::with_deadline)). By default
    /// there is none, and [`Duration::MAX`] is none. Zero is an error.
    pub fn deadline(mut self, deadline: Duration) -> Self {
        self.deadline = Some(deadline);
        self
    }

    /// Sends every turn over SSE alone: no WebSocket is opened, not even when SSE fails. By default the policy
    /// decides. The client can change this while it runs, with `set_sse_only`; one request can ask for it
    /// with [`Request::sse_only`](failback_wire::Request::sse_only).
    pub fn sse_only(mut self) -> Self {
        self.sse_only = true;
        self
    }

    /// Uses this TLS configuration. Only the protocols that it offers (ALPN) are replaced, by HTTP/1.1, which
    /// both transports speak. By default the client trusts the platform's roots, or those in the file that
    /// the environment variable `SSL_CERT_FILE` names.
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
    /// | `socks5://host:port` | SOCKS5; this machine looks the name up, and asks for each address |
    ///
    /// Without a port it is 80, 443 or, for SOCKS, 1080. If the proxy wants a user name and a password, put
    /// `user:password@` before the host. All but `https://` send them in plain text, as these protocols
    /// demand.
    ///
    /// By default the environment names the proxy: `https_proxy` or `http_proxy`, by the scheme of the
    /// server's URL, else `all_proxy`, or the same in capitals. Hosts that `no_proxy` lists (names with all
    /// their subdomains, addresses, networks, `*`) are reached without a proxy. A server on this machine is
    /// reached through a proxy only if the proxy is on this machine too, and set here.
    pub fn proxy(mut self, url: impl fmt::Display) -> Self {
        self.proxy = ProxyChoice::Url(url.to_string());
        self
    }

    /// Reaches the server directly, whatever the environment says.
    pub fn no_proxy(mut self) -> Self {
        self.proxy = ProxyChoice::Direct;
        self
    }

    /// Reaches the hosts that this list names without a proxy, whether that is set or the environment's. The
    /// list takes the place of the environment's `no_proxy`, and is like it: names with all their subdomains,
    /// addresses, and networks such as `10.0.0.0/8`, each perhaps with a port, separated by commas or white
    /// space; `*` is every host.
    pub fn no_proxy_for(mut self, hosts: impl Into<String>) -> Self {
        self.no_proxy = Some(hosts.into());
        self
    }

    /// The seed of the policy's jitter. Random by default. Set it to repeat a run.
    pub fn seed(mut self, seed: u64) -> Self {
        self.seed = Some(seed);
        self
    }

    /// Starts from what the policy of an earlier process knew `elapsed` ago. By default the policy knows
    /// nothing.
    pub fn snapshot(mut self, snapshot: Snapshot, elapsed: Duration) -> Self {
        self.snapshot = Some((snapshot, elapsed));
        self
    }

    /// Builds the client. Makes no connection.
    ///
    /// # Errors
    /// When a URL, a header or a proxy is not valid, when the deadline is zero, when credentials would be
    /// sent in plain text, and when TLS is needed and no root certificate is found.
    pub fn build(self) -> Result<W::Client, BuildError> {
        if self.deadline.is_some_and(|deadline| deadline.is_zero()) {
            return Err(BuildError::ZeroDeadline);
        }
        let endpoint = self.endpoint()?;
        let proxies = Proxies::choose(&self.proxy, self.no_proxy.as_deref(), &endpoint);
        let proxies = proxies.map_err(BuildError::Proxy)?;
        let policy = self.policy();
        let Self { world, mut headers, limits, deadline, sse_only, tls, .. } = self;
        let tls = match tls {
            Some(tls) => tls::speaking_http1(tls),
            None => {
                let encrypted = |transport| endpoint.target(transport).is_tls();
                let needed = [Transport::WebSocket, Transport::Sse].into_iter().any(encrypted);
                tls::platform(needed || proxies.need_tls()).map_err(BuildError::Tls)?
            }
        };
        endpoint.conceal_queries(&mut headers);
        let context = Context::new(policy, Arc::new(headers)).with_deadline(deadline).with_limits(&limits);
        context.set_sse_only(sse_only);
        Ok(world.client(Parts {
            context: Arc::new(context),
            endpoint,
            proxy_tls: tls::anonymous(&tls),
            tls,
            proxies,
            limits,
        }))
    }

    /// Where the transports go. Fails if a URL or a header is not valid, or if credentials must not be sent
    /// there.
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
    /// Tells the time by this monotonic clock. By default the system's. A wait reads it once, when the wait
    /// begins, to know how long to sleep.
    pub fn clock(mut self, clock: impl Fn() -> Instant + Send + Sync + 'static) -> Self {
        self.world.system().clock = Arc::new(clock);
        self
    }

    /// Looks host names up with this function, which is called for literal addresses too, in a thread of its
    /// own. By default the system looks them up.
    pub fn resolver(
        mut self,
        resolver: impl Fn(&str, u16) -> io::Result<Vec<SocketAddr>> + Send + Sync + 'static,
    ) -> Self {
        self.world.system().resolver = Some(Arc::new(resolver));
        self
    }

    /// For tests: is called with each address that a connection is opened to. Where it returns false, nobody
    /// answers.
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
            .field("deadline", &self.deadline)
            .field("sse_only", &self.sse_only)
            .finish_non_exhaustive()
    }
}
