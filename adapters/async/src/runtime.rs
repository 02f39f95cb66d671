use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use futures_io::{AsyncRead, AsyncWrite};

/// What the driver needs from an async runtime. Implement it to use another runtime.
///
/// The driver does everything else: TLS, WebSocket, HTTP, time limits, the policy.
pub trait Runtime: Clone + Send + Sync + 'static {
    /// A TCP connection. Small writes must not be held back (`TCP_NODELAY`).
    type Stream: AsyncRead + AsyncWrite + Send + Unpin + 'static;

    /// A timer. Dropping it cancels it.
    type Sleep: Future<Output = ()> + Send + 'static;

    /// Looks up a host name, or a literal address.
    fn resolve(&self, host: &str, port: u16) -> impl Future<Output = io::Result<Vec<SocketAddr>>> + Send;

    /// Opens a TCP connection.
    fn connect(&self, addr: SocketAddr) -> impl Future<Output = io::Result<Self::Stream>> + Send;

    /// Waits for a while.
    fn sleep(&self, duration: Duration) -> Self::Sleep;

    /// Runs a future to its end beside the caller. The driver spawns only work that ends: the keepers of
    /// idle connections, and handshakes that no turn waits for, end with the client. If the runtime does not run between turns that does no harm, but a
    /// server's pings are not answered then.
    fn spawn(&self, future: impl Future<Output = ()> + Send + 'static);

    /// The runtime's monotonic clock, which may be a virtual one.
    fn now(&self) -> Instant;
}
