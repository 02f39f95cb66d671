//! The `failback` command line.

use std::process::ExitCode;

fn main() -> ExitCode {
    failback_cli::run()
}
