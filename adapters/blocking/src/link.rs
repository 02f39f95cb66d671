use std::fmt;
use std::io::{self, ErrorKind, Read};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use failback_wire::Seen;

use crate::bell::Bell;
use crate::halt::Halt;
use crate::io::Io;
use crate::watch::{Wake, Watch};

/// One connection, in the hands of ureq and of whoever watches over it. Clones are the same connection.
#[derive(Clone)]
pub(crate) struct Link(Arc<Mutex<State>>);

pub(crate) struct State {
    /// `None` once ureq has no more use for it.
    pub(crate) io: Option<Io>,
    /// Waits for what there is to come. Without it nothing is waited for.
    watch: Option<Watch>,
    /// Why it ended, if that was not for ureq to see.
    halt: Option<Halt>,
    pub(crate) is_taken: bool,
    /// The head of the next request.
    pub(crate) head: Option<Vec<u8>>,
}

impl Link {
    pub(crate) fn new(io: Io) -> Self {
        Self(Arc::new(Mutex::new(State {
            io: Some(io),
            watch: None,
            halt: None,
            is_taken: false,
            head: None,
        })))
    }

    /// Whether it is open, and nothing has come that nobody asked for.
    pub(crate) fn is_quiet(&self) -> bool {
        self.lock().is_quiet()
    }

    /// Has it watched while it carries a request with this head, and the answer.
    pub(crate) fn watch(
        &self,
        head: Vec<u8>,
        watch: impl FnOnce(&mut Io) -> io::Result<Watch>,
    ) -> io::Result<()> {
        let mut state = self.lock();
        let Some(io) = &mut state.io else { return Err(ErrorKind::NotConnected.into()) };
        state.watch = Some(watch(io)?);
        state.head = Some(head);
        Ok(())
    }

    /// Has it wait for nothing, and wake whoever waits at `bell`.
    pub(crate) fn rest(&self, bell: &Arc<Bell>) -> io::Result<()> {
        let mut state = self.lock();
        state.watch = None;
        match &mut state.io {
            Some(io) => io.attach(bell),
            None => Err(ErrorKind::NotConnected.into()),
        }
    }

    pub(crate) fn take_halt(&self) -> Option<Halt> {
        self.lock().halt.take()
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
        // Nothing may come that nobody asked for, not even the end.
        matches!(io.read(&mut [0]), Err(error) if error.kind() == ErrorKind::WouldBlock)
    }

    /// Does what must not block, until it is done.
    pub(crate) fn wait<T>(&mut self, mut act: impl FnMut(&mut Io) -> io::Result<T>) -> io::Result<T> {
        let Some(io) = &mut self.io else { return Err(ErrorKind::NotConnected.into()) };
        loop {
            match act(io) {
                Err(error) if error.kind() == ErrorKind::WouldBlock => {}
                done => return done,
            }
            let Some(watch) = &mut self.watch else { return Err(ErrorKind::WouldBlock.into()) };
            let halt = match watch.wait(io) {
                Ok(Wake::Look) => continue,
                // SSE is never pinged.
                Ok(Wake::Ping) => Seen::IdleTimeout.into(),
                Err(halt) => halt,
            };
            self.halt.get_or_insert(halt);
            return Err(io::Error::other("the connection was given up"));
        }
    }
}

/// Shows nothing of what it carries.
impl fmt::Debug for Link {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Link")
    }
}
