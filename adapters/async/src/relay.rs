use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};
use std::task::{Context, Poll, Wake, Waker};

use futures_util::task::AtomicWaker;

/// Spares a task the wakes that come from its own polls. The task polls two parts that wake each other:
/// hyper's connection wakes the reader of the body, and the reader wakes the connection. As the task polls
/// both, it needs no wake from either. Each such wake would cost it one more poll, and under tokio's
/// `block_on` a system call.
///
/// A wake that comes while the task polls is kept until that poll ends. If the poll is ready, the task will
/// poll again anyway, and the wake is dropped. If the poll is pending, the wake is passed on to the task.
pub(crate) struct Relay {
    shared: Arc<Shared>,
    waker: Waker,
}

struct Shared {
    state: AtomicU8,
    task: AtomicWaker,
}

/// Nobody polls: a wake is passed on.
const AWAY: u8 = 0;
const POLLING: u8 = 1;
/// The task polls, and a wake has come.
const WOKEN: u8 = 2;

impl Relay {
    pub(crate) fn new() -> Self {
        let shared = Arc::new(Shared { state: AtomicU8::new(AWAY), task: AtomicWaker::new() });
        let waker = Waker::from(Arc::clone(&shared));
        Self { shared, waker }
    }

    /// Calls `poll` with the relay's waker. If that is ready, the caller must come again without waiting for
    /// a wake: one may have been dropped.
    pub(crate) fn poll<T>(
        &mut self,
        cx: &mut Context<'_>,
        poll: impl FnOnce(&mut Context<'_>) -> Poll<T>,
    ) -> Poll<T> {
        self.shared.task.register(cx.waker());
        self.shared.state.store(POLLING, Ordering::Release);
        let polled = poll(&mut Context::from_waker(&self.waker));
        let before = self.shared.state.swap(AWAY, Ordering::AcqRel);
        if before == WOKEN && polled.is_pending() {
            cx.waker().wake_by_ref();
        }
        polled
    }
}

impl Wake for Shared {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        let kept = self.state.compare_exchange(POLLING, WOKEN, Ordering::AcqRel, Ordering::Acquire);
        if kept == Err(AWAY) {
            self.task.wake();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    use std::sync::atomic::AtomicUsize;

    #[derive(Default)]
    struct Counter(AtomicUsize);

    impl Wake for Counter {
        fn wake(self: Arc<Self>) {
            self.0.fetch_add(1, Ordering::Relaxed);
        }
    }

    #[test]
    fn a_task_is_woken_once_unless_its_own_poll_has_brought_something() {
        let counter = Arc::new(Counter::default());
        let waker = Waker::from(Arc::clone(&counter));
        let mut cx = Context::from_waker(&waker);
        let woken = || counter.0.swap(0, Ordering::Relaxed);
        let mut relay = Relay::new();
        let mut inner = None;

        let polled = relay.poll(&mut cx, |cx| {
            inner = Some(cx.waker().clone());
            Poll::<()>::Pending
        });
        assert_eq!((polled, woken()), (Poll::Pending, 0));
        let inner = inner.unwrap();
        inner.wake_by_ref();
        assert_eq!(woken(), 1, "from outside");

        let wake_twice = |cx: &mut Context<'_>| {
            cx.waker().wake_by_ref();
            inner.wake_by_ref();
        };
        let polled = relay.poll(&mut cx, |cx| {
            wake_twice(cx);
            Poll::Ready(())
        });
        assert_eq!((polled, woken()), (Poll::Ready(()), 0), "it polls again anyway");
        let polled = relay.poll(&mut cx, |cx| {
            wake_twice(cx);
            Poll::<()>::Pending
        });
        assert_eq!((polled, woken()), (Poll::Pending, 1), "nobody else would poll again");
        inner.wake_by_ref();
        assert_eq!(woken(), 1, "from outside");
    }
}
