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

/// Whoever listens may begin a turn, which may want the file, and may take long.
#[test]
fn what_is_learned_from_another_process_is_told_where_nothing_is_locked() {
    let (path, clock) = (path("told"), Arc::default());
    let (one, _file) = open(&path, &clock);
    let (other, beside) = open(&path, &clock);
    let (sender, told) = std::sync::mpsc::channel();
    let listener = Arc::downgrade(&beside);
    other.on_change(move |change| {
        let beside = listener.upgrade().unwrap();
        sender.send((change.why, beside.work.try_lock().is_ok())).unwrap();
    });
    convict(&one);
    beside.look();
    assert_eq!(told.try_iter().collect::<Vec<_>>(), [(Trigger::Restored, true)]);

    // The other way to learn: a turn that would probe looks once more, with the file locked.
    clock.store(COOLDOWN.as_nanos(), Ordering::SeqCst);
    one.handle_network_change();
    beside.ask_to_probe();
    assert_eq!(told.try_iter().collect::<Vec<_>>(), [(Trigger::Restored, true)]);
    assert_eq!(other.mode(), Mode::Preferred);
    fs::remove_dir_all(path.parent().unwrap()).unwrap();
}

/// So may whoever writes the log.
#[test]
fn the_log_is_told_where_nothing_is_locked() {
    struct Log(Arc<StateFile>, Mutex<Vec<bool>>);
    impl tracing::Subscriber for Log {
        fn enabled(&self, metadata: &tracing::Metadata<'_>) -> bool {
            metadata.target() == "failback::state"
        }
        fn new_span(&self, _: &tracing::span::Attributes<'_>) -> tracing::span::Id {
            tracing::span::Id::from_u64(1)
        }
        fn record(&self, _: &tracing::span::Id, _: &tracing::span::Record<'_>) {}
        fn record_follows_from(&self, _: &tracing::span::Id, _: &tracing::span::Id) {}
        fn event(&self, _: &tracing::Event<'_>) {
            let is_free = self.0.work.try_lock().is_ok() && self.0.problems.try_lock().is_ok();
            self.1.lock().unwrap().push(is_free);
        }
        fn enter(&self, _: &tracing::span::Id) {}
        fn exit(&self, _: &tracing::span::Id) {}
    }
    let told = || {
        let (path, clock) = (path("logged"), Arc::default());
        let (one, _file) = open(&path, &clock);
        let (_other, beside) = open(&path, &clock);
        let log = Arc::new(Log(Arc::clone(&beside), Mutex::default()));
        tracing::subscriber::with_default(Arc::clone(&log), || {
            convict(&one);
            beside.look();
            fs::write(&path, "nonsense").unwrap();
            beside.look();
            beside.look();
        });
        assert!(beside.problem().is_some());
        fs::remove_dir_all(path.parent().unwrap()).unwrap();
        let told = log.1.lock().unwrap().clone();
        assert!(!told.contains(&false), "it is locked");
        told.len()
    };
    // Where another test logs for the first time just now, tracing may take it that nobody listens, until the
    // next one begins to listen.
    assert!((0..20).any(|_| told() == 2), "what was learned, and once what is wrong");
}
