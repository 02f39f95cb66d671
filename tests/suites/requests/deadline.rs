//! A turn ends when its deadline is over, whatever it does then, and nothing is held against a transport.

use std::time::{Duration, Instant};

use failback::{Blame, Config, GiveUp, Mode, Stage, Transport};
use failback_client::{Error, ErrorKind};
use failback_peer::{Gate, Handshake, Peer, Turn, ping_frame};
use failback_tests::{Adapter, Settings, TestClient, collect, until};
use failback_wire::Request;

with_every_adapter!(
    while_it_waits_to_try_again,
    while_a_handshake_is_not_answered,
    while_an_address_does_not_answer_over_either_transport,
    while_the_request_is_not_taken,
    while_the_answer_does_not_begin,
    in_silence_in_mid_stream,
    in_a_flood_of_what_is_no_event,
    in_a_flood_of_events,
    during_a_probe,
    a_handshake_that_was_left_alone_goes_on,
    a_request_may_have_its_own,
    a_turn_that_is_in_time_does_not_hear_of_it,
);

/// Long enough to come to where the turn is to be stopped, also on a busy machine.
const LIMIT: Duration = Duration::from_secs(2);
/// Long before any other limit.
const SOON: Duration = Duration::from_secs(12);

const TRANSPORTS: [Transport; 2] = [Transport::WebSocket, Transport::Sse];

fn hi() -> Request {
    Request::text("m", "hi")
}

/// One that is not to be stopped.
fn unhurried() -> Request {
    hi().with_deadline(Duration::MAX).expect("some time")
}

/// With a deadline, and a handshake that is waited for.
fn settings(peer: &Peer) -> Settings {
    Settings::new(peer).deadline(LIMIT).config(Config::new().with_head_start(Duration::MAX))
}

/// A client whose turns go over this transport, in the mode that it has then.
fn client_on(transport: Transport, peer: &Peer, adapter: &dyn Adapter) -> (Box<dyn TestClient>, Mode) {
    let client = adapter.client(settings(peer));
    if transport == Transport::Sse {
        peer.push_handshake(Handshake::status(403));
        assert!(collect(client.stream(unhurried())).is_complete());
        client.close_idle();
    }
    let mode = client.policy().mode();
    (client, mode)
}

/// One turn, which the deadline stops, and leaves nothing behind.
#[track_caller]
fn stopped(client: &dyn TestClient, peer: &Peer, request: Request) -> Error {
    let begun = Instant::now();
    let outcome = collect(client.stream(request));
    let took = begun.elapsed();
    let error = outcome.error.unwrap_or_else(|| panic!("no error\n{}", peer.journal()));
    assert!(took >= LIMIT && took < SOON, "{took:?}: {error}");
    assert!(error.is_deadline(), "{error}");
    assert_eq!(error.kind(), &ErrorKind::Deadline { limit: LIMIT });
    assert!(error.to_string().starts_with("the turn was not over within its deadline of 2.0 s"), "{error}");
    error
}

fn expect_nothing_left(client: &dyn TestClient, peer: &Peer) {
    peer.wait_for_blocking("the connections to end", |journal| journal.open_connections() == 0);
    until("the tasks to end", || client.background_tasks() == 0);
}

/// How the attempt was doing that was under way.
#[track_caller]
fn expect_stopped_in(error: &Error, transport: Transport, stage: Stage, text: &str) {
    let last = error.attempts().last().expect("an attempt");
    assert_eq!((last.transport(), last.stage(), last.blame()), (transport, stage, None), "{error}");
    assert_eq!(last.text(), text, "{error}");
}

fn while_it_waits_to_try_again(adapter: &dyn Adapter) {
    let peer = Peer::start();
    let client = adapter.client(settings(&peer));
    peer.push_handshake(Handshake::status(429).header("retry-after", "30"));
    let error = stopped(&*client, &peer, hi());
    expect_nothing_left(&*client, &peer);
    assert!(error.to_string().contains(", while it waited to try again: attempt 1, "), "{error}");
    let [attempt] = error.attempts() else { panic!("{error}") };
    assert_eq!((attempt.status(), attempt.blame()), (Some(429), Some(Blame::Server)), "{error}");
    assert_eq!((error.is_retryable(), error.retry_after()), (true, Some(Duration::from_secs(30))));
    assert_eq!(client.policy().mode(), Mode::Preferred);
    assert_eq!(peer.journal().handshakes(), 1);
    assert!(collect(client.stream(unhurried())).is_complete(), "the next turn does not wait");
}

fn while_a_handshake_is_not_answered(adapter: &dyn Adapter) {
    let peer = Peer::start();
    let client = adapter.client(settings(&peer));
    peer.push_handshake(Handshake::BlackHole);
    let error = stopped(&*client, &peer, hi());
    expect_nothing_left(&*client, &peer);
    expect_stopped_in(&error, Transport::WebSocket, Stage::Connecting, "stopped by the deadline");
    assert_eq!(client.policy().mode(), Mode::Preferred);
    let outcome = collect(client.stream(unhurried()));
    assert!(outcome.is_complete() && outcome.notices().is_empty(), "{outcome:?}");
}

fn while_an_address_does_not_answer_over_either_transport(adapter: &dyn Adapter) {
    for transport in TRANSPORTS {
        let peer = Peer::start();
        let (client, mode) = client_on(transport, &peer, adapter);
        client.black_hole(peer.addr());
        let before = peer.journal().connections();
        let error = stopped(&*client, &peer, hi());
        expect_nothing_left(&*client, &peer);
        expect_stopped_in(&error, transport, Stage::Connecting, "stopped by the deadline");
        assert_eq!(client.policy().mode(), mode, "{transport}");
        assert_eq!(peer.journal().connections(), before, "{transport}");
    }
}

fn while_the_request_is_not_taken(adapter: &dyn Adapter) {
    // More than the kernels hold.
    let large = Request::text("m", &"x".repeat(20 * 1024 * 1024));
    for transport in TRANSPORTS {
        let peer = Peer::start();
        let (client, mode) = client_on(transport, &peer, adapter);
        if transport == Transport::WebSocket {
            // The socket is there, and the next that is read of it is the request.
            assert!(collect(client.stream(unhurried())).is_complete());
        }
        let before = peer.journal().transports().len();
        peer.read_slowly(64 * 1024, Duration::from_secs(60));
        let error = stopped(&*client, &peer, large.clone());
        let text = "stopped by the deadline, before any event";
        expect_stopped_in(&error, transport, Stage::Open, text);
        assert!(error.is_retryable(), "{error}");
        assert_eq!(client.policy().mode(), mode, "{transport}");
        assert_eq!(peer.journal().transports().len(), before, "{transport}: no request came whole");
        // That of the first turn, if its end came too late for the second one to use it.
        client.close_idle();
        until("the tasks to end", || client.background_tasks() == 0);
    }
}

fn while_the_answer_does_not_begin(adapter: &dyn Adapter) {
    for transport in TRANSPORTS {
        let peer = Peer::start();
        let (client, mode) = client_on(transport, &peer, adapter);
        peer.push_turn(transport, Turn::no_headers());
        let error = stopped(&*client, &peer, hi());
        expect_nothing_left(&*client, &peer);
        let text = "stopped by the deadline, before any event";
        expect_stopped_in(&error, transport, Stage::Open, text);
        assert_eq!(client.policy().mode(), mode, "{transport}");
    }
}

fn in_silence_in_mid_stream(adapter: &dyn Adapter) {
    for transport in TRANSPORTS {
        let peer = Peer::start();
        let (client, mode) = client_on(transport, &peer, adapter);
        peer.push_turn(transport, Turn::mute_after(5));
        let error = stopped(&*client, &peer, hi());
        expect_nothing_left(&*client, &peer);
        let text = "stopped by the deadline, after 5 events";
        expect_stopped_in(&error, transport, Stage::Streaming, text);
        assert_eq!((error.is_retryable(), error.give_up()), (false, GiveUp::Committed), "{error}");
        assert_eq!(client.policy().mode(), mode, "{transport}");
        let outcome = collect(client.stream(unhurried()));
        assert!(outcome.is_complete() && outcome.notices().is_empty(), "{transport}: {outcome:?}");
    }
}

fn in_a_flood_of_what_is_no_event(adapter: &dyn Adapter) {
    let comments = "3\r\n:\n\n\r\n".repeat(100);
    for (transport, flood) in [(Transport::WebSocket, ping_frame(b"")), (Transport::Sse, comments.into())] {
        let peer = Peer::start();
        let (client, mode) = client_on(transport, &peer, adapter);
        peer.push_turn(transport, Turn::after(5).then_flood(flood));
        let error = stopped(&*client, &peer, hi());
        expect_nothing_left(&*client, &peer);
        let text = "stopped by the deadline, after 5 events";
        expect_stopped_in(&error, transport, Stage::Streaming, text);
        assert_eq!(client.policy().mode(), mode, "{transport}");
    }
}

/// There is always another event to read.
fn in_a_flood_of_events(adapter: &dyn Adapter) {
    let event = "data: {\"type\":\"response.output_text.delta\",\"delta\":\"x\"}\n\n";
    let peer = Peer::start();
    let (client, _) = client_on(Transport::Sse, &peer, adapter);
    let chunk = format!("{:x}\r\n{event}\r\n", event.len());
    peer.push_turn(Transport::Sse, Turn::after(5).then_flood(chunk));
    let mut turn = client.stream(hi());
    let begun = Instant::now();
    let error = loop {
        match turn.next().expect("an error at last") {
            // A caller that takes so long for each that the flood does not end first.
            Ok(_) => std::thread::sleep(Duration::from_millis(1)),
            Err(error) => break error,
        }
    };
    assert!(begun.elapsed() < SOON && error.is_deadline(), "{error}");
    assert!(turn.next().is_none());
    expect_nothing_left(&*client, &peer);
}

fn during_a_probe(adapter: &dyn Adapter) {
    let peer = Peer::start();
    let (client, _) = client_on(Transport::Sse, &peer, adapter);
    client.advance(Duration::from_secs(90));
    let gate = Gate::new();
    peer.push_handshake(Handshake::hold(&gate));
    let error = stopped(&*client, &peer, hi());
    expect_stopped_in(&error, Transport::WebSocket, Stage::Connecting, "stopped by the deadline");
    // As when the stream of a probe is dropped: nobody waits for its lease.
    assert!(matches!(client.policy().mode(), Mode::FailedOver { .. }));
    assert_eq!(client.policy().recoveries_left(), 2);
}

fn a_handshake_that_was_left_alone_goes_on(adapter: &dyn Adapter) {
    let peer = Peer::start();
    let config = Config::new().with_head_start(Duration::from_millis(50));
    let client = adapter.client(Settings::new(&peer).config(config).deadline(LIMIT));
    let gate = Gate::new();
    peer.push_handshake(Handshake::hold(&gate));
    peer.push_turn(Transport::Sse, Turn::mute_after(2));
    let error = stopped(&*client, &peer, hi());
    assert_eq!(error.attempts().len(), 2, "{error}");
    let text = "stopped by the deadline, after 2 events";
    expect_stopped_in(&error, Transport::Sse, Stage::Streaming, text);
    assert_eq!(client.policy().mode(), Mode::Preferred);

    gate.open();
    // What is left to wait for in this mode is the dial.
    until("the dial to open", || client.policy().poll_timeout().is_none());
    let outcome = collect(client.stream(unhurried()));
    assert!(outcome.is_complete(), "{outcome:?}");
    let journal = peer.journal();
    assert_eq!(journal.handshakes(), 1, "{journal}");
    assert_eq!(journal.transports(), [Transport::Sse, Transport::WebSocket], "{journal}");
}

fn a_request_may_have_its_own(adapter: &dyn Adapter) {
    let peer = Peer::start();
    peer.set_turn(Transport::WebSocket, Turn::mute_after(2));
    let client = adapter.client(Settings::new(&peer).deadline(Duration::from_secs(3600)));
    stopped(&*client, &peer, hi().with_deadline(LIMIT).expect("some time"));
    // None at all, where the client has one.
    let client = adapter.client(settings(&peer));
    let gate = Gate::new();
    peer.push_turn(Transport::WebSocket, Turn::complete().gate_before(2, &gate));
    let mut turn = client.stream(unhurried());
    for _ in 0..2 {
        turn.next().expect("an event").expect("no error");
    }
    client.advance(Duration::from_secs(3));
    gate.open();
    let outcome = collect(turn);
    assert!(outcome.error.is_none(), "{outcome:?}");
    assert_eq!(outcome.events().last().map(|event| event.kind()), Some("response.completed"));
}

fn a_turn_that_is_in_time_does_not_hear_of_it(adapter: &dyn Adapter) {
    let minute = Duration::from_secs(60);
    for handshake in [Handshake::Accept, Handshake::status(403)] {
        let peer = Peer::start();
        peer.set_handshake(handshake);
        let client = adapter.client(settings(&peer).deadline(minute));
        for _ in 0..3 {
            let outcome = collect(client.stream(hi()));
            assert!(outcome.is_complete(), "{outcome:?}");
            // Each turn has a deadline of its own.
            client.advance(minute);
        }
    }
}

#[test]
fn a_client_is_not_built_without_any_time() {
    let builder = failback_tokio::Client::builder("http://127.0.0.1:9/v1").deadline(Duration::ZERO);
    let error = builder.build().expect_err("no time");
    assert!(matches!(error, failback_client::BuildError::ZeroDeadline));
    assert!(error.to_string().starts_with("the deadline is zero"), "{error}");
}
