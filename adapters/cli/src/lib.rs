//! What the `failback` command line is made of.
//!
//! | module | what |
//! | --- | --- |
//! | `args` | what may be said on the command line, and the help |
//! | `settings` | `--config` and `--set`: every key, checked |
//! | `stream` | turns through a real client; `setup` makes what they need, `adapter` is the client |
//! | `server` | where the API is, the way there, and the headers, for `stream` and `doctor` |
//! | `replay` | vectors (`failback-vector`) through the policy |
//! | `demo` | a scripted outage on loopback |
//! | `simulate` | a fleet of clients on paper |
//! | `timeline` | what happened to a policy, in text and as SVG; `canvas` is the SVG, for `simulate` too |
//! | `terminal` | how wide it is |
//! | `doctor` | what a network does to both transports |
//! | `output` | what is printed: JSON lines, text, colours |
//!
//! Only [`run`] is for others. (Tests call `doctor` in their own process.)
#![forbid(unsafe_code)]

mod adapter;
mod args;
mod canvas;
mod demo;
mod doctor;
mod error;
mod number;
mod output;
mod replay;
mod server;
mod settings;
mod setup;
mod simulate;
mod stream;
mod terminal;
mod timeline;
mod trace_file;

use std::env;
use std::io::{self, Write};
use std::process::ExitCode;

use clap::Parser;
use clap::error::{ContextKind, ContextValue, ErrorKind};

use crate::args::{Args, Command};
use crate::error::Error;

/// Does what the command line of this process says, and gives its exit code.
#[must_use]
pub fn run() -> ExitCode {
    let args = match Args::try_parse() {
        Ok(args) => args,
        Err(error) => {
            let code = if error.use_stderr() { ExitCode::from(2) } else { ExitCode::SUCCESS };
            // Help that nobody reads is no failure.
            let _ = discreet(error).print();
            return code;
        }
    };
    let done = match args.command {
        Command::Demo(args) => demo::run(&args),
        Command::Stream(args) => stream::run(&args),
        Command::Replay(args) => replay::run(&args),
        Command::Simulate(args) => simulate::run(&args),
        Command::Doctor(args) => doctor::run(&args),
    };
    match done {
        Ok(code) => code,
        Err(Error::Closed) => ExitCode::SUCCESS,
        Err(error) => {
            let _ = writeln!(io::stderr(), "error: {error}");
            error.exit_code()
        }
    }
}

/// `failback doctor --json` with these arguments, for tests: its exit code and its output, or what is wrong
/// with the arguments.
///
/// # Errors
///
/// What `failback` would say on stderr.
#[doc(hidden)]
pub fn doctor_report(args: &[&str]) -> Result<(u8, String), String> {
    let args = ["failback", "doctor"].iter().chain(args);
    let parsed = Args::try_parse_from(args).map_err(|error| error.to_string())?;
    match parsed.command {
        Command::Doctor(args) => doctor::report(&args).map_err(|error| error.to_string()),
        _ => Err("expected the arguments of doctor".to_owned()),
    }
}

/// The anchors that `docs/TROUBLESHOOTING.md` must have, for tests.
#[doc(hidden)]
#[must_use]
pub fn doctor_anchors() -> Vec<&'static str> {
    doctor::anchors().collect()
}

/// `--header X-Key: secret` without quotes leaves the secret standing alone, where it is not to be quoted
/// back.
fn discreet(mut error: clap::Error) -> clap::Error {
    let has_header = env::args_os().any(|arg| arg.as_encoded_bytes().starts_with(b"--header"));
    if error.kind() == ErrorKind::UnknownArgument && has_header {
        let is_word =
            |value: &ContextValue| !matches!(value, ContextValue::String(arg) if arg.starts_with('-'));
        if error.get(ContextKind::InvalidArg).is_some_and(is_word) {
            error.remove(ContextKind::InvalidArg);
            error.remove(ContextKind::Suggested);
        }
    }
    error
}
