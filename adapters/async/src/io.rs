use std::io::{self, ErrorKind};
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};
use std::task::{Context, Poll};

use futures_io::{AsyncRead, AsyncWrite, IoSlice};
use futures_rustls::client::TlsStream;

/// How many bytes are read, and in how many pieces, before the task lets others run: limits on time, and the caller's own
/// timers, work however fast a peer sends.
const READ_BUDGET: usize = 64 * 1024;
const READS: u32 = 32;

/// What a connection has done since it was last asked: signs of life even when they do not make a message yet.
#[derive(Clone, Debug, Default)]
pub(crate) struct Activity(Arc<AtomicU8>);

const READ: u8 = 1;
const WRITTEN: u8 = 2;
const YIELDED: u8 = 4;

/// What there was of it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Acts(u8);

impl Activity {
    /// What there was since the last time.
    pub(crate) fn take(&self) -> Acts {
        Acts(self.0.swap(0, Ordering::Relaxed))
    }

    fn note(&self, act: u8) {
        self.0.fetch_or(act, Ordering::Relaxed);
    }
}

impl Acts {
    /// Bytes have arrived.
    pub(crate) fn read(self) -> bool {
        self.0 & READ != 0
    }

    /// Bytes were taken to be sent.
    pub(crate) fn written(self) -> bool {
        self.0 & WRITTEN != 0
    }

    /// There was more to read than is read at once.
    pub(crate) fn yielded(self) -> bool {
        self.0 & YIELDED != 0
    }
}

/// A dialled connection, in plain text or under TLS: what WebSocket and HTTP both run on.
pub(crate) struct Io<S> {
    road: Road<S>,
    activity: Activity,
    /// What was read since there was last nothing to read.
    bytes: usize,
    reads: u32,
    /// Why nothing can be sent any more.
    broken: Option<ErrorKind>,
    closed: bool,
}

enum Road<S> {
    Plain(S),
    /// Over what was dialled, or over what a proxy has opened.
    Tls(Box<TlsStream<Io<S>>>),
}

impl<S> Io<S> {
    pub(crate) fn plain(stream: S) -> Self {
        Self::new(Road::Plain(stream), Activity::default())
    }

    /// Half a TLS record is a sign of life too, so activity is that of what is below.
    pub(crate) fn tls(stream: TlsStream<Self>) -> Self {
        let activity = stream.get_ref().0.activity();
        Self::new(Road::Tls(Box::new(stream)), activity)
    }

    fn new(road: Road<S>, activity: Activity) -> Self {
        Self { road, activity, bytes: 0, reads: 0, broken: None, closed: false }
    }

    /// Why nothing can be sent any more, if that has been found out.
    pub(crate) fn broken(&self) -> Option<ErrorKind> {
        match &self.road {
            Road::Plain(_) => self.broken,
            Road::Tls(stream) => stream.get_ref().0.broken(),
        }
    }

    pub(crate) fn activity(&self) -> Activity {
        self.activity.clone()
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> Io<S> {
    /// What has come of writing.
    ///
    /// A peer that sends its last word and goes away makes the next write fail, while that word may wait to be read. So
    /// a connection that the peer has ended tells so when it is read to its end, and until then takes nothing.
    fn wrote(&mut self, written: Poll<io::Result<usize>>, cx: &Context<'_>) -> Poll<io::Result<usize>> {
        match &written {
            Poll::Ready(Ok(1..)) => self.activity.note(WRITTEN),
            Poll::Ready(Err(error)) if !self.closed && is_end(error.kind()) => {
                self.broken = Some(error.kind());
                // Whoever wrote reads next.
                cx.waker().wake_by_ref();
                return Poll::Pending;
            }
            _ => {}
        }
        written
    }
}

/// Whether a write failed because the other end is gone.
fn is_end(kind: ErrorKind) -> bool {
    matches!(
        kind,
        ErrorKind::ConnectionReset
            | ErrorKind::ConnectionAborted
            | ErrorKind::BrokenPipe
            | ErrorKind::TimedOut
    )
}

impl<S: AsyncRead + AsyncWrite + Unpin> AsyncRead for Io<S> {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut [u8]) -> Poll<io::Result<usize>> {
        let this = &mut *self;
        let room = READ_BUDGET.saturating_sub(this.bytes).min(buf.len());
        if this.reads >= READS || (room == 0 && !buf.is_empty()) {
            (this.bytes, this.reads) = (0, 0);
            this.activity.note(YIELDED);
            cx.waker().wake_by_ref();
            return Poll::Pending;
        }
        let buf = buf.get_mut(..room).unwrap_or_default();
        let read = match &mut this.road {
            Road::Plain(stream) => Pin::new(stream).poll_read(cx, buf),
            Road::Tls(stream) => Pin::new(stream).poll_read(cx, buf),
        };
        match (&read, this.broken) {
            (Poll::Ready(Ok(0)), Some(kind)) => return Poll::Ready(Err(kind.into())),
            (Poll::Ready(Ok(read)), _) => {
                this.bytes = this.bytes.saturating_add(*read);
                this.reads = this.reads.saturating_add(1);
                if *read > 0 && matches!(this.road, Road::Plain(_)) {
                    this.activity.note(READ);
                }
            }
            (Poll::Ready(Err(_)), _) => {}
            (Poll::Pending, _) => (this.bytes, this.reads) = (0, 0),
        }
        read
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> AsyncWrite for Io<S> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        let this = &mut *self;
        if this.broken.is_some() {
            return Poll::Pending;
        }
        match &mut this.road {
            Road::Plain(stream) => {
                let written = Pin::new(stream).poll_write(cx, buf);
                this.wrote(written, cx)
            }
            Road::Tls(stream) => Pin::new(stream).poll_write(cx, buf),
        }
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let this = &mut *self;
        if this.broken.is_some() {
            return Poll::Pending;
        }
        match &mut this.road {
            Road::Plain(stream) => {
                let written = Pin::new(stream).poll_write_vectored(cx, bufs);
                this.wrote(written, cx)
            }
            Road::Tls(stream) => Pin::new(stream).poll_write_vectored(cx, bufs),
        }
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match &mut self.road {
            Road::Plain(stream) => Pin::new(stream).poll_flush(cx),
            Road::Tls(stream) => Pin::new(stream).poll_flush(cx),
        }
    }

    fn poll_close(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.closed = true;
        match &mut self.road {
            Road::Plain(stream) => Pin::new(stream).poll_close(cx),
            Road::Tls(stream) => Pin::new(stream).poll_close(cx),
        }
    }
}
