use std::panic::AssertUnwindSafe;
use std::sync::Arc;

use failback::SharedPolicy;
use failback_client::{Addresses, CredentialsRequest, Provider, ProviderAnswer, ProviderPanicked, Proxies};
use failback_wire::{Endpoint, Limits};
use futures_core::future::BoxFuture;
use futures_util::FutureExt;
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
    pub(crate) provider: Option<Provider<BoxFuture<'static, ProviderAnswer>>>,
    /// The policy, which is also the clock: the times that it is told and the times that are measured must be
    /// comparable.
    pub(crate) policy: SharedPolicy,
}

impl<R: Runtime> Network<R> {
    /// Asks the provider of credentials. If it panics, that is its answer.
    pub(crate) async fn ask(&self, request: CredentialsRequest) -> ProviderAnswer {
        let Some(provider) = &self.provider else { return Err("there is no provider of credentials".into()) };
        // Nothing of the client is in its hands, so it leaves nothing half done.
        let answer = AssertUnwindSafe(async { provider.ask(request).await }).catch_unwind().await;
        answer.unwrap_or_else(|_| Err(ProviderPanicked.into()))
    }
}
