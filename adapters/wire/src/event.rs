use core::fmt;
use std::borrow::Cow;

use crate::flat::{self, Found, Known};
use crate::json::{self, fields};
use crate::span::Span;
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

/// The places of the fields whose form decides how an event is read.
const TYPE: usize = 0;
const DELTA: usize = 2;
const RESPONSE_ID: usize = 4;
const ITEM_ID: usize = 5;

/// Makes the comparisons with the names of fields, each of which has a place. Those of one line have the same
/// first letter, so that most of them need not be looked at: events are small and many.
macro_rules! fields {
    ($($first:literal: $($name:literal => $place:expr),+;)+) => {
        /// The field with whose name, and the quote after it, the bytes begin.
        fn known(bytes: &[u8]) -> Option<Known> {
            match bytes.first()? {
                $($first => {
                    $(if bytes.starts_with(concat!($name, "\"").as_bytes()) {
                        return Some(Known { place: $place, len: $name.len() });
                    })+
                    None
                })+
                _ => None,
            }
        }

        /// Where the field of this name is put.
        fn place(key: &[u8]) -> Option<usize> {
            $($(if key == $name.as_bytes() {
                return Some($place);
            })+)+
            None
        }
    };
}

fields! {
    b't': "type" => TYPE;
    b's': "sequence_number" => 1;
    b'd': "delta" => DELTA, "detail" => 8;
    b'r': "response" => 3, "response_id" => RESPONSE_ID;
    b'i': "item_id" => ITEM_ID, "item" => 6;
    b'e': "error" => 7;
    b'm': "message" => 9;
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
    // Small, as an event passes through many hands.
    text: Box<str>,
    /// The inside of the string.
    kind: Span,
    /// Its JSON.
    sequence_number: Span,
    /// Its JSON, if it is a string. The inside of that, if it has no escapes and is not empty.
    delta: Span,
    /// The inside of the string.
    response_id: Span,
    /// The inside of the string.
    item_id: Span,
    class: Class,
    /// What few events have.
    rare: Option<Box<Rare>>,
}

/// What cannot be borrowed from the text of an event, and has to be kept beside it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Rare {
    /// The `type`, if its JSON has escapes or it is not in the JSON.
    kind: Option<Box<str>>,
    /// The id of the response, if its JSON has escapes.
    response_id: Option<Box<str>>,
    /// The id of the item, if its JSON has escapes.
    item_id: Option<Box<str>>,
    error: Option<ServerError>,
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

// As wide as a register: to move an event takes longer if a part of it is copied byte by byte.
#[repr(u64)]
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
    /// These three end the response, as [`Terminal`] says.
    Completed,
    Ended,
    Error,
}

impl Event {
    /// Reads an event from its JSON text.
    ///
    /// An error in another shape than the API's is also an event that ends the response: an object without a
    /// `type` but with an `error`, a `detail` or a `message`, or one whose `type` is the name of an error.
    ///
    /// # Errors
    ///
    /// [`EventError`] when the text is not a JSON object, is no such error and has no `type` that is a
    /// string, nests deeper than 128 levels, or is longer than 4 GiB.
    pub fn parse(text: impl Into<String>) -> Result<Self, EventError> {
        Self::parse_named(text.into(), None)
    }

    /// Reads the data of an SSE event with this name, which is used if the JSON has no `type`.
    pub(crate) fn parse_named(text: String, name: Option<&str>) -> Result<Self, EventError> {
        match Self::read(&text, name) {
            Ok(mut event) => {
                event.text = text.into_boxed_str();
                Ok(event)
            }
            Err(problem) => Err(EventError { problem, excerpt: excerpt(&text, EXCERPT) }),
        }
    }

    /// Reads all fields. The caller sets the text itself.
    fn read(text: &str, name: Option<&str>) -> Result<Self, Problem> {
        if u32::try_from(text.len()).is_err() {
            return Err(Problem::TooLong);
        }
        match flat::find(text, known) {
            Some(found) => match Self::of_plain(text, &found) {
                Some(event) => Ok(event),
                None => Self::of_fields(
                    text,
                    name,
                    found.values(text),
                    std::array::from_fn(|place| found.is_plain(place)),
                ),
            },
            None => Self::of_fields(text, name, find_in_any(text)?, [false; FIELDS]),
        }
    }

    /// The event of a flat object, if that does nothing but add to the response, and the strings that name
    /// things have no escapes: nearly every event. The others are left to [`of_fields`](Self::of_fields).
    fn of_plain(text: &str, found: &Found<FIELDS>) -> Option<Self> {
        let [kind, number, delta, response, response_id, item_id, item, error, detail, message] =
            found.fields;
        if ![response, item, error, detail, message].into_iter().all(Span::is_none) {
            return None;
        }
        let plain = |place, span: Span| match span.inside() {
            inside @ Some(_) if found.is_plain(place) => inside,
            _ if span.is_none() => Some(span),
            _ => None,
        };
        let kind = plain(TYPE, kind)?;
        let class = Class::of(kind.get(text)?);
        let delta = match class {
            Class::Announcement => Span::default(),
            Class::TextDelta | Class::Output => match delta.inside() {
                Some(inside) if found.is_plain(DELTA) => inside,
                _ => Some(delta).filter(|delta| delta.begins_with(text, b'"')).unwrap_or_default(),
            },
            _ => return None,
        };
        Some(Self {
            text: Box::default(),
            kind,
            sequence_number: number,
            delta,
            response_id: plain(RESPONSE_ID, response_id)?,
            item_id: plain(ITEM_ID, item_id)?,
            class,
            rare: None,
        })
    }

    /// The event of an object with these fields.
    fn of_fields(
        text: &str,
        name: Option<&str>,
        fields: [Option<&str>; FIELDS],
        is_plain: [bool; FIELDS],
    ) -> Result<Self, Problem> {
        let [kind, number, delta, response, response_id, item_id, item, error, detail, message] = fields;
        let [kind_is_plain, _, delta_is_plain, _, _, item_id_is_plain, ..] = is_plain;

        let is_error = error.or(detail).or(message).is_some();
        let kind = kind.and_then(|kind| Word::of(text, kind, kind_is_plain));
        let is_typed = kind.is_some();
        let kind = match (kind, name) {
            (Some(kind), _) => kind,
            (None, Some(name)) if name.starts_with("response.") || !is_error => Word::Copied(name.into()),
            (None, _) if is_error => Word::Copied("error".into()),
            (None, _) => return Err(Problem::NoType),
        };
        let word = kind.get(text);
        let class = match Class::of(word) {
            // The type does not matter: it may be the type of the error.
            Class::Foreign if name == Some("error") => Class::Error,
            class => class,
        };

        let [id, status, error] = response
            .and_then(|response| json::fields(response, &["id", "status", "error"]).ok())
            .unwrap_or_default();
        let class = match status.and_then(json::text).as_deref() {
            Some("failed" | "cancelled") if word == DONE => Class::Ended,
            _ => class,
        };
        let error = match class {
            Class::Error => {
                let mut error = ServerError::from_json(text);
                error.is_foreign = !is_typed || word != "error";
                Some(error)
            }
            Class::Ended => error.map(ServerError::from_json),
            _ => None,
        };
        let response_id = id.or(response_id).and_then(|id| Word::of(text, id, false));
        let item_id = item_id.and_then(|id| Word::of(text, id, item_id_is_plain)).or_else(|| {
            let [id] = json::fields(item?, &["id"]).ok()?;
            Word::of(text, id?, false)
        });
        let delta =
            delta.filter(|delta| delta.starts_with('"') && matches!(class, Class::TextDelta | Class::Output));
        let plain_delta = delta.filter(|_| delta_is_plain).map(inside).filter(|inside| !inside.is_empty());

        let mut rare = None;
        Ok(Self {
            text: Box::default(),
            kind: keep(Some(kind), &mut rare, |rare| &mut rare.kind),
            sequence_number: Span::of(text, number.unwrap_or_default()),
            delta: Span::of(text, plain_delta.or(delta).unwrap_or_default()),
            response_id: keep(response_id, &mut rare, |rare| &mut rare.response_id),
            item_id: keep(item_id, &mut rare, |rare| &mut rare.item_id),
            class,
            rare: match error {
                Some(error) => Some(Box::new(Rare { error: Some(error), ..*rare.unwrap_or_default() })),
                None => rare,
            },
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
        self.word(self.kind, |rare| rare.kind.as_deref()).unwrap_or_default()
    }

    /// A string of the event that is here in the text, or a copy.
    fn word<'a>(&'a self, span: Span, copy: impl Fn(&'a Rare) -> Option<&'a str>) -> Option<&'a str> {
        let copy = self.rare.as_deref().and_then(copy);
        copy.or_else(|| span.get(&self.text))
    }

    /// Its number in the response, from 0, if it has one.
    #[must_use]
    pub fn sequence_number(&self) -> Option<u64> {
        self.sequence_number.get(&self.text)?.trim_matches('"').parse().ok()
    }

    /// The JSON object as received.
    #[must_use]
    pub fn json(&self) -> &str {
        &self.text
    }

    /// The JSON object as received.
    #[must_use]
    pub fn into_json(self) -> String {
        self.text.into_string()
    }

    /// Whether it carries output, so that a replay after its delivery could duplicate something. Every
    /// `response.*` event does, except `response.created`, `response.queued`, `response.in_progress`, and
    /// those that announce a part without its content, such as `response.output_item.added`. Errors, and
    /// events of other families, carry none.
    #[must_use]
    pub fn is_output(&self) -> bool {
        matches!(self.class, Class::TextDelta | Class::Output | Class::Completed | Class::Ended)
    }

    /// How the event ends the response, if it does.
    #[must_use]
    pub fn terminal(&self) -> Option<Terminal> {
        match self.class {
            Class::Completed => Some(Terminal::Completed),
            Class::Ended => Some(Terminal::Ended),
            Class::Error => Some(Terminal::Error),
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
        let delta = self.delta.get(&self.text)?;
        // The inside of a string without escapes does not begin with a quote.
        if delta.starts_with('"') { json::text(delta) } else { Some(Cow::Borrowed(delta)) }
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
        if self.class == Class::Lifecycle || self.terminal().is_some() {
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
    /// `cancelled`. Taken from the response object, or from the type of the event, where an error counts as
    /// `failed`; empty on other events.
    #[must_use]
    pub fn response_status(&self) -> &str {
        let told = self.response().and_then(|response| fields(response, &["status"]).ok());
        match (told.and_then(|[status]| json::plain(status?)), self.terminal()) {
            (_, None) => "",
            (Some(status), Some(_)) => status,
            (None, Some(Terminal::Completed)) if self.kind() == DONE => "completed",
            (None, Some(Terminal::Error)) => "failed",
            (None, Some(_)) => self.kind().trim_start_matches("response."),
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
        self.word(self.response_id, |rare| rare.response_id.as_deref())
    }

    /// The id of the item that the event is about: its `item_id`, or the id of its `item`.
    #[must_use]
    pub fn item_id(&self) -> Option<&str> {
        self.word(self.item_id, |rare| rare.item_id.as_deref())
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

    /// The error of an `error` event, or the one that an event has which ends the response as failed or
    /// cancelled.
    #[must_use]
    pub fn error(&self) -> Option<&ServerError> {
        self.rare.as_ref()?.error.as_ref()
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
            "response.completed" | "response.incomplete" | DONE => Self::Completed,
            "response.failed" | "response.cancelled" => Self::Ended,
            "error" | "response.error" => Self::Error,
            _ => match kind.strip_prefix("response.") {
                // The `added` event of an annotation carries the whole annotation.
                Some(part) if part.ends_with(".added") && !part.ends_with("annotation.added") => {
                    Self::Announcement
                }
                Some(_) => Self::Output,
                None if is_name_of_error(kind) => Self::Error,
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

/// A string of the event: its place in the text or, if its JSON has escapes, a copy without them.
enum Word {
    Here(Span),
    Copied(Box<str>),
}

impl Word {
    /// The string that `json`, a part of `text`, stands for. `None` if it is not a string. `is_plain` says
    /// that it is known to be one without escapes.
    fn of(text: &str, json: &str, is_plain: bool) -> Option<Self> {
        match if is_plain { Some(inside(json)) } else { json::plain(json) } {
            Some("") => Some(Self::Copied(Box::default())),
            Some(string) => Some(Self::Here(Span::of(text, string))),
            None => json::unescape(json).map(|string| Self::Copied(string.into())),
        }
    }

    fn get<'a>(&'a self, text: &'a str) -> &'a str {
        match self {
            Self::Here(span) => span.get(text).unwrap_or_default(),
            Self::Copied(string) => string,
        }
    }
}

/// A string without escapes, without its quotes.
fn inside(json: &str) -> &str {
    json.get(1..json.len().saturating_sub(1)).unwrap_or_default()
}

/// The place of a string, or none, and then a copy of it among what is rare.
fn keep(
    word: Option<Word>,
    rare: &mut Option<Box<Rare>>,
    place: impl FnOnce(&mut Rare) -> &mut Option<Box<str>>,
) -> Span {
    match word {
        Some(Word::Here(span)) => return span,
        Some(Word::Copied(string)) => *place(rare.get_or_insert_default()) = Some(string),
        None => {}
    }
    Span::default()
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
    TooLong,
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
            Problem::TooLong => f.write_str("an event must not be longer than 4 GiB")?,
            Problem::Json(error) => write!(f, "an event must be valid JSON: {error}")?,
        }
        write!(f, "; received `{}`", self.excerpt)
    }
}

impl std::error::Error for EventError {}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// The event as it is read field by field, if the short way has read it.
    fn read_both_ways(text: &str, name: Option<&str>) -> Option<(Event, Result<Event, Problem>)> {
        let found = flat::find(text, known)?;
        let short = Event::of_plain(text, &found)?;
        let is_plain = std::array::from_fn(|place| found.is_plain(place));
        Some((short, Event::of_fields(text, name, found.values(text), is_plain)))
    }

    #[test]
    fn the_short_way_is_for_what_adds_to_a_response() {
        let delta = |delta: &str| {
            format!(
                r#"{{"type":"response.output_text.delta","sequence_number":4,"item_id":"msg_1","delta":{delta}}}"#
            )
        };
        let added = r#"{"type":"response.output_item.added","item_id":"msg_1"}"#.to_owned();
        for text in [r#""x""#, r#""a\nb""#, r#""""#, "null", "1"].map(delta).into_iter().chain([added]) {
            let (short, long) = read_both_ways(&text, None).expect("it is short");
            assert_eq!(Ok(short), long, "{text}");
        }
        for text in [
            r#"{"type":"response.completed"}"#,
            r#"{"type":"response.created"}"#,
            r#"{"type":"error"}"#,
            r#"{"type":"keepalive"}"#,
            r#"{"type":"response.\u0061"}"#,
            r#"{"type":""}"#,
            r#"{"type":1}"#,
            r#"{"delta":"x"}"#,
            r#"{"type":"response.output_text.delta","item_id":"\u0061"}"#,
            r#"{"type":"response.output_text.delta","item_id":""}"#,
            r#"{"type":"response.output_text.delta","item_id":1}"#,
            r#"{"type":"response.output_text.delta","response_id":""}"#,
            r#"{"type":"response.output_text.delta","message":"x"}"#,
            r#"{"type":"response.output_text.delta","detail":"x"}"#,
            r#"{"type":"response.output_text.delta","error":{}}"#,
            r#"{"type":"response.output_text.delta","item":{}}"#,
            r#"{"type":"response.output_text.delta","response":{}}"#,
        ] {
            assert!(read_both_ways(text, None).is_none(), "{text}");
        }
    }

    fn field() -> impl Strategy<Value = String> {
        let key = prop::sample::select(vec![
            "type",
            "sequence_number",
            "delta",
            "response_id",
            "item_id",
            "item",
            "error",
            "message",
            "other",
        ]);
        let value = prop::sample::select(vec![
            r#""response.output_text.delta""#,
            r#""response.output_item.added""#,
            r#""response.x.delta""#,
            r#""response.completed""#,
            r#""error""#,
            r#""a""#,
            r#""\n""#,
            r#""""#,
            "7",
            "null",
            "{}",
            "[ ]",
        ]);
        (key, value).prop_map(|(key, value)| format!(r#""{key}": {value}"#))
    }

    proptest! {
        #[test]
        fn the_short_way_reads_what_the_long_one_does(
            fields in prop::collection::vec(field(), 0..4),
            is_error in any::<bool>(),
        ) {
            // Most of them have a type, so that the short way is taken often.
            let text = format!(r#"{{"type":"response.output_text.delta",{}}}"#, fields.join(",")).replace(",}", "}");
            let name = is_error.then_some("error");
            if let Some((short, long)) = read_both_ways(&text, name) {
                prop_assert_eq!(Ok(short), long);
            }
        }
    }
}
