//! A WebSocket as a stream and a sink of messages: tungstenite's protocol over [`Io`].
//!
//! Whoever reads also sends what waits to be sent. So an answer is read in the middle of an upload, and what
//! is owed to the peer is bounded.

use std::io::{self, ErrorKind, Read, Write};
use std::pin::Pin;
use std::task::{Context, Poll};

use failback_client::ReadAhead;
use failback_client::common::READ_BUFFER;
use futures_core::Stream;
use futures_io::{AsyncRead, AsyncWrite};
use futures_util::Sink;
use tungstenite::protocol::{Role, WebSocketConfig, WebSocketContext};
use tungstenite::{Error, Message};

use crate::io::Io;

/// The largest control frame of a client: head, mask, payload.
const MAX_CONTROL_FRAME: usize = 2 + 4 + 125;
/// The size of the head of a larger frame.
const MAX_FRAME_HEAD: usize = 14;

/// A WebSocket, from its upgrade to its end.
pub(crate) struct Socket<S> {
    io: Io<S>,
    ahead: ReadAhead,
    context: WebSocketContext,
    /// Everything that was given to be sent has left.
    flushed: bool,
    /// Nothing more can be read.
    ended: bool,
}

impl<S: AsyncRead + AsyncWrite + Unpin> Socket<S> {
    /// A WebSocket on the connection of an upgrade. `early` are bytes that came after the answer.
    pub(crate) fn new(io: Io<S>, early: Vec<u8>, max_message_bytes: usize) -> Self {
        let limit = Some(max_message_bytes);
        let config = WebSocketConfig::default()
            .max_message_size(limit)
            .max_frame_size(limit)
            .read_buffer_size(READ_BUFFER)
            .write_buffer_size(0)
            .max_write_buffer_size(MAX_CONTROL_FRAME);
        let context = WebSocketContext::from_partially_read(early, Role::Client, Some(config));
        Self { io, ahead: ReadAhead::new(), context, flushed: true, ended: false }
    }

    /// Whether everything that was given to be sent has left.
    pub(crate) fn is_flushed(&self) -> bool {
        self.flushed
    }

    /// Puts a message behind those that wait to be sent. It is sent while the socket is read or flushed.
    pub(crate) fn queue(&mut self, message: Message) -> Result<(), Error> {
        // A peer that reads nothing is owed one pong, which replaces earlier ones, so its pings take no more
        // memory than that. Our own message comes on top.
        let room = message.len().saturating_add(MAX_FRAME_HEAD + 2 * MAX_CONTROL_FRAME);
        self.context.set_config(|config| {
            config.max_write_buffer_size = config.max_write_buffer_size.max(room);
        });
        self.flushed = false;
        match self.context.write(&mut Later, message) {
            Err(Error::Io(error)) if error.kind() == ErrorKind::WouldBlock => Ok(()),
            written => written,
        }
    }

    fn flush(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
        let flushed = self.context.flush(&mut Now { io: &mut self.io, ahead: &mut self.ahead, cx });
        let flushed = match pending_if_blocked(flushed) {
            // The answer to a Close frame has left.
            Poll::Ready(Err(Error::ConnectionClosed)) => Poll::Ready(Ok(())),
            flushed => flushed,
        };
        if let Poll::Ready(Ok(())) = flushed {
            self.flushed = true;
            self.context.set_config(|config| config.max_write_buffer_size = MAX_CONTROL_FRAME);
        }
        flushed
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> Stream for Socket<S> {
    type Item = Result<Message, Error>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let this = &mut *self;
        if this.ended {
            return Poll::Ready(None);
        }
        if !this.flushed {
            if let Poll::Ready(Err(error)) = this.flush(cx) {
                this.ended = true;
                return Poll::Ready(Some(Err(error)));
            }
        }
        match this.context.read(&mut Now { io: &mut this.io, ahead: &mut this.ahead, cx }) {
            Ok(message) => Poll::Ready(Some(Ok(message))),
            Err(Error::Io(error)) if error.kind() == ErrorKind::WouldBlock => Poll::Pending,
            Err(error) => {
                this.ended = true;
                Poll::Ready(match error {
                    Error::AlreadyClosed | Error::ConnectionClosed => None,
                    error => Some(Err(error)),
                })
            }
        }
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> Sink<Message> for Socket<S> {
    type Error = Error;

    fn poll_ready(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
        if self.flushed { Poll::Ready(Ok(())) } else { self.flush(cx) }
    }

    fn start_send(mut self: Pin<&mut Self>, message: Message) -> Result<(), Error> {
        self.queue(message)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
        let flushed = self.flush(cx);
        match self.io.broken() {
            // A failed write is kept back for the end of reading. A caller that only sends does not read, so
            // it is told now.
            Some(kind) if flushed.is_pending() => Poll::Ready(Err(Error::Io(kind.into()))),
            _ => flushed,
        }
    }

    fn poll_close(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
        if self.context.can_write() {
            self.queue(Message::Close(None))?;
        }
        self.flush(cx)
    }
}

fn pending_if_blocked<T>(done: Result<T, Error>) -> Poll<Result<T, Error>> {
    match done {
        Err(Error::Io(error)) if error.kind() == ErrorKind::WouldBlock => Poll::Pending,
        done => Poll::Ready(done),
    }
}

/// The connection during one poll, as the `Read` and `Write` that tungstenite wants.
struct Now<'a, 'b, S> {
    io: &'a mut Io<S>,
    ahead: &'a mut ReadAhead,
    cx: &'a mut Context<'b>,
}

impl<S: AsyncRead + AsyncWrite + Unpin> Read for Now<'_, '_, S> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        let Self { io, ahead, cx } = self;
        ahead.read(buf, |more| blocked_if_pending(Pin::new(&mut **io).poll_read(cx, more)))
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> Write for Now<'_, '_, S> {
    fn write(&mut self, buf: &[u8]) -> io::Result<usize> {
        blocked_if_pending(Pin::new(&mut *self.io).poll_write(self.cx, buf))
    }

    fn flush(&mut self) -> io::Result<()> {
        blocked_if_pending(Pin::new(&mut *self.io).poll_flush(self.cx))
    }
}

fn blocked_if_pending<T>(polled: Poll<io::Result<T>>) -> io::Result<T> {
    match polled {
        Poll::Ready(done) => done,
        Poll::Pending => Err(ErrorKind::WouldBlock.into()),
    }
}

/// Takes no bytes, so that a message is only queued.
struct Later;

impl Read for Later {
    fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
        Err(ErrorKind::WouldBlock.into())
    }
}

impl Write for Later {
    fn write(&mut self, _: &[u8]) -> io::Result<usize> {
        Err(ErrorKind::WouldBlock.into())
    }

    fn flush(&mut self) -> io::Result<()> {
        Err(ErrorKind::WouldBlock.into())
    }
}
