//! Whom a client trusts, and as whom it shows itself, by what its builder was given.

use std::ffi::OsString;
use std::sync::Arc;

use rustls::client::ResolvesClientCert;
use rustls::pki_types::pem::{self, PemObject};
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::sign::{CertifiedKey, SingleCertAndKey};
use rustls::{ClientConfig, Error, InconsistentKeys, RootCertStore};

use crate::shared_tls::{self, Trusted};
use crate::tls::{self, TlsError};
use crate::witness::Witness;

const ROOTS: &str = "add_root_certificates";
const IDENTITY: &str = "client_identity";
const WEBPKI: &str = "webpki_roots";

/// What is trusted beside what was added.
#[derive(Clone, Copy, Default, PartialEq, Eq)]
enum Store {
    /// What the platform trusts.
    #[default]
    Platform,
    /// What Mozilla trusts, compiled in.
    #[cfg(feature = "webpki-roots")]
    Webpki,
}

impl Store {
    /// Tells it from other stores. The platform's is where the environment says.
    fn name(self) -> Vec<Option<OsString>> {
        match self {
            Self::Platform => ["SSL_CERT_FILE", "SSL_CERT_DIR"].map(std::env::var_os).into(),
            #[cfg(feature = "webpki-roots")]
            Self::Webpki => Vec::new(),
        }
    }

    fn add_to(self, roots: &mut RootCertStore) -> Result<(), TlsError> {
        match self {
            Self::Platform => tls::add_platforms(roots),
            #[cfg(feature = "webpki-roots")]
            Self::Webpki => {
                roots.extend(webpki_roots::TLS_SERVER_ROOTS.iter().cloned());
                Ok(())
            }
        }
    }
}

/// What a builder was told of trust. The PEM is unread.
#[derive(Default)]
pub(crate) struct Trust {
    store: Store,
    roots: Vec<Vec<u8>>,
    identity: Option<Vec<u8>>,
    witness: Option<Witness>,
}

impl Trust {
    #[cfg(feature = "webpki-roots")]
    pub(crate) fn set_webpki(&mut self) {
        self.store = Store::Webpki;
    }

    pub(crate) fn add_roots(&mut self, pem: &[u8]) {
        self.roots.push(pem.to_vec());
    }

    pub(crate) fn set_identity(&mut self, pem: &[u8]) {
        self.identity = Some(pem.to_vec());
    }

    pub(crate) fn set_witness(&mut self, witness: Witness) {
        self.witness = Some(witness);
    }

    /// The configuration with all of this, of which the store is not needed where nothing is encrypted.
    ///
    /// Clients that trust the same share one, unless they show themselves as somebody, or tell a witness.
    pub(crate) fn config(&self, needed: bool) -> Result<Arc<ClientConfig>, TlsError> {
        if self.identity.is_some() || self.witness.is_some() {
            return self.read(needed);
        }
        let store = needed.then(|| self.store.name());
        let trusted = Trusted { roots: self.roots.clone(), store };
        shared_tls::trusting(&trusted, || self.read(needed))
    }

    fn read(&self, needed: bool) -> Result<Arc<ClientConfig>, TlsError> {
        let roots = self.roots(needed)?;
        let identity = self.identity.as_deref().map(identity).transpose()?;
        let verifier = self.witness.as_ref().and_then(|witness| {
            let mut platform = RootCertStore::empty();
            // Where it trusts nobody, that was said above, or somebody else is enough.
            let _ = tls::add_platforms(&mut platform);
            witness.verifier(roots.clone(), platform)
        });
        let config = tls::trusting(roots)?;
        if identity.is_none() && verifier.is_none() {
            return Ok(config);
        }
        let mut config = Arc::unwrap_or_clone(config);
        if let Some(identity) = identity {
            config.client_auth_cert_resolver = identity;
        }
        if let Some(verifier) = verifier {
            config.dangerous().set_certificate_verifier(verifier);
        }
        Ok(Arc::new(config))
    }

    fn roots(&self, needed: bool) -> Result<RootCertStore, TlsError> {
        let mut roots = RootCertStore::empty();
        for pem in &self.roots {
            add(pem, &mut roots)?;
        }
        if needed {
            self.store.add_to(&mut roots)?;
        }
        Ok(roots)
    }

    /// A configuration that is set decides all of this by itself.
    pub(crate) fn check_unused(&self) -> Result<(), TlsError> {
        let set = [
            (ROOTS, !self.roots.is_empty()),
            (WEBPKI, self.store != Store::Platform),
            (IDENTITY, self.identity.is_some()),
        ];
        let Some((setting, _)) = set.into_iter().find(|(_, is_set)| *is_set) else { return Ok(()) };
        let what = "cannot be used together with tls_config, which says by itself whom to trust and which \
                    certificate to show: put it there";
        Err(TlsError::of(setting, what))
    }
}

fn add(pem: &[u8], roots: &mut RootCertStore) -> Result<(), TlsError> {
    for (at, certificate) in certificates(ROOTS, pem)?.into_iter().enumerate() {
        roots.add(certificate).map_err(|error| {
            let number = at.saturating_add(1);
            TlsError::of(ROOTS, &format!("certificate {number} in the PEM cannot be a root: {error}"))
        })?;
    }
    Ok(())
}

/// All certificates, of which there must be one.
fn certificates(setting: &'static str, pem: &[u8]) -> Result<Vec<CertificateDer<'static>>, TlsError> {
    let certificates: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(pem).collect();
    let certificates = certificates.map_err(|error| TlsError::of(setting, spoilt(&error)))?;
    if certificates.is_empty() {
        let what = "there is no certificate in it: expected PEM, with a line -----BEGIN CERTIFICATE-----";
        return Err(TlsError::of(setting, what));
    }
    Ok(certificates)
}

/// What is wrong with PEM. Nothing of it is shown: it may hold a key.
fn spoilt(error: &pem::Error) -> &'static str {
    match error {
        pem::Error::MissingSectionEnd { .. } => "the PEM is cut off: a section has no line -----END",
        pem::Error::IllegalSectionStart { .. } => "the PEM is damaged: a line -----BEGIN is not whole",
        pem::Error::Base64Decode(_) => "the PEM is damaged: a section is not base64",
        _ => "the PEM cannot be read",
    }
}

fn identity(pem: &[u8]) -> Result<Arc<dyn ResolvesClientCert>, TlsError> {
    let error = |what: &str| TlsError::of(IDENTITY, what);
    let chain = certificates(IDENTITY, pem)?;
    let keys: Result<Vec<_>, _> = PrivateKeyDer::pem_slice_iter(pem).collect();
    let mut keys = keys.map_err(|problem| error(spoilt(&problem)))?;
    let key = match (keys.pop(), keys.is_empty()) {
        (Some(key), true) => key,
        (Some(_), false) => return Err(error("there is more than one private key in it")),
        (None, _) if is_encrypted(pem) => {
            return Err(error("its private key is encrypted, and would need a password: decrypt it first"));
        }
        (None, _) => {
            let what = "there is no private key in it: expected one in the same PEM as the certificates, as \
                        PKCS #8, PKCS #1 or SEC 1";
            return Err(error(what));
        }
    };
    let key = CertifiedKey::from_der(chain, key, &rustls::crypto::ring::default_provider());
    let key = key.map_err(|problem| match problem {
        Error::InconsistentKeys(InconsistentKeys::KeyMismatch) => {
            error("its private key is not that of its first certificate")
        }
        Error::InvalidCertificate(_) => error("its first certificate cannot be read"),
        // The words of a library on a key that it was given are not repeated.
        _ => error("its private key cannot be used: expected RSA of 2048 bits or more, ECDSA or Ed25519"),
    })?;
    Ok(Arc::new(SingleCertAndKey::from(key)))
}

/// In either of the two ways there are.
fn is_encrypted(pem: &[u8]) -> bool {
    let has = |words: &[u8]| pem.windows(words.len()).any(|window| window == words);
    has(b"BEGIN ENCRYPTED PRIVATE KEY") || has(b"Proc-Type: 4,ENCRYPTED")
}

#[cfg(all(test, feature = "webpki-roots"))]
mod tests {
    use super::*;

    #[test]
    fn the_feature_alone_changes_nothing() {
        let mut platforms = RootCertStore::empty();
        let found = tls::add_platforms(&mut platforms);
        let trusted = Trust::default().roots(true);
        assert_eq!(trusted.is_ok(), found.is_ok());
        assert_eq!(trusted.unwrap_or(RootCertStore::empty()).roots, platforms.roots);
    }

    #[test]
    fn mozillas_roots_take_the_place_of_the_platforms() {
        let mut trust = Trust::default();
        trust.set_webpki();
        assert_eq!(trust.roots(true).unwrap().roots, webpki_roots::TLS_SERVER_ROOTS);
        assert!(trust.roots(false).unwrap().is_empty());
    }
}
