//! Numbers and times as people read them, and what was simulated, in a sentence or two.

use super::outage::Scope;
use super::period::BUCKET;
use super::plan::Plan;
use super::report::PeriodReport;
use super::span::Span;

/// `1234567` as `1,234,567`.
pub(super) fn count(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at) % 3 == 0 {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// `0.981` as `98.1 %`; only all is 100.0 %, and only nothing is 0.0 %.
pub(super) fn share(share: Option<f64>) -> String {
    let Some(share) = share else { return "-".to_owned() };
    let tenths = (share * 1000.0).round().clamp(0.0, 1000.0);
    let tenths = if share > 0.0 && share < 1.0 { tenths.clamp(1.0, 999.0) } else { tenths };
    format!("{:.1} %", tenths / 10.0)
}

pub(super) fn rate(rate: f64) -> String {
    match rate {
        0.0..9.995 => format!("{rate:.2}"),
        ..999.95 => format!("{rate:.1}"),
        _ => count(rate.round() as u64),
    }
}

pub(super) fn ratio(ratio: Option<f64>) -> String {
    ratio.map_or_else(|| "-".to_owned(), |ratio| format!("{ratio:.2}"))
}

pub(super) fn wait(millis: Option<u64>) -> String {
    match millis {
        None => "-".to_owned(),
        Some(0) => "0".to_owned(),
        Some(millis) if millis < 1000 => format!("{millis} ms"),
        Some(millis) => format!("{:.1} s", millis as f64 / 1000.0),
    }
}

/// What is simulated, one sentence a line.
pub(super) fn scene(plan: &Plan) -> Vec<String> {
    let world = &plan.world;
    let clients = if world.clients == 1 { "client" } else { "clients" };
    let mut lines = vec![format!(
        "{} {clients} for {}; {} turns an hour each, streaming for {} on average; seed {}",
        count(world.clients),
        Span::from_nanos(world.length),
        plan.turns_per_hour,
        Span::from_nanos(world.stream),
        world.seed,
    )];
    let fate = if world.black_hole { "never answered" } else { "refused" };
    for outage in world.schedule.outages() {
        let (what, them) = match outage.scope {
            Scope::WebSocket => ("of WebSocket", "handshakes are"),
            Scope::Sse => ("of SSE", "requests are"),
            Scope::Both => ("of both", "handshakes and requests are"),
        };
        lines.push(format!("outage {what} from {}, for {}: {them} {fate}", outage.begin, outage.lasts));
    }
    if world.broken_share > 0.0 {
        let share = share(Some(world.broken_share));
        lines.push(format!("{share} of the clients behind proxies where handshakes are {fate}, for good"));
    }
    lines
}

/// What the server sees after an outage; `None` if nothing came.
pub(super) fn aftermath(report: &PeriodReport) -> Option<String> {
    let ratio = report.handshakes.ratio()?;
    Some(format!(
        "after the outage that ends at {}: at most {} handshakes/s in any {}, {ratio:.2} times the mean of \
         the following {}",
        report.period.begin(),
        rate(report.handshakes.peak),
        Span::from_nanos(BUCKET),
        Span::from_nanos(report.period.end().nanos() - report.period.begin().nanos()),
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_grouped() {
        for (number, text) in [(0, "0"), (999, "999"), (1000, "1,000"), (1_234_567, "1,234,567")] {
            assert_eq!(count(number), text);
        }
        for (number, text) in
            [(0.0, "0.00"), (9.99, "9.99"), (9.999, "10.0"), (12.34, "12.3"), (1234.5, "1,235")]
        {
            assert_eq!(rate(number), text);
        }
    }

    #[test]
    fn only_all_is_all_and_only_nothing_is_nothing() {
        for (number, text) in
            [(1.0, "100.0 %"), (0.99999, "99.9 %"), (0.5, "50.0 %"), (0.00001, "0.1 %"), (0.0, "0.0 %")]
        {
            assert_eq!(share(Some(number)), text);
        }
        assert_eq!(share(None), "-");
    }

    #[test]
    fn waits_have_a_unit() {
        for (millis, text) in [(0, "0"), (999, "999 ms"), (1049, "1.0 s"), (61_000, "61.0 s")] {
            assert_eq!(wait(Some(millis)), text);
        }
    }
}
