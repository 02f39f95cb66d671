//! A WebSocket that is opened ahead of the first turn, with every adapter.

#[macro_use]
extern crate failback_tests;

use std::time::{Duration, Instant};

use failback::{Blame, Config, Mode, Stage, Transport};
use failback_client::Warmed;
use failback_peer::{Gate, Handshake, Peer, Turn, What};
use failback_tests::{
    Adapter, Failed, Heard, Says, Settings, TestClient, TestProvider, collect, complete, hello, until,
};
use failback_wire::{Limits, Request};

use Transport::{Sse, WebSocket};

with_every_adapter!(
    one_handshake_for_a_warm_up_and_a_turn,
    what_waits_is_read_and_pinged,
    a_turn_adopts_a_handshake_under_way,
    a_turn_waits_for_a_black_holed_warm_up_no_longer_than_its_head_start,
    nobody_waits_twice_for_a_warm_up,
    an_adopted_handshake_that_is_refused_is_its_turns,
    an_adopted_handshake_opens_for_the_next_turn,
    a_warm_up_that_is_refused_says_why_and_counts,
    a_warm_up_in_a_black_hole_ends_with_the_connect_timeout,
    none_while_a_websocket_waits,
    another_once_what_waited_is_gone,
    none_before_the_cooldown_is_over,
    after_the_cooldown_a_warm_up_is_the_probe,
    a_turn_adopts_the_probe,
    two_at_once_are_one_handshake,
    closing_what_is_idle_ends_it,
    a_change_of_network_ends_it,
    a_turn_that_is_dropped_takes_its_handshake_along,
    a_request_that_only_warms_up_keeps_the_socket_too,
    a_provider_is_asked_before_the_handshake,
    credentials_that_are_refused_are_renewed,
    a_turn_that_adopts_renews_them_itself,
    a_provider_that_fails_opens_nothing,
    a_slow_provider_ends_with_the_connect_timeout,
    closing_what_is_idle_ends_the_wait_for_a_provider,
);

/// Long enough for any handshake on a busy machine.
fn patient() -> Config {
    Config::new().with_head_start(Duration::from_secs(20))
}

#[track_caller]
fn assert_served(peer: &Peer, handshakes: usize, transports: &[Transport]) {
    let journal = peer.journal();
    assert_eq!(journal.handshakes(), handshakes, "{journal}");
    assert_eq!(journal.transports(), transports, "{journal}");
}

/// A warm-up whose handshake is held at the gate.
fn held_warm_up(peer: &Peer, client: &dyn TestClient, gate: &Gate) -> Box<dyn FnOnce() -> Warmed + Send> {
    peer.push_handshake(Handshake::hold(gate));
    let warm_up = client.warm_up();
    until("the handshake to begin", || gate.arrivals() == 1);
    warm_up
}

/// A client whose warm-up is held at the gate.
struct Held {
    peer: Peer,
    client: Box<dyn TestClient>,
    gate: Gate,
    warm_up: Box<dyn FnOnce() -> Warmed + Send>,
}

fn held(adapter: &dyn Adapter) -> Held {
    let (peer, gate) = (Peer::start(), Gate::new());
    let client = adapter.client(Settings::new(&peer).config(patient()));
    let warm_up = held_warm_up(&peer, &*client, &gate);
    Held { peer, client, gate, warm_up }
}

/// Failed over: the first turn was refused on WebSocket, and served over SSE.
fn failed_over(adapter: &dyn Adapter, peer: &Peer) -> Box<dyn TestClient> {
    failed_over_as(Settings::new(peer), adapter, peer)
}

fn failed_over_as(settings: Settings, adapter: &dyn Adapter, peer: &Peer) -> Box<dyn TestClient> {
    let client = adapter.client(settings.config(patient()));
    peer.push_handshake(Handshake::status(403));
    complete(&*client);
    assert!(matches!(client.policy().mode(), Mode::FailedOver { .. }));
    assert_served(peer, 1, &[Sse]);
    client
}

fn one_handshake_for_a_warm_up_and_a_turn(adapter: &dyn Adapter) {
    let peer = Peer::start();
    let client = adapter.client(Settings::new(&peer).config(patient()));
    assert_eq!(client.warm_up()(), Warmed::Opened);
    assert_served(&peer, 1, &[]);
    assert_eq!(client.policy().mode(), Mode::Preferred);
    for _ in 0..2 {
        assert_eq!(complete(&*client).moves(), []);
    }
    assert_served(&peer, 1, &[WebSocket; 2]);
}

fn what_waits_is_read_and_pinged(adapter: &dyn Adapter) {
    let peer = Peer::start();
    let limits = Limits::new().with_ping_interval(Duration::from_millis(100));
    let client = adapter.client(Settings::new(&peer).config(patient()).limits(limits));
    assert_eq!(client.warm_up()(), Warmed::Opened);
    peer.wait_for_blocking("a ping", |journal| journal.count(|what| matches!(what, What::Ping)) >= 2);
    complete(&*client);
    assert_served(&peer, 1, &[WebSocket]);
}

fn a_turn_adopts_a_handshake_under_way(adapter: &dyn Adapter) {
    let Held { peer, client, gate, warm_up } = held(adapter);
    let mut stream = client.stream(hello());
    let adopted = || client.policy().poll_timeout().is_none();
    assert!(stream.next_unless(&adopted).is_none());
    gate.open();
    let outcome = collect(stream);
    assert!(outcome.is_complete(), "{outcome:?}");
    assert_served(&peer, 1, &[WebSocket]);
    assert_eq!(warm_up(), Warmed::Opened);
    complete(&*client);
    assert_served(&peer, 1, &[WebSocket; 2]);
}

fn a_turn_waits_for_a_black_holed_warm_up_no_longer_than_its_head_start(adapter: &dyn Adapter) {
    let peer = Peer::start();
    peer.set_handshake(Handshake::BlackHole);
    let client = adapter.client(Settings::new(&peer).default_head_start());
    drop(client.warm_up());
    peer.wait_for_blocking("the handshake", |journal| journal.handshakes() == 1);
    let outcome = complete(&*client);
    let waited = outcome.first_event_after().expect("an event");
    // The head start is 1 s.
    assert!(Duration::from_secs(1) <= waited && waited < Duration::from_millis(2500), "{outcome:?}");
    assert_eq!(outcome.moves(), [Sse]);
    assert_served(&peer, 1, &[Sse]);
}

fn nobody_waits_twice_for_a_warm_up(adapter: &dyn Adapter) {
    let peer = Peer::start();
    peer.set_handshake(Handshake::BlackHole);
    let config = Config::new().with_head_start(Duration::from_millis(300));
    let client = adapter.client(Settings::new(&peer).config(config));
    drop(client.warm_up());
    for _ in 0..3 {
        complete(&*client);
    }
    assert_eq!(client.warm_up()(), Warmed::NotWanted, "the handshake is still under way");
    // Whoever waited again would have begun a handshake of its own, or been diverted.
    assert_served(&peer, 1, &[Sse; 3]);
    assert_eq!(client.policy().mode(), Mode::Preferred);
}

fn an_adopted_handshake_that_is_refused_is_its_turns(adapter: &dyn Adapter) {
    let (peer, gate) = (Peer::start(), Gate::new());
    let client = adapter.client(Settings::new(&peer).config(patient()));
    peer.push_handshake(Handshake::hold_then(&gate, Handshake::status(403)));
    let warm_up = client.warm_up();
    until("the handshake to begin", || gate.arrivals() == 1);
    let mut stream = client.stream(hello());
    assert!(stream.next_unless(&|| client.policy().poll_timeout().is_none()).is_none());
    gate.open();
    let outcome = collect(stream);
    assert!(outcome.is_complete(), "{outcome:?}");
    assert_eq!(outcome.moves(), [Sse]);
    assert!(outcome.notices()[0].text().contains("403"), "{outcome:?}");
    let Warmed::Failed(report) = warm_up() else { panic!("it was refused") };
    assert_eq!(report.status(), Some(403));
    assert_served(&peer, 1, &[Sse]);
    assert!(matches!(client.policy().mode(), Mode::FailedOver { .. }));
}

fn an_adopted_handshake_opens_for_the_next_turn(adapter: &dyn Adapter) {
    let (peer, gate) = (Peer::start(), Gate::new());
    let client = adapter.client(Settings::new(&peer).default_head_start());
    let warm_up = held_warm_up(&peer, &*client, &gate);
    // It adopts the handshake, and leaves it.
    assert_eq!(complete(&*client).moves(), [Sse]);
    gate.open();
    assert_eq!(warm_up(), Warmed::Opened);
    until("the handshake to be kept", || client.policy().poll_timeout().is_none());
    complete(&*client);
    assert_served(&peer, 1, &[Sse, WebSocket]);
}

fn a_warm_up_that_is_refused_says_why_and_counts(adapter: &dyn Adapter) {
    let peer = Peer::start();
    peer.push_handshake(Handshake::status(403));
    let client = adapter.client(Settings::new(&peer).config(patient()));
    let Warmed::Failed(report) = client.warm_up()() else { panic!("it was refused") };
    assert_eq!((report.transport(), report.stage()), (WebSocket, Stage::Connecting));
    assert_eq!((report.status(), report.blame()), (Some(403), Some(Blame::Transport)));
    assert_eq!(client.policy().mode(), Mode::Suspected);
    assert_eq!(client.warm_up()(), Warmed::NotWanted);
    complete(&*client);
    assert_served(&peer, 1, &[Sse]);
    assert!(matches!(client.policy().mode(), Mode::FailedOver { .. }));
}

fn a_warm_up_in_a_black_hole_ends_with_the_connect_timeout(adapter: &dyn Adapter) {
    let peer = Peer::start();
    peer.set_handshake(Handshake::BlackHole);
    let limits = Limits::new().with_connect_timeout(Duration::from_millis(500));
    let client = adapter.client(Settings::new(&peer).limits(limits));
    let begun = Instant::now();
    assert!(matches!(client.warm_up()(), Warmed::Failed(_)));
    assert!(begun.elapsed() < Duration::from_secs(10));
    assert_eq!(client.policy().mode(), Mode::Suspected);
}

fn none_while_a_websocket_waits(adapter: &dyn Adapter) {
    let peer = Peer::start();
    let client = adapter.client(Settings::new(&peer).config(patient()));
    complete(&*client);
    assert_eq!(client.warm_up()(), Warmed::AlreadyOpen);
    complete(&*client);
    assert_eq!(client.warm_up()(), Warmed::AlreadyOpen);
    assert_served(&peer, 1, &[WebSocket; 2]);
}

fn another_once_what_waited_is_gone(adapter: &dyn Adapter) {
    let peer = Peer::start();
    let client = adapter.client(Settings::new(&peer).config(patient()));
    assert_eq!(client.warm_up()(), Warmed::Opened);
    client.close_idle();
    assert_eq!(client.warm_up()(), Warmed::Opened);
    peer.close_connections(1001);
    peer.wait_for_blocking("the connections to end", |journal| journal.open_connections() == 0);
    until("the tasks to end", || client.background_tasks() == 0);
    assert_eq!(client.warm_up()(), Warmed::Opened);
    assert_served(&peer, 3, &[]);
    complete(&*client);
    assert_served(&peer, 3, &[WebSocket]);
}

fn none_before_the_cooldown_is_over(adapter: &dyn Adapter) {
    let peer = Peer::start();
    let client = failed_over(adapter, &peer);
    assert_eq!(client.warm_up()(), Warmed::NotWanted);
    client.advance(Duration::from_secs(50));
    assert_eq!(client.warm_up()(), Warmed::NotWanted);
    assert_eq!(client.policy().recoveries_left(), 3);
    complete(&*client);
    assert_served(&peer, 1, &[Sse; 2]);
}

fn after_the_cooldown_a_warm_up_is_the_probe(adapter: &dyn Adapter) {
    let (peer, gate) = (Peer::start(), Gate::new());
    let client = failed_over(adapter, &peer);
    client.advance(Duration::from_secs(90));
    let warm_up = held_warm_up(&peer, &*client, &gate);
    assert!(matches!(client.policy().mode(), Mode::Probing { .. }));
    assert_eq!(client.policy().recoveries_left(), 2);
    gate.open();
    assert_eq!(warm_up(), Warmed::Opened);
    assert!(matches!(client.policy().mode(), Mode::FailedOver { .. }), "that proves nothing");
    assert_eq!(client.policy().recoveries_left(), 3);
    assert_eq!(complete(&*client).moves(), [WebSocket]);
    assert_served(&peer, 2, &[Sse, WebSocket]);
    assert_eq!(client.policy().mode(), Mode::Preferred);

    // One that fails costs what any probe costs.
    client.close_idle();
    peer.push_handshake(Handshake::status(403));
    complete(&*client);
    client.advance(Duration::from_secs(90));
    peer.push_handshake(Handshake::status(403));
    assert!(matches!(client.warm_up()(), Warmed::Failed(_)));
    assert_eq!((client.policy().mode(), client.policy().recoveries_left()), (Mode::Suspected, 2));
}

fn a_turn_adopts_the_probe(adapter: &dyn Adapter) {
    let (peer, gate) = (Peer::start(), Gate::new());
    let heard = Heard::default();
    let client = failed_over_as(Settings::new(&peer).observer(heard.observer()), adapter, &peer);
    client.advance(Duration::from_secs(90));
    let _warm_up = held_warm_up(&peer, &*client, &gate);
    let mut stream = client.stream(hello());
    assert!(stream.next_unless(&|| !heard.lines_of(2).is_empty()).is_none());
    assert_eq!(heard.lines_of(2), ["2: attempt 1, websocket, probe, probe, adopted"]);
    gate.open();
    let outcome = collect(stream);
    assert!(outcome.is_complete(), "{outcome:?}");
    assert_eq!(outcome.moves(), [WebSocket]);
    assert_served(&peer, 2, &[Sse, WebSocket]);
    assert_eq!((client.policy().mode(), client.policy().recoveries_left()), (Mode::Preferred, 3));
}

fn two_at_once_are_one_handshake(adapter: &dyn Adapter) {
    let (peer, gate) = (Peer::start(), Gate::new());
    let client = adapter.client(Settings::new(&peer).config(patient()));
    let first = held_warm_up(&peer, &*client, &gate);
    let second = client.warm_up();
    gate.open();
    assert_eq!((first(), second()), (Warmed::Opened, Warmed::Opened));
    complete(&*client);
    assert_served(&peer, 1, &[WebSocket]);
}

fn closing_what_is_idle_ends_it(adapter: &dyn Adapter) {
    let Held { peer, client, gate: _gate, warm_up } = held(adapter);
    client.close_idle();
    assert_eq!(warm_up(), Warmed::Abandoned);
    until("the handshake to end", || client.background_tasks() == 0);
    complete(&*client);
    assert_served(&peer, 2, &[WebSocket]);
}

fn a_change_of_network_ends_it(adapter: &dyn Adapter) {
    let Held { peer, client, gate: _gate, warm_up } = held(adapter);
    client.handle_network_change();
    assert_eq!(warm_up(), Warmed::Abandoned);
    assert_eq!(client.warm_up()(), Warmed::Opened);
    complete(&*client);
    assert_served(&peer, 2, &[WebSocket]);
}

fn a_turn_that_is_dropped_takes_its_handshake_along(adapter: &dyn Adapter) {
    let Held { peer, client, gate: _gate, warm_up } = held(adapter);
    let mut stream = client.stream(hello());
    assert!(stream.next_unless(&|| client.policy().poll_timeout().is_none()).is_none());
    drop(stream);
    assert_eq!(warm_up(), Warmed::Abandoned);
    assert_eq!(client.policy().mode(), Mode::Preferred);
    complete(&*client);
    assert_served(&peer, 2, &[WebSocket]);
}

fn a_request_that_only_warms_up_keeps_the_socket_too(adapter: &dyn Adapter) {
    let peer = Peer::start();
    let client = failed_over(adapter, &peer);
    client.advance(Duration::from_secs(90));
    assert_eq!(client.warm_up()(), Warmed::Opened);
    peer.push_turn(WebSocket, Turn::complete());
    let body = r#"{"model":"m","input":"hello","generate":false}"#;
    let outcome = collect(client.stream(Request::from_json(body).expect("a body")));
    assert!(outcome.is_complete(), "{outcome:?}");
    assert!(matches!(client.policy().mode(), Mode::FailedOver { .. }), "ended, not completed");
    assert_eq!(client.warm_up()(), Warmed::AlreadyOpen);
    complete(&*client);
    assert_served(&peer, 2, &[Sse, WebSocket, WebSocket]);
    assert_eq!(client.policy().mode(), Mode::Preferred);
}

/// A client that asks for these tokens, of a peer that admits the second.
fn asking(adapter: &dyn Adapter, peer: &Peer, tokens: [&str; 2]) -> (TestProvider, Box<dyn TestClient>) {
    peer.require_bearer(tokens[1]);
    let provider = TestProvider::new(&tokens);
    let client = adapter.client(Settings::new(peer).config(patient()).provider(&provider));
    (provider, client)
}

fn a_provider_is_asked_before_the_handshake(adapter: &dyn Adapter) {
    let peer = Peer::start();
    let (provider, client) = asking(adapter, &peer, ["token-7f3a", "token-7f3a"]);
    assert_eq!(client.warm_up()(), Warmed::Opened);
    complete(&*client);
    assert_served(&peer, 1, &[WebSocket]);
    assert_eq!(provider.asked(), [None]);
}

fn credentials_that_are_refused_are_renewed(adapter: &dyn Adapter) {
    let peer = Peer::start();
    let (provider, client) = asking(adapter, &peer, ["token-old-7f3a", "token-new-91bc"]);
    assert_eq!(client.warm_up()(), Warmed::Opened);
    assert_eq!(peer.journal().refusals(), [401]);
    complete(&*client);
    assert_served(&peer, 2, &[WebSocket]);
    assert_eq!(provider.asked().len(), 2);
    assert_eq!(client.policy().mode(), Mode::Preferred);
}

fn a_turn_that_adopts_renews_them_itself(adapter: &dyn Adapter) {
    let peer = Peer::start();
    let provider = TestProvider::new(&["token-old-7f3a", "token-new-91bc"]);
    let client = adapter.client(Settings::new(&peer).config(patient()).provider(&provider));
    let gate = Gate::new();
    peer.push_handshake(Handshake::hold_then(&gate, Handshake::status(401)));
    let warm_up = client.warm_up();
    until("the handshake to begin", || gate.arrivals() == 1);
    let mut stream = client.stream(hello());
    assert!(stream.next_unless(&|| client.policy().poll_timeout().is_none()).is_none());
    gate.open();
    let outcome = collect(stream);
    assert!(outcome.is_complete() && outcome.moves().is_empty(), "{outcome:?}");
    let Warmed::Failed(report) = warm_up() else { panic!("that handshake was refused") };
    assert_eq!(report.status(), Some(401));
    assert_served(&peer, 2, &[WebSocket]);
    assert_eq!(provider.asked().len(), 2);
    assert_eq!(client.policy().mode(), Mode::Preferred);
}

fn a_provider_that_fails_opens_nothing(adapter: &dyn Adapter) {
    let peer = Peer::start();
    let (provider, client) = asking(adapter, &peer, ["token-7f3a", "token-7f3a"]);
    provider.push(Says::Fails(Failed("the vault is closed".to_owned())));
    let Warmed::Failed(report) = client.warm_up()() else { panic!("it has not failed") };
    assert_eq!(report.text(), "stopped for want of credentials: the vault is closed");
    assert_served(&peer, 0, &[]);
    complete(&*client);
    assert_served(&peer, 1, &[WebSocket]);
}

/// As for a handshake that goes on without its turn: no turn waits, and none has a deadline for it.
fn a_slow_provider_ends_with_the_connect_timeout(adapter: &dyn Adapter) {
    let (peer, provider) = (Peer::start(), TestProvider::new(&["token-7f3a"]));
    let limits = Limits::new().with_connect_timeout(Duration::from_millis(500));
    let client = adapter.client(Settings::new(&peer).limits(limits).provider(&provider));
    provider.push(Says::Waits);
    assert_eq!(client.warm_up()(), Warmed::Abandoned);
    assert_eq!((client.policy().mode(), peer.journal().connections()), (Mode::Preferred, 0));
    provider.release();
    complete(&*client);
}

fn closing_what_is_idle_ends_the_wait_for_a_provider(adapter: &dyn Adapter) {
    let peer = Peer::start();
    let (provider, client) = asking(adapter, &peer, ["token-7f3a", "token-7f3a"]);
    provider.push(Says::Waits);
    let warm_up = client.warm_up();
    until("the provider to be asked", || provider.asked().len() == 1);
    client.close_idle();
    assert_eq!(warm_up(), Warmed::Abandoned);
    assert_served(&peer, 0, &[]);
    provider.release();
    complete(&*client);
}
