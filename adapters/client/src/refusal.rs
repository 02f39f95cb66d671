use std::time::{Duration, SystemTime};

use failback::{Blame, Stage, Transport};
use failback_wire::{MAX_ERROR_BODY_BYTES, Seen, ServerError, classify};
use http::HeaderMap;
use http::header::CONTENT_ENCODING;

/// How long to wait for the body of an error answer. It may say whether a retry can help, and it has the
/// server's message.
const ERROR_BODY_TIME: Duration = Duration::from_secs(1);
/// How long to wait where the status alone decides that the call leaves this transport. Only the message for
/// people is missing, and most often it arrives together with the head.
const DECIDED_BODY_TIME: Duration = Duration::from_millis(100);

/// An HTTP answer with an error status, or a refused upgrade.
#[derive(Clone, Debug, PartialEq)]
pub struct Refusal {
    pub(crate) status: u16,
    pub(crate) headers: HeaderMap,
    pub(crate) error: ServerError,
}

impl Refusal {
    /// An answer with as much of its body as was read. At most [`MAX_ERROR_BODY_BYTES`] of that are kept.
    /// `is_whole` says whether it is the whole body.
    #[must_use]
    pub fn new(status: u16, headers: HeaderMap, mut body: Vec<u8>, is_whole: bool) -> Self {
        if let Some(encoding) = encoding_of(&headers) {
            body = format!("it says why in an encoding that was not asked for: {encoding}").into_bytes();
        } else if !body.is_empty() && (!is_whole || body.len() > MAX_ERROR_BODY_BYTES) {
            body.truncate(MAX_ERROR_BODY_BYTES);
            // Marks where the text was cut: a secret may have been cut in two there.
            body.extend_from_slice("…".as_bytes());
        }
        let error = ServerError::from_body(status, &body);
        Self { status, headers, error }
    }

    /// The status of the answer.
    #[must_use]
    pub const fn status(&self) -> u16 {
        self.status
    }

    /// The headers of the answer.
    #[must_use]
    pub const fn headers(&self) -> &HeaderMap {
        &self.headers
    }

    /// What its body said was wrong.
    #[must_use]
    pub const fn error(&self) -> &ServerError {
        &self.error
    }

    /// How long to wait for the body of such an answer. `None` if the body cannot be read anyhow.
    #[must_use]
    pub fn body_time(transport: Transport, status: u16, headers: &HeaderMap) -> Option<Duration> {
        if encoding_of(headers).is_some() {
            return None;
        }
        let seen = match transport {
            Transport::WebSocket => Seen::Upgrade { status, headers, error: None },
            Transport::Sse => Seen::Answer { status, headers, error: None },
        };
        let failure = classify(&seen, transport, Stage::Connecting, false, SystemTime::now());
        let is_decided = failure.is_some_and(|failure| failure.blame() == Blame::Transport);
        Some(if is_decided { DECIDED_BODY_TIME } else { ERROR_BODY_TIME })
    }
}

/// The content encoding of an answer, if it has one although no request asks for any.
#[must_use]
pub fn encoding_of(headers: &HeaderMap) -> Option<&str> {
    let encoding = headers.get(CONTENT_ENCODING)?.to_str().unwrap_or("unknown").trim();
    (!encoding.is_empty() && !encoding.eq_ignore_ascii_case("identity")).then_some(encoding)
}
