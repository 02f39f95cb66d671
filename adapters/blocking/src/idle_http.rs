use std::time::Duration;

use failback::Timestamp;

use crate::sse::{HttpConn, Recovered};

/// How long an HTTP connection is kept. Nothing can ask it whether it is alive, and gateways on the way
/// forget a silent connection after a minute or more without telling either end.
const KEEP_HTTP: Duration = Duration::from_secs(60);

/// How long after its last event the end of an answer may come. No turn waits for it.
const DRAIN_TIME: Duration = Duration::from_secs(10);

/// An HTTP connection between two requests.
pub(crate) struct IdleHttp {
    pub(crate) conn: HttpConn,
    used_at: Timestamp,
    /// Until when it is kept.
    pub(crate) until: Timestamp,
}

impl IdleHttp {
    pub(crate) fn new(conn: HttpConn, used_at: Timestamp) -> Self {
        Self { conn, used_at, until: used_at.saturating_add(DRAIN_TIME) }
    }

    pub(crate) fn attend(&mut self, now: Timestamp) -> Recovered {
        let recovered = self.conn.recover();
        if matches!(recovered, Recovered::Now) {
            self.until = self.used_at.saturating_add(KEEP_HTTP);
        }
        if self.until <= now { Recovered::Never } else { recovered }
    }
}
