use std::io;
use std::net::{IpAddr, SocketAddr, ToSocketAddrs};
use std::sync::Arc;

use failback::SharedPolicy;
use failback_client::{Addresses, Context, Proxies, Resolver, Route};
use failback_wire::{Endpoint, Limits};
use rustls::ClientConfig;

use crate::threads::Threads;

/// What is needed to open a connection and to speak over it. Holds no connection.
pub(crate) struct Network {
    pub(crate) context: Arc<Context>,
    pub(crate) endpoint: Endpoint,
    pub(crate) tls: Arc<ClientConfig>,
    /// For the way to a proxy that is spoken to over TLS.
    pub(crate) proxy_tls: Arc<ClientConfig>,
    pub(crate) proxies: Proxies,
    pub(crate) limits: Limits,
    /// `None` for the system's resolver.
    pub(crate) resolver: Option<Arc<Resolver>>,
    /// For tests. `None` to connect to every address.
    pub(crate) route: Option<Arc<Route>>,
    pub(crate) addresses: Addresses,
    pub(crate) threads: Threads,
}

impl Network {
    /// The policy, which is also the clock: the times that it is told and the times that are measured must be
    /// comparable.
    pub(crate) fn policy(&self) -> &SharedPolicy {
        self.context.policy()
    }

    /// The address of a host that is a literal address. `None` if a look-up is needed.
    pub(crate) fn resolve_at_once(&self, host: &str, port: u16) -> Option<Vec<SocketAddr>> {
        if self.resolver.is_some() {
            return None;
        }
        host.parse::<IpAddr>().ok().map(|address| vec![(address, port).into()])
    }

    /// Looks a name up. May block for long.
    pub(crate) fn resolve(&self, host: &str, port: u16) -> io::Result<Vec<SocketAddr>> {
        match &self.resolver {
            Some(resolver) => resolver(host, port),
            None => Ok((host, port).to_socket_addrs()?.collect()),
        }
    }
}
