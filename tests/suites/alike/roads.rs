//! The roads to the server: TLS, proxies; and what is sent along them.

use failback_peer::{Handshake, Peer, Proxy, Tunnel};
use failback_tests::{Adapter, Settings};
use failback_wire::Headers;

use crate::alike;
use crate::scene::{Scene, Seen, patient};

alike!(
    over_tls,
    over_tls_with_someone_else,
    through_an_http_proxy,
    through_an_http_proxy_that_refuses,
    through_an_http_proxy_that_wants_credentials,
    through_an_http_proxy_that_hangs_up,
    through_a_socks_proxy,
    through_a_socks_proxy_that_refuses,
    through_a_socks_proxy_that_is_told_addresses,
    through_a_proxy_that_is_spoken_to_over_tls,
    to_a_name_that_does_not_resolve,
    with_headers_of_the_callers,
    with_a_query,
);

/// One turn over WebSocket, and one over SSE.
fn both(mut scene: Scene) -> Seen {
    scene.hello();
    scene.peer.set_handshake(Handshake::status(403));
    scene.client.handle_network_change();
    scene.hello();
    scene.end()
}

/// One attempt on each transport.
fn hasty(settings: Settings) -> Settings {
    settings.config(patient().with_stream_max_retries(0))
}

fn over_tls(adapter: &dyn Adapter) -> Seen {
    both(Scene::new(adapter, Peer::builder().tls().start()))
}

fn over_tls_with_someone_else(adapter: &dyn Adapter) -> Seen {
    let other = Peer::builder().tls().start();
    let mut scene = Scene::with(adapter, Peer::builder().tls().start(), |mut settings| {
        settings.ca_pem = other.ca_pem().map(str::to_owned);
        settings
    });
    scene.hello();
    scene.end()
}

fn through_an_http_proxy(adapter: &dyn Adapter) -> Seen {
    let peer = Peer::start();
    let proxy = Proxy::start(&peer);
    both(Scene::through(adapter, peer, proxy, |settings| settings))
}

fn refused(adapter: &dyn Adapter, proxy: fn(&Peer) -> Proxy, tunnel: Tunnel) -> Seen {
    let peer = Peer::start();
    let proxy = proxy(&peer);
    proxy.set(tunnel);
    let mut scene = Scene::through(adapter, peer, proxy, hasty);
    scene.hello();
    scene.end()
}

fn through_an_http_proxy_that_refuses(adapter: &dyn Adapter) -> Seen {
    refused(adapter, Proxy::start, Tunnel::Refuse(403))
}

fn through_an_http_proxy_that_wants_credentials(adapter: &dyn Adapter) -> Seen {
    refused(adapter, Proxy::start, Tunnel::Refuse(407))
}

fn through_an_http_proxy_that_hangs_up(adapter: &dyn Adapter) -> Seen {
    refused(adapter, Proxy::start, Tunnel::HangUp)
}

fn through_a_socks_proxy(adapter: &dyn Adapter) -> Seen {
    let peer = Peer::start();
    let proxy = Proxy::start_socks_with(&peer, "me", "sesame");
    let url = proxy.url_with("me:sesame@");
    both(Scene::through(adapter, peer, proxy, |settings| Settings { proxy: Some(url), ..settings }))
}

fn through_a_socks_proxy_that_refuses(adapter: &dyn Adapter) -> Seen {
    refused(adapter, Proxy::start_socks, Tunnel::Refuse(4))
}

fn through_a_socks_proxy_that_is_told_addresses(adapter: &dyn Adapter) -> Seen {
    let peer = Peer::start();
    let proxy = Proxy::start_socks(&peer);
    let url = proxy.url_as("socks5", "");
    both(Scene::through(adapter, peer, proxy, |settings| Settings { proxy: Some(url), ..settings }))
}

fn through_a_proxy_that_is_spoken_to_over_tls(adapter: &dyn Adapter) -> Seen {
    let peer = Peer::builder().tls().start();
    let proxy = Proxy::start_tls(&peer);
    both(Scene::through(adapter, peer, proxy, |settings| settings))
}

fn to_a_name_that_does_not_resolve(adapter: &dyn Adapter) -> Seen {
    let mut scene = Scene::with(adapter, Peer::start(), hasty);
    scene.client.resolves(false);
    scene.hello();
    scene.client.resolves(true);
    scene.hello();
    scene.end()
}

fn with_headers_of_the_callers(adapter: &dyn Adapter) -> Seen {
    let mut headers = Headers::new();
    headers.bearer("sesame").expect("a token");
    for (name, value) in [("User-Agent", "mine/1"), ("X-Trace", "7"), ("OpenAI-Beta", "responses=v1")] {
        headers.insert(name, value).expect("a header");
    }
    both(Scene::with(adapter, Peer::start(), |settings| settings.headers(headers)))
}

fn with_a_query(adapter: &dyn Adapter) -> Seen {
    let peer = Peer::start();
    let url = format!("{}?api-version=1", peer.url());
    both(Scene::with(adapter, peer, |settings| Settings { url, ..settings }))
}
