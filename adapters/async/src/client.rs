use std::fmt;
use std::future::Future;
use std::sync::Arc;
use std::time::Instant;

use failback::{SharedPolicy, Snapshot};
use failback_client::{Parts, ProviderAnswer, Provides, StateFileError, Turn, Warmed};
use failback_wire::Request;
use futures_core::future::BoxFuture;

use crate::Runtime;
use crate::network::Network;
use crate::pool::Pool;
use crate::shared::Shared;
use crate::stream::ResponseStream;
use crate::warm_up::WarmUp;

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
    /// Dropping the stream before its end cancels the turn, and closes the connection that carries it.
    pub fn stream(&self, request: Request) -> ResponseStream {
        let turn = Turn::new(&self.shared.context, request);
        ResponseStream::new(Arc::clone(&self.shared), turn)
    }

    /// Opens a WebSocket ahead of the first turn, if the policy wants one, and says what became of it.
    ///
    /// Nothing happens before the future is polled. From then on the handshake goes on in a task of its own:
    /// await the future, spawn it, or drop it. What opens waits for the next turn, which needs no handshake.
    /// A turn that begins before it has opened waits for this handshake as long as it would for one of its
    /// own ([`Config::head_start`](failback::Config::head_start)), and makes no other. If a WebSocket waits
    /// already, nothing is opened, and two warm-ups at once are one handshake.
    ///
    /// If there is a provider of credentials, it is asked before the handshake, and once more if the server
    /// refuses what it gave. The first time it is asked by the future itself: if that is dropped before the
    /// provider has answered, nothing is opened.
    ///
    /// It proves nothing: only a response that completes does ([R6](failback::rules#r6)). A handshake that
    /// fails counts as that of a turn does. After a cooldown it is the probe ([R17](failback::rules#r17)). It
    /// ends within the [connect time-out](failback_wire::Limits::connect_timeout), which a provider has for
    /// itself once more each time that it is asked, with the client, and with
    /// [`close_idle`](Self::close_idle).
    ///
    /// To send something as well, such as the instructions that later turns share, stream a request with
    /// `"generate": false` instead: it is a turn, and the next one goes on on its connection.
    pub fn warm_up(&self) -> impl Future<Output = Warmed> + Send + use<R> {
        // Whoever awaits it for long keeps no connection open.
        let shared = Arc::downgrade(&self.shared);
        WarmUp::carry_out(shared)
    }

    /// Tells the client that the machine is on another network, or has slept. The policy forgets what it has
    /// learned, idle connections are closed, and handshakes that no turn waits for end. Turns under way go
    /// on.
    pub fn handle_network_change(&self) {
        self.shared.context.handle_network_change();
        self.shared.network.addresses.forget();
        self.shared.pool.clear();
    }

    /// Closes the connections that no turn uses, a WebSocket with a Close frame, and ends handshakes that no
    /// turn waits for. The same happens when the client, with all its clones, and its last turn are dropped.
    pub fn close_idle(&self) {
        self.shared.pool.clear();
    }

    /// Whether turns go over SSE alone from now on: a switch to do without WebSocket while the client runs.
    ///
    /// While it is on, turns that begin make no WebSocket attempt, not even when SSE fails, and their reason
    /// is [`SseOnly`](failback::Reason::SseOnly). The idle WebSocket is closed with a Close frame, and a
    /// warm-up under way ends. Turns under way go on as they are (a stream counts as one from when it is
    /// first polled), and their WebSockets are closed afterwards. When it is off again, the policy decides as
    /// before, by what it knows. [`Builder::sse_only`](failback_client::Builder::sse_only) turns it on from
    /// the start, and [`Request::sse_only`] is for one request.
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

    /// What is wrong with the state file, as far as is known
    /// ([`Builder::state_file`](failback_client::Builder::state_file)). `None` if nothing is, or there is
    /// none.
    #[must_use]
    pub fn state_file_problem(&self) -> Option<StateFileError> {
        self.shared.context.state_file_problem()
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
    type Answer = BoxFuture<'static, ProviderAnswer>;

    fn clock(&self) -> impl Fn() -> Instant + Send + Sync + 'static {
        let runtime = self.0.clone();
        move || runtime.now()
    }

    fn client(self, parts: Parts<Self::Answer>) -> Client<R> {
        let Parts { context, endpoint, tls, proxy_tls, proxies, limits, provider } = parts;
        let network = Network {
            runtime: self.0,
            endpoint: Arc::new(endpoint),
            tls,
            proxy_tls,
            proxies,
            addresses: Arc::default(),
            limits,
            provider,
            policy: context.policy().clone(),
        };
        let shared = Shared { pool: Pool::new(Arc::clone(&context)), context, network };
        Client { shared: Arc::new(shared) }
    }
}

impl<R, F> Provides<F> for World<R>
where
    R: Runtime,
    F: Future<Output = ProviderAnswer> + Send + 'static,
{
    fn answer(answer: F) -> BoxFuture<'static, ProviderAnswer> {
        Box::pin(answer)
    }
}
