//! The way of SSE: a POST, and what is answered.

use failback_blocking::inspect::{Halt, Http, Inspector};

use super::judge::Finding;
use super::kind::Kind;
use super::plan::Plan;
use super::record::State;
use super::stream::Arrivals;
use super::walk::Walk;
use super::way::Answered;

/// It has neither model nor input, so the API has to refuse it.
const EMPTY: &str = "{}";

pub(super) fn examine(plan: &Plan, inspector: &Inspector, walk: &mut Walk<'_>) -> Finding {
    let opened = inspector.http(&|milestone| walk.hear(milestone));
    let mut http = match opened {
        Ok(http) => http,
        Err(Halt::Lost(lost)) => return walk.lose(&lost),
        Err(Halt::Stopped) => return walk.stop(),
    };
    walk.open();
    let finding = match ask(plan, inspector, &mut http, walk) {
        Ok(finding) => finding,
        Err(Halt::Lost(lost)) => walk.lose(&lost),
        Err(Halt::Stopped) => walk.stop(),
    };
    if walk.is_live.is_none() && plan.turn.is_none() && finding.kind.works() == Some(true) {
        walk.tell("live", State::Unknown, None, "live or buffered: only --turn can tell");
    }
    finding
}

fn ask(
    plan: &Plan,
    inspector: &Inspector,
    http: &mut Http<'_>,
    walk: &mut Walk<'_>,
) -> Result<Finding, Halt> {
    let body = plan.turn.as_ref().map_or_else(|| EMPTY.to_owned(), failback_wire::Request::sse_body);
    walk.set_out("post");
    let mut arrivals = Arrivals::begin();
    let headers = http.post(body)?;
    walk.answered = Answered::by(headers.as_map(), inspector.headers());
    let who = walk.answered.told();
    let kind = headers.get("content-type").unwrap_or("no content type").to_owned();
    let who = if who.is_empty() { who } else { format!("; {who}") };
    walk.end(State::Ok, format!("200 OK, {kind}{who}"));

    walk.set_out("turn");
    let read = http.read(&mut |event| arrivals.handle(event));
    walk.reached = arrivals.reached();
    read?;
    let state = if arrivals.is_complete() { State::Ok } else { State::Unknown };
    walk.end(state, arrivals.told());
    if plan.turn.is_some() {
        let (is_live, told) = arrivals.is_live();
        walk.is_live = is_live;
        let state = match is_live {
            Some(true) => State::Ok,
            Some(false) => State::Failed,
            None => State::Unknown,
        };
        walk.tell("live", state, None, told);
    }
    Ok(match walk.is_live {
        Some(false) => Finding::new(Kind::SseBuffered, "SSE is buffered"),
        _ => Finding::new(Kind::SseWorks, "SSE works"),
    })
}
