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

#[cfg(unix)]
fn asked() -> Option<usize> {
    let size = rustix::termios::tcgetwinsize(std::io::stdout()).ok()?;
    Some(usize::from(size.ws_col)).filter(|width| *width > 0)
}

#[cfg(not(unix))]
const fn asked() -> Option<usize> {
    None
}
