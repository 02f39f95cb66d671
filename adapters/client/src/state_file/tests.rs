use std::fs;
use std::path::PathBuf;

use failback::{Blame, Config, Failure, Outcome, Policy, Reason, Stage, Timestamp};

use super::*;

const COOLDOWN: Timestamp = Timestamp::from_millis(60_000);

/// A policy whose clock is told.
fn policy(clock: &Arc<AtomicU64>, found: &Found) -> SharedPolicy {
    let clock = Arc::clone(clock);
    let now = move || Timestamp::from_nanos(clock.load(Ordering::SeqCst));
    let config = Config::new().with_jitter_permille(0);
    SharedPolicy::with_clock(now, |now| match found.snapshot() {
        Some((snapshot, _)) => Policy::restore(config, 1, &snapshot, Duration::ZERO, now),
        None => Policy::new(config, 1, now),
    })
}

fn open(path: &Path, clock: &Arc<AtomicU64>) -> (SharedPolicy, Arc<StateFile>) {
    let endpoint = Endpoint::new("https://localhost/v1").unwrap();
    let found = Found::at(path, &endpoint).unwrap();
    let policy = policy(clock, &found);
    let file = found.keep(&policy);
    (policy, file)
}

fn path(test: &str) -> PathBuf {
    let folder = std::env::temp_dir().join(format!("failback-{test}-{}", std::process::id()));
    let _nothing_there = fs::remove_dir_all(&folder);
    fs::create_dir_all(&folder).unwrap();
    folder.join("state.json")
}

fn convict(policy: &SharedPolicy) {
    let refused = Failure::new(Blame::Transport, Stage::Connecting);
    let _call = policy.begin_call().handle_outcome(Outcome::Failed(refused));
    policy.begin_call().handle_progress();
}

fn lease_until(path: &Path) -> Option<u64> {
    let kept: serde_json::Value = serde_json::from_slice(&fs::read(path).unwrap()).unwrap();
    kept["lease_until_ms"].as_u64()
}

#[test]
fn a_probe_is_announced_before_it_begins_and_its_lease_is_renewed() {
    let (path, clock) = (path("lease"), Arc::default());
    let (one, file) = open(&path, &clock);
    convict(&one);
    let (other, beside) = open(&path, &clock);
    assert_eq!(lease_until(&path), None);
    clock.store(COOLDOWN.as_nanos(), Ordering::SeqCst);

    file.ask_to_probe();
    assert!(lease_until(&path) > Some(now_ms()));
    beside.ask_to_probe();
    assert_eq!(other.begin_call().reason(), Reason::CoolingDown);
    let probe = one.begin_call();
    assert_eq!(probe.reason(), Reason::Probe);

    let announced = lease_until(&path);
    file.renew_lease();
    assert_eq!(lease_until(&path), announced, "there is no need yet");
    clock.fetch_add(Duration::from_secs(20).as_nanos() as u64, Ordering::SeqCst);
    probe.handle_progress();
    // The clock that processes share has not moved by as much.
    std::thread::sleep(Duration::from_millis(2));
    file.renew_lease();
    assert!(lease_until(&path) > announced);

    let _done = probe.handle_outcome(Outcome::Completed);
    assert_eq!(lease_until(&path), None);
    beside.look();
    assert_eq!(other.mode(), Mode::Preferred);
    fs::remove_dir_all(path.parent().unwrap()).unwrap();
}

#[test]
fn who_keeps_a_policy_in_a_file_keeps_neither_alive() {
    let (path, clock) = (path("alive"), Arc::default());
    let (policy, file) = open(&path, &clock);
    let weak = Arc::downgrade(&file);
    drop(file);
    assert!(weak.upgrade().is_none());
    convict(&policy);
    assert!(!path.exists(), "nobody is left to write it");
    fs::remove_dir_all(path.parent().unwrap()).unwrap();
}
