//! Every way to answer an upgrade.

mod common;

use common::{End, Raw, all_gone, hello_ws, text};
use failback_peer::{Gate, Handshake, Peer, Transport, What, text_frame};

#[test]
fn accept() {
    let peer = Peer::start();
    let raw = Raw::upgrade(&peer);
    let journal = peer.journal();
    assert_eq!((journal.handshakes(), journal.upgrades()), (1, 1), "{journal}");
    assert!(!journal.to_string().contains("sesame"), "{journal}");
    let shown = ("authorization".to_owned(), "(present)".to_owned());
    assert!(
        journal.any(|w| matches!(w, What::Handshake { headers } if headers.contains(&shown))),
        "{journal}"
    );
    drop(raw);
    all_gone(&peer);
}

#[test]
fn black_hole() {
    let peer = Peer::start();
    peer.set_handshake(Handshake::BlackHole);
    let mut raw = Raw::ask_upgrade(&peer);
    raw.silent();
    assert_eq!(peer.journal().open_connections(), 1);
    drop(raw);
    let journal = all_gone(&peer);
    assert_eq!((journal.handshakes(), journal.upgrades()), (1, 0), "{journal}");
}

#[test]
fn hold() {
    let peer = Peer::start();
    let gate = Gate::new();
    peer.push_handshake(Handshake::hold(&gate));
    let mut raw = Raw::ask_upgrade(&peer);
    gate.reached_blocking();
    raw.silent();
    gate.open();
    assert_eq!(raw.head().0, 101);
    raw.create(hello_ws());
    assert_eq!(text(&raw.ws_turn()), "echo: hello world");
}

#[test]
fn hold_and_then_refuse() {
    let peer = Peer::start();
    let gate = Gate::new();
    peer.push_handshake(Handshake::hold_then(&gate, Handshake::status(502)));
    let mut raw = Raw::ask_upgrade(&peer);
    gate.reached_blocking();
    gate.open();
    assert_eq!(raw.answer().0, 502);
}

#[test]
fn a_client_that_leaves_a_closed_gate_is_noticed() {
    let peer = Peer::start();
    let gate = Gate::new();
    peer.set_handshake(Handshake::hold(&gate));
    let raw = Raw::ask_upgrade(&peer);
    gate.reached_blocking();
    drop(raw);
    all_gone(&peer);
    assert!(!gate.is_open());
}

#[test]
fn status() {
    let peer = Peer::start();
    peer.push_handshake(Handshake::status(429).header("retry-after", "7"));
    let mut raw = Raw::ask_upgrade(&peer);
    let (status, headers) = raw.head();
    assert_eq!(status, 429);
    assert!(headers.contains(&"retry-after: 7".to_owned()), "{headers:?}");
    assert_eq!(peer.journal().refusals(), [429]);
    // One shot: the next one is accepted.
    Raw::upgrade(&peer);
}

#[test]
fn reset() {
    let peer = Peer::start();
    peer.set_handshake(Handshake::Reset);
    assert_eq!(Raw::ask_upgrade(&peer).end(), End::Reset);
    assert_eq!(peer.journal().open_connections(), 0);
}

#[test]
fn close() {
    let peer = Peer::start();
    peer.set_handshake(Handshake::Close);
    assert_eq!(Raw::ask_upgrade(&peer).end(), End::Eof);
    all_gone(&peer);
}

#[test]
fn bad_accept() {
    let peer = Peer::start();
    peer.set_handshake(Handshake::BadAccept);
    let (status, headers) = Raw::ask_upgrade(&peer).head();
    assert_eq!(status, 101);
    assert!(!headers.iter().any(|h| h.ends_with("s3pPLMBiTxaQ9kYGzzhZRbK+xOo=")), "{headers:?}");
    assert_eq!(all_gone(&peer).upgrades(), 0);
}

#[test]
fn garbage() {
    let peer = Peer::start();
    peer.set_handshake(Handshake::Garbage(b"\x00\xffSSH-2.0\r\n\r\n".to_vec()));
    let mut raw = Raw::ask_upgrade(&peer);
    assert_eq!(raw.bytes(13), b"\x00\xffSSH-2.0\r\n\r\n");
    raw.silent();
}

#[test]
fn accept_then_close() {
    let peer = Peer::start();
    peer.set_handshake(Handshake::AcceptThenClose { code: 1008 });
    let mut raw = Raw::upgrade(&peer);
    assert_eq!(raw.close_code(), 1008);
    assert!(peer.journal().any(|w| *w == What::CloseSent { code: 1008 }));
    drop(raw);
    all_gone(&peer);
}

#[test]
fn accept_then_reset() {
    let peer = Peer::start();
    peer.set_handshake(Handshake::AcceptThenReset);
    let mut raw = Raw::ask_upgrade(&peer);
    // The reset may overtake the answer.
    while raw.fill() != Err(End::Reset) {}
    assert_eq!(all_gone(&peer).upgrades(), 1);
}

#[test]
fn accept_with_early_bytes() {
    let peer = Peer::start();
    peer.push_handshake(Handshake::AcceptWithEarlyBytes(text_frame("{\"sequence_number\":0}")));
    let mut raw = Raw::upgrade(&peer);
    raw.ws_events(1);
    raw.create(hello_ws());
    assert_eq!(text(&raw.ws_turn()), "echo: hello world");
}

#[test]
fn pushed_handshakes_come_first_and_in_order() {
    let peer = Peer::start();
    peer.set_handshake(Handshake::status(403));
    peer.push_handshake(Handshake::status(500));
    peer.push_handshake(Handshake::status(426));
    peer.push_handshake(Handshake::Accept);
    let status = || Raw::ask_upgrade(&peer).head().0;
    assert_eq!([status(), status(), status(), status(), status()], [500, 426, 101, 403, 403]);
    peer.push_handshake(Handshake::Accept);
    peer.clear_pushed();
    assert_eq!(status(), 403);
}

#[test]
fn improper_upgrades_are_refused_and_use_nothing_up() {
    let peer = Peer::start();
    peer.push_handshake(Handshake::status(418));
    let ask = |head: &str| {
        let mut raw = Raw::connect(&peer);
        raw.send(format!("{head}\r\n\r\n").as_bytes());
        raw.answer().0
    };
    let rest = "\r\nConnection: Upgrade\r\nUpgrade: websocket";
    assert_eq!(ask(&format!("GET /v1/other HTTP/1.1{rest}")), 404);
    assert_eq!(ask(&format!("GET /v1/responses HTTP/1.1{rest}\r\nSec-WebSocket-Version: 8")), 426);
    assert_eq!(ask(&format!("GET /v1/responses HTTP/1.1{rest}\r\nSec-WebSocket-Version: 13")), 400);
    assert_eq!(ask("GET /v1/responses HTTP/1.1\r\nUpgrade: websocket"), 400);
    assert_eq!(peer.journal().bad_requests().len(), 4);
    assert_eq!(Raw::ask_upgrade(&peer).answer().0, 418);
}

#[test]
fn a_required_token() {
    let peer = Peer::start();
    peer.require_bearer("sesame");
    Raw::upgrade(&peer);
    peer.require_bearer("other");
    let (status, body) = Raw::ask_upgrade(&peer).answer();
    assert_eq!(status, 401);
    assert!(body.contains("Incorrect API key"), "{body}");
    let mut post = Raw::ask(&peer);
    assert_eq!(post.answer().0, 401);
    let journal = peer.journal();
    assert_eq!(journal.requests(Transport::Sse), 1);
    assert!(journal.any(|w| matches!(w, What::Request { authorized: false, .. })), "{journal}");
}
