//! What happens to a client is decided again, step by step.

use std::time::Duration;

use failback::Transport::{Sse, WebSocket};
use failback::{Config, Mode};
use failback_peer::{Gate, Handshake, Peer, Turn, What};
use failback_tests::{Adapter, Settings, Trace, collect, read, until};
use failback_wire::{Headers, Request};

use crate::common::turn;

with_every_adapter!(
    a_life_full_of_failures,
    handshakes_without_a_call,
    an_event_of_one_call_counts_for_the_handshake_of_another,
    nothing_secret_is_in_it,
    events_that_change_nothing_are_left_out,
    a_probe_is_recorded_event_by_event_only_as_far_as_it_matters,
    turns_at_once,
    a_turn_that_waits_is_dropped,
);

/// Backoff that no test waits for, and that has jitter.
fn config() -> Config {
    Config::new().with_backoff(Duration::from_millis(2)).with_backoff_max(Duration::from_millis(5))
}

fn a_life_full_of_failures(adapter: &dyn Adapter) {
    let (peer, trace) = (Peer::start(), Trace::default());
    let client = adapter.client(Settings::new(&peer).config(config()).record(&trace));
    turn(&*client);
    // The stream breaks, and is tried again.
    peer.push_turn(WebSocket, Turn::drop_after(2));
    turn(&*client);
    // The server is busy, and says for how long.
    peer.push_turn(WebSocket, Turn::error(429, "rate_limit_exceeded", "Slow down."));
    turn(&*client);
    peer.push_turn(WebSocket, Turn::failed("model_error"));
    assert!(!collect(client.stream(Request::text("m", "hello"))).is_complete());
    // Output was delivered, so the call is given up.
    peer.push_turn(WebSocket, Turn::drop_after(6));
    assert!(collect(client.stream(Request::text("m", "hello"))).error.is_some());
    // A refused handshake, and SSE that fails once too.
    client.handle_network_change();
    peer.push_handshake(Handshake::status(403));
    turn(&*client);
    assert!(matches!(client.policy().mode(), Mode::FailedOver { .. }));
    peer.push_turn(Sse, Turn::drop_after(0));
    turn(&*client);
    // The probe fails, the next one is cancelled, and the one after that completes.
    client.advance(Duration::from_secs(200));
    peer.push_handshake(Handshake::Reset);
    turn(&*client);
    client.advance(Duration::from_secs(400));
    drop(read_one(&*client));
    client.advance(Duration::from_secs(1000));
    turn(&*client);
    assert_eq!(client.policy().mode(), Mode::Preferred);
    drop(client);

    trace.check();
    for (action, at_least) in
        [("call", 9), ("begin", 4), ("complete", 6), ("fail", 6), ("end", 1), ("cancel", 1), ("progress", 3)]
    {
        assert!(trace.count(action) >= at_least, "{action} in {}", trace.text());
    }
    assert!(trace.count("network_changed") == 1);
    for mode in ["preferred", "suspected", "failed_over", "probing"] {
        assert!(trace.steps().iter().any(|step| step["expect"]["mode"] == mode), "{mode}");
    }
}

fn read_one(client: &dyn failback_tests::TestClient) -> Box<dyn failback_tests::TestTurn> {
    let mut turn = client.stream(Request::text("m", "hello"));
    read(&mut *turn, 1);
    turn
}

/// A call leaves its handshake, which fails or opens; a handshake begins ahead of calls, and one adopts it.
fn handshakes_without_a_call(adapter: &dyn Adapter) {
    let (peer, trace) = (Peer::start(), Trace::default());
    let config = config().with_head_start(Duration::from_millis(200));
    let client = adapter.client(Settings::new(&peer).config(config).record(&trace));
    for then in [Handshake::Accept, Handshake::status(502)] {
        client.handle_network_change();
        client.close_idle();
        let gate = Gate::new();
        peer.push_handshake(Handshake::hold_then(&gate, then));
        turn(&*client);
        gate.open();
        until("the handshake to end", || client.policy().poll_timeout().is_none() || failed_over(&*client));
    }
    client.handle_network_change();
    client.close_idle();
    let gate = Gate::new();
    peer.push_handshake(Handshake::hold(&gate));
    let warm_up = client.warm_up();
    until("the handshake to begin", || gate.arrivals() == 1);
    // Whether the machine is fast enough for the head start or not.
    let mut stream = client.stream(Request::text("m", "hello"));
    stream.next_unless(&|| client.policy().poll_timeout().is_none() || trace.count("divert") > 2);
    gate.open();
    assert!(collect(stream).is_complete());
    let _opened = warm_up();
    drop(client);

    trace.check();
    for action in ["divert", "dial_opened", "dial_failed", "warm_up", "adopt"] {
        assert!(trace.count(action) >= 1, "{action} in {}", trace.text());
    }
}

/// Of all the events that change nothing, one after the handshake has begun is evidence when it fails (R17).
fn an_event_of_one_call_counts_for_the_handshake_of_another(adapter: &dyn Adapter) {
    let (peer, trace) = (Peer::start(), Trace::default());
    let config = config().with_head_start(Duration::from_millis(50));
    let client = adapter.client(Settings::new(&peer).config(config).record(&trace));
    let (handshake, middle, rest) = (Gate::new(), Gate::new(), Gate::new());
    peer.push_turn(Sse, Turn::after(3).then_gate(&middle).then_events(1).then_gate(&rest).then_complete());
    let mut first = client.stream(Request::text("m", "hello").sse_only());
    read(&mut *first, 3);
    peer.push_handshake(Handshake::hold_then(&handshake, Handshake::status(502)));
    peer.push_turn(Sse, Turn::after(0).then_gate(&rest).then_complete());
    std::thread::scope(|scope| {
        let second = scope.spawn(|| turn(&*client));
        until("the handshake to be left", || trace.count("divert") == 1);
        middle.open();
        read(&mut *first, 1);
        handshake.open();
        until("the handshake to fail", || trace.count("dial_failed") == 1);
        assert!(failed_over(&*client), "convicted at once");
        rest.open();
        second.join().expect("a turn");
    });
    assert!(collect(first).error.is_none());
    drop(client);
    trace.check();
}

fn failed_over(client: &dyn failback_tests::TestClient) -> bool {
    matches!(client.policy().mode(), Mode::FailedOver { .. })
}

fn nothing_secret_is_in_it(adapter: &dyn Adapter) {
    const KEY: &str = "sk-sentinel-1f0c";
    const QUERY: &str = "sig-sentinel-2a9d";
    const INPUT: &str = "input-sentinel-3b7e";
    const OUTPUT: &str = "output-sentinel-4c6f";
    const WORDS: &str = "words-sentinel-5d5a";
    const HEADER: &str = "header-sentinel-6e4b";
    let (peer, trace) = (Peer::start(), Trace::default());
    let mut headers = Headers::new();
    headers.bearer(KEY).expect("a key");
    headers.insert("X-Org", HEADER).expect("a header");
    let mut settings = Settings::new(&peer).config(config()).headers(headers).record(&trace);
    settings.url.push_str(&format!("?sig={QUERY}"));
    let client = adapter.client(settings);
    let stream = || collect(client.stream(Request::text("m", INPUT)));
    peer.push_turn(WebSocket, Turn::complete().with_text(OUTPUT));
    assert!(stream().text().contains(OUTPUT));
    peer.push_turn(WebSocket, Turn::error(400, "invalid_request", WORDS));
    assert!(stream().error.expect("an error").to_string().contains(WORDS));
    client.handle_network_change();
    peer.push_handshake(Handshake::status(403).header("x-why", WORDS));
    peer.push_turn(Sse, Turn::error(503, WORDS, WORDS));
    assert!(stream().is_complete());
    let port = peer.addr().port().to_string();
    drop(client);

    trace.check();
    assert!(trace.steps().len() >= 8);
    let text = trace.text();
    for secret in [KEY, QUERY, INPUT, OUTPUT, WORDS, HEADER, "sentinel", "127.0.0.1", "http", "hello"] {
        assert!(!text.contains(secret), "{secret} in {text}");
    }
    assert!(!text.contains(&format!(":{port}/")), "{text}");
}

fn events_that_change_nothing_are_left_out(adapter: &dyn Adapter) {
    let (peer, trace) = (Peer::start(), Trace::default());
    let client = adapter.client(Settings::new(&peer).sse_only().record(&trace));
    for _ in 0..3 {
        peer.push_turn(Sse, Turn::after(1).with_text("a ".repeat(400)).then_events(400).then_complete());
        assert!(turn(&*client).events().len() >= 100);
    }
    for _ in 0..100 {
        let _looked_at = client.policy().status();
    }
    drop(client);
    // Opened, begun, its first event, and its end.
    trace.check();
    assert_eq!(trace.steps().len(), 3 * 4, "{}", trace.text());
}

fn a_probe_is_recorded_event_by_event_only_as_far_as_it_matters(adapter: &dyn Adapter) {
    let (peer, trace) = (Peer::start(), Trace::default());
    let config = config().with_probe_lease(Duration::from_secs(10));
    let client = adapter.client(Settings::new(&peer).config(config).record(&trace));
    peer.push_handshake(Handshake::status(403));
    turn(&*client);
    client.advance(Duration::from_secs(200));
    peer.push_turn(WebSocket, Turn::after(1).with_text("a ".repeat(300)).then_events(300).then_complete());
    let mut stream = client.stream(Request::text("m", "hello"));
    // Each event renews the lease, and it would be over without one of the first twenty.
    for _ in 0..20 {
        read(&mut *stream, 1);
        client.advance(Duration::from_secs(4));
    }
    assert!(collect(stream).error.is_none());
    assert_eq!(client.policy().mode(), Mode::Preferred);
    drop(client);
    trace.check();
    let events = trace.count("progress");
    assert!((10..40).contains(&events), "{events} of 300 in {}", trace.text());
}

fn turns_at_once(adapter: &dyn Adapter) {
    let (peer, trace) = (Peer::start(), Trace::default());
    let client = adapter.client(Settings::new(&peer).config(config()).record(&trace));
    for round in 0..4 {
        if round % 2 == 1 {
            peer.push_handshake(Handshake::status(403));
            peer.push_turn(WebSocket, Turn::drop_after(2));
            peer.push_turn(Sse, Turn::drop_after(0));
        }
        std::thread::scope(|scope| {
            for number in 0..6 {
                let client = &client;
                scope.spawn(move || {
                    let mut stream = client.stream(Request::text("m", "hello"));
                    if number == 5 {
                        // Cancelled after its first item.
                        let _item = stream.next();
                    } else {
                        let _any_end_will_do = collect(stream);
                    }
                });
            }
        });
        client.handle_network_change();
    }
    drop(client);
    trace.check();
    assert!(trace.steps().len() >= 4 * 6 * 2);
}

fn a_turn_that_waits_is_dropped(adapter: &dyn Adapter) {
    let (peer, trace) = (Peer::start(), Trace::default());
    let config = Config::new().with_backoff(Duration::from_secs(4));
    let client = adapter.client(Settings::new(&peer).config(config).record(&trace));
    peer.push_turn(WebSocket, Turn::drop_after(0));
    let mut stream = client.stream(Request::text("m", "hello"));
    stream.next_unless(&|| trace.count("fail") == 1);
    drop(stream);
    turn(&*client);
    peer.wait_for_blocking("both turns", |journal| {
        journal.count(|what| matches!(what, What::Request { .. })) >= 2
    });
    drop(client);
    trace.check();
}
