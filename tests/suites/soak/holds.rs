//! What the process holds, to be compared with what it held before.

use std::fmt;

use failback_tests::TestClient;
use peak_alloc::PeakAlloc;

use crate::held::Held;

#[global_allocator]
static HEAP: PeakAlloc = PeakAlloc;

/// How much more the heap may hold in the end: buffers of the peer and of the allocator's users grow in steps.
/// Over 49,000 turns it is a leak of ten bytes a turn.
const HEAP_SLACK: usize = 512 * 1024;
/// How much more memory the process may have in the end: what allocators keep.
const MEMORY_SLACK: usize = 24 * 1024 * 1024;

/// Counts of what is open, alive or taken.
#[derive(Clone, Copy)]
pub(crate) struct Holds {
    sockets: usize,
    other_files: usize,
    threads: usize,
    /// Of the client, or threads of it where it has no tasks.
    tasks: usize,
    /// Bytes that are allocated.
    heap: usize,
    /// Bytes that the process has of the machine's memory.
    memory: usize,
}

impl Holds {
    pub(crate) fn now(client: &dyn TestClient) -> Self {
        let held = Held::now();
        let pages = std::fs::read_to_string("/proc/self/statm").expect("what Linux tells");
        let pages: usize = pages.split_whitespace().nth(1).expect("a number").parse().expect("a number");
        Self {
            sockets: held.sockets.len(),
            other_files: held.others,
            threads: held.threads.len(),
            tasks: client.background_tasks(),
            heap: HEAP.current_usage(),
            memory: pages * 4096,
        }
    }

    /// Of each the less.
    pub(crate) fn min(self, other: Self) -> Self {
        Self {
            sockets: self.sockets.min(other.sockets),
            other_files: self.other_files.min(other.other_files),
            threads: self.threads.min(other.threads),
            tasks: self.tasks.min(other.tasks),
            heap: self.heap.min(other.heap),
            memory: self.memory.min(other.memory),
        }
    }

    /// Whether the process holds more later than it does here.
    pub(crate) fn is_exceeded_by(&self, later: &Self) -> bool {
        later.sockets > self.sockets
            || later.other_files > self.other_files
            || later.threads > self.threads
            || later.tasks > self.tasks
            || later.heap > self.heap + HEAP_SLACK
            || later.memory > self.memory + MEMORY_SLACK
    }
}

impl fmt::Display for Holds {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { sockets, other_files, threads, tasks, heap, memory } = self;
        write!(f, "{} file descriptors ({sockets} sockets), {threads} threads, ", sockets + other_files)?;
        write!(f, "{tasks} tasks, heap {} KiB, memory {} KiB", heap / 1024, memory / 1024)
    }
}
