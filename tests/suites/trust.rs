//! Whom a client trusts beside the platform, and which certificate it shows: on both transports alike.

#[macro_use]
extern crate failback_tests;

use std::sync::Arc;
use std::time::Duration;

use failback::{Blame, Config, Transport};
use failback_blocking::{BuildError, Client};
use failback_peer::{Handshake, Peer, Proxy, What};
use failback_tests::{Adapter, Settings, TestClient, collect};
use failback_wire::Request;
use rustls::RootCertStore;

with_every_adapter!(
    a_private_authority_is_trusted_on_both_transports,
    an_authority_that_is_not_added_is_not_trusted,
    mozillas_roots_trust_no_private_authority,
    an_authority_is_added_to_mozillas_roots,
    a_server_that_asks_for_it_gets_the_certificate_of_the_client,
    a_client_without_a_certificate_is_refused_where_one_is_asked_for,
    a_proxy_is_trusted_by_the_same_roots_and_never_shown_the_certificate,
);

/// One attempt on each transport at once, and nothing is diverted, however long a test is stalled.
fn settings(peer: &Peer) -> Settings {
    let config = Config::new().with_head_start(Duration::MAX).with_stream_max_retries(0);
    Settings { ca_pem: None, ..Settings::new(peer).config(config) }
}

fn pem(pem: Option<&str>) -> String {
    pem.expect("a peer with TLS").to_owned()
}

/// A turn over WebSocket, and one over SSE.
#[track_caller]
fn expect_both(client: &dyn TestClient, peer: &Peer) {
    for handshake in [Handshake::Accept, Handshake::status(403)] {
        peer.set_handshake(handshake);
        client.handle_network_change();
        let outcome = collect(client.stream(Request::text("m", "hello")));
        assert!(outcome.is_complete(), "{outcome:?}");
    }
    assert_eq!(peer.journal().transports(), [Transport::WebSocket, Transport::Sse], "{}", peer.journal());
}

/// A turn that gets through over neither.
#[track_caller]
fn expect_neither(client: &dyn TestClient, peer: &Peer) -> String {
    let outcome = collect(client.stream(Request::text("m", "hello")));
    let error = outcome.error.expect("an error");
    assert_eq!(error.attempts().len(), 2, "{error}");
    assert!(!peer.journal().any(|what| matches!(what, What::Handshake { .. } | What::Post { .. })));
    assert_eq!(error.attempts()[0].blame(), Some(Blame::Network), "{error}");
    error.to_string()
}

fn a_private_authority_is_trusted_on_both_transports(adapter: &dyn Adapter) {
    let (peer, other) = (Peer::builder().tls().start(), Peer::builder().tls().start());
    // The second of two, behind words that are no PEM.
    let roots = format!("{}Another one:\n{}", pem(other.ca_pem()), pem(peer.ca_pem()));
    let settings = Settings { root_certificates: Some(roots), ..settings(&peer) };
    expect_both(&*adapter.client(settings), &peer);
}

fn an_authority_that_is_not_added_is_not_trusted(adapter: &dyn Adapter) {
    let (peer, other) = (Peer::builder().tls().start(), Peer::builder().tls().start());
    let settings = Settings { root_certificates: Some(pem(other.ca_pem())), ..settings(&peer) };
    let said = expect_neither(&*adapter.client(settings), &peer);
    assert!(said.contains("a certificate was refused"), "{said}");
}

fn mozillas_roots_trust_no_private_authority(adapter: &dyn Adapter) {
    let peer = Peer::builder().tls().start();
    let settings = Settings { webpki_roots: true, ..settings(&peer) };
    let said = expect_neither(&*adapter.client(settings), &peer);
    assert!(said.contains("a certificate was refused"), "{said}");
}

fn an_authority_is_added_to_mozillas_roots(adapter: &dyn Adapter) {
    let peer = Peer::builder().tls().start();
    let roots = Some(pem(peer.ca_pem()));
    let settings = Settings { webpki_roots: true, root_certificates: roots, ..settings(&peer) };
    expect_both(&*adapter.client(settings), &peer);
}

fn a_server_that_asks_for_it_gets_the_certificate_of_the_client(adapter: &dyn Adapter) {
    let peer = Peer::builder().known_clients().start();
    let settings = Settings {
        root_certificates: Some(pem(peer.ca_pem())),
        identity: Some(pem(peer.client_pem())),
        ..settings(&peer)
    };
    expect_both(&*adapter.client(settings), &peer);
}

fn a_client_without_a_certificate_is_refused_where_one_is_asked_for(adapter: &dyn Adapter) {
    let peer = Peer::builder().known_clients().start();
    let settings = Settings { root_certificates: Some(pem(peer.ca_pem())), ..settings(&peer) };
    let outcome = collect(adapter.client(settings).stream(Request::text("m", "hello")));
    assert!(outcome.error.is_some(), "{outcome:?}");
    assert!(peer.journal().any(|what| matches!(what, What::TlsFailed)), "{}", peer.journal());
    assert!(peer.journal().transports().is_empty(), "{}", peer.journal());
}

fn a_proxy_is_trusted_by_the_same_roots_and_never_shown_the_certificate(adapter: &dyn Adapter) {
    let peer = Peer::builder().known_clients().start();
    // It asks for a certificate, and refuses one that is not of its own authority.
    let proxy = Proxy::start_tls(&peer);
    let settings = Settings {
        root_certificates: Some(pem(peer.ca_pem()) + &pem(proxy.ca_pem())),
        identity: Some(pem(peer.client_pem())),
        proxy: Some(proxy.url()),
        ..settings(&peer)
    };
    expect_both(&*adapter.client(settings), &peer);
    assert!(!proxy.seen().is_empty());
}

/// What building a client says, with something wrong.
#[track_caller]
fn said(built: Result<Client, BuildError>) -> String {
    match built {
        Err(error @ BuildError::Tls(_)) => error.to_string(),
        other => panic!("{other:?}"),
    }
}

/// The sections of a PEM.
fn sections(pem: &str) -> Vec<String> {
    let mut sections = Vec::new();
    let mut lines: Vec<&str> = Vec::new();
    for line in pem.lines() {
        lines.push(line);
        if line.starts_with("-----END ") {
            sections.push(lines.join("\n") + "\n");
            lines.clear();
        }
    }
    sections
}

#[test]
fn roots_that_cannot_be_used_are_an_error_that_names_them() {
    let authority = pem(Peer::builder().tls().start().ca_pem());
    let cut = authority.lines().take(3).collect::<Vec<_>>().join("\n");
    let not_base64 = authority.replacen("\nMII", "\n???", 1);
    assert_ne!(not_base64, authority);
    let no_certificate = "-----BEGIN CERTIFICATE-----\naGVsbG8=\n-----END CERTIFICATE-----\n";
    let second = authority.clone() + no_certificate;
    for (pem, parts) in [
        ("", "there is no certificate in it"),
        ("hunter2", "there is no certificate in it"),
        (cut.as_str(), "the PEM is cut off"),
        ("-----BEGIN CERTIFICATE\naGVsbG8=\n-----END CERTIFICATE-----\n", "the PEM is damaged"),
        (not_base64.as_str(), "the PEM is damaged: a section is not base64"),
        (no_certificate, "certificate 1 in the PEM cannot be a root"),
        (second.as_str(), "certificate 2 in the PEM cannot be a root"),
    ] {
        // Also where nothing is encrypted: what is wrong is wrong.
        for url in ["https://localhost/v1", "http://localhost/v1"] {
            let said = said(Client::builder(url).add_root_certificates(pem).build());
            assert!(said.starts_with("TLS: add_root_certificates: ") && said.contains(parts), "{said}");
            assert!(!said.contains("hunter2"), "{said}");
        }
    }
    let twice = Client::builder("http://localhost/v1").add_root_certificates(&authority);
    assert!(twice.add_root_certificates(&authority).build().is_ok());
}

#[test]
fn an_identity_that_cannot_be_used_is_an_error_that_names_it_and_shows_nothing_of_the_key() {
    let peer = Peer::builder().tls().start();
    let [mine, other] = [pem(peer.client_pem()), pem(Peer::builder().tls().start().client_pem())];
    let [mine, other] = [sections(&mine), sections(&other)];
    let ([certificate, key], [_, strange]) = (&mine[..], &other[..]) else { panic!("{mine:?}") };
    let secret = key.lines().nth(1).expect("base64").to_owned();
    let broken_key = key.replacen(&secret, &format!("{secret}!"), 1);
    let bad_key = key.replacen(&secret[..8], "AAAAAAAA", 1);
    let encrypted = key.replace("PRIVATE KEY", "ENCRYPTED PRIVATE KEY");
    let no_certificate = "-----BEGIN CERTIFICATE-----\naGVsbG8=\n-----END CERTIFICATE-----\n";
    for (pem, part) in [
        (String::new(), "there is no certificate in it"),
        (key.clone(), "there is no certificate in it"),
        (certificate.clone(), "there is no private key in it"),
        (certificate.clone() + strange, "its private key is not that of its first certificate"),
        (certificate.clone() + key + strange, "there is more than one private key in it"),
        (certificate.clone() + &encrypted, "its private key is encrypted"),
        (certificate.clone() + &broken_key, "the PEM is damaged: a section is not base64"),
        (certificate.clone() + &key[..key.len() - 30], "the PEM is cut off"),
        (certificate.clone() + &bad_key, "its private key cannot be used"),
        (no_certificate.to_owned() + key, "its first certificate cannot be read"),
    ] {
        let said = said(Client::builder("http://localhost/v1").client_identity(&pem).build());
        assert!(said.starts_with("TLS: client_identity: ") && said.contains(part), "{part}: {said}");
        assert!(!said.contains(&secret[..8]), "{said}");
    }
    let good = Client::builder("http://localhost/v1").client_identity(certificate.clone() + key);
    assert!(!format!("{good:?}").contains(&secret[..8]));
    assert!(good.build().is_ok());
    let key_first = Client::builder("http://localhost/v1").client_identity(key.clone() + certificate);
    assert!(key_first.build().is_ok());
}

#[test]
fn none_of_them_goes_together_with_a_whole_configuration() {
    let peer = Peer::builder().tls().start();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = rustls::ClientConfig::builder_with_provider(provider);
    let config = config.with_safe_default_protocol_versions().expect("the default versions");
    let config = Arc::new(config.with_root_certificates(RootCertStore::empty()).with_no_client_auth());
    let builder = || Client::builder("https://localhost/v1").tls_config(Arc::clone(&config));
    assert!(builder().build().is_ok());
    let roots = said(builder().add_root_certificates(pem(peer.ca_pem())).build());
    assert!(roots.contains("add_root_certificates: cannot be used together with tls_config"), "{roots}");
    let identity = said(builder().client_identity(pem(peer.client_pem())).build());
    assert!(identity.contains("client_identity: cannot be used together with tls_config"), "{identity}");
    let mozillas = said(builder().webpki_roots().build());
    assert!(mozillas.contains("webpki_roots: cannot be used together with tls_config"), "{mozillas}");
}
