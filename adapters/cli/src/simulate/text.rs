//! Tables for people.

use std::io::{self, Write};

use super::period::{BUCKET, Part};
use super::plan::Plan;
use super::report::{PeriodReport, Rate, Report, Turns};
use super::span::{STEPS, Span};
use super::words::{aftermath, count, rate, ratio, scene, share, wait};

/// At most so many rows over time.
const ROWS: usize = 36;
/// How long the bar of a whole is.
const BAR: usize = 50;
/// Writes all tables.
pub(super) fn write(out: &mut impl Write, plan: &Plan, reports: &[Report]) -> io::Result<()> {
    for line in scene(plan) {
        writeln!(out, "{line}")?;
    }
    for report in reports {
        writeln!(out, "\n{}: {}", report.kind.title(), report.kind.about())?;
        periods(out, report)?;
        ending(out, report)?;
    }
    over_time(out, reports)
}

fn periods(out: &mut impl Write, report: &Report) -> io::Result<()> {
    writeln!(out, "{:66}handshakes/s{:19}waiting", "", "")?;
    let row = |cells: [&str; 11]| {
        let [part, span, turns, websocket, sse, failed, mean, peak, times, median, tail] = cells;
        format!(
            "  {part:<7} {span:<13} {turns:>12} {websocket:>9} {sse:>8} {failed:>8} {mean:>6} {peak:>6} \
             {times:>9} {median:>8} {tail:>15}"
        )
    };
    let tail = |p99: &str, max: &str| format!("{p99:>7} {max:>7}");
    let head = ["period", "", "turns", "WebSocket", "SSE", "failed", "mean", "peak", "peak/mean", "median"];
    let [a, b, c, d, e, f, g, h, i, j] = head;
    writeln!(out, "{}", row([a, b, c, d, e, f, g, h, i, j, &tail("99 %", "max")]))?;
    for PeriodReport { period, turns, handshakes, waiting } in &report.periods {
        let of_all = |part: u64| share((turns.all() > 0).then(|| part as f64 / turns.all() as f64));
        let cells = row([
            period.part.as_str(),
            &format!("{}-{}", period.begin(), period.end()),
            &count(turns.all()),
            &of_all(turns.websocket),
            &of_all(turns.sse),
            &count(turns.failed),
            &rate(handshakes.mean),
            &rate(handshakes.peak),
            &ratio(handshakes.ratio()),
            &wait(waiting.median_ms),
            &tail(&wait(waiting.p99_ms), &wait(waiting.max_ms)),
        ]);
        writeln!(out, "{}", cells.trim_end())?;
    }
    Ok(())
}

fn ending(out: &mut impl Write, report: &Report) -> io::Result<()> {
    for period in report.periods.iter().filter(|period| period.period.part == Part::After) {
        if let Some(line) = aftermath(period) {
            writeln!(out, "  {line}")?;
        }
    }
    let (sound, broken) = (&report.sound, &report.broken);
    let of = |pinned, all| format!("{} of {}", count(pinned), count(all));
    writeln!(out, "  on SSE for good at the end: {} clients", of(sound.pinned, sound.clients))?;
    if broken.clients > 0 {
        let (pinned, handshakes) = (of(broken.pinned, broken.clients), count(broken.handshakes));
        writeln!(out, "  and {pinned} behind a broken proxy, after {handshakes} handshakes with it")?;
    }
    Ok(())
}

fn over_time(out: &mut impl Write, reports: &[Report]) -> io::Result<()> {
    let buckets = reports.iter().map(|report| report.buckets.len()).max().unwrap_or_default();
    let [.., longest] = STEPS;
    let step = STEPS.into_iter().find(|step| buckets.div_ceil(each(*step)) <= ROWS).unwrap_or(longest);
    writeln!(
        out,
        "\nover time, {} a row: turns on WebSocket by when they arrive, and handshakes/s (a peak is of {})",
        Span::from_nanos(step),
        Span::from_nanos(BUCKET)
    )?;
    let single = reports.len() == 1;
    write!(out, "  {:<9}", "from")?;
    for report in reports {
        if single {
            write!(out, "{:>10} {:>7} {:>7}", "WebSocket", "mean", "peak")?;
        } else {
            write!(out, "{:>15} {:>7}", report.kind.title(), "peak")?;
        }
    }
    writeln!(out)?;
    for number in 0..buckets.div_ceil(each(step)) {
        let mut line = format!("  {:<9}", Span::from_nanos(number as u64 * step).to_string());
        for report in reports {
            let row = report.rows(each(step)).nth(number).unwrap_or_default();
            let (on_websocket, handshakes) = (Turns::of(row).on_websocket(), Rate::of(row));
            let (websocket, peak) = (share(on_websocket), rate(handshakes.peak));
            if single {
                let full = (on_websocket.unwrap_or_default() * BAR as f64).round() as usize;
                let (mean, bar) = (rate(handshakes.mean), "#".repeat(full));
                line.push_str(&format!("{websocket:>10} {mean:>7} {peak:>7}  {bar}"));
            } else {
                line.push_str(&format!("{websocket:>15} {peak:>7}"));
            }
        }
        writeln!(out, "{}", line.trim_end())?;
    }
    Ok(())
}

/// How many buckets a row has.
fn each(step: u64) -> usize {
    (step / BUCKET) as usize
}
