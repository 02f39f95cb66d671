use std::fmt;
use std::sync::{Arc, Mutex, PoisonError, TryLockError};

use failback::Transport;
use failback_client::{Collector, Error, Item, Progress, Response, Turn};
use failback_wire::ResponseHeaders;

use crate::bell::Ringer;
use crate::driver::Driver;
use crate::shared::Shared;

/// The items of one turn: the events of its response, and notices about its transport.
///
/// It ends after the event that ends the response, or after an error. The thread that asks for the next item
/// reads the socket, and waits for the item. A slow reader slows the server. Dropping the stream cancels the
/// turn.
#[must_use = "a stream does nothing until it is read"]
pub struct ResponseStream {
    turn: Arc<Cancellable>,
    progress: Arc<Progress>,
    /// How many bytes of output [`into_response`](Self::into_response) takes.
    limit: usize,
}

/// Ends a turn from another thread. Clones end the same turn.
///
/// ```no_run
/// use failback_blocking::{Client, Request};
///
/// fn print_until_escape(client: &Client, request: Request, escape: impl FnOnce() + Send) {
///     let turn = client.stream(request);
///     let cancel = turn.cancel_handle();
///     std::thread::scope(|scope| {
///         scope.spawn(move || {
///             escape();
///             cancel.cancel();
///         });
///         for item in turn {
///             println!("{item:?}");
///         }
///     });
/// }
/// ```
#[derive(Clone)]
pub struct CancelHandle {
    turn: Arc<Cancellable>,
}

struct Cancellable {
    ringer: Ringer,
    /// `None` when the turn is over. Locked while an item is waited for.
    driver: Mutex<Option<Driver>>,
}

impl ResponseStream {
    pub(crate) fn new(shared: Arc<Shared>, turn: Turn) -> Self {
        let ringer = Ringer::default();
        let (progress, limit) = (Arc::clone(turn.progress()), shared.network.limits.max_message_bytes());
        let driver = Driver::new(shared, turn, ringer.clone());
        Self { turn: Arc::new(Cancellable { ringer, driver: Mutex::new(Some(driver)) }), progress, limit }
    }

    /// Reads the stream to its end, and gives the response as a whole: one that completed, or that the server
    /// ended without completing it. What was read before is not part of it. If the turn is cancelled
    /// meanwhile, the response has what came until then, and the status `cancelled`.
    ///
    /// # Errors
    ///
    /// The turn failed, or the response has more than
    /// [`max_message_bytes`](failback_wire::Limits::max_message_bytes) of output.
    pub fn into_response(mut self) -> Result<Response, Error> {
        let mut collector = Collector::with_limit(self.limit);
        for item in self.by_ref() {
            collector.handle_item(item?)?;
        }
        Ok(collector.finish(&self.progress))
    }

    /// The transport of the attempt that began last. `None` before the first.
    #[must_use]
    pub fn transport(&self) -> Option<Transport> {
        self.progress.transport()
    }

    /// How many attempts have begun.
    #[must_use]
    pub fn attempts(&self) -> u32 {
        self.progress.attempts()
    }

    /// The headers of the answer to the attempt that began last, such as rate limits and the id of the
    /// request; also of an answer that refused. `None` while there is no answer.
    ///
    /// Over SSE they are those of the answer to the POST. Over WebSocket they are those of the answer to the
    /// handshake: on a WebSocket that is used again they have come with an earlier turn.
    #[must_use]
    pub fn response_headers(&self) -> Option<ResponseHeaders> {
        self.progress.response_headers()
    }

    /// A handle that ends this turn from another thread.
    #[must_use]
    pub fn cancel_handle(&self) -> CancelHandle {
        CancelHandle { turn: Arc::clone(&self.turn) }
    }
}

impl Iterator for ResponseStream {
    type Item = Result<Item, Error>;

    fn next(&mut self) -> Option<Self::Item> {
        let mut driver = self.turn.driver.lock().unwrap_or_else(PoisonError::into_inner);
        let next = driver.as_mut()?.next();
        if !matches!(next, Ok(Some(Ok(_)))) || self.turn.ringer.is_stopped() {
            // The turn is over, so its connection is closed or given back now.
            drop(driver.take());
        }
        next.unwrap_or_default()
    }
}

impl std::iter::FusedIterator for ResponseStream {}

impl Drop for ResponseStream {
    fn drop(&mut self) {
        // Cancel handles may live on, and hold the turn.
        self.turn.cancel();
    }
}

impl fmt::Debug for ResponseStream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ResponseStream").finish_non_exhaustive()
    }
}

impl CancelHandle {
    /// Ends the turn now. A thread that waits for its next item gets `None`, its connection is closed, and
    /// the policy hears that it was cancelled. Does nothing if the turn is over.
    pub fn cancel(&self) {
        self.turn.cancel();
    }
}

impl fmt::Debug for CancelHandle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CancelHandle").field("cancelled", &self.turn.ringer.is_stopped()).finish()
    }
}

impl Cancellable {
    fn cancel(&self) {
        self.ringer.stop();
        let driver = match self.driver.try_lock() {
            Ok(mut driver) => driver.take(),
            Err(TryLockError::Poisoned(error)) => error.into_inner().take(),
            // A thread that waits for an item was woken, and ends the turn.
            Err(TryLockError::WouldBlock) => return,
        };
        // No longer locked: an observer is told.
        drop(driver);
    }
}
