use std::io::{self, Read, Write};
use std::net::{Shutdown, SocketAddr};
use std::sync::Arc;

use mio::net::TcpStream;

use crate::bell::Bell;

/// A TCP connection that never blocks. Dropping it ends the connection.
pub(crate) struct Socket {
    stream: TcpStream,
    attached: Option<Arc<Bell>>,
    /// Whether bytes have arrived, or were taken by the kernel to be sent, since the last call that asked.
    was_read: bool,
    was_written: bool,
}

impl Socket {
    /// Takes a stream that is connecting or connected, and attaches it to this bell.
    pub(crate) fn new(stream: TcpStream, bell: &Arc<Bell>) -> io::Result<Self> {
        let mut socket = Self { stream, attached: None, was_read: false, was_written: false };
        socket.attach(bell)?;
        Ok(socket)
    }

    /// Whether it has connected.
    pub(crate) fn is_connected(&self) -> io::Result<bool> {
        if let Some(error) = self.stream.take_error()? {
            return Err(error);
        }
        match self.stream.peer_addr() {
            // Small writes must not be held back (TCP_NODELAY).
            Ok(_) => self.stream.set_nodelay(true).map(|()| true),
            Err(error) if error.kind() == io::ErrorKind::NotConnected => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// Whom it leads to.
    pub(crate) fn peer_addr(&self) -> io::Result<SocketAddr> {
        self.stream.peer_addr()
    }

    /// From now on wakes the thread at this bell, and no other.
    pub(crate) fn attach(&mut self, bell: &Arc<Bell>) -> io::Result<()> {
        self.detach();
        bell.attach(&mut self.stream)?;
        self.attached = Some(Arc::clone(bell));
        Ok(())
    }

    /// From now on wakes no thread.
    pub(crate) fn detach(&mut self) {
        if let Some(bell) = self.attached.take() {
            bell.detach(&mut self.stream);
        }
    }

    /// Whether bytes have arrived since the last call.
    pub(crate) fn take_read(&mut self) -> bool {
        std::mem::take(&mut self.was_read)
    }

    /// Whether the kernel took bytes to send since the last call.
    pub(crate) fn take_written(&mut self) -> bool {
        std::mem::take(&mut self.was_written)
    }
}

impl Read for Socket {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        let read = retrying(|| self.stream.read(buf));
        self.was_read |= matches!(read, Ok(1..));
        read
    }
}

impl Write for Socket {
    fn write(&mut self, buf: &[u8]) -> io::Result<usize> {
        let written = retrying(|| self.stream.write(buf));
        self.was_written |= matches!(written, Ok(1..));
        written
    }

    fn flush(&mut self) -> io::Result<()> {
        self.stream.flush()
    }
}

impl Drop for Socket {
    fn drop(&mut self) {
        self.detach();
        let _ = self.stream.shutdown(Shutdown::Both);
    }
}

/// Calls `act` again if a signal has interrupted it.
fn retrying<T>(mut act: impl FnMut() -> io::Result<T>) -> io::Result<T> {
    loop {
        match act() {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            done => return done,
        }
    }
}
