//! How frames are read and sent, in the middle of a response and between two of them: without ever waiting.

use std::io::{self, ErrorKind, Read, Write};

use failback_client::ReadAhead;
use failback_client::common::READ_BUFFER;
use tungstenite::protocol::WebSocketConfig;
use tungstenite::{Error, Message, WebSocket};

use crate::io::Io;

/// How many bytes of pings and pongs may wait for a peer that reads nothing. Others are not sent.
pub(crate) const CONTROL_BYTES: usize = 4 * 1024;

/// How many frames are read before time limits are checked.
pub(crate) const FRAMES: u32 = 1024;

/// A connection that carries frames.
pub(crate) struct Frames {
    io: Io,
    ahead: ReadAhead,
}

impl Frames {
    pub(crate) const fn new(io: Io) -> Self {
        Self { io, ahead: ReadAhead::new() }
    }

    pub(crate) const fn io(&mut self) -> &mut Io {
        &mut self.io
    }
}

impl Read for Frames {
    fn read(&mut self, room: &mut [u8]) -> io::Result<usize> {
        let Self { io, ahead } = self;
        ahead.read(room, |more| io.read(more))
    }
}

impl Write for Frames {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.io.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.io.flush()
    }
}

/// The settings of a WebSocket that takes messages of up to this many bytes.
pub(crate) fn config(max_message_bytes: usize) -> WebSocketConfig {
    let limit = Some(max_message_bytes);
    WebSocketConfig::default()
        .max_message_size(limit)
        .max_frame_size(limit)
        .read_buffer_size(READ_BUFFER)
        .write_buffer_size(0)
        .max_write_buffer_size(CONTROL_BYTES)
}

/// How many bytes may wait while a message of this many is sent.
pub(crate) const fn room_for(message_bytes: usize) -> usize {
    message_bytes.saturating_add(2 * CONTROL_BYTES)
}

/// Queues a message, which is sent as soon as there is room.
pub(crate) fn queue(socket: &mut WebSocket<Frames>, message: Message) -> Result<(), Error> {
    match socket.write(message).and_then(|()| socket.flush()) {
        // If the peer takes nothing, a ping is not sent, and counts as unanswered.
        Ok(()) | Err(Error::WriteBufferFull(_)) => Ok(()),
        Err(error) if is_blocked(&error) => Ok(()),
        Err(error) => Err(error),
    }
}

/// Whether there is nothing to read, or no room to write, now.
pub(crate) fn is_blocked(error: &Error) -> bool {
    matches!(error, Error::Io(error) if error.kind() == ErrorKind::WouldBlock)
}
