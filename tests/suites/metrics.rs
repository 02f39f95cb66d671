//! What the crate `metrics` is told, as the documentation of `failback-client` has it. A test binary of its
//! own: a recorder is for a whole process.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use failback::{Config, Transport};
use failback_client::Warmed;
use failback_peer::{Gate, Handshake, Peer, Turn};
use failback_tests::{Adapter, Heard, Settings, adapters, collect, complete, hello, read, until};
use metrics::{
    Counter, CounterFn, Gauge, GaugeFn, Histogram, HistogramFn, Key, KeyName, Metadata, Recorder,
    SharedString, Unit,
};

/// The table, as a user reads it.
const DOCUMENTED: &str = include_str!("../../adapters/client/src/lib.rs");

/// What was counted, and each value that was recorded, by name and labels.
static VALUES: Mutex<BTreeMap<String, Vec<f64>>> = Mutex::new(BTreeMap::new());

struct Kept(String);

impl Kept {
    fn new(kind: &str, key: &Key) -> Arc<Self> {
        let row = format!("//! | `{}` | {kind} |", key.name());
        assert!(DOCUMENTED.contains(&row), "no row begins with {row}");
        let labels = key.labels().map(|label| format!(" {}={}", label.key(), label.value()));
        Arc::new(Self(format!("{}{}", key.name(), labels.collect::<String>())))
    }

    fn change(&self, change: impl FnOnce(&mut Vec<f64>)) {
        let mut values = VALUES.lock().unwrap_or_else(PoisonError::into_inner);
        change(values.entry(self.0.clone()).or_default());
    }
}

impl CounterFn for Kept {
    fn increment(&self, value: u64) {
        self.change(|values| values.extend(std::iter::repeat_n(1.0, usize::try_from(value).expect("few"))));
    }

    fn absolute(&self, _: u64) {
        panic!("{} is only ever counted up", self.0);
    }
}

impl GaugeFn for Kept {
    fn increment(&self, _: f64) {
        panic!("{} is only ever set", self.0);
    }

    fn decrement(&self, _: f64) {
        panic!("{} is only ever set", self.0);
    }

    fn set(&self, value: f64) {
        self.change(|values| *values = vec![value]);
    }
}

impl HistogramFn for Kept {
    fn record(&self, value: f64) {
        self.change(|values| values.push(value));
    }
}

struct Keeper;

impl Recorder for Keeper {
    fn describe_counter(&self, _: KeyName, _: Option<Unit>, _: SharedString) {}

    fn describe_gauge(&self, _: KeyName, _: Option<Unit>, _: SharedString) {}

    fn describe_histogram(&self, _: KeyName, _: Option<Unit>, _: SharedString) {}

    fn register_counter(&self, key: &Key, _: &Metadata<'_>) -> Counter {
        Counter::from_arc(Kept::new("counter", key))
    }

    fn register_gauge(&self, key: &Key, _: &Metadata<'_>) -> Gauge {
        Gauge::from_arc(Kept::new("gauge", key))
    }

    fn register_histogram(&self, key: &Key, _: &Metadata<'_>) -> Histogram {
        Histogram::from_arc(Kept::new("histogram", key))
    }
}

fn values(of: &str) -> Vec<f64> {
    VALUES.lock().unwrap_or_else(PoisonError::into_inner).get(of).cloned().unwrap_or_default()
}

/// All counters, and the gauges that are not zero.
fn counted() -> BTreeMap<String, usize> {
    let values = VALUES.lock().unwrap_or_else(PoisonError::into_inner).clone();
    let told = values.into_iter().filter(|(_, values)| values != &[0.0]);
    told.map(|(name, values)| (name, values.len())).collect()
}

#[test]
fn with_every_adapter() {
    metrics::set_global_recorder(Keeper).expect("the only recorder");
    for adapter in adapters() {
        for test in [it_counts_what_the_table_says, one_probe_that_a_turn_adopts] {
            VALUES.lock().unwrap_or_else(PoisonError::into_inner).clear();
            test(adapter);
        }
    }
}

fn it_counts_what_the_table_says(adapter: &dyn Adapter) {
    let peer = Peer::start();
    let config = Config::new().with_head_start(Duration::from_millis(300));
    let client = adapter.client(Settings::new(&peer).config(config));
    assert_eq!(values("failback_mode mode=preferred"), [1.0], "told when the client is built");

    complete(&*client);
    client.close_idle();
    peer.push_handshake(Handshake::status(403));
    complete(&*client);
    assert_eq!(values("failback_mode mode=preferred"), [0.0]);
    assert_eq!(values("failback_mode mode=failed_over"), [1.0]);
    client.advance(Duration::from_secs(90));
    complete(&*client);
    assert_eq!(values("failback_mode mode=preferred"), [1.0]);

    peer.push_turn(Transport::WebSocket, Turn::mute_after(3));
    let mut turn = client.stream(hello());
    let _events = read(&mut *turn, 1);
    drop(turn);
    peer.push_turn(Transport::WebSocket, Turn::error(400, "invalid_request", "No."));
    assert!(collect(client.stream(hello())).error.is_some());

    client.close_idle();
    let gate = Gate::new();
    peer.push_handshake(Handshake::hold(&gate));
    complete(&*client);
    gate.open();
    until("the dial", || !values("failback_dials_total outcome=opened").is_empty());

    let expected = [
        ("failback_attempts_total transport=sse outcome=completed", 2),
        ("failback_attempts_total transport=websocket outcome=cancelled", 1),
        ("failback_attempts_total transport=websocket outcome=completed", 2),
        ("failback_attempts_total transport=websocket outcome=diverted", 1),
        ("failback_attempts_total transport=websocket outcome=failed", 2),
        ("failback_dials_total outcome=opened", 1),
        ("failback_failbacks_total", 1),
        ("failback_failovers_total", 2),
        ("failback_mode mode=preferred", 1),
        ("failback_probes_total", 1),
        ("failback_time_to_first_event_seconds transport=sse", 2),
        ("failback_time_to_first_event_seconds transport=websocket", 3),
        ("failback_turns_total outcome=cancelled", 1),
        ("failback_turns_total outcome=completed", 4),
        ("failback_turns_total outcome=failed", 1),
    ];
    assert_eq!(counted(), expected.map(|(name, count)| (name.to_owned(), count)).into());
    for transport in ["websocket", "sse"] {
        for value in values(&format!("failback_time_to_first_event_seconds transport={transport}")) {
            assert!(value > 0.0 && value < 20.0, "{value} s over {transport}");
        }
    }
}

/// A warm-up after the cooldown is the probe, and a turn waits for its handshake: one probe, one attempt, and
/// no handshake without a turn.
fn one_probe_that_a_turn_adopts(adapter: &dyn Adapter) {
    let (peer, gate) = (Peer::start(), Gate::new());
    let config = Config::new().with_head_start(Duration::from_secs(20));
    let heard = Heard::default();
    let client = adapter.client(Settings::new(&peer).config(config).observer(heard.observer()));
    peer.push_handshake(Handshake::status(403));
    complete(&*client);
    client.advance(Duration::from_secs(90));
    peer.push_handshake(Handshake::hold(&gate));
    let warm_up = client.warm_up();
    gate.reached_blocking();
    let mut turn = client.stream(hello());
    assert!(turn.next_unless(&|| !heard.lines_of(2).is_empty()).is_none());
    gate.open();
    assert!(collect(turn).is_complete());
    assert_eq!(warm_up(), Warmed::Opened);

    let expected = [
        ("failback_attempts_total transport=sse outcome=completed", 1),
        ("failback_attempts_total transport=websocket outcome=completed", 1),
        ("failback_attempts_total transport=websocket outcome=failed", 1),
        ("failback_failbacks_total", 1),
        ("failback_failovers_total", 1),
        ("failback_mode mode=preferred", 1),
        ("failback_probes_total", 1),
        ("failback_time_to_first_event_seconds transport=sse", 1),
        ("failback_time_to_first_event_seconds transport=websocket", 1),
        ("failback_turns_total outcome=completed", 2),
    ];
    assert_eq!(counted(), expected.map(|(name, count)| (name.to_owned(), count)).into());
}
