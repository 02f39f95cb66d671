//! Certificates of a private authority, for programs that end TLS.

use std::time::{Duration, SystemTime};

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair, KeyUsagePurpose};

/// A certificate and its key, and the authority that signed it, each in PEM.
pub(crate) struct Certificate {
    pub(crate) authority: String,
    pub(crate) certificate: String,
    pub(crate) key: String,
}

impl Certificate {
    /// For this name or address.
    pub(crate) fn new(name: &str) -> Self {
        Self::make(name, |_| {})
    }

    /// One that was valid until yesterday.
    pub(crate) fn expired(name: &str) -> Self {
        let day = Duration::from_secs(24 * 60 * 60);
        Self::make(name, |params| {
            params.not_before = (SystemTime::now() - 10 * day).into();
            params.not_after = (SystemTime::now() - day).into();
        })
    }

    fn make(name: &str, change: impl FnOnce(&mut CertificateParams)) -> Self {
        let mut ca = CertificateParams::new(Vec::new()).expect("no names");
        ca.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        ca.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::DigitalSignature];
        let ca = CertifiedIssuer::self_signed(ca, KeyPair::generate().expect("a key")).expect("an authority");
        let key = KeyPair::generate().expect("a key");
        let mut leaf = CertificateParams::new(vec![name.to_owned()]).expect("a name");
        change(&mut leaf);
        let leaf = leaf.signed_by(&key, &ca).expect("a certificate");
        Self { authority: ca.pem(), certificate: leaf.pem(), key: key.serialize_pem() }
    }
}
