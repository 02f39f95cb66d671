use std::fmt;
use std::sync::Arc;

use failback::{SharedPolicy, Snapshot};
use failback_client::Turn;
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

    /// Whether turns go over SSE alone from now on: a switch to do without WebSocket while the client runs.
    ///
    /// While it is on, turns that begin make no WebSocket attempt, not even when SSE fails, and their reason
    /// is [`SseOnly`](failback::Reason::SseOnly). The idle WebSocket is closed with a Close frame. Turns
    /// under way go on as they are, a stream counts as one when it is first read; their WebSockets are
    /// closed afterwards. When it is off again, the policy decides as before, by what it knows.
    /// [`Builder::sse_only`](crate::Builder::sse_only) turns it on from the start, and
    /// [`Request::sse_only`] is for one request.
    pub fn set_sse_only(&self, on: bool) {
        self.shared.network.context.set_sse_only(on);
        if on {
            self.shared.pool.close_websocket();
        }
    }

    /// See [`set_sse_only`](Self::set_sse_only).
    #[must_use]
    pub fn is_sse_only(&self) -> bool {
        self.shared.network.context.is_sse_only()
    }

    /// The policy. Read from it which mode it is in and how many recoveries are left.
    #[must_use]
    pub fn policy(&self) -> &SharedPolicy {
        self.shared.network.policy()
    }

    /// What the policy knows. Keep it for the next process ([`Builder::snapshot`](crate::Builder::snapshot)).
    #[must_use]
    pub fn snapshot(&self) -> Snapshot {
        self.policy().snapshot()
    }

    /// Returns a function that counts the client's threads, even after the client is gone: one while
    /// connections are idle, and one for each handshake and name look-up under way.
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
