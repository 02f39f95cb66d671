//! `failback replay`: vectors and traces through the policy.

mod words;

use std::fs;
use std::io::{self, BufWriter, StdoutLock, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use serde::Serialize;
use serde_json::{Map, Value};

use failback_vector::{Mismatch, StepReport, Vector};

use crate::args::ReplayArgs;
use crate::error::Error;
use crate::output::count;
use crate::output::paint::without_controls;
use crate::output::plot::Plot;
use crate::terminal;
use crate::timeline::Timeline;
use words::{action, describe, seconds};

pub(crate) fn run(args: &ReplayArgs) -> Result<ExitCode, Error> {
    if let Some(path) = &args.svg {
        check_plot(path, &args.files)
            .map_err(|problem| Error::usage(format_args!("--svg {}", path.display()), problem))?;
    }
    let plot = Plot::create(args.svg.as_deref())?;
    let out = BufWriter::new(io::stdout().lock());
    let mut replay = Replay { args, out, plot, drawn: Ok(()), totals: Totals::default() };
    match replay.run() {
        Ok(()) => replay.drawn.map(|()| replay.totals.exit_code(args.check)),
        Err(error) => match Error::output(&error) {
            // What was found until then counts.
            Error::Closed => Ok(replay.totals.exit_code(args.check)),
            error => Err(error),
        },
    }
}

/// There is one picture, and it takes the place of no trace.
fn check_plot(path: &Path, files: &[PathBuf]) -> Result<(), String> {
    let [file] = files else {
        return Err(format!("expected one FILE to draw, got {}", files.len()));
    };
    match (path.canonicalize(), file.canonicalize()) {
        (Ok(plot), Ok(read)) if plot == read => Err("this is the FILE that is to be drawn".to_owned()),
        _ => Ok(()),
    }
}

#[derive(Debug, Default)]
struct Totals {
    vectors: usize,
    steps: usize,
    differ: usize,
    /// Files that could not be read, or are no vectors.
    unreadable: usize,
    /// Vectors with a step that makes no sense, and traces that are cut off.
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
    plot: Option<Plot>,
    /// What became of it.
    drawn: Result<(), Error>,
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
        let mut vector = match read.and_then(|text| Vector::parse(&text).map_err(|error| error.to_string())) {
            Ok(vector) => vector,
            Err(problem) => {
                self.totals.unreadable += 1;
                return self.complain(&name, &problem);
            }
        };
        self.totals.vectors += 1;
        if let (true, Some(file)) = (vector.is_trace(), path.file_name()) {
            // All traces have one name.
            vector.name = file.to_string_lossy().into_owned();
        }
        let lists = !self.args.check && !self.args.json && !self.args.timeline;
        if lists || self.args.timeline {
            let what = if vector.is_trace() { "a trace" } else { vector.name.as_str() };
            let title = format!("{name}: {what} ({})", vector.source);
            writeln!(self.out, "{}", without_controls(&title))?;
        }
        let draws = self.args.timeline || self.plot.is_some();
        let mut timeline = draws.then(|| Timeline::new(&vector));
        let mut written = Ok(());
        let (mut steps, mut differ) = (0, 0);
        let ran = vector.run(|report| {
            steps += 1;
            differ += usize::from(!report.mismatches.is_empty());
            if let Some(timeline) = &mut timeline {
                timeline.step(&report);
            }
            if written.is_ok() {
                written = self.step(&name, &report);
            }
        });
        written?;
        self.totals.steps += steps;
        self.totals.differ += differ;
        if let Some(mut timeline) = timeline {
            timeline.finish();
            self.draw(&timeline, differ)?;
        }
        if let Err(error) = ran {
            self.totals.broken += 1;
            self.complain(&name, &error.to_string())?;
        } else if let Some(line) = vector.cut_off() {
            self.totals.broken += 1;
            let problem = format!(
                "line {line} is cut off: the trace ends in the middle of it, and the {} before it {} all \
                 there is",
                count(steps, "step"),
                if steps == 1 { "is" } else { "are" },
            );
            self.complain(&name, &problem)?;
        }
        if lists || self.args.timeline {
            writeln!(self.out)?;
        }
        Ok(())
    }

    fn draw(&mut self, timeline: &Timeline, differ: usize) -> io::Result<()> {
        if let Some(plot) = &mut self.plot {
            self.drawn = plot.draw(&timeline.svg());
        }
        if self.args.timeline {
            for line in timeline.lines(terminal::width()) {
                writeln!(self.out, "{line}")?;
            }
            // The picture is of what is decided now.
            if differ > 0 && !self.args.check {
                let steps = count(differ, "step");
                writeln!(self.out, "{steps} decided otherwise than the file says: --check tells how")?;
            }
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
            return if self.args.timeline { Ok(()) } else { writeln!(self.out, "{}", describe(report)) };
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
        let _ = writeln!(io::stderr(), "error: {file}: {}", without_controls(problem));
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
