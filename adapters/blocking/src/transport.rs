//! The connection that ureq speaks HTTP over. It is our own, so that SSE takes the same network path as
//! WebSocket.

use std::fmt;
use std::io::{self, ErrorKind, Read, Write};

use failback_wire::MAX_HEADER_BYTES;
use http::HeaderMap;
use ureq::Error;
use ureq::config::Config;
use ureq::http::Uri;
use ureq::unversioned::resolver::{ArrayVec, ResolvedSocketAddrs, Resolver};
use ureq::unversioned::transport::{
    Buffers, ConnectionDetails, Connector, LazyBuffers, NextTimeout, Transport,
};

use crate::handshake::TOO_LARGE;
use crate::head::{is_final, shorten};
use crate::io::Io;
use crate::link::Link;

/// Room for the largest head that is accepted.
const INPUT_BYTES: usize = MAX_HEADER_BYTES + 1024;
const OUTPUT_BYTES: usize = 16 * 1024;

/// Gives ureq the one connection.
impl Connector for Link {
    type Out = Wire;

    fn connect(&self, _: &ConnectionDetails<'_>, _: Option<()>) -> Result<Option<Wire>, Error> {
        let mut state = self.lock();
        if std::mem::replace(&mut state.is_taken, true) {
            // ureq asks again only after the connection was closed.
            return Err(io::Error::from(ErrorKind::UnexpectedEof).into());
        }
        let buffers = LazyBuffers::new(INPUT_BYTES, OUTPUT_BYTES);
        Ok(Some(Wire {
            link: self.clone(),
            buffers,
            has_early: false,
            answer: None,
            is_cut_short: false,
            is_head_due: false,
        }))
    }
}

/// A resolver for ureq, which resolves nothing: the connection is there already.
#[derive(Debug)]
pub(crate) struct NoResolver;

impl Resolver for NoResolver {
    fn resolve(&self, _: &Uri, _: &Config, _: NextTimeout) -> Result<ResolvedSocketAddrs, Error> {
        let nowhere = ([0, 0, 0, 0], 0).into();
        let mut addresses = ArrayVec::from_fn(|_| nowhere);
        addresses.push(nowhere);
        Ok(addresses)
    }
}

/// The connection as ureq sees it. Dropping it ends the connection.
pub(crate) struct Wire {
    link: Link,
    buffers: LazyBuffers,
    /// Bytes of the answer arrived while the request was sent.
    has_early: bool,
    /// The headers of an answer whose head has come.
    answer: Option<HeaderMap>,
    /// The rest of the request was not sent, because the answer came first.
    is_cut_short: bool,
    /// The next bytes are the head of an answer.
    is_head_due: bool,
}

impl Wire {
    /// Reads once.
    fn receive(buffers: &mut LazyBuffers, io: &mut Io) -> io::Result<usize> {
        let room = buffers.input_append_buf();
        if room.is_empty() {
            return Err(io::Error::new(ErrorKind::InvalidData, TOO_LARGE));
        }
        let read = io.read(room)?;
        buffers.input_appended(read);
        Ok(read)
    }
}

impl Wire {
    /// Reads once. Returns false at the end of the stream. If there is nothing left to read and a write has
    /// failed, the connection is gone.
    fn more(buffers: &mut LazyBuffers, io: &mut Io) -> io::Result<bool> {
        match Self::receive(buffers, io) {
            Err(error) if error.kind() == ErrorKind::WouldBlock && io.write_error().is_some() => {
                Err(ErrorKind::ConnectionReset.into())
            }
            read => read.map(|read| read > 0),
        }
    }
}

impl Transport for Wire {
    fn buffers(&mut self) -> &mut dyn Buffers {
        &mut self.buffers
    }

    fn transmit_output(&mut self, amount: usize, _: NextTimeout) -> Result<(), Error> {
        self.is_head_due = true;
        let Self { link, buffers, has_early, answer, is_cut_short, .. } = self;
        // The head is written here and not by ureq, which would show its secrets in a log.
        let head = link.lock().head.take();
        if head.is_some() {
            *answer = None;
        }
        let amount = head.as_ref().map_or(amount, Vec::len);
        let mut sent = 0_usize;
        let send = |io: &mut Io| {
            while !*is_cut_short && sent < amount {
                let output = head.as_deref().unwrap_or_else(|| buffers.output());
                match io.write(output.get(sent..amount).unwrap_or_default()) {
                    Ok(written) => sent = sent.saturating_add(written),
                    Err(error) if error.kind() == ErrorKind::WouldBlock => {
                        // A server may answer in the middle of a request, and then read no more of it.
                        match Self::receive(buffers, io) {
                            Ok(1..) => {
                                shorten(buffers, answer);
                                *has_early = !buffers.input().is_empty();
                                *is_cut_short = is_final(buffers.input());
                            }
                            Err(error) if error.kind() == ErrorKind::WouldBlock => {
                                return Err(match io.write_error() {
                                    Some(error) => io::Error::new(error.kind(), error.to_string()),
                                    None => error,
                                });
                            }
                            Ok(0) => return Err(ErrorKind::UnexpectedEof.into()),
                            Err(error) => return Err(error),
                        }
                    }
                    Err(error) => return Err(error),
                }
            }
            match io.flush() {
                Err(error) if error.kind() == ErrorKind::WouldBlock && io.write_error().is_none() => {
                    Err(error)
                }
                // After a failed write, reading finds the end.
                _ => Ok(()),
            }
        };
        Ok(link.lock().wait(send)?)
    }

    fn await_input(&mut self, _: NextTimeout) -> Result<bool, Error> {
        let Self { link, buffers, has_early, answer, is_head_due, .. } = self;
        let mut link = link.lock();
        let has_come = link.wait(|io| {
            loop {
                let has_come = if std::mem::take(has_early) { true } else { Self::more(buffers, io)? };
                if !has_come {
                    return Ok(false);
                }
                if *is_head_due {
                    let is_whole = shorten(buffers, answer);
                    if !is_whole {
                        // ureq is shown a head only when it is whole.
                        continue;
                    }
                    *is_head_due = false;
                }
                return Ok(true);
            }
        });
        if !*is_head_due && answer.is_some() {
            link.answer = answer.take();
        }
        Ok(has_come?)
    }

    fn is_open(&mut self) -> bool {
        !self.is_cut_short && self.link.is_quiet()
    }

    fn is_tls(&self) -> bool {
        // Whether there is TLS was decided when the connection was dialled.
        true
    }
}

impl Drop for Wire {
    fn drop(&mut self) {
        self.link.lock().io = None;
    }
}

impl fmt::Debug for Wire {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Wire")
    }
}
