//! `failback replay`: vectors through the policy.

use std::fs;
use std::io::{self, BufWriter, StdoutLock, Write};
use std::path::Path;
use std::process::ExitCode;

use serde::Serialize;
use serde_json::{Map, Value};

use crate::args::ReplayArgs;
use crate::error::Error;
use failback_vector::{Mismatch, StepReport, Vector};

pub(crate) fn run(args: &ReplayArgs) -> Result<ExitCode, Error> {
    let mut replay = Replay { args, out: BufWriter::new(io::stdout().lock()), totals: Totals::default() };
    match replay.run() {
        Ok(()) => Ok(replay.totals.exit_code(args.check)),
        Err(error) => match Error::output(&error) {
            // What was found until then counts.
            Error::Closed => Ok(replay.totals.exit_code(args.check)),
            error => Err(error),
        },
    }
}

#[derive(Debug, Default)]
struct Totals {
    vectors: usize,
    steps: usize,
    differ: usize,
    /// Files that could not be read, or are no vectors.
    unreadable: usize,
    /// Vectors with a step that makes no sense.
    broken: usize,
}

impl Totals {
    fn exit_code(&self, check: bool) -> ExitCode {
        if self.unreadable > 0 {
            ExitCode::from(2)
        } else if self.broken > 0 || (check && self.differ > 0) {
            ExitCode::FAILURE
        } else {
            ExitCode::SUCCESS
        }
    }
}

#[derive(Serialize)]
struct StepLine<'a> {
    kind: &'static str,
    file: &'a str,
    step: usize,
    at_ms: u64,
    r#do: &'a str,
    call: Option<&'a str>,
    got: &'a Map<String, Value>,
    mismatches: Vec<MismatchLine<'a>>,
}

#[derive(Serialize)]
struct MismatchLine<'a> {
    key: &'a str,
    expected: &'a Value,
    got: &'a Value,
}

#[derive(Serialize)]
struct SummaryLine {
    kind: &'static str,
    vectors: usize,
    steps: usize,
    differ: usize,
    errors: usize,
}

struct Replay<'a> {
    args: &'a ReplayArgs,
    out: BufWriter<StdoutLock<'static>>,
    totals: Totals,
}

impl Replay<'_> {
    fn run(&mut self) -> io::Result<()> {
        for path in &self.args.files {
            self.file(path)?;
        }
        self.summary()?;
        self.out.flush()
    }

    fn file(&mut self, path: &Path) -> io::Result<()> {
        let name = path.display().to_string();
        let read = fs::read_to_string(path).map_err(|error| error.to_string());
        let vector = match read.and_then(|text| Vector::parse(&text).map_err(|error| error.to_string())) {
            Ok(vector) => vector,
            Err(problem) => {
                self.totals.unreadable += 1;
                return self.complain(&name, &problem);
            }
        };
        self.totals.vectors += 1;
        if !self.args.check && !self.args.json {
            writeln!(self.out, "{name}: {} ({})", vector.name, vector.source)?;
        }
        let mut written = Ok(());
        let ran = vector.run(|report| {
            self.totals.steps += 1;
            self.totals.differ += usize::from(!report.mismatches.is_empty());
            if written.is_ok() {
                written = self.step(&name, &report);
            }
        });
        written?;
        if let Err(error) = ran {
            self.totals.broken += 1;
            self.complain(&name, &error.to_string())?;
        }
        if !self.args.check && !self.args.json {
            writeln!(self.out)?;
        }
        Ok(())
    }

    fn step(&mut self, file: &str, report: &StepReport) -> io::Result<()> {
        if self.args.json {
            let mismatches = report.mismatches.iter();
            let line = StepLine {
                kind: "step",
                file,
                step: report.step,
                at_ms: report.at_ms,
                r#do: &report.action,
                call: report.call.as_deref(),
                got: &report.got,
                mismatches: mismatches
                    .map(|Mismatch { key, expected, got }| MismatchLine { key, expected, got })
                    .collect(),
            };
            serde_json::to_writer(&mut self.out, &line)?;
            return writeln!(self.out);
        }
        if !self.args.check {
            return writeln!(self.out, "{}", describe(report));
        }
        for Mismatch { key, expected, got } in &report.mismatches {
            let (step, at) = (report.step, seconds(report.at_ms));
            let what = action(report);
            writeln!(
                self.out,
                "{file}: step {step} ({what} at {at} s): {key}: expected {expected}, got {got}"
            )?;
        }
        Ok(())
    }

    fn complain(&mut self, file: &str, problem: &str) -> io::Result<()> {
        if self.args.json {
            #[derive(Serialize)]
            struct ErrorLine<'a> {
                kind: &'static str,
                file: &'a str,
                error: &'a str,
            }
            serde_json::to_writer(&mut self.out, &ErrorLine { kind: "error", file, error: problem })?;
            writeln!(self.out)?;
        }
        // Where both go to one terminal, in order.
        self.out.flush()?;
        let _ = writeln!(io::stderr(), "error: {file}: {problem}");
        Ok(())
    }

    fn summary(&mut self) -> io::Result<()> {
        let Totals { vectors, steps, differ, unreadable, broken } = self.totals;
        let errors = unreadable + broken;
        if self.args.json {
            let line = SummaryLine { kind: "summary", vectors, steps, differ, errors };
            serde_json::to_writer(&mut self.out, &line)?;
            return writeln!(self.out);
        }
        write!(self.out, "{}, {}", count(vectors, "vector"), count(steps, "step"))?;
        if self.args.check {
            match differ {
                0 if errors == 0 => write!(self.out, ": all as expected")?,
                _ => write!(self.out, ": {differ} differ")?,
            }
        }
        if errors > 0 {
            write!(self.out, ", {} could not be run", count(errors, "file"))?;
        }
        writeln!(self.out)
    }
}

fn count(number: usize, what: &str) -> String {
    format!("{number} {what}{}", if number == 1 { "" } else { "s" })
}

fn seconds(ms: u64) -> String {
    format!("{}.{:03}", ms / 1000, ms % 1000)
}

fn action(report: &StepReport) -> String {
    match &report.call {
        Some(call) => format!("{} {call}", report.action),
        None => report.action.clone(),
    }
}

/// `   12.000 s  call c0               -> websocket (healthy)             preferred, 3 recoveries left`
fn describe(report: &StepReport) -> String {
    let got = |key: &str| report.got.get(key).filter(|value| !value.is_null());
    let word = |key: &str| got(key).and_then(Value::as_str);
    let at = |key: &str| got(key).and_then(Value::as_u64).map(seconds);

    let decision = match (word("start"), word("reason"), word("verdict"), word("give_up")) {
        (Some(transport), Some(reason), ..) => format!("-> {transport} ({reason})"),
        (.., Some(_), Some(give_up)) => format!("-> give up ({give_up})"),
        (.., Some("retry"), None) => format!("-> retry at {} s", at("retry_at_ms").unwrap_or_default()),
        (.., Some(verdict), None) => format!("-> {verdict}"),
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
