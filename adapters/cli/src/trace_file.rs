//! The file that `stream --record` writes.

use std::fs::File;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use crate::error::Error;

/// A file, and what is wrong with it.
#[derive(Debug)]
pub(crate) struct TraceFile {
    path: PathBuf,
    writer: TraceWriter,
}

/// Writes the file. Clones write the same one.
#[derive(Clone, Debug)]
pub(crate) struct TraceWriter {
    file: Arc<File>,
    problem: Arc<Mutex<Option<io::Error>>>,
}

impl TraceFile {
    /// Creates the file, or makes it empty.
    pub(crate) fn create(path: &Path) -> Result<Self, Error> {
        let file = File::create(path)
            .map_err(|error| Error::usage(format_args!("--record {}", path.display()), error))?;
        let writer = TraceWriter { file: Arc::new(file), problem: Arc::default() };
        Ok(Self { path: path.to_owned(), writer })
    }

    pub(crate) fn writer(&self) -> TraceWriter {
        self.writer.clone()
    }

    /// Why the trace ends before the client does.
    pub(crate) fn problem(&self) -> Option<String> {
        let problem = self.writer.problem.lock().unwrap_or_else(PoisonError::into_inner);
        let path = self.path.display();
        problem.as_ref().map(|error| format!("--record {path}: the trace is not complete: {error}"))
    }
}

impl Write for TraceWriter {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = (&*self.file).write(bytes);
        if let Err(error) = &written {
            let problem = io::Error::new(error.kind(), error.to_string());
            *self.problem.lock().unwrap_or_else(PoisonError::into_inner) = Some(problem);
        }
        written
    }

    fn flush(&mut self) -> io::Result<()> {
        (&*self.file).flush()
    }
}
