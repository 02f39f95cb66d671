use std::fmt;
use std::path::{Path, PathBuf};

/// What is wrong with a state file ([`Builder::state_file`](crate::Builder::state_file)).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StateFileError {
    path: PathBuf,
    problem: StateFileProblem,
}

/// The kinds of what can be wrong with a state file.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum StateFileProblem {
    /// The path is empty.
    EmptyPath,
    /// The path is that of a folder, or of something else that is no file.
    NotAFile,
    /// The folder that the file would be in does not exist.
    NoFolder,
    /// The file cannot be read, or whose it is cannot be told, because no file can be created beside it.
    Unreadable(String),
    /// The file belongs to another user.
    Foreign,
    /// The file is larger than 64 KiB.
    TooLarge,
    /// The file is cut off, or was not written by a client.
    Damaged(String),
    /// The file was written by a later version, which has this number.
    Newer(u64),
    /// The file is that of a client with other URLs.
    OtherEndpoint(String),
    /// The file cannot be written.
    NotWritten(String),
}

impl StateFileError {
    pub(crate) fn new(path: &Path, problem: StateFileProblem) -> Self {
        Self { path: path.to_owned(), problem }
    }

    /// The path that was set, made absolute.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// What is wrong.
    #[must_use]
    pub const fn problem(&self) -> &StateFileProblem {
        &self.problem
    }
}

impl fmt::Display for StateFileError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        use StateFileProblem as Problem;

        if self.problem == Problem::EmptyPath {
            return f.write_str("the path of the state file is empty: expected that of a file");
        }
        write!(f, "the state file {}: ", self.path.display())?;
        match &self.problem {
            Problem::EmptyPath => Ok(()),
            Problem::NotAFile => f.write_str("this is a folder, or no regular file"),
            Problem::NoFolder => f.write_str("its folder does not exist: create it first"),
            Problem::Unreadable(why) => write!(f, "ignored, as it cannot be read: {why}"),
            Problem::Foreign => f.write_str("ignored, as it belongs to another user"),
            Problem::TooLarge => f.write_str("ignored, as it is larger than 64 KiB"),
            Problem::Damaged(why) => write!(f, "ignored, as it is damaged: {why}"),
            Problem::Newer(version) => {
                write!(f, "ignored, as a later version of failback wrote it (format {version})")
            }
            Problem::OtherEndpoint(endpoint) => {
                write!(f, "ignored, as it is about other URLs ({endpoint}): expected a path for each")
            }
            Problem::NotWritten(why) => write!(f, "it could not be written: {why}"),
        }
    }
}

impl std::error::Error for StateFileError {}
