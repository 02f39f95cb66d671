//! The report as one JSON object.

use std::io::{self, Write};
use std::time::Duration;

use failback::{Mode, whole_millis};
use serde_json::{Value, json};

use super::course::Course;
use super::report::Report;
use super::text::policy;
use super::way::Way;

pub(super) fn write(out: &mut impl Write, report: &Report) -> io::Result<()> {
    let kinds: Vec<_> = report.verdict.kinds.iter().map(|kind| kind.anchor()).collect();
    let object = json!({
        "url": report.url,
        "websocket": way(&report.websocket),
        "sse": way(&report.sse),
        "verdict": {
            "text": report.verdict.text,
            "kinds": kinds,
            "exit_code": report.exit_code(),
        },
        "policy": course(report),
        "advice": report.advice,
        "took_ms": whole_millis(report.took),
    });
    writeln!(out, "{object}")
}

/// To the microsecond.
fn millis(time: Duration) -> f64 {
    (time.as_secs_f64() * 1e6).round() / 1e3
}

fn way(way: &Way) -> Value {
    let steps: Vec<_> = way
        .records
        .iter()
        .map(|record| {
            json!({
                "step": record.step,
                "state": record.state.as_str(),
                "ms": record.took.map(millis),
                "text": record.text,
            })
        })
        .collect();
    let certificate = way.seal.as_ref().map(|seal| {
        json!({
            "subject": seal.subject,
            "issuer": seal.issuer,
            "chain_end": seal.chain_end,
            "trusted_by": seal.vouched(),
            "is_stamped": seal.is_stamped,
            "is_private": seal.is_private(),
        })
    });
    json!({
        "url": way.url,
        "proxy": way.proxy,
        "proxy_reason": way.proxy_reason,
        "works": report_works(way),
        "kind": way.finding.kind.anchor(),
        "status": way.finding.status,
        "text": way.finding.text,
        "server": way.answered.server,
        "via": way.answered.via,
        "certificate": certificate,
        "is_live": way.is_live,
        "idle_ms": way.idle.map(whole_millis),
        "steps": steps,
    })
}

/// A 401 to an upgrade does not show whether it would open.
fn report_works(way: &Way) -> Option<bool> {
    let is_unknown =
        way.finding.kind == super::kind::Kind::Credentials && way.transport == failback::Transport::WebSocket;
    if is_unknown { None } else { way.works() }
}

fn course(report: &Report) -> Value {
    let text = policy(report);
    let Some(Course { first, mode, retry_in, pinned }) = &report.course else {
        return json!({ "text": text, "first_turn": null, "mode": null, "retry_in_ms": null, "pinned": null });
    };
    let pinned = pinned.map(|(tries, after)| json!({ "tries": tries, "after_ms": whole_millis(after) }));
    json!({
        "text": text,
        "first_turn": {
            "transport": first.end.ok().map(failback::Transport::as_str),
            "give_up": first.end.err().map(failback::GiveUp::as_str),
            "waits_ms": whole_millis(first.waits),
            "websocket_attempts": first.attempts,
        },
        "mode": Mode::as_str(*mode),
        "retry_in_ms": retry_in.map(whole_millis),
        "pinned": pinned,
    })
}
