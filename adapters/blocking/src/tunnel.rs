//! Carries out the steps of a [`Tunnel`] through a proxy.

use std::io::{self, ErrorKind, Read, Write};

use failback_client::{Tunnel, TunnelStep};
use failback_wire::Seen;

use crate::bell::Bell;
use crate::deadline::Deadline;
use crate::halt::Halt;
use crate::io::Io;

const LATE: Seen<'static> = Seen::ConnectTimeout;

/// How many bytes are read at once. The answer of a proxy is seldom longer.
const CHUNK_BYTES: usize = 1024;

/// Opens a tunnel over a connection with a proxy. The returned connection leads to the server.
pub(crate) fn open(mut io: Io, mut tunnel: Tunnel, bell: &Bell, deadline: &Deadline) -> Result<Io, Halt> {
    let mut chunk = [0; CHUNK_BYTES];
    loop {
        let read = match tunnel.step() {
            TunnelStep::Write(bytes) => {
                let mut unsent = &bytes[..];
                match deadline.limit(bell, &LATE, || write(&mut io, &mut unsent, &mut chunk))? {
                    Ok(None) => continue,
                    Ok(Some(read)) => Ok(read),
                    Err(error) => Err(error),
                }
            }
            TunnelStep::Read { at_most } => {
                let room = at_most.min(CHUNK_BYTES);
                deadline.limit(bell, &LATE, || receive(&mut io, chunk.get_mut(..room).unwrap_or_default()))?
            }
            TunnelStep::Open => return Ok(io),
            TunnelStep::Fail(lost) => return Err(lost.into()),
        };
        match read {
            Ok(read) => tunnel.handle_bytes(chunk.get(..read).unwrap_or_default()),
            Err(error) => tunnel.handle_error(error),
        }
    }
}

/// Writes all of this. Reads when nothing can be written, because a proxy that closes the connection often
/// says why before. Returns how many bytes were read, or `None` if everything was written.
fn write(io: &mut Io, unsent: &mut &[u8], chunk: &mut [u8]) -> io::Result<Option<usize>> {
    loop {
        let written = if unsent.is_empty() { io.flush().map(|()| 0) } else { io.write(unsent) };
        match written {
            Ok(_) if unsent.is_empty() => return Ok(None),
            Ok(written) => *unsent = unsent.get(written..).unwrap_or_default(),
            Err(error) if error.kind() == ErrorKind::WouldBlock => return receive(io, chunk).map(Some),
            Err(error) => return Err(error),
        }
    }
}

/// Reads once. The error of a failed write is returned when there is nothing left to read.
fn receive(io: &mut Io, chunk: &mut [u8]) -> io::Result<usize> {
    io.take_interrupted();
    match (io.read(chunk), io.write_error()) {
        (Err(error), Some(failed)) if error.kind() == ErrorKind::WouldBlock => {
            Err(io::Error::new(failed.kind(), failed.to_string()))
        }
        (read, _) => read,
    }
}
