//! The way of WebSocket: the upgrade, a ping, some quiet, another ping, and a frame there and back.

use std::time::Duration;

use failback_blocking::inspect::{Halt, Inspector, Socket};
use failback_wire::{Event, Request};

use super::judge::Finding;
use super::kind::Kind;
use super::plan::Plan;
use super::record::State;
use super::screen::duration;
use super::stream::Arrivals;
use super::walk::Walk;
use super::way::Answered;

/// A message of a type that there is not. A server answers with an error, and charges nothing.
const HELLO: &str = r#"{"type":"failback.doctor"}"#;

/// How long to wait for an answer to that.
const ANSWER: Duration = Duration::from_secs(3);

pub(super) fn examine(plan: &Plan, inspector: &Inspector, walk: &mut Walk<'_>) -> Finding {
    let opened = inspector.websocket(&|milestone| walk.hear(milestone));
    let mut socket = match opened {
        Ok(socket) => socket,
        Err(Halt::Lost(lost)) => return walk.lose(&lost),
        Err(Halt::Stopped) => return walk.stop(),
    };
    walk.open();
    walk.answered = Answered::by(socket.headers().as_map(), inspector.headers());
    let who = walk.answered.told();
    let who = if who.is_empty() { String::new() } else { format!(" ({who})") };
    walk.end(State::Ok, format!("101 Switching Protocols{who}"));
    match try_out(plan, &mut socket, walk) {
        Ok(finding) => finding,
        Err(Halt::Lost(lost)) => walk.lose(&lost),
        // It has opened, which is more than nothing.
        Err(Halt::Stopped) => walk.stop(),
    }
}

/// What an open WebSocket is good for. Fails where it is good for nothing.
fn try_out(plan: &Plan, socket: &mut Socket<'_>, walk: &mut Walk<'_>) -> Result<Finding, Halt> {
    walk.set_out("ping");
    socket.ping()?;
    walk.end(State::Ok, "its pong came back");

    walk.set_out("idle");
    let quiet = socket.idle(plan.idle).and_then(|()| socket.ping());
    let quiet_for = duration(plan.idle);
    match quiet {
        Ok(_) => {
            walk.idle = Some(plan.idle);
            walk.end(State::Ok, format!("still open after {quiet_for} of silence (longer: --idle)"));
        }
        Err(Halt::Lost(lost)) => {
            let mut finding = walk.lose(&lost);
            // A turn that it carries is pinged, so it is not this that the policy meets.
            finding.failure = None;
            return Ok(Finding { kind: Kind::WebSocketIdleCut, ..finding });
        }
        Err(Halt::Stopped) => return Err(Halt::Stopped),
    }
    match &plan.turn {
        Some(request) => turn(request, socket, walk)?,
        None => frame(plan, socket, walk)?,
    }
    Ok(Finding::new(Kind::WebSocketWorks, "WebSocket works"))
}

/// A text there and back.
fn frame(plan: &Plan, socket: &mut Socket<'_>, walk: &Walk<'_>) -> Result<(), Halt> {
    walk.set_out("frame");
    let found = socket.exchange(HELLO, ANSWER.min(plan.time() / 10));
    match found {
        Ok(Some(text)) => {
            let said = Event::parse(text).ok().map(|event| event.kind().to_owned());
            let said = said.unwrap_or_else(|| "a text that is no event".to_owned());
            walk.end(State::Ok, format!("a text went there, and `{said}` came back"));
        }
        Ok(None) => walk.end(State::Unknown, "a text of an unknown type went there; nothing came back"),
        // The server may well hang up on such a text: it has read it.
        Err(Halt::Lost(lost)) => match lost.seen() {
            Some((failback_wire::Seen::Closed { code, .. }, _)) => {
                let code = code.map(|code| format!(" with code {code}")).unwrap_or_default();
                walk.end(
                    State::Ok,
                    format!("a text of an unknown type went there, and the server closed{code}"),
                );
            }
            _ => walk.end(State::Unknown, "a text of an unknown type went there, and the server hung up"),
        },
        Err(Halt::Stopped) => return Err(Halt::Stopped),
    }
    Ok(())
}

fn turn(request: &Request, socket: &mut Socket<'_>, walk: &mut Walk<'_>) -> Result<(), Halt> {
    walk.set_out("turn");
    let mut arrivals = Arrivals::begin();
    let read = socket.turn(request.websocket_frame(None), &mut |event| arrivals.handle(event));
    walk.reached = arrivals.reached();
    read?;
    let state = if arrivals.is_complete() { State::Ok } else { State::Unknown };
    walk.end(state, arrivals.told());
    Ok(())
}
