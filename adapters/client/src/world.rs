use std::fmt;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Instant;

use failback_wire::{Endpoint, Headers, Limits};
use rustls::ClientConfig;

use crate::context::Context;
use crate::proxies::Proxies;

/// What a client runs on: an async runtime, or threads. An adapter implements it, and the
/// [`Builder`](crate::Builder) does the rest.
pub trait World: Sized {
    /// The client that is built.
    type Client;

    /// The monotonic clock that the policy runs by.
    fn clock(&self) -> impl Fn() -> Instant + Send + Sync + 'static;

    /// Makes the client of its parts. Makes no connection.
    fn client(self, parts: Parts) -> Self::Client;
}

/// What every client has, whatever it runs on.
#[derive(Debug)]
pub struct Parts {
    /// What the turns share: the policy, and what the caller and the log have been told.
    pub context: Arc<Context>,
    /// Where each transport goes.
    pub endpoint: Endpoint,
    /// The headers of every request and every handshake. They conceal the secrets of the endpoint's queries too.
    pub headers: Arc<Headers>,
    /// TLS with the server.
    pub tls: Arc<ClientConfig>,
    /// TLS with a proxy that is spoken to over TLS.
    pub proxy_tls: Arc<ClientConfig>,
    /// The proxies on the way.
    pub proxies: Proxies,
    /// Time limits and sizes.
    pub limits: Limits,
}

/// Looks a host name, or a literal address, up.
pub type Resolver = dyn Fn(&str, u16) -> io::Result<Vec<SocketAddr>> + Send + Sync;

/// Whether a connection to this address is answered.
pub type Route = dyn Fn(SocketAddr) -> bool + Send + Sync;

/// What a client asks of the operating system, and a caller may answer instead. For a [`World`] without a runtime that could
/// be replaced as a whole.
#[non_exhaustive]
pub struct System {
    /// The monotonic clock.
    pub clock: Arc<dyn Fn() -> Instant + Send + Sync>,
    /// How names are looked up; `None` for as the system does.
    pub resolver: Option<Arc<Resolver>>,
    /// For tests: which connections are answered; `None` where every connection takes its course.
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
    /// What is to be replaced.
    fn system(&mut self) -> &mut System;
}
