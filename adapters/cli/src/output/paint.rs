//! Colours, where they are wanted.

use std::borrow::Cow;
use std::env;
use std::ffi::OsStr;
use std::io::{self, IsTerminal};

/// What is coloured, and not how.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ink {
    Plain,
    Heading,
    Faint,
    WebSocket,
    Sse,
    Bad,
    Mode,
}

impl Ink {
    const fn code(self) -> &'static str {
        match self {
            Self::Plain => "",
            Self::Heading => "1",
            Self::Faint => "2",
            Self::WebSocket => "32",
            Self::Sse => "36",
            Self::Bad => "31",
            Self::Mode => "33",
        }
    }
}

/// Colours text, or leaves it as it is.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Painter {
    colours: bool,
}

impl Painter {
    /// Colours for a terminal on stdout, unless `NO_COLOR` is set or the terminal has none.
    pub(crate) fn for_stdout() -> Self {
        let (no_color, term) = (env::var_os("NO_COLOR"), env::var_os("TERM"));
        Self { colours: are_wanted(io::stdout().is_terminal(), no_color.as_deref(), term.as_deref()) }
    }

    pub(crate) fn paint(self, ink: Ink, text: &str) -> String {
        if !self.colours || ink == Ink::Plain || text.trim().is_empty() {
            return text.to_owned();
        }
        format!("\x1b[{}m{text}\x1b[0m", ink.code())
    }
}

/// <https://no-color.org>: an empty value says nothing.
fn are_wanted(is_terminal: bool, no_color: Option<&OsStr>, term: Option<&OsStr>) -> bool {
    is_terminal && no_color.is_none_or(OsStr::is_empty) && term.is_none_or(|term| term != "dumb")
}

/// The text without what could command a terminal, or is no text: for what is read from files of others.
pub(crate) fn without_controls(text: &str) -> Cow<'_, str> {
    if text.contains(char::is_control) {
        Cow::Owned(text.replace(char::is_control, "\u{fffd}"))
    } else {
        Cow::Borrowed(text)
    }
}

/// A space at which [`wrap`] does not break. What is written is a plain one.
pub(crate) const NO_BREAK: char = '\u{a0}';

/// Breaks text into lines of at most `width` characters, between words where it can.
pub(crate) fn wrap(text: &str, width: usize) -> Vec<String> {
    let mut lines = vec![String::new()];
    let mut used = 0;
    for word in text.split_ascii_whitespace() {
        let length = word.chars().count();
        if used > 0 && used + 1 + length > width {
            lines.push(String::new());
            used = 0;
        }
        let Some(line) = lines.last_mut() else { break };
        if used > 0 {
            line.push(' ');
            used += 1;
        }
        line.push_str(word);
        used += length;
    }
    // A word that is longer than a line is cut: there is no better place.
    lines.iter().flat_map(|line| cut(&line.replace(NO_BREAK, " "), width)).collect()
}

fn cut(line: &str, width: usize) -> Vec<String> {
    let letters: Vec<char> = line.chars().collect();
    if letters.is_empty() {
        return vec![String::new()];
    }
    letters.chunks(width.max(1)).map(|letters| letters.iter().collect()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_no_wider_than_asked() {
        assert_eq!(wrap("one two three", 7), ["one two", "three"]);
        assert_eq!(wrap("incomprehensible", 7), ["incompr", "ehensib", "le"]);
        assert_eq!(wrap("in 1.5\u{a0}s or so", 7), ["in", "1.5 s", "or so"]);
        assert_eq!(wrap("", 7), [""]);
    }

    #[test]
    fn colours_are_for_terminals_and_for_those_who_want_them() {
        let term = Some(OsStr::new("xterm"));
        assert!(are_wanted(true, None, term));
        assert!(are_wanted(true, Some(OsStr::new("")), None));
        assert!(!are_wanted(true, Some(OsStr::new("1")), term));
        assert!(!are_wanted(true, None, Some(OsStr::new("dumb"))));
        assert!(!are_wanted(false, None, term));
    }

    #[test]
    fn without_colours_there_are_no_escapes() {
        assert_eq!(Painter { colours: false }.paint(Ink::Bad, "x"), "x");
        assert_eq!(Painter { colours: true }.paint(Ink::Bad, "x"), "\x1b[31mx\x1b[0m");
        assert_eq!(Painter { colours: true }.paint(Ink::Bad, "  "), "  ");
    }
}
