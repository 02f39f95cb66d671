//! Waiting without a runtime: a deadline and a `block_on` that need nothing but threads.

use std::future::Future;
use std::pin::pin;
use std::sync::{Arc, mpsc};
use std::task::{Context, Poll, Wake, Waker};
use std::thread::{self, Thread};
use std::time::Duration;

use tokio::sync::oneshot;

/// How long a test waits for something that should take milliseconds.
pub(crate) const PATIENCE: Duration = Duration::from_secs(20);

/// `work`, or `None` when it takes longer than `limit`. Works on every executor.
pub(crate) async fn within<T>(limit: Duration, work: impl Future<Output = T>) -> Option<T> {
    let mut work = pin!(work);
    // Most waits are over before they begin; those need no timer.
    if let Poll::Ready(out) = poll_once(work.as_mut()).await {
        return Some(out);
    }
    let (fire, fired) = oneshot::channel();
    // Dropped when this future ends, which ends the thread.
    let (_cancel, cancelled) = mpsc::channel::<()>();
    thread::spawn(move || {
        if cancelled.recv_timeout(limit) == Err(mpsc::RecvTimeoutError::Timeout) {
            let _ = fire.send(());
        }
    });
    tokio::select! {
        biased;
        out = work => Some(out),
        _ = fired => None,
    }
}

async fn poll_once<F: Future>(mut work: std::pin::Pin<&mut F>) -> Poll<F::Output> {
    std::future::poll_fn(move |cx| Poll::Ready(work.as_mut().poll(cx))).await
}

struct Unpark(Thread);

impl Wake for Unpark {
    fn wake(self: Arc<Self>) {
        self.0.unpark();
    }
}

/// Runs `work` on the calling thread.
pub(crate) fn block_on<T>(work: impl Future<Output = T>) -> T {
    let mut work = pin!(work);
    let waker = Waker::from(Arc::new(Unpark(thread::current())));
    let mut cx = Context::from_waker(&waker);
    loop {
        if let Poll::Ready(out) = work.as_mut().poll(&mut cx) {
            return out;
        }
        thread::park();
    }
}
