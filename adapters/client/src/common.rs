//! Numbers that all clients have in common.

use std::time::Duration;

/// How long to wait for one address before the next one is tried beside it: 250 ms (RFC 8305, section 5).
pub const ADDRESS_DELAY: Duration = Duration::from_millis(250);

/// How late whoever waits may look and still count as having been there all the time: 1 s. Later, its caller
/// or the whole process did something else.
pub const SLACK: Duration = Duration::from_secs(1);

/// For how long somebody was away who was to wait for `wait` at most, and looked again after `took`. `None` if
/// that was in time.
///
/// For how long of the wait it was there is not known. It counts as half a second, or the whole wait if that is
/// shorter: with less, a limit would never pass for somebody who is away again and again.
#[must_use]
pub fn absence(wait: Duration, took: Duration) -> Option<Duration> {
    let is_late = took > wait.saturating_add(SLACK);
    is_late.then(|| took.saturating_sub(wait.min(SLACK / 2)))
}

/// How long a missing pong is waited for once more: 10 ms. Whoever stood still reads in that time what has
/// arrived meanwhile.
pub const SECOND_LOOK: Duration = Duration::from_millis(10);

/// How many HTTP connections are kept between turns: 4.
pub const IDLE_HTTP: usize = 4;

/// How long after its last turn an HTTP connection is used for another one: 60 s. Nothing can ask it whether it
/// is alive, and gateways on the way forget a silent connection after a minute or more without telling either
/// end.
pub const HTTP_LIFE: Duration = Duration::from_secs(60);

/// How long after its last event the end of an answer may come, so that its connection can be used again: 10 s.
/// No turn waits for it.
pub const DRAIN_TIME: Duration = Duration::from_secs(10);

/// How many bytes are read after the last event to find the end of an answer: 64 KiB. To read more would cost
/// more than a new connection.
pub const DRAIN_BYTES: usize = 64 * 1024;

/// How many bytes tungstenite has room for, above the rest of a larger message: 4 KiB. It keeps that for as
/// long as the socket lives, and fills as many bytes with zeros before each read, however few there are to
/// read. By default it is 128 KiB. Where more arrive, [`ReadAhead`](crate::ReadAhead) reads more at once.
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
