//! When the events of a turn came, and what that shows.

use std::time::{Duration, Instant};

use failback::Stage;
use failback_wire::{Event, Terminal};

use super::judge::Reached;
use super::screen::duration;

/// Events that come closer together than this may have left together too.
const TOGETHER: Duration = Duration::from_millis(20);
/// An answer that takes no longer does not show whether it was held back.
const SHORT: Duration = Duration::from_millis(300);

/// The arrivals of the events of one turn.
pub(super) struct Arrivals {
    sent: Instant,
    times: Vec<Duration>,
    end: Option<Terminal>,
    error: Option<String>,
    /// Output has come.
    is_committed: bool,
}

impl Arrivals {
    /// The request is sent now.
    pub(super) fn begin() -> Self {
        Self { sent: Instant::now(), times: Vec::new(), end: None, error: None, is_committed: false }
    }

    pub(super) fn handle(&mut self, event: &Event) {
        self.times.push(self.sent.elapsed());
        self.end = event.terminal().or(self.end);
        self.is_committed |= event.is_output();
        if let Some(error) = event.error() {
            let named = error.code.clone().or_else(|| error.kind.clone());
            let words = [named, Some(error.message.clone())];
            let words: Vec<_> = words.into_iter().flatten().filter(|word| !word.is_empty()).collect();
            self.error = Some(words.join(": "));
        }
    }

    /// How far the turn has come.
    pub(super) fn reached(&self) -> Reached {
        let stage = if self.times.is_empty() { Stage::Open } else { Stage::Streaming };
        Reached { stage, is_committed: self.is_committed }
    }

    /// Whether the response came to its proper end.
    pub(super) fn is_complete(&self) -> bool {
        self.end == Some(Terminal::Completed)
    }

    /// What the turn brought.
    pub(super) fn told(&self) -> String {
        let count = self.times.len();
        let first = self.times.first().copied().map(duration).unwrap_or_default();
        let last = self.times.last().copied().map(duration).unwrap_or_default();
        let times = match count {
            0 => return "no event".to_owned(),
            1 => format!("1 event, after {first}"),
            _ => format!("{count} events, the first after {first}, the last after {last}"),
        };
        match (&self.error, self.end) {
            (Some(error), _) => format!("the server ended it: {error} ({times})"),
            (None, Some(Terminal::Ended)) => format!("the server ended it ({times})"),
            _ => times,
        }
    }

    /// Whether the events came as they were made, and how that shows.
    pub(super) fn is_live(&self) -> (Option<bool>, String) {
        let (Some(first), Some(last)) = (self.times.first(), self.times.last()) else {
            return (None, "no event came".to_owned());
        };
        let span = last.saturating_sub(*first);
        if *last < SHORT || !self.is_complete() {
            return (None, format!("the answer took only {}: too short to tell", duration(*last)));
        }
        // Whoever reads them may be interrupted once, so one gap is allowed.
        let gaps = self.times.windows(2).filter(|pair| match pair {
            [one, next] => next.saturating_sub(*one) > TOGETHER,
            _ => false,
        });
        if span * 5 < *last && gaps.count() <= 1 {
            let told = format!(
                "buffered: nothing for {}, then all {} events within {}",
                duration(*first),
                self.times.len(),
                duration(span)
            );
            return (Some(false), told);
        }
        if span * 5 >= *last {
            let told = format!("live: events came over {} of the {}", duration(span), duration(*last));
            return (Some(true), told);
        }
        (None, format!("not clear: all came in the last {} of {}", duration(span), duration(*last)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn live(times: &[u64]) -> Option<bool> {
        let times = times.iter().copied().map(Duration::from_millis).collect();
        let end = Some(Terminal::Completed);
        Arrivals { times, end, ..Arrivals::begin() }.is_live().0
    }

    #[test]
    fn what_comes_all_at_once_was_held_back() {
        assert_eq!(live(&[2000, 2001, 2003]), Some(false));
        assert_eq!(live(&[2000, 2001, 2090, 2091]), Some(false), "the reader was interrupted");
        assert_eq!(live(&[300, 700, 900, 2000]), Some(true));
        // Thinking for long, and then a live answer or a burst from a buffer: both look like this.
        assert_eq!(live(&[5000, 5100, 5200]), None);
        assert_eq!(live(&[1, 2, 3]), None);
        assert_eq!(live(&[]), None);
    }
}
