mod asynchronous;
mod blocking;
mod smol;
mod tokio;

use std::net::SocketAddr;
use std::time::Duration;

use failback::{SharedPolicy, Snapshot};
use failback_client::{Error, Item, StateFileError, Warmed};
use failback_wire::{Request, ResponseHeaders};

use crate::Settings;

/// One way to be a client: a runtime, or none.
pub trait Adapter: Sync {
    /// Its name, as after `--adapter`.
    fn name(&self) -> &'static str;

    /// A client with these settings.
    fn client(&self, settings: Settings) -> Box<dyn TestClient>;

    /// A client on a runtime of one thread, which is the caller's: nothing at all goes on but while a turn is
    /// read, and between two items the runtime stands still.
    fn client_that_stands_still(&self, settings: Settings) -> Box<dyn TestClient>;
}

/// A client of any adapter. Its background work goes on whether or not anyone reads.
pub trait TestClient: Send + Sync {
    /// Begins a turn. Nothing happens before its first item is asked for.
    fn stream(&self, request: Request) -> Box<dyn TestTurn>;

    /// Begins to open a WebSocket ahead of any turn. What is returned waits for its end.
    fn warm_up(&self) -> Box<dyn FnOnce() -> Warmed + Send>;

    /// The policy, to watch it.
    fn policy(&self) -> SharedPolicy;

    /// Moves the clock of the policy, and of the age of connections, forward.
    fn advance(&self, by: Duration);

    /// Moves that clock back, at most to the time that it really is.
    fn set_back(&self, by: Duration);

    /// Blocks the runtime for this time, as soon as it does anything: a task of the application's that sleeps
    /// where it must not. Where there is no runtime, the caller sleeps.
    fn block(&self, time: Duration);

    /// Whether names resolve from now on, addresses included.
    fn resolves(&self, names: bool);

    /// What every name resolves to from now on, addresses included.
    fn resolves_to(&self, addresses: &[SocketAddr]);

    /// Connections to this address are not answered from now on.
    fn black_hole(&self, address: SocketAddr);

    /// The addresses that connections were opened to, whether they answered or not, in order.
    fn dialled(&self) -> Vec<SocketAddr>;

    /// Closes the connections that no turn uses.
    fn close_idle(&self);

    /// The network has changed.
    fn handle_network_change(&self);

    /// Turns go over SSE alone from now on, or not any longer.
    fn set_sse_only(&self, on: bool);

    /// What the policy knows.
    fn snapshot(&self) -> Snapshot {
        self.policy().snapshot()
    }

    /// What is wrong with the state file.
    fn state_file_problem(&self) -> Option<StateFileError>;

    /// How many tasks or threads of the adapter's are alive: as it counts them itself, or as its runtime
    /// does, whichever is more.
    fn background_tasks(&self) -> usize;

    /// Waits until the runtime has heard of all that has arrived by now. Where there is no runtime, whoever
    /// takes a connection looks for itself.
    fn catch_up(&self) {}

    /// What `Debug` shows of the client.
    fn debug(&self) -> String;

    /// Drops the client but not what it ran on, and counts what it leaves behind, as
    /// [`background_tasks`](Self::background_tasks) does.
    fn leave(self: Box<Self>) -> Box<dyn Fn() -> usize>;
}

/// A turn of any adapter. Dropping it cancels it.
pub trait TestTurn: Send {
    /// The next item, as soon as there is one.
    fn next(&mut self) -> Option<Result<Item, Error>>;

    /// The next item, unless `enough` says so first: then the turn is in the middle of something, and can be
    /// dropped there.
    ///
    /// # Panics
    /// When the turn ends first, or nothing happens for long.
    fn next_unless(&mut self, enough: &dyn Fn() -> bool) -> Option<Result<Item, Error>>;

    /// The headers of the answer to its latest attempt, when it gave its last item.
    fn response_headers(&self) -> Option<ResponseHeaders>;
}

/// Every adapter there is.
#[must_use]
pub fn adapters() -> [&'static dyn Adapter; 3] {
    [&tokio::TokioAdapter, &smol::SmolAdapter, &blocking::BlockingAdapter]
}

/// The adapter of this name.
///
/// # Panics
/// When there is none.
#[must_use]
pub fn adapter(name: &str) -> &'static dyn Adapter {
    adapters().into_iter().find(|adapter| adapter.name() == name).expect("an adapter of this name")
}
