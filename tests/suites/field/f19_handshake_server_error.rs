//! An upgrade answered with a 5xx while plain HTTP works: reconnecting in a loop.

use std::time::Duration;

use failback::{Mode, Transport};
use failback_peer::{Handshake, Peer};
use failback_tests::{Adapter, Settings, collect};
use failback_wire::Request;

with_every_adapter!(one_handshake_then_sse_at_once_whatever_the_status);

fn one_handshake_then_sse_at_once_whatever_the_status(adapter: &dyn Adapter) {
    for status in [500, 501, 502, 503, 504] {
        let peer = Peer::start();
        peer.set_handshake(Handshake::status(status));
        let client = adapter.client(Settings::new(&peer));

        let first = collect(client.stream(Request::text("m", "hello world")));
        assert!(first.is_complete(), "{status}: {first:?}");
        assert_eq!(first.text(), "echo: hello world");
        assert_eq!(first.moves(), [Transport::Sse]);
        assert!(first.notices()[0].text().contains(&status.to_string()), "{first:?}");

        client.advance(Duration::from_secs(59));
        let second = collect(client.stream(Request::text("m", "hello again")));
        assert!(second.is_complete() && second.notices().is_empty(), "{status}: {second:?}");

        let journal = peer.journal();
        assert_eq!((journal.handshakes(), journal.refusals()), (1, vec![status]), "{journal}");
        assert_eq!(journal.transports(), [Transport::Sse, Transport::Sse], "{journal}");
        assert!(matches!(client.policy().mode(), Mode::FailedOver { .. }), "{status}");
    }
}
