use std::sync::Arc;
use std::task::{Wake, Waker};

use futures_util::task::AtomicWaker;

/// Wakes the task that keeps an idle connection, its keeper.
///
/// Turns poll an idle connection too, when they take it or ask after it. A socket wakes only whoever polled
/// it last, so that all who poll it do so with [`waker`](Self::waker): a connection that is not taken after
/// all still wakes its keeper.
pub(crate) struct Keeper {
    task: Arc<Task>,
    waker: Waker,
}

struct Task(AtomicWaker);

impl Keeper {
    pub(crate) fn new() -> Self {
        let task = Arc::new(Task(AtomicWaker::new()));
        let waker = Waker::from(Arc::clone(&task));
        Self { task, waker }
    }

    /// The keeper itself polls, and is to be woken from now on.
    pub(crate) fn register(&self, task: &Waker) {
        self.task.0.register(task);
    }

    pub(crate) fn wake(&self) {
        self.task.0.wake();
    }

    /// Wakes the keeper, whoever polls with it.
    pub(crate) fn waker(&self) -> &Waker {
        &self.waker
    }
}

impl Wake for Task {
    fn wake(self: Arc<Self>) {
        self.0.wake();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        self.0.wake();
    }
}
