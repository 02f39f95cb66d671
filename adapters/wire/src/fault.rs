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
    /// What was seen at this stage of an attempt over this transport, on a connection that had carried responses before
    /// or not. `detail` is what the layer below said of it. `now` is for a server that names a date to come back.
    #[must_use]
    pub fn new(
        seen: &Seen<'_>,
        transport: Transport,
        stage: Stage,
        reused: bool,
        detail: Option<&str>,
        now: SystemTime,
    ) -> Self {
        // `classify` says nothing where the response has ended as its server wanted. If that is reported as a fault all the
        // same, a retry would not help.
        let failure =
            classify(seen, transport, stage, reused, now).unwrap_or(Failure::new(Blame::Request, stage));
        Self {
            failure,
            cause: Cause::new(seen, transport, stage, detail),
            status: seen.status(),
            server_error: seen.server_error().cloned().map(Box::new),
            request_id: seen.request_id(),
        }
    }

    /// The same, when the caller had not read for longer than a peer need wait: that the peer closed, reset or was silent
    /// comes of that, and shows nothing against the transport. What it stated counts all the same.
    #[must_use]
    pub fn left_alone(mut self, seen: &Seen<'_>) -> Self {
        let is_end = matches!(seen, Seen::Reset | Seen::EndOfStream | Seen::Closed { .. } | Seen::MissedPong);
        if is_end && self.failure.blame() == Blame::Transport {
            self.failure = Failure::new(Blame::Connection, self.failure.stage());
            self.cause = self.cause.left_alone();
        }
        self
    }

    /// What it means for the policy. Does not know whether output has reached the caller:
    /// [`Failure::with_committed`] says so.
    #[must_use]
    pub const fn failure(&self) -> Failure {
        self.failure
    }

    /// The same, without the credentials among these headers.
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

    /// The id that the server gave to the request, by the header `x-request-id` or `request-id` of its answer.
    #[must_use]
    pub fn request_id(&self) -> Option<&str> {
        self.request_id.as_deref()
    }

    /// What to tell people.
    #[must_use]
    pub fn text(&self) -> &str {
        self.cause.as_str()
    }
}
