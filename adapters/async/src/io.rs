use std::io::{self, ErrorKind};
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::task::{Context, Poll};

use failback::{SharedPolicy, Timestamp};
use futures_io::{AsyncRead, AsyncWrite, IoSlice};
use futures_rustls::client::TlsStream;

/// How many bytes are read, and in how many reads, before other tasks run. So time limits and the caller's
/// timers work however fast a peer sends.
const READ_BUDGET: usize = 256 * 1024;
const READS: u32 = 128;

/// Notes what happens on a connection, and when: bytes are signs of life before they make a whole message,
/// and whoever looks at the notes may look late. Clones share the notes.
#[derive(Clone)]
pub(crate) struct Activity {
    clock: SharedPolicy,
    notes: Arc<Notes>,
}

/// Times are in nanoseconds of the clock. Zero is never.
#[derive(Debug, Default)]
struct Notes {
    read_at: AtomicU64,
    written_at: AtomicU64,
    yielded: AtomicBool,
}

/// What has happened on a connection.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Acts {
    /// When bytes arrived last.
    pub(crate) read_at: Option<Timestamp>,
    /// When the system last took bytes to send.
    pub(crate) written_at: Option<Timestamp>,
    /// Whether reading stopped for other tasks to run, so that there may be more to read.
    pub(crate) yielded: bool,
}

impl Activity {
    pub(crate) fn new(clock: SharedPolicy) -> Self {
        Self { clock, notes: Arc::default() }
    }

    /// What has happened since the last call.
    pub(crate) fn take(&self) -> Acts {
        let Notes { read_at, written_at, yielded } = &*self.notes;
        // Most notes are empty, and to look at one takes less time than to take it.
        let take = |at: &AtomicU64| match at.load(Ordering::Relaxed) {
            0 => None,
            _ => Some(Timestamp::from_nanos(at.swap(0, Ordering::Relaxed))),
        };
        Acts {
            read_at: take(read_at),
            written_at: take(written_at),
            yielded: yielded.load(Ordering::Relaxed) && yielded.swap(false, Ordering::Relaxed),
        }
    }

    fn note_read(&self) {
        self.notes.read_at.store(self.now(), Ordering::Relaxed);
    }

    fn note_written(&self) {
        self.notes.written_at.store(self.now(), Ordering::Relaxed);
    }

    fn note_yield(&self) {
        self.notes.yielded.store(true, Ordering::Relaxed);
    }

    fn now(&self) -> u64 {
        self.clock.now().as_nanos().max(1)
    }
}

/// A dialled connection, in plain text or under TLS. WebSocket and HTTP both run on it.
pub(crate) struct Io<S> {
    road: Road<S>,
    activity: Activity,
    /// How many bytes were read, in how many reads, since there was last nothing to read.
    bytes: usize,
    reads: u32,
    /// The error after which nothing is sent any more.
    broken: Option<ErrorKind>,
    closed: bool,
}

enum Road<S> {
    Plain(S),
    /// TLS over a dialled connection, or over a tunnel through a proxy.
    Tls(Box<TlsStream<Io<S>>>),
}

impl<S> Io<S> {
    /// Acts are dated by this clock.
    pub(crate) fn plain(stream: S, clock: &SharedPolicy) -> Self {
        Self::new(Road::Plain(stream), Activity::new(clock.clone()))
    }

    /// Activity is noted below TLS, as half a TLS record is a sign of life too.
    pub(crate) fn tls(stream: TlsStream<Self>) -> Self {
        let activity = stream.get_ref().0.activity();
        Self::new(Road::Tls(Box::new(stream)), activity)
    }

    fn new(road: Road<S>, activity: Activity) -> Self {
        Self { road, activity, bytes: 0, reads: 0, broken: None, closed: false }
    }

    /// The error after which nothing is sent any more, once a write has met one.
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
    /// Notes how a write ended.
    ///
    /// If it failed because the peer is gone, the peer's last words may still wait to be read. So the error
    /// is kept for the end of reading, and until then the connection looks as if it took nothing.
    fn wrote(&mut self, written: Poll<io::Result<usize>>, cx: &Context<'_>) -> Poll<io::Result<usize>> {
        match &written {
            Poll::Ready(Ok(1..)) => self.activity.note_written(),
            Poll::Ready(Err(error)) if !self.closed && is_end(error.kind()) => {
                self.broken = Some(error.kind());
                // Wakes the task, which reads next.
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
            this.activity.note_yield();
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
                    this.activity.note_read();
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
