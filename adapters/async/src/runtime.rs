use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use futures_io::{AsyncRead, AsyncWrite};

/// What the driver needs of an async runtime. Another runtime is another implementation of it.
///
/// Everything else, TLS, WebSocket, HTTP, time limits, the policy, is the driver's.
pub trait Runtime: Clone + Send + Sync + 'static {
    /// A TCP connection. Small writes must not be held back (`TCP_NODELAY`).
    type Stream: AsyncRead + AsyncWrite + Send + Unpin + 'static;

    /// A timer. Dropping it cancels it.
    type Sleep: Future<Output = ()> + Send + 'static;

    /// Looks a host name, or a literal address, up.
    fn resolve(&self, host: &str, port: u16) -> impl Future<Output = io::Result<Vec<SocketAddr>>> + Send;

    /// Opens a TCP connection.
    fn connect(&self, addr: SocketAddr) -> impl Future<Output = io::Result<Self::Stream>> + Send;

    /// Waits for a while.
    fn sleep(&self, duration: Duration) -> Self::Sleep;

    /// Runs a future to its end beside the caller. The driver spawns bounded work only: a connection's own task,
    /// which ends with the connection, the keeper of an idle WebSocket, and handshakes that their calls have left, which
    /// end with the client. What is spawned on a runtime that does not run between turns does no harm, but then
    /// nobody answers a server's pings.
    fn spawn(&self, future: impl Future<Output = ()> + Send + 'static);

    /// The runtime's monotonic clock, which may be a virtual one.
    fn now(&self) -> Instant;
}
