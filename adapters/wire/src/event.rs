use core::fmt;
use core::ops::Range;
use std::borrow::Cow;

use crate::flat;
use crate::json::{self, fields};
use crate::text::excerpt;
use crate::{Delta, Output, ServerError, Usage};

/// How deep an event may nest. The caller's parser may recurse, and `serde_json` has the same limit.
const MAX_DEPTH: usize = 128;
/// How many bytes the error shows of a text that is not an event.
const EXCERPT: usize = 80;
/// The last event of a response whose status says how it ended.
const DONE: &str = "response.done";

/// How many fields are read.
const FIELDS: usize = 10;

/// The fields that are read, and where each is put. A `match`, so that the compiler generates the comparison
/// of keys: events are small and many.
const fn place(key: &[u8]) -> Option<usize> {
    Some(match key {
        b"type" => 0,
        b"sequence_number" => 1,
        b"delta" => 2,
        b"response" => 3,
        b"response_id" => 4,
        b"item_id" => 5,
        b"item" => 6,
        b"error" => 7,
        b"detail" => 8,
        b"message" => 9,
        _ => return None,
    })
}

/// One event of a response, as the server sent it.
///
/// The same JSON object arrives as a text frame on a WebSocket and as the data of an event on SSE. Only what
/// a client has to know is read. The rest stays as received.
///
/// ```
/// use failback_wire::Event;
///
/// let event = Event::parse(r#"{"type":"response.output_text.delta","sequence_number":4,"delta":"Hi\n"}"#)?;
/// assert_eq!(event.kind(), "response.output_text.delta");
/// assert_eq!(event.text_delta().as_deref(), Some("Hi\n"));
/// assert!(event.is_output());
/// # Ok::<(), failback_wire::EventError>(())
/// ```
#[derive(Clone, PartialEq, Eq)]
pub struct Event {
    text: String,
    kind: Span,
    class: Class,
    sequence_number: Option<u64>,
    /// The place of the JSON of `delta` in the text.
    delta: Option<Range<usize>>,
    response_id: Option<Span>,
    item_id: Option<Span>,
    error: Option<Box<ServerError>>,
}

/// How a response ended.
///
/// Exhaustive on purpose: a driver must know what each of them means for its call.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Terminal {
    /// `response.completed` or `response.incomplete`, or `response.done` with neither of the statuses below:
    /// the response ended as it should.
    Completed,
    /// `response.failed` or `response.cancelled`, or `response.done` with such a status: the server ended the
    /// response; [`Event::error`] may say why.
    Ended,
    /// `error`, or an error in another shape: [`Event::error`] says what went wrong.
    Error,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Class {
    Lifecycle,
    /// A part of the response is announced, without any of its content.
    Announcement,
    TextDelta,
    /// Any other event of a response.
    Output,
    /// Not an event of a response: a server or a gateway tells about itself.
    Foreign,
    Terminal(Terminal),
}

/// A string of the event: its place in the text or, if its JSON has escapes, a copy without them.
#[derive(Clone, PartialEq, Eq)]
enum Span {
    At(Range<usize>),
    Owned(Box<str>),
}

impl Event {
    /// Reads an event from its JSON text.
    ///
    /// An error in another shape than the API's is also an event that ends the response: an object without a
    /// `type` but with an `error`, a `detail` or a `message`, or one whose `type` is the name of an error.
    ///
    /// # Errors
    ///
    /// [`EventError`] when the text is not a JSON object, has no `type` that is a string, or nests deeper
    /// than 128 levels.
    pub fn parse(text: impl Into<String>) -> Result<Self, EventError> {
        Self::parse_named(text.into(), None)
    }

    /// Reads the data of an SSE event with this name, which is used if the JSON has no `type`.
    pub(crate) fn parse_named(text: String, name: Option<&str>) -> Result<Self, EventError> {
        match Self::read(&text, name) {
            Ok(mut event) => {
                event.text = text;
                Ok(event)
            }
            Err(problem) => Err(EventError { problem, excerpt: excerpt(&text, EXCERPT) }),
        }
    }

    /// Reads all fields. The caller sets the text itself.
    fn read(text: &str, name: Option<&str>) -> Result<Self, Problem> {
        let found = match flat::find(text, place) {
            Some(found) => found,
            None => find_in_any(text)?,
        };
        let [kind, number, delta, response, response_id, item_id, item, error, detail, message] = found;

        let is_error = error.or(detail).or(message).is_some();
        let kind = kind.and_then(|kind| Span::of(text, kind));
        let is_typed = kind.is_some();
        let kind = match (kind, name) {
            (Some(kind), _) => kind,
            (None, Some(name)) if name.starts_with("response.") || !is_error => Span::Owned(name.into()),
            (None, _) if is_error => Span::Owned("error".into()),
            (None, _) => return Err(Problem::NoType),
        };
        let word = kind.get(text);
        let class = match Class::of(word) {
            // The type does not matter: it may be the type of the error.
            Class::Foreign if name == Some("error") => Class::Terminal(Terminal::Error),
            class => class,
        };

        let [id, status, error] = response
            .and_then(|response| fields(response, &["id", "status", "error"]).ok())
            .unwrap_or_default();
        let class = match status.and_then(json::text).as_deref() {
            Some("failed" | "cancelled") if word == DONE => Class::Terminal(Terminal::Ended),
            _ => class,
        };
        let error = match class {
            Class::Terminal(Terminal::Error) => {
                let mut error = ServerError::from_json(text);
                error.is_foreign = !is_typed || word != "error";
                Some(error)
            }
            Class::Terminal(Terminal::Ended) => error.map(ServerError::from_json),
            _ => None,
        };
        Ok(Self {
            text: String::new(),
            class,
            sequence_number: number.and_then(|number| number.trim_matches('"').parse().ok()),
            delta: delta
                .filter(|_| matches!(class, Class::TextDelta | Class::Output))
                .and_then(|delta| range(text, delta)),
            response_id: id.or(response_id).and_then(|id| Span::of(text, id)),
            item_id: item_id.and_then(|id| Span::of(text, id)).or_else(|| {
                let [id] = fields(item?, &["id"]).ok()?;
                Span::of(text, id?)
            }),
            error: error.map(Box::new),
            kind,
        })
    }

    /// Reads a whole response and makes the event of it that a server sends last. `None` if this JSON object
    /// is not a response, or one that is not over.
    pub(crate) fn of_whole_response(json: &str) -> Option<Self> {
        let [object, id, status, output, kind] =
            fields(json, &["object", "id", "status", "output", "type"]).ok()?;
        let is_response = match object.and_then(json::text) {
            Some(object) => object == "response",
            None => id.is_some() && output.is_some(),
        };
        let status = match status.map(json::text) {
            None => "completed".into(),
            Some(status) => status?,
        };
        let is_over = matches!(&*status, "completed" | "incomplete" | "failed" | "cancelled");
        if !is_response || !is_over || kind.is_some() {
            return None;
        }
        let head = format!(r#"{{"type":"response.{status}","sequence_number":0,"response":"#);
        let mut event = String::with_capacity(head.len().saturating_add(json.len()).saturating_add(1));
        for part in [&*head, json.trim(), "}"] {
            event.push_str(part);
        }
        Self::parse(event).ok()
    }

    /// An `error` event with this message.
    pub(crate) fn of_error(message: &str) -> Option<Self> {
        Self::parse(format!(r#"{{"type":"error","message":{}}}"#, serde_json::Value::from(message))).ok()
    }

    /// The event's `type`, such as `response.output_text.delta`.
    #[must_use]
    pub fn kind(&self) -> &str {
        self.kind.get(&self.text)
    }

    /// Its number in the response, from 0, if it has one.
    #[must_use]
    pub fn sequence_number(&self) -> Option<u64> {
        self.sequence_number
    }

    /// The JSON object as received.
    #[must_use]
    pub fn json(&self) -> &str {
        &self.text
    }

    /// The JSON object as received.
    #[must_use]
    pub fn into_json(self) -> String {
        self.text
    }

    /// Whether it carries output, so that a replay after its delivery could duplicate something. Every
    /// `response.*` event does, except `response.created`, `response.queued`, `response.in_progress`, and
    /// those that announce a part without its content, such as `response.output_item.added`. Events of other
    /// families carry none.
    #[must_use]
    pub fn is_output(&self) -> bool {
        matches!(
            self.class,
            Class::TextDelta | Class::Output | Class::Terminal(Terminal::Completed | Terminal::Ended)
        )
    }

    /// How the event ends the response, if it does.
    #[must_use]
    pub fn terminal(&self) -> Option<Terminal> {
        match self.class {
            Class::Terminal(terminal) => Some(terminal),
            _ => None,
        }
    }

    /// The text that a `response.output_text.delta` adds. Half a surrogate pair becomes U+FFFD.
    #[must_use]
    pub fn text_delta(&self) -> Option<Cow<'_, str>> {
        if self.class == Class::TextDelta { self.delta_text() } else { None }
    }

    /// What it adds to a part of the response: text, reasoning, a refusal, or the arguments of a tool.
    #[must_use]
    pub fn delta(&self) -> Option<Delta<'_>> {
        Delta::of(self.kind(), || self.delta_text())
    }

    fn delta_text(&self) -> Option<Cow<'_, str>> {
        json::text(self.text.get(self.delta.clone()?)?)
    }

    /// The JSON of the item that begins with a `response.output_item.added`.
    #[must_use]
    pub fn item_added(&self) -> Option<&str> {
        if self.announces_item() { self.field("item") } else { None }
    }

    /// The JSON of the item that is whole with a `response.output_item.done`.
    #[must_use]
    pub fn item_done(&self) -> Option<&str> {
        if self.kind() == "response.output_item.done" { self.field("item") } else { None }
    }

    /// The JSON of the response object, on the events that carry it: the first ones, and the last.
    #[must_use]
    pub fn response(&self) -> Option<&str> {
        if matches!(self.class, Class::Lifecycle | Class::Terminal(_)) {
            self.field("response")
        } else {
            None
        }
    }

    /// How many tokens the response took, on the event that ends it.
    #[must_use]
    pub fn usage(&self) -> Option<Usage> {
        let [usage] = fields(self.response()?, &["usage"]).ok()?;
        Usage::from_json(usage?)
    }

    /// What the response consists of, on the event that ends it. `None` where the server leaves that out.
    #[must_use]
    pub fn output(&self) -> Option<Output> {
        let [output] = fields(self.response()?, &["output"]).ok()?;
        Output::from_json(output?)
    }

    /// The status of the response on the event that ends it: `completed`, `incomplete`, `failed` or
    /// `cancelled`. Taken from the response object, or from the type of the event; empty on other events.
    #[must_use]
    pub fn response_status(&self) -> &str {
        let told = self.response().and_then(|response| fields(response, &["status"]).ok());
        match (told.and_then(|[status]| json::plain(status?)), self.class) {
            (Some(status), Class::Terminal(_)) => status,
            (None, Class::Terminal(Terminal::Completed)) if self.kind() == DONE => "completed",
            (None, Class::Terminal(Terminal::Error)) => "failed",
            (None, Class::Terminal(_)) => self.kind().trim_start_matches("response."),
            _ => "",
        }
    }

    /// Why the response is incomplete, such as `max_output_tokens`, on the event that ends it.
    #[must_use]
    pub fn incomplete_reason(&self) -> Option<String> {
        let [details] = fields(self.response()?, &["incomplete_details"]).ok()?;
        let [reason] = fields(details?, &["reason"]).ok()?;
        json::text(reason?).map(Cow::into_owned)
    }

    fn field(&self, name: &str) -> Option<&str> {
        let [field] = fields(&self.text, &[name]).ok()?;
        field
    }

    /// The id of the response, on the events that carry the response object or a `response_id`.
    #[must_use]
    pub fn response_id(&self) -> Option<&str> {
        self.response_id.as_ref().map(|id| id.get(&self.text))
    }

    /// The id of the item that the event is about: its `item_id`, or the id of its `item`.
    #[must_use]
    pub fn item_id(&self) -> Option<&str> {
        self.item_id.as_ref().map(|id| id.get(&self.text))
    }

    /// Whether its `type` begins with `response.`, so that it belongs to a response.
    pub(crate) fn is_of_response(&self) -> bool {
        self.kind().starts_with("response.")
    }

    /// Whether a response may begin with it.
    pub(crate) fn begins_response(&self) -> bool {
        self.class == Class::Lifecycle
    }

    /// Whether it announces an item.
    pub(crate) fn announces_item(&self) -> bool {
        self.kind() == "response.output_item.added"
    }

    /// The error of an `error` event, or of a `response.failed` that has one.
    #[must_use]
    pub fn error(&self) -> Option<&ServerError> {
        self.error.as_deref()
    }
}

impl fmt::Debug for Event {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Event").field(&self.text).finish()
    }
}

impl Class {
    fn of(kind: &str) -> Self {
        match kind {
            "response.output_text.delta" => Self::TextDelta,
            "response.created" | "response.queued" | "response.in_progress" => Self::Lifecycle,
            "response.completed" | "response.incomplete" | DONE => Self::Terminal(Terminal::Completed),
            "response.failed" | "response.cancelled" => Self::Terminal(Terminal::Ended),
            "error" | "response.error" => Self::Terminal(Terminal::Error),
            _ => match kind.strip_prefix("response.") {
                // The `added` event of an annotation carries the whole annotation.
                Some(part) if part.ends_with(".added") && !part.ends_with("annotation.added") => {
                    Self::Announcement
                }
                Some(_) => Self::Output,
                None if is_name_of_error(kind) => Self::Terminal(Terminal::Error),
                None => Self::Foreign,
            },
        }
    }
}

/// Whether this is the type of an error, such as `server_error` or `BadRequestError`, in the place of the
/// type of an event.
fn is_name_of_error(kind: &str) -> bool {
    let end = kind.len().saturating_sub("error".len());
    kind.get(end..).is_some_and(|end| end.eq_ignore_ascii_case("error"))
}

impl Span {
    /// The string that `json`, a part of `text`, stands for. `None` if it is not a string.
    fn of(text: &str, json: &str) -> Option<Self> {
        match json::plain(json) {
            Some(string) => range(text, string).map(Self::At),
            None => json::unescape(json).map(|string| Self::Owned(string.into())),
        }
    }

    fn get<'a>(&'a self, text: &'a str) -> &'a str {
        match self {
            Self::At(range) => text.get(range.clone()).unwrap_or_default(),
            Self::Owned(text) => text,
        }
    }
}

/// The fields of an object that may not be flat.
fn find_in_any(text: &str) -> Result<[Option<&str>; FIELDS], Problem> {
    // Checked first, because serde's error for other JSON than an object would be hard to understand.
    if !text.trim_start_matches([' ', '\t', '\r', '\n']).starts_with('{') {
        return Err(Problem::NotAnObject);
    }
    if is_too_deep(text) {
        return Err(Problem::TooDeep);
    }
    json::find(text, place).map_err(Problem::json)
}

/// The place of `part` in `text`, from which it was borrowed.
fn range(text: &str, part: &str) -> Option<Range<usize>> {
    let start = (part.as_ptr() as usize).checked_sub(text.as_ptr() as usize)?;
    let end = start.checked_add(part.len())?;
    (end <= text.len()).then_some(start..end)
}

/// Whether brackets nest deeper than [`MAX_DEPTH`]. Most events have too few brackets for that, so they are
/// only counted.
fn is_too_deep(text: &str) -> bool {
    if brackets(text) <= MAX_DEPTH {
        return false;
    }
    let (mut depth, mut in_string, mut escaped) = (0_usize, false, false);
    for byte in text.bytes() {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if in_string => escaped = true,
            b'"' => in_string = !in_string,
            _ if in_string => {}
            b'{' | b'[' => {
                depth = depth.saturating_add(1);
                if depth > MAX_DEPTH {
                    return true;
                }
            }
            b'}' | b']' => depth = depth.saturating_sub(1),
            _ => {}
        }
    }
    false
}

/// How many brackets are opened, including those in strings. Counted in blocks, which compilers turn into
/// vector code.
fn brackets(text: &str) -> usize {
    // A block is so short that a byte can count its brackets.
    let blocks = text.as_bytes().chunks(usize::from(u8::MAX));
    // `[` and `{` differ in one bit.
    let is_one = |byte: &u8| u8::from(byte | 0x20 == b'{');
    let counts = blocks.map(|block| block.iter().map(is_one).fold(0, u8::wrapping_add));
    counts.map(usize::from).sum()
}

/// Why a text is not an event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EventError {
    problem: Problem,
    excerpt: String,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Problem {
    NotAnObject,
    NoType,
    TooDeep,
    Json(String),
}

impl Problem {
    fn json(error: serde_json::Error) -> Self {
        // The text of serde's error may quote a value of any length.
        Self::Json(excerpt(&error.to_string(), 2 * EXCERPT))
    }
}

impl fmt::Display for EventError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.problem {
            Problem::NotAnObject => f.write_str("an event must be a JSON object")?,
            Problem::NoType => f.write_str("an event must have a `type` that is a string")?,
            Problem::TooDeep => write!(f, "an event must not nest deeper than {MAX_DEPTH} levels")?,
            Problem::Json(error) => write!(f, "an event must be valid JSON: {error}")?,
        }
        write!(f, "; received `{}`", self.excerpt)
    }
}

impl std::error::Error for EventError {}
