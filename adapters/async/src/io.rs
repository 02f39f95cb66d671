use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll};

use futures_io::{AsyncRead, AsyncWrite, IoSlice, IoSliceMut};
use futures_rustls::client::TlsStream;

/// Whether bytes have arrived since it was last asked: a sign of life even when they do not make a message yet.
#[derive(Clone, Debug, Default)]
pub(crate) struct Activity(Arc<AtomicBool>);

impl Activity {
    /// Whether there was any since the last time.
    pub(crate) fn take(&self) -> bool {
        self.0.swap(false, Ordering::Relaxed)
    }
}

/// A dialled connection, in plain text or under TLS: what WebSocket and HTTP both run on.
pub(crate) struct Io<S> {
    road: Road<S>,
    activity: Activity,
}

enum Road<S> {
    Plain(S),
    /// Over what was dialled, or over what a proxy has opened.
    Tls(Box<TlsStream<Io<S>>>),
}

impl<S> Io<S> {
    pub(crate) fn plain(stream: S) -> Self {
        Self { road: Road::Plain(stream), activity: Activity::default() }
    }

    pub(crate) fn tls(stream: TlsStream<Self>) -> Self {
        Self { road: Road::Tls(Box::new(stream)), activity: Activity::default() }
    }

    pub(crate) fn activity(&self) -> Activity {
        self.activity.clone()
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> Io<S> {
    fn note(&self, read: &Poll<io::Result<usize>>) {
        if matches!(read, Poll::Ready(Ok(1..))) {
            self.activity.0.store(true, Ordering::Relaxed);
        }
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> AsyncRead for Io<S> {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut [u8]) -> Poll<io::Result<usize>> {
        let read = match &mut self.road {
            Road::Plain(stream) => Pin::new(stream).poll_read(cx, buf),
            Road::Tls(stream) => Pin::new(stream).poll_read(cx, buf),
        };
        self.note(&read);
        read
    }

    fn poll_read_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &mut [IoSliceMut<'_>],
    ) -> Poll<io::Result<usize>> {
        let read = match &mut self.road {
            Road::Plain(stream) => Pin::new(stream).poll_read_vectored(cx, bufs),
            Road::Tls(stream) => Pin::new(stream).poll_read_vectored(cx, bufs),
        };
        self.note(&read);
        read
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> AsyncWrite for Io<S> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        match &mut self.road {
            Road::Plain(stream) => Pin::new(stream).poll_write(cx, buf),
            Road::Tls(stream) => Pin::new(stream).poll_write(cx, buf),
        }
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        match &mut self.road {
            Road::Plain(stream) => Pin::new(stream).poll_write_vectored(cx, bufs),
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
        match &mut self.road {
            Road::Plain(stream) => Pin::new(stream).poll_close(cx),
            Road::Tls(stream) => Pin::new(stream).poll_close(cx),
        }
    }
}
