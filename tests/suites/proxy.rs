//! Both transports go to the server through the same proxy: otherwise what SSE shows would say nothing about
//! WebSocket.

#[macro_use]
extern crate failback_tests;

use std::time::Duration;

use failback::{Blame, Config, GiveUp, Mode, Stage, Transport};
use failback_peer::{Gate, Handshake, Peer, Proxy, Tunnel, What};
use failback_tests::{Adapter, Outcome, Settings, TestClient, collect, until};
use failback_wire::{Headers, Limits, Request};

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

fn turn(client: &dyn TestClient) -> Outcome {
    collect(client.stream(Request::text("m", "hello")))
}

#[track_caller]
fn expect_echo(outcome: &Outcome) {
    assert!(outcome.is_complete(), "{outcome:?}");
    assert_eq!(outcome.text(), "echo: hello");
}

/// Nothing is diverted, however long a test is stalled.
fn patient(settings: Settings) -> Settings {
    settings.config(Config::new().with_head_start(Duration::MAX))
}

/// One attempt on each transport, at once.
fn hasty(settings: Settings) -> Settings {
    settings.config(Config::new().with_head_start(Duration::MAX).with_stream_max_retries(0))
}

/// Both attempts failed on the way through the proxy, and nothing is held against WebSocket.
fn expect_network(client: &dyn TestClient, parts: &[&str]) {
    expect_failures(client, (GiveUp::AttemptsExhausted, Blame::Network), parts);
}

/// The same, and another attempt would have met the same.
fn expect_lasting(client: &dyn TestClient, parts: &[&str]) {
    expect_failures(client, (GiveUp::NotRetryable, Blame::Request), parts);
}

fn expect_failures(client: &dyn TestClient, (give_up, last): (GiveUp, Blame), parts: &[&str]) {
    let outcome = turn(client);
    let error = outcome.error.expect("an error");
    assert_eq!(error.give_up(), give_up, "{error}");
    let attempts = error.attempts();
    assert_eq!(
        attempts.iter().map(|a| a.transport()).collect::<Vec<_>>(),
        [Transport::WebSocket, Transport::Sse]
    );
    for (attempt, blame) in attempts.iter().zip([Blame::Network, last]) {
        assert_eq!((attempt.stage(), attempt.blame()), (Stage::Connecting, Some(blame)), "{error}");
        for part in parts {
            assert!(attempt.text().contains(part), "no `{part}` in: {error}");
        }
    }
    assert_eq!((client.policy().mode(), client.policy().recoveries_left()), (Mode::Preferred, 3));
}

fn both_transports_go_through_the_proxy_which_looks_the_name_up(adapter: &dyn Adapter) {
    let peer = Peer::start();
    let proxy = Proxy::start(&peer);
    let mut settings = patient(Settings::new(&peer).proxy(&proxy));
    // A name that means nothing here.
    settings.url = "http://peer.test/v1".to_owned();
    let client = adapter.client(settings);
    expect_echo(&turn(&*client));
    peer.set_handshake(Handshake::status(403));
    client.handle_network_change();
    expect_echo(&turn(&*client));

    assert_eq!(peer.journal().transports(), [Transport::WebSocket, Transport::Sse], "{}", peer.journal());
    let seen = proxy.seen();
    assert!(seen.iter().all(|connect| connect.authority == "peer.test:80"), "{seen:?}");
    assert_eq!(seen.len(), 3, "one that worked, one whose upgrade was refused, one for SSE: {seen:?}");
    assert!(seen.iter().all(|connect| connect.header("host") == Some("peer.test:80")));
}

fn the_way_to_the_proxy_and_the_way_through_it_may_both_be_encrypted(adapter: &dyn Adapter) {
    let peer = Peer::builder().tls().start();
    for proxy in [Proxy::start(&peer), Proxy::start_tls(&peer)] {
        peer.set_handshake(Handshake::Accept);
        let client = adapter.client(patient(Settings::new(&peer).proxy(&proxy)));
        expect_echo(&turn(&*client));
        peer.set_handshake(Handshake::status(403));
        client.handle_network_change();
        expect_echo(&turn(&*client));
        assert_eq!(proxy.seen().len(), 3, "{proxy:?}: {:?}", proxy.seen());
    }
    let (ws, sse) = (Transport::WebSocket, Transport::Sse);
    assert_eq!(peer.journal().transports(), [ws, sse, ws, sse], "{}", peer.journal());
}

fn the_proxy_and_the_server_each_get_their_own_credentials(adapter: &dyn Adapter) {
    let peer = Peer::start();
    let proxy = Proxy::start(&peer);
    let mut headers = Headers::new();
    headers.bearer("sesame").expect("a token");
    let mut settings = patient(Settings::new(&peer).headers(headers));
    settings.proxy = Some(proxy.url_with("Aladdin:open%20sesame@"));
    peer.require_bearer("sesame");
    let client = adapter.client(settings);
    expect_echo(&turn(&*client));
    peer.set_handshake(Handshake::status(403));
    client.handle_network_change();
    expect_echo(&turn(&*client));

    assert_eq!(proxy.seen().len(), 3, "{:?}", proxy.seen());
    for connect in proxy.seen() {
        assert_eq!(connect.header("proxy-authorization"), Some("Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ=="));
        assert_eq!(connect.header("authorization"), None);
    }
    let journal = peer.journal();
    let told = |what: &What| match what {
        What::Handshake { headers, .. } | What::Post { headers } => {
            headers.iter().any(|(name, _)| name == "proxy-authorization")
        }
        _ => false,
    };
    assert!(!journal.any(told), "{journal}");
    for secret in ["sesame", "Aladdin", "QWxhZGRp"] {
        assert!(!client.debug().contains(secret), "{}", client.debug());
    }
}

fn a_proxy_that_refuses_is_not_held_against_websocket(adapter: &dyn Adapter) {
    let peer = Peer::start();
    let proxy = Proxy::start(&peer);
    let client = adapter.client(patient(Settings::new(&peer).proxy(&proxy)));
    proxy.set(Tunnel::Refuse(403));
    let said = "the proxy refused to connect";
    expect_lasting(&*client, &[said, "403 Forbidden", "have it allow this host", "127.0.0.1:"]);
    assert_eq!(proxy.seen().len(), 2);
    let hasty = adapter.client(hasty(Settings::new(&peer).proxy(&proxy)));
    proxy.set(Tunnel::Refuse(502));
    expect_network(&*hasty, &[said, "502 Bad Gateway", "127.0.0.1:"]);
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
    expect_network(&*client, &["could not connect", "no way through the proxy 127.0.0.1:"]);
    drop(proxy);
    expect_network(&*client, &["could not connect", "on the way to the proxy 127.0.0.1:"]);
    assert!(peer.journal().transports().is_empty(), "{}", peer.journal());
}

fn a_proxy_that_wants_other_credentials_ends_the_turn_at_once(adapter: &dyn Adapter) {
    let peer = Peer::start();
    let proxy = Proxy::start(&peer);
    proxy.set(Tunnel::Refuse(407));
    let client = adapter.client(patient(Settings::new(&peer).proxy(&proxy)));
    let outcome = turn(&*client);
    let error = outcome.error.expect("an error");
    assert_eq!(error.give_up(), GiveUp::NotRetryable, "{error}");
    assert!(error.to_string().contains("407 Proxy Authentication Required"), "{error}");
    assert_eq!(proxy.seen().len(), 1, "asking again would change nothing");
    assert_eq!(client.policy().mode(), Mode::Preferred);
}

fn a_proxy_that_takes_its_time_holds_no_turn_up(adapter: &dyn Adapter) {
    let peer = Peer::start();
    let (proxy, gate) = (Proxy::start(&peer), Gate::new());
    let client = adapter.client(Settings::new(&peer).proxy(&proxy));
    proxy.push(Tunnel::Hold(gate.clone()));
    expect_echo(&turn(&*client));
    assert_eq!(peer.journal().transports(), [Transport::Sse], "{}", peer.journal());

    gate.open();
    // The tunnel that nobody waited for is there for the next turn.
    until("the handshake to be kept", || client.policy().poll_timeout().is_none());
    expect_echo(&turn(&*client));
    assert_eq!(peer.journal().transports(), [Transport::Sse, Transport::WebSocket], "{}", peer.journal());
    assert_eq!((proxy.seen().len(), peer.journal().handshakes()), (2, 1), "{}", peer.journal());
}

fn a_turn_that_is_dropped_leaves_no_tunnel_behind(adapter: &dyn Adapter) {
    let peer = Peer::start();
    let (proxy, gate) = (Proxy::start(&peer), Gate::new());
    let client = adapter.client(patient(Settings::new(&peer).proxy(&proxy)));
    expect_echo(&turn(&*client));
    assert_eq!(proxy.connections(), 1, "kept for the next turn");
    client.handle_network_change();
    until("the first tunnel to end", || proxy.connections() == 0);

    proxy.set(Tunnel::Hold(gate.clone()));
    let mut stream = client.stream(Request::text("m", "hello"));
    assert!(stream.next_unless(&|| gate.arrivals() == 1).is_none());
    assert_eq!(proxy.connections(), 1);
    drop(stream);
    until("the second tunnel to end", || proxy.connections() == 0 && client.background_tasks() == 0);
}

fn a_certificate_that_is_not_trusted_is_the_proxys(adapter: &dyn Adapter) {
    let peer = Peer::builder().tls().start();
    let proxy = Proxy::start_tls(&peer);
    let mut settings = patient(Settings::new(&peer));
    settings.proxy = Some(proxy.url());
    let client = adapter.client(settings);
    expect_lasting(&*client, &["TLS handshake", "SSL_CERT_FILE", "on the way to the proxy 127.0.0.1:"]);
    assert!(proxy.seen().is_empty(), "{:?}", proxy.seen());

    // Nor is it forgotten when it is what is behind the proxy that is not trusted.
    let plain = Proxy::start(&peer);
    let mut settings = patient(Settings::new(&Peer::start()));
    settings.url = peer.url();
    settings.ca_pem = Proxy::start_tls(&peer).ca_pem().map(str::to_owned);
    settings.proxy = Some(plain.url());
    expect_lasting(&*adapter.client(settings), &["TLS handshake", "through the proxy 127.0.0.1:"]);
}

fn a_proxy_that_never_answers_is_named(adapter: &dyn Adapter) {
    let peer = Peer::start();
    let proxy = Proxy::start(&peer);
    proxy.set(Tunnel::Hold(Gate::new()));
    let limits = Limits::new().with_connect_timeout(Duration::from_millis(200));
    let client = adapter.client(hasty(Settings::new(&peer).proxy(&proxy).limits(limits)));
    expect_network(&*client, &["could not connect", "in time", "through the proxy 127.0.0.1:"]);
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
        expect_lasting(&*adapter.client(settings), &parts);
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
