//! TLS without its I/O: whom to trust, what to offer, and what a failed handshake shows.

use std::sync::Arc;
use std::{fmt, io};

use failback_wire::Seen;
use rustls::client::ResolvesClientCert;
use rustls::sign::CertifiedKey;
use rustls::{AlertDescription, ClientConfig, RootCertStore, SignatureScheme};

/// TLS could not be set up: there is nothing to trust, or what was given for it cannot be used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TlsError {
    setting: Option<&'static str>,
    problem: String,
}

impl TlsError {
    /// What is wrong with what a setting was given.
    pub(crate) fn of(setting: &'static str, problem: &str) -> Self {
        Self { setting: Some(setting), problem: problem.to_owned() }
    }

    const fn of_none(problem: String) -> Self {
        Self { setting: None, problem }
    }

    /// The method of the [`Builder`](crate::Builder) that was given what cannot be used, such as
    /// `add_root_certificates`. `None` if it is none's fault.
    #[must_use]
    pub const fn setting(&self) -> Option<&'static str> {
        self.setting
    }

    /// What is wrong, for people who know the setting by another name.
    #[must_use]
    pub fn problem(&self) -> &str {
        &self.problem
    }
}

impl fmt::Display for TlsError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.setting {
            Some(setting) => write!(f, "TLS: {setting}: {}", self.problem),
            None => write!(f, "TLS: {}", self.problem),
        }
    }
}

impl std::error::Error for TlsError {}

/// Adds what the platform trusts, or what `SSL_CERT_FILE` and `SSL_CERT_DIR` name.
///
/// # Errors
/// When there is nothing to trust then.
pub(crate) fn add_platforms(roots: &mut RootCertStore) -> Result<(), TlsError> {
    let found = rustls_native_certs::load_native_certs();
    roots.add_parsable_certificates(found.certs);
    if roots.is_empty() {
        let why = found.errors.first().map(|error| format!(": {error}")).unwrap_or_default();
        return Err(TlsError::of_none(format!(
            "no trusted root certificate found on this machine{why}. Pass some with add_root_certificates, \
             use Mozilla's with webpki_roots (a feature), or pass a whole configuration with tls_config"
        )));
    }
    Ok(())
}

/// The same configuration without the client certificate, which is meant for the server and not for a proxy.
pub(crate) fn anonymous(tls: &Arc<ClientConfig>) -> Arc<ClientConfig> {
    if !tls.client_auth_cert_resolver.has_certs() {
        return Arc::clone(tls);
    }
    let mut anonymous = ClientConfig::clone(tls);
    anonymous.client_auth_cert_resolver = Arc::new(Nobody);
    Arc::new(anonymous)
}

#[derive(Debug)]
struct Nobody;

impl ResolvesClientCert for Nobody {
    fn resolve(&self, _: &[&[u8]], _: &[SignatureScheme]) -> Option<Arc<CertifiedKey>> {
        None
    }

    fn has_certs(&self) -> bool {
        false
    }
}

/// Trusts these roots.
///
/// # Errors
/// When TLS cannot be set up here at all.
pub(crate) fn trusting(roots: RootCertStore) -> Result<Arc<ClientConfig>, TlsError> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|error| TlsError::of_none(error.to_string()))?;
    let mut config = config.with_root_certificates(roots).with_no_client_auth();
    config.alpn_protocols = vec![HTTP1.to_vec()];
    Ok(Arc::new(config))
}

/// Both transports run on HTTP/1.1, and their TLS handshakes do not differ.
const HTTP1: &[u8] = b"http/1.1";

/// The same configuration, but it offers HTTP/1.1 alone. A server that is offered more may choose a protocol
/// that the client does not speak.
pub(crate) fn speaking_http1(tls: Arc<ClientConfig>) -> Arc<ClientConfig> {
    if tls.alpn_protocols == [HTTP1] {
        return tls;
    }
    let mut tls = Arc::unwrap_or_clone(tls);
    tls.alpn_protocols = vec![HTTP1.to_vec()];
    Arc::new(tls)
}

/// What the error of a TLS handshake with a server shows.
#[must_use]
pub fn seen(error: &io::Error) -> Seen<'static> {
    let error = error.get_ref().and_then(|error| error.downcast_ref::<rustls::Error>());
    match error {
        Some(rustls::Error::InvalidCertificate(_) | rustls::Error::NoCertificatesPresented) => {
            Seen::Certificate
        }
        Some(rustls::Error::AlertReceived(alert)) if is_about_certificate(*alert) => Seen::Certificate,
        _ => Seen::Tls,
    }
}

/// What the error of a TLS handshake with a proxy shows. The proxy may not speak TLS at all.
#[must_use]
pub fn seen_of_proxy(error: &io::Error) -> Seen<'static> {
    match error.get_ref().and_then(|error| error.downcast_ref::<rustls::Error>()) {
        Some(rustls::Error::InvalidMessage(_)) => Seen::NotAProxy,
        _ => seen(error),
    }
}

fn is_about_certificate(alert: AlertDescription) -> bool {
    matches!(
        alert,
        AlertDescription::BadCertificate
            | AlertDescription::UnsupportedCertificate
            | AlertDescription::CertificateRevoked
            | AlertDescription::CertificateExpired
            | AlertDescription::CertificateUnknown
            | AlertDescription::CertificateRequired
            | AlertDescription::UnknownCA
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug)]
    struct Somebody;

    impl ResolvesClientCert for Somebody {
        fn resolve(&self, _: &[&[u8]], _: &[SignatureScheme]) -> Option<Arc<CertifiedKey>> {
            None
        }

        fn has_certs(&self) -> bool {
            true
        }
    }

    #[test]
    fn a_proxy_is_not_shown_who_the_client_is_to_its_server() {
        let mut tls = ClientConfig::clone(&trusting(RootCertStore::empty()).unwrap());
        tls.client_auth_cert_resolver = Arc::new(Somebody);
        let tls = Arc::new(tls);
        let shown = anonymous(&tls);
        assert!(Arc::ptr_eq(&shown, &anonymous(&shown)), "there is nothing to leave out");
        assert!(tls.client_auth_cert_resolver.has_certs() && !shown.client_auth_cert_resolver.has_certs());
        assert_eq!(shown.alpn_protocols, tls.alpn_protocols);
    }
}
