use core::time::Duration;

/// The most bytes that the head of an HTTP answer may take, upgrade answers included: 64 KiB, above what
/// common servers and proxies send or accept.
pub const MAX_HEADER_BYTES: usize = 64 * 1024;

/// The most bytes of the body of an error answer that are read: 8 KiB. A longer body would not add to the
/// message.
pub const MAX_ERROR_BODY_BYTES: usize = 8 * 1024;

/// The shortest time limit that can be set. A limit of zero would fail everything before it began.
const SHORTEST: Duration = Duration::from_millis(1);

/// The smallest message limit that can be set. Below this not even a `response.created` gets through.
const SMALLEST: usize = 1024;

/// Time limits and sizes for both transports.
///
/// Every value is valid: a time below 1 ms counts as 1 ms, and [`Duration::MAX`] means no limit.
///
/// The limits on a stream count only time in which somebody reads it. A caller who comes back to a stream
/// after minutes finds it alive, unless its WebSocket then leaves a ping unanswered: see
/// [`Liveness`](crate::Liveness). The connect time-out does not count time either in which the caller, or the
/// whole process, does something else for more than a second. A [deadline](crate::Request::with_deadline) and
/// a [head start](failback::Config::with_head_start) count all time.
///
/// ```
/// use core::time::Duration;
/// use failback_wire::Limits;
///
/// let limits = Limits::default().with_idle_timeout(Duration::from_secs(600));
/// assert_eq!(limits.connect_timeout(), Duration::from_secs(15));
/// assert_eq!(limits.idle_timeout(), Duration::from_secs(600));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    connect_timeout: Duration,
    first_event_timeout: Duration,
    idle_timeout: Duration,
    ping_interval: Duration,
    pong_timeout: Duration,
    event_timeout: Option<Duration>,
    max_message_bytes: usize,
    max_websocket_request_bytes: Option<usize>,
    websocket_lifetime: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self::new()
    }
}

impl Limits {
    /// The defaults, which each setter names.
    #[must_use]
    pub const fn new() -> Self {
        Self {
            connect_timeout: Duration::from_secs(15),
            first_event_timeout: Duration::from_secs(30),
            idle_timeout: Duration::from_secs(300),
            ping_interval: Duration::from_secs(15),
            pong_timeout: Duration::from_secs(15),
            event_timeout: None,
            max_message_bytes: 16 * 1024 * 1024,
            max_websocket_request_bytes: None,
            websocket_lifetime: Duration::from_secs(55 * 60),
        }
    }

    /// How long a connection may take until the request can be sent on it: name, TCP, proxy, TLS and upgrade.
    /// Default 15 s: a lost SYN is sent again after 1, 3 and 7 s.
    #[must_use]
    pub const fn with_connect_timeout(mut self, timeout: Duration) -> Self {
        self.connect_timeout = at_least(timeout);
        self
    }

    /// How long the first event may take on a WebSocket after the whole request was sent. Nothing but an
    /// event counts: a pong does not extend this time. Default 30 s: the server sends `response.created`
    /// before the model begins to think. On SSE only the idle limit holds for the first event: if a proxy
    /// buffers, the first byte comes only after the model has thought.
    #[must_use]
    pub const fn with_first_event_timeout(mut self, timeout: Duration) -> Self {
        self.first_event_timeout = at_least(timeout);
        self
    }

    /// How long a stream may be silent: no byte of an event, a comment or a pong arrives, and the peer takes
    /// no byte of the request. Default 300 s: models think for minutes without an event, and an SSE stream
    /// need not send comments meanwhile.
    #[must_use]
    pub const fn with_idle_timeout(mut self, timeout: Duration) -> Self {
        self.idle_timeout = at_least(timeout);
        self
    }

    /// How long a WebSocket may be silent until the client pings it. Default 15 s: below the idle limits of
    /// the usual load balancers and NATs.
    #[must_use]
    pub const fn with_ping_interval(mut self, interval: Duration) -> Self {
        self.ping_interval = at_least(interval);
        self
    }

    /// How long the answer to a ping may take. Default 15 s, so that a dead path is found in 30 s.
    #[must_use]
    pub const fn with_pong_timeout(mut self, timeout: Duration) -> Self {
        self.pong_timeout = at_least(timeout);
        self
    }

    /// How long a stream may go without an *event*, counted from the request or the last event. For callers
    /// who want events and not only pongs and comments. Default `None`, no such limit, as models think for
    /// minutes.
    #[must_use]
    pub const fn with_event_timeout(mut self, timeout: Option<Duration>) -> Self {
        self.event_timeout = match timeout {
            Some(timeout) => Some(at_least(timeout)),
            None => None,
        };
        self
    }

    /// The most bytes that may come as one WebSocket message, one SSE event or line, or one body that is no
    /// event stream; less than 1024 counts as 1024. Default 16 MiB: room for an image in base64, and still a
    /// bound. A response that is given as a whole has the same limit.
    #[must_use]
    pub const fn with_max_message_bytes(mut self, bytes: usize) -> Self {
        self.max_message_bytes = if bytes < SMALLEST { SMALLEST } else { bytes };
        self
    }

    /// The most bytes that a request may have as a WebSocket message; less than 1024 counts as 1024. A larger
    /// one goes over SSE at once, with reason [`TooLarge`](failback::Reason::TooLarge), and no WebSocket is
    /// opened for it. Default `None`, no such limit: then the client learns what the server refuses.
    ///
    /// Of a request with a continuation, what would be sent is measured. That is the continuation, as long as
    /// the response that it continues was the last one to complete over WebSocket, else the whole body. If it
    /// turns out after the choice that another connection has to be used, the whole body is measured before
    /// it is sent.
    ///
    /// Whatever is set here, the client remembers which requests of 64 KiB or more the server has refused as
    /// too large (close code 1009, or an error that says so) before their first event. Every request that is
    /// at least as large as the smallest of them then goes over SSE at once, until the network changes.
    #[must_use]
    pub const fn with_max_websocket_request_bytes(mut self, bytes: Option<usize>) -> Self {
        self.max_websocket_request_bytes = match bytes {
            Some(bytes) if bytes < SMALLEST => Some(SMALLEST),
            bytes => bytes,
        };
        self
    }

    /// How long after its handshake a WebSocket takes new requests. Default 55 min: the server closes it
    /// after 60 min, whatever is going on.
    #[must_use]
    pub const fn with_websocket_lifetime(mut self, lifetime: Duration) -> Self {
        self.websocket_lifetime = at_least(lifetime);
        self
    }

    /// See [`with_connect_timeout`](Self::with_connect_timeout).
    #[must_use]
    pub const fn connect_timeout(&self) -> Duration {
        self.connect_timeout
    }

    /// See [`with_first_event_timeout`](Self::with_first_event_timeout).
    #[must_use]
    pub const fn first_event_timeout(&self) -> Duration {
        self.first_event_timeout
    }

    /// See [`with_idle_timeout`](Self::with_idle_timeout).
    #[must_use]
    pub const fn idle_timeout(&self) -> Duration {
        self.idle_timeout
    }

    /// See [`with_ping_interval`](Self::with_ping_interval).
    #[must_use]
    pub const fn ping_interval(&self) -> Duration {
        self.ping_interval
    }

    /// See [`with_pong_timeout`](Self::with_pong_timeout).
    #[must_use]
    pub const fn pong_timeout(&self) -> Duration {
        self.pong_timeout
    }

    /// See [`with_event_timeout`](Self::with_event_timeout).
    #[must_use]
    pub const fn event_timeout(&self) -> Option<Duration> {
        self.event_timeout
    }

    /// See [`with_max_message_bytes`](Self::with_max_message_bytes).
    #[must_use]
    pub const fn max_message_bytes(&self) -> usize {
        self.max_message_bytes
    }

    /// See [`with_max_websocket_request_bytes`](Self::with_max_websocket_request_bytes).
    #[must_use]
    pub const fn max_websocket_request_bytes(&self) -> Option<usize> {
        self.max_websocket_request_bytes
    }

    /// See [`with_websocket_lifetime`](Self::with_websocket_lifetime).
    #[must_use]
    pub const fn websocket_lifetime(&self) -> Duration {
        self.websocket_lifetime
    }
}

const fn at_least(duration: Duration) -> Duration {
    if duration.as_nanos() < SHORTEST.as_nanos() { SHORTEST } else { duration }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_value_is_valid() {
        let zero = Limits::new()
            .with_connect_timeout(Duration::ZERO)
            .with_first_event_timeout(Duration::ZERO)
            .with_idle_timeout(Duration::ZERO)
            .with_ping_interval(Duration::ZERO)
            .with_pong_timeout(Duration::ZERO)
            .with_event_timeout(Some(Duration::ZERO))
            .with_max_message_bytes(0)
            .with_max_websocket_request_bytes(Some(0))
            .with_websocket_lifetime(Duration::ZERO);
        assert_eq!(zero.connect_timeout(), SHORTEST);
        assert_eq!(zero.first_event_timeout(), SHORTEST);
        assert_eq!(zero.idle_timeout(), SHORTEST);
        assert_eq!(zero.ping_interval(), SHORTEST);
        assert_eq!(zero.pong_timeout(), SHORTEST);
        assert_eq!(zero.event_timeout(), Some(SHORTEST));
        assert_eq!(zero.max_message_bytes(), SMALLEST);
        assert_eq!(zero.max_websocket_request_bytes(), Some(SMALLEST));
        assert_eq!(zero.websocket_lifetime(), SHORTEST);
    }

    #[test]
    fn setters_set_what_they_say() {
        let second = Duration::from_secs(1);
        assert_eq!(
            Limits::new().with_connect_timeout(second),
            Limits { connect_timeout: second, ..Limits::new() }
        );
        assert_eq!(Limits::new().with_idle_timeout(second), Limits { idle_timeout: second, ..Limits::new() });
        assert_eq!(
            Limits::new().with_ping_interval(second),
            Limits { ping_interval: second, ..Limits::new() }
        );
        assert_eq!(Limits::new().with_pong_timeout(second), Limits { pong_timeout: second, ..Limits::new() });
        assert_eq!(
            Limits::new().with_event_timeout(Some(second)),
            Limits { event_timeout: Some(second), ..Limits::new() }
        );
        assert_eq!(Limits::new().event_timeout(), None);
        assert_eq!(Limits::new().with_max_message_bytes(4096).max_message_bytes(), 4096);
        assert_eq!(Limits::default(), Limits::new());
    }
}
