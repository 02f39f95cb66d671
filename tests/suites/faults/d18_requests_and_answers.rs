//! What is sent once and what is read of an answer: headers that came twice or got lost, an answer whose body
//! does not come, one in an encoding that nobody asked for, one with many headers.

use std::sync::Arc;
use std::time::Duration;

use failback::{Blame, Config, Transport};
use failback_peer::{Handshake, Peer, Turn, What};
use failback_tests::{Adapter, Settings};
use failback_wire::Headers;

use crate::common::{expect_echo, expect_refused, peer_on, turn};

with_every_adapter!(
    each_header_is_sent_once,
    a_refusal_whose_body_does_not_come_holds_no_turn_up,
    an_encoded_answer_is_named,
    a_gateway_may_add_many_headers,
    numbers_that_nobody_reads_may_have_any_size,
);

fn each_header_is_sent_once(adapter: &dyn Adapter) {
    let peer = peer_on(Transport::Sse);
    let mut headers = Headers::new();
    headers.insert("User-Agent", "mine/1").expect("a header");
    let client = adapter.client(Settings::new(&peer).headers(headers));
    expect_echo(&turn(&*client), &peer, Transport::Sse, 1);
    let journal = peer.journal();
    let heads = journal.entries().filter_map(|entry| match &entry.what {
        What::Handshake { headers } | What::Post { headers } => Some(headers),
        _ => None,
    });
    let mut count = 0;
    for headers in heads {
        count += 1;
        let agents: Vec<_> = headers.iter().filter(|(name, _)| name == "user-agent").collect();
        assert_eq!(agents, [&("user-agent".to_owned(), "mine/1".to_owned())], "{journal}");
    }
    assert_eq!(count, 2, "{journal}");
    let asked = ("accept-encoding".to_owned(), "identity".to_owned());
    assert!(
        journal.any(|what| matches!(what, What::Post { headers } if headers.contains(&asked))),
        "{journal}"
    );
}

#[test]
fn headers_are_added_to_those_set_before() {
    let peer = Peer::start();
    peer.require_bearer("right");
    let mut more = Headers::new();
    more.insert("X-Trace", "7").expect("a header");
    let client = failback_tokio::Client::builder(peer.url()).no_proxy().bearer("right").headers(more).build();
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    runtime.block_on(async {
        let mut stream = client.expect("a client").stream(failback_wire::Request::text("m", "hello"));
        while let Some(item) = stream.next().await {
            item.expect("no error");
        }
    });
    let traced = ("x-trace".to_owned(), "7".to_owned());
    let journal = peer.journal();
    assert!(
        journal.any(|what| matches!(what, What::Handshake { headers } if headers.contains(&traced))),
        "{journal}"
    );
    assert_eq!(journal.transports(), [Transport::WebSocket], "{journal}");
}

#[test]
fn tls_that_offers_other_protocols_offers_http_1() {
    let mut config =
        rustls::ClientConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
            .with_safe_default_protocol_versions()
            .expect("the default versions")
            .with_root_certificates(rustls::RootCertStore::empty())
            .with_no_client_auth();
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    // A server that prefers h2 would choose it, and this one records what it is offered.
    let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    let url = format!("https://{}/v1", listener.local_addr().expect("an address"));
    let (offered, heard) = std::sync::mpsc::channel();
    std::thread::spawn(move || {
        for mut stream in listener.incoming().flatten() {
            let mut acceptor = rustls::server::Acceptor::default();
            let accepted = loop {
                if acceptor.read_tls(&mut stream).is_err() {
                    return;
                }
                match acceptor.accept() {
                    Ok(Some(accepted)) => break accepted,
                    Ok(None) => {}
                    Err(_) => return,
                }
            };
            let hello = accepted.client_hello();
            let protocols: Vec<_> = hello.alpn().into_iter().flatten().map(<[u8]>::to_vec).collect();
            if offered.send(protocols).is_err() {
                return;
            }
        }
    });
    let client = failback_tokio::Client::builder(url).no_proxy().tls_config(Arc::new(config));
    let client = client.config(Config::new().with_stream_max_retries(0)).build().expect("a client");
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    runtime.block_on(async {
        let mut stream = client.stream(failback_wire::Request::text("m", "hello"));
        while stream.next().await.is_some() {}
    });
    assert_eq!(heard.recv_timeout(Duration::from_secs(20)), Ok(vec![b"http/1.1".to_vec()]));
}

fn a_refusal_whose_body_does_not_come_holds_no_turn_up(adapter: &dyn Adapter) {
    let peer = Peer::start();
    let head = "HTTP/1.1 403 Forbidden\r\ncontent-type: text/plain\r\ncontent-length: 100\r\n\r\nnot al";
    peer.set_handshake(Handshake::Garbage(head.into()));
    // Otherwise the head start would hide what is tested.
    let client = adapter.client(Settings::new(&peer).config(Config::new().with_head_start(Duration::MAX)));
    let outcome = turn(&*client);
    expect_echo(&outcome, &peer, Transport::Sse, 1);
    let asked = peer.journal().times(|what| matches!(what, What::Handshake { .. } | What::Request { .. }));
    let [handshake, request] = asked[..] else { panic!("{}", peer.journal()) };
    assert!(request - handshake < Duration::from_millis(800), "{}", peer.journal());
    let text = outcome.notices()[0].text();
    assert!(text.contains("403 Forbidden: not al…"), "{text}");
}

fn an_encoded_answer_is_named(adapter: &dyn Adapter) {
    let peer = peer_on(Transport::Sse);
    let config = Config::new().with_stream_max_retries(0);
    let gzip = "\u{1f}\u{8b}...";
    peer.set_turn(
        Transport::Sse,
        Turn::status(200)
            .header("content-type", "text/event-stream")
            .header("content-encoding", "gzip")
            .body(gzip),
    );
    let error = turn(&*adapter.client(Settings::new(&peer).config(config))).error.expect("an error");
    let last = error.attempts().last().expect("an attempt");
    assert_eq!(last.blame(), Some(Blame::Network), "{error}");
    assert!(last.text().contains("an encoding that was not asked for: gzip"), "{error}");

    peer.set_turn(Transport::Sse, Turn::status(401).header("content-encoding", "br").body(gzip));
    let error = turn(&*adapter.client(Settings::new(&peer).config(config))).error.expect("an error");
    let last = error.attempts().last().expect("an attempt");
    assert!(last.text().contains("401 Unauthorized") && last.text().contains("asked for: br"), "{error}");
}

fn a_gateway_may_add_many_headers(adapter: &dyn Adapter) {
    let peer = peer_on(Transport::Sse);
    let more: String = (0..240).map(|number| format!("x-gateway-{number}: {number}\r\n")).collect();
    let head =
        format!("HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\nconnection: close\r\n{more}\r\n");
    let body = "data: {\"type\":\"response.output_text.delta\",\"delta\":\"echo: hello\"}\n\n\
                data: {\"type\":\"response.completed\"}\n\n";
    peer.set_turn(Transport::Sse, Turn::no_headers().then_raw(format!("{head}{body}")).then_drop());
    let client = adapter.client(Settings::new(&peer));
    expect_echo(&turn(&*client), &peer, Transport::Sse, 1);
}

fn numbers_that_nobody_reads_may_have_any_size(adapter: &dyn Adapter) {
    let peer = peer_on(Transport::WebSocket);
    let event =
        r#"{"type":"error","x":1e999,"error":{"code":"invalid_prompt","message":"No.","limit":-1e999}}"#;
    peer.push_turn(Transport::WebSocket, Turn::new().then_payload(event));
    let client = adapter.client(Settings::new(&peer));
    expect_refused(&turn(&*client), &peer, Transport::WebSocket, "No.");
}
