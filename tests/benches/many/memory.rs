//! How much memory the process has.

use std::ops::Sub;

use peak_alloc::PeakAlloc;

#[global_allocator]
static HEAP: PeakAlloc = PeakAlloc;

/// In bytes.
#[derive(Clone, Copy)]
pub(crate) struct Memory {
    /// What is allocated.
    pub(crate) heap: usize,
    /// What the process has of the machine's memory: the pages that it has touched.
    pub(crate) resident: usize,
}

impl Memory {
    pub(crate) fn now() -> Self {
        let pages = std::fs::read_to_string("/proc/self/statm").unwrap_or_default();
        let pages = pages.split_whitespace().nth(1).and_then(|pages| pages.parse().ok());
        Self { heap: HEAP.current_usage(), resident: pages.unwrap_or(0_usize) * 4096 }
    }
}

impl Sub for Memory {
    type Output = Self;

    fn sub(self, other: Self) -> Self {
        Self {
            heap: self.heap.saturating_sub(other.heap),
            resident: self.resident.saturating_sub(other.resident),
        }
    }
}
