use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use failback::{Mode, Transport};
use failback_peer::{Handshake, Peer};
use failback_tests::{Outcome, TestClient, collect};
use failback_wire::Request;
use serde_json::Value;

/// The longest first cooldown.
pub(crate) const COOLDOWN: Duration = Duration::from_secs(90);

/// A folder of the test's own, empty.
pub(crate) fn folder(test: &str, adapter: &str) -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("state-{test}-{adapter}"));
    let _nothing_there = fs::remove_dir_all(&folder);
    fs::create_dir_all(&folder).expect("a folder");
    folder
}

/// A turn that completes.
#[track_caller]
pub(crate) fn turn(client: &dyn TestClient) -> Outcome {
    let outcome = collect(client.stream(Request::text("m", "hello")));
    assert!(outcome.is_complete(), "{outcome:?}");
    assert_eq!(outcome.text(), "echo: hello");
    outcome
}

/// A turn whose handshake is refused, so that WebSocket is convicted.
#[track_caller]
pub(crate) fn convict(peer: &Peer, client: &dyn TestClient) {
    peer.push_handshake(Handshake::status(403));
    assert_eq!(turn(client).moves(), [Transport::Sse]);
    assert!(is_failed_over(client));
}

pub(crate) fn is_failed_over(client: &dyn TestClient) -> bool {
    matches!(client.policy().mode(), Mode::FailedOver { .. })
}

/// What the file says.
pub(crate) fn read(path: &Path) -> Value {
    serde_json::from_slice(&fs::read(path).expect("a file")).expect("JSON")
}

/// Changes what the file says.
pub(crate) fn edit(path: &Path, change: impl FnOnce(&mut Value)) {
    let mut value = read(path);
    change(&mut value);
    fs::write(path, value.to_string()).expect("a file that can be written");
}

pub(crate) fn now_ms() -> u64 {
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).expect("a time after 1970");
    u64::try_from(since.as_millis()).expect("a time in this era")
}

/// The file was written so long ago.
pub(crate) fn make_older(path: &Path, by: Duration) {
    let written = now_ms() - u64::try_from(by.as_millis()).expect("a time in this era");
    edit(path, |file| file["written_ms"] = written.into());
}
