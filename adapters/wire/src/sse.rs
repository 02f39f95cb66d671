use core::{fmt, mem};
use std::borrow::Cow;
use std::time::Duration;

use memchr::{memchr, memchr2};

use crate::text::{extend, owned};

/// Decodes `text/event-stream` to the letter of the WHATWG rules, in bounded memory.
///
/// It stores an incomplete line, the event in progress and the last event ID. Each is at most as long as the
/// limit given to [`new`](Self::new). An event that is unfinished at the end of the stream is dropped with
/// the decoder, as the rules say. The data of each event is a `String` of its own, so that the memory of a
/// large event is given back with it.
///
/// ```
/// use failback_wire::{SseDecoder, SseItem};
///
/// let mut decoder = SseDecoder::new(1024);
/// let mut chunk: &[u8] = b": hello\ndata: 1\n";
/// assert_eq!(decoder.decode(&mut chunk)?, Some(SseItem::Comment));
/// assert_eq!(decoder.decode(&mut chunk)?, None);
///
/// let mut chunk: &[u8] = b"data: 2\n\n";
/// let event = SseItem::Event { name: "message".to_owned(), data: "1\n2".to_owned() };
/// assert_eq!(decoder.decode(&mut chunk)?, Some(event));
/// # Ok::<(), failback_wire::SseError>(())
/// ```
#[derive(Clone)]
pub struct SseDecoder {
    limit: usize,
    /// The part of the current line that came in earlier chunks.
    line: Vec<u8>,
    name: String,
    data: String,
    has_data: bool,
    id: String,
    last_event_id: String,
    /// Whether no line is complete yet, so that a byte order mark may still come.
    at_start: bool,
    /// Whether the last line ended in CR, so that a LF that follows belongs to it.
    after_cr: bool,
    failed: bool,
}

/// What [`SseDecoder::decode`] found.
///
/// Exhaustive on purpose: there is nothing else in an event stream.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SseItem {
    /// An event with data, which may be empty.
    Event {
        /// Its name, or `message` if the stream gives none.
        name: String,
        /// Its data: the lines joined by LF.
        data: String,
    },
    /// A comment, which is a sign of life and not an event.
    Comment,
    /// The server suggests how long to wait before reconnecting.
    Retry(Duration),
}

/// Why a stream cannot be decoded any further.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum SseError {
    /// A line or an event is longer than the limit.
    TooLong {
        /// The limit in bytes.
        limit: usize,
    },
}

impl fmt::Display for SseError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self::TooLong { limit } = self;
        write!(f, "a line or an event of the SSE stream is longer than the limit of {limit} bytes")
    }
}

impl std::error::Error for SseError {}

/// A line buffer larger than this is freed when the line is complete.
const KEPT_CAPACITY: usize = 64 * 1024;

impl SseDecoder {
    /// A decoder for a new stream in which no line, and no event with its name, is longer than `limit` bytes.
    #[must_use]
    pub const fn new(limit: usize) -> Self {
        Self {
            limit,
            line: Vec::new(),
            name: String::new(),
            data: String::new(),
            has_data: false,
            id: String::new(),
            last_event_id: String::new(),
            at_start: true,
            after_cr: false,
            failed: false,
        }
    }

    /// Takes bytes off the front of `input` until they make an item. `None` means that `input` is used up.
    ///
    /// # Errors
    ///
    /// [`SseError::TooLong`] when a line or an event is longer than the limit, now and whenever it is called
    /// again.
    pub fn decode(&mut self, input: &mut &[u8]) -> Result<Option<SseItem>, SseError> {
        self.advance(input, false)
    }

    /// As [`decode`](Self::decode), but stops before a line between two events that begins with `{`, which
    /// means nothing in a stream. In that case it returns `None` and leaves the line in `input`.
    pub(crate) fn decode_up_to_json(&mut self, input: &mut &[u8]) -> Result<Option<SseItem>, SseError> {
        self.advance(input, true)
    }

    fn advance(&mut self, input: &mut &[u8], stops_at_json: bool) -> Result<Option<SseItem>, SseError> {
        if self.failed {
            return Err(self.fail());
        }
        loop {
            if self.after_cr && !input.is_empty() {
                self.after_cr = false;
                *input = input.strip_prefix(b"\n").unwrap_or(input);
            }
            if stops_at_json && input.first() == Some(&b'{') && self.is_between_events() {
                return Ok(None);
            }
            let Some(end) = memchr2(b'\n', b'\r', input) else {
                self.keep(input)?;
                *input = &[];
                return Ok(None);
            };
            let (line, rest) = input.split_at(end);
            self.after_cr = rest.first() == Some(&b'\r');
            *input = rest.get(1..).unwrap_or_default();

            let item = if self.line.is_empty() && line.len() <= self.limit {
                self.complete(line)?
            } else {
                self.keep(line)?;
                let mut line = mem::take(&mut self.line);
                let item = self.complete(&line)?;
                if line.capacity() <= KEPT_CAPACITY {
                    line.clear();
                    self.line = line;
                }
                item
            };
            if item.is_some() {
                return Ok(item);
            }
        }
    }

    /// The stream has ended. Returns the event in progress, as if a blank line had ended it. The rules drop
    /// it, but it may be whole.
    ///
    /// # Errors
    ///
    /// As [`decode`](Self::decode).
    pub fn finish(&mut self) -> Result<Option<SseItem>, SseError> {
        if self.failed {
            return Err(self.fail());
        }
        let line = mem::take(&mut self.line);
        if !line.is_empty() {
            self.complete(&line)?;
        }
        Ok(self.dispatch())
    }

    /// Whether a line begins here, and no event is in progress.
    fn is_between_events(&self) -> bool {
        self.line.is_empty() && !self.has_data && self.name.is_empty()
    }

    /// The last event ID as of the last blank line. Empty if the stream has given none.
    #[must_use]
    pub fn last_event_id(&self) -> &str {
        &self.last_event_id
    }

    fn keep(&mut self, part: &[u8]) -> Result<(), SseError> {
        if part.len() > self.limit.saturating_sub(self.line.len()) {
            return Err(self.fail());
        }
        extend(&mut self.line, part);
        Ok(())
    }

    fn complete(&mut self, mut line: &[u8]) -> Result<Option<SseItem>, SseError> {
        if mem::take(&mut self.at_start) {
            line = line.strip_prefix("\u{feff}".as_bytes()).unwrap_or(line);
        }
        if line.is_empty() {
            return Ok(self.dispatch());
        }
        let (field, value) = match memchr(b':', line) {
            Some(0) => return Ok(Some(SseItem::Comment)),
            Some(colon) => {
                let (field, rest) = line.split_at(colon);
                let value = rest.get(1..).unwrap_or_default();
                (field, value.strip_prefix(b" ").unwrap_or(value))
            }
            None => (line, &[][..]),
        };
        // No UTF-8 sequence contains a line end, so lines can be decoded one by one.
        match field {
            b"data" => {
                let value = text(value);
                self.check(self.name.len().saturating_add(self.data.len()).saturating_add(value.len()))?;
                if mem::replace(&mut self.has_data, true) {
                    self.check(
                        self.name.len().saturating_add(self.data.len()).saturating_add(value.len() + 1),
                    )?;
                    self.data.push('\n');
                }
                append(&mut self.data, value);
            }
            b"event" => {
                let value = text(value);
                self.check(self.data.len().saturating_add(value.len()))?;
                self.name.clear();
                append(&mut self.name, value);
            }
            b"id" if !value.contains(&0) => {
                self.id.clear();
                self.id.push_str(&text(value));
            }
            b"retry" if !value.is_empty() && value.iter().all(u8::is_ascii_digit) => {
                let millis = value.iter().fold(0_u64, |sum, digit| {
                    sum.saturating_mul(10).saturating_add(u64::from(digit.wrapping_sub(b'0')))
                });
                return Ok(Some(SseItem::Retry(Duration::from_millis(millis))));
            }
            _ => {}
        }
        Ok(None)
    }

    fn dispatch(&mut self) -> Option<SseItem> {
        self.last_event_id.clone_from(&self.id);
        let mut name = mem::take(&mut self.name);
        if !mem::take(&mut self.has_data) {
            return None;
        }
        if name.is_empty() {
            name.push_str("message");
        }
        Some(SseItem::Event { name, data: mem::take(&mut self.data) })
    }

    fn check(&mut self, length: usize) -> Result<(), SseError> {
        if length > self.limit { Err(self.fail()) } else { Ok(()) }
    }

    fn fail(&mut self) -> SseError {
        let limit = self.limit;
        *self = Self::new(limit);
        self.failed = true;
        SseError::TooLong { limit }
    }
}

/// Decodes bytes as UTF-8, with U+FFFD for what is not. Checks first, which is faster, as nearly all of them
/// are UTF-8.
fn text(bytes: &[u8]) -> Cow<'_, str> {
    match core::str::from_utf8(bytes) {
        Ok(text) => Cow::Borrowed(text),
        Err(_) => String::from_utf8_lossy(bytes),
    }
}

/// Appends a text. Most have nothing to be appended to.
fn append(to: &mut String, text: Cow<'_, str>) {
    if to.is_empty() { *to = owned(text) } else { to.push_str(&text) }
}

/// Shows the state of the decoder, and not the content of the stream.
impl fmt::Debug for SseDecoder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SseDecoder")
            .field("limit", &self.limit)
            .field("buffered_line", &self.line.len())
            .field("buffered_data", &self.data.len())
            .field("failed", &self.failed)
            .finish_non_exhaustive()
    }
}
