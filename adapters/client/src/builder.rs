use std::fmt;
use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use failback::{Config, Policy, SharedPolicy, Snapshot, Timestamp, Transport};
use failback_wire::{Endpoint, HeaderError, HeaderText, Headers, Limits};
use http::header::AUTHORIZATION;
use rustls::ClientConfig;

use crate::build_error::BuildError;
use crate::context::Context;
use crate::credentials::CredentialsRequest;
use crate::lines::{Lines, Writer};
use crate::observation::Observation;
use crate::observer::Hears;
use crate::provider::Provider;
use crate::proxies::{Proxies, ProxyChoice};
use crate::recorder::{Beginning, Recorder};
use crate::state_file::Found;
use crate::tls;
use crate::trust::Trust;
use crate::witness::Witness;
use crate::world::{Parts, Provides, SystemWorld, World};

/// Settings of a client that is being built. A setter never fails: [`build`](Self::build) reports what is
/// wrong.
///
/// ```
/// use std::time::Duration;
///
/// use failback::Config;
/// use failback_client::{BuildError, Builder, World};
/// use failback_wire::Limits;
///
/// // With an adapter, begin with its `Client::builder(url)` instead.
/// fn client<W: World>(world: W, key: &str) -> Result<W::Client, BuildError> {
///     Builder::new(world, "https://api.example.com/v1")
///         .bearer(key)
///         .config(Config::new().with_cooldown(Duration::from_secs(30)))
///         .limits(Limits::new().with_idle_timeout(Duration::from_secs(120)))
///         .deadline(Duration::from_secs(600))
///         .build()
/// }
/// ```
///
/// `Debug` shows neither header values nor URLs.
#[must_use = "a builder builds nothing until `build` is called"]
pub struct Builder<W: World> {
    world: W,
    url: String,
    websocket_url: Option<String>,
    headers: Headers,
    /// The first error of a header.
    header_error: Option<HeaderError>,
    allow_plaintext: bool,
    provider: Option<Provider<W::Answer>>,
    config: Config,
    limits: Limits,
    deadline: Option<Duration>,
    sse_only: bool,
    tls: Option<Arc<ClientConfig>>,
    trust: Trust,
    proxy: ProxyChoice,
    no_proxy: Option<String>,
    seed: Option<u64>,
    snapshot: Option<(Snapshot, Duration)>,
    state_file: Option<PathBuf>,
    observer: Option<Hears>,
    trace: Option<Writer>,
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
            provider: None,
            config: Config::new(),
            limits: Limits::new(),
            deadline: None,
            sse_only: false,
            tls: None,
            trust: Trust::default(),
            proxy: ProxyChoice::default(),
            no_proxy: None,
            seed: None,
            snapshot: None,
            state_file: None,
            observer: None,
            trace: None,
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

    /// Sends `Authorization: Bearer` with this token. White space around it, such as the line end of a file,
    /// is dropped; an empty one, or one with white space in it, is an error.
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

    /// Asks `provider` for the credentials, instead of sending the same ones for ever: a bearer token that
    /// expires, or a key that is rotated.
    ///
    /// The client calls `provider` before each attempt to post a request or to open a WebSocket, and gets the
    /// [`Credentials`](crate::Credentials) for that attempt. A WebSocket that is open already is used without
    /// asking. As it is called often, `provider` should keep the credentials that it has, and fetch others
    /// only when these are about to expire.
    ///
    /// If the server answers 401 (to a POST, to the handshake of a WebSocket, or with an error before the
    /// first event), the client calls `provider` once more, and tells it which credentials were
    /// [rejected](CredentialsRequest::rejected). The attempt is repeated with the credentials that it gives
    /// now, at once and on the same transport. That is no retry: nothing counts it, and the policy does not
    /// hear of it. It happens once in a turn: if the new credentials are refused too, that is an answer like
    /// any other.
    ///
    /// In an async client `provider` returns a future, which the client drops when the turn is cancelled or
    /// its deadline is over. In the blocking client `provider` returns the answer, and runs in a thread of
    /// its own: a turn that ends does not wait for it, and an answer that comes later is thrown away. The
    /// client sets it no time limit but the turn's deadline, so `provider` should have a limit of its own. (A
    /// warm-up, and a handshake that goes on without its turn, wait for it no longer than the connect
    /// time-out.)
    ///
    /// Inside `provider`, `?` turns any error into the one that it returns. Such an error ends the turn, with
    /// [`ErrorKind::Credentials`](crate::ErrorKind::Credentials), and so does a panic. Nothing is held
    /// against a transport, and the next turn asks again.
    ///
    /// Turns that run at the same time each ask. `provider` itself has to see to it that they do not all
    /// fetch a token: it locks the credentials that it keeps, and fetches others only if the rejected ones
    /// are still these.
    ///
    /// Credentials that `provider` gives obey the same rules as a header that is set on this builder, and are
    /// as secret, old and rejected ones too. Where both name the same header, the provider's counts. It is an
    /// error to set the header `authorization` together with a provider, whatever headers that gives.
    pub fn credentials<A>(
        mut self,
        provider: impl Fn(CredentialsRequest) -> A + Send + Sync + 'static,
    ) -> Self
    where
        W: Provides<A>,
    {
        self.provider = Some(Provider::new(move |request| W::answer(provider(request))));
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

    /// Ends every turn that is not over this long after `stream` was called, unless its request has a
    /// deadline of its own ([`Request::with_deadline`](failback_wire::Request::with_deadline)). By default
    /// there is no deadline, and [`Duration::MAX`] is none. Zero is an error.
    pub fn deadline(mut self, deadline: Duration) -> Self {
        self.deadline = Some(deadline);
        self
    }

    /// Sends every turn over SSE alone: no WebSocket is opened, not even when SSE fails. By default the
    /// policy decides. The client can change this while it runs, with `set_sse_only`; one request can ask for
    /// it with [`Request::sse_only`](failback_wire::Request::sse_only).
    pub fn sse_only(mut self) -> Self {
        self.sse_only = true;
        self
    }

    /// Uses this TLS configuration, with two changes: it offers HTTP/1.1 alone (ALPN), which both transports
    /// speak, and it does not show a proxy the client certificate. By default the client trusts the
    /// platform's roots, or those that the environment variables `SSL_CERT_FILE` and `SSL_CERT_DIR` name, and
    /// has no certificate of its own. [`add_root_certificates`](Self::add_root_certificates),
    /// [`client_identity`](Self::client_identity) and `webpki_roots` (a feature) change these defaults, and
    /// cannot be used together with `tls_config`.
    ///
    /// Clients that trust the same roots, and have no certificate of their own, share one configuration, and
    /// with it the TLS sessions that can be resumed. The platform's roots are read for the first of these
    /// clients, and again for one that is built an hour later or when no other is left.
    pub fn tls_config(mut self, tls: Arc<ClientConfig>) -> Self {
        self.tls = Some(tls);
        self
    }

    /// Also trusts the certificates in this PEM, such as that of a company's own authority. The client then
    /// accepts a server, over either transport, and a proxy over `https` if they show a certificate that
    /// leads to one of these. May be called more than once. The platform's roots, or those that
    /// `SSL_CERT_FILE` names, stay trusted; where there are none, these certificates are enough. Other
    /// sections of the PEM are left out.
    ///
    /// It is an error if there is no certificate in the PEM, if one of them cannot be read, and if this is
    /// used together with [`tls_config`](Self::tls_config).
    pub fn add_root_certificates(mut self, pem: impl AsRef<[u8]>) -> Self {
        self.trust.add_roots(pem.as_ref());
        self
    }

    /// Trusts the roots that Mozilla trusts, compiled in, instead of those of the platform: for containers
    /// without a store of roots. `SSL_CERT_FILE` and `SSL_CERT_DIR` then do not count;
    /// [`add_root_certificates`](Self::add_root_certificates) adds to these roots as to the platform's. It is
    /// an error to use this together with [`tls_config`](Self::tls_config).
    ///
    /// The feature `webpki-roots` adds this method and changes nothing else: a client that does not call it
    /// trusts the platform, whatever features other crates of the program turn on. The list is that of the
    /// crate `webpki-roots` when the program was built, so keep that crate up to date. The list is data,
    /// licensed CDLA-Permissive-2.0.
    #[cfg(feature = "webpki-roots")]
    pub fn webpki_roots(mut self) -> Self {
        self.trust.set_webpki();
        self
    }

    /// Shows this certificate to the server, on both transports, when the server asks for one. Of the
    /// certificates in the PEM, the client's own comes first, then those that lead to its authority, if any.
    /// The one private key (PKCS #8, PKCS #1 or SEC 1, not encrypted) may stand anywhere among them. A proxy
    /// never sees the certificate. A later call replaces an earlier one.
    ///
    /// It is an error if the certificate or the key is missing or cannot be read, if they do not belong
    /// together, and if this is used together with [`tls_config`](Self::tls_config). No error shows anything
    /// of the key.
    pub fn client_identity(mut self, pem: impl AsRef<[u8]>) -> Self {
        self.trust.set_identity(pem.as_ref());
        self
    }

    /// For a diagnosis: tells this witness which certificates are shown, and decides as it would without. Has
    /// no effect together with [`tls_config`](Self::tls_config).
    #[doc(hidden)]
    pub fn witness(mut self, witness: Witness) -> Self {
        self.trust.set_witness(witness);
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
    /// If the URL has no port, it is 80, 443 or, for SOCKS, 1080. If the proxy wants a user name and a
    /// password, put `user:password@` before the host. All but `https://` send them in plain text, as these
    /// protocols demand.
    ///
    /// By default the environment names the proxy: `https_proxy` or `http_proxy`, by the scheme of the
    /// server's URL, else `all_proxy`; each in lower case, or else in capitals. An empty one counts as not
    /// set. (`HTTP_PROXY` does not count in a program that a web server runs by CGI, where anyone may set
    /// it.) Hosts that `no_proxy` lists (names with all their subdomains, addresses, networks, `*`) are
    /// reached without a proxy. A server on this machine is reached through a proxy only if the proxy is on
    /// this machine too, and set with this method.
    pub fn proxy(mut self, url: impl fmt::Display) -> Self {
        self.proxy = ProxyChoice::Url(url.to_string());
        self
    }

    /// Reaches the server directly, whatever the environment says. Of this and [`proxy`](Self::proxy), what
    /// was called last counts.
    pub fn no_proxy(mut self) -> Self {
        self.proxy = ProxyChoice::Direct;
        self
    }

    /// Reaches the hosts on this list directly, whether a proxy is set with [`proxy`](Self::proxy) or by the
    /// environment. The list takes the place of the environment's `no_proxy`, and is written like it: names
    /// with all their subdomains, addresses, and networks such as `10.0.0.0/8`, each perhaps with a port,
    /// separated by commas or white space; `*` is every host.
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

    /// Keeps what the policy knows in this file, for the next process, and shares it with processes that run
    /// at the same time and have the same file. By default nothing is kept. Use one file for each pair of
    /// URLs: a file about other URLs is ignored. The file's folder must exist.
    ///
    /// **What is kept** is the verdict: whether WebSocket works, when it may be tried again, and how often. A
    /// new client begins with that verdict. So a program that runs for a second does not have to find out
    /// each time that WebSocket is blocked where it runs, even if the program ended before its handshake did.
    /// A file in which nothing was written for an hour says nothing. What the file says counts before
    /// [`snapshot`](Self::snapshot).
    ///
    /// **Processes that run at the same time** adopt each other's verdicts: each looks at the file before a
    /// turn begins, and never replaces a verdict that is later than its own. Only one of them probes at a
    /// time. That one says so in the file, and while its lease lasts ([`Config::probe_lease`]) the others do
    /// not probe.
    ///
    /// **What cannot be used** is ignored, logged as a warning, told by `state_file_problem` of the client,
    /// and replaced when there is something to write: a file that is damaged or cut off, larger than 64 KiB,
    /// another user's (on Unix), a later version's, or a file about other URLs. The client goes on without
    /// the file where it cannot be read or written, and where another process holds its lock: nothing waits
    /// for a lock. Only a probe is put off for that, and for no longer than a lease.
    ///
    /// **Files**: the file itself, which is replaced as a whole (readers see the old one or the new one) and
    /// is, on Unix, readable for its owner alone (mode 0600); beside it one with `.lock` after its name,
    /// which stays, and for a moment one that ends in `.tmp`. The state file holds the URLs without their
    /// queries, and no credentials.
    ///
    /// **Cost**: reading and writing block the thread of the turn, on async runtimes too. There is one `stat`
    /// a turn, a read when another process has written, and a write of some 300 bytes when the mode changes
    /// and, while a probe streams, three times in each lease. So choose a local disk.
    pub fn state_file(mut self, path: impl Into<PathBuf>) -> Self {
        self.state_file = Some(path.into());
        self
    }

    /// Calls this function with everything that the client decides or meets: each attempt and how it ended,
    /// waits, handshakes that go on without their turn, and each change of the policy's mode. Of the events
    /// of a response only the time of the first is told. A later observer replaces an earlier one; by default
    /// there is none. The log hears the same: see the table in the documentation of the crate
    /// `failback-client`.
    ///
    /// The observer is called in the thread that drives the turn. What a handshake without its turn meets is
    /// told in the thread of that handshake, and a change of mode in the thread that brought it about or
    /// noticed it. That thread waits for the observer, so the observer should be quick. What happens in one
    /// turn is told in order; two turns may call the observer at the same time.
    ///
    /// **It may call** the client and its policy: ask for the status, begin a turn, cancel one. It must not
    /// read a turn. What such a call brings about is told before the call returns; only a change of mode that
    /// the observer brings about while it is told another one is told after that. If the observer holds the
    /// client, the client lives for ever.
    ///
    /// **If it panics**, the panic goes no further: the client goes on, logs a warning, and does not call it
    /// again.
    ///
    /// ```
    /// # use failback_client::{Builder, Observation, World};
    /// # fn example<W: World>(builder: Builder<W>) -> Builder<W> {
    /// let (sender, heard) = std::sync::mpsc::channel();
    /// let builder = builder.observer(move |observation: &Observation| {
    ///     let _nobody_reads = sender.send(observation.clone());
    /// });
    /// # drop(heard);
    /// # builder
    /// # }
    /// ```
    pub fn observer(mut self, observer: impl Fn(&Observation) + Send + Sync + 'static) -> Self {
        self.observer = Some(Box::new(observer));
        self
    }

    /// Writes down everything that happens to the policy, and what it decides: a trace, to be attached to a
    /// bug report. `failback replay` shows the trace, with `--timeline` as a picture; with `--check` the
    /// policy decides it all again. A later writer replaces an earlier one; by default nothing is written.
    ///
    /// **What is in it**: times, transports, decisions and their reasons, the settings of the policy and its
    /// seed. No URL, no header, nothing of requests or responses, no words of a server.
    ///
    /// **How**: one line of JSON for each step, written and flushed at once, so that a process that is killed
    /// leaves a trace up to its end. Events that change nothing are left out: most turns take two to four
    /// steps of some 250 bytes each. The README of `failback-vector` says what the lines are.
    ///
    /// **Cost**: one turn at a time waits for the writer, and also writes what other turns note meanwhile.
    /// The others wait too once their notes take 256 KiB, so no more than twice as much is kept in memory.
    /// Choose a local file as the writer, without a buffer of your own. A pipe that nobody reads would stop
    /// the client in the end, and so would a writer that begins turns of the client.
    ///
    /// **If it fails**, or panics, the client goes on, the recording stops, and a warning is logged, once.
    ///
    /// A trace has whole milliseconds. So a client that is recorded rounds the times in its
    /// [`config`](Self::config) and its [`snapshot`](Self::snapshot) up to these. With the same
    /// [`seed`](Self::seed), its backoff has other jitter than that of a client that is not recorded.
    ///
    /// ```ignore
    /// let builder = builder.record(std::fs::File::create("failback.trace")?);
    /// ```
    pub fn record(mut self, writer: impl io::Write + Send + 'static) -> Self {
        self.trace = Some(Box::new(writer));
        self
    }

    /// Builds the client. Makes no connection.
    ///
    /// # Errors
    /// When a URL, a header or a proxy is not valid, when the deadline is zero, when credentials would be
    /// sent in plain text, when both `authorization` and a provider of credentials are set, when there can be
    /// no state file at the path that is set, when certificates that are set cannot be used, and when TLS is
    /// needed and no root certificate is found.
    pub fn build(mut self) -> Result<W::Client, BuildError> {
        if self.deadline.is_some_and(|deadline| deadline.is_zero()) {
            return Err(BuildError::ZeroDeadline);
        }
        let endpoint = self.endpoint()?;
        let proxies = Proxies::choose(&self.proxy, self.no_proxy.as_deref(), &endpoint);
        let proxies = proxies.map_err(BuildError::Proxy)?;
        let found = self.state_file.as_deref().map(|path| Found::at(path, &endpoint)).transpose();
        let found = found.map_err(BuildError::StateFile)?;
        let policy = self.policy(found.as_ref().and_then(Found::snapshot));
        let Self { world, mut headers, limits, deadline, sse_only, tls, trust, provider, observer, .. } =
            self;
        let tls = match tls {
            Some(tls) => {
                trust.check_unused().map_err(BuildError::Tls)?;
                tls::speaking_http1(tls)
            }
            None => {
                let encrypted = |transport| endpoint.target(transport).is_tls();
                let needed = [Transport::WebSocket, Transport::Sse].into_iter().any(encrypted);
                trust.config(needed || proxies.need_tls()).map_err(BuildError::Tls)?
            }
        };
        endpoint.conceal_queries(&mut headers);
        let state_file = found.map(|found| found.keep(&policy));
        let context = Context::observed(policy, Arc::new(headers), observer)
            .with_deadline(deadline)
            .with_limits(&limits)
            .with_provider(provider.is_some())
            .with_state_file(state_file);
        context.set_sse_only(sse_only);
        Ok(world.client(Parts {
            context: Arc::new(context),
            endpoint,
            proxy_tls: tls::anonymous(&tls),
            tls,
            proxies,
            limits,
            provider,
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
        if self.provider.is_some() {
            if self.headers.iter().any(|(name, _)| name == AUTHORIZATION) {
                return Err(BuildError::CredentialsTwice);
            }
            endpoint.check_provider(self.allow_plaintext).map_err(BuildError::Plaintext)?;
        }
        Ok(endpoint)
    }

    /// The policy, which is the client's clock too. Its time begins now. It goes on from what was found in
    /// the state file, or else from the snapshot that is set.
    fn policy(&mut self, found: Option<(Snapshot, Duration)>) -> SharedPolicy {
        let clock = self.world.clock();
        let origin = clock();
        let clock = move || Timestamp::from_elapsed(clock().saturating_duration_since(origin));
        let seed = self.seed.unwrap_or_else(failback::random_seed);
        let restored = found.or(self.snapshot);
        let mut begun = Beginning { config: self.config, seed, restored, at: Timestamp::ZERO };
        if self.trace.is_some() {
            begun = begun.as_written();
        }
        let policy = SharedPolicy::with_clock(clock, |now| {
            begun.at = now;
            match begun.restored {
                Some((snapshot, elapsed)) => Policy::restore(begun.config, seed, &snapshot, elapsed, now),
                None => Policy::new(begun.config, seed, now),
            }
        });
        if let Some(writer) = self.trace.take() {
            let lines = Arc::new(Lines::new(writer));
            let mut recorder = Recorder::new(Arc::clone(&lines), &begun);
            policy.record_then(move |record| recorder.record(record), move || lines.write());
        }
        policy
    }
}

impl<W: SystemWorld> Builder<W> {
    /// Tells the time by this monotonic clock, by default the system's. A wait reads the clock once, when the
    /// wait begins, to know how long to sleep. Only the blocking client has this setting: in an async client
    /// the runtime tells the time.
    pub fn clock(mut self, clock: impl Fn() -> Instant + Send + Sync + 'static) -> Self {
        self.world.system().clock = Arc::new(clock);
        self
    }

    /// Looks host names up with this function, which is called for literal addresses too, in a thread of its
    /// own. By default the system looks them up. Only the blocking client has this setting: in an async
    /// client the runtime looks names up.
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

impl<W: World> fmt::Debug for Builder<W> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Builder")
            .field("headers", &self.headers)
            .field("provider", &self.provider)
            .field("config", &self.config)
            .field("limits", &self.limits)
            .field("deadline", &self.deadline)
            .field("sse_only", &self.sse_only)
            .field("is_recorded", &self.trace.is_some())
            .finish_non_exhaustive()
    }
}
