//! Carries out the steps of a tunnel through a proxy.

use std::future::poll_fn;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};

use failback_client::{Lost, Tunnel, TunnelStep};
use futures_io::{AsyncRead, AsyncWrite};
use futures_util::AsyncReadExt;

use crate::io::Io;

/// How many bytes are read at once. The answer of a proxy is seldom longer.
const MAX_READ: usize = 1024;

/// Opens a tunnel over a connection with a proxy. The returned connection leads to the server.
pub(crate) async fn open<S>(mut io: Io<S>, mut tunnel: Tunnel) -> Result<Io<S>, Lost>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let mut buf = [0; MAX_READ];
    loop {
        let read = match tunnel.step() {
            TunnelStep::Write(bytes) => match write(&mut io, &bytes, &mut buf).await {
                Ok(Written::All) => continue,
                Ok(Written::Answered(read)) => Ok(read),
                Err(error) => Err(error),
            },
            TunnelStep::Read { at_most } => {
                let most = at_most.min(buf.len());
                io.read(buf.get_mut(..most).unwrap_or_default()).await
            }
            TunnelStep::Open => return Ok(io),
            TunnelStep::Fail(error) => return Err(error),
        };
        match read {
            Ok(read) => tunnel.handle_bytes(buf.get(..read).unwrap_or_default()),
            Err(error) => tunnel.handle_error(error),
        }
    }
}

enum Written {
    All,
    /// The proxy answered before everything was written, with so many bytes.
    Answered(usize),
}

/// Writes all of this. Reads when nothing can be written, because a proxy that closes the connection often
/// says why before.
async fn write<S>(io: &mut Io<S>, bytes: &[u8], buf: &mut [u8]) -> io::Result<Written>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let mut rest = bytes;
    poll_fn(|cx| {
        while !rest.is_empty() {
            match Pin::new(&mut *io).poll_write(cx, rest) {
                Poll::Ready(Ok(0)) => return Poll::Ready(Err(io::ErrorKind::WriteZero.into())),
                Poll::Ready(Ok(written)) => rest = rest.get(written..).unwrap_or_default(),
                Poll::Ready(Err(error)) => return Poll::Ready(Err(error)),
                Poll::Pending => return answered(io, cx, buf),
            }
        }
        match Pin::new(&mut *io).poll_flush(cx) {
            Poll::Ready(flushed) => Poll::Ready(flushed.map(|()| Written::All)),
            Poll::Pending => answered(io, cx, buf),
        }
    })
    .await
}

fn answered<S>(io: &mut Io<S>, cx: &mut Context<'_>, buf: &mut [u8]) -> Poll<io::Result<Written>>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    Pin::new(io).poll_read(cx, buf).map_ok(Written::Answered)
}

#[cfg(test)]
mod tests {
    use super::*;

    use failback::{Config, SharedPolicy, Transport};
    use failback_client::Proxy;
    use failback_wire::{Endpoint, Seen};
    use futures_util::FutureExt;

    /// Said its last word, and takes no more.
    struct Gone(&'static [u8]);

    impl AsyncRead for Gone {
        fn poll_read(
            mut self: Pin<&mut Self>,
            _: &mut Context<'_>,
            buf: &mut [u8],
        ) -> Poll<io::Result<usize>> {
            Poll::Ready(io::Read::read(&mut self.0, buf))
        }
    }

    impl AsyncWrite for Gone {
        fn poll_write(self: Pin<&mut Self>, _: &mut Context<'_>, _: &[u8]) -> Poll<io::Result<usize>> {
            Poll::Ready(Err(io::ErrorKind::BrokenPipe.into()))
        }

        fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
            Poll::Ready(Ok(()))
        }

        fn poll_close(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
            Poll::Ready(Ok(()))
        }
    }

    #[track_caller]
    fn seen(proxy: &str, said: &'static [u8]) -> Seen<'static> {
        let endpoint = Endpoint::new("https://api.example.com").unwrap();
        let tunnel = Tunnel::by_name(&Proxy::parse("x", proxy).unwrap(), endpoint.target(Transport::Sse));
        let clock = SharedPolicy::new(Config::new());
        let opened = open(Io::plain(Gone(said), &clock), tunnel).now_or_never();
        match opened.expect("it does not wait for what will not come") {
            Err(Lost::Seen(seen, Some(_))) => seen,
            _ => panic!("{proxy} is no way"),
        }
    }

    #[test]
    fn what_a_proxy_has_said_is_read_though_it_takes_no_more() {
        assert_eq!(seen("http://p", b"HTTP/1.1 403 No\r\n\r\n"), Seen::ProxyRefused { status: 403 });
        assert_eq!(seen("socks5://p", b"\x05\xff"), Seen::ProxyAuthentication);
        assert_eq!(seen("socks5://p", b"\x05\x00"), Seen::Connect);
        assert_eq!(seen("http://p", b""), Seen::Connect);
    }
}
