use std::future::Future;
use std::sync::Arc;
use std::thread::{self, JoinHandle};

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

    fn client_that_stands_still(&self, settings: Settings) -> Box<dyn TestClient> {
        asynchronous::client(OneThread(Arc::new(Executor::new())), settings)
    }
}

/// An executor that runs while something is awaited.
struct OneThread(Arc<Executor<'static>>);

impl Ground for OneThread {
    type Runtime = Smol;

    fn runtime(&self) -> Smol {
        Smol::on(&self.0)
    }

    fn block_on<T>(&self, future: impl Future<Output = T>) -> T {
        smol::block_on(self.0.run(future))
    }

    fn tasks(&self) -> usize {
        usize::from(!self.0.is_empty())
    }

    fn inside<T>(&self, act: impl FnOnce() -> T) -> T {
        act()
    }
}

/// An executor, and the thread that runs it.
struct SmolGround {
    executor: Arc<Executor<'static>>,
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
        Self { executor, until: Some(until), thread: Some(thread) }
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
    type Runtime = Smol;

    fn runtime(&self) -> Smol {
        Smol::on(&self.executor)
    }

    fn block_on<T>(&self, future: impl Future<Output = T>) -> T {
        smol::block_on(future)
    }

    fn tasks(&self) -> usize {
        usize::from(!self.executor.is_empty())
    }

    fn inside<T>(&self, act: impl FnOnce() -> T) -> T {
        act()
    }
}
