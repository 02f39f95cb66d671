use std::time::{Duration, SystemTime};

use failback::{Blame, Stage, Transport};
use failback_wire::{MAX_ERROR_BODY_BYTES, Seen, ServerError, classify};
use http::HeaderMap;
use http::header::CONTENT_ENCODING;

/// How long the body of an error answer may take that may say what to do, or what to tell people.
const ERROR_BODY_TIME: Duration = Duration::from_secs(1);
/// The same where the status has said what to do: leave this transport. Its body arrives with it, or not soon.
const DECIDED_BODY_TIME: Duration = Duration::from_millis(100);

/// What an HTTP answer says that is not the one hoped for.
#[derive(Clone, Debug, PartialEq)]
pub struct Refusal {
    pub(crate) status: u16,
    pub(crate) headers: HeaderMap,
    pub(crate) error: ServerError,
}

impl Refusal {
    /// An answer with as much of its body as was read, of which at most [`MAX_ERROR_BODY_BYTES`] are looked at.
    /// `is_whole` says that this was all of it.
    #[must_use]
    pub fn new(status: u16, headers: HeaderMap, mut body: Vec<u8>, is_whole: bool) -> Self {
        if let Some(encoding) = encoding_of(&headers) {
            body = format!("it says why in an encoding that was not asked for: {encoding}").into_bytes();
        } else if !body.is_empty() && (!is_whole || body.len() > MAX_ERROR_BODY_BYTES) {
            body.truncate(MAX_ERROR_BODY_BYTES);
            // A secret may be cut in two there.
            body.extend_from_slice("…".as_bytes());
        }
        let error = ServerError::from_body(status, &body);
        Self { status, headers, error }
    }

    /// How long the body of such an answer may take. `None` if it is not worth reading.
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

/// The encoding of an answer, if it is in one. None was asked for.
#[must_use]
pub fn encoding_of(headers: &HeaderMap) -> Option<&str> {
    let encoding = headers.get(CONTENT_ENCODING)?.to_str().unwrap_or("unknown").trim();
    (!encoding.is_empty() && !encoding.eq_ignore_ascii_case("identity")).then_some(encoding)
}
