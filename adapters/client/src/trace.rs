//! What the log is told: each observation, with its reason, and what is wrong with the state file. Never a
//! header, a URL or a body. The table in the documentation of the crate says what is told how.

use failback::{Change, whole_millis};
use tracing::{Span, debug, info, info_span, warn};

use crate::error::ErrorKind;
use crate::observation::{AttemptEnd, DialEnd, Observation, TurnEnd};
use crate::state_file_error::StateFileError;

/// The span of a turn.
pub(crate) fn turn(turn: u64) -> Span {
    info_span!(target: "failback::turn", "turn", turn)
}

pub(crate) fn tell(observation: &Observation) {
    match observation {
        Observation::Attempt { turn, number, transport, reason, probe, adopted } => info!(
            target: "failback::attempt",
            turn,
            transport = transport.as_str(),
            reason = reason.as_str(),
            number,
            probe,
            adopted,
            "attempt"
        ),
        Observation::FirstEvent { turn, number, transport, after } => debug!(
            target: "failback::first_event",
            turn,
            transport = transport.as_str(),
            number,
            after_ms = whole_millis(*after),
            "first event"
        ),
        Observation::Moved { turn, notice } => info!(
            target: "failback::notice",
            turn,
            transport = notice.transport().as_str(),
            reason = notice.reason().as_str(),
            retry_in_ms = notice.retry_in().map(whole_millis),
            text = notice.text(),
            "notice"
        ),
        Observation::Diverted { turn, number, head_start } => info!(
            target: "failback::diverted",
            turn,
            number,
            head_start_ms = whole_millis(*head_start),
            "the handshake goes on without its turn"
        ),
        Observation::DialEnded { turn, end } => dial(*turn, end),
        Observation::WarmUp { reason } => info!(
            target: "failback::warm_up",
            reason = reason.as_str(),
            "a handshake begins ahead of the next turn"
        ),
        Observation::AttemptEnded { turn, number, transport, end: AttemptEnd::Failed { failure, text } } => {
            info!(
                target: "failback::failed",
                turn,
                transport = transport.as_str(),
                number,
                blame = failure.blame().as_str(),
                stage = failure.stage().as_str(),
                committed = failure.is_committed(),
                text,
                "attempt failed"
            );
        }
        // The end of the turn says it.
        Observation::AttemptEnded { .. } => {}
        Observation::Renewing { turn, number, transport, text } => info!(
            target: "failback::credentials",
            turn,
            transport = transport.as_str(),
            number,
            text,
            "the credentials were refused, and others are asked for"
        ),
        Observation::Waiting { turn, wait, .. } => {
            debug!(target: "failback::wait", turn, wait_ms = whole_millis(*wait), "backoff");
        }
        Observation::Changed(change) => mode(change),
        Observation::TurnEnded { turn, attempts, end } => ended(*turn, *attempts, end),
    }
}

fn dial(turn: u64, end: &DialEnd) {
    match end {
        DialEnd::Opened => info!(target: "failback::dial", turn, opened = true, "the handshake succeeded"),
        DialEnd::Failed { text, .. } => {
            info!(target: "failback::dial", turn, opened = false, text, "the handshake failed");
        }
        DialEnd::Abandoned => {
            debug!(target: "failback::dial", turn, opened = false, "the handshake was abandoned");
        }
    }
}

fn mode(change: &Change) {
    let Change { from, to, why, retry_in, recoveries_left } = *change;
    info!(
        target: "failback::mode",
        from = from.as_str(),
        mode = to.as_str(),
        why = why.as_str(),
        retry_in_ms = retry_in.map(whole_millis),
        recoveries_left,
        "mode"
    );
}

pub(crate) fn sse_only(on: bool) {
    info!(target: "failback::sse_only", on, "whether turns that begin go over SSE alone");
}

fn ended(turn: u64, attempts: u32, end: &TurnEnd) {
    let result = end.as_str();
    match end {
        TurnEnd::Completed | TurnEnd::Ended => {
            info!(target: "failback::end", turn, attempts, result, "turn ended");
        }
        TurnEnd::Cancelled => debug!(target: "failback::end", turn, attempts, result, "turn cancelled"),
        TurnEnd::Failed(ErrorKind::GaveUp(give_up)) => {
            let give_up = give_up.as_str();
            warn!(target: "failback::end", turn, attempts, result, give_up, "turn given up");
        }
        TurnEnd::Failed(kind) => {
            warn!(target: "failback::end", turn, attempts, result, kind = kind.as_str(), "turn stopped");
        }
    }
}

pub(crate) fn observer_panicked() {
    warn!(target: "failback::observer", "the observer has panicked, and is not called again");
}

pub(crate) fn state_file(problem: &StateFileError) {
    warn!(target: "failback::state", %problem, "state file");
}

pub(crate) fn recording_stopped(problem: &str) {
    warn!(target: "failback::record", problem, "the trace of this client ends here");
}

pub(crate) fn adopted(changed: bool) {
    info!(target: "failback::state", changed, "another process has written the state file");
}
