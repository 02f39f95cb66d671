//! nginx and haproxy in front of a server, with each setting that stands in the way of WebSocket or of SSE.

use std::time::Duration;

use failback::Transport::{Sse, WebSocket};
use failback::{Config, GiveUp, Mode};
use failback_peer::{Peer, Turn};
use failback_tests::{Adapter, Settings};
use failback_wire::Limits;

use crate::case::{self, Case, SLACK, at, before};
use crate::program::{Program, Start};

with_every_adapter!(
    nginx_that_lets_websocket_through,
    nginx_that_does_not_upgrade,
    nginx_that_refuses_the_upgrade,
    nginx_that_buffers,
    nginx_that_compresses,
    nginx_that_cuts_a_tunnel_before_the_first_event,
    nginx_that_cuts_a_tunnel_in_mid_stream,
    nginx_that_would_cut_a_tunnel_that_is_not_pinged,
    haproxy_that_lets_websocket_through,
    haproxy_that_refuses_the_upgrade,
    haproxy_that_never_answers_an_upgrade,
    haproxy_that_cuts_a_tunnel,
);

/// When the proxies cut a tunnel in which nothing moves.
const CUT_AFTER: Duration = Duration::from_secs(3);
/// Longer than that.
const THINKING: Duration = Duration::from_secs(5);

pub(crate) fn nginx(peer: &Peer) -> Option<Program> {
    case::nginx(peer, include_str!("../../wild/nginx.conf"), &[])
}

pub(crate) fn haproxy(peer: &Peer) -> Option<Program> {
    before(
        peer,
        &Start {
            name: "haproxy",
            arguments: &["-db", "-f", "@CONF@"],
            configuration: include_str!("../../wild/haproxy.cfg"),
            words: &[],
            files: &[],
        },
    )
}

/// Settings for the location of this name.
fn location(program: &Program, name: &str) -> Settings {
    at(format!("http://127.0.0.1:{}/{name}/v1", program.port()))
}

/// Two turns share one WebSocket.
fn lets_through(program: &Program, peer: &Peer, adapter: &dyn Adapter) {
    let case = Case::new(program, peer, adapter, "lets WebSocket through", location(program, "upgraded"));
    case.expect(WebSocket);
    case.note(&case.expect(WebSocket));
    case.expect_handshakes(1);
    assert_eq!(case.client.policy().mode(), Mode::Preferred);
}

/// The first turn moves to SSE, and the second knows.
fn refuses(program: &Program, peer: &Peer, adapter: &dyn Adapter, path: &str, name: &str, says: &str) {
    let handshakes = program.answered("GET");
    let case = Case::new(program, peer, adapter, name, location(program, path));
    let outcome = case.expect(Sse);
    let told = outcome.notices()[0].to_string();
    assert!(told.contains(says), "no `{says}` in: {told}");
    assert!(outcome.first_event_after().is_some_and(|time| time < SLACK));
    case.expect(Sse);
    case.expect_handshakes(handshakes + 1);
    let mode = case.client.policy().mode();
    assert!(matches!(mode, Mode::FailedOver { .. }), "{mode:?}");
    crate::table::note(program, name, adapter, &outcome, 1);
}

fn nginx_that_lets_websocket_through(adapter: &dyn Adapter) {
    let peer = Peer::start();
    let Some(nginx) = nginx(&peer) else { return };
    lets_through(&nginx, &peer, adapter);
}

fn nginx_that_does_not_upgrade(adapter: &dyn Adapter) {
    let peer = Peer::start();
    let Some(nginx) = nginx(&peer) else { return };
    refuses(&nginx, &peer, adapter, "plain", "no Upgrade, HTTP/1.0", "refused");
    refuses(&nginx, &peer, adapter, "http11", "no Upgrade, HTTP/1.1", "refused");
}

fn nginx_that_refuses_the_upgrade(adapter: &dyn Adapter) {
    let peer = Peer::start();
    let Some(nginx) = nginx(&peer) else { return };
    for (status, says) in [
        ("400", "400 Bad Request"),
        ("301", "301 Moved Permanently"),
        ("403", "403 Forbidden"),
        ("502", "502 Bad Gateway"),
    ] {
        let name = format!("upgrade answered {status}");
        refuses(&nginx, &peer, adapter, status, &name, says);
    }
}

/// It holds all events back until the last one, which is no failure.
fn nginx_that_buffers(adapter: &dyn Adapter) {
    const PAUSE: Duration = Duration::from_millis(1500);
    let peer = Peer::start();
    let Some(nginx) = nginx(&peer) else { return };
    peer.set_turn(Sse, Turn::after(5).then_pause(PAUSE).then_complete());
    let case = Case::new(&nginx, &peer, adapter, "SSE held back until its end", location(&nginx, "buffered"));
    let outcome = case.expect(Sse);
    assert!(
        outcome.first_event_after().is_some_and(|time| time >= PAUSE),
        "it was not buffered: {outcome:?}"
    );
    case.note(&outcome);
}

fn nginx_that_compresses(adapter: &dyn Adapter) {
    let peer = Peer::start();
    let Some(nginx) = nginx(&peer) else { return };
    refuses(&nginx, &peer, adapter, "gzip", "compresses where that is accepted", "refused");
}

/// WebSocket works there, but not while a model thinks.
fn cuts_before_the_first_event(program: &Program, peer: &Peer, adapter: &dyn Adapter, name: &str) {
    peer.set_turn(WebSocket, Turn::new().then_pause(THINKING).then_complete());
    let case = Case::new(program, peer, adapter, name, location(program, "idle"));
    let outcome = case.expect(Sse);
    case.note(&outcome);
    // One retry begins within `fallback_within`, 5 seconds after the first attempt began.
    assert!(outcome.first_event_after().is_some_and(|time| time < 2 * CUT_AFTER + SLACK), "{outcome:?}");
    assert_eq!(peer.journal().handshakes(), 2, "{}", peer.journal());
    let mode = case.client.policy().mode();
    assert!(matches!(mode, Mode::FailedOver { .. }), "{mode:?}");
}

fn nginx_that_cuts_a_tunnel_before_the_first_event(adapter: &dyn Adapter) {
    let peer = Peer::start();
    let Some(nginx) = nginx(&peer) else { return };
    cuts_before_the_first_event(&nginx, &peer, adapter, "tunnel cut after 3 s before the first event");
}

/// The turn that had output is lost, the next one is not.
fn nginx_that_cuts_a_tunnel_in_mid_stream(adapter: &dyn Adapter) {
    let peer = Peer::start();
    let Some(nginx) = nginx(&peer) else { return };
    peer.set_turn(WebSocket, Turn::after(5).then_pause(THINKING).then_complete());
    let name = "tunnel cut after 3 s in mid-stream";
    let case = Case::new(&nginx, &peer, adapter, name, location(&nginx, "idle"));
    case.expect_failure(GiveUp::Committed, &["WebSocket", "in mid-stream"]);
    case.expect(Sse);
    case.expect_handshakes(1);
}

/// Pings keep it open. By default they are sent every 15 seconds.
fn nginx_that_would_cut_a_tunnel_that_is_not_pinged(adapter: &dyn Adapter) {
    let peer = Peer::start();
    let Some(nginx) = nginx(&peer) else { return };
    let thinks = Turn::new().then_pause(THINKING).then_events(5).then_pause(THINKING).then_complete();
    peer.set_turn(WebSocket, thinks);
    let settings = location(&nginx, "idle").limits(Limits::new().with_ping_interval(CUT_AFTER / 3));
    let case = Case::new(&nginx, &peer, adapter, "tunnel cut after 3 s, pinged every second", settings);
    case.note(&case.expect(WebSocket));
    case.expect_handshakes(1);
}

fn haproxy_that_lets_websocket_through(adapter: &dyn Adapter) {
    let peer = Peer::start();
    let Some(haproxy) = haproxy(&peer) else { return };
    lets_through(&haproxy, &peer, adapter);
}

fn haproxy_that_refuses_the_upgrade(adapter: &dyn Adapter) {
    let peer = Peer::start();
    let Some(haproxy) = haproxy(&peer) else { return };
    for (status, says) in [("403", "403 Forbidden"), ("502", "502 Bad Gateway"), ("200", "200 OK")] {
        let name = format!("upgrade answered {status}");
        refuses(&haproxy, &peer, adapter, status, &name, says);
    }
}

/// The turn waits for no longer than the head start.
fn haproxy_that_never_answers_an_upgrade(adapter: &dyn Adapter) {
    let peer = Peer::start();
    let Some(haproxy) = haproxy(&peer) else { return };
    let settings = at(format!("http://127.0.0.1:{}/tarpit/v1", haproxy.port())).default_head_start();
    let case = Case::new(&haproxy, &peer, adapter, "upgrade held for 8 s, then 500", settings);
    let outcome = case.expect(Sse);
    assert!(outcome.first_event_after() >= Some(Config::new().head_start()), "{outcome:?}");
    case.expect(Sse);
    // The handshake goes on behind both turns.
    assert_eq!(haproxy.answered("GET"), 0, "{}", haproxy.output());
    // It is refused at last.
    case.expect_handshakes(1);
    failback_tests::until("the conviction", || {
        matches!(case.client.policy().mode(), Mode::FailedOver { .. })
    });
    case.note(&outcome);
}

fn haproxy_that_cuts_a_tunnel(adapter: &dyn Adapter) {
    let peer = Peer::start();
    let Some(haproxy) = haproxy(&peer) else { return };
    cuts_before_the_first_event(&haproxy, &peer, adapter, "tunnel cut after 3 s before the first event");
}
