use std::time::Duration;

use serde_json::Value;

use crate::Gate;

/// What the peer does with one request.
///
/// The normal script is: `response.created`, `response.in_progress`, `response.output_item.added`,
/// `response.content_part.added`, an `response.output_text.delta` for each word of the answer, at least two,
/// `response.output_text.done`, `response.content_part.done`, `response.output_item.done`,
/// `response.completed`. A turn is a list of steps, most of which send some of it or stop in the middle.
/// Steps after one that ends the turn are never reached; a turn whose steps do not end it goes on in silence,
/// as with [`then_mute`](Self::then_mute).
///
/// Over SSE the status line and headers leave just before the first step that sends something, or that is
/// silent or breaks off. A gate or a pause before that keeps them back.
#[derive(Clone, Debug, Default)]
#[must_use = "a turn does nothing until it is given to a peer"]
pub struct Turn {
    pub(crate) text: Option<String>,
    pub(crate) steps: Vec<Step>,
    pub(crate) gates: Vec<(usize, Gate)>,
    pub(crate) late: Vec<Late>,
    pub(crate) late_end: Option<Gate>,
}

/// An event that is sent when its turn is over.
#[derive(Clone, Debug)]
pub(crate) struct Late {
    pub(crate) event: Value,
    pub(crate) pause: Duration,
}

#[derive(Clone, Debug)]
pub(crate) enum Step {
    Headers,
    NoHeaders,
    Script(usize),
    Gate(Gate),
    Pause(Duration),
    Send(Value),
    Payload(String),
    Raw(Vec<u8>),
    Binary(Vec<u8>),
    KeepAlive,
    Complete,
    Incomplete(String),
    Failed { code: String, message: String },
    Error(Value),
    Status { code: u16, headers: Vec<(String, String)>, body: Option<String> },
    Close { code: u16, reason: String },
    Reset,
    Fin,
    Stall,
    Mute(Option<Duration>),
    EndlessLine,
    EndlessEvent,
    EndlessFrame(u64),
    Flood(Vec<u8>),
}

/// Whole turns.
impl Turn {
    /// No steps: over SSE the headers, then silence.
    pub fn new() -> Self {
        Self::default()
    }

    /// The normal script to its end.
    pub fn complete() -> Self {
        Self::new().then_complete()
    }

    /// The normal script with this answer instead of the echo.
    pub fn text(text: impl Into<String>) -> Self {
        Self::complete().with_text(text)
    }

    /// The first `count` events of the script; say how it goes on.
    pub fn after(count: usize) -> Self {
        Self::new().then_events(count)
    }

    /// `count` events, then the connection ends: no close frame, no end of the chunked body, no TLS
    /// close_notify.
    pub fn drop_after(count: usize) -> Self {
        Self::after(count).then_drop()
    }

    /// `count` events, then a TCP reset.
    pub fn reset_after(count: usize) -> Self {
        Self::after(count).then_reset()
    }

    /// `count` events, then silence in which not even a ping is answered.
    pub fn stall_after(count: usize) -> Self {
        Self::after(count).then_stall()
    }

    /// `count` events, then silence in which pings are answered.
    pub fn mute_after(count: usize) -> Self {
        Self::after(count).then_mute()
    }

    /// `count` events, then a close frame with this code. Over SSE: the body ends properly, without a
    /// terminal event.
    pub fn close_after(count: usize, code: u16) -> Self {
        Self::after(count).then_close(code, "")
    }

    /// An HTTP answer with this status instead of a stream, with a JSON error as its body. Over WebSocket: an
    /// `error` event with this status, and with the headers as its `headers`.
    pub fn status(code: u16) -> Self {
        Self::step(Self::new(), Step::Status { code, headers: Vec::new(), body: None })
    }

    /// A captive portal: 200, and a page of HTML. Over WebSocket: the page in a text frame.
    pub fn html() -> Self {
        Self::status(200)
            .header("content-type", "text/html; charset=utf-8")
            .body("<!doctype html><title>Welcome</title><p>Please sign in to use this network.</p>")
    }

    /// The request is read and nothing is ever said, not even headers; pings are answered.
    pub fn no_headers() -> Self {
        Self::step(Self::new(), Step::NoHeaders)
    }

    /// The script, but `response.incomplete` at its end.
    pub fn incomplete() -> Self {
        Self::new().then_incomplete("max_output_tokens")
    }

    /// Two events, then `response.failed` with this error code.
    pub fn failed(code: &str) -> Self {
        Self::after(2).then_failed(code, "The response failed.")
    }

    /// At once an `error` event.
    pub fn error(status: u16, code: &str, message: &str) -> Self {
        Self::new().then_error(status, code, message)
    }

    /// The 60-minute limit after `count` events: the `error` event that says so, then a close frame.
    pub fn connection_limit_after(count: usize) -> Self {
        let message = "Responses websocket connection limit reached (60 minutes).";
        let event = crate::script::error_event(400, "websocket_connection_limit_reached", message);
        Self::after(count).then_send(event).then_close(1000, "")
    }
}

/// Details.
impl Turn {
    /// Answers with this text instead of the echo.
    pub fn with_text(mut self, text: impl Into<String>) -> Self {
        self.text = Some(text.into());
        self
    }

    /// Waits at `gate` before event `index` of the script is sent; 0 is the first, and the terminal event has
    /// the index after the last of the others.
    pub fn gate_before(mut self, index: usize, gate: &Gate) -> Self {
        self.gates.push((index, gate.clone()));
        self
    }

    /// Sends this event too, `pause` after the one that ends the turn, and only then reads the next request.
    /// Over SSE does nothing.
    pub fn with_late_event(mut self, event: Value, pause: Duration) -> Self {
        self.late.push(Late { event, pause });
        self
    }

    /// Waits at `gate` between the last event of a response over SSE and the end of its body. Over WebSocket
    /// does nothing.
    pub fn with_late_end(mut self, gate: &Gate) -> Self {
        self.late_end = Some(gate.clone());
        self
    }

    /// Adds a header to a [`status`](Self::status).
    ///
    /// # Panics
    ///
    /// When the last step is not a status.
    pub fn header(mut self, name: &str, value: &str) -> Self {
        let Some(Step::Status { headers, .. }) = self.steps.last_mut() else {
            panic!("only a status has headers")
        };
        headers.push((name.to_owned(), value.to_owned()));
        self
    }

    /// Replaces the body of a [`status`](Self::status).
    ///
    /// # Panics
    ///
    /// When the last step is not a status.
    pub fn body(mut self, text: &str) -> Self {
        let Some(Step::Status { body, .. }) = self.steps.last_mut() else {
            panic!("only a status has a body")
        };
        *body = Some(text.to_owned());
        self
    }

    fn step(mut self, step: Step) -> Self {
        self.steps.push(step);
        self
    }
}

/// Steps that go on.
impl Turn {
    /// Sends the next `count` events of the script; never the terminal one.
    pub fn then_events(self, count: usize) -> Self {
        self.step(Step::Script(count))
    }

    /// Over SSE sends the status line and the headers now; over WebSocket does nothing.
    pub fn then_headers(self) -> Self {
        self.step(Step::Headers)
    }

    /// Waits at a gate; pings are answered meanwhile.
    pub fn then_gate(self, gate: &Gate) -> Self {
        self.step(Step::Gate(gate.clone()))
    }

    /// Waits; pings are answered meanwhile.
    pub fn then_pause(self, pause: Duration) -> Self {
        self.step(Step::Pause(pause))
    }

    /// Sends this event as it is.
    pub fn then_send(self, event: Value) -> Self {
        self.step(Step::Send(event))
    }

    /// Sends this text in good framing: one text frame, or a piece of the SSE body.
    pub fn then_payload(self, text: impl Into<String>) -> Self {
        self.step(Step::Payload(text.into()))
    }

    /// Puts these bytes on the wire as they are: no frame and no chunk around them.
    pub fn then_raw(self, bytes: impl Into<Vec<u8>>) -> Self {
        self.step(Step::Raw(bytes.into()))
    }

    /// Sends a binary frame; over SSE these bytes as a piece of the body.
    pub fn then_binary(self, bytes: impl Into<Vec<u8>>) -> Self {
        self.step(Step::Binary(bytes.into()))
    }

    /// Sends a sign of life: an SSE comment, or a ping.
    pub fn then_keep_alive(self) -> Self {
        self.step(Step::KeepAlive)
    }
}

/// Steps that end the turn.
impl Turn {
    /// The rest of the script, `response.completed` included.
    pub fn then_complete(self) -> Self {
        self.step(Step::Complete)
    }

    /// The rest of the script, and `response.incomplete` at its end.
    pub fn then_incomplete(self, reason: &str) -> Self {
        self.step(Step::Incomplete(reason.to_owned()))
    }

    /// `response.failed`, at once.
    pub fn then_failed(self, code: &str, message: &str) -> Self {
        self.step(Step::Failed { code: code.to_owned(), message: message.to_owned() })
    }

    /// An `error` event. A WebSocket stays open, an SSE body ends properly.
    pub fn then_error(self, status: u16, code: &str, message: &str) -> Self {
        self.then_error_event(crate::script::error_event(status, code, message))
    }

    /// An `error` event of your own making.
    pub fn then_error_event(self, event: Value) -> Self {
        self.step(Step::Error(event))
    }

    /// A close frame, and no more data. Over SSE: the body ends properly, without a terminal event.
    pub fn then_close(self, code: u16, reason: &str) -> Self {
        self.step(Step::Close { code, reason: reason.to_owned() })
    }

    /// A TCP reset.
    pub fn then_reset(self) -> Self {
        self.step(Step::Reset)
    }

    /// The end of the TCP stream: no close frame, no end of the chunked body, no TLS close_notify.
    pub fn then_drop(self) -> Self {
        self.step(Step::Fin)
    }

    /// Silence, pings unanswered. What the client sends is thrown away, so that its going away is noticed.
    pub fn then_stall(self) -> Self {
        self.step(Step::Stall)
    }

    /// Silence, pings answered.
    pub fn then_mute(self) -> Self {
        self.step(Step::Mute(None))
    }

    /// No more events, but a sign of life now and every `interval`: an SSE comment, or a ping.
    pub fn then_mute_but_alive(self, interval: Duration) -> Self {
        self.step(Step::Mute(Some(interval)))
    }

    /// An SSE line that never ends. Over WebSocket: a message of endless fragments. At most 64 MiB are sent.
    pub fn then_endless_line(self) -> Self {
        self.step(Step::EndlessLine)
    }

    /// An SSE event of endless lines. Over WebSocket: a message of endless fragments. At most 64 MiB are
    /// sent.
    pub fn then_endless_event(self) -> Self {
        self.step(Step::EndlessEvent)
    }

    /// These bytes over and over, as they are, and nothing of what the client sends is read meanwhile. At
    /// most 64 MiB are sent.
    pub fn then_flood(self, bytes: impl Into<Vec<u8>>) -> Self {
        self.step(Step::Flood(bytes.into()))
    }

    /// One frame whose header promises `bytes`; at most 64 MiB of them are sent. Over SSE: one such chunk.
    pub fn then_endless_frame(self, bytes: u64) -> Self {
        self.step(Step::EndlessFrame(bytes))
    }
}
