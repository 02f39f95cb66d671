//! Shows each step as soon as it is over, and on a terminal also the one that is under way.

use std::io::{self, IsTerminal, Write};
use std::time::Duration;

use crate::output::paint::{Ink, Painter, wrap};

use super::record::{Record, State};

/// Where what was found begins in a line, and where the line ends.
const TEXT: usize = 28;
const WIDTH: usize = 79;

/// What has been shown so far.
pub(super) struct Screen {
    painter: Option<Painter>,
    /// The step under way is told on stderr.
    is_live: bool,
    is_told: bool,
}

impl Screen {
    /// Text on stdout.
    pub(super) fn text() -> Self {
        let is_live = io::stderr().is_terminal();
        Self { painter: Some(Painter::for_stdout()), is_live, is_told: false }
    }

    /// Nothing on stdout yet.
    pub(super) fn silent() -> Self {
        Self { painter: None, is_live: io::stderr().is_terminal(), is_told: false }
    }

    pub(super) fn title(&mut self, url: &str) -> io::Result<()> {
        self.line(Ink::Plain, &format!("failback doctor {url}"))
    }

    /// A transport, and where it goes.
    pub(super) fn heading(&mut self, name: &str, url: &str) -> io::Result<()> {
        self.line(Ink::Plain, "")?;
        self.line(Ink::Heading, &format!("{name}  {url}"))
    }

    pub(super) fn record(&mut self, record: &Record) -> io::Result<()> {
        self.clear();
        let Some(painter) = self.painter else { return Ok(()) };
        let (word, ink) = match record.state {
            State::Ok => ("ok", Ink::WebSocket),
            State::Failed => ("FAILED", Ink::Bad),
            State::Unknown => ("?", Ink::Mode),
            State::Told => ("", Ink::Plain),
        };
        let took = record.took.map(duration).unwrap_or_default();
        let mut out = io::stdout().lock();
        for (at, line) in wrap(&record.text, WIDTH - TEXT).iter().enumerate() {
            let start = match at {
                0 => {
                    let word = painter.paint(ink, &format!("{word:<6}"));
                    format!("  {:<9} {word} {took:>7}  ", label(record.step))
                }
                _ => " ".repeat(TEXT),
            };
            writeln!(out, "{}", format!("{start}{line}").trim_end())?;
        }
        out.flush()
    }

    /// The step that is under way.
    pub(super) fn begin(&mut self, transport: &str, step: &'static str) {
        if self.is_live {
            self.is_told = true;
            let _ = write!(io::stderr(), "\r\x1b[K  {transport}: {} ...", label(step));
        }
    }

    /// Takes back what was told of the step under way.
    pub(super) fn clear(&mut self) {
        if std::mem::take(&mut self.is_told) {
            let _ = write!(io::stderr(), "\r\x1b[K");
        }
    }

    fn line(&mut self, ink: Ink, text: &str) -> io::Result<()> {
        self.clear();
        let Some(painter) = self.painter else { return Ok(()) };
        let mut out = io::stdout().lock();
        writeln!(out, "{}", painter.paint(ink, text))?;
        out.flush()
    }
}

/// What a step is called on the screen.
fn label(step: &'static str) -> &'static str {
    match step {
        "tcp" => "TCP",
        "tls" => "TLS",
        "proxy_tls" => "proxy TLS",
        "connect" => "CONNECT",
        "socks" => "SOCKS5",
        "post" => "POST",
        step => step,
    }
}

/// At most seven letters, down to tenths of a millisecond.
pub(super) fn duration(took: Duration) -> String {
    let millis = took.as_secs_f64() * 1000.0;
    if millis < 9.95 {
        format!("{millis:.1} ms")
    } else if millis < 999.5 {
        format!("{millis:.0} ms")
    } else if took.subsec_millis() < 50 {
        // Nobody measures so exactly.
        format!("{} s", took.as_secs())
    } else {
        format!("{:.1} s", millis / 1000.0)
    }
}
