use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use failback_async::Runtime;
use failback_smol::Smol;
use smol::Executor;
use smol::channel::{Receiver, Sender, bounded};

use super::asynchronous::{self, Ground};
use super::{Adapter, TestClient};
use crate::Settings;

pub(super) struct SmolAdapter;

impl Adapter for SmolAdapter {
    fn name(&self) -> &'static str {
        "smol"
    }

    fn client(&self, settings: Settings) -> Box<dyn TestClient> {
        asynchronous::client(SmolGround::new(), settings)
    }
}

/// An executor, and the thread that runs it.
struct SmolGround {
    runtime: Counted,
    /// Dropped to end the thread.
    until: Option<Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl SmolGround {
    fn new() -> Self {
        let executor = Arc::new(Executor::new());
        let (until, ended): (_, Receiver<()>) = bounded(1);
        let runs = Arc::clone(&executor);
        let thread = thread::spawn(move || {
            let _ended = smol::block_on(runs.run(ended.recv()));
        });
        let runtime = Counted { inner: Smol::on(executor), tasks: Arc::default() };
        Self { runtime, until: Some(until), thread: Some(thread) }
    }
}

impl Drop for SmolGround {
    fn drop(&mut self) {
        drop(self.until.take());
        if let Some(thread) = self.thread.take() {
            let ended = thread.join();
            assert!(ended.is_ok() || thread::panicking(), "a task of the client panicked");
        }
    }
}

impl Ground for SmolGround {
    type Runtime = Counted;

    fn runtime(&self) -> Counted {
        self.runtime.clone()
    }

    fn block_on<T>(&self, future: impl Future<Output = T>) -> T {
        smol::block_on(future)
    }

    fn inside<T>(&self, act: impl FnOnce() -> T) -> T {
        act()
    }

    fn tasks(&self) -> usize {
        self.runtime.tasks.load(Ordering::SeqCst)
    }
}

/// Smol, and how many of the tasks spawned on it are alive, which it does not tell itself.
#[derive(Clone, Debug)]
struct Counted {
    inner: Smol,
    tasks: Arc<AtomicUsize>,
}

impl Runtime for Counted {
    type Stream = <Smol as Runtime>::Stream;
    type Sleep = <Smol as Runtime>::Sleep;

    fn resolve(&self, host: &str, port: u16) -> impl Future<Output = io::Result<Vec<SocketAddr>>> + Send {
        self.inner.resolve(host, port)
    }

    fn connect(&self, addr: SocketAddr) -> impl Future<Output = io::Result<Self::Stream>> + Send {
        self.inner.connect(addr)
    }

    fn sleep(&self, duration: Duration) -> Self::Sleep {
        self.inner.sleep(duration)
    }

    fn spawn(&self, future: impl Future<Output = ()> + Send + 'static) {
        let alive = Alive::new(&self.tasks);
        self.inner.spawn(async move {
            let _alive = alive;
            future.await;
        });
    }

    fn now(&self) -> Instant {
        self.inner.now()
    }
}

/// Counts as a task until it is dropped, with its future or by it.
struct Alive(Arc<AtomicUsize>);

impl Alive {
    fn new(tasks: &Arc<AtomicUsize>) -> Self {
        tasks.fetch_add(1, Ordering::SeqCst);
        Self(Arc::clone(tasks))
    }
}

impl Drop for Alive {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::SeqCst);
    }
}
