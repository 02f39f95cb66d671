//! SSE without even headers for 268 s: it is waited for, as long as the idle limit allows, with one POST. And
//! a captive portal that answers with its own page.

use std::thread;
use std::time::Duration;

use failback::{Blame, Config, GiveUp, Mode, Stage, Transport};
use failback_peer::{Gate, Handshake, Peer, Turn, What};
use failback_tests::{Adapter, Outcome, Settings, collect};
use failback_wire::{Limits, Request};

with_every_adapter!(
    a_first_byte_that_comes_late_costs_one_post,
    sse_that_never_answers_ends_the_turn_and_convicts_nobody,
    a_captive_portal_is_the_networks_fault,
    a_portal_that_lets_go_costs_one_retry,
);

/// One second of silence instead of 300, and short backoff: the defaults add up to minutes.
fn settings(peer: &Peer) -> Settings {
    settings_with(peer, Limits::new().with_idle_timeout(Duration::from_secs(1)))
}

fn settings_with(peer: &Peer, limits: Limits) -> Settings {
    Settings::new(peer).limits(limits).config(Config::new().with_backoff_max(Duration::from_millis(10)))
}

fn request() -> Request {
    Request::text("m", "hello world")
}

fn expect_complete(outcome: &Outcome) {
    assert!(outcome.is_complete(), "{outcome:?}");
    assert_eq!(outcome.text(), "echo: hello world");
    assert!(outcome.restarts().is_empty(), "{outcome:?}");
}

fn a_first_byte_that_comes_late_costs_one_post(adapter: &dyn Adapter) {
    // Neither a head that comes late, nor comments before the first event, are a failure.
    for before in [Turn::new(), Turn::new().then_headers(), Turn::new().then_keep_alive()] {
        let (peer, late) = (Peer::start(), Gate::new());
        peer.set_handshake(Handshake::status(403));
        peer.set_turn(Transport::Sse, before.then_gate(&late).then_complete());
        // What the first event of a WebSocket may take has passed many times over when this one comes.
        let limits = Limits::new().with_first_event_timeout(Duration::from_millis(20));
        let client = adapter.client(settings_with(&peer, limits));
        let turn = client.stream(request());
        let turn = thread::spawn(move || collect(turn));
        peer.wait_for_blocking("the request", |journal| journal.any(|what| matches!(what, What::AtGate)));
        thread::sleep(Duration::from_millis(200));
        late.open();
        expect_complete(&turn.join().expect("the turn"));
        let journal = peer.journal();
        assert_eq!(journal.handshakes(), 1, "{journal}");
        assert_eq!(journal.transports(), [Transport::Sse], "{journal}");
    }
}

fn sse_that_never_answers_ends_the_turn_and_convicts_nobody(adapter: &dyn Adapter) {
    let peer = Peer::start();
    peer.push_handshake(Handshake::status(503));
    peer.set_turn(Transport::Sse, Turn::no_headers());
    let client = adapter.client(settings(&peer));
    let outcome = collect(client.stream(request()));
    let error = outcome.error.as_ref().expect("an error");
    assert_eq!(error.give_up(), GiveUp::AttemptsExhausted, "{error}");
    assert!(outcome.items.is_empty(), "{outcome:?}");
    let attempts = error.attempts();
    assert_eq!(attempts.len(), 1 + 6, "{error}");
    assert_eq!((attempts[0].transport(), attempts[0].stage()), (Transport::WebSocket, Stage::Connecting));
    assert!(error.to_string().contains("The server is overloaded."), "{error}");
    for attempt in &attempts[1..] {
        assert_eq!((attempt.transport(), attempt.stage()), (Transport::Sse, Stage::Open), "{error}");
        assert!(attempt.text().contains("silent for too long"), "{error}");
    }

    let journal = peer.journal();
    assert_eq!(journal.handshakes(), 1, "{journal}");
    assert_eq!(journal.transports(), [Transport::Sse; 6], "{journal}");
    assert_eq!((client.policy().mode(), client.policy().recoveries_left()), (Mode::Preferred, 3));

    let outcome = collect(client.stream(request()));
    expect_complete(&outcome);
    assert!(outcome.notices().is_empty(), "{outcome:?}");
    let journal = peer.journal();
    assert_eq!(journal.handshakes(), 2, "{journal}");
    assert_eq!(journal.transports().last(), Some(&Transport::WebSocket), "{journal}");
}

fn portal() -> Handshake {
    Handshake::Status {
        code: 200,
        headers: vec![("content-type".to_owned(), "text/html".to_owned())],
        body: "<!doctype html><title>Welcome</title><p>Please sign in.".to_owned(),
    }
}

fn a_captive_portal_is_the_networks_fault(adapter: &dyn Adapter) {
    let peer = Peer::start();
    peer.set_handshake(portal());
    peer.set_turn(Transport::Sse, Turn::html());
    let client = adapter.client(settings(&peer));
    let outcome = collect(client.stream(request()));
    let error = outcome.error.as_ref().expect("an error");
    assert_eq!(error.give_up(), GiveUp::AttemptsExhausted, "{error}");
    assert!(outcome.items.is_empty(), "{outcome:?}");
    assert_eq!(error.attempts().len(), 1 + 6, "{error}");
    assert!(error.attempts()[0].text().contains("an HTML page: Welcome"), "{error}");
    for attempt in &error.attempts()[1..] {
        assert_eq!((attempt.transport(), attempt.blame()), (Transport::Sse, Some(Blame::Network)), "{error}");
        assert!(
            attempt.text().contains("HTML (text/html) instead of an event stream: a captive portal"),
            "{error}"
        );
    }
    let journal = peer.journal();
    assert_eq!(journal.handshakes(), 1, "{journal}");
    assert_eq!(journal.transports(), [Transport::Sse; 6], "{journal}");
    assert_eq!((client.policy().mode(), client.policy().recoveries_left()), (Mode::Preferred, 3));

    // Once signed in, all is as it was.
    peer.set_handshake(Handshake::Accept);
    let outcome = collect(client.stream(request()));
    expect_complete(&outcome);
    assert!(outcome.notices().is_empty(), "{outcome:?}");
    let journal = peer.journal();
    assert_eq!(journal.handshakes(), 2, "{journal}");
    assert_eq!(journal.transports().last(), Some(&Transport::WebSocket), "{journal}");
}

fn a_portal_that_lets_go_costs_one_retry(adapter: &dyn Adapter) {
    let peer = Peer::start();
    peer.push_handshake(portal());
    peer.push_turn(Transport::Sse, Turn::html());
    let client = adapter.client(settings(&peer));
    let outcome = collect(client.stream(request()));
    expect_complete(&outcome);
    assert_eq!(outcome.moves(), [Transport::Sse]);
    // SSE failed first, so that it works now says nothing about WebSocket.
    assert_eq!(client.policy().mode(), Mode::Preferred);
    let outcome = collect(client.stream(request()));
    expect_complete(&outcome);
    assert_eq!(outcome.moves(), [Transport::WebSocket]);
    let journal = peer.journal();
    assert_eq!(journal.handshakes(), 2, "{journal}");
    assert_eq!(journal.transports(), [Transport::Sse, Transport::Sse, Transport::WebSocket], "{journal}");
}
