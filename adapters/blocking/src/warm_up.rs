use std::fmt;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};

use failback_client::Warmed;

/// A warm-up, which goes on in a thread of its own. [`wait`](Self::wait) for its end, or drop this and go on.
#[derive(Clone)]
pub struct WarmUp(Arc<Ending>);

#[derive(Default)]
struct Ending {
    warmed: Mutex<Option<Warmed>>,
    told: Condvar,
}

/// Tells those who wait how the warm-up has ended: that it was given up, if this is dropped.
pub(crate) struct Teller(Arc<Ending>);

impl WarmUp {
    /// One that is under way, and what is to tell of its end.
    pub(crate) fn begin() -> (Self, Teller) {
        let ending = Arc::<Ending>::default();
        (Self(Arc::clone(&ending)), Teller(ending))
    }

    /// One that was over at once.
    pub(crate) fn over(warmed: Warmed) -> Self {
        let (warm_up, teller) = Self::begin();
        teller.tell(warmed);
        warm_up
    }

    /// Waits until the warm-up has ended, and says what became of it. The
    /// [connect time-out](failback_wire::Limits::connect_timeout) limits the handshake, and the wait for a
    /// provider of credentials. Returns at once if there was nothing to do.
    #[must_use]
    pub fn wait(self) -> Warmed {
        let mut warmed = self.0.lock();
        loop {
            if let Some(warmed) = &*warmed {
                return warmed.clone();
            }
            warmed = self.0.told.wait(warmed).unwrap_or_else(PoisonError::into_inner);
        }
    }

    /// Whether it has ended: then [`wait`](Self::wait) returns at once.
    #[must_use]
    pub fn is_over(&self) -> bool {
        self.0.lock().is_some()
    }
}

impl Teller {
    pub(crate) fn tell(self, warmed: Warmed) {
        *self.0.lock() = Some(warmed);
    }
}

impl Drop for Teller {
    fn drop(&mut self) {
        self.0.lock().get_or_insert(Warmed::Abandoned);
        self.0.told.notify_all();
    }
}

impl Ending {
    fn lock(&self) -> MutexGuard<'_, Option<Warmed>> {
        // A thread that panicked cannot have left a change half made.
        self.warmed.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for WarmUp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WarmUp").field("warmed", &*self.0.lock()).finish()
    }
}
