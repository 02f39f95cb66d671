//! One connection: bytes in, bytes out, and the ways to end it.

use std::future::Future;
use std::io;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, ReadBuf};
use tokio::net::TcpStream;
use tokio_rustls::server::TlsStream;

use crate::Gate;
use crate::frame;
use crate::journal::What;
use crate::state::{BOUND, State};

/// The connection is over: nothing more can be done on it.
#[derive(Debug)]
pub(crate) struct Gone;

/// How long the peer waits for the client to close after it has closed its own side.
const LINGER: Duration = Duration::from_secs(10);

#[derive(Debug)]
pub(crate) enum Io {
    Plain(TcpStream),
    Tls(Box<TlsStream<TcpStream>>),
}

impl Io {
    fn tcp(&mut self) -> &mut TcpStream {
        match self {
            Io::Plain(tcp) => tcp,
            Io::Tls(tls) => tls.get_mut().0,
        }
    }
}

#[derive(Debug)]
pub(crate) struct Conn {
    io: Io,
    /// What the client sent and nobody took yet.
    pub(crate) buf: Vec<u8>,
    pub(crate) state: Arc<State>,
    id: u64,
    pub(crate) upgraded: bool,
    /// What was read slowly.
    taken: usize,
}

impl Conn {
    pub(crate) fn new(io: Io, id: u64, state: Arc<State>) -> Self {
        Self { io, buf: Vec::new(), state, id, upgraded: false, taken: 0 }
    }

    pub(crate) fn record(&self, what: What) {
        self.state.record(self.id, what);
    }

    /// Reads what there is, at least one byte. May be cancelled.
    pub(crate) async fn fill(&mut self) -> Result<(), Gone> {
        if self.buf.len() > BOUND + 4096 {
            return Err(Gone);
        }
        if let Some((bytes, pause)) = self.pace() {
            return self.fill_slowly(bytes, pause).await;
        }
        self.buf.reserve(16 * 1024);
        match self.io.read_buf(&mut self.buf).await {
            Ok(0) | Err(_) => Err(Gone),
            Ok(_) => Ok(()),
        }
    }

    fn pace(&self) -> Option<(usize, Duration)> {
        self.state.plan().pace
    }

    /// Reads at most so much, after a pause. May be cancelled.
    async fn fill_slowly(&mut self, bytes: usize, pause: Duration) -> Result<(), Gone> {
        tokio::time::sleep(pause).await;
        match (&mut self.io).take(bytes as u64).read_buf(&mut self.buf).await {
            Ok(0) | Err(_) => Err(Gone),
            Ok(read) => {
                self.taken += read;
                self.record(What::Taken { bytes: self.taken });
                Ok(())
            }
        }
    }

    /// Reads what has arrived already.
    pub(crate) async fn fill_now(&mut self) -> Result<(), Gone> {
        // Lets the runtime look at its sockets first.
        tokio::task::yield_now().await;
        tokio::select! {
            biased;
            filled = self.fill() => filled,
            () = std::future::ready(()) => Ok(()),
        }
    }

    pub(crate) async fn write(&mut self, bytes: &[u8]) -> Result<(), Gone> {
        self.io.write_all(bytes).await.map_err(|_| Gone)?;
        self.io.flush().await.map_err(|_| Gone)
    }

    /// Waits for `work`, and notices if the client goes away before.
    pub(crate) async fn idle<T>(&mut self, work: impl Future<Output = T>) -> Result<T, Gone> {
        let mut work = pin!(work);
        loop {
            tokio::select! {
                biased;
                out = &mut work => return Ok(out),
                filled = self.fill() => filled?,
            }
        }
    }

    /// Comes to a gate.
    pub(crate) async fn gate(&mut self, gate: &Gate) -> Result<(), Gone> {
        self.record(What::AtGate);
        self.idle(gate.pass()).await
    }

    /// Throws away all that comes until the client goes away.
    pub(crate) async fn swallow(&mut self) -> Gone {
        loop {
            self.buf.clear();
            if self.fill().await.is_err() {
                return Gone;
            }
        }
    }

    /// Sends `filler` over and over, at most `bytes` of it or [`BOUND`].
    pub(crate) async fn stream(&mut self, filler: &[u8], bytes: u64) -> Result<(), Gone> {
        let goal = bytes.min(BOUND as u64);
        let mut sent = 0;
        while sent < goal {
            let piece = filler.len().min((goal - sent) as usize);
            if let Err(gone) = self.write(&filler[..piece]).await {
                self.record(What::Streamed { bytes: sent });
                return Err(gone);
            }
            sent += piece as u64;
            // A fast client must not keep the other connections waiting.
            tokio::task::yield_now().await;
        }
        self.record(What::Streamed { bytes: sent });
        Ok(())
    }

    /// A TCP reset once the connection is dropped, instead of a proper end.
    pub(crate) fn reset(&mut self) -> Gone {
        // Fails only on a socket that is dead already.
        let _ = self.io.tcp().set_zero_linger();
        Gone
    }

    /// The end of the TCP stream, without a word of TLS or WebSocket before it.
    pub(crate) async fn fin(&mut self) -> Gone {
        let _ = self.io.tcp().shutdown().await;
        self.linger().await
    }

    /// A close frame, if this is a WebSocket, and the proper end.
    pub(crate) async fn close(&mut self, code: u16, reason: &str) -> Gone {
        if !self.upgraded {
            return self.end().await;
        }
        self.record(What::CloseSent { code });
        match self.write(&frame::close_frame(code, reason)).await {
            Ok(()) => tokio::time::timeout(LINGER, self.answered()).await.unwrap_or(Gone),
            Err(gone) => gone,
        }
    }

    /// Waits for the client's Close frame, and ends then; whatever comes before it is thrown away.
    async fn answered(&mut self) -> Gone {
        loop {
            match frame::take(&mut self.buf, BOUND) {
                Ok(Some(frame)) if frame.opcode == frame::CLOSE => {
                    self.record(What::CloseReceived { code: frame.code() });
                    return self.end().await;
                }
                Ok(Some(_)) => {}
                Ok(None) => {
                    if let Err(gone) = self.fill().await {
                        return gone;
                    }
                }
                Err(_) => return self.swallow().await,
            }
        }
    }

    /// Close 1009, after a message that is too large.
    pub(crate) async fn close_on_large(&mut self) -> Gone {
        const WHY: &str = "message too big";
        if !self.state.plan().hangs_up {
            return self.close(1009, WHY).await;
        }
        self.record(What::CloseSent { code: 1009 });
        // Whether or not it could be written, this is the end.
        let _ = self.write(&frame::close_frame(1009, WHY)).await;
        Gone
    }

    /// The proper end: with TLS a close_notify before the end of the TCP stream.
    pub(crate) async fn end(&mut self) -> Gone {
        let _ = self.io.shutdown().await;
        self.linger().await
    }

    /// Lets the client close first: a socket closed with unread bytes in it would be reset, and what was just
    /// sent lost.
    async fn linger(&mut self) -> Gone {
        let _ = tokio::time::timeout(LINGER, self.swallow()).await;
        Gone
    }
}

impl AsyncRead for Io {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Io::Plain(tcp) => Pin::new(tcp).poll_read(cx, buf),
            Io::Tls(tls) => Pin::new(tls).poll_read(cx, buf),
        }
    }
}

impl AsyncWrite for Io {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        match self.get_mut() {
            Io::Plain(tcp) => Pin::new(tcp).poll_write(cx, bytes),
            Io::Tls(tls) => Pin::new(tls).poll_write(cx, bytes),
        }
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Io::Plain(tcp) => Pin::new(tcp).poll_flush(cx),
            Io::Tls(tls) => Pin::new(tls).poll_flush(cx),
        }
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Io::Plain(tcp) => Pin::new(tcp).poll_shutdown(cx),
            Io::Tls(tls) => Pin::new(tls).poll_shutdown(cx),
        }
    }
}
