use crate::Gate;

/// What the peer does with one WebSocket upgrade.
#[derive(Clone, Debug, Default)]
#[must_use = "a handshake does nothing until it is given to a peer"]
pub enum Handshake {
    /// Answers 101.
    #[default]
    Accept,
    /// Reads the request and never answers.
    BlackHole,
    /// Answers 101 once the gate is open.
    Hold(Gate),
    /// Goes on with the other once the gate is open.
    HoldThen(Gate, Box<Handshake>),
    /// Answers with another status and closes.
    Status {
        /// The status.
        code: u16,
        /// Headers besides `content-length` and `connection`.
        headers: Vec<(String, String)>,
        /// The body.
        body: String,
    },
    /// Resets the connection instead of answering.
    Reset,
    /// Ends the connection instead of answering.
    Close,
    /// Answers 101 with a wrong `Sec-WebSocket-Accept`.
    BadAccept,
    /// Answers with these bytes and leaves the connection open.
    Garbage(Vec<u8>),
    /// Answers 101, and at once sends a close frame with this code.
    AcceptThenClose {
        /// The close code.
        code: u16,
    },
    /// Answers 101, and at once resets the connection.
    AcceptThenReset,
    /// Answers 101 with these bytes in the same write, then goes on normally.
    AcceptWithEarlyBytes(Vec<u8>),
}

impl Handshake {
    /// A refusal with a JSON error as its body.
    pub fn status(code: u16) -> Self {
        Self::Status {
            code,
            headers: vec![("content-type".into(), "application/json".into())],
            body: crate::script::error_body(code).to_string(),
        }
    }

    /// Adds a header to a [`Status`](Self::Status).
    ///
    /// # Panics
    ///
    /// When it is anything else.
    pub fn header(mut self, name: &str, value: &str) -> Self {
        let Self::Status { headers, .. } = &mut self else { panic!("only a status has headers") };
        headers.push((name.to_owned(), value.to_owned()));
        self
    }

    /// [`Hold`](Self::Hold).
    pub fn hold(gate: &Gate) -> Self {
        Self::Hold(gate.clone())
    }

    /// [`HoldThen`](Self::HoldThen).
    pub fn hold_then(gate: &Gate, then: Handshake) -> Self {
        Self::HoldThen(gate.clone(), Box::new(then))
    }
}
