use core::fmt;

use crate::text::excerpt;
use crate::{Event, Said, Seen, SseDecoder, SseItem, Terminal};

/// How many bytes of a body are looked at to see what it is. If they are all white space, the content type
/// alone decides.
const MAX_HEAD: usize = 1024;
/// How many bytes of a content type are kept.
const MAX_CONTENT_TYPE: usize = 80;
/// How the lines of an event stream begin.
const FIELDS: [&[u8]; 5] = [b":", b"data:", b"event:", b"id:", b"retry:"];
const BYTE_ORDER_MARK: &[u8] = "\u{feff}".as_bytes();

/// Reads the body of an answer with status 200, in bounded memory.
///
/// It should be an event stream, but not every server sends one. A server that does not stream sends the
/// whole response as JSON. An error may come as JSON under any content type, even in the middle of a stream.
/// A stream may have no content type. A portal sends a page. JSON is told from a stream by its first
/// character, as no line of a stream begins with `{`.
///
/// ```
/// use failback_wire::{Body, Said, Terminal};
///
/// let mut body = Body::new(Some("application/json"), 1024)?;
/// let mut chunk: &[u8] = br#"{"object":"response","id":"resp_1","status":"completed","output":[]}"#;
/// let Some(Said::Event(event)) = body.decode(&mut chunk)? else { panic!("a whole response") };
/// assert_eq!(event.terminal(), Some(Terminal::Completed));
/// assert_eq!(event.response_id(), Some("resp_1"));
/// # Ok::<(), failback_wire::BodyError>(())
/// ```
#[derive(Clone, Debug)]
pub struct Body {
    /// The content type, for people.
    content_type: Option<String>,
    is_event_stream: bool,
    limit: usize,
    decoder: SseDecoder,
    part: Part,
    /// Whether an event or `[DONE]` has come.
    has_spoken: bool,
}

#[derive(Clone, Debug)]
enum Part {
    /// The bytes so far do not show what the body is.
    Unknown(Vec<u8>),
    Stream,
    Json(Json),
}

impl Body {
    /// Begins to read the body of an answer with this content type. No event, no line and no JSON object may
    /// be longer than `limit` bytes.
    ///
    /// # Errors
    ///
    /// [`BodyError`] when the content type shows that the body is something else, such as a page.
    pub fn new(content_type: Option<&str>, limit: usize) -> Result<Self, BodyError> {
        let content_type = content_type.map(|given| excerpt(given, MAX_CONTENT_TYPE));
        let essence = content_type.as_deref().unwrap_or_default();
        let essence = essence.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
        let is_event_stream = essence == "text/event-stream";
        let is_json = essence.ends_with("/json") || essence.ends_with("+json");
        if !is_event_stream && !is_json && !essence.is_empty() {
            return Err(BodyError::NotEvents { content_type });
        }
        let (decoder, part) = (SseDecoder::new(limit), Part::Unknown(Vec::new()));
        Ok(Self { content_type, is_event_stream, limit, decoder, part, has_spoken: false })
    }

    /// Takes bytes off the front of `input` until they say something. `None` means that `input` is used up.
    ///
    /// # Errors
    ///
    /// [`BodyError`] when the body cannot be understood. Do not read on after it.
    pub fn decode(&mut self, input: &mut &[u8]) -> Result<Option<Said>, BodyError> {
        loop {
            match &mut self.part {
                Part::Unknown(head) => {
                    let Some((byte, rest)) = input.split_first() else { return Ok(None) };
                    head.push(*byte);
                    *input = rest;
                    if let Some(part) = self.recognize()? {
                        self.part = part;
                    }
                }
                Part::Stream => {
                    match self
                        .decoder
                        .decode_up_to_json(input)
                        .map_err(|error| BodyError::too_large(&error))?
                    {
                        Some(SseItem::Event { name, data }) => {
                            let said = Said::read(data, Some(&name)).map_err(|e| BodyError::no_event(&e))?;
                            self.has_spoken |= said != Said::SignOfLife;
                            return Ok(Some(said));
                        }
                        Some(SseItem::Comment | SseItem::Retry(_)) => return Ok(Some(Said::SignOfLife)),
                        None if input.is_empty() => return Ok(None),
                        None => self.part = Part::Json(Json::default()),
                    }
                }
                Part::Json(json) => {
                    if json.text.len().saturating_add(input.len()) > self.limit
                        && !json.fits(input, self.limit)
                    {
                        let limit = self.limit;
                        return Err(BodyError::too_large(&format_args!("the limit is {limit} bytes")));
                    }
                    if !json.take(input) {
                        return Ok(None);
                    }
                    let json = core::mem::take(&mut json.text);
                    self.part = Part::Stream;
                    if let Some(event) = self.interpret(json)? {
                        self.has_spoken = true;
                        return Ok(Some(Said::Event(event)));
                    }
                }
            }
        }
    }

    /// The body has ended, and HTTP says that it is whole. If its last event ends the response, that event is
    /// returned even if the blank line after it is missing.
    ///
    /// # Errors
    ///
    /// [`BodyError`] when the body was not an event stream, or its last event is longer than the limit.
    pub fn end(&mut self) -> Result<Option<Event>, BodyError> {
        match &self.part {
            Part::Unknown(head) if head.iter().any(|byte| !byte.is_ascii_whitespace()) => {
                Err(self.not_events())
            }
            Part::Json(_) if !self.has_spoken => Err(self.not_events()),
            Part::Unknown(_) | Part::Json(_) => Ok(None),
            Part::Stream => {
                let last = self.decoder.finish().map_err(|error| BodyError::too_large(&error))?;
                let Some(SseItem::Event { name, data }) = last else { return Ok(None) };
                match Said::read(data, Some(&name)) {
                    Ok(Said::Event(event)) if event.terminal().is_some() => Ok(Some(event)),
                    _ => Ok(None),
                }
            }
        }
    }

    /// Decides by the beginning of the body what it is.
    fn recognize(&mut self) -> Result<Option<Part>, BodyError> {
        let Part::Unknown(head) = &self.part else { return Ok(None) };
        let is_mark_incomplete = head.len() < BYTE_ORDER_MARK.len() && BYTE_ORDER_MARK.starts_with(head);
        let first = head.strip_prefix(BYTE_ORDER_MARK).unwrap_or(head).trim_ascii_start();
        let is_json = first.first() == Some(&b'{');
        let may_be_stream = self.is_event_stream || FIELDS.iter().any(|field| field.starts_with(first));
        let is_stream = self.is_event_stream || FIELDS.iter().any(|field| first.starts_with(field));
        if head.len() < MAX_HEAD && (is_mark_incomplete || first.is_empty() || (may_be_stream && !is_stream))
        {
            return Ok(None);
        }
        if is_json {
            let mut json = Json::default();
            json.take(&mut &b"{"[..]);
            return Ok(Some(Part::Json(json)));
        }
        if !is_stream {
            return Err(self.not_events());
        }
        // The buffer holds no more than white space and the beginning of a line.
        let decoded = self.decoder.decode(&mut &head[..]).map_err(|error| BodyError::too_large(&error))?;
        debug_assert_eq!(decoded, None);
        Ok(Some(Part::Stream))
    }

    /// Reads a JSON object that stands in the body without the framing of an event.
    fn interpret(&self, json: Vec<u8>) -> Result<Option<Event>, BodyError> {
        let text = String::from_utf8(json).map_err(|_| self.not_events())?;
        if !self.has_spoken {
            if let Some(event) = Event::of_whole_response(&text) {
                return Ok(Some(event));
            }
        }
        match Said::read(text, None) {
            Ok(Said::Event(event)) if event.terminal() == Some(Terminal::Error) => Ok(Some(event)),
            // Between events this is ignored, like any other line that means nothing.
            _ if self.has_spoken => Ok(None),
            _ => Err(self.not_events()),
        }
    }

    fn not_events(&self) -> BodyError {
        let content_type = match self.is_event_stream {
            // The content type says that it is an event stream, and it is not.
            true => Some("JSON".to_owned()),
            false => self.content_type.clone(),
        };
        BodyError::NotEvents { content_type }
    }
}

/// A JSON object that arrives in pieces. It ends with the bracket that closes it.
#[derive(Clone, Default)]
struct Json {
    text: Vec<u8>,
    depth: usize,
    in_string: bool,
    escaped: bool,
}

impl Json {
    /// Takes bytes off the front of `input` up to the end of the object. Returns whether the end is reached.
    fn take(&mut self, input: &mut &[u8]) -> bool {
        let length = self.end_in(input);
        let (taken, rest) = input.split_at(length.unwrap_or(input.len()));
        self.text.extend_from_slice(taken);
        *input = rest;
        length.is_some()
    }

    /// Whether the object ends in `input` before it has `limit` bytes.
    fn fits(&self, input: &[u8], limit: usize) -> bool {
        let mut ahead = Self { text: Vec::new(), ..*self };
        ahead.end_in(input).is_some_and(|length| self.text.len().saturating_add(length) <= limit)
    }

    fn end_in(&mut self, input: &[u8]) -> Option<usize> {
        for (at, byte) in input.iter().enumerate() {
            match byte {
                _ if self.escaped => self.escaped = false,
                b'\\' if self.in_string => self.escaped = true,
                b'"' => self.in_string = !self.in_string,
                _ if self.in_string => {}
                b'{' | b'[' => self.depth = self.depth.saturating_add(1),
                b'}' | b']' => {
                    self.depth = self.depth.saturating_sub(1);
                    if self.depth == 0 {
                        return Some(at.saturating_add(1));
                    }
                }
                _ => {}
            }
        }
        None
    }
}

impl fmt::Debug for Json {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Json").field("length", &self.text.len()).finish_non_exhaustive()
    }
}

/// Why a body cannot be read any further.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum BodyError {
    /// It is neither an event stream nor anything else that an API sends.
    NotEvents {
        /// Its content type, if it has one.
        content_type: Option<String>,
    },
    /// An event, a line, or a JSON object is longer than the limit.
    TooLarge {
        /// Which of them, for people.
        detail: String,
    },
    /// The data of an event is not a JSON event.
    NoEvent {
        /// What is wrong with it, for people.
        detail: String,
    },
}

impl BodyError {
    fn too_large(detail: &dyn fmt::Display) -> Self {
        Self::TooLarge { detail: detail.to_string() }
    }

    fn no_event(detail: &dyn fmt::Display) -> Self {
        Self::NoEvent { detail: detail.to_string() }
    }

    /// What a driver has seen, for [`classify`](crate::classify).
    #[must_use]
    pub fn seen(&self) -> Seen<'_> {
        match self {
            Self::NotEvents { content_type } => {
                Seen::WrongContentType { content_type: content_type.as_deref() }
            }
            Self::TooLarge { .. } => Seen::TooLarge,
            Self::NoEvent { .. } => Seen::BadEvent,
        }
    }

    /// Details for people, if there are any.
    #[must_use]
    pub fn detail(&self) -> Option<&str> {
        match self {
            Self::NotEvents { .. } => None,
            Self::TooLarge { detail } | Self::NoEvent { detail } => Some(detail),
        }
    }
}

impl fmt::Display for BodyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotEvents { content_type: Some(content_type) } => {
                write!(f, "expected an event stream, got {content_type}")
            }
            Self::NotEvents { content_type: None } => f.write_str("expected an event stream"),
            Self::TooLarge { detail } | Self::NoEvent { detail } => f.write_str(detail),
        }
    }
}

impl std::error::Error for BodyError {}
