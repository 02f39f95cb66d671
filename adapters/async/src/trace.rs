//! What the log is told about connections that no turn uses. failback-client tells it about turns.

use tracing::debug;

pub(crate) fn idle_ended(why: &'static str) {
    debug!(target: "failback::idle", why, "an idle WebSocket is not kept any longer");
}
