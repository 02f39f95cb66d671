use std::sync::Arc;
use std::task::{Wake, Waker};

use futures_util::task::AtomicWaker;

/// Wakes the keeper of an idle connection, the task that looks after it.
///
/// Turns poll an idle connection too, when they take it or ask whether it still works. A socket wakes only
/// the task that polled it last. So everybody polls the connection with [`waker`](Self::waker): if a turn
/// polls it and does not take it, it still wakes its keeper.
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

    /// The keeper itself polls, in this task, which is to be woken from now on.
    pub(crate) fn register(&self, task: &Waker) {
        self.task.0.register(task);
    }

    pub(crate) fn wake(&self) {
        self.task.0.wake();
    }

    /// Wakes the keeper, no matter who polls with this waker.
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
