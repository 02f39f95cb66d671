use std::io::{self, Write};
use std::sync::{Arc, Mutex, PoisonError};

use failback_vector::Vector;

use crate::error::Error;
use crate::timeline::Timeline;

/// What the client records, in memory: it is over in a few seconds.
#[derive(Clone, Default)]
pub(crate) struct Trace(Arc<Mutex<Vec<u8>>>);

impl Write for Trace {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Trace {
    /// All of it as a picture.
    pub(crate) fn timeline(&self) -> Result<Timeline, Error> {
        let wrong = |error: &dyn std::fmt::Display| Error::Failed(format!("the trace of the demo: {error}"));
        let trace = self.0.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let text = String::from_utf8(trace).map_err(|error| wrong(&error))?;
        let mut vector = Vector::parse(&text).map_err(|error| wrong(&error))?;
        vector.name = "failback demo: a black hole, and a proxy that refuses".to_owned();
        let mut timeline = Timeline::new(&vector);
        vector.run(|report| timeline.step(&report)).map_err(|error| wrong(&error))?;
        timeline.finish();
        Ok(timeline)
    }
}
