//! The file of `--svg`.

use std::fs::File;
use std::io::Write;
use std::path::Path;

use crate::error::Error;

/// A file that something is drawn into.
#[derive(Debug)]
pub(crate) struct Plot {
    place: String,
    file: File,
}

impl Plot {
    /// Creates the file, if there is to be one: before all the work, not after it.
    pub(crate) fn create(path: Option<&Path>) -> Result<Option<Self>, Error> {
        let Some(path) = path else { return Ok(None) };
        let place = format!("--svg {}", path.display());
        match File::create(path) {
            Ok(file) => Ok(Some(Self { place, file })),
            Err(error) => Err(Error::usage(place, error)),
        }
    }

    pub(crate) fn draw(&mut self, svg: &str) -> Result<(), Error> {
        let written = self.file.write_all(svg.as_bytes());
        written.map_err(|error| Error::Failed(format!("{}: {error}", self.place)))
    }
}
