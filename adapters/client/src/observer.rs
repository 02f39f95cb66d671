use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, Ordering};

use crate::observation::Observation;
use crate::trace;

/// A function that hears each observation.
pub(crate) type Hears = Box<dyn Fn(&Observation) + Send + Sync>;

/// Tells everyone who listens: the log, the metrics, and the function of the client's user.
pub(crate) struct Observer {
    hears: Option<Hears>,
    /// It has panicked, and is not called again.
    is_broken: AtomicBool,
}

impl Observer {
    pub(crate) const fn new(hears: Option<Hears>) -> Self {
        Self { hears, is_broken: AtomicBool::new(false) }
    }

    /// To be called while nothing is locked.
    pub(crate) fn tell(&self, observation: &Observation) {
        trace::tell(observation);
        #[cfg(feature = "metrics")]
        crate::meters::record(observation);
        if let Some(hears) = &self.hears {
            self.call(hears, observation);
        }
    }

    /// A turn may be told of while it is dropped by a panic, and a handshake in a thread that nobody joins.
    /// So a panic of the function goes no further.
    fn call(&self, hears: &Hears, observation: &Observation) {
        if self.is_broken.load(Ordering::Relaxed) {
            return;
        }
        if catch_unwind(AssertUnwindSafe(|| hears(observation))).is_err() {
            self.is_broken.store(true, Ordering::Relaxed);
            trace::observer_panicked();
        }
    }
}

impl fmt::Debug for Observer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Observer").field("hears", &self.hears.is_some()).finish_non_exhaustive()
    }
}
