use std::sync::Arc;

use failback::SharedPolicy;
use failback_client::{Addresses, Proxies};
use failback_wire::{Endpoint, Limits};
use rustls::ClientConfig;

use crate::Runtime;

/// What is needed to open a connection and to speak over it. Holds no connection.
#[derive(Clone)]
pub(crate) struct Network<R: Runtime> {
    pub(crate) runtime: R,
    pub(crate) endpoint: Arc<Endpoint>,
    pub(crate) tls: Arc<ClientConfig>,
    /// For the way to a proxy that is spoken to over TLS.
    pub(crate) proxy_tls: Arc<ClientConfig>,
    pub(crate) proxies: Proxies,
    /// Remembers which addresses have answered, and which have not.
    pub(crate) addresses: Arc<Addresses>,
    pub(crate) limits: Limits,
    /// The policy, which is also the clock: the times that it is told and the times that are measured must be
    /// comparable.
    pub(crate) policy: SharedPolicy,
}
