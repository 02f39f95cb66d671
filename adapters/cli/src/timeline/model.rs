//! What is drawn: stretches of time, and points.

use std::collections::HashMap;

use failback_vector::{StepReport, Vector};
use serde_json::Value;

use super::kinds::{Doing, End, Event, Thought};
use crate::output::count;

/// For a while, `what`. Times are in nanoseconds.
#[derive(Clone, Debug)]
pub(super) struct Stretch<T> {
    pub(super) from: u64,
    pub(super) until: u64,
    pub(super) what: T,
    /// For whoever points at it.
    pub(super) about: String,
}

impl<T> Stretch<T> {
    /// The longest first, so that what is drawn later, on top, is what there is less of.
    pub(super) fn by_length<'a>(stretches: impl Iterator<Item = &'a Self>) -> Vec<&'a Self>
    where
        T: 'a,
    {
        let mut sorted: Vec<&Self> = stretches.collect();
        sorted.sort_by_key(|stretch| std::cmp::Reverse(stretch.until.saturating_sub(stretch.from)));
        sorted
    }
}

/// What one call, or one dial, did from its begin to its end.
#[derive(Clone, Debug)]
pub(super) struct Bar {
    pub(super) from: u64,
    pub(super) until: u64,
    pub(super) parts: Vec<Stretch<Doing>>,
}

/// Everything that is drawn.
#[derive(Clone, Debug)]
pub(crate) struct Timeline {
    pub(super) name: String,
    pub(super) source: String,
    pub(super) steps: usize,
    pub(super) from: u64,
    pub(super) until: u64,
    pub(super) thoughts: Vec<Stretch<Thought>>,
    pub(super) calls: Vec<Bar>,
    pub(super) dials: Vec<Bar>,
    /// Of attempts and calls.
    pub(super) ends: Vec<(u64, End)>,
    pub(super) dial_ends: Vec<(u64, End)>,
    pub(super) events: Vec<(u64, Event)>,
    /// Calls and dials under way, by their names: where they are in their list.
    open_calls: HashMap<String, usize>,
    open_dials: HashMap<String, usize>,
}

impl Timeline {
    pub(crate) fn new(vector: &Vector) -> Self {
        Self {
            name: vector.name.clone(),
            source: vector.source.clone(),
            steps: 0,
            from: vector.begin().as_nanos(),
            until: 0,
            thoughts: Vec::new(),
            calls: Vec::new(),
            dials: Vec::new(),
            ends: Vec::new(),
            dial_ends: Vec::new(),
            events: Vec::new(),
            open_calls: HashMap::new(),
            open_dials: HashMap::new(),
        }
    }

    /// One step more.
    pub(crate) fn step(&mut self, report: &StepReport) {
        // No clock runs backwards in a picture (R18).
        let at = report.at.as_nanos().max(self.until).max(self.from);
        self.until = at;
        self.steps += 1;
        let word = |key: &str| report.got.get(key).and_then(Value::as_str);
        let name = report.call.as_deref().unwrap_or_default();
        match report.action.as_str() {
            "complete" => self.end(name, at, End::Completed),
            "end" => self.end(name, at, End::Ended),
            "cancel" => self.end(name, at, End::Cancelled),
            "fail" | "exhausted" if word("verdict") == Some("give_up") => self.end(name, at, End::GivenUp),
            "fail" | "exhausted" => self.leave(name, at, End::Failed, report),
            "divert" => {
                self.leave(name, at, End::Diverted, report);
                self.begin_dial(name, at);
            }
            "warm_up" | "poll_probe" if report.got.get("dial") == Some(&Value::Bool(true)) => {
                self.begin_dial(name, at);
            }
            "adopt" if word("start").is_some() => {
                self.end_dial(report.dial.as_deref().unwrap_or(name), at, End::Adopted);
            }
            "dial_opened" => self.end_dial(name, at, End::Opened),
            "dial_failed" => self.end_dial(name, at, End::Failed),
            "dial_abandoned" => self.end_dial(name, at, End::Abandoned),
            "network_changed" => self.events.push((at, Event::NetworkChanged)),
            "restart" => {
                self.events.push((at, Event::Restarted));
                self.close(at);
            }
            "learn" if report.got.get("learned") == Some(&Value::Bool(true)) => {
                self.events.push((at, Event::Learned));
            }
            _ => {}
        }
        if let (Some(transport), Some(reason)) = (word("start"), word("reason")) {
            self.begin(name, at, transport, reason);
        }
        if let Some(thought) = word("mode").and_then(Thought::of) {
            self.think(thought, at);
        }
    }

    fn think(&mut self, thought: Thought, at: u64) {
        match self.thoughts.last_mut() {
            Some(last) if last.what == thought => last.until = at,
            last => {
                // The policy thought so from its begin.
                let from = if last.is_some() { at } else { self.from };
                if let Some(last) = last {
                    last.until = at;
                }
                let about = thought.name().to_owned();
                self.thoughts.push(Stretch { from, until: at, what: thought, about });
            }
        }
    }

    fn begin(&mut self, name: &str, at: u64, transport: &str, reason: &str) {
        let what = match (transport, reason) {
            ("sse", _) => Doing::Sse,
            (_, "probe") => Doing::Probe,
            _ => Doing::WebSocket,
        };
        let about = format!("{name}: {} ({})", what.name(), reason.replace('_', " "));
        let part = Stretch { from: at, until: u64::MAX, what, about };
        match self.open_calls.get(name).and_then(|bar| self.calls.get_mut(*bar)) {
            Some(bar) => {
                if let Some(wait) = bar.parts.last_mut() {
                    wait.until = at;
                }
                bar.until = u64::MAX;
                bar.parts.push(part);
            }
            None => {
                self.open_calls.insert(name.to_owned(), self.calls.len());
                self.calls.push(Bar { from: at, until: u64::MAX, parts: vec![part] });
            }
        }
    }

    /// The attempt has ended, and its call goes on.
    fn leave(&mut self, name: &str, at: u64, end: End, report: &StepReport) {
        self.ends.push((at, end));
        let retry_at = report.got.get("retry_at_ms").and_then(Value::as_u64);
        let until = retry_at.unwrap_or_default().saturating_mul(1_000_000).max(at);
        let Some(bar) = self.open_calls.get(name).and_then(|bar| self.calls.get_mut(*bar)) else { return };
        if let Some(part) = bar.parts.last_mut() {
            part.until = at;
            part.about = format!("{}, {}", part.about, end.name());
        }
        // A call that is dropped while it waits is not told of.
        bar.until = until;
        bar.parts.push(Stretch { from: at, until, what: Doing::Wait, about: format!("{name}: waits") });
    }

    fn end(&mut self, name: &str, at: u64, end: End) {
        self.ends.push((at, end));
        let bar = self.open_calls.remove(name);
        finish(bar.and_then(|bar| self.calls.get_mut(bar)), at, Some(end));
    }

    fn begin_dial(&mut self, name: &str, at: u64) {
        let about = format!("{name}: a handshake that no call waits for");
        let part = Stretch { from: at, until: u64::MAX, what: Doing::WebSocket, about };
        self.open_dials.insert(name.to_owned(), self.dials.len());
        self.dials.push(Bar { from: at, until: u64::MAX, parts: vec![part] });
    }

    fn end_dial(&mut self, name: &str, at: u64, end: End) {
        self.dial_ends.push((at, end));
        let bar = self.open_dials.remove(name);
        finish(bar.and_then(|bar| self.dials.get_mut(bar)), at, Some(end));
    }

    /// What is open is lost.
    fn close(&mut self, at: u64) {
        for (_, bar) in self.open_calls.drain() {
            finish(self.calls.get_mut(bar), at, None);
        }
        for (_, bar) in self.open_dials.drain() {
            finish(self.dials.get_mut(bar), at, None);
        }
    }

    /// The modes that there were.
    pub(super) fn thoughts_seen(&self) -> impl Iterator<Item = Thought> + '_ {
        let is_seen = |thought: &Thought| self.thoughts.iter().any(|stretch| stretch.what == *thought);
        Thought::ALL.into_iter().filter(is_seen)
    }

    /// The letters that are used, and what they stand for.
    pub(super) fn letters_seen(&self) -> impl Iterator<Item = (char, &'static str)> + '_ {
        let has_ended = |end: &End| self.ends.iter().chain(&self.dial_ends).any(|(_, other)| other == end);
        let has_come = |event: &Event| self.events.iter().any(|(_, other)| other == event);
        let ends = End::ALL.into_iter().filter(has_ended).map(|end| (end.letter(), end.name()));
        let events = Event::ALL.into_iter().filter(has_come).map(|event| (event.letter(), event.name()));
        ends.chain(events)
    }

    /// In a few words, how much there is.
    pub(super) fn facts(&self) -> String {
        let calls = count(self.calls.len(), "call");
        let at_once = match most_at_once(&self.calls) {
            0 | 1 => String::new(),
            most => format!(", at most {most} at a time"),
        };
        format!("{calls}{at_once}, {}", count(self.steps, "step"))
    }

    /// There are no more steps. What is open goes on until there, and nothing ends before it begins.
    pub(crate) fn finish(&mut self) {
        self.until = self.until.max(self.from);
        self.close(self.until);
        if let Some(last) = self.thoughts.last_mut() {
            last.until = self.until;
        }
    }
}

fn finish(bar: Option<&mut Bar>, at: u64, end: Option<End>) {
    let Some(bar) = bar else { return };
    bar.until = bar.until.min(at);
    if let Some(part) = bar.parts.last_mut() {
        part.until = part.until.min(at);
        if let Some(end) = end {
            part.about = format!("{}, {}", part.about, end.name());
        }
    }
}

/// The most bars at a time.
pub(super) fn most_at_once(bars: &[Bar]) -> usize {
    let begins = bars.iter().map(|bar| (bar.from, 1_isize));
    let mut changes: Vec<_> = begins.chain(bars.iter().map(|bar| (bar.until, -1))).collect();
    // At one time, what ends does so before something begins.
    changes.sort_unstable();
    let counts = changes.iter().scan(0, |count, (_, change)| {
        *count += change;
        Some(*count)
    });
    counts.max().and_then(|most| usize::try_from(most).ok()).unwrap_or_default()
}
