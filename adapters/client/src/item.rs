use std::fmt;
use std::time::Duration;

use failback::{Reason, Transport};
use failback_wire::Event;

/// What a turn yields.
///
/// ```
/// use failback_client::Item;
/// use failback_wire::Event;
///
/// fn keep(events: &mut Vec<Event>, item: Item) {
///     match item {
///         Item::Event(event) => events.push(event),
///         Item::Restarted { discard } => events.truncate(events.len() - discard),
///         Item::Notice(notice) => eprintln!("{notice}"),
///     }
/// }
/// ```
///
/// Exhaustive on purpose: a caller that ignores `Restarted` shows output twice.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Item {
    /// An event of the response, as received.
    Event(Event),
    /// Another attempt begins, and sends the response from its beginning.
    Restarted {
        /// How many of the latest events to forget: all that were delivered since the turn began, or since
        /// the last `Restarted`.
        discard: usize,
    },
    /// The stream has moved to the other transport. This is for people and logs: the events go on as before.
    Notice(Notice),
}

/// A change of transport, and the reason for it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Notice {
    transport: Transport,
    reason: Reason,
    retry_in: Option<Duration>,
    text: String,
}

impl Notice {
    pub(crate) const fn new(
        transport: Transport,
        reason: Reason,
        retry_in: Option<Duration>,
        text: String,
    ) -> Self {
        Self { transport, reason, retry_in, text }
    }

    /// The transport from now on.
    #[must_use]
    pub const fn transport(&self) -> Transport {
        self.transport
    }

    /// Why the attempt was made over it.
    #[must_use]
    pub const fn reason(&self) -> Reason {
        self.reason
    }

    /// How long it takes until the next WebSocket attempt may be made. `None` if WebSocket is not in its
    /// cooldown.
    #[must_use]
    pub const fn retry_in(&self) -> Option<Duration> {
        self.retry_in
    }

    /// A sentence for people.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }
}

impl fmt::Display for Notice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}
