//! The SOCKS5 proxy in front of a peer, byte by byte.

use std::io::{Read, Write};
use std::net::TcpStream;

use failback_peer::{Peer, Proxy, Tunnel};

/// Sends each message and reads as much as is expected after it.
#[track_caller]
fn talk(proxy: &Proxy, messages: &[(&[u8], &[u8])]) -> TcpStream {
    let addr = proxy.url().split_once("://").map(|(_, addr)| addr.to_owned()).expect("a URL");
    let mut stream = TcpStream::connect(addr).expect("the proxy listens");
    for (message, expected) in messages {
        stream.write_all(message).expect("the proxy reads");
        let mut answer = vec![0; expected.len()];
        stream.read_exact(&mut answer).expect("the proxy answers");
        assert_eq!(&answer, expected, "to {message:?}");
    }
    stream
}

#[track_caller]
fn expect_end(mut stream: TcpStream) {
    let mut rest = Vec::new();
    // A reset is an end too.
    let _ = stream.read_to_end(&mut rest);
    assert!(rest.is_empty(), "{rest:?}");
}

const NAME: &[u8] = b"\x05\x01\x00\x03\x09peer.test\x00\x50";
const ADDRESS: &[u8] = b"\x05\x01\x00\x01\xc0\x00\x02\x01\x01\xbb";
const GRANTED: &[u8] = &[5, 0, 0, 1, 0, 0, 0, 0, 0, 0];

#[test]
fn leads_to_the_peer_and_remembers_what_was_asked_for() {
    let peer = Peer::start();
    let proxy = Proxy::start_socks(&peer);
    for request in [NAME, ADDRESS] {
        let mut stream = talk(&proxy, &[(&[5, 1, 0], &[5, 0]), (request, GRANTED)]);
        stream.write_all(b"GET /elsewhere HTTP/1.1\r\n\r\n").expect("the tunnel takes it");
        let mut answer = [0; 12];
        stream.read_exact(&mut answer).expect("the peer answers");
        assert_eq!(&answer, b"HTTP/1.1 404");
    }
    let seen = proxy.seen();
    let seen: Vec<_> = seen.iter().map(|connect| (connect.authority.as_str(), connect.is_address)).collect();
    assert_eq!(seen, [("peer.test:80", false), ("192.0.2.1:443", true)]);
}

#[test]
fn lets_in_who_knows_the_password() {
    let peer = Peer::start();
    let proxy = Proxy::start_socks_with(&peer, "me", "sesame");
    expect_end(talk(&proxy, &[(&[5, 1, 0], &[5, 0xff])]));
    expect_end(talk(&proxy, &[(&[5, 2, 0, 2], &[5, 2]), (b"\x01\x02me\x01x", &[1, 1])]));
    assert!(proxy.seen().is_empty());
    talk(&proxy, &[(&[5, 2, 0, 2], &[5, 2]), (b"\x01\x02me\x06sesame", &[1, 0]), (NAME, GRANTED)]);
    assert_eq!(proxy.seen()[0].password, Some(("me".to_owned(), "sesame".to_owned())));
    assert!(!format!("{:?}", proxy.seen()).contains("sesame"));
}

#[test]
fn refuses_and_breaks_off_on_command() {
    let peer = Peer::start();
    let proxy = Proxy::start_socks(&peer);
    for code in [1, 2, 8, 200] {
        proxy.push(Tunnel::Refuse(code.into()));
        let reply = [&[5, code], &GRANTED[2..]].concat();
        expect_end(talk(&proxy, &[(&[5, 1, 0], &[5, 0]), (NAME, &reply)]));
    }
    proxy.push(Tunnel::BreakOff(1));
    expect_end(talk(&proxy, &[(&[5, 1, 0], &[5])]));
    proxy.push(Tunnel::BreakOff(6));
    expect_end(talk(&proxy, &[(&[5, 1, 0], &[5, 0]), (NAME, &GRANTED[..4])]));
    proxy.push(Tunnel::HangUp);
    expect_end(talk(&proxy, &[(&[5, 1, 0], &[5, 0]), (NAME, &[])]));
    proxy.push(Tunnel::Say(b"HTTP".to_vec()));
    talk(&proxy, &[(&[5, 1, 0], b"HTTP")]);
    assert!(peer.journal().transports().is_empty(), "{}", peer.journal());
}
