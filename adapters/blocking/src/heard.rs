use tungstenite::{Error, Message};

use crate::frames::is_blocked;
use crate::halt::Halt;
use crate::websocket::{broken, closed};

/// What a ping of a diagnosis carries, so that its pong is known.
pub(crate) const PING: &[u8] = b"failback";

/// What was read is this to someone who waits for a message of one kind.
#[derive(Debug)]
pub(crate) enum Heard {
    /// The message.
    It(Message),
    /// Another one, or none yet: wait on.
    Other,
}

impl Heard {
    /// Judges what was read.
    ///
    /// # Errors
    ///
    /// When no more will come: the peer has closed, or the socket is broken.
    pub(crate) fn judge(
        read: Result<Message, Error>,
        is_it: impl FnOnce(&Message) -> bool,
    ) -> Result<Self, Halt> {
        match read {
            Ok(Message::Close(frame)) => Err(closed(frame)),
            Ok(message) if is_it(&message) => Ok(Self::It(message)),
            Ok(_) => Ok(Self::Other),
            Err(error) if is_blocked(&error) => Ok(Self::Other),
            Err(error) => Err(broken(&error)),
        }
    }
}

/// Whether this is the answer to our ping. A peer may send pongs that nobody has asked for.
pub(crate) fn is_our_pong(message: &Message) -> bool {
    matches!(message, Message::Pong(bytes) if bytes.as_ref() == PING)
}

#[cfg(test)]
mod tests {
    use std::io::{self, ErrorKind};

    use failback_client::Lost;
    use failback_wire::Seen;
    use tungstenite::error::ProtocolError;
    use tungstenite::protocol::CloseFrame;
    use tungstenite::protocol::frame::coding::CloseCode;

    use super::*;

    /// What it is to someone who waits for text, and why nothing more will come.
    fn judge(read: Result<Message, Error>) -> Result<Option<Message>, Halt> {
        match Heard::judge(read, |message| matches!(message, Message::Text(_)))? {
            Heard::It(message) => Ok(Some(message)),
            Heard::Other => Ok(None),
        }
    }

    fn lost(read: Result<Message, Error>) -> Lost {
        match judge(read) {
            Err(Halt::Lost(lost)) => lost,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn one_kind_is_waited_for_and_no_other() {
        assert_eq!(judge(Ok(Message::text("it"))).unwrap(), Some(Message::text("it")));
        let others = [Message::binary(PING), Message::Ping(PING.into()), Message::Pong(PING.into())];
        for other in others {
            assert_eq!(judge(Ok(other)).unwrap(), None);
        }
        let nothing = Error::Io(io::Error::from(ErrorKind::WouldBlock));
        assert_eq!(judge(Err(nothing)).unwrap(), None, "nothing has come yet");
    }

    #[test]
    fn a_close_ends_it_whatever_is_waited_for() {
        let frame = CloseFrame { code: CloseCode::Policy, reason: "idle".into() };
        let close = Message::Close(Some(frame));
        assert_eq!(lost(Ok(close.clone())), Lost::Closed(Some(1008), "idle".to_owned()));
        let anything = Heard::judge(Ok(close), |_| true);
        assert!(matches!(anything, Err(Halt::Lost(Lost::Closed(..)))), "{anything:?}");
        assert_eq!(lost(Ok(Message::Close(None))), Lost::Closed(None, String::new()));
    }

    #[test]
    fn a_broken_socket_says_how() {
        let seen = |error| match lost(Err(error)) {
            Lost::Seen(seen, Some(_)) => seen,
            lost => panic!("{lost:?}"),
        };
        assert_eq!(seen(Error::ConnectionClosed), Seen::EndOfStream);
        let cut_off = ProtocolError::ResetWithoutClosingHandshake;
        assert_eq!(seen(Error::Protocol(cut_off)), Seen::EndOfStream);
        assert_eq!(seen(Error::Io(io::Error::from(ErrorKind::ConnectionReset))), Seen::Reset);
        assert_eq!(seen(Error::Protocol(ProtocolError::InvalidOpcode(3))), Seen::ProtocolViolation);
    }

    #[test]
    fn a_pong_is_ours_by_what_it_carries() {
        assert!(is_our_pong(&Message::Pong(PING.into())));
        for other in [Message::Pong(b"".as_slice().into()), Message::Ping(PING.into()), Message::text("x")] {
            assert!(!is_our_pong(&other), "{other:?}");
        }
    }
}
