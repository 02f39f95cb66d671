use failback::Timestamp;
use failback_client::common::{DRAIN_TIME, HTTP_LIFE};

use crate::sse::{HttpConn, Recovered};

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
            self.until = self.used_at.saturating_add(HTTP_LIFE);
        }
        if self.until <= now { Recovered::Never } else { recovered }
    }
}
