use std::time::SystemTime;

use failback::{Blame, Failure, Stage, Transport};

use crate::{Cause, Headers, Seen, ServerError, classify};

/// One thing that went wrong: a [`Failure`] for the policy, and a [`Cause`] for people.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    failure: Failure,
    cause: Cause,
    status: Option<u16>,
    server_error: Option<Box<ServerError>>,
    request_id: Option<String>,
}

impl Fault {
    /// Judges what was seen in an attempt over this transport that had come as far as `stage`: see
    /// [`classify`], also for `reused` and `now`. `detail` is what the layer below said of the failure.
    ///
    /// `None` if it is no fault: the server ended the response as it meant to.
    #[must_use]
    pub fn new(
        seen: &Seen<'_>,
        transport: Transport,
        stage: Stage,
        reused: bool,
        detail: Option<&str>,
        now: SystemTime,
    ) -> Option<Self> {
        Some(Self {
            failure: classify(seen, transport, stage, reused, now)?,
            cause: Cause::new(seen, transport, stage, detail),
            status: seen.status(),
            server_error: seen.server_error().cloned().map(Box::new),
            request_id: seen.request_id(),
        })
    }

    /// Says that the caller had not read for longer than a peer has to wait. If the peer then closed or reset
    /// the connection, or did not answer a ping, the connection is to blame and not the transport. Everything
    /// else still counts, such as an error that the server stated.
    #[must_use]
    pub fn left_alone(mut self, seen: &Seen<'_>) -> Self {
        let is_end = matches!(seen, Seen::Reset | Seen::EndOfStream | Seen::Closed { .. } | Seen::MissedPong);
        if is_end && self.failure.blame() == Blame::Transport {
            self.failure = Failure::new(Blame::Connection, self.failure.stage());
            self.cause = self.cause.left_alone();
        }
        self
    }

    /// Says that the server had refused other credentials before it refused these.
    #[must_use]
    pub fn renewed(mut self) -> Self {
        self.cause = self.cause.renewed();
        self
    }

    /// The failure to report to the policy. It does not know whether output has reached the caller:
    /// [`Failure::with_committed`] says so.
    #[must_use]
    pub const fn failure(&self) -> Failure {
        self.failure
    }

    /// Cuts the credentials among these headers out of the text.
    #[must_use]
    pub fn redacted(mut self, headers: &Headers) -> Self {
        self.cause = self.cause.redacted(headers);
        if let Some(error) = &mut self.server_error {
            error.redact(headers);
        }
        if let Some(id) = &mut self.request_id {
            *id = headers.redact(id).into_owned();
        }
        self
    }

    /// The HTTP status that the server, or a proxy, answered with or named, if it did.
    #[must_use]
    pub const fn status(&self) -> Option<u16> {
        self.status
    }

    /// The server's own words, if it said what was wrong.
    #[must_use]
    pub fn server_error(&self) -> Option<&ServerError> {
        self.server_error.as_deref()
    }

    /// The id that the server gave to the request, by the header `x-request-id` or `request-id` of its
    /// answer.
    #[must_use]
    pub fn request_id(&self) -> Option<&str> {
        self.request_id.as_deref()
    }

    /// The text for people.
    #[must_use]
    pub fn text(&self) -> &str {
        self.cause.as_str()
    }
}
