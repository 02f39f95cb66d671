use std::borrow::Cow;
use std::io::{self, IsTerminal, Write};

use failback::GiveUp;
use failback_async::{ErrorKind, Notice};
use failback_wire::Event;

use super::{End, Report, Summary};

/// What whoever reads can do.
const COMMITTED: &str = "\n  to start such a turn over instead: --set replay=restart";

/// Output text to stdout as it arrives, everything else to stderr.
#[derive(Debug)]
pub(crate) struct Text {
    is_terminal: bool,
    /// Text was written that no line break follows yet.
    in_line: bool,
}

impl Text {
    pub(crate) fn new() -> Self {
        Self { is_terminal: io::stdout().is_terminal(), in_line: false }
    }

    fn write(&mut self, text: &str) -> io::Result<()> {
        let mut out = io::stdout().lock();
        out.write_all(text.as_bytes())?;
        out.flush()?;
        if !text.is_empty() {
            self.in_line = !text.ends_with('\n');
        }
        Ok(())
    }

    fn end_line(&mut self) -> io::Result<()> {
        if self.in_line { self.write("\n") } else { Ok(()) }
    }
}

/// Nobody is left without output because nobody reads stderr.
fn say(text: &str) {
    let _ = writeln!(io::stderr(), "failback: {}", tame(text));
}

/// A server must not move the cursor or change the title of a terminal.
fn tame(text: &str) -> Cow<'_, str> {
    let bad = |c: char| c.is_control() && !matches!(c, '\n' | '\t');
    if text.contains(bad) { Cow::Owned(text.replace(bad, "\u{fffd}")) } else { Cow::Borrowed(text) }
}

impl Report for Text {
    fn attempt(&mut self, _: u64, _: &str, _: &str, _: u64) -> io::Result<()> {
        Ok(())
    }

    fn wait(&mut self, trouble: &str, waiting: &str) -> io::Result<()> {
        self.end_line()?;
        for line in [trouble, waiting].into_iter().filter(|line| !line.is_empty()) {
            say(line);
        }
        Ok(())
    }

    fn event(&mut self, _: u64, _: Option<&str>, event: &Event) -> io::Result<()> {
        match event.text_delta() {
            Some(delta) if self.is_terminal => self.write(&tame(&delta)),
            Some(delta) => self.write(&delta),
            None => Ok(()),
        }
    }

    fn notice(&mut self, _: u64, notice: &Notice) -> io::Result<()> {
        self.end_line()?;
        say(notice.text());
        Ok(())
    }

    fn restarted(&mut self, turn: u64, _: usize) -> io::Result<()> {
        if self.in_line {
            self.write("\n")?;
            say(&format!("turn {turn} starts over; its text so far does not count"));
        }
        Ok(())
    }

    fn end(&mut self, turn: u64, end: &End<'_>) -> io::Result<()> {
        self.end_line()?;
        let error = end.error.unwrap_or("no reason given");
        match (end.result, end.failed) {
            ("completed", _) => {}
            ("ended", _) => say(&format!("turn {turn} was ended by the server: {error}")),
            (_, None) => say(&format!("turn {turn} failed: {error}")),
            (_, Some(failed)) => {
                let attempts = failed.attempts().iter().map(ToString::to_string).collect::<Vec<_>>();
                let hint = match failed.kind() {
                    ErrorKind::GaveUp(GiveUp::Committed) => COMMITTED,
                    _ => "",
                };
                say(&format!("turn {turn} failed: {}{}{hint}", failed.kind(), list(&attempts)));
            }
        }
        Ok(())
    }

    fn summary(&mut self, _: u64, _: &Summary) -> io::Result<()> {
        Ok(())
    }
}

/// A line for each attempt. Those that went like the one before are told with it.
fn list(attempts: &[String]) -> String {
    let mut number = 1;
    let runs = attempts.chunk_by(|one, next| one == next).map(|run| {
        let (first, last) = (number, number + run.len() - 1);
        number = last + 1;
        let numbers =
            if first == last { format!("attempt {first}") } else { format!("attempts {first} to {last}") };
        let how = run.first().map(String::as_str).unwrap_or_default();
        format!("\n  {numbers}, {how}")
    });
    runs.collect()
}

#[cfg(test)]
mod tests {
    use super::{list, tame};

    #[test]
    fn attempts_that_went_alike_are_told_once() {
        let attempts = ["a", "b", "b", "b", "c", "b"].map(str::to_owned);
        assert_eq!(list(&attempts), "\n  attempt 1, a\n  attempts 2 to 4, b\n  attempt 5, c\n  attempt 6, b");
        assert_eq!(list(&attempts[1..3]), "\n  attempts 1 to 2, b");
        assert_eq!(list(&[]), "");
    }

    #[test]
    fn a_server_cannot_steer_the_terminal() {
        assert_eq!(tame("a\tb\nc"), "a\tb\nc");
        assert_eq!(tame("\x1b]0;title\x07"), "\u{fffd}]0;title\u{fffd}");
    }
}
