//! An event of a stream above its socket: read, sorted, noted, handed to the caller. Apart from the pieces of
//! the policy, because these allocate.

use std::hint::black_box;
use std::sync::Arc;
use std::time::SystemTime;

use failback::{SharedPolicy, Timestamp, Transport};
use failback_client::{Connection, Context, Item, Step, Turn};
use failback_wire::{Body, Carried, Event, Headers, Limits, Owner, Request, Said};

use crate::delta::delta;
use crate::list::Scenario;
use crate::scenario::{pinned, preferred, repeat};

pub(crate) const ALL: &[Scenario] = &[
    Scenario { name: "event read, WebSocket, 200 bytes", run: |times| repeat(websocket(200), times) },
    Scenario { name: "event read, WebSocket, 4 KB", run: |times| repeat(websocket(4096), times) },
    Scenario { name: "event read, SSE, 200 bytes", run: |times| repeat(sse(200), times) },
    Scenario { name: "event read, SSE, 4 KB", run: |times| repeat(sse(4096), times) },
];

/// From the text of a frame to the caller.
fn websocket(bytes: usize) -> impl FnMut() {
    let text = delta(7, 1, bytes);
    let mut turn = streaming(Transport::WebSocket);
    let mut carried = Carried::new();
    carried.begin();
    move || {
        let said = Said::read(black_box(text.as_str()), None);
        let Ok(Said::Event(event)) = said else { unreachable!("it is an event") };
        let Owner::Current = carried.sort(&event) else { unreachable!("it is the only response") };
        deliver(&mut turn, event);
    }
}

/// From a chunk of the body, with one event in it, to the caller.
fn sse(bytes: usize) -> impl FnMut() {
    let chunk = format!("event: response.output_text.delta\ndata: {}\n\n", delta(7, 1, bytes));
    let mut turn = streaming(Transport::Sse);
    let body = Body::new(Some("text/event-stream"), Limits::new().max_message_bytes());
    let Ok(mut body) = body else { unreachable!("that is its type") };
    move || {
        let mut input = black_box(chunk.as_bytes());
        while !input.is_empty() {
            match body.decode(&mut input) {
                Ok(Some(Said::Event(event))) => deliver(&mut turn, event),
                Ok(None) => {}
                said => unreachable!("it is an event, not {said:?}"),
            }
        }
    }
}

/// What a turn does with an event, and a caller with its text.
fn deliver(turn: &mut Turn, event: Event) {
    turn.handle_event(event, || SystemTime::UNIX_EPOCH);
    let Step::Yield(Item::Event(event)) = turn.step() else { unreachable!("the event is next") };
    black_box(event.text_delta());
    debug_assert!(matches!(turn.step(), Step::Read));
}

/// A turn that has had its first event over this transport.
fn streaming(transport: Transport) -> Turn {
    let policy = |_| if transport == Transport::Sse { pinned() } else { preferred() };
    let policy = SharedPolicy::with_clock(|| Timestamp::ZERO, policy);
    let context = Arc::new(Context::new(policy, Arc::new(Headers::new())));
    let mut turn = Turn::new(&context, Request::text("m", "Say hello."));
    assert!(matches!(turn.step(), Step::Connect { transport: chosen, .. } if chosen == transport));
    turn.handle_connected(Connection::default());
    assert!(matches!(turn.step(), Step::Send(_)));
    turn.handle_sent();
    let first = Event::parse(delta(1, 1, 200));
    turn.handle_event(first.expect("an event"), || SystemTime::UNIX_EPOCH);
    while matches!(turn.step(), Step::Yield(_)) {}
    turn
}
