//! The lines of a trace, on their way from the lock of the policy, under which they are noted, to the writer,
//! which may take long.

use std::io::Write;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError, TryLockError};

/// Where a trace goes.
pub(crate) type Writer = Box<dyn Write + Send>;

/// How many bytes may be noted and not written before whoever notes more waits for the writer.
const MOST_WAITING: usize = 256 * 1024;

/// Lines that are noted by one thread at a time, and written by whichever comes first.
pub(crate) struct Lines {
    waiting: Mutex<Waiting>,
    /// Locked while the writer is called.
    writing: Mutex<Writing>,
    has_failed: AtomicBool,
}

#[derive(Default)]
struct Waiting {
    bytes: Vec<u8>,
    /// What went wrong. Nothing is noted or written after it.
    problem: Option<String>,
}

struct Writing {
    writer: Writer,
    /// What was written last: its memory is used again.
    written: Vec<u8>,
}

impl Lines {
    pub(crate) fn new(writer: Writer) -> Self {
        Self {
            waiting: Mutex::default(),
            writing: Mutex::new(Writing { writer, written: Vec::new() }),
            has_failed: AtomicBool::new(false),
        }
    }

    /// Whether something went wrong.
    pub(crate) fn has_failed(&self) -> bool {
        self.has_failed.load(Ordering::Relaxed)
    }

    /// Notes a line, or that there is none. Never waits for the writer.
    pub(crate) fn note(&self, line: Result<&[u8], String>) {
        match line {
            Ok(line) if !self.has_failed() => self.waiting().bytes.extend_from_slice(line),
            Ok(_) => {}
            Err(problem) => self.fail(problem),
        }
    }

    /// Writes what is noted, unless another thread is at it: then that one writes this too. Waits for it all
    /// the same if so much is noted that more might be too much.
    pub(crate) fn write(&self) {
        loop {
            let waiting = self.waiting().bytes.len();
            if waiting == 0 {
                return;
            }
            let mut writing = match self.writing.try_lock() {
                Ok(writing) => writing,
                Err(TryLockError::Poisoned(poisoned)) => poisoned.into_inner(),
                Err(TryLockError::WouldBlock) if waiting < MOST_WAITING => return,
                Err(TryLockError::WouldBlock) => self.writing.lock().unwrap_or_else(PoisonError::into_inner),
            };
            self.write_with(&mut writing);
            // Somebody may have noted a line, and left it to this thread, so it looks again.
        }
    }

    /// Writes all that is noted, and says what went wrong.
    pub(crate) fn finish(&self) -> Option<String> {
        self.write_with(&mut self.writing.lock().unwrap_or_else(PoisonError::into_inner));
        self.waiting().problem.clone()
    }

    /// In one piece, and flushed: the process may end at any moment.
    fn write_with(&self, writing: &mut Writing) {
        let Writing { writer, written } = writing;
        written.clear();
        std::mem::swap(&mut self.waiting().bytes, written);
        if written.is_empty() || self.has_failed() {
            return;
        }
        // A turn waits, which is not to end with a panic of the writer.
        let wrote =
            catch_unwind(AssertUnwindSafe(|| writer.write_all(written).and_then(|()| writer.flush())));
        match wrote {
            Ok(Ok(())) => {}
            Ok(Err(error)) => self.fail(error.to_string()),
            Err(_) => self.fail("the writer has panicked".to_owned()),
        }
    }

    fn fail(&self, problem: String) {
        self.has_failed.store(true, Ordering::Relaxed);
        self.waiting().problem.get_or_insert(problem);
    }

    fn waiting(&self) -> MutexGuard<'_, Waiting> {
        // Nothing that is done with it panics.
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use std::io;
    use std::sync::Arc;
    use std::sync::mpsc::{Receiver, Sender, channel};
    use std::thread;
    use std::time::Duration;

    use super::*;

    /// Tells what it is to write, and writes it when it may.
    struct Held {
        told: Sender<Vec<u8>>,
        may: Receiver<()>,
    }

    impl Write for Held {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.told.send(bytes.to_vec()).map_err(io::Error::other)?;
            self.may.recv().map_err(io::Error::other)?;
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    fn held() -> (Arc<Lines>, Receiver<Vec<u8>>, Sender<()>) {
        let ((told, tells), (lets, may)) = (channel(), channel());
        (Arc::new(Lines::new(Box::new(Held { told, may }))), tells, lets)
    }

    const LONG: Duration = Duration::from_secs(10);

    fn in_thread(lines: &Arc<Lines>, act: impl FnOnce(&Lines) + Send + 'static) -> thread::JoinHandle<()> {
        let lines = Arc::clone(lines);
        thread::spawn(move || act(&lines))
    }

    #[test]
    fn nobody_waits_for_a_slow_writer_but_the_one_that_writes() {
        let (lines, tells, lets) = held();
        lines.note(Ok(b"1\n"));
        let writes = in_thread(&lines, Lines::write);
        assert_eq!(tells.recv_timeout(LONG).unwrap(), b"1\n");
        for line in [b"2\n", b"3\n"] {
            lines.note(Ok(line));
            lines.write();
        }
        assert!(!writes.is_finished());
        lets.send(()).unwrap();
        // It is written in order, by the thread that was at it.
        assert_eq!(tells.recv_timeout(LONG).unwrap(), b"2\n3\n");
        lets.send(()).unwrap();
        writes.join().unwrap();
        assert_eq!(lines.finish(), None);
        assert!(tells.try_recv().is_err());
    }

    #[test]
    fn what_waits_for_a_slow_writer_is_bounded() {
        let (lines, tells, lets) = held();
        lines.note(Ok(b"1\n"));
        let writes = in_thread(&lines, Lines::write);
        tells.recv_timeout(LONG).unwrap();
        let line = vec![b'x'; MOST_WAITING / 2];
        lines.note(Ok(&line));
        lines.write();
        lines.note(Ok(&line));
        let (ends, ended) = channel();
        let waits = in_thread(&lines, move |lines| {
            lines.write();
            ends.send(()).unwrap();
        });
        assert!(ended.recv_timeout(Duration::from_millis(50)).is_err(), "it waits");
        lets.send(()).unwrap();
        assert_eq!(tells.recv_timeout(LONG).unwrap().len(), MOST_WAITING);
        lets.send(()).unwrap();
        waits.join().unwrap();
        writes.join().unwrap();
        assert_eq!(lines.waiting().bytes.len(), 0);
    }

    #[test]
    fn after_a_failure_nothing_is_kept_or_written() {
        let (lines, tells, lets) = held();
        drop(lets);
        lines.note(Ok(b"1\n"));
        lines.write();
        assert!(lines.has_failed());
        lines.note(Ok(b"2\n"));
        lines.note(Err("another".to_owned()));
        lines.write();
        assert_eq!(lines.finish().as_deref(), Some("receiving on a closed channel"));
        assert_eq!(tells.try_iter().count(), 1);
        assert_eq!(lines.waiting().bytes.len(), 0);
    }
}
