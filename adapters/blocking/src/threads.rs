use std::io;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;

use crate::bell::Bell;

/// The threads of one client. None of them outlives it by more than a name look-up, or a question to the
/// provider of credentials, which nothing can interrupt.
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

    /// Calls a function in a thread of its own, and wakes the thread at `bell` when it has returned.
    pub(crate) fn spawn_for<T: Send + 'static>(
        &self,
        bell: &Bell,
        name: &str,
        call: impl FnOnce() -> T + Send + 'static,
    ) -> io::Result<Returned<T>> {
        let returned = Returned(Arc::new(Mutex::new(None)));
        let (place, ringer) = (Arc::clone(&returned.0), bell.ringer().clone());
        let run = move || {
            let result = call();
            *place.lock().unwrap_or_else(PoisonError::into_inner) = Some(result);
            ringer.ring();
        };
        self.spawn(name, run).map(|()| returned)
    }

    /// How many of the threads are alive.
    pub(crate) fn alive(&self) -> usize {
        self.0.load(Ordering::SeqCst)
    }
}

/// What a function returns that runs in another thread.
pub(crate) struct Returned<T>(Arc<Mutex<Option<T>>>);

impl<T> Returned<T> {
    /// Takes the result, as soon as there is one. Until then, and after that, it would block.
    pub(crate) fn take(&self) -> io::Result<T> {
        let result = self.0.lock().unwrap_or_else(PoisonError::into_inner).take();
        result.ok_or_else(|| io::ErrorKind::WouldBlock.into())
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
