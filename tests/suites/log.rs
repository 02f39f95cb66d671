//! What `tracing` is told: targets, levels, fields, and the span of each turn, as the documentation of
//! `failback-client` has it. A test binary of its own: a subscriber is for a whole process.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use failback::{Config, Transport};
use failback_peer::{Gate, Handshake, Peer, Turn};
use failback_tests::{
    Adapter, Settings, TestProvider, Trace, adapters, collect, complete, hello, read, until,
};
use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Level, Metadata, Subscriber};

/// The table, as a user reads it.
const DOCUMENTED: &str = include_str!("../../adapters/client/src/lib.rs");

/// Every line that was logged by a client.
static LOG: Mutex<Vec<Line>> = Mutex::new(Vec::new());
/// Which turn a span is of.
static SPANS: Mutex<BTreeMap<u64, String>> = Mutex::new(BTreeMap::new());
static NEXT: AtomicU64 = AtomicU64::new(1);

thread_local! {
    /// The spans that this thread is in.
    static INSIDE: RefCell<Vec<u64>> = const { RefCell::new(Vec::new()) };
}

#[derive(Clone, Debug)]
struct Line {
    level: Level,
    target: &'static str,
    fields: BTreeMap<&'static str, String>,
    /// The turn whose span it is in.
    span: Option<String>,
}

impl Visit for Line {
    fn record_str(&mut self, field: &Field, value: &str) {
        self.fields.insert(field.name(), value.to_owned());
    }

    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        self.fields.insert(field.name(), format!("{value:?}"));
    }
}

impl Line {
    fn of(metadata: &'static Metadata<'static>) -> Self {
        let span = INSIDE.with_borrow(|inside| inside.last().copied());
        let span = span.and_then(|id| SPANS.lock().expect("spans").get(&id).cloned());
        Self { level: *metadata.level(), target: metadata.target(), fields: BTreeMap::new(), span }
    }

    /// `level target key=value ...`, without times and texts.
    fn short(&self) -> String {
        let target = self.target.strip_prefix("failback::").unwrap_or(self.target);
        let kept = self.fields.iter().filter(|(key, _)| !key.ends_with("_ms") && **key != "text");
        let fields = kept.filter(|(key, _)| **key != "message").map(|(key, value)| format!(" {key}={value}"));
        let span = self.span.as_ref().map(|turn| format!(" in {turn}")).unwrap_or_default();
        format!("{} {target}{}{span}", self.level, fields.collect::<String>())
    }
}

struct Capture;

impl Subscriber for Capture {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        metadata.target().starts_with("failback::")
    }

    fn new_span(&self, span: &Attributes<'_>) -> Id {
        let id = NEXT.fetch_add(1, Ordering::SeqCst);
        let mut line = Line::of(span.metadata());
        span.record(&mut line);
        assert_eq!(
            (line.level, line.target, span.metadata().name()),
            (Level::INFO, "failback::turn", "turn")
        );
        SPANS.lock().expect("spans").insert(id, line.fields["turn"].clone());
        Id::from_u64(id)
    }

    fn event(&self, event: &Event<'_>) {
        let mut line = Line::of(event.metadata());
        event.record(&mut line);
        LOG.lock().unwrap_or_else(PoisonError::into_inner).push(line);
    }

    fn record(&self, _: &Id, _: &Record<'_>) {}

    fn record_follows_from(&self, _: &Id, _: &Id) {}

    fn enter(&self, id: &Id) {
        INSIDE.with_borrow_mut(|inside| inside.push(id.into_u64()));
    }

    fn exit(&self, id: &Id) {
        let left = INSIDE.with_borrow_mut(Vec::pop);
        assert_eq!(left, Some(id.into_u64()), "a span is left by whoever entered it last");
    }
}

fn logged() -> Vec<Line> {
    LOG.lock().unwrap_or_else(PoisonError::into_inner).clone()
}

/// What was logged since the last call, but for what keeps idle connections.
fn take() -> Vec<String> {
    let lines = std::mem::take(&mut *LOG.lock().unwrap_or_else(PoisonError::into_inner));
    for line in &lines {
        check(line);
    }
    lines.iter().filter(|line| line.target != "failback::idle").map(Line::short).collect()
}

/// The table has a row for it, with its level and every field.
fn check(line: &Line) {
    let target = format!("//! | `{}` |", line.target);
    let rows = DOCUMENTED.lines().filter(|row| row.starts_with(&target));
    let level = line.level.as_str().to_lowercase();
    let mut rows = rows.filter(|row| row.contains(&level)).peekable();
    assert!(rows.peek().is_some(), "no row of {target} {level}");
    let has =
        |row: &str| line.fields.keys().all(|key| *key == "message" || row.contains(&format!("`{key}`")));
    assert!(rows.any(has), "no row has all of {line:?}");
}

#[test]
fn with_every_adapter() {
    tracing::subscriber::set_global_default(Capture).expect("the only subscriber");
    for adapter in adapters() {
        it_is_told_what_the_table_says(adapter);
    }
}

fn it_is_told_what_the_table_says(adapter: &dyn Adapter) {
    let peer = Peer::start();
    let config = Config::new()
        .with_head_start(Duration::from_millis(300))
        .with_backoff(Duration::from_millis(5))
        .with_stream_max_retries(1);
    let client = adapter.client(Settings::new(&peer).config(config));
    take();

    peer.push_handshake(Handshake::status(403));
    complete(&*client);
    assert_eq!(
        take(),
        [
            "INFO attempt adopted=false number=1 probe=false reason=healthy transport=websocket turn=1 in 1",
            "INFO failed blame=transport committed=false number=1 stage=connecting transport=websocket turn=1 in 1",
            "INFO mode from=preferred mode=suspected recoveries_left=3 why=websocket_failed in 1",
            "INFO attempt adopted=false number=2 probe=false reason=call_moved transport=sse turn=1 in 1",
            "DEBUG first_event number=2 transport=sse turn=1 in 1",
            "INFO mode from=suspected mode=failed_over recoveries_left=3 why=sse_worked in 1",
            "INFO notice reason=call_moved transport=sse turn=1 in 1",
            "INFO end attempts=2 result=completed turn=1 in 1",
        ],
        "an expected fallback is no warning"
    );

    client.advance(Duration::from_secs(90));
    peer.push_turn(Transport::WebSocket, Turn::drop_after(0));
    peer.push_turn(Transport::Sse, Turn::error(429, "rate_limit_exceeded", "Later."));
    complete(&*client);
    let lines = take();
    assert!(lines.contains(&"DEBUG wait turn=2 in 2".to_owned()), "{lines:#?}");
    assert!(!lines.iter().any(|line| line.starts_with("WARN")), "{lines:#?}");

    client.handle_network_change();
    assert_eq!(take(), ["INFO mode from=failed_over mode=preferred recoveries_left=3 why=network_changed"]);
    peer.push_turn(Transport::WebSocket, Turn::error(400, "invalid_request", "No."));
    assert!(collect(client.stream(hello())).error.is_some());
    let lines = take();
    assert_eq!(
        lines.last().map(String::as_str),
        Some("WARN end attempts=1 give_up=not_retryable result=failed turn=3 in 3")
    );

    peer.push_turn(Transport::WebSocket, Turn::mute_after(3));
    let mut turn = client.stream(hello());
    let _events = read(&mut *turn, 1);
    drop(turn);
    let lines = take();
    assert_eq!(lines.last().map(String::as_str), Some("DEBUG end attempts=1 result=cancelled turn=4 in 4"));

    peer.push_turn(Transport::WebSocket, Turn::mute_after(3));
    let request = hello().with_deadline(Duration::from_millis(500)).expect("some time");
    assert!(collect(client.stream(request)).error.is_some());
    let lines = take();
    assert_eq!(
        lines.last().map(String::as_str),
        Some("WARN end attempts=1 kind=deadline result=failed turn=5 in 5")
    );

    client.close_idle();
    let gate = Gate::new();
    peer.push_handshake(Handshake::hold(&gate));
    complete(&*client);
    let diverted = "INFO diverted number=1 turn=6 in 6";
    assert!(take().iter().any(|line| line == diverted));
    gate.open();
    until("the dial", || logged().iter().any(|line| line.target == "failback::dial"));
    assert_eq!(take(), ["INFO dial opened=true turn=6 in 6"]);

    client.set_sse_only(true);
    client.set_sse_only(false);
    client.warm_up()();
    assert_eq!(
        take(),
        [
            "INFO sse_only on=true",
            "INFO sse_only on=false",
            "INFO warm_up reason=healthy",
            "INFO dial opened=true turn=0"
        ]
    );

    let peer = Peer::start();
    peer.require_bearer("token-new-91bc");
    let provider = TestProvider::new(&["token-old-7f3a", "token-new-91bc"]);
    let client = adapter.client(Settings::new(&peer).provider(&provider));
    complete(&*client);
    let refused = "INFO credentials number=1 transport=websocket turn=1 in 1".to_owned();
    let lines = take();
    assert!(lines.contains(&refused), "{lines:#?}");

    let client = adapter.client(Settings::new(&peer).record(&Trace::with_room_for(1000)));
    for _ in 0..5 {
        let _refused = collect(client.stream(hello()));
    }
    let stopped = |line: &&String| line.starts_with("WARN record");
    assert_eq!(take().iter().filter(stopped).collect::<Vec<_>>(), ["WARN record problem=no room in 1"]);
}
