use std::fmt;
use std::time::Duration;

use failback::{Blame, GiveUp, Reason, Stage, Transport};
use failback_wire::{Fault, RequestError, ServerError};

use crate::duration::seconds;
use crate::provider::ProviderError;

/// How one attempt ended that did not complete its turn.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AttemptReport {
    transport: Transport,
    reason: Reason,
    stage: Stage,
    blame: Option<Blame>,
    text: String,
    status: Option<u16>,
    server_error: Option<Box<ServerError>>,
    request_id: Option<String>,
    retry_after: Option<Duration>,
}

impl AttemptReport {
    /// The report of an attempt that failed with this fault.
    pub(crate) fn failed(transport: Transport, reason: Reason, fault: &Fault) -> Self {
        let failure = fault.failure();
        Self {
            transport,
            reason,
            stage: failure.stage(),
            blame: Some(failure.blame()),
            text: fault.text().to_owned(),
            status: fault.status(),
            server_error: fault.server_error().cloned().map(Box::new),
            request_id: fault.request_id().map(str::to_owned),
            retry_after: failure.retry_after().or(fault.server_error().and_then(|said| said.retry_after)),
        }
    }

    /// The report of a WebSocket attempt that the turn left, because its handshake took longer than this head
    /// start (R17).
    pub(crate) fn diverted(reason: Reason, head_start: Duration) -> Self {
        let text = format!("the WebSocket handshake took longer than {}", seconds(head_start));
        Self::stopped(Transport::WebSocket, reason, Stage::Connecting, text)
    }

    /// The report of an attempt that was stopped in the middle, for a reason that says nothing of its
    /// transport.
    pub(crate) const fn stopped(transport: Transport, reason: Reason, stage: Stage, text: String) -> Self {
        Self {
            transport,
            reason,
            stage,
            blame: None,
            text,
            status: None,
            server_error: None,
            request_id: None,
            retry_after: None,
        }
    }

    /// The transport that the attempt used.
    #[must_use]
    pub const fn transport(&self) -> Transport {
        self.transport
    }

    /// Why the attempt was made over that transport.
    #[must_use]
    pub const fn reason(&self) -> Reason {
        self.reason
    }

    /// How far the attempt had come.
    #[must_use]
    pub const fn stage(&self) -> Stage {
        self.stage
    }

    /// What its failure is evidence against. `None` if the attempt did not fail: its handshake took longer
    /// than the head start, and the turn went on without it; or the turn was stopped meanwhile, by its
    /// deadline, by its provider of credentials or by a fault of the client itself.
    #[must_use]
    pub const fn blame(&self) -> Option<Blame> {
        self.blame
    }

    /// What went wrong, with the server's own message if it sent one.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The HTTP status that the server, or a proxy, answered with or named, if it did.
    #[must_use]
    pub const fn status(&self) -> Option<u16> {
        self.status
    }

    /// What the server said was wrong: its code, type, parameter and message. Without the client's
    /// credentials.
    #[must_use]
    pub fn server_error(&self) -> Option<&ServerError> {
        self.server_error.as_deref()
    }

    /// The id that the server gave to the request, by the header `x-request-id` or `request-id` of a refusal.
    #[must_use]
    pub fn request_id(&self) -> Option<&str> {
        self.request_id.as_deref()
    }

    /// How long the server asked to wait, if it did: in its error, or by a header of an answer that is blamed
    /// on the server.
    #[must_use]
    pub const fn retry_after(&self) -> Option<Duration> {
        self.retry_after
    }
}

impl fmt::Display for AttemptReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}, {}: {}", self.transport, self.stage, self.text)
    }
}

/// What ended a turn that failed.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ErrorKind {
    /// The policy gave the turn up: an attempt had failed, and there is no other.
    GaveUp(GiveUp),
    /// The turn was not over when its deadline was.
    Deadline {
        /// How long the turn was allowed to take.
        limit: Duration,
    },
    /// The request cannot be sent by this client. Nothing was sent.
    Request(RequestError),
    /// The provider of credentials gave none, or panicked
    /// ([`Builder::credentials`](crate::Builder::credentials)). Its own error is the
    /// [`source`](std::error::Error::source) of this one.
    Credentials(ProviderError),
    /// A response that was to be given as a whole is larger than this many bytes,
    /// [`max_message_bytes`](failback_wire::Limits::max_message_bytes). The turn was cancelled, and the error
    /// has no attempts.
    ResponseTooLarge {
        /// How many bytes it may have.
        limit: usize,
    },
    /// The client itself is at fault: it came into a state that cannot be. Nothing is held against the server
    /// or a transport. Please report it.
    Internal {
        /// What it found.
        what: String,
    },
}

impl ErrorKind {
    /// The word for it in logs.
    pub(crate) const fn as_str(&self) -> &'static str {
        match self {
            Self::GaveUp(give_up) => give_up.as_str(),
            Self::Deadline { .. } => "deadline",
            Self::Request(_) => "request",
            Self::Credentials(_) => "credentials",
            Self::ResponseTooLarge { .. } => "response_too_large",
            Self::Internal { .. } => "internal",
        }
    }
}

impl fmt::Display for ErrorKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::GaveUp(give_up) => give_up.fmt(f),
            Self::Deadline { limit } => {
                write!(f, "the turn was not over within its deadline of {}", seconds(*limit))
            }
            Self::Request(error) => error.fmt(f),
            Self::Credentials(_) => f.write_str("the provider of credentials failed"),
            Self::ResponseTooLarge { limit } => {
                write!(f, "the response is larger than {limit} bytes; read it event by event instead")
            }
            Self::Internal { what } => write!(f, "failback itself is at fault, please report it: {what}"),
        }
    }
}

/// Why a turn failed: what ended it, and how each attempt ended. `Display` tells all of that in one line.
///
/// ```
/// use std::time::Duration;
///
/// use failback_client::Error;
///
/// /// When to ask again, if that makes sense.
/// fn again_in(error: &Error) -> Option<Duration> {
///     for attempt in error.attempts() {
///         eprintln!("over {}: {}", attempt.transport(), attempt.text());
///     }
///     error.is_retryable().then(|| error.retry_after().unwrap_or(Duration::from_secs(10)))
/// }
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Error {
    kind: ErrorKind,
    /// Output was delivered that was not taken back.
    committed: bool,
    attempts: Vec<AttemptReport>,
}

impl Error {
    pub(crate) const fn new(kind: ErrorKind, committed: bool, attempts: Vec<AttemptReport>) -> Self {
        Self { kind, committed, attempts }
    }

    /// What ended the turn.
    #[must_use]
    pub const fn kind(&self) -> &ErrorKind {
        &self.kind
    }

    /// Whether the turn ended because its deadline was over
    /// ([`Request::with_deadline`](failback_wire::Request::with_deadline)).
    #[must_use]
    pub const fn is_deadline(&self) -> bool {
        matches!(self.kind, ErrorKind::Deadline { .. })
    }

    /// Why there is no further attempt, in the words of the policy. If it was not the policy that ended the
    /// turn, the nearest of them. For a deadline, and for a provider of credentials that failed, that is
    /// [`GiveUp::Committed`] if output was delivered, and else [`GiveUp::AttemptsExhausted`]. For a response
    /// that is too large it is [`GiveUp::Committed`], and for a request that cannot be sent, and for a fault
    /// of the client itself, [`GiveUp::NotRetryable`]. [`kind`](Self::kind) tells them apart.
    #[must_use]
    pub const fn give_up(&self) -> GiveUp {
        match self.kind {
            ErrorKind::GaveUp(give_up) => give_up,
            ErrorKind::ResponseTooLarge { .. } => GiveUp::Committed,
            ErrorKind::Deadline { .. } | ErrorKind::Credentials(_) if self.committed => GiveUp::Committed,
            ErrorKind::Deadline { .. } | ErrorKind::Credentials(_) => GiveUp::AttemptsExhausted,
            ErrorKind::Request(_) | ErrorKind::Internal { .. } => GiveUp::NotRetryable,
        }
    }

    /// Every attempt, in order. So the error says why WebSocket was left even if SSE failed too. One that
    /// began again with other credentials ([`Builder::credentials`](crate::Builder::credentials)) is one.
    #[must_use]
    pub fn attempts(&self) -> &[AttemptReport] {
        &self.attempts
    }

    /// Whether the same request may succeed later, and may be sent again: nothing shows that it is wrong, and
    /// [`give_up`](Self::give_up) is not [`GiveUp::Committed`].
    #[must_use]
    pub const fn is_retryable(&self) -> bool {
        match self.give_up() {
            GiveUp::Committed | GiveUp::NotRetryable => false,
            GiveUp::AttemptsExhausted | GiveUp::BudgetExhausted | GiveUp::ServerBusy { .. } => true,
        }
    }

    /// How long the server asked to wait: the last attempt's [`retry_after`](AttemptReport::retry_after), of
    /// those that have one.
    #[must_use]
    pub fn retry_after(&self) -> Option<Duration> {
        match self.give_up() {
            GiveUp::ServerBusy { retry_after } => Some(retry_after),
            _ => self.last(AttemptReport::retry_after),
        }
    }

    /// The last attempt's [`status`](AttemptReport::status), of those that have one.
    #[must_use]
    pub fn status(&self) -> Option<u16> {
        self.last(AttemptReport::status)
    }

    /// The last attempt's [`server_error`](AttemptReport::server_error), of those that have one.
    #[must_use]
    pub fn server_error(&self) -> Option<&ServerError> {
        self.last(AttemptReport::server_error)
    }

    /// The last attempt's [`request_id`](AttemptReport::request_id), of those that have one.
    #[must_use]
    pub fn request_id(&self) -> Option<&str> {
        self.last(AttemptReport::request_id)
    }

    fn last<'a, T>(&'a self, part: impl Fn(&'a AttemptReport) -> Option<T>) -> Option<T> {
        self.attempts.iter().rev().find_map(part)
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.kind)?;
        if self.is_deadline() {
            match self.attempts.last() {
                None => f.write_str(", before the first attempt")?,
                // It was not under way.
                Some(last) if last.blame.is_some() => f.write_str(", while it waited to try again")?,
                Some(_) => {}
            }
        }
        for (attempt, number) in self.attempts.iter().zip(1..) {
            let separator = if number == 1 { ": " } else { "; " };
            write!(f, "{separator}attempt {number}, {attempt}")?;
        }
        Ok(())
    }
}

// `Display` has told everything but the words of a provider of credentials, which are its own: whoever prints
// the whole chain should not read anything twice.
impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match &self.kind {
            ErrorKind::Credentials(error) => Some(error.get()),
            _ => None,
        }
    }
}
