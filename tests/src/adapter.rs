use std::sync::Arc;
use std::time::{Duration, Instant};

use failback::{SharedPolicy, Snapshot};
use failback_async::{Client, ResponseStream};
use failback_tokio::Tokio;
use failback_wire::{Error, Item, Request};
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use tokio::runtime::Runtime as TokioRuntime;

use crate::wait::{LOOK_EVERY, PATIENCE};
use crate::{Settings, Shifted};

/// One way to be a client: a runtime, or none.
pub trait Adapter: Sync {
    /// Its name, as after `--adapter`.
    fn name(&self) -> &'static str;

    /// A client with these settings.
    fn client(&self, settings: Settings) -> Box<dyn TestClient>;
}

/// A client of any adapter. Its background work goes on whether or not anyone reads.
pub trait TestClient: Send + Sync {
    /// Begins a turn. Nothing happens before its first item is asked for.
    fn stream(&self, request: Request) -> Box<dyn TestTurn>;

    /// The policy, to watch it.
    fn policy(&self) -> SharedPolicy;

    /// Moves the clock of the policy, and of the age of connections, forward.
    fn advance(&self, by: Duration);

    /// The network has changed.
    fn handle_network_change(&self);

    /// What the policy knows.
    fn snapshot(&self) -> Snapshot {
        self.policy().snapshot()
    }

    /// How many tasks or threads of the adapter's are alive.
    fn background_tasks(&self) -> usize;

    /// What `Debug` shows of the client.
    fn debug(&self) -> String;

    /// Drops the client but not what it ran on, and counts what it leaves behind, as
    /// [`background_tasks`](Self::background_tasks) does.
    fn leave(self: Box<Self>) -> Box<dyn Fn() -> usize>;
}

/// A turn of any adapter. Dropping it cancels it.
pub trait TestTurn: Send {
    /// The next item, as soon as there is one.
    fn next(&mut self) -> Option<Result<Item, Error>>;

    /// The next item, unless `enough` says so first: then the turn is in the middle of something, and can be dropped
    /// there.
    ///
    /// # Panics
    /// When the turn ends first, or nothing happens for long.
    fn next_unless(&mut self, enough: &dyn Fn() -> bool) -> Option<Result<Item, Error>>;
}

/// The adapter of this name.
///
/// # Panics
/// When there is none.
#[must_use]
pub fn adapter(name: &str) -> &'static dyn Adapter {
    let adapters: [&dyn Adapter; 1] = [&TokioAdapter];
    adapters.into_iter().find(|adapter| adapter.name() == name).expect("an adapter of this name")
}

struct TokioAdapter;

impl Adapter for TokioAdapter {
    fn name(&self) -> &'static str {
        "tokio"
    }

    fn client(&self, settings: Settings) -> Box<dyn TestClient> {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .enable_all()
            .build()
            .expect("a runtime for the test");
        let clock = Shifted::new(Tokio::default());
        let mut builder = Client::with_runtime(clock.clone(), settings.url)
            .config(settings.config)
            .limits(settings.limits)
            .headers(settings.headers)
            .seed(settings.seed.unwrap_or(7));
        if let Some(url) = settings.websocket_url {
            builder = builder.websocket_url(url);
        }
        if let Some((snapshot, elapsed)) = settings.snapshot {
            builder = builder.snapshot(snapshot, elapsed);
        }
        if let Some(pem) = settings.ca_pem {
            builder = builder.tls_config(Arc::new(trusting(&pem)));
        }
        let client = {
            let _inside = runtime.enter();
            builder.build().expect("a client for the test")
        };
        Box::new(TokioClient { client, clock, runtime: Arc::new(runtime) })
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

struct TokioClient {
    // Dropped before the runtime, so that what it leaves behind has somewhere to end.
    client: Client<Shifted<Tokio>>,
    clock: Shifted<Tokio>,
    runtime: Arc<TokioRuntime>,
}

impl TestClient for TokioClient {
    fn stream(&self, request: Request) -> Box<dyn TestTurn> {
        Box::new(TokioTurn { stream: Some(self.client.stream(request)), runtime: Arc::clone(&self.runtime) })
    }

    fn policy(&self) -> SharedPolicy {
        self.client.policy().clone()
    }

    fn advance(&self, by: Duration) {
        self.clock.advance(by);
    }

    fn handle_network_change(&self) {
        self.client.handle_network_change();
    }

    fn background_tasks(&self) -> usize {
        self.runtime.metrics().num_alive_tasks()
    }

    fn debug(&self) -> String {
        format!("{:?}", self.client)
    }

    fn leave(self: Box<Self>) -> Box<dyn Fn() -> usize> {
        let Self { client, clock: _, runtime } = *self;
        {
            let _inside = runtime.enter();
            drop(client);
        }
        Box::new(move || runtime.metrics().num_alive_tasks())
    }
}

struct TokioTurn {
    stream: Option<ResponseStream>,
    runtime: Arc<TokioRuntime>,
}

impl TestTurn for TokioTurn {
    fn next(&mut self) -> Option<Result<Item, Error>> {
        let stream = self.stream.as_mut()?;
        self.runtime.block_on(stream.next())
    }

    fn next_unless(&mut self, enough: &dyn Fn() -> bool) -> Option<Result<Item, Error>> {
        let stream = self.stream.as_mut()?;
        let begun = Instant::now();
        self.runtime.block_on(async {
            loop {
                if enough() {
                    return None;
                }
                match tokio::time::timeout(LOOK_EVERY, stream.next()).await {
                    Ok(Some(item)) => return Some(item),
                    Ok(None) => panic!("the turn ended too early"),
                    Err(_) => {
                        assert!(begun.elapsed() < PATIENCE, "waited {PATIENCE:?} for a turn to get anywhere");
                    }
                }
            }
        })
    }
}

impl Drop for TokioTurn {
    fn drop(&mut self) {
        // Timers and sockets are given back to the runtime that they came from.
        let _inside = self.runtime.enter();
        drop(self.stream.take());
    }
}
