//! Headers of one request: where they are sent, where they are not, and which may not be given.

use failback::{GiveUp, Transport};
use failback_client::ErrorKind;
use failback_peer::{Handshake, Journal, Peer, Turn, What};
use failback_tests::{Adapter, Settings, collect};
use failback_wire::http::{HeaderMap, HeaderName, HeaderValue, Uri};
use failback_wire::{Headers, Request, RequestError};

with_every_adapter!(
    they_are_sent_with_a_handshake_and_not_on_a_websocket_that_is_there,
    they_are_sent_with_each_post_of_their_request_and_no_other,
    every_attempt_has_them,
    they_take_the_place_of_the_clients,
    a_credential_of_the_client_is_not_replaced,
);

const PARENT: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

fn hi() -> Request {
    Request::text("m", "hi")
}

fn traced(trace: &str) -> Request {
    hi().with_header("traceparent", trace).expect("a header")
}

/// The values of this header in every handshake and every POST, in order; none is `-`.
fn sent(journal: &Journal, name: &str) -> Vec<String> {
    let heads = journal.entries().filter_map(|entry| match &entry.what {
        What::Handshake { headers } | What::Post { headers } => Some(headers),
        _ => None,
    });
    let value = |headers: &Vec<(String, String)>| {
        let values = headers.iter().filter(|(given, _)| given == name).map(|(_, value)| value.as_str());
        let values: Vec<_> = values.collect();
        if values.is_empty() { "-".to_owned() } else { values.join("|") }
    };
    heads.map(value).collect()
}

fn they_are_sent_with_a_handshake_and_not_on_a_websocket_that_is_there(adapter: &dyn Adapter) {
    let peer = Peer::start();
    let client = adapter.client(Settings::new(&peer));
    for request in [traced(PARENT), traced("another"), hi()] {
        assert!(collect(client.stream(request)).is_complete());
    }
    client.handle_network_change();
    assert!(collect(client.stream(hi())).is_complete());
    let journal = peer.journal();
    assert_eq!(journal.transports(), [Transport::WebSocket; 4], "{journal}");
    assert_eq!(sent(&journal, "traceparent"), [PARENT, "-"], "{journal}");
}

fn they_are_sent_with_each_post_of_their_request_and_no_other(adapter: &dyn Adapter) {
    let peer = Peer::start();
    peer.set_handshake(Handshake::status(403));
    let client = adapter.client(Settings::new(&peer));
    assert!(collect(client.stream(traced("one"))).is_complete());
    for request in [hi(), traced("two")] {
        assert!(collect(client.stream(request)).is_complete());
    }
    let journal = peer.journal();
    assert_eq!(journal.transports(), [Transport::Sse; 3], "{journal}");
    assert_eq!(sent(&journal, "traceparent"), ["one", "one", "-", "two"], "{journal}");
}

fn every_attempt_has_them(adapter: &dyn Adapter) {
    let peer = Peer::start();
    for _ in 0..2 {
        peer.push_turn(Transport::WebSocket, Turn::drop_after(1));
    }
    let client = adapter.client(Settings::new(&peer));
    let request = traced(PARENT).with_header("Idempotency-Key", "7").expect("a header");
    let outcome = collect(client.stream(request));
    assert!(outcome.error.is_none(), "{outcome:?}");
    let journal = peer.journal();
    assert_eq!(sent(&journal, "traceparent"), [PARENT; 3], "{journal}");
    assert_eq!(sent(&journal, "idempotency-key"), ["7"; 3], "{journal}");
}

fn they_take_the_place_of_the_clients(adapter: &dyn Adapter) {
    let peer = Peer::start();
    let mut headers = Headers::new();
    headers.insert("X-Trace", "client").expect("a header");
    headers.insert("User-Agent", "client/1").expect("a header");
    let client = adapter.client(Settings::new(&peer).headers(headers));
    let mut own = HeaderMap::new();
    own.insert("x-trace", HeaderValue::from_static("request"));
    own.insert("user-agent", HeaderValue::from_static("request/1"));
    assert!(collect(client.stream(hi().with_headers(own).expect("headers"))).is_complete());
    client.handle_network_change();
    assert!(collect(client.stream(hi())).is_complete());
    let journal = peer.journal();
    assert_eq!(sent(&journal, "x-trace"), ["request", "client"], "{journal}");
    assert_eq!(sent(&journal, "user-agent"), ["request/1", "client/1"], "{journal}");
}

/// Its name does not tell, but the client does.
fn a_credential_of_the_client_is_not_replaced(adapter: &dyn Adapter) {
    let peer = Peer::start();
    let mut headers = Headers::new();
    headers.insert_credential("X-Mine", "the client's").expect("a header");
    let client = adapter.client(Settings::new(&peer).headers(headers));
    let request = hi().with_header("x-mine", "s3cret").expect("a header");
    let outcome = collect(client.stream(request));
    assert!(outcome.items.is_empty(), "{outcome:?}");
    let error = outcome.error.expect("an error");
    assert!(matches!(error.kind(), ErrorKind::Request(RequestError::Header(_))), "{error:?}");
    assert_eq!((error.give_up(), error.is_retryable()), (GiveUp::NotRetryable, false));
    assert!(error.attempts().is_empty(), "{error}");
    let text = error.to_string();
    assert!(text.contains("`x-mine`") && text.contains("on the client"), "{text}");
    assert!(!format!("{error:?} {error}").contains("s3cret"), "{error:?}");
    assert_eq!(peer.journal().connections(), 0);
    assert!(collect(client.stream(hi())).is_complete());
}

#[test]
fn what_may_not_be_given_with_one_request_is_named() {
    for (name, value, part) in [
        ("Host", "x", "`Host` is set by the transport"),
        ("Upgrade", "x", "`Upgrade` is set by the transport"),
        ("content-length", "x", "`content-length` is set by the transport"),
        ("a b", "x", "`a b` is not a header name"),
        ("traceparent", "s3cret\nx", "the value of the header `traceparent`"),
        ("Authorization", "Bearer s3cret", "`authorization` is a credential"),
        ("Cookie", "s3cret", "`cookie` is a credential"),
        ("X-Api-Key", "s3cret", "`x-api-key` is a credential"),
    ] {
        let error = hi().with_header(name, value).expect_err(name);
        assert!(matches!(error, RequestError::Header(_)), "{error:?}");
        assert!(error.to_string().contains(part), "{error}");
        assert!(!format!("{error} {error:?}").contains("s3cret"), "{error:?}");
    }
    let mut marked = HeaderValue::from_static("s3cret");
    marked.set_sensitive(true);
    let error = hi().with_header("x-signature", &marked).expect_err("a credential");
    assert!(error.to_string().contains("`x-signature` is a credential"), "{error}");
    let map = HeaderMap::from_iter([(HeaderName::from_static("x-signature"), marked)]);
    assert_eq!(hi().with_headers(map).expect_err("a credential"), error);
}

#[test]
fn names_values_and_uris_of_http_are_accepted() {
    let peer = Peer::start();
    let uri: Uri = peer.url().parse().expect("a URI");
    let map = HeaderMap::from_iter([(HeaderName::from_static("x-map"), HeaderValue::from_static("1"))]);
    let client = failback_blocking::Client::builder(&uri)
        .websocket_url(uri)
        .no_proxy()
        .header(HeaderName::from_static("x-name"), HeaderValue::from_static("2"))
        .header("x-text", String::from("3"))
        .headers(map.clone())
        .build()
        .expect("a client");
    assert!(client.stream(hi()).all(|item| item.is_ok()));
    let journal = peer.journal();
    for (name, value) in [("x-map", "1"), ("x-name", "2"), ("x-text", "3")] {
        assert_eq!(sent(&journal, name), [value], "{journal}");
    }
    let mut twice = map;
    twice.append("x-map", HeaderValue::from_static("2"));
    let error = failback_tokio::Client::builder(peer.url()).headers(twice).build().expect_err("two values");
    assert!(error.to_string().contains("`x-map` has several values"), "{error}");
    let marked = {
        let mut marked = HeaderValue::from_static("s3cret");
        marked.set_sensitive(true);
        marked
    };
    let elsewhere = failback_smol::Client::builder("http://example.com/v1").header("x-signature", marked);
    let error = elsewhere.build().expect_err("plain text");
    assert!(error.to_string().contains("`x-signature` would be sent"), "{error}");
}
