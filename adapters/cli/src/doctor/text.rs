//! The end of the report for people. The steps are on the screen already.

use std::io::{self, Write};
use std::time::Duration;

use failback::{Mode, Transport};

use crate::output::paint::{Ink, Painter, wrap};

use super::course::Course;
use super::kind::Kind;
use super::report::Report;
use super::screen::duration;

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
        Ok(Transport::Sse) if first.attempts == 0 => "A turn goes over SSE.".to_owned(),
        Ok(Transport::Sse) => {
            let waits = if first.waits < Duration::from_millis(1) {
                "at once".to_owned()
            } else {
                format!("after {}", duration(first.waits))
            };
            let tries = count(first.attempts, "attempt", "attempts");
            format!("The first turn moves to SSE {waits}, after {tries} on WebSocket.")
        }
        Err(why) => format!(
            "A turn fails after {}: {why}. Nothing is held against WebSocket then.",
            duration(first.waits)
        ),
    };
    if first.end.is_err() && *mode != Mode::Preferred {
        told = told.replace(" Nothing is held against WebSocket then.", "");
    }
    if let Some(retry_in) = retry_in {
        told.push_str(&format!(
            " The next ones go over SSE at once. WebSocket is tried again after {}",
            span(*retry_in)
        ));
        match pinned {
            Some((tries, after)) => told.push_str(&format!(
                ", and after {} in vain, {} later at the earliest, SSE stays for good (until the network changes, or a restart).",
                count(*tries, "more try", "more tries"),
                span(*after),
            )),
            None => told.push('.'),
        }
    } else if *mode == Mode::Pinned {
        told.push_str(" The next ones go over SSE for good.");
    }
    told
}

/// Whole seconds and minutes.
fn span(time: Duration) -> String {
    match time.as_secs() {
        seconds @ 0..120 => format!("{seconds} s"),
        seconds => format!("{} min", seconds / 60),
    }
}

fn count(number: usize, one: &str, many: &str) -> String {
    format!("{number} {}", if number == 1 { one } else { many })
}
