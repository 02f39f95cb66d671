use std::fmt;
use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::{Arc, Weak};
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use failback_async::Runtime;
use smol::net::TcpStream;
use smol::{Executor, Timer};

/// The executor on which a client's background work runs: smol's global one, unless it is given another.
///
/// I/O and timers are smol's own, wherever a turn is polled.
#[derive(Clone, Default)]
pub struct Smol {
    /// Not held: its tasks hold this.
    executor: Option<Weak<Executor<'static>>>,
}

impl Smol {
    /// Background work runs on this executor, for as long as somebody keeps it and runs it. A client whose
    /// executor nobody runs gets no answer, and one whose executor is gone no connection.
    #[must_use]
    pub fn on(executor: &Arc<Executor<'static>>) -> Self {
        Self { executor: Some(Arc::downgrade(executor)) }
    }
}

impl fmt::Debug for Smol {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.executor.is_some() { "Smol(an executor)" } else { "Smol(the global executor)" })
    }
}

impl Runtime for Smol {
    type Stream = TcpStream;
    type Sleep = Sleep;

    async fn resolve(&self, host: &str, port: u16) -> io::Result<Vec<SocketAddr>> {
        smol::net::resolve((host, port)).await
    }

    async fn connect(&self, addr: SocketAddr) -> io::Result<Self::Stream> {
        if self.executor.as_ref().is_some_and(|executor| executor.strong_count() == 0) {
            return Err(io::Error::other("the executor of this client is gone"));
        }
        let stream = TcpStream::connect(addr).await?;
        stream.set_nodelay(true)?;
        Ok(stream)
    }

    fn sleep(&self, duration: Duration) -> Self::Sleep {
        Sleep(Timer::after(duration))
    }

    fn spawn(&self, future: impl Future<Output = ()> + Send + 'static) {
        // Not joined: it ends by itself, and with its executor.
        match &self.executor {
            None => smol::spawn(future).detach(),
            Some(executor) => {
                if let Some(executor) = executor.upgrade() {
                    executor.spawn(future).detach();
                }
            }
        }
    }

    fn now(&self) -> Instant {
        Instant::now()
    }
}

/// A timer on smol.
#[derive(Debug)]
pub struct Sleep(Timer);

impl Future for Sleep {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        Pin::new(&mut self.0).poll(cx).map(drop)
    }
}
