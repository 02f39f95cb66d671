use core::fmt;

/// One of the two ways to carry a call.
///
/// Exhaustive on purpose: a driver that does not know a transport could not obey a decision for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Transport {
    /// The preferred transport.
    WebSocket,
    /// The fallback: Server-Sent Events over HTTP.
    Sse,
}

impl Transport {
    /// `websocket` or `sse`, as in JSON and in logs.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::WebSocket => "websocket",
            Self::Sse => "sse",
        }
    }
}

impl fmt::Display for Transport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::WebSocket => "WebSocket",
            Self::Sse => "SSE",
        })
    }
}
