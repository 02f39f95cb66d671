//! What is printed of one step.

use failback_vector::StepReport;
use serde_json::Value;

use crate::output::paint::without_controls;

pub(super) fn seconds(ms: u64) -> String {
    format!("{}.{:03}", ms / 1000, ms % 1000)
}

pub(super) fn action(report: &StepReport) -> String {
    match &report.call {
        Some(call) => without_controls(&format!("{} {call}", report.action)).into_owned(),
        None => report.action.clone(),
    }
}

/// `   12.000 s  call c0               -> websocket (healthy)             preferred, 3 recoveries left`
pub(super) fn describe(report: &StepReport) -> String {
    let got = |key: &str| report.got.get(key).filter(|value| !value.is_null());
    let word = |key: &str| got(key).and_then(Value::as_str);
    let at = |key: &str| got(key).and_then(Value::as_u64).map(seconds);

    let decision = match (word("start"), word("reason"), word("verdict"), word("give_up")) {
        (Some(transport), Some(reason), ..) => format!("-> {transport} ({reason})"),
        (.., Some(_), Some(give_up)) => format!("-> give up ({give_up})"),
        (.., Some("retry"), None) => format!("-> retry at {} s", at("retry_at_ms").unwrap_or_default()),
        (.., Some(verdict), None) => format!("-> {verdict}"),
        _ if got("learned") == Some(&Value::Bool(true)) => "-> learned".to_owned(),
        _ if got("learned").is_some() => "-> nothing new".to_owned(),
        _ => match (at("wait_until_ms"), at("retry_at_ms")) {
            (Some(until), _) => format!("-> wait until {until} s"),
            (None, Some(at)) => format!("-> moves at {at} s"),
            (None, None) => String::new(),
        },
    };
    let mode = word("mode").unwrap_or_default();
    let retry_in = match got("retry_in_ms").and_then(Value::as_u64) {
        Some(0) => ", may probe now".to_owned(),
        Some(wait) => format!(", may probe in {} s", seconds(wait)),
        None => String::new(),
    };
    let left = got("recoveries_left").and_then(Value::as_u64).unwrap_or_default();
    let recoveries = if left == 1 { "recovery" } else { "recoveries" };
    let (at, action) = (seconds(report.at_ms), action(report));
    format!("{at:>9} s  {action:<20} {decision:<32} {mode}{retry_in}, {left} {recoveries} left")
}
