//! Numbers that all clients have in common.

use std::time::Duration;

/// How long to wait for one address before the next one is tried beside it: 250 ms (RFC 8305, section 5).
pub const ADDRESS_DELAY: Duration = Duration::from_millis(250);

/// How late a waiter may wake and still count as present for the whole wait: 1 s. One that wakes later was
/// away: its caller, or the whole process, did something else.
pub const SLACK: Duration = Duration::from_secs(1);

/// How long a waiter was away. It was to wait for `wait` at most, and looked again after `took`. `None` if it
/// looked in time.
///
/// Nobody knows for how much of the wait it was present. Half a second counts as such, or the whole wait if
/// that is shorter. If none of the wait counted, a limit would never pass for a waiter that is away again and
/// again.
#[must_use]
pub fn absence(wait: Duration, took: Duration) -> Option<Duration> {
    let is_late = took > wait.saturating_add(SLACK);
    is_late.then(|| took.saturating_sub(wait.min(SLACK / 2)))
}

/// How much longer a client waits for a pong that is missing: 10 ms. If the client stood still, it reads in
/// this time what has arrived meanwhile.
pub const SECOND_LOOK: Duration = Duration::from_millis(10);

/// How many HTTP connections are kept between turns: 4.
pub const IDLE_HTTP: usize = 4;

/// How long after its last turn an HTTP connection may carry another one: 60 s. There is no ping to tell
/// whether it is alive, and gateways on the way forget a silent connection after a minute or more, without
/// telling either end.
pub const HTTP_LIFE: Duration = Duration::from_secs(60);

/// How long after its last event the end of an answer may come, if the connection is to be used again: 10 s.
/// No turn waits for that end.
pub const DRAIN_TIME: Duration = Duration::from_secs(10);

/// How many bytes are read after the last event to find the end of an answer: 64 KiB. To read more would cost
/// more than a new connection.
pub const DRAIN_BYTES: usize = 64 * 1024;

/// How many bytes tungstenite makes room for when it reads, besides the rest of a larger message: 4 KiB. It
/// keeps this room for as long as the socket lives, and fills as many bytes with zeros before each read,
/// however few there are to read. Its default is 128 KiB. Where more bytes arrive,
/// [`ReadAhead`](crate::ReadAhead) reads more at once.
pub const READ_BUFFER: usize = 4 * 1024;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_is_away() {
        let absence = |wait, took| {
            absence(Duration::from_millis(wait), Duration::from_millis(took)).map(|away| away.as_millis())
        };
        assert_eq!((absence(1000, 1000), absence(1000, 2000), absence(0, 1000)), (None, None, None));
        assert_eq!((absence(1000, 2001), absence(500, 60_000)), (Some(1501), Some(59_500)));
        // All of a short wait counts.
        assert_eq!((absence(100, 60_000), absence(0, 1001)), (Some(59_900), Some(1001)));
    }
}
