//! The end of the report for people. The steps are on the screen already.

use std::io::{self, Write};
use std::time::Duration;

use failback::{Mode, Transport};

use crate::output::paint::{Ink, Painter, wrap};

use super::course::Course;
use super::kind::Kind;
use super::report::Report;
use super::screen::duration;

/// Nobody notices so short a wait.
const AT_ONCE: Duration = Duration::from_millis(200);
/// How long a line is.
const WIDTH: usize = 79;
const INDENT: usize = 10;

pub(super) fn write(out: &mut impl Write, report: &Report) -> io::Result<()> {
    let painter = Painter::for_stdout();
    let mut paragraph = |title: &str, text: &str| -> io::Result<()> {
        for (at, line) in wrap(text, WIDTH - INDENT).iter().enumerate() {
            let title = if at == 0 { title } else { "" };
            writeln!(
                out,
                "{}",
                format!("{}{line}", painter.paint(Ink::Heading, &format!("{title:<INDENT$}"))).trim_end()
            )?;
        }
        Ok(())
    };
    paragraph("", "")?;
    paragraph("Verdict", &report.verdict.text)?;
    paragraph("failback", &policy(report))?;
    for (at, text) in report.advice.iter().enumerate() {
        paragraph(if at == 0 { "You can" } else { "" }, text)?;
    }
    for (at, kind) in report.verdict.kinds.iter().filter(|kind| !is_quiet(**kind)).enumerate() {
        let title = if at == 0 { "More" } else { "" };
        paragraph(title, &format!("docs/TROUBLESHOOTING.md#{}", kind.anchor()))?;
    }
    Ok(())
}

/// There is no more to say of what works.
const fn is_quiet(kind: Kind) -> bool {
    matches!(kind, Kind::WebSocketWorks | Kind::SseWorks)
}

/// What the policy does here.
pub(super) fn policy(report: &Report) -> String {
    match &report.course {
        Some(course) => told(course),
        None => "What it does depends on what did not show.".to_owned(),
    }
}

fn told(course: &Course) -> String {
    let Course { first, mode, retry_in, pinned } = course;
    let mut told = match first.end {
        Ok(Transport::WebSocket) => "Turns go over WebSocket.".to_owned(),
        Ok(Transport::Sse) => {
            let when = if first.waits < AT_ONCE {
                "at once".to_owned()
            } else {
                format!("after {}", duration(first.waits))
            };
            let tries = times(first.attempts);
            format!("The first turn tries WebSocket {tries}, and moves to SSE {when}.")
        }
        Err(why) => format!("A turn fails after {}: {why}.", duration(first.waits)),
    };
    match (mode, retry_in, pinned) {
        (Mode::Preferred, ..) if first.end == Ok(Transport::WebSocket) => {}
        (Mode::Preferred, ..) => {
            told.push_str(" Nothing is held against WebSocket: the next turn tries it first again.");
        }
        (Mode::FailedOver { .. }, Some(retry_in), pinned) => {
            let next = span(*retry_in);
            told.push_str(&format!(
                " Later ones go over SSE at once. After {next} one tries WebSocket again."
            ));
            if let Some((tries, after)) = pinned {
                told.push_str(&format!(
                    " When that has failed {}, {} after the first or later, all stay on SSE until the \
                     network changes \
                     or the program starts anew.",
                    times(*tries),
                    span(*after),
                ));
            }
        }
        (Mode::Suspected, ..) => told.push_str(" The next one goes over SSE."),
        (Mode::Pinned, ..) => told.push_str(" Later ones go over SSE, for good."),
        _ => {}
    }
    told
}

fn times(number: usize) -> String {
    match number {
        1 => "once".to_owned(),
        2 => "twice".to_owned(),
        number => format!("{number} times"),
    }
}

/// Whole seconds and minutes.
fn span(time: Duration) -> String {
    match time.as_secs() {
        seconds @ 0..120 => format!("{seconds} s"),
        seconds => format!("{} min", seconds / 60),
    }
}
