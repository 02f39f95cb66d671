//! What the log is told: each decision and each transition, with its reason. Nothing else, and never a
//! header, a URL or a body.

use std::time::Duration;

use failback::{AttemptGuard, Failure, Mode, Outcome, Status, Transport, whole_millis};
use tracing::{debug, info};

use crate::item::Notice;

pub(crate) fn attempt(turn: u64, attempt: &AttemptGuard) {
    info!(
        target: "failback::attempt",
        turn,
        transport = attempt.transport().as_str(),
        reason = attempt.reason().as_str(),
        number = attempt.number(),
        probe = attempt.is_probe(),
        "attempt"
    );
}

pub(crate) fn wait(turn: u64, wait: Duration) {
    if wait.is_zero() {
        return;
    }
    debug!(target: "failback::wait", turn, wait_ms = whole_millis(wait), "backoff");
}

pub(crate) fn failed(turn: u64, attempt: &AttemptGuard, failure: &Failure, text: &str) {
    info!(
        target: "failback::failed",
        turn,
        transport = attempt.transport().as_str(),
        number = attempt.number(),
        blame = failure.blame().as_str(),
        stage = failure.stage().as_str(),
        committed = failure.is_committed(),
        text,
        "attempt failed"
    );
}

pub(crate) fn diverted(turn: u64, number: u32, head_start: Duration) {
    info!(
        target: "failback::diverted",
        turn,
        number,
        head_start_ms = whole_millis(head_start),
        "the handshake goes on without its turn"
    );
}

pub(crate) fn dialled(text: Option<&str>) {
    match text {
        Some(text) => info!(target: "failback::dial", opened = false, text, "the handshake failed"),
        None => info!(target: "failback::dial", opened = true, "the handshake succeeded"),
    }
}

pub(crate) fn ended(turn: u64, transport: Transport, outcome: Outcome) {
    let result = if outcome == Outcome::Completed { "completed" } else { "ended" };
    info!(target: "failback::end", turn, transport = transport.as_str(), result, "turn ended");
}

pub(crate) fn gave_up(turn: u64, give_up: &'static str) {
    info!(target: "failback::end", turn, give_up, result = "failed", "turn given up");
}

pub(crate) fn stopped(turn: u64, kind: &'static str) {
    info!(target: "failback::end", turn, kind, result = "failed", "turn stopped");
}

pub(crate) fn mode(from: Mode, status: &Status) {
    let Status { mode: to, retry_in, recoveries_left } = *status;
    info!(
        target: "failback::mode",
        from = from.as_str(),
        mode = to.as_str(),
        retry_in_ms = retry_in.map(whole_millis),
        recoveries_left,
        "mode"
    );
}

pub(crate) fn sse_only(on: bool) {
    info!(target: "failback::sse_only", on, "whether turns that begin go over SSE alone");
}

pub(crate) fn notice(turn: u64, notice: &Notice) {
    info!(
        target: "failback::notice",
        turn,
        transport = notice.transport().as_str(),
        reason = notice.reason().as_str(),
        retry_in_ms = notice.retry_in().map(whole_millis),
        text = notice.text(),
        "notice"
    );
}
