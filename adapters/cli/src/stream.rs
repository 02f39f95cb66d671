//! `failback stream`: turns through a real client.

use std::io::{self, Write};
use std::ops::ControlFlow;
use std::process::ExitCode;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use failback_async::{AttemptEnd, Error as TurnError, ErrorKind, Item, Observation, StateFileError};
use failback_wire::{ServerError, Terminal};

use crate::adapter::{self, Turns};
use crate::args::StreamArgs;
use crate::error::Error;
use crate::output::json::JsonLines;
use crate::output::text::Text;
use crate::output::{End, Outcome, Report, Summary};
use crate::setup::Setup;
use crate::trace_file::TraceFile;

/// A shorter wait is over before anybody wonders.
const WORTH_TELLING: Duration = Duration::from_secs(1);

pub(crate) fn run(args: &StreamArgs) -> Result<ExitCode, Error> {
    let report: Box<dyn Report> = if args.json { Box::new(JsonLines::new()) } else { Box::new(Text::new()) };
    let turns = Arc::new(Mutex::new(Books::new(report)));
    let heard = Arc::clone(&turns);
    let observer = move |observation: &Observation| match observation {
        Observation::Attempt { transport, reason, number, .. } => {
            lock(&heard).attempt(transport.as_str(), reason.as_str(), (*number).into());
        }
        Observation::AttemptEnded { end: AttemptEnd::Failed { .. }, .. } => {
            lock(&heard).trouble = observation.to_string();
        }
        Observation::Waiting { wait, .. } if *wait >= WORTH_TELLING => {
            lock(&heard).wait(&observation.to_string());
        }
        _ => {}
    };
    let mut setup = Setup::new(args)?;
    let trace = args.record.as_deref().map(TraceFile::create).transpose()?;
    setup.trace = trace.as_ref().map(TraceFile::writer);
    let mut client = adapter::open(args.adapter, setup, observer)?;
    let found = client.state_file_problem();
    say(found.as_ref());
    let done = stream(args, client.as_mut(), &turns);
    let left = client.state_file_problem();
    say(left.as_ref().filter(|_| left != found));
    client.close();
    if let Some(problem) = trace.and_then(|trace| trace.problem()) {
        let _ = writeln!(io::stderr(), "failback: {problem}");
    }
    done
}

/// What is wrong with the state file is no reason not to stream.
fn say(problem: Option<&StateFileError>) {
    if let Some(problem) = problem {
        // Whoever has closed stderr does not want to know.
        let _ = writeln!(io::stderr(), "failback: {problem}");
    }
}

fn stream(args: &StreamArgs, client: &mut dyn Turns, books: &Mutex<Books>) -> Result<ExitCode, Error> {
    if args.warm_up {
        client.warm_up();
    }
    let mut completed = 0;
    let mut failed = false;
    for turn in 1..=args.turns {
        if turn > 1 && args.pause_ms > 0 {
            client.pause(Duration::from_millis(args.pause_ms));
        }
        lock(books).begin(turn);
        client.turn(&mut |item| lock(books).handle(item));
        match lock(books).end()? {
            Outcome::Completed => completed += 1,
            Outcome::Ended => {}
            Outcome::Failed => failed = true,
        }
    }
    let (mode, recoveries_left) = client.policy();
    let summary = Summary { turns: args.turns, completed, mode: mode.as_str(), recoveries_left };
    lock(books).summary(&summary)?;
    Ok(if failed { ExitCode::FAILURE } else { ExitCode::SUCCESS })
}

fn lock(books: &Mutex<Books>) -> MutexGuard<'_, Books> {
    books.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The server's reason for ending a response.
fn reason(error: &ServerError) -> String {
    if !error.message.is_empty() {
        return error.message.clone();
    }
    error.code.as_ref().or(error.kind.as_ref()).cloned().unwrap_or_else(|| "no reason given".to_owned())
}

/// What is known of the turn under way, and where it is reported.
struct Books {
    report: Box<dyn Report>,
    turn: u64,
    transport: Option<String>,
    /// Of the attempt that survives.
    text: String,
    outcome: Option<Outcome>,
    error: Option<String>,
    failed: Option<TurnError>,
    /// What went wrong with the attempt that failed last.
    trouble: String,
    /// The first thing that went wrong with the output. Nothing is written after it.
    broken: Option<Error>,
}

impl Books {
    fn new(report: Box<dyn Report>) -> Self {
        Self {
            report,
            turn: 0,
            transport: None,
            text: String::new(),
            outcome: None,
            error: None,
            failed: None,
            trouble: String::new(),
            broken: None,
        }
    }

    fn begin(&mut self, turn: u64) {
        self.turn = turn;
        self.transport = None;
        self.text.clear();
        self.outcome = None;
        self.error = None;
        self.failed = None;
        self.trouble.clear();
    }

    fn write(&mut self, write: impl FnOnce(&mut dyn Report, u64) -> std::io::Result<()>) -> ControlFlow<()> {
        if self.broken.is_none() {
            self.broken = write(self.report.as_mut(), self.turn).err().map(|error| Error::output(&error));
        }
        if self.broken.is_some() { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    }

    fn attempt(&mut self, transport: &str, reason: &str, number: u64) {
        self.transport = Some(transport.to_owned());
        // That the output is broken is heard of with the next item.
        let _ = self.write(|report, turn| report.attempt(turn, transport, reason, number));
    }

    fn wait(&mut self, waiting: &str) {
        let trouble = std::mem::take(&mut self.trouble);
        let _ = self.write(|report, _| report.wait(&trouble, waiting));
    }

    fn handle(&mut self, item: Result<Item, TurnError>) -> ControlFlow<()> {
        match item {
            Ok(Item::Event(event)) => {
                if let Some(delta) = event.text_delta() {
                    self.text.push_str(&delta);
                }
                match event.terminal() {
                    Some(Terminal::Completed) => self.outcome = Some(Outcome::Completed),
                    Some(Terminal::Ended) => {
                        self.outcome = Some(Outcome::Ended);
                        self.error = event.error().map(reason);
                    }
                    _ => {}
                }
                let transport = self.transport.clone();
                self.write(|report, turn| report.event(turn, transport.as_deref(), &event))
            }
            Ok(Item::Restarted { discard }) => {
                self.text.clear();
                self.write(|report, turn| report.restarted(turn, discard))
            }
            Ok(Item::Notice(notice)) => self.write(|report, turn| report.notice(turn, &notice)),
            Err(error) => {
                self.outcome = Some(Outcome::Failed);
                self.error = Some(error.to_string());
                self.failed = Some(error);
                ControlFlow::Continue(())
            }
        }
    }

    fn end(&mut self) -> Result<Outcome, Error> {
        if let Some(error) = self.broken.take() {
            return Err(error);
        }
        let outcome = self.outcome.unwrap_or_else(|| {
            self.error = Some("the stream ended without a result".to_owned());
            Outcome::Failed
        });
        let end = End {
            result: outcome.as_str(),
            transport: self.transport.as_deref(),
            text: &self.text,
            error: self.error.as_deref(),
            give_up: self.failed.as_ref().and_then(|error| match error.kind() {
                ErrorKind::GaveUp(give_up) => Some(give_up.as_str()),
                _ => None,
            }),
            failed: self.failed.as_ref(),
        };
        self.report.end(self.turn, &end).map_err(|error| Error::output(&error))?;
        Ok(outcome)
    }

    fn summary(&mut self, summary: &Summary) -> Result<(), Error> {
        self.report.summary(self.turn, summary).map_err(|error| Error::output(&error))
    }
}
