use std::fmt;
use std::sync::Arc;

use failback::{SharedPolicy, Snapshot};
use failback_client::{StateFileError, Turn};
use failback_wire::Request;

use crate::network::Network;
use crate::pool::Pool;
use crate::shared::Shared;
use crate::stream::ResponseStream;

/// A client of one endpoint. It streams responses over the transport that works.
///
/// Clones share connections and the policy, so that what one turn learns helps the next.
#[derive(Clone)]
pub struct Client {
    shared: Arc<Shared>,
}

impl Client {
    pub(crate) fn new(network: Network) -> Self {
        let network = Arc::new(network);
        let pool = Pool::new(Arc::clone(&network));
        Self { shared: Arc::new(Shared { network, pool }) }
    }

    /// Streams one response: one turn.
    ///
    /// Nothing is sent before the first item is asked for. The deadline, if there is one, counts from this
    /// call. Dropping the stream cancels the turn, and closes the connection that carries it.
    pub fn stream(&self, request: Request) -> ResponseStream {
        let turn = Turn::new(&self.shared.network.context, request);
        ResponseStream::new(Arc::clone(&self.shared), turn)
    }

    /// Tells the client that the machine is on another network, or has slept. The policy forgets what it has
    /// learned, and idle connections are closed. Turns under way go on.
    pub fn handle_network_change(&self) {
        self.shared.network.context.handle_network_change();
        self.shared.network.addresses.forget();
        self.shared.pool.clear();
    }

    /// Closes the connections that no turn uses, a WebSocket with a Close frame. The same happens when the
    /// client and its last turn are dropped.
    pub fn close_idle(&self) {
        self.shared.pool.clear();
    }

    /// The policy. Read from it which mode it is in and how many recoveries are left.
    #[must_use]
    pub fn policy(&self) -> &SharedPolicy {
        self.shared.network.policy()
    }

    /// What is wrong with the state file, as far as is known
    /// ([`Builder::state_file`](crate::Builder::state_file)). `None` if nothing is, or there is none.
    #[must_use]
    pub fn state_file_problem(&self) -> Option<StateFileError> {
        self.shared.network.context.state_file_problem()
    }

    /// What the policy knows. Keep it for the next process ([`Builder::snapshot`](crate::Builder::snapshot)).
    #[must_use]
    pub fn snapshot(&self) -> Snapshot {
        self.policy().snapshot()
    }

    /// Returns a function that counts the client's threads, even after the client is gone: one while
    /// connections are idle, and one for each handshake, name look-up and question to the provider of
    /// credentials under way.
    pub fn threads(&self) -> impl Fn() -> usize + Send + Sync + use<> {
        let threads = self.shared.network.threads.clone();
        move || threads.alive()
    }
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let network = &self.shared.network;
        f.debug_struct("Client")
            .field("endpoint", &network.endpoint)
            .field("proxies", &network.proxies)
            .field("limits", &network.limits)
            .field("policy", network.policy())
            .finish_non_exhaustive()
    }
}
