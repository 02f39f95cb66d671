use std::fmt;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Instant;

use failback_wire::{Endpoint, Limits};
use rustls::ClientConfig;

use crate::context::Context;
use crate::provider::Provider;
use crate::proxies::Proxies;

/// What a client runs on: an async runtime, or threads. An adapter implements it, and the
/// [`Builder`](crate::Builder) builds the client.
pub trait World: Sized {
    /// The client that is built.
    type Client;

    /// What a provider of credentials gives back when it is called: a
    /// [`ProviderAnswer`](crate::ProviderAnswer), or a future of one.
    type Answer;

    /// The monotonic clock that the policy runs by.
    fn clock(&self) -> impl Fn() -> Instant + Send + Sync + 'static;

    /// Makes the client out of its parts. Must open no connection.
    fn client(self, parts: Parts<Self::Answer>) -> Self::Client;
}

/// A [`World`] in which a provider of credentials may answer with an `A`: where there is a runtime, with a
/// future of a [`ProviderAnswer`](crate::ProviderAnswer), and else with that itself.
#[diagnostic::on_unimplemented(
    message = "a provider of credentials cannot answer with `{A}` here",
    note = "in an async client it returns a future of a `ProviderAnswer` that is `Send`, and in the blocking \
            client a `ProviderAnswer`"
)]
pub trait Provides<A>: World {
    /// The answer, as this world keeps it.
    fn answer(answer: A) -> Self::Answer;
}

/// What a client is made of, whatever it runs on. `A` is an answer of its provider of credentials.
///
/// Exhaustive on purpose: an adapter that passes over a part makes a client that does not do as it was told.
#[derive(Debug)]
pub struct Parts<A> {
    /// What the turns share: the policy, the headers, and what the caller and the log have been told.
    pub context: Arc<Context>,
    /// Where each transport goes.
    pub endpoint: Endpoint,
    /// TLS with the server.
    pub tls: Arc<ClientConfig>,
    /// TLS with a proxy that is spoken to over TLS.
    pub proxy_tls: Arc<ClientConfig>,
    /// The proxies on the way.
    pub proxies: Proxies,
    /// Time limits and sizes.
    pub limits: Limits,
    /// Who is asked for credentials, if the client has none of its own.
    pub provider: Option<Provider<A>>,
}

/// Looks a host name, or a literal address, up.
pub type Resolver = dyn Fn(&str, u16) -> io::Result<Vec<SocketAddr>> + Send + Sync;

/// Whether a connection to this address is answered.
pub type Route = dyn Fn(SocketAddr) -> bool + Send + Sync;

/// The parts of the operating system that a caller may replace, for a [`World`] without a runtime.
#[non_exhaustive]
pub struct System {
    /// The monotonic clock.
    pub clock: Arc<dyn Fn() -> Instant + Send + Sync>,
    /// Looks names up. `None` for the system's resolver.
    pub resolver: Option<Arc<Resolver>>,
    /// For tests: whether a connection is answered. `None` to connect to every address.
    pub route: Option<Arc<Route>>,
}

impl Default for System {
    fn default() -> Self {
        Self { clock: Arc::new(Instant::now), resolver: None, route: None }
    }
}

impl fmt::Debug for System {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("System").finish_non_exhaustive()
    }
}

/// A [`World`] whose [`System`] can be replaced.
pub trait SystemWorld: World {
    /// The parts to replace.
    fn system(&mut self) -> &mut System;
}
