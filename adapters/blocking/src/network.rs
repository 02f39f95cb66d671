use std::io;
use std::net::{IpAddr, SocketAddr, ToSocketAddrs};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use failback::SharedPolicy;
use failback_client::{
    Addresses, Context, CredentialsRequest, Provider, ProviderAnswer, ProviderPanicked, Proxies, Resolver,
    Route,
};
use failback_wire::{Endpoint, Limits, Seen};
use rustls::ClientConfig;

use crate::bell::Bell;
use crate::deadline::Deadline;
use crate::halt::Halt;
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
    pub(crate) provider: Option<Provider<ProviderAnswer>>,
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

    /// Asks the provider of credentials, in a thread of its own, as it may block for long and cannot be
    /// interrupted. If it panics, that is its answer.
    pub(crate) fn ask(
        &self,
        request: CredentialsRequest,
        bell: &Bell,
        deadline: &Deadline,
    ) -> Result<ProviderAnswer, Halt> {
        let Some(provider) = self.provider.clone() else {
            return Ok(Err("there is no provider of credentials".into()));
        };
        // Nothing of the client is in its hands, so it leaves nothing half done.
        let ask = move || catch_unwind(AssertUnwindSafe(|| provider.ask(request)));
        let answer = match self.threads.spawn_for(bell, "credentials", ask) {
            Ok(answer) => deadline.limit(bell, &Seen::ConnectTimeout, || answer.take())?,
            Err(error) => Err(error),
        };
        Ok(match answer {
            Ok(answer) => answer.unwrap_or_else(|_| Err(ProviderPanicked.into())),
            Err(error) => Err(error.into()),
        })
    }
}
