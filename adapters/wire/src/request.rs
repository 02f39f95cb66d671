use core::fmt;
use core::time::Duration;

use serde::de::{self, MapAccess};
use serde::{Deserialize, Deserializer};
use serde_json::value::{RawValue, to_raw_value};
use serde_json::{Map, Value};

use crate::json_object::{JsonLength, JsonObject, Members, quoted};
use crate::request_error::RequestError;
use crate::text::excerpt;
use crate::{HeaderError, HeaderText, Headers};

/// One request, and the body it has on each transport.
///
/// The body is what one would POST to the API: `model`, `input` and so on, in the order in which they are
/// given. Fields that belong to a transport are set here: `stream` and `type` are dropped from the body. So
/// is `background` on a WebSocket, where it is not allowed, and so are `generate` and `stream_id` over SSE,
/// which does not have them. Therefore a request that only warms up (`"generate": false`) is answered in full
/// over SSE.
///
/// ```
/// use failback_wire::Request;
/// use serde_json::json;
///
/// let request = Request::from_json(r#"{"model":"m","input":["the", "whole", "story"]}"#)?
///     .with_continuation("resp_1", json!(["story"]));
/// assert_eq!(request.sse_body(), r#"{"model":"m","input":["the", "whole", "story"],"stream":true}"#);
/// assert_eq!(
///     request.websocket_frame(Some("resp_1")),
///     r#"{"type":"response.create","model":"m","input":["story"],"previous_response_id":"resp_1"}"#
/// );
/// # Ok::<(), failback_wire::RequestError>(())
/// ```
#[derive(Clone)]
pub struct Request {
    entries: Vec<Entry>,
    continuation: Option<Continuation>,
    headers: Headers,
    deadline: Option<Duration>,
    sse_only: bool,
}

#[derive(Clone)]
struct Entry {
    name: String,
    /// The JSON of its value, as given.
    json: Box<RawValue>,
}

#[derive(Clone)]
struct Continuation {
    previous_response_id: String,
    input: String,
}

impl Request {
    /// A request with this body, in the order of the map: that of the keys, unless the program turns on
    /// serde_json's feature `preserve_order`.
    ///
    /// # Errors
    ///
    /// [`RequestError::Body`] when a value cannot be written as JSON.
    pub fn new(body: Map<String, Value>) -> Result<Self, RequestError> {
        let entries = body
            .into_iter()
            .map(|(name, value)| {
                Ok(Entry { json: to_raw_value(&value).map_err(|e| RequestError::body(&e))?, name })
            })
            .collect::<Result<_, RequestError>>()?;
        Ok(Self::with_entries(entries))
    }

    /// A request whose body is this JSON object. Values are sent exactly as they are written here.
    ///
    /// # Errors
    ///
    /// [`RequestError::Body`] when the text is not one JSON object, or has a key twice.
    pub fn from_json(body: &str) -> Result<Self, RequestError> {
        let Body(entries) = serde_json::from_str(body).map_err(|error| RequestError::body(&error))?;
        Ok(Self::with_entries(entries))
    }

    /// A request that asks this model about this text.
    #[must_use]
    pub fn text(model: &str, input: &str) -> Self {
        let entry = |name: &str, text: &str| {
            RawValue::from_string(quoted(text)).ok().map(|json| Entry { name: name.to_owned(), json })
        };
        Self::with_entries([entry("model", model), entry("input", input)].into_iter().flatten().collect())
    }

    const fn with_entries(entries: Vec<Entry>) -> Self {
        Self { entries, continuation: None, headers: Headers::new(), deadline: None, sse_only: false }
    }

    /// Allows to send less where the server remembers the conversation. On the connection that completed the
    /// response `previous_response_id` last, only this `input` is sent, and continues that response.
    /// Everywhere else the whole body is sent.
    ///
    /// Both must mean the same: the input in the body is the whole conversation, and this `input` is what
    /// came after that response. If the body has only the new input, the model does not see what came before
    /// it wherever the body is sent: over SSE, and on every other WebSocket. A `previous_response_id` in the
    /// body itself is a part of the body, and is sent with it.
    #[must_use]
    pub fn with_continuation(mut self, previous_response_id: impl Into<String>, input: Value) -> Self {
        self.continuation = Some(Continuation {
            previous_response_id: previous_response_id.into(),
            input: input.to_string(),
        });
        self
    }

    /// Sends this header too, such as `traceparent` or `Idempotency-Key`: with the POST over SSE, and with a
    /// WebSocket handshake that is made for this request. A WebSocket that is open already is used without
    /// it, as only a handshake has headers; and one that is opened with it carries later requests, which do
    /// not have it.
    ///
    /// It takes the place of an earlier one of its name, and of the client's. White space around the value is
    /// dropped.
    ///
    /// # Errors
    ///
    /// [`RequestError::Header`] when the name is not a header name or belongs to the transport, when the
    /// value has a character that a header cannot have, and when it is a credential, which
    /// [`Headers::insert`] tells by its name: those belong to the client. If the client has a credential of
    /// this name, the turn fails before anything is sent.
    ///
    /// ```
    /// # use failback_wire::Request;
    /// let request = Request::text("some-model", "Say hello.").with_header("Idempotency-Key", "7")?;
    /// let error = request.with_header("Authorization", "Bearer sk-1").unwrap_err();
    /// assert!(error.to_string().contains("set it on the client"));
    /// # Ok::<(), failback_wire::RequestError>(())
    /// ```
    pub fn with_header<'v>(
        mut self,
        name: impl AsRef<str>,
        value: impl Into<HeaderText<'v>>,
    ) -> Result<Self, RequestError> {
        let mut header = Headers::new();
        header.insert(name, value)?;
        header.check_for_one_request(&Headers::new())?;
        self.headers.extend(header);
        Ok(self)
    }

    /// Sends all of these headers too, as [`with_header`](Self::with_header) does: [`Headers`], or a
    /// [`HeaderMap`](http::HeaderMap), such as one in which the context of a trace was put.
    ///
    /// # Errors
    ///
    /// As [`with_header`](Self::with_header), and when a name has several values.
    pub fn with_headers<H>(mut self, headers: H) -> Result<Self, RequestError>
    where
        H: TryInto<Headers>,
        H::Error: Into<HeaderError>,
    {
        let headers = headers.try_into().map_err(Into::into)?;
        headers.check_for_one_request(&Headers::new())?;
        self.headers.extend(headers);
        Ok(self)
    }

    /// See [`with_header`](Self::with_header).
    #[must_use]
    pub const fn headers(&self) -> &Headers {
        &self.headers
    }

    /// Ends the turn if it is not over so long after `stream` was called, whatever it does then: waits to try
    /// again, connects, sends, or reads. It ends with an error that says so. By default the client's deadline
    /// holds, if it has one; [`Duration::MAX`] is no deadline.
    ///
    /// A turn is looked after while its stream is read: one that nobody reads ends when somebody does.
    ///
    /// # Errors
    ///
    /// [`RequestError::ZeroDeadline`] when no time is left at all.
    pub fn with_deadline(mut self, deadline: Duration) -> Result<Self, RequestError> {
        if deadline.is_zero() {
            return Err(RequestError::ZeroDeadline);
        }
        self.deadline = Some(deadline);
        Ok(self)
    }

    /// See [`with_deadline`](Self::with_deadline). `None` if the client's holds.
    #[must_use]
    pub const fn deadline(&self) -> Option<Duration> {
        self.deadline
    }

    /// Sends this request over SSE alone, with reason [`SseOnly`](failback::Reason::SseOnly): no WebSocket is
    /// opened for it or used, whatever the policy thinks of WebSocket, and also when SSE fails it. What its
    /// SSE attempts show tells the policy as much as those of any other request.
    #[must_use]
    pub const fn sse_only(mut self) -> Self {
        self.sse_only = true;
        self
    }

    /// See [`sse_only`](Self::sse_only).
    #[must_use]
    pub const fn is_sse_only(&self) -> bool {
        self.sse_only
    }

    /// Whether the request itself names the response that it builds on, if it is sent on a connection where
    /// `last_completed` was the latest response to complete. If the server does not know that response,
    /// nothing else can be sent instead. After a continuation that the server does not know, the whole body
    /// is sent.
    #[must_use]
    pub fn names_response(&self, last_completed: Option<&str>) -> bool {
        let names = |entry: &Entry| entry.name == "previous_response_id" && entry.json.get() != "null";
        !self.continues(last_completed) && self.entries.iter().any(names)
    }

    /// Whether it asks for output over WebSocket. A request with `"generate": false` only warms the
    /// connection up. Its completion does not show that WebSocket can carry a response, so the outcome for
    /// the policy is [`Ended`](failback::Outcome::Ended) (R6).
    #[must_use]
    pub fn generates(&self) -> bool {
        !self.entries.iter().any(|entry| entry.name == "generate" && entry.json.get() == "false")
    }

    /// The body of the POST: all of it but `type`, `generate` and `stream_id`, with `"stream": true` at its
    /// end.
    #[must_use]
    pub fn sse_body(&self) -> String {
        let mut object = JsonObject::new();
        let of_websocket = |name: &str| matches!(name, "type" | "generate" | "stream_id");
        for entry in self.entries.iter().filter(|entry| entry.name != "stream" && !of_websocket(&entry.name))
        {
            object.push(&entry.name, entry.json.get());
        }
        object.push("stream", "true");
        object.finish()
    }

    /// The text frame that starts the response on a WebSocket on which the response `last_completed` was the
    /// latest to complete.
    #[must_use]
    pub fn websocket_frame(&self, last_completed: Option<&str>) -> String {
        let mut object = JsonObject::new();
        self.write_frame(last_completed, &mut object);
        object.finish()
    }

    /// How many bytes [`websocket_frame`](Self::websocket_frame) has.
    #[must_use]
    pub fn websocket_frame_len(&self, last_completed: Option<&str>) -> usize {
        let mut length = JsonLength::new();
        self.write_frame(last_completed, &mut length);
        length.finish()
    }

    fn write_frame(&self, last_completed: Option<&str>, object: &mut impl Members) {
        let continuation = self.continuation.as_ref().filter(|_| self.continues(last_completed));
        object.push("type", "\"response.create\"");
        let mut input = continuation.map(|continuation| continuation.input.as_str());
        for entry in &self.entries {
            match (&*entry.name, continuation) {
                ("stream" | "background" | "type", _) | ("previous_response_id", Some(_)) => {}
                ("input", Some(continuation)) => {
                    object.push("input", &continuation.input);
                    input = None;
                }
                (name, _) => object.push(name, entry.json.get()),
            }
        }
        if let Some(input) = input {
            object.push("input", input);
        }
        if let Some(continuation) = continuation {
            object.push("previous_response_id", &quoted(&continuation.previous_response_id));
        }
    }

    /// Whether [`websocket_frame`](Self::websocket_frame) sends the continuation on such a connection.
    #[must_use]
    pub fn continues(&self, last_completed: Option<&str>) -> bool {
        match (&self.continuation, last_completed) {
            (Some(continuation), Some(last)) => continuation.previous_response_id == last,
            _ => false,
        }
    }
}

/// Shows the keys of the body and the names of the headers, and not their values.
impl fmt::Debug for Request {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let keys: Vec<_> = self.entries.iter().map(|entry| &entry.name).collect();
        f.debug_struct("Request")
            .field("keys", &keys)
            .field("has_continuation", &self.continuation.is_some())
            .field("headers", &self.headers)
            .field("deadline", &self.deadline)
            .field("sse_only", &self.sse_only)
            .finish()
    }
}

struct Body(Vec<Entry>);

impl<'de> Deserialize<'de> for Body {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Visitor;

        impl<'de> de::Visitor<'de> for Visitor {
            type Value = Vec<Entry>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a JSON object such as {\"model\": .., \"input\": ..}")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Vec<Entry>, A::Error> {
                let mut names = std::collections::HashSet::new();
                let mut entries = Vec::new();
                while let Some((name, json)) = map.next_entry::<String, Box<RawValue>>()? {
                    if !names.insert(name.clone()) {
                        return Err(de::Error::custom(format_args!(
                            "the key `{}` occurs twice",
                            excerpt(&name, 64)
                        )));
                    }
                    entries.push(Entry { name, json });
                }
                Ok(entries)
            }
        }

        deserializer.deserialize_map(Visitor).map(Self)
    }
}
