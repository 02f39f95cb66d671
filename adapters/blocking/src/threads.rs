use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

/// The threads of one client. None of them outlives it by more than a name look-up, which nothing can
/// interrupt.
#[derive(Clone, Debug, Default)]
pub(crate) struct Threads(Arc<AtomicUsize>);

impl Threads {
    /// Runs a function in a thread of its own.
    pub(crate) fn spawn(&self, name: &str, run: impl FnOnce() + Send + 'static) -> io::Result<()> {
        let alive = Alive::new(&self.0);
        let run = move || {
            let _alive = alive;
            run();
        };
        // Not joined: it ends when it is told to stop.
        thread::Builder::new().name(format!("failback-{name}")).spawn(run).map(drop)
    }

    /// How many of the threads are alive.
    pub(crate) fn alive(&self) -> usize {
        self.0.load(Ordering::SeqCst)
    }
}

/// Counts as one thread until it is dropped.
struct Alive(Arc<AtomicUsize>);

impl Alive {
    fn new(threads: &Arc<AtomicUsize>) -> Self {
        threads.fetch_add(1, Ordering::SeqCst);
        Self(Arc::clone(threads))
    }
}

impl Drop for Alive {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::SeqCst);
    }
}
