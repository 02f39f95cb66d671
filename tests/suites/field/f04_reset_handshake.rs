//! The connection breaks during the upgrade, or something else answers it: 7.1 s elsewhere.

use std::time::Duration;

use failback::{Mode, Transport};
use failback_peer::{Handshake, Peer};
use failback_tests::{Adapter, Settings, collect};
use failback_wire::Request;

with_every_adapter!(
    a_reset_costs_one_handshake_and_none_within_the_cooldown,
    a_reset_under_tls_costs_one_handshake_and_none_within_the_cooldown,
    an_end_costs_one_handshake_and_none_within_the_cooldown,
    an_answer_with_the_wrong_key_costs_one_handshake_and_none_within_the_cooldown,
    an_answer_that_is_no_http_costs_one_handshake_and_none_within_the_cooldown,
);

fn a_reset_costs_one_handshake_and_none_within_the_cooldown(adapter: &dyn Adapter) {
    costs_one_handshake(adapter, &Peer::start(), Handshake::Reset);
}

fn a_reset_under_tls_costs_one_handshake_and_none_within_the_cooldown(adapter: &dyn Adapter) {
    costs_one_handshake(adapter, &Peer::builder().tls().start(), Handshake::Reset);
}

fn an_end_costs_one_handshake_and_none_within_the_cooldown(adapter: &dyn Adapter) {
    costs_one_handshake(adapter, &Peer::start(), Handshake::Close);
}

fn an_answer_with_the_wrong_key_costs_one_handshake_and_none_within_the_cooldown(adapter: &dyn Adapter) {
    costs_one_handshake(adapter, &Peer::start(), Handshake::BadAccept);
}

fn an_answer_that_is_no_http_costs_one_handshake_and_none_within_the_cooldown(adapter: &dyn Adapter) {
    costs_one_handshake(adapter, &Peer::start(), Handshake::Garbage(b"SSH-2.0-OpenSSH_9.6\r\n\r\n".to_vec()));
}

fn costs_one_handshake(adapter: &dyn Adapter, peer: &Peer, handshake: Handshake) {
    peer.set_handshake(handshake);
    let client = adapter.client(Settings::new(peer));

    let first = collect(client.stream(Request::text("m", "hello world")));
    assert!(first.is_complete(), "{first:?}");
    assert_eq!(first.text(), "echo: hello world");
    assert_eq!(first.moves(), [Transport::Sse]);
    assert!(first.notices()[0].text().starts_with("moved to SSE: the WebSocket "), "{first:?}");
    assert!(first.notices()[0].text().contains("handshake"), "{first:?}");
    assert!(first.restarts().is_empty(), "{first:?}");
    assert!(first.first_event_after().expect("an event") < Duration::from_millis(2500), "{first:?}");

    client.advance(Duration::from_secs(50));
    let second = collect(client.stream(Request::text("m", "hello again")));
    assert!(second.is_complete() && second.notices().is_empty(), "{second:?}");
    assert_eq!(second.text(), "echo: hello again");

    let journal = peer.journal();
    assert_eq!(journal.handshakes(), 1, "{journal}");
    assert_eq!(journal.transports(), [Transport::Sse, Transport::Sse], "{journal}");
    assert!(matches!(client.policy().mode(), Mode::FailedOver { .. }));
}
