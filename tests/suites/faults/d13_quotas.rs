//! A quota that is used up was asked for again six times, whether it said when it comes back or not.

use std::time::{Duration, SystemTime};

use failback::{GiveUp, Transport};
use failback_peer::{Handshake, Turn};
use failback_tests::{Adapter, Settings};

use crate::common::{expect_refused, peer_on, turn};

with_every_adapter!(
    one_that_says_when_it_comes_back_is_told_with_the_wait,
    one_that_does_not_ends_the_turn,
    one_that_refuses_the_handshake_is_told_as_well,
);

const CODES: [&str; 4] =
    ["usage_limit_reached", "usage_not_included", "insufficient_quota", "billing_hard_limit_reached"];
const HOUR: u64 = 3600;

fn expect_busy(outcome: &failback_tests::Outcome, requests: usize, done: usize) {
    let error = outcome.error.as_ref().expect("an error");
    let GiveUp::ServerBusy { retry_after } = error.give_up() else { panic!("{error}") };
    assert!(retry_after <= Duration::from_secs(HOUR), "{error}");
    assert!(retry_after > Duration::from_secs(HOUR - 60), "{error}");
    assert_eq!(requests, done, "{error}");
}

fn one_that_says_when_it_comes_back_is_told_with_the_wait(adapter: &dyn Adapter) {
    let since_1970 = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).expect("after 1970");
    let at = since_1970.as_secs() + HOUR;
    for code in CODES {
        for when in [format!(r#""resets_at":{at}"#), format!(r#""resets_in_seconds":{HOUR}"#)] {
            let error = format!(r#""error":{{"type":"{code}","message":"Used up.",{when}}}"#);
            let peer = peer_on(Transport::WebSocket);
            let event = format!(r#"{{"type":"error","status":429,{error}}}"#);
            peer.set_turn(Transport::WebSocket, Turn::new().then_payload(event));
            let outcome = turn(&*adapter.client(Settings::new(&peer)));
            expect_busy(&outcome, peer.journal().transports().len(), 1);

            let peer = peer_on(Transport::Sse);
            peer.set_turn(Transport::Sse, Turn::status(429).body(&format!("{{{error}}}")));
            let outcome = turn(&*adapter.client(Settings::new(&peer)));
            expect_busy(&outcome, peer.journal().transports().len(), 1);
        }
    }
    let peer = peer_on(Transport::Sse);
    let answer = Turn::status(402).body(r#"{"error":{"code":"insufficient_quota"}}"#);
    peer.set_turn(Transport::Sse, answer.header("retry-after", &HOUR.to_string()));
    let outcome = turn(&*adapter.client(Settings::new(&peer)));
    expect_busy(&outcome, peer.journal().transports().len(), 1);
}

fn one_that_does_not_ends_the_turn(adapter: &dyn Adapter) {
    for code in CODES {
        let error = format!(r#""error":{{"code":"{code}","message":"Buy more."}}"#);
        let peer = peer_on(Transport::WebSocket);
        let event = format!(r#"{{"type":"error","status":429,{error}}}"#);
        peer.set_turn(Transport::WebSocket, Turn::new().then_payload(event));
        let client = adapter.client(Settings::new(&peer));
        expect_refused(&turn(&*client), &peer, Transport::WebSocket, "Buy more.");

        let peer = peer_on(Transport::Sse);
        peer.set_turn(Transport::Sse, Turn::status(429).body(&format!("{{{error}}}")));
        let client = adapter.client(Settings::new(&peer));
        expect_refused(&turn(&*client), &peer, Transport::Sse, "Buy more.");
    }
}

fn one_that_refuses_the_handshake_is_told_as_well(adapter: &dyn Adapter) {
    let peer = peer_on(Transport::WebSocket);
    let body = format!(r#"{{"error":{{"code":"usage_limit_reached","resets_in_seconds":{HOUR}}}}}"#);
    peer.set_handshake(Handshake::Status { code: 429, headers: Vec::new(), body });
    let outcome = turn(&*adapter.client(Settings::new(&peer)));
    expect_busy(&outcome, peer.journal().handshakes(), 1);
    assert!(peer.journal().transports().is_empty(), "{}", peer.journal());
}
