//! nginx ends TLS, with certificates of a private authority.

use failback::Transport::WebSocket;
use failback::{GiveUp, Mode};
use failback_peer::Peer;
use failback_tests::{Adapter, Settings};

use crate::case::{self, Case, at};
use crate::certificates::Certificate;
use crate::program::Program;

with_every_adapter!(
    nginx_with_a_private_authority_that_also_offers_http2,
    nginx_with_an_authority_that_is_not_trusted,
    nginx_with_an_expired_certificate,
    nginx_with_a_certificate_for_another_name,
);

pub(crate) fn nginx(peer: &Peer, certificate: &Certificate) -> Option<Program> {
    let files = [("certificate.pem", &*certificate.certificate), ("key.pem", &*certificate.key)];
    case::nginx(peer, include_str!("../../wild/nginx-tls.conf"), &files)
}

/// Settings that trust the authority of this certificate.
fn trusting(nginx: &Program, certificate: &Certificate) -> Settings {
    let mut settings = at(format!("https://127.0.0.1:{}/v1", nginx.port()));
    settings.ca_pem = Some(certificate.authority.clone());
    settings
}

fn nginx_with_a_private_authority_that_also_offers_http2(adapter: &dyn Adapter) {
    let (peer, certificate) = (Peer::start(), Certificate::new("127.0.0.1"));
    let Some(nginx) = nginx(&peer, &certificate) else { return };
    let name = "TLS of a private authority, HTTP/2 offered";
    let case = Case::new(&nginx, &peer, adapter, name, trusting(&nginx, &certificate));
    case.note(&case.expect(WebSocket));
    case.expect_handshakes(1);
    case.expect_sse_too();
}

/// One attempt on each transport, and nothing is held against WebSocket.
fn is_not_trusted(
    nginx: &Program,
    peer: &Peer,
    adapter: &dyn Adapter,
    name: &str,
    settings: Settings,
    says: &str,
) {
    let case = Case::new(nginx, peer, adapter, name, settings);
    let error = case.expect_failure(GiveUp::NotRetryable, &["TLS handshake", says]);
    assert_eq!(error.attempts().len(), 2, "{error}");
    assert_eq!(case.client.policy().mode(), Mode::Preferred);
    assert_eq!(peer.journal().connections(), 0, "{}", peer.journal());
}

fn nginx_with_an_authority_that_is_not_trusted(adapter: &dyn Adapter) {
    let (peer, certificate) = (Peer::start(), Certificate::new("127.0.0.1"));
    let Some(nginx) = nginx(&peer, &certificate) else { return };
    let settings = trusting(&nginx, &Certificate::new("127.0.0.1"));
    is_not_trusted(
        &nginx,
        &peer,
        adapter,
        "TLS of an authority that is not trusted",
        settings,
        "SSL_CERT_FILE",
    );
}

fn nginx_with_an_expired_certificate(adapter: &dyn Adapter) {
    let (peer, certificate) = (Peer::start(), Certificate::expired("127.0.0.1"));
    let Some(nginx) = nginx(&peer, &certificate) else { return };
    let settings = trusting(&nginx, &certificate);
    is_not_trusted(&nginx, &peer, adapter, "TLS with an expired certificate", settings, "expired");
}

fn nginx_with_a_certificate_for_another_name(adapter: &dyn Adapter) {
    let (peer, certificate) = (Peer::start(), Certificate::new("elsewhere.test"));
    let Some(nginx) = nginx(&peer, &certificate) else { return };
    let settings = trusting(&nginx, &certificate);
    is_not_trusted(
        &nginx,
        &peer,
        adapter,
        "TLS with a certificate for another name",
        settings,
        "not valid for name",
    );
}
