//! A SOCKS5 proxy is a road like any other: both transports take it, and what fails on it is told apart.

#[macro_use]
extern crate failback_tests;

mod proxies;

use failback::Transport;
use failback_peer::{Peer, Proxy, Tunnel};
use failback_tests::{Adapter, Settings};

use crate::proxies::{
    LASTING, PASSING, expect_echo, expect_echo_on_both, expect_failures, expect_unknown, hasty, patient, turn,
};

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

fn both_transports_go_through_it_and_it_looks_the_name_up(adapter: &dyn Adapter) {
    proxies::looks_the_name_up(adapter, Proxy::start_socks);
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
    proxies::may_be_encrypted(adapter, Proxy::start_socks);
    proxies::is_named_where_what_is_behind_it_is_not_trusted(adapter, Proxy::start_socks);
}

/// One that lets in those who know this.
fn guarded(peer: &Peer) -> Proxy {
    Proxy::start_socks_with(peer, "Aladdin", "open sesame")
}

fn it_gets_its_own_credentials_and_the_server_those_of_the_server(adapter: &dyn Adapter) {
    let given = Some(("Aladdin".to_owned(), "open sesame".to_owned()));
    for connect in proxies::gets_its_own_credentials(adapter, guarded) {
        assert_eq!(connect.password, given);
    }
}

fn one_that_does_not_know_the_credentials_ends_the_turn_at_once(adapter: &dyn Adapter) {
    let peer = Peer::start();
    let proxy = guarded(&peer);
    for (userinfo, part) in [("", "its URL has none"), ("Aladdin:hunter2@", "refused the user name")] {
        let mut settings = patient(Settings::new(&peer));
        settings.proxy = Some(proxy.url_with(userinfo));
        let told = expect_unknown(&*adapter.client(settings));
        assert!(told.contains("the proxy wants other credentials") && told.contains(part), "{told}");
        assert!(told.contains("127.0.0.1:") && !told.contains("hunter2"), "{told}");
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
    proxies::takes_its_time(adapter, Proxy::start_socks);
}

fn a_turn_that_is_dropped_leaves_nothing_behind(adapter: &dyn Adapter) {
    proxies::is_left(adapter, Proxy::start_socks);
}

fn one_that_never_answers_is_named(adapter: &dyn Adapter) {
    proxies::never_answers(adapter, Proxy::start_socks);
}
