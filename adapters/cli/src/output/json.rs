use std::io::{self, Write};
use std::time::Instant;

use failback::whole_millis;
use failback_async::Notice;
use failback_wire::Event;
use serde::Serialize;
use serde_json::value::RawValue;

use super::{End, Report, Summary};

/// One object a line, flushed as it happens.
#[derive(Debug)]
pub(crate) struct JsonLines {
    start: Instant,
}

#[derive(Serialize)]
struct Line<T> {
    t_ms: u64,
    turn: u64,
    kind: &'static str,
    #[serde(flatten)]
    rest: T,
}

#[derive(Serialize)]
struct AttemptLine<'a> {
    transport: &'a str,
    reason: &'a str,
    number: u64,
}

#[derive(Serialize)]
struct NoticeLine<'a> {
    text: &'a str,
    transport: &'static str,
    reason: &'static str,
    retry_in_ms: Option<u64>,
}

#[derive(Serialize)]
struct RestartedLine {
    discard: usize,
}

impl JsonLines {
    pub(crate) fn new() -> Self {
        Self { start: Instant::now() }
    }

    fn t_ms(&self) -> u64 {
        u64::try_from(self.start.elapsed().as_millis()).unwrap_or(u64::MAX)
    }

    fn line<T: Serialize>(&self, turn: u64, kind: &'static str, rest: T) -> io::Result<()> {
        write_line(&Line { t_ms: self.t_ms(), turn, kind, rest })
    }
}

/// Writes one line to stdout, in one piece.
pub(crate) fn write_line(line: &impl Serialize) -> io::Result<()> {
    let mut text = serde_json::to_vec(line)?;
    text.push(b'\n');
    let mut out = io::stdout().lock();
    out.write_all(&text)?;
    out.flush()
}

impl Report for JsonLines {
    fn attempt(&mut self, turn: u64, transport: &str, reason: &str, number: u64) -> io::Result<()> {
        self.line(turn, "attempt", AttemptLine { transport, reason, number })
    }

    /// The next attempt has a line of its own.
    fn wait(&mut self, _: &str, _: &str) -> io::Result<()> {
        Ok(())
    }

    fn event(&mut self, turn: u64, transport: Option<&str>, event: &Event) -> io::Result<()> {
        #[derive(Serialize)]
        struct EventLine<'a> {
            t_ms: u64,
            turn: u64,
            kind: &'static str,
            transport: Option<&'a str>,
            event: &'a RawValue,
        }
        // An event may come on several lines, and in JSON a line break is never part of a value.
        let json = event.json().replace(['\r', '\n'], " ");
        let event = RawValue::from_string(json)?;
        write_line(&EventLine { t_ms: self.t_ms(), turn, kind: "event", transport, event: &event })
    }

    fn notice(&mut self, turn: u64, notice: &Notice) -> io::Result<()> {
        let notice = NoticeLine {
            text: notice.text(),
            transport: notice.transport().as_str(),
            reason: notice.reason().as_str(),
            retry_in_ms: notice.retry_in().map(whole_millis),
        };
        self.line(turn, "notice", notice)
    }

    fn restarted(&mut self, turn: u64, discard: usize) -> io::Result<()> {
        self.line(turn, "restarted", RestartedLine { discard })
    }

    fn end(&mut self, turn: u64, end: &End<'_>) -> io::Result<()> {
        self.line(turn, "end", end)
    }

    fn summary(&mut self, turn: u64, summary: &Summary) -> io::Result<()> {
        self.line(turn, "summary", summary)
    }
}
