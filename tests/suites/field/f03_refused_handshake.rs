//! An upgrade refused with 403 by a proxy: 7.3 s and 7 handshakes elsewhere.

use std::time::Duration;

use failback::{Mode, Transport};
use failback_peer::{Handshake, Peer};
use failback_tests::{Adapter, Settings, collect};
use failback_wire::Request;

with_every_adapter!(
    one_handshake_then_sse_at_once_and_none_within_the_cooldown,
    upgrade_required_is_one_handshake_too,
);

fn one_handshake_then_sse_at_once_and_none_within_the_cooldown(adapter: &dyn Adapter) {
    refused(adapter, 403);
}

fn upgrade_required_is_one_handshake_too(adapter: &dyn Adapter) {
    refused(adapter, 426);
}

fn refused(adapter: &dyn Adapter, status: u16) {
    let peer = Peer::start();
    peer.set_handshake(Handshake::status(status));
    let client = adapter.client(Settings::new(&peer));

    let first = collect(client.stream(Request::text("m", "hello world")));
    assert!(first.is_complete(), "{first:?}");
    assert_eq!(first.text(), "echo: hello world");
    assert_eq!(first.moves(), [Transport::Sse]);
    assert!(first.notices()[0].text().contains(&status.to_string()), "{first:?}");

    client.advance(Duration::from_secs(59));
    let second = collect(client.stream(Request::text("m", "hello again")));
    assert!(second.is_complete(), "{second:?}");
    assert!(second.notices().is_empty(), "{second:?}");

    let journal = peer.journal();
    assert_eq!(journal.handshakes(), 1, "{journal}");
    assert_eq!(journal.transports(), [Transport::Sse, Transport::Sse], "{journal}");
    assert!(matches!(client.policy().mode(), Mode::FailedOver { .. }));
}
