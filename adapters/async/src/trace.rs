//! What the log is told of connections that no turn uses. What it is told of turns is the business of failback-client.

use tracing::debug;

pub(crate) fn idle_ended(why: &'static str) {
    debug!(target: "failback::idle", why, "an idle WebSocket is not kept any longer");
}
