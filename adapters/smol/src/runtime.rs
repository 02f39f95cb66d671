use std::fmt;
use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use failback_async::Runtime;
use smol::net::TcpStream;
use smol::{Executor, Task, Timer};

/// The executor on which a client's background work runs: smol's global one, unless it is given another.
///
/// I/O and timers are smol's own, wherever a turn is polled.
#[derive(Clone, Default)]
pub struct Smol {
    executor: Option<Arc<Executor<'static>>>,
}

impl Smol {
    /// Background work runs on this executor, for as long as somebody runs it. A client whose executor nobody runs
    /// opens no connection.
    #[must_use]
    pub const fn on(executor: Arc<Executor<'static>>) -> Self {
        Self { executor: Some(executor) }
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
        let stream = TcpStream::connect(addr).await?;
        stream.set_nodelay(true)?;
        Ok(stream)
    }

    fn sleep(&self, duration: Duration) -> Self::Sleep {
        Sleep(Timer::after(duration))
    }

    fn spawn(&self, future: impl Future<Output = ()> + Send + 'static) {
        let task: Task<()> = match &self.executor {
            Some(executor) => executor.spawn(future),
            None => smol::spawn(future),
        };
        // Not joined: it ends by itself, and with its executor.
        task.detach();
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
