//! The TLS configurations that clients share when they are to trust the same. A platform has some 150 roots,
//! which take milliseconds to read and 100 KiB to hold, with the sessions to be resumed.

use std::ffi::OsString;
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::{Duration, Instant};

use rustls::ClientConfig;

use crate::tls::TlsError;

/// For how long what was read serves clients that are built later, if others still use it.
const LIFETIME: Duration = Duration::from_secs(3_600);

/// What has been read, as long as a client uses it. The lock is held while roots are read, so that clients
/// that are built at once read them once.
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
    config: Weak<ClientConfig>,
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
        let mut all = self.read.lock().unwrap_or_else(PoisonError::into_inner);
        all.retain(|read| {
            read.config.strong_count() > 0 && now.saturating_duration_since(read.at) < LIFETIME
        });
        let found = all.iter().find(|read| read.trusted == *trusted);
        if let Some(config) = found.and_then(|read| read.config.upgrade()) {
            return Ok(config);
        }
        let config = read()?;
        all.push(Read { trusted: trusted.clone(), at: now, config: Arc::downgrade(&config) });
        Ok(config)
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

    #[test]
    fn what_could_not_be_read_is_read_again() {
        let (shared, now) = (Shared::new(), Instant::now());
        let failed = shared.get(&trusted(&[]), now, || Err(TlsError::of("roots", "none")));
        assert!(failed.is_err());
        assert!(shared.get(&trusted(&[]), now, read).is_ok());
    }
}
