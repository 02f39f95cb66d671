use std::fmt;

use failback::Transport;
use failback_wire::{Delta, Event, Output, ResponseHeaders, ServerError, ToolCall, Usage};

use crate::error::{Error, ErrorKind};
use crate::{Item, Progress};

/// A response as a whole: what is left when its stream has ended.
///
/// It may be one that the server ended without completing it; [`status`](Self::status) says so.
#[derive(Clone, PartialEq)]
pub struct Response {
    output: Output,
    last: Option<Event>,
    transport: Option<Transport>,
    attempts: u32,
    headers: Option<ResponseHeaders>,
}

impl Response {
    /// The text of the answer.
    #[must_use]
    pub fn text(&self) -> &str {
        self.output.text()
    }

    /// Why the model does not answer; empty if it does.
    #[must_use]
    pub fn refusal(&self) -> &str {
        self.output.refusal()
    }

    /// The summary of the reasoning, its parts a blank line apart; empty if there is none.
    #[must_use]
    pub fn reasoning_summary(&self) -> &str {
        self.output.reasoning_summary()
    }

    /// The tools that the model wants to be called, in order.
    #[must_use]
    pub fn tool_calls(&self) -> &[ToolCall] {
        self.output.tool_calls()
    }

    /// How many tokens it took, if the server says so.
    #[must_use]
    pub fn usage(&self) -> Option<Usage> {
        self.last.as_ref()?.usage()
    }

    /// Its id, which the next request may continue from.
    #[must_use]
    pub fn id(&self) -> Option<&str> {
        self.last.as_ref()?.response_id()
    }

    /// How it ended: `completed`, `incomplete`, `failed` or `cancelled`. It is `cancelled` too if the stream
    /// was cancelled, or had been read to its end before.
    #[must_use]
    pub fn status(&self) -> &str {
        self.last.as_ref().map_or("cancelled", Event::response_status)
    }

    /// Why it is incomplete, such as `max_output_tokens`.
    #[must_use]
    pub fn incomplete_reason(&self) -> Option<String> {
        self.last.as_ref()?.incomplete_reason()
    }

    /// What went wrong, if the server says so: of a response that failed.
    #[must_use]
    pub fn error(&self) -> Option<&ServerError> {
        self.last.as_ref()?.error()
    }

    /// Which transport carried it. `None` if no attempt began.
    #[must_use]
    pub fn transport(&self) -> Option<Transport> {
        self.transport
    }

    /// How many attempts that took.
    #[must_use]
    pub fn attempts(&self) -> u32 {
        self.attempts
    }

    /// The headers of the answer that brought it: over SSE of the answer to the POST, over WebSocket of the
    /// one to the handshake, which an earlier turn may have made. `None` if there was none.
    #[must_use]
    pub fn response_headers(&self) -> Option<&ResponseHeaders> {
        self.headers.as_ref()
    }

    /// The JSON of the response object, as the server sent it with the last event; that of the event, if it
    /// has none. `None` without a last event.
    #[must_use]
    pub fn json(&self) -> Option<&str> {
        let last = self.last.as_ref()?;
        Some(last.response().unwrap_or(last.json()))
    }
}

impl fmt::Debug for Response {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Response")
            .field("id", &self.id())
            .field("status", &self.status())
            .field("transport", &self.transport)
            .field("attempts", &self.attempts)
            .field("output", &self.output)
            .finish_non_exhaustive()
    }
}

/// Makes one [`Response`] of the items of a turn.
///
/// Servers tell the output up to three times: in deltas, in items that are done, and in the response object
/// of the last event. The last one counts, but some servers leave its `output` empty: then the items count,
/// and where there is none of them either, the deltas of the text.
#[derive(Clone, Debug)]
pub struct Collector {
    items: Output,
    text: String,
    last: Option<Event>,
    /// How many bytes of output it has.
    size: usize,
    limit: usize,
}

impl Collector {
    /// A collector that has seen nothing, and takes at most `limit` bytes of output:
    /// [`max_message_bytes`](failback_wire::Limits::max_message_bytes), as the last event of a response has
    /// all of its output again. Deltas of text count with their text, and items that are done with their
    /// event, so text counts twice where a server tells it twice.
    #[must_use]
    pub fn with_limit(limit: usize) -> Self {
        Self { limit, items: Output::default(), text: String::new(), last: None, size: 0 }
    }

    /// The turn has yielded this.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::ResponseTooLarge`]. Then the turn is to be dropped.
    pub fn handle_item(&mut self, item: Item) -> Result<(), Error> {
        match item {
            Item::Event(event) => self.handle_event(event),
            // All of them.
            Item::Restarted { .. } => *self = Self::with_limit(self.limit),
            Item::Notice(_) => {}
        }
        if self.size > self.limit {
            return Err(Error::new(ErrorKind::ResponseTooLarge { limit: self.limit }, true, Vec::new()));
        }
        Ok(())
    }

    fn handle_event(&mut self, event: Event) {
        if event.terminal().is_some() {
            self.last = Some(event);
        } else if let Some(item) = event.item_done() {
            self.items.add_item(item);
            self.size = self.size.saturating_add(event.json().len());
        } else if let Some(Delta::Text(text)) = event.delta() {
            self.size = self.size.saturating_add(text.len());
            self.text.push_str(&text);
        }
    }

    /// The turn is over, and this is how far it had come.
    #[must_use]
    pub fn finish(self, progress: &Progress) -> Response {
        let Self { items, text, last, .. } = self;
        let output = last.as_ref().and_then(Event::output);
        let output = output.unwrap_or_else(|| if items.is_empty() { Output::of_text(text) } else { items });
        Response {
            output,
            last,
            transport: progress.transport(),
            attempts: progress.attempts(),
            headers: progress.response_headers(),
        }
    }
}
