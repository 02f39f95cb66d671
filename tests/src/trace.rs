use std::fs::File;
use std::io::{self, Write};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use failback_vector::Vector;
use serde_json::Value;

/// Where a client writes a trace, for a test to read. Clones are the same one.
#[derive(Clone, Debug, Default)]
pub struct Trace(Arc<Mutex<Kept>>);

#[derive(Debug, Default)]
struct Kept {
    bytes: Vec<u8>,
    /// Where it is kept instead.
    file: Option<File>,
    /// How much fits, if not everything.
    room: Option<usize>,
    panics: bool,
    refused: usize,
}

impl Trace {
    /// A place for so many bytes: then the disk is full.
    #[must_use]
    pub fn with_room_for(bytes: usize) -> Self {
        let trace = Self::default();
        trace.lock().room = Some(bytes);
        trace
    }

    /// The same, but the writer panics instead of saying so.
    #[must_use]
    pub fn that_panics_after(bytes: usize) -> Self {
        let trace = Self::with_room_for(bytes);
        trace.lock().panics = true;
        trace
    }

    /// In this file instead of in memory: it can be written, and nothing else.
    #[must_use]
    pub fn in_file(file: File) -> Self {
        let trace = Self::default();
        trace.lock().file = Some(file);
        trace
    }

    fn lock(&self) -> MutexGuard<'_, Kept> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// All that is written.
    ///
    /// # Panics
    /// When it is no text.
    #[must_use]
    pub fn text(&self) -> String {
        String::from_utf8(self.lock().bytes.clone()).expect("text")
    }

    /// How often something was written that did not fit.
    #[must_use]
    pub fn refused(&self) -> usize {
        self.lock().refused
    }

    /// Every step that is written.
    ///
    /// # Panics
    /// When a line is no JSON.
    #[must_use]
    pub fn steps(&self) -> Vec<Value> {
        self.text().lines().skip(1).map(|line| serde_json::from_str(line).expect("JSON")).collect()
    }

    /// How many steps of this kind there are.
    #[must_use]
    pub fn count(&self, action: &str) -> usize {
        self.steps().iter().filter(|step| step["do"] == action).count()
    }

    /// Decides everything again.
    ///
    /// # Panics
    /// When a line does not parse, a step makes no sense, or anything is decided otherwise.
    pub fn check(&self) {
        let text = self.text();
        let vector = Vector::parse(&text).unwrap_or_else(|error| panic!("{error} in:\n{text}"));
        assert!(vector.is_trace() && vector.cut_off().is_none(), "{text}");
        let ran = vector.run(|report| {
            assert!(
                report.mismatches.is_empty(),
                "step {} ({}): {:?} in:\n{text}",
                report.step,
                report.action,
                report.mismatches
            );
        });
        ran.unwrap_or_else(|error| panic!("{error} in:\n{text}"));
    }
}

impl Write for Trace {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let mut kept = self.lock();
        if let Some(file) = &mut kept.file {
            return file.write(bytes);
        }
        let fits = kept.room.map_or(bytes.len(), |room| bytes.len().min(room - kept.bytes.len()));
        if fits == 0 && !bytes.is_empty() {
            kept.refused += 1;
            assert!(!kept.panics, "no room");
            return Err(io::Error::new(io::ErrorKind::StorageFull, "no room"));
        }
        kept.bytes.extend_from_slice(&bytes[..fits]);
        Ok(fits)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
