//! What happens to a policy, written down as it happens: a trace, as the README of `failback-vector` says.

use std::ops::ControlFlow;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use failback::record::{Answer, Asked, Name, Record, TRACE_VERSION};
use failback::{Attempt, Config, Policy, ProbeStyle, Snapshot, Timestamp, Transport};
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::lines::Lines;
use crate::trace;

/// How a policy is made that is recorded from its beginning.
#[derive(Clone, Copy)]
pub(crate) struct Beginning {
    pub(crate) config: Config,
    pub(crate) seed: u64,
    pub(crate) restored: Option<(Snapshot, Duration)>,
    pub(crate) at: Timestamp,
}

impl Beginning {
    /// The same, with settings and snapshot as they are written: in whole milliseconds. A policy that is made
    /// of anything else could not be made again.
    pub(crate) fn as_written(self) -> Self {
        let Self { config, restored, .. } = self;
        let config = as_written(config).with_probe(config.probe());
        Self { config, restored: restored.map(|(snapshot, elapsed)| (as_written(snapshot), elapsed)), ..self }
    }

    fn header(&self) -> Header {
        let Self { config, seed, restored, at } = *self;
        let began = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
        Header {
            version: TRACE_VERSION,
            name: "A trace",
            source: concat!("recorded by failback ", env!("CARGO_PKG_VERSION")),
            began_unix_ms: u64::try_from(began.as_millis()).unwrap_or(u64::MAX),
            at_ns: at.as_nanos(),
            config,
            probe: (config.probe() == ProbeStyle::Background).then_some("background"),
            seed,
            snapshot: restored.map(|(snapshot, _)| snapshot),
            elapsed_ns: restored.map(|(_, elapsed)| u64::try_from(elapsed.as_nanos()).unwrap_or(u64::MAX)),
        }
    }
}

/// What is read of what is written.
fn as_written<T: Copy + Serialize + DeserializeOwned>(value: T) -> T {
    let written = serde_json::to_string(&value);
    written.and_then(|text| serde_json::from_str(&text)).unwrap_or(value)
}

#[derive(Serialize)]
struct Header {
    version: u32,
    name: &'static str,
    source: &'static str,
    began_unix_ms: u64,
    at_ns: u64,
    config: Config,
    #[serde(skip_serializing_if = "Option::is_none")]
    probe: Option<&'static str>,
    seed: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    snapshot: Option<Snapshot>,
    #[serde(skip_serializing_if = "Option::is_none")]
    elapsed_ns: Option<u64>,
}

/// How many attempts at a time are known to have had an event. The numbers of calls follow each other, so as
/// many calls at once are all told apart.
const KNOWN: usize = 256;

/// Notes a line for each step, and leaves out those without which the others come to the same.
pub(crate) struct Recorder {
    lines: Arc<Lines>,
    /// Its memory is used for each line.
    line: Vec<u8>,
    /// How the policy stood after the last step that was told.
    stood: Standing,
    /// Attempts of which an event is written: the number of the call, which is also the place, and that of
    /// the attempt.
    known: Box<[(u32, u32); KNOWN]>,
    /// A dial has begun, so it matters whether SSE makes progress after it (R17).
    is_dialling: bool,
    /// The step of the probe's latest event, not written yet, and its time. Each renews the lease (R8), and
    /// the next one makes up for it.
    held: Option<(Vec<u8>, Timestamp)>,
    /// When the latest event of a probe was that is written.
    renewed: Timestamp,
}

/// All of a policy that time alone can change, and progress.
#[derive(PartialEq)]
struct Standing {
    transitions: u32,
    wake_at: Option<Timestamp>,
}

impl Standing {
    fn of(policy: &Policy) -> Self {
        Self { transitions: policy.transitions(), wake_at: policy.poll_timeout() }
    }
}

impl Recorder {
    /// Begins a trace. What goes wrong with it is told when this is dropped.
    pub(crate) fn new(lines: Arc<Lines>, beginning: &Beginning) -> Self {
        let mut line = Vec::new();
        lines.note(put(&beginning.header(), &mut line));
        lines.write();
        Self {
            lines,
            line,
            stood: Standing { transitions: 0, wake_at: None },
            known: Box::new([(0, 0); KNOWN]),
            is_dialling: false,
            held: None,
            renewed: Timestamp::ZERO,
        }
    }

    pub(crate) fn record(&mut self, record: &Record<'_>) -> ControlFlow<()> {
        let now = Standing::of(record.answered.policy);
        let before = std::mem::replace(&mut self.stood, now);
        let changed = self.stood != before;
        match record.asked {
            Asked::Timeout | Asked::HoldProbe(_) if !changed => {}
            Asked::Progress(attempt) if self.stood.transitions == before.transitions => {
                self.progress(record, attempt, changed);
            }
            _ => self.write(record),
        }
        if self.lines.has_failed() { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    }

    /// An event that has led to no other mode.
    fn progress(&mut self, record: &Record<'_>, attempt: &Attempt, changed: bool) {
        let is_first = self.is_first(record.name, attempt.number());
        match attempt.transport() {
            Transport::Sse if is_first || changed || self.is_dialling => {
                self.is_dialling = false;
                self.write(record);
            }
            Transport::WebSocket if is_first => {
                self.renewed = record.answered.at;
                self.write(record);
            }
            Transport::WebSocket if changed => self.hold(record),
            _ => {}
        }
    }

    /// Whether no event of this attempt is written. From now on one is.
    fn is_first(&mut self, name: Option<Name>, attempt: u32) -> bool {
        let Some(Name::Call(call) | Name::Dial(call)) = name else { return true };
        let place = usize::try_from(call).unwrap_or_default() % KNOWN;
        let known = self.known.get_mut(place);
        known.is_none_or(|known| std::mem::replace(known, (call, attempt)) != (call, attempt))
    }

    /// Holds a step back that renews the lease of the probe, instead of the one before. That is written if
    /// the lease might be over without it.
    fn hold(&mut self, record: &Record<'_>) {
        let at = record.answered.at;
        let lease = record.answered.policy.config().probe_lease();
        if at >= self.renewed.saturating_add(lease / 2) {
            self.write_held();
        }
        let mut line = self.held.take().map(|(line, _)| line).unwrap_or_default();
        if put(record, &mut line).is_ok() {
            self.held = Some((line, at));
        }
    }

    fn write_held(&mut self) {
        if let Some((line, at)) = self.held.take() {
            self.renewed = at;
            self.lines.note(Ok(&line));
        }
    }

    fn write(&mut self, record: &Record<'_>) {
        self.write_held();
        self.is_dialling |= matches!(record.answered.answer, Answer::Dial(true) | Answer::Diverted(_));
        self.lines.note(put(record, &mut self.line));
    }
}

impl Drop for Recorder {
    fn drop(&mut self) {
        self.write_held();
        if let Some(problem) = self.lines.finish() {
            trace::recording_stopped(&problem);
        }
    }
}

/// A line, in this memory.
fn put<'a>(value: &impl Serialize, line: &'a mut Vec<u8>) -> Result<&'a [u8], String> {
    line.clear();
    serde_json::to_writer(&mut *line, value).map_err(|error| error.to_string())?;
    line.push(b'\n');
    Ok(line)
}
