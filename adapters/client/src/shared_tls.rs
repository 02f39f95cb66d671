//! The TLS configurations that clients share when they are to trust the same. A platform has some 150 roots,
//! which take milliseconds to read and 100 KiB to hold, with the sessions to be resumed.

use std::ffi::OsString;
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::{Duration, Instant};

use rustls::ClientConfig;

use crate::tls::TlsError;

/// For how long what was read serves clients that are built later, if others still use it.
const LIFETIME: Duration = Duration::from_secs(3_600);

/// What has been read, as long as a client uses it.
static READ: Shared = Shared::new();

/// What decides what a configuration says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Trusted {
    /// In PEM, beside those of the store.
    pub(crate) roots: Vec<Vec<u8>>,
    /// Which store it is. `None` if it is not needed.
    pub(crate) store: Option<Vec<Option<OsString>>>,
}

/// The configuration that trusts these: one that was read before, or what `read` gives.
pub(crate) fn trusting(
    trusted: &Trusted,
    read: impl FnOnce() -> Result<Arc<ClientConfig>, TlsError>,
) -> Result<Arc<ClientConfig>, TlsError> {
    READ.get(trusted, Instant::now(), read)
}

struct Shared {
    read: Mutex<Vec<Read>>,
}

struct Read {
    trusted: Trusted,
    at: Instant,
    /// Locked while it is read, so that clients that are built at once and trust the same read it once.
    config: Arc<Mutex<Weak<ClientConfig>>>,
}

impl Shared {
    const fn new() -> Self {
        Self { read: Mutex::new(Vec::new()) }
    }

    fn get(
        &self,
        trusted: &Trusted,
        now: Instant,
        read: impl FnOnce() -> Result<Arc<ClientConfig>, TlsError>,
    ) -> Result<Arc<ClientConfig>, TlsError> {
        let place = self.place(trusted, now);
        let mut config = place.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(config) = config.upgrade() {
            return Ok(config);
        }
        let read = read()?;
        *config = Arc::downgrade(&read);
        Ok(read)
    }

    /// Where the configuration that trusts these is, or is to be. Reads nothing.
    fn place(&self, trusted: &Trusted, now: Instant) -> Arc<Mutex<Weak<ClientConfig>>> {
        let mut all = self.read.lock().unwrap_or_else(PoisonError::into_inner);
        all.retain(|read| read.is_of_use(now));
        if let Some(read) = all.iter().find(|read| read.trusted == *trusted) {
            return Arc::clone(&read.config);
        }
        let config = Arc::default();
        all.push(Read { trusted: trusted.clone(), at: now, config: Arc::clone(&config) });
        config
    }
}

impl Read {
    fn is_of_use(&self, now: Instant) -> bool {
        if now.saturating_duration_since(self.at) >= LIFETIME {
            return false;
        }
        // Somebody may read it at this moment.
        let is_wanted = Arc::strong_count(&self.config) > 1;
        is_wanted || self.config.lock().unwrap_or_else(PoisonError::into_inner).strong_count() > 0
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tls;

    fn trusted(roots: &[&str]) -> Trusted {
        let roots = roots.iter().map(|pem| pem.as_bytes().to_vec()).collect();
        Trusted { roots, store: None }
    }

    fn read() -> Result<Arc<ClientConfig>, TlsError> {
        tls::trusting(rustls::RootCertStore::empty())
    }

    #[test]
    fn who_trusts_the_same_shares_it() {
        let (shared, now) = (Shared::new(), Instant::now());
        let first = shared.get(&trusted(&[]), now, read).unwrap();
        let again = shared.get(&trusted(&[]), now, || unreachable!("it was read before")).unwrap();
        assert!(Arc::ptr_eq(&first, &again));
        let other = shared.get(&trusted(&["another root"]), now, read).unwrap();
        assert!(!Arc::ptr_eq(&first, &other));
        let elsewhere = Trusted { store: Some(vec![Some("/roots.pem".into()), None]), ..trusted(&[]) };
        assert!(!Arc::ptr_eq(&first, &shared.get(&elsewhere, now, read).unwrap()));
    }

    #[test]
    fn it_is_read_again_when_nobody_uses_it_or_it_is_old() {
        let (shared, now) = (Shared::new(), Instant::now());
        drop(shared.get(&trusted(&[]), now, read).unwrap());
        let mut reads = 0;
        let mut count = || {
            reads += 1;
            read()
        };
        let first = shared.get(&trusted(&[]), now, &mut count).unwrap();
        let later = shared.get(&trusted(&[]), now + LIFETIME, &mut count).unwrap();
        assert!(!Arc::ptr_eq(&first, &later));
        assert_eq!(reads, 2);
        assert_eq!(shared.read.lock().unwrap().len(), 1, "what is too old is forgotten");
    }

    /// Roots may lie on a disk that does not answer.
    #[test]
    fn while_one_reads_who_trusts_the_same_waits_and_nobody_else() {
        let (shared, now) = (Arc::new(Shared::new()), Instant::now());
        let get = |roots: &'static [&'static str], reads: bool| {
            let (shared, (sender, got)) = (Arc::clone(&shared), std::sync::mpsc::channel());
            std::thread::spawn(move || {
                let read = || if reads { read() } else { unreachable!("it is being read") };
                sender.send(shared.get(&trusted(roots), now, read).unwrap())
            });
            got
        };
        let mut same = None;
        let first = shared.get(&trusted(&[]), now, || {
            let other = get(&["another root"], true);
            other.recv_timeout(Duration::from_secs(10)).expect("it does not wait");
            let waits = same.insert(get(&[], false));
            // The list has it, this thread, and the one that waits.
            while Arc::strong_count(&shared.read.lock().unwrap()[0].config) < 3 {
                std::thread::yield_now();
            }
            assert!(waits.try_recv().is_err());
            read()
        });
        let same = same.unwrap().recv_timeout(Duration::from_secs(10)).unwrap();
        assert!(Arc::ptr_eq(&first.unwrap(), &same));
    }

    #[test]
    fn what_could_not_be_read_is_read_again() {
        let (shared, now) = (Shared::new(), Instant::now());
        let failed = shared.get(&trusted(&[]), now, || Err(TlsError::of("roots", "none")));
        assert!(failed.is_err());
        assert!(shared.get(&trusted(&[]), now, read).is_ok());
    }
}
