//! A SOCKS5 proxy is a road like any other: both transports take it, and what fails on it is told apart.

#[macro_use]
extern crate failback_tests;

use std::time::Duration;

use failback::{Blame, Config, GiveUp, Mode, Stage, Transport};
use failback_peer::{Gate, Handshake, Peer, Proxy, Tunnel};
use failback_tests::{Adapter, Outcome, Settings, TestClient, collect, until};
use failback_wire::{Headers, Limits, Request};

with_every_adapter!(
    both_transports_go_through_it_and_it_looks_the_name_up,
    it_is_told_an_address_if_this_machine_is_to_look_the_name_up,
    it_is_told_one_address_after_another_and_the_one_that_works_is_remembered,
    what_goes_through_it_may_be_encrypted,
    it_gets_its_own_credentials_and_the_server_those_of_the_server,
    one_that_does_not_know_the_credentials_ends_the_turn_at_once,
    one_that_cannot_get_there_is_not_held_against_websocket,
    one_that_does_not_want_to_go_there_is_asked_once_on_each_transport,
    one_that_dies_in_mid_handshake_is_not_held_against_websocket,
    what_speaks_something_else_is_asked_once_on_each_transport,
    one_that_takes_its_time_holds_no_turn_up,
    a_turn_that_is_dropped_leaves_nothing_behind,
    one_that_never_answers_is_named,
);

const BOTH: [Transport; 2] = [Transport::WebSocket, Transport::Sse];

fn turn(client: &dyn TestClient) -> Outcome {
    collect(client.stream(Request::text("m", "hello")))
}

#[track_caller]
fn expect_echo(outcome: &Outcome) {
    assert!(outcome.is_complete(), "{outcome:?}");
    assert_eq!(outcome.text(), "echo: hello");
}

/// One turn over each transport.
#[track_caller]
fn expect_echo_on_both(client: &dyn TestClient, peer: &Peer) {
    expect_echo(&turn(client));
    peer.set_handshake(Handshake::status(403));
    client.handle_network_change();
    expect_echo(&turn(client));
    peer.set_handshake(Handshake::Accept);
    assert_eq!(peer.journal().transports(), BOTH, "{}", peer.journal());
}

/// Nothing is diverted, however long a test is stalled.
fn patient(settings: Settings) -> Settings {
    settings.config(Config::new().with_head_start(Duration::MAX))
}

/// One attempt on each transport, at once.
fn hasty(settings: Settings) -> Settings {
    settings.config(Config::new().with_head_start(Duration::MAX).with_stream_max_retries(0))
}

/// Both attempts failed on the way through the proxy, the one over SSE in this way, and nothing is held
/// against WebSocket.
#[track_caller]
fn expect_failures(client: &dyn TestClient, (give_up, last): (GiveUp, Blame), parts: &[&str]) {
    let outcome = turn(client);
    let error = outcome.error.expect("an error");
    assert_eq!(error.give_up(), give_up, "{error}");
    let attempts = error.attempts();
    assert_eq!(attempts.iter().map(|a| a.transport()).collect::<Vec<_>>(), BOTH, "{error}");
    for (attempt, blame) in attempts.iter().zip([Blame::Network, last]) {
        assert_eq!((attempt.stage(), attempt.blame()), (Stage::Connecting, Some(blame)), "{error}");
        for part in parts {
            assert!(attempt.text().contains(part), "no `{part}` in: {error}");
        }
    }
    assert_eq!((client.policy().mode(), client.policy().recoveries_left()), (Mode::Preferred, 3));
}

/// It may be otherwise next time.
const PASSING: (GiveUp, Blame) = (GiveUp::AttemptsExhausted, Blame::Network);
/// Another attempt would have met the same.
const LASTING: (GiveUp, Blame) = (GiveUp::NotRetryable, Blame::Request);

fn both_transports_go_through_it_and_it_looks_the_name_up(adapter: &dyn Adapter) {
    let peer = Peer::start();
    let proxy = Proxy::start_socks(&peer);
    let mut settings = patient(Settings::new(&peer).proxy(&proxy));
    // A name that means nothing here.
    settings.url = "http://peer.test/v1".to_owned();
    expect_echo_on_both(&*adapter.client(settings), &peer);
    let seen = proxy.seen();
    assert!(seen.iter().all(|connect| connect.authority == "peer.test:80"), "{seen:?}");
    assert_eq!(seen.len(), 3, "one that worked, one whose upgrade was refused, one for SSE: {seen:?}");
}

fn it_is_told_an_address_if_this_machine_is_to_look_the_name_up(adapter: &dyn Adapter) {
    let peer = Peer::start();
    let proxy = Proxy::start_socks(&peer);
    let mut settings = patient(Settings::new(&peer));
    settings.proxy = Some(proxy.url_as("socks5", ""));
    settings.url = "http://localhost:7/v1".to_owned();
    expect_echo_on_both(&*adapter.client(settings), &peer);
    let seen = proxy.seen();
    assert!(seen.len() >= 3 && seen.iter().all(|connect| connect.is_address), "{seen:?}");
    assert!(seen.iter().all(|connect| connect.authority.ends_with(":7")), "{seen:?}");

    let mut settings = hasty(Settings::new(&peer));
    settings.proxy = Some(proxy.url_as("socks5", ""));
    settings.url = "http://peer.invalid/v1".to_owned();
    expect_failures(
        &*adapter.client(settings),
        PASSING,
        &["could not resolve the host name", "peer.invalid"],
    );
    assert_eq!(proxy.seen().len(), seen.len());
}

fn it_is_told_one_address_after_another_and_the_one_that_works_is_remembered(adapter: &dyn Adapter) {
    let peer = Peer::start();
    let proxy = Proxy::start_socks(&peer);
    let mut settings = patient(Settings::new(&peer));
    settings.proxy = Some(proxy.url_as("socks5", ""));
    settings.url = "http://localhost:7/v1".to_owned();
    let client = adapter.client(settings);
    // Every name leads there, the proxy's too.
    let elsewhere = "192.0.2.1:7".parse().expect("an address");
    let address = proxy.addr();
    client.resolves_to(&[address, elsewhere]);
    proxy.push(Tunnel::Refuse(3));
    expect_echo_on_both(&*client, &peer);
    let asked: Vec<_> = proxy.seen().into_iter().map(|connect| connect.authority).collect();
    let (first, second) = (address.to_string(), elsewhere.to_string());
    // The network has changed meanwhile, and with it which one is first.
    assert_eq!(asked, [&first, &second, &first, &first].map(String::as_str), "{asked:?}");
    client.handle_network_change();
    proxy.push(Tunnel::Refuse(8));
    expect_echo(&turn(&*client));
    client.close_idle();
    expect_echo(&turn(&*client));
    let asked: Vec<_> = proxy.seen().into_iter().skip(4).map(|connect| connect.authority).collect();
    assert_eq!(asked, [&first, &second, &second].map(String::as_str), "{asked:?}");

    // When it can reach none, it says so of the last.
    let mut settings = hasty(Settings::new(&peer));
    settings.proxy = Some(proxy.url_as("socks5", ""));
    settings.url = "http://localhost:7/v1".to_owned();
    let client = adapter.client(settings);
    client.resolves_to(&[address, elsewhere]);
    proxy.set(Tunnel::Refuse(4));
    expect_failures(&*client, PASSING, &["SOCKS reply 4 (host unreachable)"]);
}

fn what_goes_through_it_may_be_encrypted(adapter: &dyn Adapter) {
    let peer = Peer::builder().tls().start();
    let proxy = Proxy::start_socks(&peer);
    expect_echo_on_both(&*adapter.client(patient(Settings::new(&peer).proxy(&proxy))), &peer);
    assert_eq!(proxy.seen().len(), 3, "{:?}", proxy.seen());

    // Nor is the proxy forgotten when what is behind it is not trusted.
    let stranger = Peer::builder().tls().start();
    let mut settings = hasty(Settings::new(&peer).proxy(&proxy));
    settings.ca_pem = stranger.ca_pem().map(str::to_owned);
    expect_failures(&*adapter.client(settings), LASTING, &["TLS handshake", "through the proxy 127.0.0.1:"]);
}

fn it_gets_its_own_credentials_and_the_server_those_of_the_server(adapter: &dyn Adapter) {
    let peer = Peer::start();
    let proxy = Proxy::start_socks_with(&peer, "Aladdin", "open sesame");
    let mut headers = Headers::new();
    headers.bearer("thiefthief").expect("a token");
    let mut settings = patient(Settings::new(&peer).headers(headers));
    settings.proxy = Some(proxy.url_with("Aladdin:open%20sesame@"));
    peer.require_bearer("thiefthief");
    let client = adapter.client(settings);
    expect_echo_on_both(&*client, &peer);
    assert_eq!(proxy.seen().len(), 3, "{:?}", proxy.seen());
    let given = Some(("Aladdin".to_owned(), "open sesame".to_owned()));
    assert!(proxy.seen().iter().all(|connect| connect.password == given));
    for secret in ["sesame", "Aladdin"] {
        assert!(!client.debug().contains(secret), "{}", client.debug());
    }
}

fn one_that_does_not_know_the_credentials_ends_the_turn_at_once(adapter: &dyn Adapter) {
    let peer = Peer::start();
    let proxy = Proxy::start_socks_with(&peer, "Aladdin", "open sesame");
    for (userinfo, part) in [("", "its URL has none"), ("Aladdin:hunter2@", "refused the user name")] {
        let mut settings = patient(Settings::new(&peer));
        settings.proxy = Some(proxy.url_with(userinfo));
        let client = adapter.client(settings);
        let error = turn(&*client).error.expect("an error");
        assert_eq!(error.give_up(), GiveUp::NotRetryable, "{error}");
        assert_eq!(error.attempts().len(), 1, "asking again would change nothing: {error}");
        let told = error.to_string();
        assert!(told.contains("the proxy wants other credentials") && told.contains(part), "{error}");
        assert!(told.contains("127.0.0.1:") && !told.contains("hunter2"), "{error}");
        assert_eq!(client.policy().mode(), Mode::Preferred);
    }
    assert!(proxy.seen().is_empty() && peer.journal().transports().is_empty(), "{}", peer.journal());
}

fn one_that_cannot_get_there_is_not_held_against_websocket(adapter: &dyn Adapter) {
    let peer = Peer::start();
    let proxy = Proxy::start_socks(&peer);
    let client = adapter.client(hasty(Settings::new(&peer).proxy(&proxy)));
    for (reply, meaning) in [
        (1, "general failure"),
        (3, "network unreachable"),
        (4, "host unreachable"),
        (5, "connection refused"),
        (6, "TTL expired"),
    ] {
        proxy.set(Tunnel::Refuse(reply));
        let meaning = format!("SOCKS reply {reply} ({meaning})");
        expect_failures(&*client, PASSING, &["the proxy refused to connect", &meaning, "127.0.0.1:"]);
    }
    proxy.set(Tunnel::Open);
    expect_echo(&turn(&*client));
    assert_eq!(peer.journal().transports(), [Transport::WebSocket], "{}", peer.journal());
    drop(proxy);
    client.handle_network_change();
    expect_failures(&*client, PASSING, &["could not connect", "on the way to the proxy 127.0.0.1:"]);
}

fn one_that_does_not_want_to_go_there_is_asked_once_on_each_transport(adapter: &dyn Adapter) {
    let peer = Peer::start();
    let proxy = Proxy::start_socks(&peer);
    let client = adapter.client(patient(Settings::new(&peer).proxy(&proxy)));
    for (asked, reply, meaning) in
        [(2, 2, "not allowed by ruleset"), (4, 7, "command not supported"), (6, 8, "address type not")]
    {
        proxy.set(Tunnel::Refuse(reply));
        expect_failures(&*client, LASTING, &["the proxy refused to connect", meaning, "127.0.0.1:"]);
        assert_eq!(proxy.seen().len(), asked);
    }
}

fn one_that_dies_in_mid_handshake_is_not_held_against_websocket(adapter: &dyn Adapter) {
    let peer = Peer::start();
    let proxy = Proxy::start_socks_with(&peer, "me", "sesame");
    let mut settings = hasty(Settings::new(&peer));
    settings.proxy = Some(proxy.url_with("me:sesame@"));
    let client = adapter.client(settings);
    // A method, the admission, and a reply: in the midst of each and between them.
    for bytes in [0, 1, 2, 3, 4, 5, 8, 13] {
        proxy.set(Tunnel::BreakOff(bytes));
        expect_failures(&*client, PASSING, &["could not connect", "no way through the proxy 127.0.0.1:"]);
    }
    proxy.set(Tunnel::HangUp);
    expect_failures(&*client, PASSING, &["could not connect", "no way through the proxy 127.0.0.1:"]);
    assert!(peer.journal().transports().is_empty(), "{}", peer.journal());
}

fn what_speaks_something_else_is_asked_once_on_each_transport(adapter: &dyn Adapter) {
    let peer = Peer::start();
    let proxy = Proxy::start_socks(&peer);
    let client = adapter.client(patient(Settings::new(&peer).proxy(&proxy)));
    for (said, part) in [
        (&b"HTTP/1.1 400 Bad Request\r\n\r\n"[..], "needs http://"),
        (b"\x04\x5a", "version 4 of SOCKS instead of 5"),
        (b"\x05\x01", "the kind 1 of authentication"),
    ] {
        proxy.set(Tunnel::Say(said.to_vec()));
        expect_failures(&*client, LASTING, &["does not speak as a proxy does", part, "127.0.0.1:"]);
    }
    // The other way round: SOCKS5 says nothing to HTTP.
    let mut settings = hasty(Settings::new(&peer));
    settings.proxy = Some(proxy.url_as("http", ""));
    expect_failures(&*adapter.client(settings), PASSING, &["no way through the proxy 127.0.0.1:"]);
}

fn one_that_takes_its_time_holds_no_turn_up(adapter: &dyn Adapter) {
    let peer = Peer::start();
    let (proxy, gate) = (Proxy::start_socks(&peer), Gate::new());
    let client = adapter.client(Settings::new(&peer).proxy(&proxy));
    proxy.push(Tunnel::Hold(gate.clone()));
    expect_echo(&turn(&*client));
    assert_eq!(peer.journal().transports(), [Transport::Sse], "{}", peer.journal());

    gate.open();
    // The way that nobody waited for is there for the next turn.
    until("the handshake to be kept", || client.policy().poll_timeout().is_none());
    expect_echo(&turn(&*client));
    assert_eq!(peer.journal().transports(), [Transport::Sse, Transport::WebSocket], "{}", peer.journal());
    assert_eq!((proxy.seen().len(), peer.journal().handshakes()), (2, 1), "{}", peer.journal());
}

fn a_turn_that_is_dropped_leaves_nothing_behind(adapter: &dyn Adapter) {
    let peer = Peer::start();
    let (proxy, gate) = (Proxy::start_socks(&peer), Gate::new());
    let client = adapter.client(patient(Settings::new(&peer).proxy(&proxy)));
    proxy.set(Tunnel::Hold(gate.clone()));
    let mut stream = client.stream(Request::text("m", "hello"));
    assert!(stream.next_unless(&|| gate.arrivals() == 1).is_none());
    assert_eq!(proxy.connections(), 1);
    drop(stream);
    until("the connection to end", || proxy.connections() == 0 && client.background_tasks() == 0);
}

fn one_that_never_answers_is_named(adapter: &dyn Adapter) {
    let peer = Peer::start();
    let proxy = Proxy::start_socks(&peer);
    proxy.set(Tunnel::Hold(Gate::new()));
    let limits = Limits::new().with_connect_timeout(Duration::from_millis(200));
    let client = adapter.client(hasty(Settings::new(&peer).proxy(&proxy).limits(limits)));
    expect_failures(&*client, PASSING, &["could not connect", "in time", "through the proxy 127.0.0.1:"]);
}
