//! The driver that failback's async adapters share.
mod client;
mod dial;
mod http;
mod io;
mod pool;
mod runtime;
mod sse;
mod stream;
mod timer;
mod tls;
mod trace;
mod watch;
mod websocket;

pub use client::{BuildError, Builder, Client};
pub use runtime::Runtime;
pub use stream::ResponseStream;
pub use tls::TlsError;
