//! Traces: what a client has recorded. The first line says how its policy was made, and each other line is a
//! step.

use std::time::Duration;

use failback::record::TRACE_VERSION;
use failback::{Config, ProbeStyle, Snapshot, Timestamp};
use serde::Deserialize;
use serde_json::Value;

use super::step::{Step, parse_step};
use super::vector::{ParseError, Place, Trace, Vector};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Header {
    #[serde(rename = "version")]
    _version: u32,
    name: String,
    source: String,
    /// For people.
    #[serde(default, rename = "began_unix_ms")]
    _began_unix_ms: u64,
    at_ns: u64,
    config: Config,
    #[serde(default)]
    probe: Probe,
    seed: u64,
    snapshot: Option<Snapshot>,
    #[serde(default)]
    elapsed_ns: u64,
}

#[derive(Clone, Copy, Default, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Probe {
    #[default]
    InBand,
    Background,
}

/// Whether this is to be a trace: the first line names a version. Of one that is damaged, the beginning as it
/// is written counts.
pub(super) fn is_trace(text: &str) -> bool {
    let first = text.trim_start().lines().next().unwrap_or_default();
    match serde_json::from_str::<Value>(first) {
        Ok(value) => value.get("version").is_some() && value.get("steps").is_none(),
        Err(_) => first.starts_with("{\"version\""),
    }
}

pub(super) fn parse(text: &str) -> Result<Vector, ParseError> {
    let is_whole = text.ends_with('\n');
    let mut lines = text.lines().zip(1..).filter(|(line, _)| !line.trim().is_empty()).peekable();
    let Some((first, number)) = lines.next() else {
        return Err(ParseError::new(Place::Whole, "not a trace: the file is empty"));
    };
    let is_all = !is_whole && lines.peek().is_none();
    let header = parse_header(first, is_all).map_err(|e| ParseError::new(Place::Line(number), e))?;

    let mut cut_off = None;
    let mut steps = Vec::new();
    while let Some((line, number)) = lines.next() {
        let is_last = !is_whole && lines.peek().is_none();
        match parse_line(line) {
            Ok(step) => steps.push(step),
            Err(LineError::Ends) if is_last => cut_off = Some(number),
            Err(LineError::Ends) => {
                let problem = "the line ends in the middle of a step";
                return Err(ParseError::new(Place::Line(number), problem));
            }
            Err(LineError::Wrong(problem)) => return Err(ParseError::new(Place::Line(number), problem)),
        }
    }
    let probe = match header.probe {
        Probe::InBand => ProbeStyle::InBand,
        Probe::Background => ProbeStyle::Background,
    };
    let elapsed = Duration::from_nanos(header.elapsed_ns);
    Ok(Vector {
        name: header.name,
        source: header.source,
        config: header.config.with_probe(probe),
        seed: header.seed,
        trace: Some(Trace {
            at: Timestamp::from_nanos(header.at_ns),
            snapshot: header.snapshot.map(|snapshot| (snapshot, elapsed)),
            cut_off,
        }),
        steps,
    })
}

fn parse_header(line: &str, is_all: bool) -> Result<Header, String> {
    let header: Value = serde_json::from_str(line).map_err(|error| {
        if is_all && error.is_eof() {
            "the trace is cut off in the middle of its first line, so nothing of it can be read".to_owned()
        } else {
            format!("not the first line of a trace: {error}")
        }
    })?;
    // Before anything else, which may be different in another version.
    match header.get("version").and_then(Value::as_u64) {
        Some(version) if version == u64::from(TRACE_VERSION) => {}
        Some(version) => {
            return Err(format!(
                "this trace is of version {version}, and this program reads version {TRACE_VERSION}: replay \
                 it with the failback that recorded it"
            ));
        }
        None => {
            let version = header.get("version").unwrap_or(&Value::Null);
            return Err(format!("version: {version} is not a whole number"));
        }
    }
    serde_json::from_value(header).map_err(|error| format!("not the first line of a trace: {error}"))
}

enum LineError {
    /// In the middle of something.
    Ends,
    Wrong(String),
}

fn parse_line(line: &str) -> Result<Step, LineError> {
    let step = serde_json::from_str(line).map_err(|error| match error.is_eof() {
        true => LineError::Ends,
        false => LineError::Wrong(format!("not a step: {error}")),
    })?;
    parse_step(step).map_err(LineError::Wrong)
}
