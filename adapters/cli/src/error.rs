use std::fmt;
use std::io;
use std::process::ExitCode;

/// Why the program ends early.
#[derive(Debug)]
pub(crate) enum Error {
    /// The program was used wrongly: what, where, and what was expected.
    Usage(String),
    /// It was used rightly, and did not succeed.
    Failed(String),
    /// Whoever read the output has gone away, and wants no more.
    Closed,
}

impl Error {
    pub(crate) fn exit_code(&self) -> ExitCode {
        match self {
            Self::Usage(_) => ExitCode::from(2),
            Self::Failed(_) => ExitCode::FAILURE,
            Self::Closed => ExitCode::SUCCESS,
        }
    }

    /// Wrong usage, and where: an option, or a file.
    pub(crate) fn usage(place: impl fmt::Display, problem: impl fmt::Display) -> Self {
        Self::Usage(format!("{place}: {problem}"))
    }

    /// The output could not be written.
    pub(crate) fn output(error: &io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::BrokenPipe => Self::Closed,
            _ => Self::Failed(format!("could not write the output: {error}")),
        }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Usage(problem) | Self::Failed(problem) => f.write_str(problem),
            Self::Closed => f.write_str("the reader of the output has gone away"),
        }
    }
}

impl std::error::Error for Error {}
