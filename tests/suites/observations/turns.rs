//! The sequence of what is heard of turns that are read to their end.

use std::time::Duration;

use failback::{Config, Transport};
use failback_client::{AttemptEnd, Observation};
use failback_peer::{Gate, Handshake, Peer, Turn};
use failback_tests::{Adapter, Heard, Settings, TestProvider, TestTurn, collect, complete, hello, read};
use failback_wire::{Headers, Request};

use super::observed;

with_every_adapter!(
    a_healthy_turn_is_told_in_four_words_however_long_it_is,
    a_refused_upgrade,
    a_probe_that_comes_back,
    a_turn_that_waits_to_try_again,
    a_turn_that_fails,
    a_turn_that_its_deadline_stops,
    a_request_that_cannot_be_sent,
    a_change_of_network,
    turns_at_the_same_time_are_told_apart,
    one_whose_credentials_are_renewed,
);

const HEALTHY: [&str; 4] = [
    "1: attempt 1, websocket, healthy",
    "1: first event of 1, websocket",
    "1: 1 completed",
    "1: completed after 1",
];

const REFUSED: [&str; 9] = [
    "1: attempt 1, websocket, healthy",
    "1: 1 failed, transport, connecting",
    "preferred -> suspected, websocket_failed",
    "1: attempt 2, sse, call_moved",
    "1: first event of 2, sse",
    "suspected -> failed_over, sse_worked",
    "1: moved to sse, call_moved",
    "1: 2 completed",
    "1: completed after 2",
];

fn a_healthy_turn_is_told_in_four_words_however_long_it_is(adapter: &dyn Adapter) {
    let peer = Peer::start();
    let (client, heard) = observed(adapter, &peer, Config::new());
    let outcome = collect(client.stream(Request::text("m", &"word ".repeat(200))));
    assert!(outcome.is_complete() && outcome.events().len() > 200, "{outcome:?}");
    assert_eq!(heard.lines(), HEALTHY);
}

fn a_refused_upgrade(adapter: &dyn Adapter) {
    let peer = Peer::start();
    let (client, heard) = observed(adapter, &peer, Config::new());
    peer.push_handshake(Handshake::status(403));
    complete(&*client);
    assert_eq!(heard.lines(), REFUSED);

    let threads = heard.threads();
    assert!(threads.iter().all(|thread| *thread == threads[0]), "whoever drives the turn hears: {threads:?}");
    let texts: Vec<String> = heard
        .all()
        .into_iter()
        .filter_map(|observation| match observation {
            Observation::AttemptEnded { end: AttemptEnd::Failed { text, .. }, .. } => Some(text),
            _ => None,
        })
        .collect();
    assert!(texts[0].contains("HTTP 403 Forbidden"), "{texts:?}");
}

fn a_probe_that_comes_back(adapter: &dyn Adapter) {
    let peer = Peer::start();
    let (client, heard) = observed(adapter, &peer, Config::new());
    peer.push_handshake(Handshake::status(403));
    complete(&*client);
    heard.clear();
    client.advance(Duration::from_secs(90));
    complete(&*client);
    assert_eq!(
        heard.lines(),
        [
            "failed_over -> probing, cooldown_over",
            "2: attempt 1, websocket, probe, probe",
            "2: first event of 1, websocket",
            "2: moved to websocket, probe",
            "2: 1 completed",
            "probing -> preferred, websocket_completed",
            "2: completed after 1",
        ]
    );
}

fn a_turn_that_waits_to_try_again(adapter: &dyn Adapter) {
    let peer = Peer::start();
    let config = Config::new().with_backoff(Duration::from_millis(20)).with_jitter_permille(0);
    let (client, heard) = observed(adapter, &peer, config);
    peer.push_turn(Transport::WebSocket, Turn::drop_after(0));
    complete(&*client);
    assert_eq!(
        heard.lines(),
        [
            "1: attempt 1, websocket, healthy",
            "1: 1 failed, transport, open",
            "1: waits",
            "1: attempt 2, websocket, healthy",
            "1: first event of 2, websocket",
            "1: 2 completed",
            "1: completed after 2",
        ]
    );
    let waits = heard.all().into_iter().find_map(|observation| match observation {
        Observation::Waiting { wait, .. } => Some(wait),
        _ => None,
    });
    let wait = waits.expect("a wait");
    assert!(wait > Duration::ZERO && wait <= Duration::from_millis(20), "{wait:?}");
}

fn a_turn_that_fails(adapter: &dyn Adapter) {
    let peer = Peer::start();
    let (client, heard) = observed(adapter, &peer, Config::new());
    peer.push_turn(Transport::WebSocket, Turn::error(400, "invalid_request", "No."));
    assert!(collect(client.stream(hello())).error.is_some());
    assert_eq!(
        heard.lines(),
        [
            "1: attempt 1, websocket, healthy",
            "1: 1 failed, request, open",
            "1: failed after 1, trying again would fail again",
        ]
    );
}

fn a_turn_that_its_deadline_stops(adapter: &dyn Adapter) {
    let peer = Peer::start();
    let (client, heard) = observed(adapter, &peer, Config::new());
    peer.push_turn(Transport::WebSocket, Turn::mute_after(2));
    let request = hello().with_deadline(Duration::from_secs(1)).expect("some time");
    assert!(collect(client.stream(request)).error.is_some_and(|error| error.is_deadline()));
    let lines = heard.lines();
    assert_eq!(
        lines[..3],
        ["1: attempt 1, websocket, healthy", "1: first event of 1, websocket", "1: 1 stopped"]
    );
    assert!(
        lines.len() == 4 && lines[3].starts_with("1: failed after 1, the turn was not over"),
        "{lines:?}"
    );
}

fn a_request_that_cannot_be_sent(adapter: &dyn Adapter) {
    let peer = Peer::start();
    let heard = Heard::default();
    let mut headers = Headers::new();
    headers.insert_credential("X-Mine", "the client's").expect("a header");
    let client = adapter.client(Settings::new(&peer).headers(headers).observer(heard.observer()));
    let request = hello().with_header("X-Mine", "s3cret").expect("a header");
    assert!(collect(client.stream(request)).error.is_some());
    let lines = heard.lines();
    assert!(lines.len() == 1 && lines[0].starts_with("1: failed after 0, "), "{lines:?}");
}

fn a_change_of_network(adapter: &dyn Adapter) {
    let peer = Peer::start();
    let (client, heard) = observed(adapter, &peer, Config::new());
    peer.push_handshake(Handshake::status(403));
    complete(&*client);
    heard.clear();
    client.handle_network_change();
    assert_eq!(heard.lines(), ["failed_over -> preferred, network_changed"]);
}

fn turns_at_the_same_time_are_told_apart(adapter: &dyn Adapter) {
    let (peer, gate) = (Peer::start(), Gate::new());
    let (client, heard) = observed(adapter, &peer, Config::new());
    peer.push_turn(Transport::WebSocket, Turn::complete().gate_before(3, &gate));
    let mut first: Box<dyn TestTurn> = client.stream(hello());
    let begun = read(&mut *first, 1);
    peer.push_turn(Transport::WebSocket, Turn::drop_after(2));
    complete(&*client);
    let second = [
        "2: attempt 1, websocket, healthy",
        "2: first event of 1, websocket",
        "2: 1 failed, transport, streaming",
        "2: waits",
        "2: attempt 2, websocket, healthy",
        "2: first event of 2, websocket",
        "2: 2 completed",
        "2: completed after 2",
    ];
    let before: Vec<&str> = HEALTHY[..2].iter().copied().chain(second).collect();
    assert_eq!(heard.lines(), before);
    gate.open();
    assert!(begun.then(collect(first)).is_complete());
    assert_eq!(heard.lines_of(1), HEALTHY);
    assert_eq!(heard.lines_of(2), second);
}

fn one_whose_credentials_are_renewed(adapter: &dyn Adapter) {
    let peer = Peer::start();
    peer.require_bearer("token-new-91bc");
    let provider = TestProvider::new(&["token-old-7f3a", "token-new-91bc"]);
    let heard = Heard::default();
    let client = adapter.client(Settings::new(&peer).provider(&provider).observer(heard.observer()));
    complete(&*client);
    assert_eq!(
        heard.lines(),
        [
            "1: attempt 1, websocket, healthy",
            "1: 1 asks for other credentials, websocket",
            "1: first event of 1, websocket",
            "1: 1 completed",
            "1: completed after 1"
        ]
    );
}
