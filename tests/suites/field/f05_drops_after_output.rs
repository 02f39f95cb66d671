//! The stream breaks off after some events, every time: 7.0 s of retries elsewhere, each of which generates,
//! and bills, again.

use std::time::Duration;

use failback::{Blame, Config, GiveUp, Mode, Replay, Stage, Transport};
use failback_client::Item;
use failback_peer::{Peer, Turn};
use failback_tests::{Adapter, Outcome, Settings, collect};
use failback_wire::Request;

with_every_adapter!(
    delivered_output_ends_the_turn_and_the_next_one_is_on_sse,
    restart_retries_then_moves_to_sse_and_says_what_to_discard,
    lifecycle_events_are_no_output_and_are_taken_back,
);

/// `response.created`, `.in_progress`, `.output_item.added`, `.content_part.added`, and one piece of text.
const INTO_THE_OUTPUT: usize = 5;

fn delivered_output_ends_the_turn_and_the_next_one_is_on_sse(adapter: &dyn Adapter) {
    let peer = Peer::start();
    peer.set_turn(Transport::WebSocket, Turn::drop_after(INTO_THE_OUTPUT));
    let client = adapter.client(Settings::new(&peer));

    let outcome = collect(client.stream(Request::text("m", "hello world")));
    assert_eq!(outcome.items.len(), INTO_THE_OUTPUT, "{outcome:?}");
    assert_eq!(outcome.events().len(), INTO_THE_OUTPUT, "{outcome:?}");
    assert_eq!(outcome.text(), "echo: ");
    let error = outcome.error.expect("the turn cannot go on");
    assert_eq!(error.give_up(), GiveUp::Committed, "{error}");
    let [attempt] = error.attempts() else { panic!("one attempt: {error}") };
    assert_eq!(attempt.transport(), Transport::WebSocket);
    assert_eq!(attempt.stage(), Stage::Streaming);
    assert_eq!(attempt.blame(), Some(Blame::Transport));
    assert_eq!(client.policy().mode(), Mode::Suspected);

    let next = collect(client.stream(Request::text("m", "hello world")));
    assert!(next.is_complete(), "{next:?}");
    assert_eq!(next.text(), "echo: hello world");
    assert_eq!(next.moves(), [Transport::Sse]);
    assert!(matches!(client.policy().mode(), Mode::FailedOver { .. }));

    let journal = peer.journal();
    assert_eq!(journal.transports(), [Transport::WebSocket, Transport::Sse], "{journal}");
    assert_eq!(journal.handshakes(), 1, "{journal}");
}

fn restart_retries_then_moves_to_sse_and_says_what_to_discard(adapter: &dyn Adapter) {
    let config = Config::new().with_replay(Replay::Restart);
    let outcome = five_attempts_then_sse(adapter, config, INTO_THE_OUTPUT);

    let delivered = outcome.items.iter().filter_map(|(_, item)| match item {
        Item::Event(event) => event.text_delta(),
        _ => None,
    });
    assert_eq!(delivered.collect::<String>(), "echo: ".repeat(5) + "echo: hello world");
}

fn lifecycle_events_are_no_output_and_are_taken_back(adapter: &dyn Adapter) {
    five_attempts_then_sse(adapter, Config::new(), 2);
}

/// One turn whose WebSocket streams all break off after `count` events, with four retries, as the defaults
/// come to. With those it takes three seconds, or fewer retries on a machine that is busy.
fn five_attempts_then_sse(adapter: &dyn Adapter, config: Config, count: usize) -> Outcome {
    let peer = Peer::start();
    peer.set_turn(Transport::WebSocket, Turn::drop_after(count));
    let config = config
        .with_stream_max_retries(4)
        .with_fallback_within(Duration::from_secs(60))
        .with_backoff(Duration::from_millis(10));
    let client = adapter.client(Settings::new(&peer).config(config));

    let outcome = collect(client.stream(Request::text("m", "hello world")));
    assert!(outcome.is_complete(), "{outcome:?}");
    assert_eq!(outcome.text(), "echo: hello world");
    assert_eq!(outcome.restarts(), vec![count; 5]);
    assert_eq!(outcome.moves(), [Transport::Sse]);
    // What was delivered is taken back before anything is said of the next attempt.
    let last = (count + 1) * 5;
    assert!(matches!(outcome.items[last - 1].1, Item::Restarted { .. }), "{outcome:?}");
    assert!(matches!(outcome.items[last].1, Item::Notice(_)), "{outcome:?}");
    assert_eq!(outcome.items.len(), last + 1 + outcome.events().len(), "{outcome:?}");

    let journal = peer.journal();
    let mut expected = vec![Transport::WebSocket; 5];
    expected.push(Transport::Sse);
    assert_eq!(journal.transports(), expected, "{journal}");
    assert_eq!(journal.handshakes(), 5, "{journal}");
    assert!(matches!(client.policy().mode(), Mode::FailedOver { .. }));
    assert_eq!(client.policy().recoveries_left(), 3);
    outcome
}
