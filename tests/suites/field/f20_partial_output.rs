//! A stream that broke after some output: the answer shown twice to the user, or generated and billed twice.

use failback::{Blame, Config, GiveUp, Mode, Replay, Stage, Transport};
use failback_client::Item;
use failback_peer::{Handshake, Peer, Turn};
use failback_tests::{Adapter, Outcome, Settings, collect};
use failback_wire::Request;

with_every_adapter!(
    output_is_not_replayed_over_websocket,
    output_is_not_replayed_over_sse,
    what_is_no_output_is_replayed_and_taken_back,
    with_restart_each_attempt_takes_back_the_one_before,
    with_restart_the_move_to_sse_takes_back_what_websocket_said,
);

/// The events of `echo: hello world` are created, in progress, item, part, three deltas, three endings,
/// completed.
const ALL: usize = 11;

fn request() -> Request {
    Request::text("m", "hello world")
}

fn expect_committed(outcome: &Outcome, transport: Transport) {
    let error = outcome.error.as_ref().expect("an error");
    assert_eq!(error.give_up(), GiveUp::Committed, "{error}");
    let [attempt] = error.attempts() else { panic!("more than one attempt: {error}") };
    let expected = (transport, Stage::Streaming, Some(Blame::Transport));
    assert_eq!((attempt.transport(), attempt.stage(), attempt.blame()), expected, "{error}");
    assert!(error.to_string().contains("in mid-stream"), "{error}");
    assert_eq!(outcome.text(), "echo: hello ");
    assert_eq!(outcome.items.len(), 6, "{outcome:?}");
    assert!(outcome.restarts().is_empty(), "{outcome:?}");
}

fn events_delivered(outcome: &Outcome) -> usize {
    outcome.items.iter().filter(|(_, item)| matches!(item, Item::Event(_))).count()
}

fn output_is_not_replayed_over_websocket(adapter: &dyn Adapter) {
    let peer = Peer::start();
    peer.push_turn(Transport::WebSocket, Turn::drop_after(6));
    let client = adapter.client(Settings::new(&peer));
    expect_committed(&collect(client.stream(request())), Transport::WebSocket);

    let journal = peer.journal();
    assert_eq!(journal.handshakes(), 1, "{journal}");
    assert_eq!(journal.transports(), [Transport::WebSocket], "{journal}");
    assert_eq!(client.policy().mode(), Mode::Suspected);
}

fn output_is_not_replayed_over_sse(adapter: &dyn Adapter) {
    let peer = Peer::start();
    peer.set_handshake(Handshake::status(403));
    let client = adapter.client(Settings::new(&peer));
    let outcome = collect(client.stream(request()));
    assert!(outcome.is_complete(), "{outcome:?}");
    let mode = client.policy().mode();

    peer.push_turn(Transport::Sse, Turn::drop_after(6));
    expect_committed(&collect(client.stream(request())), Transport::Sse);

    let journal = peer.journal();
    assert_eq!(journal.handshakes(), 1, "{journal}");
    assert_eq!(journal.transports(), [Transport::Sse, Transport::Sse], "{journal}");
    assert_eq!(client.policy().mode(), mode);
}

fn what_is_no_output_is_replayed_and_taken_back(adapter: &dyn Adapter) {
    let peer = Peer::start();
    peer.push_turn(Transport::WebSocket, Turn::drop_after(2));
    let client = adapter.client(Settings::new(&peer));
    let outcome = collect(client.stream(request()));
    assert!(outcome.is_complete(), "{outcome:?}");
    assert_eq!(outcome.text(), "echo: hello world");
    assert_eq!(outcome.restarts(), [2]);
    assert_eq!(events_delivered(&outcome), 2 + ALL);

    let journal = peer.journal();
    assert_eq!(journal.transports(), [Transport::WebSocket, Transport::WebSocket], "{journal}");
    assert_eq!(journal.handshakes(), 2, "{journal}");
}

fn with_restart_each_attempt_takes_back_the_one_before(adapter: &dyn Adapter) {
    let peer = Peer::start();
    peer.push_turn(Transport::WebSocket, Turn::drop_after(6));
    peer.push_turn(Transport::WebSocket, Turn::reset_after(0));
    peer.push_turn(Transport::WebSocket, Turn::drop_after(5));
    let config = Config::new().with_replay(Replay::Restart);
    let client = adapter.client(Settings::new(&peer).config(config));
    let outcome = collect(client.stream(request()));
    assert!(outcome.is_complete(), "{outcome:?}");
    assert_eq!(outcome.text(), "echo: hello world");
    assert_eq!(outcome.restarts(), [6, 5]);
    assert_eq!(events_delivered(&outcome), 6 + 5 + ALL);
    assert!(outcome.notices().is_empty(), "{outcome:?}");

    let journal = peer.journal();
    assert_eq!(journal.transports(), [Transport::WebSocket; 4], "{journal}");
    assert_eq!(journal.handshakes(), 4, "{journal}");
    assert_eq!(client.policy().mode(), Mode::Preferred);
}

fn with_restart_the_move_to_sse_takes_back_what_websocket_said(adapter: &dyn Adapter) {
    let peer = Peer::start();
    peer.set_turn(Transport::WebSocket, Turn::drop_after(6));
    let config = Config::new().with_replay(Replay::Restart).with_stream_max_retries(1);
    let client = adapter.client(Settings::new(&peer).config(config));
    let outcome = collect(client.stream(request()));
    assert!(outcome.is_complete(), "{outcome:?}");
    assert_eq!(outcome.text(), "echo: hello world");
    assert_eq!(outcome.restarts(), [6, 6]);
    assert_eq!(outcome.moves(), [Transport::Sse]);
    assert_eq!(events_delivered(&outcome), 6 + 6 + ALL);
    // What is to be forgotten is said before anything else of the new attempt.
    assert!(matches!(outcome.items[13].1, Item::Restarted { discard: 6 }), "{outcome:?}");
    assert!(matches!(outcome.items[14].1, Item::Notice(_)), "{outcome:?}");

    let journal = peer.journal();
    let expected = [Transport::WebSocket, Transport::WebSocket, Transport::Sse];
    assert_eq!(journal.transports(), expected, "{journal}");
    assert!(matches!(client.policy().mode(), Mode::FailedOver { .. }));
}
