//! No log tells a secret. A test binary of its own: a log is for a whole process.

use std::fmt::{self, Write as _};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use failback::{Config, Mode, Transport};
use failback_peer::{Gate, Handshake, Peer, Turn};
use failback_tests::{Adapter, Failed, Says, Settings, TestProvider, adapters, collect, until};
use failback_wire::{Headers, Limits, Request};
use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Metadata, Subscriber};

/// Everything that anyone in this process has logged, at every level, a line each.
static LOG: Mutex<String> = Mutex::new(String::new());

struct Capture;

impl Capture {
    fn write(metadata: &Metadata<'_>, values: impl FnOnce(&mut Line<'_>)) {
        let mut log = LOG.lock().unwrap_or_else(PoisonError::into_inner);
        // Writing to a `String` does not fail.
        let _ = write!(log, "{} {}", metadata.target(), metadata.name());
        values(&mut Line(&mut log));
        log.push('\n');
    }
}

struct Line<'a>(&'a mut String);

impl Visit for Line<'_> {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        let _ = write!(self.0, " {field}={value:?}");
    }
}

impl Subscriber for Capture {
    fn enabled(&self, _: &Metadata<'_>) -> bool {
        true
    }

    fn new_span(&self, span: &Attributes<'_>) -> Id {
        Self::write(span.metadata(), |line| span.record(line));
        Id::from_u64(1)
    }

    fn record(&self, _: &Id, values: &Record<'_>) {
        let mut log = LOG.lock().unwrap_or_else(PoisonError::into_inner);
        values.record(&mut Line(&mut log));
    }

    fn record_follows_from(&self, _: &Id, _: &Id) {}

    fn event(&self, event: &Event<'_>) {
        Self::write(event.metadata(), |line| event.record(line));
    }

    fn enter(&self, _: &Id) {}

    fn exit(&self, _: &Id) {}
}

fn log() -> String {
    LOG.lock().unwrap_or_else(PoisonError::into_inner).clone()
}

const TOKEN: &str = "sk-token-7f3a";
const GIVEN: &str = "sk-given-b2e6";
const RENEWED: &str = "sk-renewed-4d17";
const KEY: &str = "key-value-91c2";
const TRACE: &str = "trace-value-55d0";
const PARENT: &str = "parent-value-08be";
const SIGNATURE: &str = "sig-value-e8b4";
const INPUT: &str = "what I have to say";
const PASSWORD: &str = "hunter2";

fn expect_no_secret(shown: &str) {
    for secret in [TOKEN, GIVEN, RENEWED, KEY, TRACE, PARENT, SIGNATURE, INPUT, PASSWORD, "api-version"] {
        let line = shown.lines().find(|line| line.contains(secret));
        assert_eq!(line, None, "{secret}");
    }
}

fn headers() -> Headers {
    let mut headers = Headers::new();
    headers.bearer(TOKEN).expect("a token");
    headers.insert("X-Api-Key", KEY).expect("a header");
    headers.insert("X-Trace", TRACE).expect("a header");
    headers
}

fn settings(peer: &Peer) -> Settings {
    // One retry, at once: enough to be logged.
    let config = Config::new().with_stream_max_retries(1).with_backoff(Duration::from_millis(1));
    let mut settings = Settings::new(peer).default_head_start().headers(headers()).config(config);
    settings.url.push_str(&format!("?api-version=3&sig={SIGNATURE}"));
    settings
}

fn request() -> Request {
    Request::text("m", INPUT).with_header("traceparent", PARENT).expect("a header")
}

#[test]
fn with_every_adapter() {
    tracing::subscriber::set_global_default(Capture).expect("the only subscriber");
    a_builder_shows_no_secret();
    for adapter in adapters() {
        LOG.lock().unwrap_or_else(PoisonError::into_inner).clear();
        no_log_tells_a_secret(adapter);
    }
}

/// A life with everything in it that is logged: attempts, failures, waits, a diverted handshake that opens,
/// one that fails, moves and modes.
fn no_log_tells_a_secret(adapter: &dyn Adapter) {
    let peer = Peer::start();
    let client = adapter.client(settings(&peer));
    let complete = || {
        let outcome = collect(client.stream(request()));
        assert!(outcome.is_complete(), "{outcome:?}");
    };
    complete();
    peer.push_turn(Transport::WebSocket, Turn::close_after(2, 1011));
    complete();
    let gate = Gate::new();
    client.handle_network_change();
    peer.push_handshake(Handshake::hold(&gate));
    complete();
    gate.open();
    until("the handshake to be reported", || log().contains("opened=true"));
    client.handle_network_change();
    let gate = Gate::new();
    peer.push_handshake(Handshake::hold_then(&gate, Handshake::status(502)));
    complete();
    gate.open();
    until("the handshake to be reported", || matches!(client.policy().mode(), Mode::FailedOver { .. }));
    peer.push_turn(Transport::Sse, Turn::drop_after(0));
    complete();
    client.advance(Duration::from_secs(90));
    complete();
    for turn in [Turn::error(400, "invalid_request", "No."), Turn::drop_after(5)] {
        peer.push_turn(Transport::WebSocket, turn);
        assert!(collect(client.stream(request())).error.is_some());
    }
    let journal = peer.journal();
    assert!(journal.handshakes() >= 5, "{journal}");
    assert!(
        journal.requests(Transport::WebSocket) >= 4 && journal.requests(Transport::Sse) >= 3,
        "{journal}"
    );
    drop(client);

    // Refused, unreachable, unknown, untrusted.
    peer.set_handshake(Handshake::status(401));
    let repeated = format!("no such key: {TOKEN}, nor {KEY}, nor sig={SIGNATURE}");
    peer.set_turn(Transport::Sse, Turn::status(401).body(&repeated));
    assert!(collect(adapter.client(settings(&peer)).stream(request())).error.is_some());
    // What a provider gives, refused and repeated.
    let repeated = format!("neither {GIVEN}, nor {RENEWED}");
    let refused = |body: &str| Handshake::Status { code: 401, headers: Vec::new(), body: body.to_owned() };
    peer.push_handshake(refused(&format!("not {GIVEN}")));
    peer.set_handshake(refused(&repeated));
    peer.set_turn(Transport::Sse, Turn::status(401).body(&repeated));
    let provider = TestProvider::new(&[GIVEN, RENEWED]);
    let mut provided = settings(&peer).provider(&provider);
    provided.headers = Headers::new();
    let client = adapter.client(provided);
    let error = collect(client.stream(request())).error.expect("refused three times");
    expect_no_secret(&format!("{error} {error:?} {}", client.debug()));
    assert_eq!(provider.asked().len(), 3);
    provider.push(Says::Fails(Failed(format!("no other than {GIVEN} and {RENEWED}"))));
    assert!(collect(client.stream(request())).error.is_some());
    drop(client);

    peer.refuse_everything(true);
    assert!(collect(adapter.client(settings(&peer)).stream(request())).error.is_some());
    let mut nowhere = settings(&peer);
    nowhere.url = nowhere.url.replace("127.0.0.1", "nobody.invalid").replace("http:", "https:");
    nowhere.limits = Limits::new().with_connect_timeout(Duration::from_secs(2));
    assert!(collect(adapter.client(nowhere).stream(request())).error.is_some());
    let tls = Peer::builder().tls().start();
    let mut stranger = settings(&tls);
    stranger.ca_pem = Peer::builder().tls().start().ca_pem().map(str::to_owned);
    assert!(collect(adapter.client(stranger).stream(request())).error.is_some());

    let log = log();
    for kind in ["attempt", "credentials", "wait", "failed", "diverted", "dial", "end", "mode", "notice"] {
        assert!(log.contains(&format!("failback::{kind} ")), "nothing of {kind} in:\n{log}");
    }
    expect_no_secret(&log);
}

fn a_builder_shows_no_secret() {
    let url = |userinfo: &str| format!("http://{userinfo}127.0.0.1:9/v1?api-version=3&sig={SIGNATURE}");
    let builder = failback_tokio::Client::builder(url("")).websocket_url(url("")).headers(headers());
    expect_no_secret(&format!("{builder:?} {builder:#?}"));
    let client = builder.build().expect("a client");
    expect_no_secret(&format!("{client:?} {client:#?} {:?}", client.stream(request())));

    let refused = [
        failback_tokio::Client::builder(url(&format!("me:{PASSWORD}@"))),
        failback_tokio::Client::builder(url("")).websocket_url(url(&format!("{PASSWORD}@"))),
        failback_tokio::Client::builder(url("").replace("127.0.0.1", "example.com")).bearer(TOKEN),
        failback_tokio::Client::builder(url("")).bearer(&format!("{TOKEN} {KEY}")),
        failback_tokio::Client::builder(url("")).header("X-Trace", format!("{TRACE}\n")).header("Host", KEY),
        failback_tokio::Client::builder(url("").replace("http://", "ftp://me:hunter2@")),
    ];
    for builder in refused {
        expect_no_secret(&format!("{builder:?}"));
        let error = builder.build().expect_err("a mistake");
        expect_no_secret(&format!("{error} {error:?}"));
        let source = std::error::Error::source(&error).expect("a source");
        expect_no_secret(&format!("{source} {source:?}"));
    }
}
