use std::io::{self, Write};
use std::time::{Duration, Instant};

use failback::{Change, Transport};
use failback_tokio::{AttemptEnd, DialEnd, Observation};

use super::words::{judgement, measured, seconds, transport_name, why};
use crate::error::Error;
use crate::output::paint::{Ink, NO_BREAK, Painter, wrap};

/// As wide as a terminal is.
const WIDTH: usize = 80;
const MARGIN: usize = 2;
/// What is left of it for a line.
pub(crate) const ROOM: usize = WIDTH - MARGIN;
/// The columns: when, who, what; the rest says why.
const WHEN: usize = 7;
const WHO: usize = 7;
const WHAT: usize = 11;
const BEFORE_WHY: usize = MARGIN + WHEN + 2 + WHO + 2 + WHAT + 2;
/// The names of facts.
const FACT: usize = 32;

/// What is shown, as it happens.
#[derive(Debug)]
pub(crate) struct Screen {
    start: Instant,
    painter: Painter,
    acts: usize,
    /// The turn of the last row.
    turn: Option<u64>,
    transport: Option<Transport>,
    broken: Option<io::Error>,
}

impl Screen {
    pub(crate) fn new() -> Self {
        Self {
            start: Instant::now(),
            painter: Painter::for_stdout(),
            acts: 0,
            turn: None,
            transport: None,
            broken: None,
        }
    }

    /// The transport of the attempt made last.
    pub(crate) fn transport(&self) -> Option<Transport> {
        self.transport
    }

    /// Whether all could be written.
    pub(crate) fn check(&mut self) -> Result<(), Error> {
        self.broken.take().map_or(Ok(()), |error| Err(Error::output(&error)))
    }

    fn write(&mut self, line: &str) {
        if self.broken.is_some() {
            return;
        }
        let mut out = io::stdout().lock();
        self.broken =
            writeln!(out, "{}", line.trim_end().replace(NO_BREAK, " ")).and_then(|()| out.flush()).err();
    }

    pub(crate) fn blank(&mut self) {
        self.write("");
    }

    pub(crate) fn heading(&mut self, text: &str) {
        let text = self.painter.paint(Ink::Heading, text);
        self.write(&text);
    }

    pub(crate) fn line(&mut self, text: &str) {
        self.write(&format!("{:MARGIN$}{text}", ""));
    }

    pub(crate) fn paragraph(&mut self, text: &str) {
        for line in wrap(text, ROOM) {
            self.line(&line);
        }
    }

    pub(crate) fn act(&mut self, title: &str, story: &str) {
        self.acts += 1;
        self.turn = None;
        self.blank();
        self.heading(&format!("{}. {title}", self.acts));
        self.paragraph(story);
        self.blank();
    }

    pub(crate) fn fact(&mut self, name: &str, value: &str, ink: Ink) {
        let value = self.painter.paint(ink, value);
        self.line(&format!("{name:<FACT$}{value}"));
    }

    /// One row of the columns. The reason goes on below itself.
    fn row(&mut self, who: &str, what: &str, ink: Ink, why: &str) {
        let when = format!("{:.2} s", self.start.elapsed().as_secs_f64());
        let when = self.painter.paint(Ink::Faint, &format!("{when:>WHEN$}"));
        let what = self.painter.paint(ink, &format!("{what:<WHAT$}"));
        let mut before = format!("{:MARGIN$}{when}  {who:<WHO$}  {what}  ", "");
        for line in wrap(why, WIDTH - BEFORE_WHY) {
            self.write(&format!("{before}{line}"));
            before = " ".repeat(BEFORE_WHY);
        }
    }

    fn turn_row(&mut self, turn: Option<u64>, what: &str, ink: Ink, why: &str) {
        // Named once, so that turns can be told apart at a glance.
        let who = if self.turn == turn {
            String::new()
        } else {
            turn.map(|turn| format!("turn {turn}")).unwrap_or_default()
        };
        self.turn = turn;
        self.row(&who, what, ink, why);
    }

    pub(crate) fn observation(&mut self, observation: &Observation) {
        let turn = observation.turn();
        match observation {
            Observation::Attempt { transport, reason, .. } => {
                let ink = if *transport == Transport::Sse { Ink::Sse } else { Ink::WebSocket };
                self.transport = Some(*transport);
                self.turn_row(turn, transport_name(*transport), ink, &why(*reason));
            }
            Observation::Diverted { head_start, .. } => {
                let head_start = seconds(*head_start);
                let why =
                    format!("no answer to the handshake within {head_start}: it goes on, without this turn");
                self.turn_row(turn, "moves on", Ink::Bad, &why);
            }
            Observation::Waiting { wait, .. } => {
                let wait = seconds(*wait);
                self.turn_row(turn, "waits", Ink::Plain, &format!("{wait} before the next attempt"));
            }
            Observation::AttemptEnded { end: AttemptEnd::Failed { text, .. }, .. } => {
                self.turn_row(turn, "failed", Ink::Bad, text);
            }
            Observation::DialEnded { end: DialEnd::Opened, .. } => {
                self.turn = None;
                self.row("dial", "opened", Ink::WebSocket, "the handshake succeeded after all");
            }
            Observation::DialEnded { end: DialEnd::Failed { text, .. }, .. } => {
                self.turn = None;
                self.row("dial", "failed", Ink::Bad, text);
            }
            Observation::Changed(change) => self.changed(change),
            _ => {}
        }
    }

    fn changed(&mut self, change: &Change) {
        self.turn = None;
        let mode = change.to.as_str().replace('_', " ");
        self.row("policy", &mode, Ink::Mode, &judgement(change));
    }

    pub(crate) fn done(&mut self, turn: usize, transport: Transport, first_event: Duration) {
        let ink = if transport == Transport::Sse { Ink::Sse } else { Ink::WebSocket };
        let why = format!("over {}, first event after {}", transport_name(transport), measured(first_event));
        self.turn_row(u64::try_from(turn).ok(), "completed", ink, &why);
    }

    pub(crate) fn waiting(&mut self, wait: Duration) {
        self.turn = None;
        self.row(
            "",
            "...",
            Ink::Faint,
            &format!("no turn for {}, until the cooldown is over", seconds(wait)),
        );
    }
}
