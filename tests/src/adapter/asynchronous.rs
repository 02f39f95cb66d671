//! What the async adapters have in common: a client of some runtime, and the ground that it runs on.

use std::future::Future;
use std::io::Write;
use std::net::{SocketAddr, TcpListener};
use std::pin::pin;
use std::sync::Arc;
use std::time::{Duration, Instant};

use failback::SharedPolicy;
use failback_async::{Client, Error, Item, ResponseStream, Runtime, StateFileError, Warmed};
use failback_wire::{Request, ResponseHeaders};
use futures_util::AsyncReadExt;
use futures_util::future::{Either, poll_immediate, select};

use super::{TestClient, TestTurn};
use crate::wait::{LOOK_EVERY, PATIENCE};
use crate::{Settings, Shifted};

/// Where the tasks of one client run, as long as this exists.
pub(super) trait Ground: Send + Sync + 'static {
    type Runtime: Runtime + std::fmt::Debug;

    fn runtime(&self) -> Self::Runtime;

    fn block_on<T>(&self, future: impl Future<Output = T>) -> T;

    /// How many tasks the runtime knows of, as far as it counts them.
    fn tasks(&self) -> usize;

    /// Does something that wants the runtime around it.
    fn inside<T>(&self, act: impl FnOnce() -> T) -> T;
}

/// A client on its own ground.
pub(super) fn client<G: Ground>(ground: G, settings: Settings) -> Box<dyn TestClient> {
    let clock = Shifted::new(ground.runtime());
    let provider = settings.provider.clone();
    let mut builder = settings.builder(|url| Client::with_runtime(clock.clone(), url));
    if let Some(provider) = provider {
        builder = builder.credentials(move |request| provider.clone().answer(request));
    }
    let client = ground.inside(|| builder.build().expect("a client for the test"));
    Box::new(AsyncClient { client, clock, ground: Arc::new(ground) })
}

struct AsyncClient<G: Ground> {
    // Dropped before the ground, so that what it leaves behind has somewhere to end.
    client: Client<Shifted<G::Runtime>>,
    clock: Shifted<G::Runtime>,
    ground: Arc<G>,
}

impl<G: Ground> TestClient for AsyncClient<G> {
    fn stream(&self, request: Request) -> Box<dyn TestTurn> {
        Box::new(AsyncTurn { stream: Some(self.client.stream(request)), ground: Arc::clone(&self.ground) })
    }

    fn warm_up(&self) -> Box<dyn FnOnce() -> Warmed + Send> {
        let (ground, mut warm_up) = (Arc::clone(&self.ground), Box::pin(self.client.warm_up()));
        // It begins when it is polled.
        let over = ground.block_on(async { poll_immediate(&mut warm_up).await });
        Box::new(move || over.unwrap_or_else(|| ground.block_on(warm_up)))
    }

    fn policy(&self) -> SharedPolicy {
        self.client.policy().clone()
    }

    fn advance(&self, by: Duration) {
        self.clock.advance(by);
    }

    fn set_back(&self, by: Duration) {
        self.clock.set_back(by);
    }

    fn block(&self, time: Duration) {
        let runtime = self.ground.runtime();
        self.ground.inside(|| runtime.spawn(async move { std::thread::sleep(time) }));
    }

    fn resolves(&self, names: bool) {
        self.clock.resolves(names);
    }

    fn resolves_to(&self, addresses: &[SocketAddr]) {
        self.clock.resolves_to(addresses);
    }

    fn black_hole(&self, address: SocketAddr) {
        self.clock.black_hole(address);
    }

    fn dialled(&self) -> Vec<SocketAddr> {
        self.clock.dialled()
    }

    fn close_idle(&self) {
        self.client.close_idle();
    }

    fn handle_network_change(&self) {
        self.client.handle_network_change();
    }

    fn state_file_problem(&self) -> Option<StateFileError> {
        self.client.state_file_problem()
    }

    fn set_sse_only(&self, on: bool) {
        self.client.set_sse_only(on);
        assert_eq!(self.client.is_sse_only(), on);
    }

    fn background_tasks(&self) -> usize {
        self.clock.tasks().max(self.ground.tasks())
    }

    fn catch_up(&self) {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a listener");
        let address = listener.local_addr().expect("its address");
        // A runtime hears of what arrives in the order in which it arrives, or of more at once.
        let read = self.ground.block_on(async {
            let mut stream = self.ground.runtime().connect(address).await?;
            listener.accept()?.0.write_all(b"!")?;
            stream.read_exact(&mut [0]).await
        });
        read.expect("a byte over loopback");
    }

    fn debug(&self) -> String {
        format!("{:?}", self.client)
    }

    fn leave(self: Box<Self>) -> Box<dyn Fn() -> usize> {
        let Self { client, clock, ground } = *self;
        ground.inside(|| drop(client));
        Box::new(move || clock.tasks().max(ground.tasks()))
    }
}

struct AsyncTurn<G: Ground> {
    stream: Option<ResponseStream>,
    ground: Arc<G>,
}

impl<G: Ground> TestTurn for AsyncTurn<G> {
    fn next(&mut self) -> Option<Result<Item, Error>> {
        let stream = self.stream.as_mut()?;
        self.ground.block_on(stream.next())
    }

    fn next_unless(&mut self, enough: &dyn Fn() -> bool) -> Option<Result<Item, Error>> {
        let stream = self.stream.as_mut()?;
        let runtime = self.ground.runtime();
        let begun = Instant::now();
        self.ground.block_on(async {
            loop {
                if enough() {
                    return None;
                }
                match select(pin!(stream.next()), pin!(runtime.sleep(LOOK_EVERY))).await {
                    Either::Left((Some(item), _)) => return Some(item),
                    Either::Left((None, _)) => panic!("the turn ended too early"),
                    Either::Right(_) => {
                        assert!(begun.elapsed() < PATIENCE, "waited {PATIENCE:?} for a turn to get anywhere");
                    }
                }
            }
        })
    }

    fn response_headers(&self) -> Option<ResponseHeaders> {
        self.stream.as_ref()?.response_headers()
    }
}

impl<G: Ground> Drop for AsyncTurn<G> {
    fn drop(&mut self) {
        // Timers and sockets are given back to the runtime that they came from.
        let stream = self.stream.take();
        self.ground.inside(|| drop(stream));
    }
}
