//! Real clients, with and without TLS, on tokio.

use std::sync::Arc;

use async_tungstenite::WebSocketStream;
use async_tungstenite::tungstenite::{Error, Message, protocol::frame::coding::CloseCode};
use failback_peer::{Gate, Handshake, Peer, Transport, Turn, What};
use futures_util::StreamExt;
use rustls::pki_types::{CertificateDer, ServerName, pem::PemObject};
use serde_json::Value;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_util::compat::{Compat, TokioAsyncReadCompatExt};

trait Stream: AsyncRead + AsyncWrite + Unpin + Send {}
impl<T: AsyncRead + AsyncWrite + Unpin + Send> Stream for T {}
type Socket = WebSocketStream<Compat<Box<dyn Stream>>>;

async fn connect(peer: &Peer) -> std::io::Result<Box<dyn Stream>> {
    let tcp = TcpStream::connect(peer.addr()).await?;
    let Some(pem) = peer.ca_pem() else { return Ok(Box::new(tcp)) };
    let mut roots = rustls::RootCertStore::empty();
    roots.add(CertificateDer::from_pem_slice(pem.as_bytes()).unwrap()).unwrap();
    Ok(Box::new(tls_connector(roots).connect(ServerName::try_from("127.0.0.1").unwrap(), tcp).await?))
}

fn tls_connector(roots: rustls::RootCertStore) -> TlsConnector {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = rustls::ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    TlsConnector::from(Arc::new(config))
}

async fn upgrade(peer: &Peer) -> Result<Socket, Error> {
    let url = format!("{}/responses", peer.url().replacen("http", "ws", 1));
    async_tungstenite::client_async(url, connect(peer).await?.compat()).await.map(|(socket, _)| socket)
}

async fn turn(socket: &mut Socket) -> Result<String, Error> {
    socket.send(Message::text("{\"type\":\"response.create\",\"input\":\"hi\"}")).await?;
    let mut text = String::new();
    loop {
        let message = socket.next().await.ok_or(Error::ConnectionClosed)??;
        let Message::Text(json) = message else { continue };
        let event: Value = serde_json::from_str(&json).unwrap();
        text.push_str(event["delta"].as_str().unwrap_or_default());
        if event["type"] == "response.completed" {
            return Ok(text);
        }
    }
}

fn peers() -> [Peer; 2] {
    [Peer::start(), Peer::builder().tls().start()]
}

#[tokio::test]
async fn turns_then_a_close() {
    for peer in peers() {
        let mut socket = upgrade(&peer).await.unwrap();
        for _ in 0..3 {
            assert_eq!(turn(&mut socket).await.unwrap(), "echo: hi");
        }
        socket.close(None).await.unwrap();
        while socket.next().await.is_some() {}
        drop(socket);
        let journal = peer.wait_for("the end", |j| j.open_connections() == 0).await;
        assert!(journal.any(|w| matches!(w, What::CloseReceived { code: 1005 })), "{journal}");
        assert_eq!(journal.request_connections(), [1, 1, 1]);
    }
}

#[tokio::test]
async fn every_ending_is_seen_for_what_it_is() {
    for peer in peers() {
        peer.push_turn(Transport::WebSocket, Turn::drop_after(2));
        assert!(turn(&mut upgrade(&peer).await.unwrap()).await.is_err());
        peer.push_turn(Transport::WebSocket, Turn::reset_after(2));
        assert!(turn(&mut upgrade(&peer).await.unwrap()).await.is_err());
        peer.push_turn(Transport::WebSocket, Turn::close_after(2, 1012));
        let mut socket = upgrade(&peer).await.unwrap();
        socket.send(Message::text("{\"type\":\"response.create\"}")).await.unwrap();
        let messages: Vec<_> = socket.by_ref().take(3).collect().await;
        let Some(Ok(Message::Close(Some(frame)))) = messages.last() else { panic!("{messages:?}") };
        assert_eq!(frame.code, CloseCode::Restart);
        drop(socket);
        peer.wait_for("the end", |j| j.open_connections() == 0).await;
    }
}

#[tokio::test]
async fn every_refusal_is_seen_for_what_it_is() {
    for peer in peers() {
        peer.push_handshake(Handshake::status(403));
        let Err(Error::Http(response)) = upgrade(&peer).await else { panic!() };
        assert_eq!(response.status(), 403);
        for handshake in [Handshake::Reset, Handshake::Close, Handshake::BadAccept] {
            peer.push_handshake(handshake);
            assert!(upgrade(&peer).await.is_err());
        }
        peer.push_handshake(Handshake::Garbage(b"\0\0\0\0\r\n\r\n".to_vec()));
        assert!(upgrade(&peer).await.is_err());
        let journal = peer.wait_for("the end", |j| j.open_connections() == 0).await;
        assert_eq!((journal.handshakes(), journal.upgrades()), (5, 0), "{journal}");
    }
}

#[tokio::test]
async fn a_cancelled_handshake_and_a_cancelled_turn_leave_nothing() {
    for peer in peers() {
        peer.push_handshake(Handshake::BlackHole);
        tokio::select! {
            _ = upgrade(&peer) => panic!("nobody answers"),
            _ = peer.wait_for("the handshake", |j| j.handshakes() == 1) => {}
        }
        peer.wait_for("the end", |j| j.open_connections() == 0).await;
        let gate = Gate::new();
        peer.push_turn(Transport::WebSocket, Turn::complete().gate_before(3, &gate));
        let mut socket = upgrade(&peer).await.unwrap();
        tokio::select! {
            _ = turn(&mut socket) => panic!("the gate is closed"),
            () = gate.reached() => {}
        }
        drop(socket);
        peer.wait_for("the end", |j| j.open_connections() == 0).await;
    }
}

#[tokio::test]
async fn sse_over_tls() {
    let peer = Peer::builder().tls().start();
    assert!(peer.url().starts_with("https://127.0.0.1:"));
    let mut stream = connect(&peer).await.unwrap();
    let body = "{\"stream\":true,\"input\":\"hi\"}";
    let request = format!(
        "POST /v1/responses HTTP/1.1\r\naccept: text/event-stream\r\nconnection: close\r\ncontent-length: {}\r\n\r\n{body}",
        body.len()
    );
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = String::new();
    // The end is proper: rustls would report a missing close_notify.
    stream.read_to_string(&mut answer).await.unwrap();
    assert!(answer.ends_with("\n\n\r\n0\r\n\r\n"), "{answer}");

    peer.push_turn(Transport::Sse, Turn::drop_after(2));
    let mut stream = connect(&peer).await.unwrap();
    stream.write_all(request.as_bytes()).await.unwrap();
    assert!(stream.read_to_end(&mut Vec::new()).await.is_err());
}

#[tokio::test]
async fn strangers_to_tls_are_journalled() {
    let peer = Peer::builder().tls().start();
    let tcp = TcpStream::connect(peer.addr()).await.unwrap();
    let trusting_nobody = tls_connector(rustls::RootCertStore::empty());
    assert!(trusting_nobody.connect(ServerName::try_from("localhost").unwrap(), tcp).await.is_err());
    let mut plain = TcpStream::connect(peer.addr()).await.unwrap();
    plain.write_all(b"GET / HTTP/1.1\r\n\r\n").await.unwrap();
    drop(TcpStream::connect(peer.addr()).await.unwrap());
    let journal = peer
        .wait_for("three failures", |j| j.count(|w| *w == What::TlsFailed) == 3 && j.open_connections() == 0)
        .await;
    assert_eq!(journal.connections(), 3, "{journal}");
}
