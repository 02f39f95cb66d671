//! `failback doctor URL`: what this network does to both transports, step by step.
//!
//! The connections are those of a real client: `failback_blocking::inspect` opens them with the code that
//! turns use, and tells how far each has come (`walk`). So what is found here is what a client meets.
//!
//! 1. `plan` reads the command line, and divides the time.
//! 2. `websocket` and `sse` go as far as they can, one after the other. Each step is a `record`, which
//!    `screen` shows as soon as it is over.
//! 3. `judge` says of what kind the end of a way is (`kind`); `verdict` makes one sentence of both.
//! 4. `course` puts what was found into the policy itself, in virtual time, and tells what it does.
//!
//! Nothing that costs money is sent, unless `--turn` asks for it: over SSE an empty object, which the server
//! has to refuse, and over WebSocket a message of a type that there is not. What cannot be found out so is
//! said to be unknown.

mod advice;
mod certificate;
mod course;
mod der;
mod json;
mod judge;
mod kind;
mod plan;
mod record;
mod report;
mod screen;
mod sse;
mod stream;
mod text;
mod verdict;
mod walk;
mod way;
mod websocket;

use std::io::{self, Write};
use std::process::ExitCode;

use failback::Transport;
use failback_blocking::Client;
use failback_blocking::inspect::Inspector;

use crate::args::DoctorArgs;
use crate::error::Error;
use plan::Plan;
use report::Report;
use screen::Screen;
use walk::Walk;
use way::Way;

pub(crate) fn run(args: &DoctorArgs) -> Result<ExitCode, Error> {
    let plan = Plan::new(args)?;
    let screen = if args.json { Screen::silent() } else { Screen::text() };
    let report = examine(&plan, screen)?;
    let mut out = io::stdout().lock();
    let written = if args.json { json::write(&mut out, &report) } else { text::write(&mut out, &report) };
    written.and_then(|()| out.flush()).map_err(|error| Error::output(&error))?;
    Ok(ExitCode::from(report.exit_code()))
}

/// The report as JSON, and the exit code that goes with it.
pub(crate) fn report(args: &DoctorArgs) -> Result<(u8, String), Error> {
    let report = examine(&Plan::new(args)?, Screen::silent())?;
    let mut json = Vec::new();
    json::write(&mut json, &report).map_err(|error| Error::output(&error))?;
    Ok((report.exit_code(), String::from_utf8_lossy(&json).into_owned()))
}

fn examine(plan: &Plan, mut screen: Screen) -> Result<Report, Error> {
    let client = plan.client()?;
    screen.title(&plan.shown_url).map_err(|error| Error::output(&error))?;
    let websocket = go(Transport::WebSocket, plan, &client, &mut screen)?;
    let sse = go(Transport::Sse, plan, &client, &mut screen)?;
    screen.clear();
    Ok(Report::new(plan, websocket, sse))
}

/// Goes the way of this transport as far as it leads.
fn go(transport: Transport, plan: &Plan, client: &Client, screen: &mut Screen) -> Result<Way, Error> {
    let inspector = Inspector::new(client, plan.time_for(transport));
    let inspector = inspector.map_err(|error| Error::Failed(format!("could not wait: {error}")))?;
    let mut walk = Walk::begin(plan, &inspector, transport, screen);
    let finding = match transport {
        Transport::WebSocket => websocket::examine(plan, &inspector, &mut walk),
        Transport::Sse => sse::examine(plan, &inspector, &mut walk),
    };
    walk.finish(finding).map_err(|error| Error::output(&error))
}

/// The anchors of `docs/TROUBLESHOOTING.md`, one for each kind of finding.
pub(crate) fn anchors() -> impl Iterator<Item = &'static str> {
    kind::Kind::ALL.iter().map(|kind| kind.anchor())
}

#[cfg(test)]
mod tests;
