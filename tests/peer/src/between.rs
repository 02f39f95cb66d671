use std::time::Duration;

/// What the peer does on a WebSocket that has carried a response and is to carry the next.
#[derive(Clone, Copy, Debug, Default)]
#[must_use = "what happens between turns is said to a peer"]
pub enum Between {
    /// Waits for the next request, and answers pings.
    #[default]
    Wait,
    /// Sends a ping every so often, and closes with 1011 when the answer to one takes longer than the limit.
    Heartbeat {
        /// How often.
        every: Duration,
        /// How long an answer may take.
        limit: Duration,
    },
    /// Throws away what it is sent and says nothing, as if the connection were cut in the middle; but when
    /// the client goes away, that is noticed.
    Deaf,
    /// Neither reads nor writes.
    Frozen,
    /// Sends pings as fast as it can, 1 MiB of them, and does not read. Then it is deaf, so that a client
    /// which reads faster than that finds out too.
    Flood,
}
