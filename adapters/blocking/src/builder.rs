use std::fmt;
use std::sync::Arc;
use std::time::Instant;

use failback_client::{Addresses, Parts, ProviderAnswer, Provides, System, SystemWorld};

use crate::client::Client;
use crate::network::Network;
use crate::threads::Threads;

/// Settings of a client that is being built. See [`failback_client::Builder`] for its methods.
pub type Builder = failback_client::Builder<World>;

/// What a client without a runtime runs on: threads, and the operating system.
#[derive(Debug, Default)]
pub struct World(System);

impl Client {
    /// Begins to build a client for this base URL, such as `https://api.openai.com/v1`.
    pub fn builder(url: impl fmt::Display) -> Builder {
        Builder::new(World::default(), url)
    }
}

impl failback_client::World for World {
    type Client = Client;
    type Answer = ProviderAnswer;

    fn clock(&self) -> impl Fn() -> Instant + Send + Sync + 'static {
        let clock = Arc::clone(&self.0.clock);
        move || clock()
    }

    fn client(self, parts: Parts<ProviderAnswer>) -> Client {
        let Parts { context, endpoint, tls, proxy_tls, proxies, limits, provider } = parts;
        Client::new(Network {
            context,
            endpoint,
            tls,
            proxy_tls,
            proxies,
            limits,
            provider,
            resolver: self.0.resolver,
            route: self.0.route,
            addresses: Addresses::default(),
            threads: Threads::default(),
        })
    }
}

impl Provides<ProviderAnswer> for World {
    fn answer(answer: ProviderAnswer) -> ProviderAnswer {
        answer
    }
}

impl SystemWorld for World {
    fn system(&mut self) -> &mut System {
        &mut self.0
    }
}
