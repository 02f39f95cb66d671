use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Where one idle connection lies, for the pool and for the thread that looks after it. Whoever looks after
/// it locks it alone, so nobody waits for that who does not want this very connection. Clones are the same.
pub(crate) struct Slot<T>(Arc<Mutex<Option<T>>>);

impl<T> Slot<T> {
    pub(crate) fn new(conn: T) -> Self {
        Self(Arc::new(Mutex::new(Some(conn))))
    }

    /// The connection, unless it is taken.
    pub(crate) fn lock(&self) -> MutexGuard<'_, Option<T>> {
        // A thread that panicked cannot have left a change half made.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn take(&self) -> Option<T> {
        self.lock().take()
    }

    pub(crate) fn is(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }
}

impl<T> Clone for Slot<T> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}
