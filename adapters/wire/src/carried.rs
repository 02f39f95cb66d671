use std::collections::VecDeque;

use crate::{Event, Terminal};

/// How many items of one response are remembered. Responses have a few. The limit bounds the memory that a
/// server can take.
const ITEMS: usize = 256;

/// The longest id that is remembered. Ids are some 50 bytes long. A longer one is ignored.
const MAX_ID: usize = 512;

/// Which response an event on a WebSocket belongs to.
///
/// One WebSocket carries one response after another, and some servers send an event of a response after the
/// event that ended it. The driver asks [`sort`](Self::sort) about each event that arrives, so that a late
/// event is not delivered in the next turn and does not end it.
///
/// A response is known by the id of its response object and by the ids of its items. An event with such an id
/// of an earlier response is late. But most events have no response id. So on a reused socket the first event
/// of the `response.*` family must be one that begins a response, or an `error`, as nothing of a response
/// comes before its `response.created`. Any other was left over by an earlier response, and more of them may
/// follow.
///
/// ```
/// use failback_wire::{Carried, Event, Owner};
///
/// let event = |json: &str| Event::parse(json);
/// let mut carried = Carried::new();
/// carried.begin();
/// let created = event(r#"{"type":"response.created","response":{"id":"resp_1"}}"#)?;
/// let completed = event(r#"{"type":"response.completed","response":{"id":"resp_1"}}"#)?;
/// assert_eq!((carried.sort(&created), carried.sort(&completed)), (Owner::Current, Owner::Current));
///
/// carried.begin();
/// assert_eq!(carried.sort(&completed), Owner::LeftOver);
/// # Ok::<(), failback_wire::EventError>(())
/// ```
#[derive(Clone, Debug, Default)]
pub struct Carried {
    /// How many requests were sent on this connection.
    requests: u64,
    current: Ids,
    earlier: Ids,
    /// Whether an event of the `response.*` family has come since the request.
    begun: bool,
    /// Whether a response changed its id in the middle, as behind a gateway that rewrites ids. Then an
    /// unknown id is no evidence of another response.
    ids_change: bool,
}

/// Which response an event belongs to.
///
/// Exhaustive on purpose: a driver must obey each of these.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Owner {
    /// To the response that was asked for last, as far as can be told.
    Current,
    /// To an earlier response: do not deliver it. Events of the current one may follow.
    Earlier,
    /// To an earlier response, before anything of the current one has come: close the connection.
    LeftOver,
}

/// What is known of one response.
#[derive(Clone, Debug, Default)]
struct Ids {
    responses: VecDeque<Box<str>>,
    items: VecDeque<Box<str>>,
}

impl Carried {
    /// Begins to watch a new connection.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// A request is about to be sent. The events that follow should be of its response.
    pub fn begin(&mut self) {
        self.requests = self.requests.saturating_add(1);
        self.begun = false;
        let current = core::mem::take(&mut self.current);
        // If nothing came of the last response, the one before it is still remembered.
        if !current.responses.is_empty() || !current.items.is_empty() {
            self.earlier = current;
        }
    }

    /// Says which response this event belongs to, and remembers the ids of the current one.
    pub fn sort(&mut self, event: &Event) -> Owner {
        if self.requests > 1 {
            if !self.begun && event.is_of_response() && !event.begins_response() {
                return Owner::LeftOver;
            }
            if self.is_earlier(event) {
                return if self.begun { Owner::Earlier } else { Owner::LeftOver };
            }
        }
        self.begun |= event.is_of_response() || event.terminal() == Some(Terminal::Error);
        if let Some(id) = event.response_id() {
            self.ids_change |= self.current.responses.back().is_some_and(|known| **known != *id);
            remember(&mut self.current.responses, id);
        }
        if let Some(id) = event.item_id() {
            remember(&mut self.current.items, id);
        }
        Owner::Current
    }

    fn is_earlier(&self, event: &Event) -> bool {
        if let Some(id) = event.response_id() {
            let is_ours = self.current.responses.iter().any(|known| **known == *id);
            let is_another = !self.current.responses.is_empty() && !self.ids_change;
            if !is_ours && (is_another || self.earlier.responses.iter().any(|known| **known == *id)) {
                return true;
            }
        }
        event.item_id().is_some_and(|id| {
            // Some servers give the items of every response the same ids. If the current response has
            // announced this item, it is its own. Most events are of the item that came last.
            !self.current.items.iter().rev().any(|known| **known == *id)
                && self.earlier.items.iter().any(|known| **known == *id)
                && !event.announces_item()
        })
    }
}

fn remember(ids: &mut VecDeque<Box<str>>, id: &str) {
    // Events of one item come one after another.
    let is_known = ids.back().is_some_and(|known| **known == *id) || ids.iter().any(|known| **known == *id);
    if is_known || id.len() > MAX_ID {
        return;
    }
    if ids.len() >= ITEMS {
        ids.pop_front();
    }
    ids.push_back(id.into());
}

#[cfg(test)]
mod tests {
    use super::*;

    fn event(json: &str) -> Event {
        Event::parse(json).expect("an event")
    }

    fn whole(kind: &str, id: &str) -> Event {
        event(&format!(r#"{{"type":"response.{kind}","response":{{"id":"{id}"}}}}"#))
    }

    fn delta(item: &str) -> Event {
        event(&format!(r#"{{"type":"response.output_text.delta","item_id":"{item}","delta":"x"}}"#))
    }

    fn added(item: &str) -> Event {
        event(&format!(r#"{{"type":"response.output_item.added","item":{{"id":"{item}"}}}}"#))
    }

    /// A connection that has carried `resp_1` with the item `msg_1`, and has been asked for another response.
    fn reused() -> Carried {
        let mut carried = Carried::new();
        carried.begin();
        for event in
            [whole("created", "resp_1"), added("msg_1"), delta("msg_1"), whole("completed", "resp_1")]
        {
            assert_eq!(carried.sort(&event), Owner::Current, "{event:?}");
        }
        carried.begin();
        carried
    }

    #[test]
    fn on_a_fresh_connection_everything_is_the_response() {
        let mut carried = Carried::new();
        carried.begin();
        for event in [delta("a"), whole("completed", "b"), whole("created", "c"), delta("a")] {
            assert_eq!(carried.sort(&event), Owner::Current, "{event:?}");
        }
    }

    #[test]
    fn what_comes_before_the_beginning_was_left_over() {
        for late in [
            delta("msg_1"),
            delta("msg_9"),
            event(r#"{"type":"response.output_text.delta","delta":"no id"}"#),
            whole("completed", "resp_1"),
            whole("failed", "resp_8"),
            whole("in_progress", "resp_1"),
            added("msg_1"),
        ] {
            assert_eq!(reused().sort(&late), Owner::LeftOver, "{late:?}");
        }
    }

    #[test]
    fn what_comes_after_the_beginning_is_told_by_its_id() {
        let mut carried = reused();
        assert_eq!(carried.sort(&whole("created", "resp_2")), Owner::Current);
        assert_eq!(carried.sort(&delta("msg_1")), Owner::Earlier);
        assert_eq!(carried.sort(&whole("completed", "resp_1")), Owner::Earlier);
        assert_eq!(carried.sort(&whole("failed", "resp_0")), Owner::Earlier, "an id that was never seen");
        assert_eq!(carried.sort(&added("msg_2")), Owner::Current);
        assert_eq!(carried.sort(&delta("msg_2")), Owner::Current);
        assert_eq!(carried.sort(&delta("never announced")), Owner::Current);
        assert_eq!(carried.sort(&whole("completed", "resp_2")), Owner::Current);
    }

    #[test]
    fn events_of_other_families_begin_nothing() {
        let mut carried = reused();
        assert_eq!(carried.sort(&event(r#"{"type":"codex.rate_limits"}"#)), Owner::Current);
        assert_eq!(carried.sort(&delta("msg_2")), Owner::LeftOver);
    }

    #[test]
    fn an_error_may_come_first() {
        let mut carried = reused();
        assert_eq!(carried.sort(&event(r#"{"type":"error","error":{"code":"busy"}}"#)), Owner::Current);
        carried.begin();
        assert_eq!(carried.sort(&whole("failed", "resp_2")), Owner::LeftOver);
        // What is known of the response before the one that only failed is still known.
        let mut carried = reused();
        assert_eq!(carried.sort(&event(r#"{"type":"error","error":{"code":"busy"}}"#)), Owner::Current);
        carried.begin();
        assert_eq!(carried.sort(&whole("created", "resp_3")), Owner::Current);
        assert_eq!(carried.sort(&delta("msg_1")), Owner::Earlier);
    }

    #[test]
    fn items_that_every_response_numbers_alike_are_its_own_once_announced() {
        let mut carried = reused();
        assert_eq!(carried.sort(&whole("created", "resp_2")), Owner::Current);
        assert_eq!(carried.sort(&added("msg_1")), Owner::Current);
        assert_eq!(carried.sort(&delta("msg_1")), Owner::Current);
    }

    #[test]
    fn where_ids_change_within_a_response_only_known_ones_are_late() {
        let mut carried = Carried::new();
        carried.begin();
        assert_eq!(carried.sort(&whole("created", "a1")), Owner::Current);
        assert_eq!(carried.sort(&whole("completed", "b1")), Owner::Current);
        carried.begin();
        assert_eq!(carried.sort(&whole("created", "a2")), Owner::Current);
        assert_eq!(carried.sort(&whole("completed", "b1")), Owner::Earlier);
        assert_eq!(carried.sort(&whole("completed", "b2")), Owner::Current);
    }

    #[test]
    fn memory_is_bounded() {
        let mut carried = Carried::new();
        carried.begin();
        for number in 0..10 * ITEMS {
            let _ = carried.sort(&added(&format!("msg_{number}")));
        }
        let _ = carried.sort(&added(&"x".repeat(MAX_ID + 1)));
        assert_eq!(carried.current.items.len(), ITEMS);
        assert_eq!(carried.current.items.back().map(|id| &**id), Some("msg_2559"));
    }
}
