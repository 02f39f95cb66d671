use core::time::Duration;

/// How late a waiter may look and still count as present all the time: 1 s. One that looks later was away: its
/// caller, or the whole process, did something else.
pub const SLACK: Duration = Duration::from_secs(1);

/// How long a waiter was away. It was to wait for `wait` at most, and looked again after `took`. `None` if it
/// looked in time.
///
/// Nobody knows for how much of the wait it was present. If none of the wait counted, a limit would never pass
/// for a waiter that is away again and again. If all of it counted, a limit that passed with the wait would
/// pass at once. So half of it counts as present; of a wait of a second or less all of it does, as that does
/// not tell late from away.
#[must_use]
pub fn absence(wait: Duration, took: Duration) -> Option<Duration> {
    let present = if wait > SLACK { wait / 2 } else { wait };
    (took > wait.saturating_add(SLACK)).then(|| took.saturating_sub(present))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_is_away() {
        let absence = |wait, took| {
            absence(Duration::from_millis(wait), Duration::from_millis(took)).map(|away| away.as_millis())
        };
        assert_eq!((absence(1000, 1000), absence(1000, 2000), absence(0, 1000)), (None, None, None));
        assert_eq!((absence(1000, 2001), absence(500, 60_000)), (Some(1001), Some(59_500)));
        assert_eq!((absence(0, 1001), absence(15_000, 60_000)), (Some(1001), Some(52_500)));
    }
}
