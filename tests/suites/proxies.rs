//! What is the same for a proxy of either kind: both transports take the way through it, and nothing that
//! goes wrong on that way is held against WebSocket.

use std::time::Duration;

use failback::{Blame, Config, GiveUp, Mode, Stage, Transport};
use failback_peer::{Connect, Gate, Handshake, Peer, Proxy, Tunnel, What};
use failback_tests::{Adapter, Outcome, Settings, TestClient, collect, until};
use failback_wire::{Headers, Limits, Request};

/// How a proxy of this kind is started.
pub(crate) type Start = fn(&Peer) -> Proxy;

const BOTH: [Transport; 2] = [Transport::WebSocket, Transport::Sse];

/// One turn that asks for an echo of `hello`.
pub(crate) fn turn(client: &dyn TestClient) -> Outcome {
    collect(client.stream(Request::text("m", "hello")))
}

/// The turn came through.
#[track_caller]
pub(crate) fn expect_echo(outcome: &Outcome) {
    assert!(outcome.is_complete(), "{outcome:?}");
    assert_eq!(outcome.text(), "echo: hello");
}

/// One turn over each transport, and none before.
#[track_caller]
pub(crate) fn expect_echo_on_both(client: &dyn TestClient, peer: &Peer) {
    expect_echo(&turn(client));
    peer.set_handshake(Handshake::status(403));
    client.handle_network_change();
    expect_echo(&turn(client));
    peer.set_handshake(Handshake::Accept);
    assert_eq!(peer.journal().transports(), BOTH, "{}", peer.journal());
}

/// The same, and the proxy was asked for each connection.
#[track_caller]
pub(crate) fn expect_tunnels(client: &dyn TestClient, peer: &Peer, proxy: &Proxy) -> Vec<Connect> {
    expect_echo_on_both(client, peer);
    let seen = proxy.seen();
    assert_eq!(seen.len(), 3, "one that worked, one whose upgrade was refused, one for SSE: {seen:?}");
    seen
}

/// Nothing is diverted, however long a test is stalled.
pub(crate) fn patient(settings: Settings) -> Settings {
    settings.config(Config::new().with_head_start(Duration::MAX))
}

/// One attempt on each transport, at once.
pub(crate) fn hasty(settings: Settings) -> Settings {
    settings.config(Config::new().with_head_start(Duration::MAX).with_stream_max_retries(0))
}

/// It may be otherwise next time.
pub(crate) const PASSING: (GiveUp, Blame) = (GiveUp::AttemptsExhausted, Blame::Network);
/// Another attempt would have met the same.
pub(crate) const LASTING: (GiveUp, Blame) = (GiveUp::NotRetryable, Blame::Request);

/// Both attempts failed on the way through the proxy, the one over SSE in this way, and nothing is held
/// against WebSocket.
#[track_caller]
pub(crate) fn expect_failures(client: &dyn TestClient, (give_up, last): (GiveUp, Blame), parts: &[&str]) {
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

/// The turn ended after one attempt, as the proxy wants other credentials. Gives the text of the error.
#[track_caller]
pub(crate) fn expect_unknown(client: &dyn TestClient) -> String {
    let error = turn(client).error.expect("an error");
    assert_eq!(error.give_up(), GiveUp::NotRetryable, "{error}");
    assert_eq!(error.attempts().len(), 1, "asking again would change nothing: {error}");
    assert_eq!(client.policy().mode(), Mode::Preferred);
    error.to_string()
}

/// Both transports go through it, and it looks the name up.
pub(crate) fn looks_the_name_up(adapter: &dyn Adapter, start: Start) -> Vec<Connect> {
    let peer = Peer::start();
    let proxy = start(&peer);
    let mut settings = patient(Settings::new(&peer).proxy(&proxy));
    // A name that means nothing here.
    settings.url = "http://peer.test/v1".to_owned();
    let seen = expect_tunnels(&*adapter.client(settings), &peer, &proxy);
    assert!(seen.iter().all(|connect| connect.authority == "peer.test:80"), "{seen:?}");
    seen
}

/// What goes through it is encrypted.
pub(crate) fn may_be_encrypted(adapter: &dyn Adapter, start: Start) {
    let peer = Peer::builder().tls().start();
    let proxy = start(&peer);
    expect_tunnels(&*adapter.client(patient(Settings::new(&peer).proxy(&proxy))), &peer, &proxy);
}

/// It is not forgotten when it is what is behind it that is not trusted.
pub(crate) fn is_named_where_what_is_behind_it_is_not_trusted(adapter: &dyn Adapter, start: Start) {
    let peer = Peer::builder().tls().start();
    let proxy = start(&peer);
    let stranger = Peer::builder().tls().start();
    let mut settings = patient(Settings::new(&peer).proxy(&proxy));
    settings.ca_pem = stranger.ca_pem().map(str::to_owned);
    let parts = ["TLS handshake", "through the proxy 127.0.0.1:"];
    expect_failures(&*adapter.client(settings), LASTING, &parts);
}

/// It gets its own credentials, `Aladdin` and `open sesame`, and the server gets those of the server.
pub(crate) fn gets_its_own_credentials(adapter: &dyn Adapter, start: Start) -> Vec<Connect> {
    let peer = Peer::start();
    let proxy = start(&peer);
    let mut headers = Headers::new();
    headers.bearer("thiefthief").expect("a token");
    let mut settings = patient(Settings::new(&peer).headers(headers));
    settings.proxy = Some(proxy.url_with("Aladdin:open%20sesame@"));
    peer.require_bearer("thiefthief");
    let client = adapter.client(settings);
    let seen = expect_tunnels(&*client, &peer, &proxy);

    let journal = peer.journal();
    let told = |what: &What| match what {
        What::Handshake { headers, .. } | What::Post { headers } => {
            headers.iter().any(|(name, _)| name == "proxy-authorization")
        }
        _ => false,
    };
    assert!(!journal.any(told), "{journal}");
    for secret in ["thiefthief", "sesame", "Aladdin", "QWxhZGRp"] {
        assert!(!client.debug().contains(secret), "{}", client.debug());
    }
    seen
}

/// One that takes its time holds no turn up.
pub(crate) fn takes_its_time(adapter: &dyn Adapter, start: Start) {
    let peer = Peer::start();
    let (proxy, gate) = (start(&peer), Gate::new());
    let client = adapter.client(Settings::new(&peer).default_head_start().proxy(&proxy));
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

/// A turn that is dropped leaves nothing behind.
pub(crate) fn is_left(adapter: &dyn Adapter, start: Start) {
    let peer = Peer::start();
    let (proxy, gate) = (start(&peer), Gate::new());
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

/// One that never answers is named.
pub(crate) fn never_answers(adapter: &dyn Adapter, start: Start) {
    let peer = Peer::start();
    let proxy = start(&peer);
    proxy.set(Tunnel::Hold(Gate::new()));
    let limits = Limits::new().with_connect_timeout(Duration::from_millis(200));
    let client = adapter.client(hasty(Settings::new(&peer).proxy(&proxy).limits(limits)));
    expect_failures(&*client, PASSING, &["could not connect", "in time", "through the proxy 127.0.0.1:"]);
}
