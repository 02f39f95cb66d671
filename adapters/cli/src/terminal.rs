//! How wide the terminal is.

use std::env;

/// Where there is no terminal.
const WIDTH: usize = 80;
/// A timeline that is wider is no easier to read.
const WIDEST: usize = 240;

/// How many characters fit into a line of stdout: as many as the terminal says, or the environment variable
/// COLUMNS; 80 if neither does.
pub(crate) fn width() -> usize {
    let columns = || env::var("COLUMNS").ok()?.parse().ok();
    let width = asked().or_else(columns).filter(|width| *width > 0).unwrap_or(WIDTH);
    width.min(WIDEST)
}

fn asked() -> Option<usize> {
    terminal_size::terminal_size_of(std::io::stdout()).map(|(width, _)| usize::from(width.0))
}
