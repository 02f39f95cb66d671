//! Both transports go to the server through the same proxy: otherwise what SSE shows would say nothing about
//! WebSocket.

#[macro_use]
extern crate failback_tests;

mod proxies;

use std::time::Duration;

use failback::Transport;
use failback_peer::{Peer, Proxy, Tunnel};
use failback_tests::{Adapter, Settings};

use crate::proxies::{LASTING, PASSING, expect_echo, expect_failures, expect_unknown, hasty, patient, turn};

with_every_adapter!(
    both_transports_go_through_the_proxy_which_looks_the_name_up,
    the_way_to_the_proxy_and_the_way_through_it_may_both_be_encrypted,
    the_proxy_and_the_server_each_get_their_own_credentials,
    a_proxy_that_refuses_is_not_held_against_websocket,
    a_proxy_that_hangs_up_or_is_not_there_is_not_held_against_websocket,
    a_proxy_that_wants_other_credentials_ends_the_turn_at_once,
    a_proxy_that_takes_its_time_holds_no_turn_up,
    a_turn_that_is_dropped_leaves_no_tunnel_behind,
    a_certificate_that_is_not_trusted_is_the_proxys,
    a_proxy_that_never_answers_is_named,
    what_is_no_proxy_is_asked_once_on_each_transport,
);

fn both_transports_go_through_the_proxy_which_looks_the_name_up(adapter: &dyn Adapter) {
    let seen = proxies::looks_the_name_up(adapter, Proxy::start);
    assert!(seen.iter().all(|connect| connect.header("host") == Some("peer.test:80")));
}

fn the_way_to_the_proxy_and_the_way_through_it_may_both_be_encrypted(adapter: &dyn Adapter) {
    proxies::may_be_encrypted(adapter, Proxy::start);
    proxies::may_be_encrypted(adapter, Proxy::start_tls);
}

fn the_proxy_and_the_server_each_get_their_own_credentials(adapter: &dyn Adapter) {
    for connect in proxies::gets_its_own_credentials(adapter, Proxy::start) {
        assert_eq!(connect.header("proxy-authorization"), Some("Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ=="));
        assert_eq!(connect.header("authorization"), None);
    }
}

fn a_proxy_that_refuses_is_not_held_against_websocket(adapter: &dyn Adapter) {
    let peer = Peer::start();
    let proxy = Proxy::start(&peer);
    let client = adapter.client(patient(Settings::new(&peer).proxy(&proxy)));
    proxy.set(Tunnel::Refuse(403));
    let said = "the proxy refused to connect";
    expect_failures(&*client, LASTING, &[said, "403 Forbidden", "have it allow this host", "127.0.0.1:"]);
    assert_eq!(proxy.seen().len(), 2);
    let hasty = adapter.client(hasty(Settings::new(&peer).proxy(&proxy)));
    proxy.set(Tunnel::Refuse(502));
    expect_failures(&*hasty, PASSING, &[said, "502 Bad Gateway", "127.0.0.1:"]);
    assert_eq!(proxy.seen().len(), 4);

    proxy.set(Tunnel::Open);
    expect_echo(&turn(&*client));
    assert_eq!(peer.journal().transports(), [Transport::WebSocket], "{}", peer.journal());
}

fn a_proxy_that_hangs_up_or_is_not_there_is_not_held_against_websocket(adapter: &dyn Adapter) {
    let peer = Peer::start();
    let proxy = Proxy::start(&peer);
    let client = adapter.client(hasty(Settings::new(&peer).proxy(&proxy)));
    proxy.set(Tunnel::HangUp);
    expect_failures(&*client, PASSING, &["could not connect", "no way through the proxy 127.0.0.1:"]);
    drop(proxy);
    expect_failures(&*client, PASSING, &["could not connect", "on the way to the proxy 127.0.0.1:"]);
    assert!(peer.journal().transports().is_empty(), "{}", peer.journal());
}

fn a_proxy_that_wants_other_credentials_ends_the_turn_at_once(adapter: &dyn Adapter) {
    let peer = Peer::start();
    let proxy = Proxy::start(&peer);
    let client = adapter.client(patient(Settings::new(&peer).proxy(&proxy)));
    // Some proxies say it as a server does.
    for (asked, status, said) in [(1, 407, "407 Proxy Authentication Required"), (2, 401, "401 Unauthorized")]
    {
        proxy.set(Tunnel::Refuse(status));
        let told = expect_unknown(&*client);
        assert!(told.contains(said), "{told}");
        assert!(told.contains("give its URL a user name and a password"), "{told}");
        assert_eq!(proxy.seen().len(), asked, "asking again would change nothing");
    }
}

fn a_proxy_that_takes_its_time_holds_no_turn_up(adapter: &dyn Adapter) {
    proxies::takes_its_time(adapter, Proxy::start);
}

fn a_turn_that_is_dropped_leaves_no_tunnel_behind(adapter: &dyn Adapter) {
    proxies::is_left(adapter, Proxy::start);
}

fn a_certificate_that_is_not_trusted_is_the_proxys(adapter: &dyn Adapter) {
    let peer = Peer::builder().tls().start();
    let proxy = Proxy::start_tls(&peer);
    let mut settings = patient(Settings::new(&peer));
    settings.proxy = Some(proxy.url());
    let client = adapter.client(settings);
    expect_failures(
        &*client,
        LASTING,
        &["TLS handshake", "SSL_CERT_FILE", "on the way to the proxy 127.0.0.1:"],
    );
    assert!(proxy.seen().is_empty(), "{:?}", proxy.seen());

    proxies::is_named_where_what_is_behind_it_is_not_trusted(adapter, Proxy::start);
}

fn a_proxy_that_never_answers_is_named(adapter: &dyn Adapter) {
    proxies::never_answers(adapter, Proxy::start);
}

fn what_is_no_proxy_is_asked_once_on_each_transport(adapter: &dyn Adapter) {
    let peer = Peer::start();
    let parts = ["does not speak as a proxy does", "check its scheme and its port", "proxy 127.0.0.1:"];
    // It answers with something else than HTTP, and to one that speaks TLS in plain text.
    for scheme in ["http", "https"] {
        let (address, served) = not_http();
        let mut settings = patient(Settings::new(&peer));
        settings.proxy = Some(format!("{scheme}://{address}"));
        settings.ca_pem = Proxy::start_tls(&peer).ca_pem().map(str::to_owned);
        expect_failures(&*adapter.client(settings), LASTING, &parts);
        assert_eq!(served.recv_timeout(Duration::from_secs(20)), Ok(1));
        assert_eq!(served.recv_timeout(Duration::from_secs(20)), Ok(2));
        assert!(served.try_recv().is_err(), "asking again would change nothing");
    }
    assert!(peer.journal().transports().is_empty(), "{}", peer.journal());
}

/// A server that greets whoever asks, and says which one that was.
fn not_http() -> (std::net::SocketAddr, std::sync::mpsc::Receiver<u32>) {
    use std::io::{Read as _, Write as _};
    let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = listener.local_addr().expect("an address");
    let (counted, served) = std::sync::mpsc::channel();
    std::thread::spawn(move || {
        for (stream, number) in listener.incoming().zip(1..) {
            let Ok(mut stream) = stream else { return };
            // The request first: a connection that is closed with something unread in it is reset.
            let _ = stream.read(&mut [0; 4096]);
            let _ = stream.write_all(b"220 mail.example.com ESMTP\r\n");
            if counted.send(number).is_err() {
                return;
            }
        }
    });
    (address, served)
}
