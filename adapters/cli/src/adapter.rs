//! The clients that this build has, behind one face.

use std::future::Future;
use std::ops::ControlFlow;
use std::time::Duration;

use failback::Mode;
use failback_async::{Client, Error as TurnError, Item, Observation, Runtime, StateFileError};
use failback_smol::Smol;
use failback_tokio::Tokio;
use failback_wire::Request;

use crate::args::Adapter;
use crate::error::Error;
use crate::setup::Setup;

/// A client, whatever it runs on.
pub(crate) trait Turns {
    /// Opens a WebSocket ahead of the first turn, if the policy wants one. How it fails, if it does, shows in
    /// that turn.
    fn warm_up(&mut self);

    /// Streams one turn, and hands on what it yields until it is over, or is told to stop.
    fn turn(&mut self, each: &mut dyn FnMut(Result<Item, TurnError>) -> ControlFlow<()>);

    /// Does nothing for a while but what goes on in the background.
    fn pause(&mut self, duration: Duration);

    /// The mode of the policy, and how many recoveries are left.
    fn policy(&self) -> (Mode, u8);

    /// What is wrong with the state file.
    fn state_file_problem(&self) -> Option<StateFileError>;

    /// Ends the client, whatever goes on in the background.
    fn close(self: Box<Self>);
}

/// A client whose decisions `observer` hears.
pub(crate) fn open(
    adapter: Adapter,
    setup: Setup,
    observer: impl Fn(&Observation) + Send + Sync + 'static,
) -> Result<Box<dyn Turns>, Error> {
    match adapter {
        Adapter::Tokio => Ok(Box::new(AsyncTurns::new(runtime()?, setup, observer)?)),
        Adapter::Smol => Ok(Box::new(AsyncTurns::new(SmolGround, setup, observer)?)),
        Adapter::Blocking => Ok(Box::new(BlockingTurns::new(setup, observer)?)),
    }
}

/// What the async runtimes differ in, seen from a command that blocks.
trait Ground {
    type Runtime: Runtime + Default;

    fn block_on<T>(&self, future: impl Future<Output = T>) -> T;

    /// Ends what goes on in the background.
    fn close(self);
}

impl Ground for tokio::runtime::Runtime {
    type Runtime = Tokio;

    fn block_on<T>(&self, future: impl Future<Output = T>) -> T {
        Self::block_on(self, future)
    }

    fn close(self) {
        // A name look-up that nobody waits for any more cannot be interrupted, and would be waited for.
        self.shutdown_background();
    }
}

/// One thread: turns come one after another.
pub(crate) fn runtime() -> Result<tokio::runtime::Runtime, Error> {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| Error::Failed(format!("could not start the runtime: {error}")))
}

/// The global executor, which ends with the process.
struct SmolGround;

impl Ground for SmolGround {
    type Runtime = Smol;

    fn block_on<T>(&self, future: impl Future<Output = T>) -> T {
        smol::block_on(future)
    }

    fn close(self) {}
}

struct AsyncTurns<G: Ground> {
    ground: G,
    client: Client<G::Runtime>,
    request: Request,
}

impl<G: Ground> AsyncTurns<G> {
    fn new(
        ground: G,
        setup: Setup,
        observer: impl Fn(&Observation) + Send + Sync + 'static,
    ) -> Result<Self, Error> {
        let builder = Client::builder(&setup.server.url).observer(observer);
        let client = ground.block_on(async { setup.build(builder) })?;
        Ok(Self { ground, client, request: setup.request })
    }
}

impl<G: Ground> Turns for AsyncTurns<G> {
    fn warm_up(&mut self) {
        let _shows_in_the_turn = self.ground.block_on(self.client.warm_up());
    }

    fn turn(&mut self, each: &mut dyn FnMut(Result<Item, TurnError>) -> ControlFlow<()>) {
        self.ground.block_on(async {
            let mut stream = self.client.stream(self.request.clone());
            while let Some(item) = stream.next().await {
                if each(item).is_break() {
                    break;
                }
            }
        });
    }

    fn pause(&mut self, duration: Duration) {
        // Made inside: a timer belongs to the runtime in which it is made.
        self.ground.block_on(async { G::Runtime::default().sleep(duration).await });
    }

    fn policy(&self) -> (Mode, u8) {
        let policy = self.client.policy();
        (policy.mode(), policy.recoveries_left())
    }

    fn state_file_problem(&self) -> Option<StateFileError> {
        self.client.state_file_problem()
    }

    fn close(self: Box<Self>) {
        let Self { ground, client, request: _ } = *self;
        ground.block_on(async { drop(client) });
        ground.close();
    }
}

struct BlockingTurns {
    client: failback_blocking::Client,
    request: Request,
}

impl BlockingTurns {
    fn new(setup: Setup, observer: impl Fn(&Observation) + Send + Sync + 'static) -> Result<Self, Error> {
        let client = setup.build(failback_blocking::Client::builder(&setup.server.url).observer(observer))?;
        Ok(Self { client, request: setup.request })
    }
}

impl Turns for BlockingTurns {
    fn warm_up(&mut self) {
        let _shows_in_the_turn = self.client.warm_up().wait();
    }

    fn turn(&mut self, each: &mut dyn FnMut(Result<Item, TurnError>) -> ControlFlow<()>) {
        for item in self.client.stream(self.request.clone()) {
            if each(item).is_break() {
                break;
            }
        }
    }

    fn pause(&mut self, duration: Duration) {
        std::thread::sleep(duration);
    }

    fn policy(&self) -> (Mode, u8) {
        let policy = self.client.policy();
        (policy.mode(), policy.recoveries_left())
    }

    fn state_file_problem(&self) -> Option<StateFileError> {
        self.client.state_file_problem()
    }

    fn close(self: Box<Self>) {}
}
