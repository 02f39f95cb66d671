//! A certificate that is not trusted was shown seven times in six seconds. Each transport asks once, at once,
//! and the error says what to do. What a proxy refuses for good is in the suite of proxies.

use std::time::{Duration, Instant};

use failback::{Blame, GiveUp, Mode, Stage, Transport};
use failback_peer::{Peer, Proxy, What};
use failback_tests::{Adapter, Settings};

use crate::common::turn;

with_every_adapter!(a_certificate_that_is_refused_is_seen_once_on_each_transport);

fn a_certificate_that_is_refused_is_seen_once_on_each_transport(adapter: &dyn Adapter) {
    let peer = Peer::builder().tls().start();
    let mut stranger = Settings::new(&peer);
    stranger.ca_pem = Peer::builder().tls().start().ca_pem().map(str::to_owned);
    let proxy = Proxy::start(&peer);
    let mut misnamed = Settings::new(&peer).proxy(&proxy);
    misnamed.url = "https://peer.test/v1".to_owned();
    for settings in [stranger, misnamed] {
        let before = peer.journal().count(|what| matches!(what, What::Connected));
        let client = adapter.client(settings);
        let begun = Instant::now();
        let error = turn(&*client).error.expect("an error");
        assert_eq!(error.give_up(), GiveUp::NotRetryable, "{error}");
        let attempts: Vec<_> =
            error.attempts().iter().map(|a| (a.transport(), a.stage(), a.blame())).collect();
        let expected = [
            (Transport::WebSocket, Stage::Connecting, Some(Blame::Network)),
            (Transport::Sse, Stage::Connecting, Some(Blame::Request)),
        ];
        assert_eq!(attempts, expected, "{error}");
        for part in ["certificate", "SSL_CERT_FILE"] {
            assert!(error.to_string().contains(part), "{error}");
        }
        assert!(begun.elapsed() < Duration::from_secs(3), "{error}");
        assert_eq!(client.policy().mode(), Mode::Preferred);
        let seen = peer.journal().count(|what| matches!(what, What::Connected)) - before;
        assert!(seen <= 2, "{}", peer.journal());
    }
}
