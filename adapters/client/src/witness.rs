//! What whoever is spoken to over TLS shows, and who vouches for it. For a diagnosis.

use std::fmt;
use std::sync::Arc;

use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::ring::default_provider;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{CertificateError, DigitallySignedStruct, Error, RootCertStore, SignatureScheme};

/// The certificates that a server or a proxy has shown in a TLS handshake, and what came of it.
#[derive(Clone, Debug)]
pub struct Shown {
    /// To whom the client wanted to speak.
    pub host: String,
    /// Its certificate, and those after it in the order in which they came. In DER.
    pub certificates: Vec<Vec<u8>>,
    /// Who vouches for it.
    pub vouched: Vouched,
}

/// Who vouches for a certificate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Vouched {
    /// What the platform trusts, or `SSL_CERT_FILE` names, leads to it.
    Platform,
    /// Only a root certificate that was added leads to it.
    Added,
    /// None of those that are trusted.
    Nobody,
    /// It is no longer valid.
    Expired,
    /// It is not valid yet.
    NotYetValid,
    /// It is for another name.
    WrongName,
    /// It is refused for another reason.
    Refused,
}

/// Is told of each certificate, whether it is accepted or not.
#[derive(Clone)]
pub struct Witness(Arc<dyn Fn(Shown) + Send + Sync>);

impl Witness {
    /// Calls this function in the thread of the handshake.
    pub fn new(told: impl Fn(Shown) + Send + Sync + 'static) -> Self {
        Self(Arc::new(told))
    }

    /// Decides as the verifier of these roots, of which `platform` are some, and tells the witness.
    pub(crate) fn verifier(
        &self,
        roots: RootCertStore,
        platform: RootCertStore,
    ) -> Option<Arc<dyn ServerCertVerifier>> {
        let verifier = |roots| {
            WebPkiServerVerifier::builder_with_provider(Arc::new(roots), Arc::new(default_provider()))
                .build()
                .ok()
        };
        let witness = self.clone();
        Some(Arc::new(Watched { all: verifier(roots)?, platform: verifier(platform), witness }))
    }
}

impl fmt::Debug for Witness {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Witness")
    }
}

#[derive(Debug)]
struct Watched {
    /// It alone decides.
    all: Arc<WebPkiServerVerifier>,
    /// `None` where the platform trusts nobody.
    platform: Option<Arc<WebPkiServerVerifier>>,
    witness: Witness,
}

impl ServerCertVerifier for Watched {
    fn verify_server_cert(
        &self,
        certificate: &CertificateDer<'_>,
        others: &[CertificateDer<'_>],
        name: &ServerName<'_>,
        ocsp: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        let verify = |verifier: &WebPkiServerVerifier| {
            verifier.verify_server_cert(certificate, others, name, ocsp, now)
        };
        let decided = verify(&self.all);
        let vouched = match &decided {
            Ok(_) if self.platform.as_ref().is_some_and(|platform| verify(platform).is_ok()) => {
                Vouched::Platform
            }
            Ok(_) => Vouched::Added,
            Err(Error::InvalidCertificate(error)) => mistrust(error),
            Err(_) => Vouched::Refused,
        };
        let certificates = std::iter::once(certificate).chain(others).map(|one| one.to_vec()).collect();
        (self.witness.0)(Shown { host: name.to_str().into_owned(), certificates, vouched });
        decided
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.all.verify_tls12_signature(message, certificate, signature)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.all.verify_tls13_signature(message, certificate, signature)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.all.supported_verify_schemes()
    }
}

fn mistrust(error: &CertificateError) -> Vouched {
    match error {
        // The latter: one of those that are trusted has the name of the issuer, and another key.
        CertificateError::UnknownIssuer | CertificateError::BadSignature => Vouched::Nobody,
        CertificateError::Expired | CertificateError::ExpiredContext { .. } => Vouched::Expired,
        CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. } => Vouched::NotYetValid,
        CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. } => {
            Vouched::WrongName
        }
        _ => Vouched::Refused,
    }
}
