use std::io;
use std::net::{IpAddr, SocketAddr, ToSocketAddrs};
use std::sync::Arc;

use failback::SharedPolicy;
use failback_client::{Addresses, Context, Proxies, Resolver, Route};
use failback_wire::{Endpoint, Headers, Limits};
use rustls::ClientConfig;

use crate::threads::Threads;

/// What it takes to open a connection and to speak over it. Holds no connection.
pub(crate) struct Network {
    pub(crate) context: Arc<Context>,
    pub(crate) endpoint: Endpoint,
    pub(crate) headers: Arc<Headers>,
    pub(crate) tls: Arc<ClientConfig>,
    /// For the way to a proxy that is spoken to over TLS.
    pub(crate) proxy_tls: Arc<ClientConfig>,
    pub(crate) proxies: Proxies,
    pub(crate) limits: Limits,
    /// `None` for the system's.
    pub(crate) resolver: Option<Arc<Resolver>>,
    /// For tests: `None` where every connection takes its course.
    pub(crate) route: Option<Arc<Route>>,
    pub(crate) addresses: Addresses,
    pub(crate) threads: Threads,
}

impl Network {
    /// The policy is also the clock: what it is told and what is measured must be one time.
    pub(crate) fn policy(&self) -> &SharedPolicy {
        self.context.policy()
    }

    /// The addresses of a host, where that takes no look-up.
    pub(crate) fn resolve_at_once(&self, host: &str, port: u16) -> Option<Vec<SocketAddr>> {
        if self.resolver.is_some() {
            return None;
        }
        host.parse::<IpAddr>().ok().map(|address| vec![(address, port).into()])
    }

    /// Looks a name up, for as long as that takes.
    pub(crate) fn resolve(&self, host: &str, port: u16) -> io::Result<Vec<SocketAddr>> {
        match &self.resolver {
            Some(resolver) => resolver(host, port),
            None => Ok((host, port).to_socket_addrs()?.collect()),
        }
    }
}
