use std::{fmt, io};

use failback_wire::PIECE;

/// How much is read ahead at least, and at most.
const LEAST: usize = 4 * 1024;
const MOST: usize = 64 * 1024;

/// How much is read ahead where so much was not enough.
const GROWTH: usize = 16;

/// Reads many bytes at once for a reader that has room for few, as long as many arrive.
///
/// A buffer that is always there costs every connection its whole size, most of which wait for the next event
/// of a model that thinks, or for the next turn. So the reader has a small one of its own, which does for
/// events that come one by one. Only when that was filled is more read ahead, into memory that is given back
/// when there is nothing left to read.
///
/// ```
/// use std::io::Read;
///
/// use failback_client::ReadAhead;
///
/// let (mut socket, mut ahead) = (&b"0123456789"[..], ReadAhead::new());
/// let mut room = [0; 4];
/// let mut read = |socket: &mut &[u8]| ahead.read(&mut room, |more| socket.read(more));
/// assert_eq!((read(&mut socket)?, socket.len()), (4, 6));
/// // The room was filled, so more is there.
/// assert_eq!((read(&mut socket)?, socket.len()), (4, 0));
/// assert_eq!((read(&mut socket)?, read(&mut socket)?), (2, 0));
/// # Ok::<(), std::io::Error>(())
/// ```
#[derive(Default)]
pub struct ReadAhead {
    buffer: Vec<u8>,
    /// The part of it that is not used yet.
    from: usize,
    until: usize,
    /// The last read of the connection filled so many bytes, and there was no more room.
    filled: usize,
}

impl ReadAhead {
    /// Nothing is read.
    #[must_use]
    pub const fn new() -> Self {
        Self { buffer: Vec::new(), from: 0, until: 0, filled: 0 }
    }

    /// Reads into `room`: what was read ahead, or with `read`, which reads from the connection.
    ///
    /// # Errors
    /// Those of `read`, also that it would block.
    pub fn read(
        &mut self,
        room: &mut [u8],
        mut read: impl FnMut(&mut [u8]) -> io::Result<usize>,
    ) -> io::Result<usize> {
        if self.from == self.until {
            if self.filled == 0 {
                let read = read(room);
                self.filled = *read.as_ref().ok().filter(|read| **read == room.len()).unwrap_or(&0);
                return read;
            }
            let size = self.filled.saturating_mul(GROWTH).clamp(LEAST, MOST);
            if self.buffer.len() < size {
                // Not resized, which would copy what is in it: all of that is used.
                self.buffer = Vec::new();
                self.buffer = vec![0; size];
            }
            match read(&mut self.buffer) {
                Ok(read @ 1..) => {
                    if read == self.buffer.len() {
                        self.filled = self.filled.max(read);
                    }
                    (self.from, self.until) = (0, read.min(self.buffer.len()));
                }
                ended => {
                    *self = Self::new();
                    return ended;
                }
            }
        }
        let ahead = self.buffer.get(self.from..self.until).unwrap_or_default();
        let count = ahead.len().min(room.len());
        for (room, ahead) in room.chunks_mut(PIECE).zip(ahead.chunks(PIECE)) {
            let count = room.len().min(ahead.len());
            if let (Some(room), Some(ahead)) = (room.get_mut(..count), ahead.get(..count)) {
                room.copy_from_slice(ahead);
            }
        }
        self.from = self.from.saturating_add(count);
        Ok(count)
    }
}

/// Shows how much was read ahead, and not what.
impl fmt::Debug for ReadAhead {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ReadAhead")
            .field("bytes", &self.until.saturating_sub(self.from))
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use std::io::{ErrorKind, Read};

    use super::*;

    /// A connection on which so many bytes have arrived. Notes how many were wanted at a time.
    struct Socket {
        bytes: Vec<u8>,
        wanted: Vec<usize>,
    }

    impl Socket {
        fn read(&mut self, room: &mut [u8]) -> io::Result<usize> {
            self.wanted.push(room.len());
            let mut bytes = self.bytes.as_slice();
            if bytes.is_empty() {
                return Err(ErrorKind::WouldBlock.into());
            }
            let read = bytes.read(room)?;
            self.bytes.drain(..read);
            Ok(read)
        }
    }

    fn socket(bytes: usize) -> Socket {
        Socket { bytes: (0_u8..=250).cycle().take(bytes).collect(), wanted: Vec::new() }
    }

    /// All that there is, read with room for so many at a time, and what was wanted for that.
    fn read_all(ahead: &mut ReadAhead, bytes: usize, room: usize) -> Vec<usize> {
        let mut room = vec![0; room];
        let (mut socket, mut all) = (socket(bytes), Vec::new());
        let expected = socket.bytes.clone();
        loop {
            match ahead.read(&mut room, |more| socket.read(more)) {
                Ok(read) => all.extend_from_slice(&room[..read]),
                Err(error) if error.kind() == ErrorKind::WouldBlock => break,
                Err(error) => panic!("{error}"),
            }
        }
        assert!(all == expected, "{} of {bytes} bytes", all.len());
        assert_eq!(ahead.buffer.capacity(), 0, "nothing is held while nothing arrives");
        socket.wanted
    }

    #[test]
    fn few_bytes_are_read_without_a_buffer() {
        let mut ahead = ReadAhead::new();
        assert_eq!(read_all(&mut ahead, 0, 4096), [4096]);
        assert_eq!(read_all(&mut ahead, 300, 4096), [4096, 4096]);
    }

    #[test]
    fn many_bytes_are_read_at_once() {
        let mut ahead = ReadAhead::new();
        for _ in 0..2 {
            assert_eq!(read_all(&mut ahead, 200_000, 4096), [4096, MOST, MOST, MOST, MOST]);
        }
        // The rest of a message, where more than that has arrived.
        assert_eq!(read_all(&mut ahead, 300, 100), [100, LEAST, LEAST]);
        assert_eq!(read_all(&mut ahead, 9_000, 100), [100, LEAST, MOST, MOST]);
        assert_eq!(read_all(&mut ahead, 5_000, 1_000), [1_000, 16_000, 16_000]);
    }

    #[test]
    fn after_an_end_or_an_error_it_begins_anew() {
        for kind in [None, Some(ErrorKind::ConnectionReset)] {
            let mut room = [0; 100];
            let (mut ahead, mut socket) = (ReadAhead::new(), socket(150));
            for expected in [100, 50] {
                assert_eq!(ahead.read(&mut room, |more| socket.read(more)).unwrap(), expected);
            }
            assert_eq!(format!("{ahead:?}"), "ReadAhead { bytes: 0, .. }");
            let ended = ahead.read(&mut room, |_| kind.map_or(Ok(0), |kind| Err(kind.into())));
            assert_eq!(ended.map_err(|error| error.kind()), kind.map_or(Ok(0), Err));
            assert_eq!(ahead.buffer.capacity(), 0);
        }
    }
}
