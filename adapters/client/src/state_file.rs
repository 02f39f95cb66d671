//! What the policy knows, in a file that outlives the process and is shared with the processes beside it.
//!
//! The file is written when the policy's verdict changes, and looked at before a turn begins: one `stat`, and
//! one read if another process has replaced it. A change of mode is never held up by a file: what cannot be
//! done at once, because another client holds the lock, is done with the next turn or when the client ends.

mod disk;
mod kept;
#[cfg(test)]
mod tests;

use std::fs::File;
use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, TryLockError};
use std::time::Duration;

use failback::{Change, Mode, SharedPolicy, Snapshot, Trigger, random_seed};
use failback_wire::Endpoint;

use crate::state_file_error::{StateFileError, StateFileProblem as Problem};
use crate::trace;
use disk::{Disk, Stamp};
use kept::{Kept, now_ms};

/// While another client holds the lock, which takes it less than a millisecond, a probe is put off by so
/// much.
const LOOK_AGAIN: Duration = Duration::from_secs(1);

/// A state file, as it was found when the client was built.
#[derive(Debug)]
pub(crate) struct Found {
    disk: Disk,
    endpoint: String,
    writer: u64,
    stamp: Option<Stamp>,
    kept: Option<Kept>,
    problem: Option<StateFileError>,
}

impl Found {
    /// Looks at the file. What is wrong with its content is no error: the client goes on without.
    ///
    /// # Errors
    /// When there can be no file with this path.
    pub(crate) fn at(path: &Path, endpoint: &Endpoint) -> Result<Self, StateFileError> {
        let writer = random_seed();
        let disk = Disk::new(path, writer)?;
        let endpoint = kept::describe(endpoint);
        let stamp = disk.stamp();
        let (kept, problem) = match read(&disk, &endpoint) {
            Ok(kept) => (kept, None),
            Err(problem) => (None, Some(disk.error(problem))),
        };
        if let Some(problem) = &problem {
            trace::state_file(problem);
        }
        Ok(Self { disk, endpoint, writer, stamp, kept, problem })
    }

    /// What an earlier process knew, or another one knows, and how long ago that was.
    pub(crate) fn snapshot(&self) -> Option<(Snapshot, Duration)> {
        self.kept.as_ref().map(|kept| (kept.snapshot, kept.elapsed()))
    }

    /// From now on, keeps what this policy knows.
    pub(crate) fn keep(self, policy: &SharedPolicy) -> Arc<StateFile> {
        let Self { disk, endpoint, writer, stamp, kept, problem } = self;
        let lease = kept.as_ref().map(Kept::lease).unwrap_or_default();
        policy.hold_probe(lease);
        let file = Arc::new(StateFile {
            policy: policy.clone(),
            disk,
            endpoint,
            writer,
            decided_ms: AtomicU64::new(0),
            is_dirty: AtomicBool::new(false),
            in_doubt: AtomicBool::new(false),
            renew_at: AtomicU64::new(0),
            work: Mutex::new(Work { seen: stamp, kept, busy_since_ms: None, adopted: None }),
            problems: Mutex::new(Problems { last: problem, untold: Vec::new() }),
        });
        // A listener that held the policy would keep it for ever.
        let listener = Arc::downgrade(&file);
        policy.on_change(move |change| {
            if let Some(file) = listener.upgrade() {
                file.handle_change(&change);
            }
        });
        file
    }
}

/// Keeps what a policy knows in a file, and adopts what other processes know.
#[derive(Debug)]
pub(crate) struct StateFile {
    policy: SharedPolicy,
    disk: Disk,
    endpoint: String,
    writer: u64,
    /// When the policy came to what is to be written.
    decided_ms: AtomicU64,
    /// There is something to write.
    is_dirty: AtomicBool,
    /// WebSocket is to be kept as in doubt: a handshake takes long, and nothing is known of it yet.
    in_doubt: AtomicBool,
    /// When the lease of a probe is to be written anew, in nanoseconds of the policy's clock.
    renew_at: AtomicU64,
    /// Held by whoever reads or writes the file. Only who is about to probe waits for it. Nobody is told of
    /// anything meanwhile: whoever listens may want it too.
    work: Mutex<Work>,
    problems: Mutex<Problems>,
}

#[derive(Debug)]
struct Work {
    /// The file when it was last read or written.
    seen: Option<Stamp>,
    /// What another client had written there.
    kept: Option<Kept>,
    /// Since when the lock has been held by others, whenever it was tried.
    busy_since_ms: Option<u64>,
    /// The policy has learned from another client: whether that changed anything. The log is not told yet.
    adopted: Option<bool>,
}

#[derive(Debug)]
struct Problems {
    /// What is wrong, as far as is known.
    last: Option<StateFileError>,
    /// What the log has not been told.
    untold: Vec<StateFileError>,
}

/// What became of an attempt to write.
enum Wrote {
    All,
    /// Another client holds the lock.
    Nothing,
}

impl StateFile {
    /// What is wrong with the file, as far as is known.
    pub(crate) fn problem(&self) -> Option<StateFileError> {
        self.problems().last.clone()
    }

    /// A turn is about to begin: adopts what another process has learned meanwhile.
    pub(crate) fn look(&self) {
        self.flush();
        if !matches!(self.policy.mode(), Mode::Suspected | Mode::Probing { .. }) {
            self.work_if_free(|work| self.adopt_news(work));
            self.flush();
        }
    }

    /// An attempt is about to begin, which will probe if it may: tells the other processes, or lets the one
    /// probe that has told them first.
    pub(crate) fn ask_to_probe(&self) {
        if !self.would_probe() {
            return;
        }
        self.work(
            || Some(self.work.lock().unwrap_or_else(PoisonError::into_inner)),
            |work| {
                if self.would_probe() {
                    if let Err(problem) = self.lease(work) {
                        self.note::<()>(Err(problem));
                    }
                }
            },
        );
        self.flush();
    }

    fn would_probe(&self) -> bool {
        self.policy.status().retry_in == Some(Duration::ZERO)
    }

    fn lease(&self, work: &mut Work) -> Result<(), Problem> {
        let lease = self.policy.config().probe_lease();
        let Some(_lock) = self.try_lock(work)? else {
            // Whoever holds it may have been stopped, and must not keep everyone from WebSocket for ever.
            let since = *work.busy_since_ms.get_or_insert_with(now_ms);
            if Duration::from_millis(now_ms().saturating_sub(since)) < lease {
                self.policy.hold_probe(LOOK_AGAIN);
            }
            return Ok(());
        };
        self.adopt_news(work);
        let of_another = work.kept.as_ref().map(Kept::lease).unwrap_or_default();
        if !of_another.is_zero() {
            self.policy.hold_probe(of_another);
        } else if self.would_probe() {
            self.decided_ms.store(now_ms(), Ordering::SeqCst);
            self.write(work, Some(lease))?;
        }
        Ok(())
    }

    /// The probe has shown a sign of life, which renews its lease.
    pub(crate) fn renew_lease(&self) {
        let is_due = self.policy.now().as_nanos() >= self.renew_at.load(Ordering::Relaxed);
        if is_due && matches!(self.policy.mode(), Mode::Probing { .. }) {
            self.set_renewal();
            self.change();
        }
    }

    fn set_renewal(&self) {
        let at = self.policy.now().saturating_add(self.policy.config().probe_lease() / 3);
        self.renew_at.store(at.as_nanos(), Ordering::Relaxed);
    }

    /// SSE works for a turn whose handshake is still under way without it. If this process ends before the
    /// handshake does, the next one is to know.
    pub(crate) fn doubt(&self) {
        if self.policy.mode() == Mode::Preferred {
            self.in_doubt.store(true, Ordering::SeqCst);
            self.change();
        }
    }

    /// The handshake has ended, or WebSocket has carried a response: nothing is in doubt.
    pub(crate) fn settle(&self) {
        if self.in_doubt.swap(false, Ordering::SeqCst) {
            self.change();
        }
    }

    /// The policy was told that the network is another one, which need not change its mode.
    pub(crate) fn handle_network_change(&self) {
        self.in_doubt.store(false, Ordering::SeqCst);
        self.change();
    }

    fn handle_change(&self, change: &Change) {
        match change.to {
            // It came from the file.
            _ if change.why == Trigger::Restored => return,
            // No verdict yet.
            Mode::Suspected => return,
            Mode::Probing { .. } => self.set_renewal(),
            Mode::Preferred | Mode::FailedOver { .. } | Mode::Pinned => {}
        }
        self.change();
    }

    /// There is something to write.
    fn change(&self) {
        self.decided_ms.store(now_ms(), Ordering::SeqCst);
        self.is_dirty.store(true, Ordering::SeqCst);
        self.flush();
    }

    /// Writes what there is to write, unless somebody is at it: then they look again when they are done.
    fn flush(&self) {
        while self.is_dirty.load(Ordering::SeqCst) {
            let saved = self.work_if_free(|work| {
                self.is_dirty.store(false, Ordering::SeqCst);
                match self.save(work) {
                    Ok(wrote) => Some(wrote),
                    Err(problem) => self.note(Err(problem)),
                }
            });
            match saved {
                None => return,
                Some(Some(Wrote::Nothing)) => {
                    self.is_dirty.store(true, Ordering::SeqCst);
                    return;
                }
                Some(Some(Wrote::All) | None) => {}
            }
        }
    }

    fn save(&self, work: &mut Work) -> Result<Wrote, Problem> {
        let Some(_lock) = self.try_lock(work)? else { return Ok(Wrote::Nothing) };
        self.look_again(work);
        if self.is_newer(work) {
            self.adopt(work);
            return Ok(Wrote::All);
        }
        let status = self.policy.status();
        let lease = match status.mode {
            Mode::Suspected => return Ok(Wrote::All),
            Mode::Probing { lease_until } => Some(self.policy.time_until(lease_until)),
            Mode::Preferred | Mode::FailedOver { .. } | Mode::Pinned => None,
        };
        if status.mode != Mode::Preferred {
            self.in_doubt.store(false, Ordering::SeqCst);
        }
        self.write(work, lease)?;
        Ok(Wrote::All)
    }

    /// Writes what the policy knows. The lock is held.
    fn write(&self, work: &mut Work, lease: Option<Duration>) -> Result<(), Problem> {
        let snapshot = self.policy.snapshot();
        let in_doubt = self.in_doubt.load(Ordering::SeqCst);
        let snapshot = if in_doubt { snapshot.in_doubt() } else { snapshot };
        let decided_ms = self.decided_ms.load(Ordering::SeqCst);
        let kept = Kept::new(&self.endpoint, self.writer, decided_ms, snapshot, lease);
        work.seen = Some(self.disk.replace(&kept.to_bytes()?)?);
        work.kept = None;
        self.note(Ok(()));
        Ok(())
    }

    fn try_lock(&self, work: &mut Work) -> Result<Option<File>, Problem> {
        let lock = self.disk.try_lock()?;
        if lock.is_some() {
            work.busy_since_ms = None;
        }
        Ok(lock)
    }

    /// Adopts what another client has written since the file was last looked at, unless the policy came later
    /// to what is to be written yet.
    fn adopt_news(&self, work: &mut Work) {
        let is_new = self.look_again(work);
        if is_new && (!self.is_dirty.load(Ordering::SeqCst) || self.is_newer(work)) {
            self.adopt(work);
        }
    }

    /// Whether another client came to its verdict after this one.
    fn is_newer(&self, work: &Work) -> bool {
        let decided_ms = self.decided_ms.load(Ordering::SeqCst);
        work.kept.as_ref().is_some_and(|kept| kept.is_decided_after(decided_ms))
    }

    /// Reads the file if it has changed. Says whether it has, and another client has written it.
    fn look_again(&self, work: &mut Work) -> bool {
        let stamp = self.disk.stamp();
        if stamp == work.seen {
            return false;
        }
        work.seen = stamp;
        let kept = self.note(read(&self.disk, &self.endpoint)).flatten();
        work.kept = kept.filter(|kept| kept.writer != self.writer);
        work.kept.is_some()
    }

    fn adopt(&self, work: &mut Work) {
        let Some(kept) = &work.kept else { return };
        let adopted = self.policy.learn(&kept.snapshot, kept.elapsed());
        self.policy.hold_probe(kept.lease());
        work.adopted = Some(adopted);
    }

    /// Remembers what is wrong, or that nothing is.
    fn note<T>(&self, done: Result<T, Problem>) -> Option<T> {
        let (done, problem) = match done {
            Ok(done) => (Some(done), None),
            Err(problem) => (None, Some(self.disk.error(problem))),
        };
        let mut problems = self.problems();
        let before = std::mem::replace(&mut problems.last, problem.clone());
        problems.untold.extend(problem.filter(|error| before.as_ref() != Some(error)));
        done
    }

    /// Does this with the file, unless somebody is at it.
    fn work_if_free<T>(&self, act: impl FnOnce(&mut Work) -> T) -> Option<T> {
        let free = || match self.work.try_lock() {
            Ok(work) => Some(work),
            Err(TryLockError::Poisoned(poisoned)) => Some(poisoned.into_inner()),
            Err(TryLockError::WouldBlock) => None,
        };
        self.work(free, act)
    }

    /// Does this with the file once that is locked. Whatever comes of it is told when it is free again.
    fn work<'a, T>(
        &'a self,
        lock: impl FnOnce() -> Option<MutexGuard<'a, Work>>,
        act: impl FnOnce(&mut Work) -> T,
    ) -> Option<T> {
        // Nothing that is done with it panics.
        let (done, adopted) = self.policy.telling_later(|| {
            let mut work = lock()?;
            let done = act(&mut work);
            Some((done, work.adopted.take()))
        })?;
        if let Some(changed) = adopted {
            trace::adopted(changed);
        }
        let untold = std::mem::take(&mut self.problems().untold);
        for problem in untold {
            trace::state_file(&problem);
        }
        Some(done)
    }

    fn problems(&self) -> MutexGuard<'_, Problems> {
        self.problems.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for StateFile {
    fn drop(&mut self) {
        self.flush();
    }
}

fn read(disk: &Disk, endpoint: &str) -> Result<Option<Kept>, Problem> {
    match disk.read()? {
        Some(bytes) => Kept::parse(&bytes, endpoint),
        None => Ok(None),
    }
}
