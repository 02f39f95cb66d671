//! A certificate authority that lives as long as its peer, one certificate from it for the peer, and one for
//! a client.

use std::sync::Arc;

use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DnType, ExtendedKeyUsagePurpose, IsCa, KeyPair,
    KeyUsagePurpose,
};
use rustls::pki_types::PrivatePkcs8KeyDer;
use rustls::server::WebPkiClientVerifier;
use rustls::{RootCertStore, ServerConfig};
use tokio_rustls::TlsAcceptor;

pub(crate) struct Tls {
    pub(crate) ca_pem: String,
    /// The certificate of a client, and its key.
    pub(crate) client_pem: String,
    pub(crate) acceptor: TlsAcceptor,
}

/// Whether clients have to show a certificate of the authority.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Clients {
    /// They are not asked.
    #[default]
    Anyone,
    /// They are asked, and may have none; but they may not have another authority's.
    MayBeKnown,
    /// They are asked, and must have one.
    MustBeKnown,
}

impl Tls {
    pub(crate) fn generate(clients: Clients) -> Result<Self, Box<dyn std::error::Error>> {
        let mut ca = CertificateParams::new(Vec::new())?;
        ca.distinguished_name.push(DnType::CommonName, "failback-peer test authority");
        ca.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        ca.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::DigitalSignature];
        let ca = CertifiedIssuer::self_signed(ca, KeyPair::generate()?)?;

        let key = KeyPair::generate()?;
        let mut leaf = CertificateParams::new(vec!["localhost".to_owned(), "127.0.0.1".to_owned()])?;
        leaf.distinguished_name.push(DnType::CommonName, "failback-peer");
        let leaf = leaf.signed_by(&key, &ca)?;

        let client_key = KeyPair::generate()?;
        let mut client = CertificateParams::new(Vec::new())?;
        client.distinguished_name.push(DnType::CommonName, "failback-peer test client");
        client.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
        let client = client.signed_by(&client_key, &ca)?;

        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let mut roots = RootCertStore::empty();
        roots.add(ca.der().clone())?;
        let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), Arc::clone(&provider));
        let config = ServerConfig::builder_with_provider(provider).with_safe_default_protocol_versions()?;
        let config = match clients {
            Clients::Anyone => config.with_no_client_auth(),
            Clients::MayBeKnown => {
                config.with_client_cert_verifier(verifier.allow_unauthenticated().build()?)
            }
            Clients::MustBeKnown => config.with_client_cert_verifier(verifier.build()?),
        };
        let config = config.with_single_cert(
            vec![leaf.der().clone()],
            PrivatePkcs8KeyDer::from(key.serialize_der()).into(),
        )?;
        Ok(Self {
            ca_pem: ca.pem(),
            client_pem: client.pem() + &client_key.serialize_pem(),
            acceptor: TlsAcceptor::from(Arc::new(config)),
        })
    }
}
