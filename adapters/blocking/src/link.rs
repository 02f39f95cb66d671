use std::fmt;
use std::io::{self, ErrorKind, Read};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use http::HeaderMap;

use crate::bell::Bell;
use crate::halt::Halt;
use crate::io::Io;
use crate::watch::{Wake, Watch};

/// One connection, shared by ureq and by its watch. Clones are the same connection.
#[derive(Clone)]
pub(crate) struct Link(Arc<Mutex<State>>);

pub(crate) struct State {
    /// `None` when ureq has dropped it.
    pub(crate) io: Option<Io>,
    /// Waits for bytes. Without a watch, reading does not wait.
    watch: Option<Watch>,
    /// Why the watch ended the connection. ureq is only told that it did.
    halt: Option<Halt>,
    /// The last error of the connection. ureq does not always pass it on.
    error: Option<(ErrorKind, String)>,
    pub(crate) is_taken: bool,
    /// The head of the next request.
    pub(crate) head: Option<Vec<u8>>,
    /// All headers of its answer.
    pub(crate) answer: Option<HeaderMap>,
}

impl Link {
    pub(crate) fn new(io: Io) -> Self {
        Self(Arc::new(Mutex::new(State {
            io: Some(io),
            watch: None,
            halt: None,
            error: None,
            is_taken: false,
            head: None,
            answer: None,
        })))
    }

    /// Whether it is open and nothing has arrived, so that it can carry another request.
    pub(crate) fn is_quiet(&self) -> bool {
        self.lock().is_quiet()
    }

    /// Watches the connection while it carries a request with this head, and the answer.
    pub(crate) fn watch(
        &self,
        head: Vec<u8>,
        watch: impl FnOnce(&mut Io) -> io::Result<Watch>,
    ) -> io::Result<()> {
        let mut state = self.lock();
        let Some(io) = &mut state.io else { return Err(ErrorKind::NotConnected.into()) };
        state.watch = Some(watch(io)?);
        state.head = Some(head);
        state.answer = None;
        state.error = None;
        Ok(())
    }

    /// Stops watching. From now on the connection wakes the thread at `bell`.
    pub(crate) fn rest(&self, bell: &Arc<Bell>) -> io::Result<()> {
        let mut state = self.lock();
        state.watch = None;
        match &mut state.io {
            Some(io) => io.attach(bell),
            None => Err(ErrorKind::NotConnected.into()),
        }
    }

    /// All headers of the answer, once its head has come.
    pub(crate) fn take_answer(&self) -> Option<HeaderMap> {
        self.lock().answer.take()
    }

    pub(crate) fn take_halt(&self) -> Option<Halt> {
        self.lock().halt.take()
    }

    pub(crate) fn take_error(&self) -> Option<(ErrorKind, String)> {
        self.lock().error.take()
    }

    pub(crate) fn handle_event(&self) {
        if let State { io: Some(io), watch: Some(watch), .. } = &mut *self.lock() {
            watch.handle_event(io);
        }
    }

    pub(crate) fn with_watch<T>(&self, act: impl FnOnce(&mut Watch) -> T) -> Option<T> {
        self.lock().watch.as_mut().map(act)
    }

    pub(crate) fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    pub(crate) fn is_quiet(&mut self) -> bool {
        let Some(io) = &mut self.io else { return false };
        io.take_interrupted();
        // Between responses not even the end of the stream may arrive.
        matches!(io.read(&mut [0]), Err(error) if error.kind() == ErrorKind::WouldBlock)
    }

    /// Calls `act`, which must not block, again and again until it no longer says that it would block.
    pub(crate) fn wait<T>(&mut self, mut act: impl FnMut(&mut Io) -> io::Result<T>) -> io::Result<T> {
        let Some(io) = &mut self.io else { return Err(ErrorKind::NotConnected.into()) };
        loop {
            match act(io) {
                Err(error) if error.kind() == ErrorKind::WouldBlock => {}
                Err(error) => {
                    self.error = Some((error.kind(), error.to_string()));
                    return Err(error);
                }
                done => return done,
            }
            let Some(watch) = &mut self.watch else { return Err(ErrorKind::WouldBlock.into()) };
            let halt = match watch.wait(io) {
                Ok(Wake::Look) => continue,
                Ok(Wake::Ping) => Halt::internal("a ping is due over SSE"),
                Err(halt) => halt,
            };
            self.halt.get_or_insert(halt);
            return Err(io::Error::other("the connection was given up"));
        }
    }
}

/// Does not show what the connection carries.
impl fmt::Debug for Link {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Link")
    }
}
