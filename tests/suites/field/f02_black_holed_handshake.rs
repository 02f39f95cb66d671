//! An upgrade that is never answered: 111.6 s elsewhere until the turn completes over SSE.

use std::time::Duration;

use failback::{Mode, Reason, Transport};
use failback_peer::{Gate, Handshake, Journal, Peer, What};
use failback_tests::{Adapter, Outcome, Settings, TestClient, collect, until};
use failback_wire::{Limits, Request};

with_every_adapter!(
    one_head_start_then_sse_and_the_next_turns_do_not_wait,
    the_handshake_goes_on_and_convicts,
    a_refusal_that_comes_late_convicts,
    a_handshake_that_is_only_slow_serves_the_next_turn,
    a_black_holed_probe_costs_one_head_start,
);

const HEAD_START: Duration = Duration::from_secs(1);

/// Far more than a turn takes even on a busy machine, and far less than elsewhere.
const SOON: Duration = Duration::from_millis(2500);

fn assert_diverted(turn: &Outcome) {
    assert!(turn.is_complete(), "{turn:?}");
    let first = turn.first_event_after().expect("an event");
    assert!(first >= HEAD_START && first < SOON, "{turn:?}");
}

/// A turn that had waited would have made a handshake of its own: the journal counts them.
fn assert_on_time(turn: &Outcome) {
    assert!(turn.is_complete(), "{turn:?}");
    assert!(turn.first_event_after().expect("an event") < SOON, "{turn:?}");
}

/// The upgrade came before the first request, and was not answered.
fn assert_unanswered(journal: &Journal) {
    let handshake = journal.entries().position(|entry| matches!(entry.what, What::Handshake { .. }));
    let request = journal.entries().position(|entry| matches!(entry.what, What::Request { .. }));
    assert!(handshake.is_some() && handshake < request, "{journal}");
    assert_eq!(journal.upgrades(), 0, "{journal}");
    assert!(journal.refusals().is_empty(), "{journal}");
}

fn failed_over(client: &dyn TestClient) -> bool {
    matches!(client.policy().mode(), Mode::FailedOver { .. })
}

fn one_head_start_then_sse_and_the_next_turns_do_not_wait(adapter: &dyn Adapter) {
    let peer = Peer::start();
    peer.set_handshake(Handshake::BlackHole);
    let client = adapter.client(Settings::new(&peer).default_head_start());

    let first = collect(client.stream(Request::text("m", "hello world")));
    assert_diverted(&first);
    assert_eq!(first.text(), "echo: hello world");
    assert_eq!(first.moves(), [Transport::Sse]);
    assert_eq!(first.notices()[0].text(), "moved to SSE: the WebSocket handshake took longer than 1.0 s");
    assert!(first.restarts().is_empty());

    for input in ["two", "three", "four"] {
        let next = collect(client.stream(Request::text("m", input)));
        assert_on_time(&next);
        assert_eq!(next.text(), format!("echo: {input}"));
        assert!(next.notices().is_empty(), "{next:?}");
    }

    let journal = peer.journal();
    assert_unanswered(&journal);
    assert_eq!(journal.handshakes(), 1, "{journal}");
    assert_eq!(journal.transports(), [Transport::Sse; 4], "{journal}");
    assert_eq!(client.policy().mode(), Mode::Preferred, "the dial is still under way");
}

fn the_handshake_goes_on_and_convicts(adapter: &dyn Adapter) {
    let peer = Peer::start();
    peer.set_handshake(Handshake::BlackHole);
    // 15 s otherwise.
    let limits = Limits::new().with_connect_timeout(Duration::from_secs(3));
    let client = adapter.client(Settings::new(&peer).default_head_start().limits(limits));

    let first = collect(client.stream(Request::text("m", "one")));
    assert_diverted(&first);
    assert_eq!(client.policy().mode(), Mode::Preferred);
    until("the dial to convict", || failed_over(&*client));
    assert_eq!(client.policy().recoveries_left(), 3);

    client.advance(Duration::from_secs(50));
    let second = collect(client.stream(Request::text("m", "two")));
    assert_on_time(&second);

    let journal = peer.journal();
    assert_unanswered(&journal);
    assert_eq!(journal.handshakes(), 1, "{journal}");
    assert_eq!(journal.transports(), [Transport::Sse; 2], "{journal}");
    assert!(failed_over(&*client));
}

fn a_refusal_that_comes_late_convicts(adapter: &dyn Adapter) {
    let (peer, gate) = (Peer::start(), Gate::new());
    peer.push_handshake(Handshake::hold_then(&gate, Handshake::status(403)));
    let client = adapter.client(Settings::new(&peer).default_head_start());

    let first = collect(client.stream(Request::text("m", "one")));
    assert_diverted(&first);
    assert_unanswered(&peer.journal());
    gate.open();
    until("the dial to convict", || failed_over(&*client));

    let second = collect(client.stream(Request::text("m", "two")));
    assert_on_time(&second);
    let journal = peer.journal();
    assert_eq!(journal.refusals(), [403], "{journal}");
    assert_eq!(journal.handshakes(), 1, "{journal}");
    assert_eq!(journal.transports(), [Transport::Sse; 2], "{journal}");
}

fn a_handshake_that_is_only_slow_serves_the_next_turn(adapter: &dyn Adapter) {
    let (peer, gate) = (Peer::start(), Gate::new());
    peer.push_handshake(Handshake::hold(&gate));
    let client = adapter.client(Settings::new(&peer).default_head_start());

    let first = collect(client.stream(Request::text("m", "one")));
    assert_diverted(&first);
    assert_eq!(first.moves(), [Transport::Sse]);
    assert_unanswered(&peer.journal());

    gate.open();
    // What is left to wait for in this mode is the dial.
    until("the dial to open", || client.policy().poll_timeout().is_none());
    let second = collect(client.stream(Request::text("m", "two")));
    assert_on_time(&second);
    assert_eq!(second.text(), "echo: two");
    assert_eq!(second.moves(), [Transport::WebSocket]);

    let journal = peer.journal();
    assert_eq!(journal.handshakes(), 1, "{journal}");
    assert_eq!(journal.transports(), [Transport::Sse, Transport::WebSocket], "{journal}");
    assert_eq!(journal.request_connections(), [2, 1], "{journal}");
    assert_eq!(client.policy().mode(), Mode::Preferred);
}

fn a_black_holed_probe_costs_one_head_start(adapter: &dyn Adapter) {
    let peer = Peer::start();
    peer.push_handshake(Handshake::status(403));
    peer.set_handshake(Handshake::BlackHole);
    let client = adapter.client(Settings::new(&peer).default_head_start());

    let first = collect(client.stream(Request::text("m", "one")));
    assert_on_time(&first);
    client.advance(Duration::from_secs(90));
    let probe = collect(client.stream(Request::text("m", "two")));
    assert_diverted(&probe);
    assert!(matches!(client.policy().mode(), Mode::Probing { .. }));
    let third = collect(client.stream(Request::text("m", "three")));
    assert_on_time(&third);

    // The lease of a probe that reports nothing.
    client.advance(Duration::from_secs(30));
    let fourth = collect(client.stream(Request::text("m", "four")));
    assert_on_time(&fourth);
    assert!(failed_over(&*client));
    assert_eq!(client.policy().recoveries_left(), 2);
    for turn in [&probe, &third, &fourth] {
        assert!(turn.notices().is_empty(), "still on SSE: {turn:?}");
    }

    let journal = peer.journal();
    assert_eq!(journal.handshakes(), 2, "{journal}");
    assert_eq!(journal.upgrades(), 0, "{journal}");
    assert_eq!(journal.transports(), [Transport::Sse; 4], "{journal}");
    assert_eq!(first.notices()[0].reason(), Reason::CallMoved);
}
