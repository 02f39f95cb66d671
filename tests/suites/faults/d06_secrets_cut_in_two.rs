//! A server repeats what it was sent, and the text is shortened in the middle of a key, so that the key is
//! not found in it.

use failback::{Config, Transport};
use failback_peer::{Handshake, Peer, Turn};
use failback_tests::{Adapter, Settings};
use failback_wire::Headers;

use crate::common::{peer_on, turn};

with_every_adapter!(
    no_part_of_a_key_is_left_wherever_a_text_is_cut,
    what_the_url_and_basic_credentials_say_is_cut_out,
);

const KEY: &str = "sk-proj-Zq8vXw2LmN4bTcR7yHsK1dPfGjAeUo9i0QzV";

fn client_of(peer: &Peer, adapter: &dyn Adapter) -> Box<dyn failback_tests::TestClient> {
    let mut headers = Headers::new();
    headers.bearer(KEY).expect("a token");
    let config = Config::new().with_stream_max_retries(0);
    adapter.client(Settings::new(peer).headers(headers).config(config))
}

/// What is shown of a turn that fails has no four characters of the key in a row.
fn expect_no_part(client: &dyn failback_tests::TestClient) {
    let outcome = turn(client);
    let error = outcome.error.as_ref().expect("an error");
    let shown = format!("{error} {error:?} {:?}", outcome.notices());
    for start in 0..KEY.len() - 4 {
        let part = &KEY[start..start + 4];
        assert!(!shown.contains(part), "{part} is in: {shown}");
    }
}

fn no_part_of_a_key_is_left_wherever_a_text_is_cut(adapter: &dyn Adapter) {
    // Each place where a text is shortened: 80 bytes of what is no event, 128 of a code, 2048 of a message,
    // 123 of a reason (by the protocol), 8192 of a body; and around each of them.
    for before in [40, 60, 70, 78, 84, 90, 110, 126, 2000, 2020, 2046, 8150, 8170, 8190] {
        let filler = "x".repeat(before);
        let key_at = format!("{filler}{KEY}{}", "y".repeat(100));
        let spaces = format!("{}{KEY} is not known", " ".repeat(before));
        let json = format!(r#"{{"error":{{"code":"invalid_{key_at}","message":"{key_at}"}}}}"#);
        for said in [&key_at, &spaces, &json] {
            let peer = peer_on(Transport::Sse);
            peer.set_handshake(Handshake::Status { code: 403, headers: Vec::new(), body: said.clone() });
            peer.set_turn(Transport::Sse, Turn::status(401).body(said));
            expect_no_part(&*client_of(&peer, adapter));
            peer.set_turn(Transport::Sse, Turn::new().then_payload(format!("data: {said}\n\n")));
            expect_no_part(&*client_of(&peer, adapter));
            peer.set_turn(
                Transport::Sse,
                Turn::new().then_payload(format!("event: error\ndata: {said}\n\n")),
            );
            expect_no_part(&*client_of(&peer, adapter));
            let peer = peer_on(Transport::WebSocket);
            peer.set_turn(Transport::Sse, Turn::status(401).body(said));
            peer.set_turn(Transport::WebSocket, Turn::new().then_payload(said));
            expect_no_part(&*client_of(&peer, adapter));
            let reason: String = said.chars().take(123).collect();
            peer.set_turn(Transport::WebSocket, Turn::new().then_close(1008, &reason));
            expect_no_part(&*client_of(&peer, adapter));
        }
    }
}

fn what_the_url_and_basic_credentials_say_is_cut_out(adapter: &dyn Adapter) {
    // `Aladdin:open sesame`
    let encoded = "QWxhZGRpbjpvcGVuIHNlc2FtZQ==";
    for said in [
        "POST /v1/responses?api-version=3&api-key=a%2Fquery-secret was refused",
        "no such key: a/query-secret",
        r#"no such key: a\\/query-secret"#,
        "no such user: Aladdin:open sesame",
        "wrong password: open sesame",
        "no such user: QWxhZGRpbjpvcGVuIHNlc2FtZQ",
    ] {
        let body = format!(r#"{{"error":{{"message":"{said}"}}}}"#);
        let peer = Peer::start();
        peer.set_handshake(Handshake::Status { code: 403, headers: Vec::new(), body: body.clone() });
        peer.set_turn(Transport::Sse, Turn::status(401).body(&body));
        let mut headers = Headers::new();
        headers.insert("Authorization", format!("Basic {encoded}")).expect("a header");
        let mut settings = Settings::new(&peer).headers(headers);
        settings.url.push_str("?api-version=3&api-key=a%2Fquery-secret");
        let error = turn(&*adapter.client(settings)).error.expect("an error");
        let shown = format!("{error} {error:?}");
        assert!(shown.contains("[redacted]"), "{shown}");
        for secret in ["query-secret", "sesame", "QWxhZGRpbj"] {
            assert!(!shown.contains(secret), "{secret} is in: {shown}");
        }
    }
}
