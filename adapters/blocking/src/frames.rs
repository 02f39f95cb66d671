//! How frames are read and sent, in the middle of a response and between two of them: without ever waiting.

use std::io::ErrorKind;

use tungstenite::{Error, Message, WebSocket};

use crate::io::Io;

/// How many frames are read before time limits are checked.
pub(crate) const FRAMES: u32 = 1024;

/// Queues a message, which is sent as soon as there is room.
pub(crate) fn queue(socket: &mut WebSocket<Io>, message: Message) -> Result<(), Error> {
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
