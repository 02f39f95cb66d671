use std::fmt;
use std::sync::Arc;
use std::time::Instant;

use failback::{SharedPolicy, Snapshot};
use failback_client::{Parts, Turn};
use failback_wire::Request;

use crate::Runtime;
use crate::network::Network;
use crate::pool::Pool;
use crate::shared::Shared;
use crate::stream::ResponseStream;

/// A client of one endpoint. It streams responses over the transport that works.
///
/// Clones share connections and the policy, so that what one turn learns helps the next. See the crate's
/// documentation for how a turn goes.
pub struct Client<R: Runtime> {
    shared: Arc<Shared<R>>,
}

impl<R: Runtime> Client<R> {
    /// Begins to build a client for this runtime and this base URL, such as `https://api.openai.com/v1`.
    pub fn with_runtime(runtime: R, url: impl fmt::Display) -> Builder<R> {
        Builder::new(World(runtime), url)
    }

    /// Streams one response: one turn.
    ///
    /// Nothing is sent before the stream is polled. The deadline, if there is one, counts from this call.
    /// Dropping the stream cancels the turn, and closes the connection that carries it.
    pub fn stream(&self, request: Request) -> ResponseStream {
        let turn = Turn::new(&self.shared.context, request);
        ResponseStream::new(Arc::clone(&self.shared), turn)
    }

    /// Tells the client that the machine is on another network, or has slept. The policy forgets what it has
    /// learned, and idle connections are closed. Turns under way go on.
    pub fn handle_network_change(&self) {
        self.shared.context.handle_network_change();
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
    /// under way go on as they are, a stream counts as one when it is first polled; their WebSockets are
    /// closed afterwards. When it is off again, the policy decides as before, by what it knows.
    /// [`Builder::sse_only`](failback_client::Builder::sse_only) turns it on from the start, and
    /// [`Request::sse_only`] is for one request.
    pub fn set_sse_only(&self, on: bool) {
        self.shared.context.set_sse_only(on);
        if on {
            self.shared.pool.close_websocket();
        }
    }

    /// See [`set_sse_only`](Self::set_sse_only).
    #[must_use]
    pub fn is_sse_only(&self) -> bool {
        self.shared.context.is_sse_only()
    }

    /// The policy. Read from it which mode it is in and how many recoveries are left.
    #[must_use]
    pub fn policy(&self) -> &SharedPolicy {
        &self.shared.network.policy
    }

    /// What the policy knows. Keep it for the next process
    /// ([`Builder::snapshot`](failback_client::Builder::snapshot)).
    #[must_use]
    pub fn snapshot(&self) -> Snapshot {
        self.policy().snapshot()
    }
}

impl<R: Runtime + Default> Client<R> {
    /// Begins to build a client for this base URL, such as `https://api.openai.com/v1`.
    pub fn builder(url: impl fmt::Display) -> Builder<R> {
        Self::with_runtime(R::default(), url)
    }
}

impl<R: Runtime> Clone for Client<R> {
    fn clone(&self) -> Self {
        Self { shared: Arc::clone(&self.shared) }
    }
}

impl<R: Runtime> fmt::Debug for Client<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let network = &self.shared.network;
        f.debug_struct("Client")
            .field("endpoint", &network.endpoint)
            .field("proxies", &network.proxies)
            .field("limits", &network.limits)
            .field("policy", &network.policy)
            .finish_non_exhaustive()
    }
}

/// Settings of a client that is being built. See [`failback_client::Builder`] for its methods.
pub type Builder<R> = failback_client::Builder<World<R>>;

/// The world of a client that runs on this runtime.
#[derive(Clone, Debug)]
pub struct World<R>(R);

impl<R: Runtime> failback_client::World for World<R> {
    type Client = Client<R>;

    fn clock(&self) -> impl Fn() -> Instant + Send + Sync + 'static {
        let runtime = self.0.clone();
        move || runtime.now()
    }

    fn client(self, parts: Parts) -> Client<R> {
        let Parts { context, endpoint, tls, proxy_tls, proxies, limits } = parts;
        let network = Network {
            runtime: self.0,
            endpoint: Arc::new(endpoint),
            tls,
            proxy_tls,
            proxies,
            addresses: Arc::default(),
            limits,
            policy: context.policy().clone(),
        };
        let shared = Shared { pool: Pool::new(Arc::clone(&context)), context, network };
        Client { shared: Arc::new(shared) }
    }
}
