//! Words for people.

use std::time::Duration;

use failback::{Change, Mode, Reason, Transport};

use crate::output::paint::NO_BREAK;

pub(crate) const fn transport_name(transport: Transport) -> &'static str {
    match transport {
        Transport::WebSocket => "WebSocket",
        Transport::Sse => "SSE",
    }
}

/// Why an attempt goes where it goes.
pub(crate) fn why(reason: Reason) -> String {
    format!("{}: {}", reason.as_str().replace('_', " "), reason.explanation())
}

/// What the policy thinks of WebSocket now.
pub(crate) fn judgement(change: &Change) -> String {
    let left = match change.recoveries_left {
        0 => "no recovery left".to_owned(),
        1 => "1 recovery left".to_owned(),
        left => format!("{left} recoveries left"),
    };
    match change.to {
        Mode::Preferred => format!("WebSocket it is again; {left}"),
        Mode::Suspected => "whose fault was it? SSE will show".to_owned(),
        Mode::FailedOver { .. } => {
            let wait = change.retry_in.map(seconds).unwrap_or_default();
            format!("SSE works, so WebSocket is at fault: none for {wait}; {left}")
        }
        Mode::Probing { .. } => format!("the probe spends a recovery; {left}"),
        Mode::Pinned => format!("SSE from now on; {left}"),
    }
}

/// A time that was set: `0.4 s`, `60 s`. The space does not break.
pub(crate) fn seconds(duration: Duration) -> String {
    let text = format!("{:.2}", duration.as_secs_f64());
    let text = text.trim_end_matches('0').trim_end_matches('.');
    format!("{text}{NO_BREAK}s")
}

/// A time that was measured: `0.4 ms`, `404 ms`, `1.23 s`. The space does not break.
pub(crate) fn measured(duration: Duration) -> String {
    match duration.as_millis() {
        0..10 => format!("{:.1}{NO_BREAK}ms", duration.as_secs_f64() * 1000.0),
        ms @ 10..1000 => format!("{ms}{NO_BREAK}ms"),
        _ => format!("{:.2}{NO_BREAK}s", duration.as_secs_f64()),
    }
}

/// `1, 2, 5-7`.
pub(crate) fn list(numbers: &[usize]) -> String {
    let mut runs: Vec<(usize, usize)> = Vec::new();
    for &number in numbers {
        match runs.last_mut() {
            Some((_, last)) if *last + 1 == number => *last = number,
            _ => runs.push((number, number)),
        }
    }
    let runs = runs.iter().map(|&(first, last)| match last - first {
        0 => first.to_string(),
        1 => format!("{first}, {last}"),
        _ => format!("{first}-{last}"),
    });
    runs.collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_short() {
        assert_eq!(list(&[1, 2, 4, 6, 7, 8]), "1, 2, 4, 6-8");
        for (ms, set, took) in [
            (0, "0 s", "0.0 ms"),
            (404, "0.4 s", "404 ms"),
            (1500, "1.5 s", "1.50 s"),
            (60_000, "60 s", "60.00 s"),
        ] {
            let duration = Duration::from_millis(ms);
            assert_eq!(seconds(duration).replace(NO_BREAK, " "), set);
            assert_eq!(measured(duration).replace(NO_BREAK, " "), took);
        }
    }
}
