//! What is in a state file.

use std::time::{Duration, SystemTime};

use failback::{Snapshot, Transport};
use failback_wire::Endpoint;
use serde::{Deserialize, Serialize};

use crate::state_file_error::StateFileProblem;

/// The format that is written. One that is read may be older.
const VERSION: u64 = 1;

/// After so long a file says nothing. What was learned may not hold any more, and somebody who was pinned to
/// SSE on one network would stay so on all of them.
const LIFE: Duration = Duration::from_secs(60 * 60);

/// Of an endpoint that is told to people, at most so many bytes.
const LONGEST: usize = 300;

/// The verdict of one policy at one time. Times are in milliseconds since 1970.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Kept {
    version: u64,
    /// Which client it is about.
    endpoint: String,
    /// The client that wrote it, by a number drawn at random.
    pub(super) writer: u64,
    /// When that client came to the verdict.
    pub(super) decided_ms: u64,
    /// When the file was written, which is when the snapshot was made.
    written_ms: u64,
    /// Until when that client probes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    lease_until_ms: Option<u64>,
    pub(super) snapshot: Snapshot,
}

/// Of files of any version.
#[derive(Deserialize)]
struct Any {
    version: u64,
}

impl Kept {
    pub(super) fn new(
        endpoint: &str,
        writer: u64,
        decided_ms: u64,
        snapshot: Snapshot,
        lease: Option<Duration>,
    ) -> Self {
        let now = now_ms();
        Self {
            version: VERSION,
            endpoint: endpoint.to_owned(),
            writer,
            decided_ms: decided_ms.min(now),
            written_ms: now,
            lease_until_ms: lease.map(|lease| now.saturating_add(failback::whole_millis(lease))),
            snapshot,
        }
    }

    pub(super) fn to_bytes(&self) -> Result<Vec<u8>, StateFileProblem> {
        serde_json::to_vec(self).map_err(|error| StateFileProblem::NotWritten(error.to_string()))
    }

    /// Reads what a client with these URLs has written. `None` if it is too old to say anything.
    pub(super) fn parse(bytes: &[u8], endpoint: &str) -> Result<Option<Self>, StateFileProblem> {
        let damaged = |error: serde_json::Error| StateFileProblem::Damaged(error.to_string());
        let Any { version } = serde_json::from_slice(bytes).map_err(damaged)?;
        if version > VERSION {
            return Err(StateFileProblem::Newer(version));
        }
        let kept: Self = serde_json::from_slice(bytes).map_err(damaged)?;
        if kept.endpoint != endpoint {
            let shown = kept.endpoint.chars().filter(|char| !char.is_control()).take(LONGEST).collect();
            return Err(StateFileProblem::OtherEndpoint(shown));
        }
        Ok((kept.elapsed() < LIFE).then_some(kept))
    }

    /// How long ago it was written. Zero when the clock was set back since.
    pub(super) fn elapsed(&self) -> Duration {
        Duration::from_millis(now_ms().saturating_sub(self.written_ms))
    }

    /// For how long its writer probes yet; zero if it does not.
    pub(super) fn lease(&self) -> Duration {
        Duration::from_millis(self.lease_until_ms.unwrap_or_default().saturating_sub(now_ms()))
    }

    /// Whether its writer came to its verdict after this time. Nothing was decided in the future: then the
    /// clock was set back since.
    pub(super) fn is_decided_after(&self, decided_ms: u64) -> bool {
        let now = now_ms();
        self.decided_ms <= now && self.decided_ms > decided_ms
    }
}

/// The time on the clock that all processes share.
pub(super) fn now_ms() -> u64 {
    SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).map_or(0, |since| {
        // Millions of years.
        u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
    })
}

/// Both URLs, without their queries, which may be secret, and with their ports, which may be left out.
pub(super) fn describe(endpoint: &Endpoint) -> String {
    [Transport::WebSocket, Transport::Sse]
        .map(|transport| {
            let target = endpoint.target(transport);
            let uri = target.request_uri();
            let (scheme, path) = (uri.scheme_str().unwrap_or_default(), uri.path());
            format!("{scheme}://{}:{}{path}", target.host(), target.port())
        })
        .join(" ")
}
