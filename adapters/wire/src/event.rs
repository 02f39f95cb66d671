use core::fmt;
use core::ops::Range;
use std::borrow::Cow;

use serde::Deserialize;
use serde::de::{self, Deserializer as _};
use serde_json::Value;
use serde_json::value::RawValue;

use crate::ServerError;
use crate::text::excerpt;

/// How deep an event may nest. What reads it after us may recurse, and `serde_json` stops here too.
const MAX_DEPTH: usize = 128;
/// How much of a text that is no event its error shows.
const EXCERPT: usize = 80;

/// One event of a response, as the server sent it.
///
/// The same JSON object arrives as a text frame on a WebSocket and as the data of an event on SSE. Only what the
/// transport has to know is read; the rest stays as received.
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
    /// Where the JSON of `delta` is.
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
    /// `response.completed` or `response.incomplete`: the stream did all it was asked to.
    Completed,
    /// `response.failed` or `response.cancelled`: the server ended the response; [`Event::error`] may say why.
    Ended,
    /// `error`: [`Event::error`] says what went wrong.
    Error,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Class {
    Lifecycle,
    TextDelta,
    Other,
    Terminal(Terminal),
}

/// A string of the event: where it stands, or itself when its JSON has escapes.
#[derive(Clone, PartialEq, Eq)]
enum Span {
    At(Range<usize>),
    Owned(Box<str>),
}

#[derive(Deserialize)]
struct Head<'a> {
    #[serde(borrow, rename = "type")]
    kind: Option<&'a RawValue>,
    sequence_number: Option<u64>,
    #[serde(borrow)]
    delta: Option<&'a RawValue>,
    #[serde(borrow)]
    response: Option<&'a RawValue>,
    #[serde(borrow)]
    item_id: Option<&'a RawValue>,
    #[serde(borrow)]
    item: Option<&'a RawValue>,
}

#[derive(Deserialize)]
struct Response<'a> {
    #[serde(borrow)]
    id: Option<&'a RawValue>,
    #[serde(borrow)]
    error: Option<&'a RawValue>,
}

#[derive(Deserialize)]
struct Identified<'a> {
    #[serde(borrow)]
    id: Option<&'a RawValue>,
}

impl Event {
    /// Reads an event from its JSON text.
    ///
    /// # Errors
    ///
    /// [`EventError`] when the text is not a JSON object, has no `type` or one that is not a string, a
    /// `sequence_number` that is not an unsigned 64-bit number, one of the fields that are read twice, or nests deeper
    /// than 128 levels.
    pub fn parse(text: impl Into<String>) -> Result<Self, EventError> {
        let text = text.into();
        match Self::read(&text) {
            Ok(mut event) => {
                event.text = text;
                Ok(event)
            }
            Err(problem) => Err(EventError { problem, excerpt: excerpt(&text, EXCERPT) }),
        }
    }

    /// Everything but the text itself.
    fn read(text: &str) -> Result<Self, Problem> {
        // A JSON array would do for a struct, too.
        if !text.trim_start_matches([' ', '\t', '\r', '\n']).starts_with('{') {
            return Err(Problem::NotAnObject);
        }
        if is_too_deep(text) {
            return Err(Problem::TooDeep);
        }
        let head: Head<'_> = serde_json::from_str(text).map_err(Problem::json)?;
        let kind = head.kind.and_then(|kind| Span::of(text, kind)).ok_or(Problem::NoType)?;
        let class = Class::of(kind.get(text));
        let response = match (class, head.response) {
            (Class::Lifecycle | Class::Terminal(_), Some(response)) => {
                serde_json::from_str::<Option<Response<'_>>>(response.get()).ok().flatten()
            }
            _ => None,
        };
        let error = match class {
            Class::Terminal(Terminal::Error) => Some(text),
            Class::Terminal(Terminal::Ended) => {
                response.as_ref().and_then(|response| response.error).map(RawValue::get)
            }
            _ => None,
        };
        let error = error.map(serde_json::from_str::<Value>).transpose().map_err(Problem::json)?;
        Ok(Self {
            text: String::new(),
            class,
            sequence_number: head.sequence_number,
            delta: head
                .delta
                .filter(|_| class == Class::TextDelta)
                .and_then(|delta| range(text, delta.get())),
            response_id: response.and_then(|response| Span::of(text, response.id?)),
            item_id: head.item_id.and_then(|id| Span::of(text, id)).or_else(|| {
                let item = serde_json::from_str::<Option<Identified<'_>>>(head.item?.get());
                Span::of(text, item.ok()??.id?)
            }),
            error: error.map(|error| Box::new(ServerError::from_value(&error))),
            kind,
        })
    }

    /// Its `type`, such as `response.output_text.delta`.
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

    /// Whether it carries output, so that replaying the call once it was delivered could duplicate something: any
    /// event but `response.created`, `response.queued`, `response.in_progress` and `error`.
    #[must_use]
    pub fn is_output(&self) -> bool {
        !matches!(self.class, Class::Lifecycle | Class::Terminal(Terminal::Error))
    }

    /// How it ends the response, if it does.
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
        let json = self.text.get(self.delta.clone()?)?;
        match plain(json) {
            Some(text) => Some(Cow::Borrowed(text)),
            None => unescape(json).map(Cow::Owned),
        }
    }

    /// The id of the response, on the events that carry the whole response object.
    #[must_use]
    pub fn response_id(&self) -> Option<&str> {
        self.response_id.as_ref().map(|id| id.get(&self.text))
    }

    /// The id of the item that it is about: its `item_id`, or the id of its `item`.
    #[must_use]
    pub fn item_id(&self) -> Option<&str> {
        self.item_id.as_ref().map(|id| id.get(&self.text))
    }

    /// Whether its `type` is of the family `response.*`: part of a response, and not a server's or gateway's own.
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
            "response.completed" | "response.incomplete" => Self::Terminal(Terminal::Completed),
            "response.failed" | "response.cancelled" => Self::Terminal(Terminal::Ended),
            "error" => Self::Terminal(Terminal::Error),
            _ => Self::Other,
        }
    }
}

impl Span {
    /// The string that `json`, a part of `text`, stands for; none if it is not a string.
    fn of(text: &str, json: &RawValue) -> Option<Self> {
        match plain(json.get()) {
            Some(string) => range(text, string).map(Self::At),
            None => unescape(json.get()).map(|string| Self::Owned(string.into())),
        }
    }

    fn get<'a>(&'a self, text: &'a str) -> &'a str {
        match self {
            Self::At(range) => text.get(range.clone()).unwrap_or_default(),
            Self::Owned(text) => text,
        }
    }
}

/// Where `part`, which was borrowed from `text`, stands in it.
fn range(text: &str, part: &str) -> Option<Range<usize>> {
    let start = (part.as_ptr() as usize).checked_sub(text.as_ptr() as usize)?;
    let end = start.checked_add(part.len())?;
    (end <= text.len()).then_some(start..end)
}

/// The inside of a JSON string that has no escapes.
fn plain(json: &str) -> Option<&str> {
    let inside = json.strip_prefix('"')?.strip_suffix('"')?;
    (!inside.contains('\\')).then_some(inside)
}

/// A JSON string with escapes, if it is a string at all. Bytes let half a surrogate pair through, where text fails.
fn unescape(json: &str) -> Option<String> {
    struct Bytes;

    impl de::Visitor<'_> for Bytes {
        type Value = String;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("a string")
        }

        fn visit_str<E: de::Error>(self, text: &str) -> Result<String, E> {
            Ok(text.to_owned())
        }

        fn visit_bytes<E: de::Error>(self, bytes: &[u8]) -> Result<String, E> {
            Ok(String::from_utf8_lossy(bytes).into_owned())
        }
    }

    if !json.starts_with('"') {
        return None;
    }
    serde_json::Deserializer::from_str(json).deserialize_bytes(Bytes).ok()
}

/// Whether brackets nest deeper than [`MAX_DEPTH`]. Few events have so many that it takes more than counting them.
fn is_too_deep(text: &str) -> bool {
    if text.bytes().filter(|byte| matches!(byte, b'{' | b'[')).count() <= MAX_DEPTH {
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
        // Its text may quote a value of any length.
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
