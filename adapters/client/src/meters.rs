//! What the crate `metrics` is told, of the same observations as the log. The table in the documentation of
//! the crate names all of it.

use failback::{Mode, Reason, Timestamp, Transport};
use metrics::{counter, gauge, histogram};

use crate::observation::Observation;

/// Every mode by its word. The times in them are not told.
const MODES: [Mode; 5] = [
    Mode::Preferred,
    Mode::Suspected,
    Mode::FailedOver { retry_at: Timestamp::ZERO },
    Mode::Probing { lease_until: Timestamp::ZERO },
    Mode::Pinned,
];

pub(crate) fn record(observation: &Observation) {
    match observation {
        // Its warm-up has been counted.
        Observation::Attempt { adopted: true, .. } => {}
        Observation::Attempt { probe, .. } => {
            if *probe {
                counter!("failback_probes_total").increment(1);
            }
        }
        Observation::FirstEvent { transport, after, .. } => {
            histogram!("failback_time_to_first_event_seconds", "transport" => transport.as_str())
                .record(after.as_secs_f64());
        }
        Observation::Moved { notice, .. } => match notice.transport() {
            Transport::Sse => counter!("failback_failovers_total").increment(1),
            Transport::WebSocket => counter!("failback_failbacks_total").increment(1),
        },
        Observation::Diverted { .. } => ended(Transport::WebSocket, "diverted"),
        Observation::AttemptEnded { transport, end, .. } => ended(*transport, end.as_str()),
        Observation::DialEnded { end, .. } => {
            counter!("failback_dials_total", "outcome" => end.as_str()).increment(1);
        }
        Observation::TurnEnded { end, .. } => {
            counter!("failback_turns_total", "outcome" => end.as_str()).increment(1);
        }
        Observation::Changed(change) => mode(change.to),
        Observation::WarmUp { reason: Reason::Probe } => counter!("failback_probes_total").increment(1),
        Observation::WarmUp { .. } | Observation::Renewing { .. } | Observation::Waiting { .. } => {}
    }
}

fn ended(transport: Transport, outcome: &'static str) {
    counter!("failback_attempts_total", "transport" => transport.as_str(), "outcome" => outcome).increment(1);
}

pub(crate) fn mode(now: Mode) {
    for mode in MODES.map(Mode::as_str) {
        let value = if mode == now.as_str() { 1.0 } else { 0.0 };
        gauge!("failback_mode", "mode" => mode).set(value);
    }
}
