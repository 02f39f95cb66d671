use std::fmt;
use std::sync::Arc;

use failback::{SharedPolicy, Snapshot};
use failback_client::{StateFileError, Turn};
use failback_wire::Request;

use crate::network::Network;
use crate::shared::Shared;
use crate::stream::ResponseStream;
use crate::warm_up::WarmUp;

/// A client of one endpoint. It streams responses over the transport that works.
///
/// Clones share connections and the policy, so that what one turn learns helps the next.
///
/// ```no_run
/// # fn run(key: &str) -> Result<(), Box<dyn std::error::Error>> {
/// use failback_blocking::{Client, Request};
///
/// let client = Client::builder("https://api.openai.com/v1").bearer(key).build()?;
/// let response = client.stream(Request::text("gpt-5.2", "Say hello.")).into_response()?;
/// println!("{}, over {:?}", response.text(), response.transport());
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct Client {
    shared: Arc<Shared>,
}

impl Client {
    pub(crate) fn new(network: Network) -> Self {
        Self { shared: Arc::new(Shared::new(Arc::new(network))) }
    }

    /// Streams one response: one turn.
    ///
    /// Nothing is sent before the first item is asked for. The deadline, if there is one, counts from this
    /// call. Dropping the stream before its end cancels the turn, and closes the connection that carries it.
    pub fn stream(&self, request: Request) -> ResponseStream {
        let turn = Turn::new(&self.shared.network.context, request);
        ResponseStream::new(Arc::clone(&self.shared), turn)
    }

    /// Opens a WebSocket ahead of the first turn, if the policy wants one. Returns at once: the handshake
    /// goes on in a thread of its own. [`WarmUp::wait`] waits for its end, and says what became of it.
    ///
    /// What opens waits for the next turn, which needs no handshake. A turn that begins before it has opened
    /// waits for this handshake as long as it would for one of its own
    /// ([`Config::head_start`](failback::Config::head_start)), and makes no other. If a WebSocket waits
    /// already, nothing is opened, and two warm-ups at once are one handshake.
    ///
    /// If there is a provider of credentials, it is asked before the handshake, and once more if the server
    /// refuses what it gave.
    ///
    /// It proves nothing: only a response that completes does ([R6](failback::rules#r6)). A handshake that
    /// fails counts as that of a turn does. After a cooldown it is the probe ([R17](failback::rules#r17)). It
    /// ends within the [connect time-out](failback_wire::Limits::connect_timeout), which a provider has for
    /// itself once more each time that it is asked, with the client, and with
    /// [`close_idle`](Self::close_idle).
    ///
    /// To send something as well, such as the instructions that later turns share, stream a request with
    /// `"generate": false` instead: it is a turn, and the next one goes on on its connection.
    #[expect(clippy::must_use_candidate, reason = "it goes on by itself")]
    pub fn warm_up(&self) -> WarmUp {
        self.shared.warm_up()
    }

    /// Tells the client that the machine is on another network, or has slept. The policy forgets what it has
    /// learned, idle connections are closed, and handshakes that no turn waits for end. Turns under way go
    /// on.
    pub fn handle_network_change(&self) {
        self.shared.network.context.handle_network_change();
        self.shared.network.addresses.forget();
        self.shared.clear();
    }

    /// Closes the connections that no turn uses, a WebSocket with a Close frame, and ends handshakes that no
    /// turn waits for. The same happens when the client, with all its clones, and its last turn are dropped.
    pub fn close_idle(&self) {
        self.shared.clear();
    }

    /// Whether turns go over SSE alone from now on: a switch to do without WebSocket while the client runs.
    ///
    /// While it is on, turns that begin make no WebSocket attempt, not even when SSE fails, and their reason
    /// is [`SseOnly`](failback::Reason::SseOnly). The idle WebSocket is closed with a Close frame, and a
    /// warm-up under way ends. Turns under way go on as they are (a stream counts as one from when it is
    /// first read), and their WebSockets are closed afterwards. When it is off again, the policy decides as
    /// before, by what it knows. [`Builder::sse_only`](crate::Builder::sse_only) turns it on from the start,
    /// and [`Request::sse_only`] is for one request.
    pub fn set_sse_only(&self, on: bool) {
        self.shared.network.context.set_sse_only(on);
        if on {
            self.shared.leave_websocket();
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

impl Client {
    /// What it takes to open a connection.
    pub(crate) fn network(&self) -> &Arc<Network> {
        &self.shared.network
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
