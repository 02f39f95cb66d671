use std::time::{Duration, Instant};

use failback::Transport;
use failback_client::{Error, Item, Notice};
use failback_wire::{Event, Request};

use crate::{TestClient, TestTurn};

/// What one turn has come to.
#[derive(Debug)]
pub struct Outcome {
    /// Every item, in order, with when it came since the turn was first asked for one.
    pub items: Vec<(Duration, Item)>,
    /// The error that ended the turn, if one did.
    pub error: Option<Error>,
}

/// Reads a turn to its end.
#[must_use]
pub fn collect(mut turn: Box<dyn TestTurn>) -> Outcome {
    let begun = Instant::now();
    let mut outcome = Outcome { items: Vec::new(), error: None };
    while let Some(item) = turn.next() {
        match item {
            Ok(item) => outcome.items.push((begun.elapsed(), item)),
            Err(error) => {
                outcome.error = Some(error);
            }
        }
    }
    outcome
}

/// What most turns ask. The peer answers `echo: hello`.
#[must_use]
pub fn hello() -> Request {
    Request::text("m", "hello")
}

/// Streams [`hello`], over whichever transport.
///
/// # Panics
/// When the turn does not complete, or its text is not the whole answer.
#[track_caller]
pub fn complete(client: &dyn TestClient) -> Outcome {
    let outcome = collect(client.stream(hello()));
    assert!(outcome.is_complete(), "{outcome:?}");
    assert_eq!(outcome.text(), "echo: hello");
    outcome
}

/// Reads items until `count` events have come, and none beyond.
///
/// # Panics
/// When the turn ends before.
pub fn read(turn: &mut dyn TestTurn, count: usize) -> Outcome {
    let begun = Instant::now();
    let mut outcome = Outcome { items: Vec::new(), error: None };
    let mut events = 0;
    while events < count {
        let item = turn.next().expect("more events").expect("no error yet");
        events += usize::from(matches!(item, Item::Event(_)));
        outcome.items.push((begun.elapsed(), item));
    }
    outcome
}

impl Outcome {
    /// The outcome of a turn that was read in two parts.
    #[must_use]
    pub fn then(mut self, rest: Self) -> Self {
        self.items.extend(rest.items);
        self.error = rest.error;
        self
    }

    /// The events that were not taken back, in order.
    #[must_use]
    pub fn events(&self) -> Vec<&Event> {
        let mut events = Vec::new();
        for (_, item) in &self.items {
            match item {
                Item::Event(event) => events.push(event),
                Item::Restarted { discard } => {
                    let kept = events.len().checked_sub(*discard).expect("no more taken back than delivered");
                    events.truncate(kept);
                }
                Item::Notice(_) => {}
            }
        }
        events
    }

    /// All output text of the events that were not taken back.
    #[must_use]
    pub fn text(&self) -> String {
        self.events().iter().filter_map(|event| event.text_delta()).collect()
    }

    /// How many events each `Restarted` took back.
    #[must_use]
    pub fn restarts(&self) -> Vec<usize> {
        self.items
            .iter()
            .filter_map(|(_, item)| match item {
                Item::Restarted { discard } => Some(*discard),
                _ => None,
            })
            .collect()
    }

    /// The notices, in order.
    #[must_use]
    pub fn notices(&self) -> Vec<&Notice> {
        self.items
            .iter()
            .filter_map(|(_, item)| match item {
                Item::Notice(notice) => Some(notice),
                _ => None,
            })
            .collect()
    }

    /// Whether nothing was taken back, and nothing told of another transport.
    #[must_use]
    pub fn is_quiet(&self) -> bool {
        self.restarts().is_empty() && self.notices().is_empty()
    }

    /// The transports that the notices name, in order.
    #[must_use]
    pub fn moves(&self) -> Vec<Transport> {
        self.notices().iter().map(|notice| notice.transport()).collect()
    }

    /// When the first event came.
    #[must_use]
    pub fn first_event_after(&self) -> Option<Duration> {
        self.items.iter().find(|(_, item)| matches!(item, Item::Event(_))).map(|(at, _)| *at)
    }

    /// Whether the turn ended in `response.completed`, with every event of the response exactly once and in
    /// order.
    #[must_use]
    pub fn is_complete(&self) -> bool {
        let events = self.events();
        let numbers = events.iter().map(|event| event.sequence_number());
        self.error.is_none()
            && events.last().is_some_and(|event| event.kind() == "response.completed")
            && numbers.eq((0..events.len() as u64).map(Some))
    }
}
