//! The machine is offline, a name does not resolve, or the server restarts, and WebSocket is blamed for it.

use std::thread;
use std::time::Duration;

use failback::{Blame, Config, GiveUp, Stage, Transport};
use failback_peer::{Gate, Handshake, Peer, Turn};
use failback_tests::{Adapter, Outcome, Settings, TestClient, collect};
use failback_wire::{Limits, Request};

use super::assert_nothing_is_held_against_websocket;

with_every_adapter!(
    a_refused_connection_blames_nobody,
    a_name_that_does_not_resolve_blames_nobody,
    a_name_that_does_not_exist_blames_nobody,
    a_server_that_restarts_is_reconnected_to_at_once,
    a_server_that_is_killed_blames_nobody,
    a_server_that_is_gone_for_longer_blames_nobody,
    a_gateway_without_a_server_blames_nobody,
    a_network_that_swallows_everything_blames_nobody,
);

/// Retries that do not wait.
fn impatient() -> Config {
    Config::new().with_backoff(Duration::from_millis(1))
}

/// The turn ended because neither transport worked: on WebSocket as given, then six times on SSE.
fn assert_both_failed(outcome: &Outcome, websocket: &[(Blame, Stage)]) {
    let error = outcome.error.as_ref().expect("there is no network");
    assert_eq!(error.give_up(), GiveUp::AttemptsExhausted, "{error}");
    let seen = error.attempts().iter().map(|a| (a.transport(), a.blame(), a.stage()));
    let websocket = websocket.iter().map(|(blame, stage)| (Transport::WebSocket, Some(*blame), *stage));
    let sse = [(Transport::Sse, Some(Blame::Network), Stage::Connecting); 6];
    assert!(seen.eq(websocket.chain(sse)), "{error}");
    assert!(outcome.notices().is_empty(), "{outcome:?}");
}

/// Turn after turn fails on both transports, and no connection is made.
fn assert_nothing_gets_through(peer: &Peer, client: &dyn TestClient) {
    for _ in 0..2 {
        let outcome = collect(client.stream(Request::text("m", "hello world")));
        assert!(outcome.items.is_empty(), "{outcome:?}");
        assert_both_failed(&outcome, &[(Blame::Network, Stage::Connecting)]);
        assert_nothing_is_held_against_websocket(client);
    }
    assert_eq!(peer.journal().connections(), 0, "{}", peer.journal());
}

fn assert_back_on_websocket(client: &dyn TestClient) {
    let back = collect(client.stream(Request::text("m", "hello again")));
    assert!(back.is_complete() && back.notices().is_empty(), "{back:?}");
    assert_eq!(back.text(), "echo: hello again");
    assert_nothing_is_held_against_websocket(client);
}

fn a_refused_connection_blames_nobody(adapter: &dyn Adapter) {
    let peer = Peer::builder().offline().start();
    let client = adapter.client(Settings::new(&peer).config(impatient()));

    assert_nothing_gets_through(&peer, &*client);
    peer.listen_again();
    assert_back_on_websocket(&*client);
    let journal = peer.journal();
    assert_eq!(journal.transports(), [Transport::WebSocket], "{journal}");
    assert_eq!(journal.handshakes(), 1, "{journal}");
    assert_eq!(journal.connections(), 1, "{journal}");
}

fn a_name_that_does_not_resolve_blames_nobody(adapter: &dyn Adapter) {
    let peer = Peer::start();
    let client = adapter.client(Settings::new(&peer).config(impatient()));
    client.resolves(false);
    assert_nothing_gets_through(&peer, &*client);
    client.resolves(true);
    assert_back_on_websocket(&*client);
    assert_eq!(peer.journal().transports(), [Transport::WebSocket], "{}", peer.journal());
}

/// As the runtime's own resolver sees it.
fn a_name_that_does_not_exist_blames_nobody(adapter: &dyn Adapter) {
    // A resolver may take its time to say so, and a head start is not what this is about.
    let config = impatient().with_head_start(Duration::MAX);
    let settings = Settings { url: "http://nonexistent.invalid:1/v1".to_owned(), ..Settings::default() };
    let client = adapter.client(settings.config(config));

    let outcome = collect(client.stream(Request::text("m", "hello world")));
    assert!(outcome.items.is_empty(), "{outcome:?}");
    assert_both_failed(&outcome, &[(Blame::Network, Stage::Connecting)]);
    let error = outcome.error.expect("a name that does not resolve");
    assert!(error.attempts().iter().all(|a| a.text().starts_with("could not resolve the host name")));
    assert_nothing_is_held_against_websocket(&*client);
}

fn a_server_that_restarts_is_reconnected_to_at_once(adapter: &dyn Adapter) {
    let (peer, gate) = (Peer::start(), Gate::new());
    peer.push_turn(Transport::WebSocket, Turn::after(2).then_gate(&gate));
    // Neither a retry that counts nor one that waits is allowed.
    let config = Config::new().with_stream_max_retries(0).with_retry_budget(Some(0));
    let client = adapter.client(Settings::new(&peer).config(config));

    let turn = client.stream(Request::text("m", "hello world"));
    let turn = thread::spawn(move || collect(turn));
    gate.reached_blocking();
    peer.close_connections(1012);
    let outcome = turn.join().expect("the turn");
    assert!(outcome.is_complete(), "{outcome:?}");
    assert_eq!(outcome.text(), "echo: hello world");
    assert_eq!(outcome.restarts(), [2]);
    assert!(outcome.notices().is_empty(), "{outcome:?}");
    assert_nothing_is_held_against_websocket(&*client);

    let journal = peer.journal();
    assert_eq!(journal.transports(), [Transport::WebSocket; 2], "{journal}");
    assert_eq!(journal.request_connections(), [1, 2], "{journal}");
}

fn a_server_that_is_killed_blames_nobody(adapter: &dyn Adapter) {
    let seen = [(Blame::Transport, Stage::Streaming), (Blame::Network, Stage::Connecting)];
    goes_away(adapter, |peer| peer.refuse_everything(true), &seen);
}

fn a_server_that_is_gone_for_longer_blames_nobody(adapter: &dyn Adapter) {
    let seen = [(Blame::Connection, Stage::Streaming), (Blame::Network, Stage::Connecting)];
    let shuts_down = |peer: &Peer| {
        peer.stop_listening();
        peer.close_connections(1001);
    };
    goes_away(adapter, shuts_down, &seen);
}

/// The server goes away in the middle of a turn, and stays away for longer than the turn lasts.
fn goes_away(adapter: &dyn Adapter, away: impl Fn(&Peer), websocket: &[(Blame, Stage)]) {
    let (peer, gate) = (Peer::start(), Gate::new());
    peer.push_turn(Transport::WebSocket, Turn::after(2).then_gate(&gate));
    let client = adapter.client(Settings::new(&peer).config(impatient()));

    let turn = client.stream(Request::text("m", "hello world"));
    let turn = thread::spawn(move || collect(turn));
    gate.reached_blocking();
    away(&peer);
    let outcome = turn.join().expect("the turn");
    assert_eq!(outcome.restarts(), [2], "{outcome:?}");
    assert!(outcome.events().is_empty(), "{outcome:?}");
    assert_both_failed(&outcome, websocket);
    assert_nothing_is_held_against_websocket(&*client);
    assert_eq!(peer.journal().connections(), 1, "{}", peer.journal());

    peer.listen_again();
    assert_back_on_websocket(&*client);
    let journal = peer.journal();
    assert_eq!(journal.transports(), [Transport::WebSocket; 2], "{journal}");
    assert_eq!(journal.handshakes(), 2, "{journal}");
}

fn a_gateway_without_a_server_blames_nobody(adapter: &dyn Adapter) {
    let peer = Peer::start();
    peer.push_handshake(Handshake::status(502));
    peer.push_turn(Transport::Sse, Turn::status(502));
    let client = adapter.client(Settings::new(&peer));

    let outcome = collect(client.stream(Request::text("m", "hello world")));
    assert!(outcome.is_complete(), "{outcome:?}");
    assert_eq!(outcome.text(), "echo: hello world");
    assert_eq!(outcome.moves(), [Transport::Sse]);
    assert_eq!(outcome.notices()[0].retry_in(), None, "no cooldown: {outcome:?}");
    assert_nothing_is_held_against_websocket(&*client);

    let back = collect(client.stream(Request::text("m", "hello again")));
    assert!(back.is_complete(), "{back:?}");
    assert_eq!(back.moves(), [Transport::WebSocket]);
    let journal = peer.journal();
    let (ws, sse) = (Transport::WebSocket, Transport::Sse);
    assert_eq!(journal.transports(), [sse, sse, ws], "{journal}");
    assert_eq!(journal.handshakes(), 2, "{journal}");
}

fn a_network_that_swallows_everything_blames_nobody(adapter: &dyn Adapter) {
    let peer = Peer::start();
    peer.set_handshake(Handshake::BlackHole);
    peer.set_turn(Transport::Sse, Turn::no_headers());
    // 15 s and 30 s otherwise, and five retries, each of which takes that long.
    let limits = Limits::new()
        .with_connect_timeout(Duration::from_secs(2))
        .with_idle_timeout(Duration::from_millis(1500));
    let config = Config::new().with_stream_max_retries(1);
    let client = adapter.client(Settings::new(&peer).default_head_start().limits(limits).config(config));

    let outcome = collect(client.stream(Request::text("m", "hello world")));
    assert!(outcome.items.is_empty(), "{outcome:?}");
    let error = outcome.error.expect("there is no network");
    assert_eq!(error.give_up(), GiveUp::AttemptsExhausted, "{error}");
    let seen = error.attempts().iter().map(|a| (a.transport(), a.blame()));
    let (ws, sse) = (Transport::WebSocket, Transport::Sse);
    // The handshake was left, after the head start, before anything was known about it.
    // To be left alone was no try, so WebSocket is asked once more in the end.
    let failed = Some(Blame::Transport);
    let expected = [(ws, None), (sse, failed), (sse, failed), (ws, failed)];
    assert!(seen.eq(expected), "{error}");
    assert_nothing_is_held_against_websocket(&*client);
    assert_eq!(peer.journal().transports(), [sse; 2], "{}", peer.journal());

    peer.set_handshake(Handshake::Accept);
    peer.set_turn(Transport::Sse, Turn::complete());
    assert_back_on_websocket(&*client);
    let journal = peer.journal();
    assert_eq!(journal.transports(), [sse, sse, ws], "{journal}");
    assert_eq!(journal.handshakes(), 3, "{journal}");
}
