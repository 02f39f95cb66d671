//! The table, and the ratios that matter.

use failback_peer::Transport;

use crate::Row;
use crate::measure::{Reader, Round};

pub(crate) const BARE: &str = "bare loop";
pub(crate) const BARE_AND_SERDE: &str = "bare loop, type and delta by serde";
pub(crate) const REQWEST: &str = "reqwest, eventsource-stream, serde";

/// Prints every row, then how ours compare.
pub(crate) fn print(rows: &[Row]) {
    println!("\nFor each event: nanoseconds of processor time in the fastest round (in the median round),");
    println!("and thousand events a second in the fastest round. A bare loop only receives: the frames of");
    println!("a WebSocket, the bytes of an SSE answer.");
    for row in rows {
        println!("\n{}", row.name);
        for reader in &row.readers {
            let (cpu, wall) = (numbers(reader, |round| round.cpu), numbers(reader, |round| round.wall));
            let rate = 1e6 / fastest(&wall);
            println!(
                "  {:<36} {:>8.0} {:>10} {rate:>8.0}",
                reader.column,
                fastest(&cpu),
                format!("({:.0})", median(cpu))
            );
        }
    }
    let all = || rows.iter().flat_map(|row| &row.readers).flat_map(|reader| &reader.rounds);
    let late = all().filter(|round| !round.filled).count();
    if late > 0 {
        println!(
            "\n{late} responses of {} did not fit into the buffers: faster readers waited.",
            all().count()
        );
    }
    println!("\nProcessor time of ours as a multiple, fastest by fastest round (median of rounds):");
    for row in rows {
        let than = match row.transport {
            Transport::WebSocket => BARE_AND_SERDE,
            Transport::Sse => REQWEST,
        };
        let Some(other) = row.readers.iter().find(|reader| reader.column == than) else { continue };
        for reader in row.readers.iter().filter(|reader| reader.column.starts_with("ours")) {
            let (ours, theirs) = (numbers(reader, |round| round.cpu), numbers(other, |round| round.cpu));
            let rounds = ours.iter().zip(&theirs).map(|(ours, theirs)| ours / theirs).collect();
            let (best, usual) = (fastest(&ours) / fastest(&theirs), median(rounds));
            println!("  {:<28} {:<14} {best:>5.2} ({usual:.2}) of {than}", row.name, reader.column);
        }
    }
}

fn numbers(reader: &Reader, of: impl Fn(&Round) -> f64) -> Vec<f64> {
    reader.rounds.iter().map(of).collect()
}

fn fastest(numbers: &[f64]) -> f64 {
    numbers.iter().copied().fold(f64::INFINITY, f64::min)
}

fn median(mut numbers: Vec<f64>) -> f64 {
    numbers.sort_by(f64::total_cmp);
    numbers.get(numbers.len() / 2).copied().unwrap_or(f64::NAN)
}
