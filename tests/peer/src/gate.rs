use std::sync::Arc;

use tokio::sync::watch;

use crate::wait::{PATIENCE, block_on, within};

/// A place where the peer waits until the test lets it pass.
///
/// Clones are the same gate. Once open it stays open.
#[derive(Clone, Debug)]
pub struct Gate {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    open: watch::Sender<bool>,
    arrivals: watch::Sender<usize>,
}

impl Gate {
    /// A closed gate.
    #[must_use]
    pub fn new() -> Self {
        Self { inner: Arc::new(Inner { open: watch::Sender::new(false), arrivals: watch::Sender::new(0) }) }
    }

    /// Lets everyone pass, now and later.
    pub fn open(&self) {
        self.inner.open.send_replace(true);
    }

    /// Whether [`open`](Self::open) was called.
    #[must_use]
    pub fn is_open(&self) -> bool {
        *self.inner.open.borrow()
    }

    /// How many connections have come to this gate, those that passed included.
    #[must_use]
    pub fn arrivals(&self) -> usize {
        *self.inner.arrivals.borrow()
    }

    /// Waits until the peer has come to this gate. Works on every executor.
    ///
    /// # Panics
    ///
    /// After 20 seconds.
    pub async fn reached(&self) {
        self.reached_by(1).await;
    }

    /// Waits until `count` connections have come to this gate. Works on every executor.
    ///
    /// # Panics
    ///
    /// After 20 seconds.
    pub async fn reached_by(&self, count: usize) {
        let mut arrivals = self.inner.arrivals.subscribe();
        let came = within(PATIENCE, arrivals.wait_for(|&n| n >= count)).await.is_some();
        assert!(came, "{} of {count} came to the gate within {PATIENCE:?}", self.arrivals());
    }

    /// [`reached`](Self::reached) for tests without an executor.
    ///
    /// # Panics
    ///
    /// After 20 seconds.
    pub fn reached_blocking(&self) {
        block_on(self.reached());
    }

    /// Counts an arrival and waits for the gate to open.
    pub(crate) async fn pass(&self) {
        self.inner.arrivals.send_modify(|n| *n += 1);
        let mut open = self.inner.open.subscribe();
        // The sender lives in `self`: this cannot fail.
        let _ = open.wait_for(|&open| open).await;
    }
}

impl Default for Gate {
    fn default() -> Self {
        Self::new()
    }
}
