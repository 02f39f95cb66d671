//! What was seen, for docs/WILD.md.

use std::fs::OpenOptions;
use std::io::Write;

use failback::Transport;
use failback_tests::{Adapter, Outcome};

use crate::program::Program;

/// Appends a row to the file that `FAILBACK_WILD_TABLE` names, if it names one. `handshakes` is how many
/// WebSocket handshakes were seen in the whole case. A turn that says nothing of its transport had WebSocket.
pub(crate) fn note(
    program: &Program,
    case: &str,
    adapter: &dyn Adapter,
    outcome: &Outcome,
    handshakes: usize,
) {
    let told = outcome.moves().last().copied().unwrap_or(Transport::WebSocket);
    note_over(told, program, case, adapter, outcome, handshakes);
}

/// The same of a turn that began on this transport, or moved to it.
pub(crate) fn note_over(
    transport: Transport,
    program: &Program,
    case: &str,
    adapter: &dyn Adapter,
    outcome: &Outcome,
    handshakes: usize,
) {
    let Some(path) = std::env::var_os("FAILBACK_WILD_TABLE") else { return };
    let first = match outcome.first_event_after() {
        Some(time) if time.as_millis() < 100 => "at once".to_owned(),
        Some(time) => format!("{:.1} s", time.as_secs_f64()),
        None => "-".to_owned(),
    };
    let row = format!(
        "| {} | {case} | {} | {} | {first} | {handshakes} |\n",
        program.version(),
        adapter.name(),
        came_to(outcome, transport)
    );
    let mut file = OpenOptions::new().create(true).append(true).open(path).expect("the table");
    file.write_all(row.as_bytes()).expect("the table");
}

fn came_to(outcome: &Outcome, transport: Transport) -> String {
    match &outcome.error {
        Some(error) => {
            let last = error.attempts().last().map(|attempt| attempt.text()).unwrap_or_default();
            // Ports and addresses are others each time.
            let said = last.split("127.0.0.1").next().unwrap_or_default().trim_end_matches([':', ' ']);
            // So is what was received.
            let said = said.split("; received").next().unwrap_or_default();
            format!("failed ({}): {said}", error.give_up()).replace('|', "\\|")
        }
        None if transport == Transport::Sse => "completed over SSE".to_owned(),
        None => "completed over WebSocket".to_owned(),
    }
}
