use std::io;
use std::net::{SocketAddr, ToSocketAddrs};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::sync::{Arc, Mutex, MutexGuard};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use failback::SharedPolicy;
use failback_blocking::{CancelHandle, Client, Error, Item, ResponseStream, StateFileError, Warmed};
use failback_wire::{Request, ResponseHeaders};

use super::{Adapter, TestClient, TestTurn};
use crate::Settings;
use crate::clock::set_back;
use crate::wait::{LOOK_EVERY, PATIENCE};

pub(super) struct BlockingAdapter;

impl Adapter for BlockingAdapter {
    fn name(&self) -> &'static str {
        "blocking"
    }

    fn client(&self, settings: Settings) -> Box<dyn TestClient> {
        let world = Arc::new(World::default());
        let (clock, names, roads) = (Arc::clone(&world), Arc::clone(&world), Arc::clone(&world));
        let provider = settings.provider.clone();
        let mut builder = settings
            .builder(Client::builder)
            .clock(move || Instant::now() + Duration::from_nanos(clock.ahead.load(Ordering::SeqCst)))
            .resolver(move |host, port| names.resolve(host, port))
            .route(move |address| roads.dial(address));
        if let Some(provider) = provider {
            builder = builder.credentials(move |request| provider.answer_blocking(request));
        }
        let client = builder.build().expect("a client for the test");
        Box::new(BlockingClient { client, world })
    }

    fn client_that_stands_still(&self, settings: Settings) -> Box<dyn TestClient> {
        // Between two items of a turn nobody reads it: it has no other thread than the caller's.
        self.client(settings)
    }
}

/// What the client is told of the time, of names and of addresses.
#[derive(Default)]
struct World {
    /// How far the clock of the client is ahead, in nanoseconds.
    ahead: AtomicU64,
    nameless: AtomicBool,
    map: Mutex<Map>,
}

/// Where addresses lead.
#[derive(Default)]
struct Map {
    resolved: Option<Vec<SocketAddr>>,
    black_holes: Vec<SocketAddr>,
    dialled: Vec<SocketAddr>,
}

impl World {
    fn map(&self) -> MutexGuard<'_, Map> {
        self.map.lock().expect("no test panics while it looks at the map")
    }

    fn resolve(&self, host: &str, port: u16) -> io::Result<Vec<SocketAddr>> {
        if self.nameless.load(Ordering::SeqCst) {
            return Err(io::Error::other("no name server answers"));
        }
        let resolved = self.map().resolved.clone();
        match resolved {
            Some(resolved) => Ok(resolved),
            None => Ok((host, port).to_socket_addrs()?.collect()),
        }
    }

    fn dial(&self, address: SocketAddr) -> bool {
        let mut map = self.map();
        map.dialled.push(address);
        !map.black_holes.contains(&address)
    }
}

struct BlockingClient {
    client: Client,
    world: Arc<World>,
}

impl TestClient for BlockingClient {
    fn stream(&self, request: Request) -> Box<dyn TestTurn> {
        Box::new(BlockingTurn::new(self.client.stream(request)))
    }

    fn warm_up(&self) -> Box<dyn FnOnce() -> Warmed + Send> {
        let warm_up = self.client.warm_up();
        Box::new(|| warm_up.wait())
    }

    fn policy(&self) -> SharedPolicy {
        self.client.policy().clone()
    }

    fn advance(&self, by: Duration) {
        self.world
            .ahead
            .fetch_add(u64::try_from(by.as_nanos()).expect("a test's worth of time"), Ordering::SeqCst);
    }

    fn set_back(&self, by: Duration) {
        set_back(&self.world.ahead, by);
    }

    fn block(&self, time: Duration) {
        thread::sleep(time);
    }

    fn resolves(&self, names: bool) {
        self.world.nameless.store(!names, Ordering::SeqCst);
    }

    fn resolves_to(&self, addresses: &[SocketAddr]) {
        self.world.map().resolved = Some(addresses.to_vec());
    }

    fn black_hole(&self, address: SocketAddr) {
        self.world.map().black_holes.push(address);
    }

    fn dialled(&self) -> Vec<SocketAddr> {
        self.world.map().dialled.clone()
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
        (self.client.threads())()
    }

    fn debug(&self) -> String {
        format!("{:?}", self.client)
    }

    fn leave(self: Box<Self>) -> Box<dyn Fn() -> usize> {
        Box::new(self.client.threads())
    }
}

/// A turn that is read by a thread of its own, so that a test can look elsewhere meanwhile.
struct BlockingTurn {
    cancel: CancelHandle,
    /// Dropped to end the thread.
    wanted: Option<Sender<()>>,
    items: Receiver<Given>,
    headers: Option<ResponseHeaders>,
    /// An item has been asked for, and has not come yet.
    is_pending: bool,
    thread: Option<JoinHandle<()>>,
}

/// An item, and the headers of the answer that it came with.
type Given = (Option<Result<Item, Error>>, Option<ResponseHeaders>);

impl BlockingTurn {
    fn new(mut stream: ResponseStream) -> Self {
        let cancel = stream.cancel_handle();
        let (wanted, wants) = channel();
        let (gives, items) = channel();
        let thread = thread::spawn(move || {
            for () in wants {
                let item = stream.next();
                if gives.send((item, stream.response_headers())).is_err() {
                    return;
                }
            }
        });
        Self { cancel, wanted: Some(wanted), items, headers: None, is_pending: false, thread: Some(thread) }
    }

    fn ask(&mut self) {
        if !std::mem::replace(&mut self.is_pending, true) {
            let wanted = self.wanted.as_ref().expect("a thread that reads");
            wanted.send(()).expect("a thread that has not panicked");
        }
    }
}

impl TestTurn for BlockingTurn {
    fn next(&mut self) -> Option<Result<Item, Error>> {
        self.ask();
        let (item, headers) = self.items.recv().expect("a thread that has not panicked");
        (self.is_pending, self.headers) = (false, headers);
        item
    }

    fn next_unless(&mut self, enough: &dyn Fn() -> bool) -> Option<Result<Item, Error>> {
        let begun = Instant::now();
        self.ask();
        loop {
            if enough() {
                return None;
            }
            match self.items.recv_timeout(LOOK_EVERY) {
                Ok((Some(item), headers)) => {
                    (self.is_pending, self.headers) = (false, headers);
                    return Some(item);
                }
                Ok((None, _)) => panic!("the turn ended too early"),
                Err(RecvTimeoutError::Timeout) => {
                    assert!(begun.elapsed() < PATIENCE, "waited {PATIENCE:?} for a turn to get anywhere");
                }
                Err(RecvTimeoutError::Disconnected) => panic!("the thread that reads has panicked"),
            }
        }
    }

    fn response_headers(&self) -> Option<ResponseHeaders> {
        self.headers.clone()
    }
}

impl Drop for BlockingTurn {
    fn drop(&mut self) {
        self.cancel.cancel();
        drop(self.wanted.take());
        if let Some(thread) = self.thread.take() {
            let ended = thread.join();
            assert!(ended.is_ok() || thread::panicking(), "reading the turn panicked");
        }
    }
}
