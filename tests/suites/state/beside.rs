//! Clients beside each other, as if in two processes: each has its own policy, and they share the file alone.

use std::fs::{self, File};
use std::path::Path;
use std::sync::Barrier;
use std::thread;
use std::time::Duration;

use failback::{Config, Mode, Transport};
use failback_peer::{Gate, Handshake, Peer, What};
use failback_tests::{Adapter, Settings, collect, until};
use failback_wire::Request;
use fs4::FileExt;

use crate::common::{COOLDOWN, convict, edit, folder, is_failed_over, make_older, now_ms, read, turn};

with_every_adapter!(
    a_client_that_runs_already_adopts_a_conviction,
    of_many_that_are_due_at_once_one_probes,
    one_of_two_probes_and_its_recovery_is_seen_by_the_other,
    a_lease_that_has_not_ended_holds_the_probe,
    an_older_verdict_does_not_replace_a_newer_one,
    a_newer_verdict_that_could_not_be_written_stands,
    a_lock_that_is_held_for_ever_holds_nobody_up,
);

/// Nothing is diverted, however long a test is stalled.
fn patient() -> Config {
    Config::new().with_head_start(Duration::MAX)
}

fn a_client_that_runs_already_adopts_a_conviction(adapter: &dyn Adapter) {
    let (peer, path) = (Peer::start(), folder("adopts", adapter.name()).join("state.json"));
    let settings = Settings::new(&peer).config(patient()).state_file(&path);
    let (one, other) = (adapter.client(settings.clone()), adapter.client(settings));
    turn(&*other);
    convict(&peer, &*one);

    assert_eq!(other.policy().mode(), Mode::Preferred);
    assert_eq!(turn(&*other).moves(), [Transport::Sse]);
    assert!(is_failed_over(&*other));
    use Transport::{Sse, WebSocket};
    assert_eq!(peer.journal().transports(), [WebSocket, Sse, Sse], "{}", peer.journal());
}

fn one_of_two_probes_and_its_recovery_is_seen_by_the_other(adapter: &dyn Adapter) {
    let (peer, path) = (Peer::start(), folder("probes", adapter.name()).join("state.json"));
    let settings = Settings::new(&peer).config(patient()).state_file(&path);
    let (one, other) = (adapter.client(settings.clone()), adapter.client(settings));
    convict(&peer, &*one);
    turn(&*other);
    for client in [&one, &other] {
        client.advance(COOLDOWN);
        assert_eq!(client.policy().status().retry_in, Some(Duration::ZERO), "the cooldown is over");
    }

    let gate = Gate::new();
    peer.push_handshake(Handshake::hold(&gate));
    thread::scope(|scope| {
        let probe = scope.spawn(|| collect(one.stream(Request::text("m", "probe"))));
        gate.reached_blocking();
        turn(&*other);
        assert_eq!(peer.journal().handshakes(), 2, "the one refused, and the probe: {}", peer.journal());
        assert_eq!(other.policy().recoveries_left(), 2, "the probe is spent for both");
        gate.open();
        let probe = probe.join().expect("no panic");
        assert!(probe.is_complete(), "{probe:?}");
        assert_eq!(probe.moves(), [Transport::WebSocket]);
    });

    assert_eq!(turn(&*other).moves(), [Transport::WebSocket]);
    assert_eq!((other.policy().mode(), other.policy().recoveries_left()), (Mode::Preferred, 3));
    assert_eq!(peer.journal().requests(Transport::WebSocket), 2, "{}", peer.journal());
}

fn of_many_that_are_due_at_once_one_probes(adapter: &dyn Adapter) {
    const CLIENTS: usize = 8;
    let (peer, path) = (Peer::start(), folder("many", adapter.name()).join("state.json"));
    let settings = Settings::new(&peer).config(patient()).state_file(&path);
    convict(&peer, &*adapter.client(settings.clone()));
    let clients: Vec<_> = (0..CLIENTS).map(|_| adapter.client(settings.clone())).collect();
    for client in &clients {
        client.advance(COOLDOWN);
    }

    let (gate, start) = (Gate::new(), Barrier::new(CLIENTS));
    peer.push_handshake(Handshake::hold(&gate));
    thread::scope(|scope| {
        let turns: Vec<_> = clients
            .iter()
            .map(|client| {
                scope.spawn(|| {
                    start.wait();
                    turn(&**client).moves()
                })
            })
            .collect();
        gate.reached_blocking();
        peer.wait_for_blocking("the others to complete", |journal| {
            journal.count(|what| matches!(what, What::TurnDone)) >= CLIENTS
        });
        gate.open();
        let moves: Vec<_> = turns.into_iter().map(|turn| turn.join().expect("no panic")).collect();
        let probes = moves.iter().filter(|moves| moves.is_empty()).count();
        assert_eq!(probes, 1, "the others have moved to SSE: {moves:?}");
    });
    assert_eq!(peer.journal().handshakes(), 2, "{}", peer.journal());
}

fn a_lease_that_has_not_ended_holds_the_probe(adapter: &dyn Adapter) {
    let (peer, path) = (Peer::start(), folder("lease", adapter.name()).join("state.json"));
    let settings = Settings::new(&peer).config(patient()).state_file(&path);
    let gone = adapter.client(settings.clone());
    convict(&peer, &*gone);
    drop(gone.leave());
    make_older(&path, COOLDOWN);
    let lease = |ends_in_ms: u64| edit(&path, |file| file["lease_until_ms"] = (now_ms() + ends_in_ms).into());

    lease(1_000_000);
    let early = adapter.client(settings.clone());
    let retry_in = early.policy().status().retry_in.expect("a cooldown");
    assert!(!retry_in.is_zero() && retry_in <= Duration::from_secs(30), "{retry_in:?}");
    turn(&*early);
    early.advance(Duration::from_secs(30));
    turn(&*early);
    assert_eq!(peer.journal().handshakes(), 1, "{}", peer.journal());

    lease(0);
    // A client that runs already, and one that is new: one of them probes, the other one goes after it.
    assert_eq!(turn(&*adapter.client(settings)).moves(), []);
    assert_eq!(turn(&*early).moves(), [Transport::WebSocket]);
    assert_eq!(peer.journal().requests(Transport::WebSocket), 2, "{}", peer.journal());
}

fn hold_lock(path: &Path) -> File {
    let file = File::create(path.with_extension("json.lock")).expect("a lock file");
    FileExt::lock(&file).expect("a lock");
    file
}

fn an_older_verdict_does_not_replace_a_newer_one(adapter: &dyn Adapter) {
    let (peer, path) = (Peer::start(), folder("older", adapter.name()).join("state.json"));
    let settings = Settings::new(&peer).config(patient()).state_file(&path);
    let (one, other) = (adapter.client(settings.clone()), adapter.client(settings));
    let lock = hold_lock(&path);
    convict(&peer, &*one);
    assert!(!path.exists(), "it could not be written");
    drop(lock);
    // Decided later, and written first.
    convict(&peer, &*other);
    other.advance(COOLDOWN);
    turn(&*other);
    assert_eq!(read(&path)["snapshot"]["mode"], "preferred");

    let policy = one.policy();
    drop(one.leave());
    until("the other verdict to be adopted", || policy.mode() == Mode::Preferred);
    assert_eq!(read(&path)["snapshot"]["mode"], "preferred");
}

fn a_newer_verdict_that_could_not_be_written_stands(adapter: &dyn Adapter) {
    let (peer, path) = (Peer::start(), folder("newer", adapter.name()).join("state.json"));
    let settings = Settings::new(&peer).config(patient()).state_file(&path);
    let (one, other) = (adapter.client(settings.clone()), adapter.client(settings));
    convict(&peer, &*other);
    let lock = hold_lock(&path);
    // They are told apart by milliseconds.
    thread::sleep(Duration::from_millis(2));
    one.handle_network_change();
    assert_eq!(turn(&*one).moves(), []);
    assert_eq!(one.policy().mode(), Mode::Preferred);
    assert_eq!(read(&path)["snapshot"]["mode"], "failed_over");
    drop(lock);
    turn(&*one);
    assert_eq!(read(&path)["snapshot"]["mode"], "preferred");
    assert_eq!(turn(&*other).moves(), [Transport::WebSocket]);
}

fn a_lock_that_is_held_for_ever_holds_nobody_up(adapter: &dyn Adapter) {
    let (peer, path) = (Peer::start(), folder("lock", adapter.name()).join("state.json"));
    let lease = Duration::from_millis(200);
    let settings = Settings::new(&peer).config(patient().with_probe_lease(lease)).state_file(&path);
    let client = adapter.client(settings.clone());
    let lock = hold_lock(&path);
    convict(&peer, &*client);
    client.advance(COOLDOWN);
    turn(&*client);
    assert_eq!(peer.journal().handshakes(), 1, "perhaps another process probes: {}", peer.journal());
    until("a probe that nobody allows", || {
        client.advance(lease);
        turn(&*client);
        peer.journal().handshakes() == 2
    });
    assert_eq!(client.policy().mode(), Mode::Preferred);
    assert!(fs::metadata(&path).is_err(), "it could not be written");
    assert_eq!(client.state_file_problem(), None, "nothing is wrong with the file");

    drop(lock);
    drop(client.leave());
    until("the end of the client, who then writes it", || path.exists());
    assert_eq!(read(&path)["snapshot"]["mode"], "preferred");
}
