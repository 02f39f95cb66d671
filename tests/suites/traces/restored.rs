//! A client that does not begin with a fresh policy, or learns from another one, is recorded with that.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use failback::{Config, Mode};
use failback_peer::{Handshake, Peer};
use failback_tests::{Adapter, Settings, Trace};

use crate::common::turn;

with_every_adapter!(
    what_an_earlier_client_knew,
    two_clients_that_share_a_file,
    settings_of_less_than_a_millisecond,
);

fn what_an_earlier_client_knew(adapter: &dyn Adapter) {
    let peer = Peer::start();
    let first = adapter.client(Settings::new(&peer));
    peer.push_handshake(Handshake::status(403));
    turn(&*first);
    let (snapshot, elapsed) = (first.snapshot(), Duration::from_nanos(1_234_567_891));
    drop(first);

    let trace = Trace::default();
    let second = adapter.client(Settings::new(&peer).snapshot(snapshot, elapsed).record(&trace));
    assert!(matches!(second.policy().mode(), Mode::FailedOver { .. }));
    turn(&*second);
    second.advance(Duration::from_secs(100));
    turn(&*second);
    assert_eq!(second.policy().mode(), Mode::Preferred);
    drop(second);
    trace.check();
    let text = trace.text();
    let header = text.lines().next().expect("a first line");
    assert!(header.contains("\"snapshot\"") && header.contains("\"elapsed_ns\":1234567891"), "{header}");
    assert_eq!(trace.steps()[0]["expect"]["mode"], "failed_over");
}

fn two_clients_that_share_a_file(adapter: &dyn Adapter) {
    let peer = Peer::start();
    let path = folder(adapter.name()).join("state.json");
    let traces = [Trace::default(), Trace::default()];
    let clients: Vec<_> = traces
        .iter()
        .map(|trace| adapter.client(Settings::new(&peer).state_file(&path).record(trace)))
        .collect();
    turn(&*clients[0]);
    clients[1].close_idle();
    peer.push_handshake(Handshake::status(403));
    turn(&*clients[1]);
    // The first one has an idle WebSocket, and learns before it begins that it is not to be used.
    assert_eq!(turn(&*clients[0]).events().len(), turn(&*clients[1]).events().len());
    for client in &clients {
        client.advance(Duration::from_secs(200));
    }
    turn(&*clients[0]);
    turn(&*clients[1]);
    drop(clients);
    for trace in &traces {
        trace.check();
        assert!(trace.steps().len() >= 6);
    }
    let learned = traces[0].steps().into_iter().find(|step| step["do"] == "learn").expect("it has learned");
    assert_eq!(learned["expect"]["learned"], true, "{}", traces[0].text());
}

/// What is written in whole milliseconds is what the policy goes by.
fn settings_of_less_than_a_millisecond(adapter: &dyn Adapter) {
    let (peer, trace) = (Peer::start(), Trace::default());
    let config = Config::new()
        .with_cooldown(Duration::from_nanos(60_000_000_001))
        .with_head_start(Duration::from_nanos(20_000_000_001))
        .with_backoff(Duration::from_micros(1_500))
        .with_fallback_within(Duration::from_nanos(5_000_999_999));
    let client = adapter.client(Settings::new(&peer).config(config).record(&trace));
    assert_eq!(client.policy().config().backoff(), Duration::from_millis(2));
    assert_eq!(client.policy().config().fallback_within(), Duration::from_millis(5_001));
    peer.push_handshake(Handshake::status(403));
    turn(&*client);
    drop(client);
    trace.check();
}

fn folder(adapter: &str) -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("traces-{adapter}"));
    let _nothing_there = fs::remove_dir_all(&folder);
    fs::create_dir_all(&folder).expect("a folder");
    folder
}
