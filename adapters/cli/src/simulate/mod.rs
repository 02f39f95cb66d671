//! `failback simulate`: a fleet of clients on paper.
//!
//! The policy is the real one, in virtual time, one for each client. No client knows of another one, so each
//! is simulated from the start to the end by itself (`client`), and what happens to all is added up
//! (`tally`). `fleet` spreads them over the cores.
//!
//! # The model
//!
//! Turns of a client arrive as a Poisson process, whether or not an earlier one is still streaming. Each
//! streams for between half and one and a half of the average, evenly drawn. A handshake takes 50 ms and then
//! some, 50 ms on average, exponentially distributed; so does the way to an answer over SSE. The first event
//! comes 0.5 s after the request, and is output. A WebSocket stays open between turns, as in the real
//! clients, until it is 55 minutes old; at the start the fleet has been running, so most have one.
//!
//! When an outage begins, all connections of its transports break, those of idle sockets and of streams under
//! way. While it lasts, what connects is refused, after as long as it would have taken to succeed, or, with
//! `--black-hole`, not answered until the connect timeout. The same happens for good to handshakes of clients
//! behind a broken proxy. The server takes any number of handshakes at once. No network changes, and no
//! client is started anew.
//!
//! A turn waits from when it arrives until the attempt begins that carries it to its end: for handshakes that
//! fail, head starts, backoff, and streams that broke.

mod client;
mod fleet;
mod histogram;
mod json;
mod kind;
pub(crate) mod outage;
mod period;
mod plain;
mod plan;
mod queue;
mod random;
mod report;
pub(crate) mod span;
mod strategy;
mod svg;
mod tally;
mod text;
mod words;
mod world;

use std::io::{self, BufWriter, IsTerminal, Write};
use std::process::ExitCode;

use crate::args::SimulateArgs;
use crate::error::Error;
use crate::output::plot::Plot;
use period::{Period, periods};
use plan::Plan;
use report::Report;

pub(crate) fn run(args: &SimulateArgs) -> Result<ExitCode, Error> {
    let plan = Plan::new(args)?;
    let plot = Plot::create(args.svg.as_deref())?;
    let reports = simulate(&plan);
    if let Some(mut plot) = plot {
        plot.draw(&svg::draw(&plan, &reports))?;
    }
    let mut out = BufWriter::new(io::stdout().lock());
    let written = if args.json {
        json::write(&mut out, &plan, &reports)
    } else {
        text::write(&mut out, &plan, &reports)
    };
    written.and_then(|()| out.flush()).map_err(|error| Error::output(&error))?;
    Ok(ExitCode::SUCCESS)
}

fn simulate(plan: &Plan) -> Vec<Report> {
    let periods: Vec<Period> = periods(plan.world.length, &plan.world.schedule.spells());
    let mut progress = Progress::new();
    let reports = plan.kinds.iter().map(|&kind| {
        let tally = fleet::simulate(&plan.world, kind, &periods, plan.threads, &mut |done| {
            progress.tell(kind.title(), done, plan.world.clients);
        });
        Report::new(kind, tally, &periods)
    });
    let reports = reports.collect();
    progress.clear();
    reports
}

/// How far it is, on a terminal.
struct Progress {
    wanted: bool,
    told: bool,
}

impl Progress {
    fn new() -> Self {
        Self { wanted: io::stderr().is_terminal(), told: false }
    }

    fn tell(&mut self, what: &str, done: u64, all: u64) {
        if self.wanted {
            self.told = true;
            let percent = done.saturating_mul(100) / all.max(1);
            // To the beginning of the line, and clear it.
            let _ = write!(io::stderr(), "\r\x1b[Ksimulating {what}: {percent} %");
        }
    }

    fn clear(&mut self) {
        if self.told {
            let _ = write!(io::stderr(), "\r\x1b[K");
        }
    }
}

#[cfg(test)]
mod tests;
