//! The books of one turn, for every adapter: what has been delivered, what went wrong, and what to tell the caller.

use core::fmt;
use core::time::Duration;
use std::time::SystemTime;

use failback::{Blame, Failure, GiveUp, Mode, Reason, Stage, Status, Transport};

use crate::{Cause, Event, Headers, Seen, Terminal, classify};

/// What a turn yields.
///
/// Exhaustive on purpose: a caller that ignores `Restarted` shows output twice.
#[derive(Clone, Debug)]
pub enum Item {
    /// An event of the response, as received.
    Event(Event),
    /// Another attempt begins, and its events start over.
    Restarted {
        /// How many of the events delivered last to forget: all since the turn, or the last `Restarted`, began.
        discard: usize,
    },
    /// Which transport carries the stream has changed. For people and logs; the events go on as before.
    Notice(Notice),
}

/// The transport has changed, and why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Notice {
    transport: Transport,
    reason: Reason,
    retry_in: Option<Duration>,
    text: String,
}

impl Notice {
    /// The transport from now on.
    #[must_use]
    pub const fn transport(&self) -> Transport {
        self.transport
    }

    /// Why the attempt was made on it.
    #[must_use]
    pub const fn reason(&self) -> Reason {
        self.reason
    }

    /// In how long the next WebSocket attempt may be made. `None` when WebSocket is not in its cooldown.
    #[must_use]
    pub const fn retry_in(&self) -> Option<Duration> {
        self.retry_in
    }

    /// A sentence for people.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }
}

impl fmt::Display for Notice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

/// Notices when the transport changes, from one attempt to the next and from one turn to the next.
#[derive(Clone, Debug, Default)]
pub struct Announcer {
    on_sse: bool,
}

impl Announcer {
    /// An announcer that takes WebSocket for granted.
    #[must_use]
    pub const fn new() -> Self {
        Self { on_sse: false }
    }

    /// An attempt delivers its first event. Says what to tell the caller before it, if anything has changed.
    ///
    /// `status` is the policy's, after it has heard of the event; `cause` is why this turn left
    /// WebSocket, if it did.
    pub fn announce(
        &mut self,
        transport: Transport,
        reason: Reason,
        status: &Status,
        cause: Option<&str>,
    ) -> Option<Notice> {
        let on_sse = transport == Transport::Sse;
        if core::mem::replace(&mut self.on_sse, on_sse) == on_sse {
            return None;
        }
        let text = if on_sse {
            let cause = cause.unwrap_or_else(|| phrase(reason)).trim_end_matches('.');
            let next = match (status.mode, status.retry_in) {
                (_, Some(wait)) => format!("; next WebSocket attempt in {}", seconds(wait)),
                (Mode::Pinned, None) => "; staying on SSE".to_owned(),
                _ => String::new(),
            };
            format!("moved to SSE: {cause}{next}")
        } else if reason == Reason::LastResort {
            "back on WebSocket: SSE failed".to_owned()
        } else {
            "back on WebSocket".to_owned()
        };
        Some(Notice { transport, reason, retry_in: status.retry_in, text })
    }
}

/// A wait, as short as it can be said: `0.5 s`, `60 s`.
fn seconds(wait: Duration) -> String {
    if wait < Duration::from_secs(10) {
        // Rounded up, so that nobody is told to expect it now.
        let tenths = wait.as_millis().div_ceil(100);
        format!("{}.{} s", tenths / 10, tenths % 10)
    } else {
        format!("{} s", wait.as_millis().div_ceil(1000))
    }
}

/// Why an attempt is made where it is made, when the turn itself has seen nothing go wrong.
const fn phrase(reason: Reason) -> &'static str {
    match reason {
        Reason::Healthy => "WebSocket works",
        Reason::Probe => "the cooldown is over",
        Reason::DialPending => "an earlier WebSocket handshake is still not answered",
        Reason::CoolingDown => "WebSocket failed not long ago",
        Reason::ProbeInFlight => "another turn is trying WebSocket",
        Reason::VerdictPending => "WebSocket failed, and SSE is being tried",
        Reason::Pinned => "WebSocket failed too often",
        Reason::CallMoved => "WebSocket failed this turn",
        Reason::TooLarge => "the message is too large for WebSocket",
        Reason::LastResort => "SSE failed",
    }
}

/// One thing that went wrong, judged for the policy and told for people.
#[derive(Clone, Debug)]
pub struct Fault {
    failure: Failure,
    cause: Cause,
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
        // What is nobody's fault ends a response; a driver that asks all the same gets no retry out of it.
        let failure =
            classify(seen, transport, stage, reused, now).unwrap_or(Failure::new(Blame::Request, stage));
        Self { failure, cause: Cause::new(seen, transport, stage, detail) }
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

    /// What it means for the policy, apart from what the turn has delivered: [`Turn::fail`] adds that.
    #[must_use]
    pub const fn failure(&self) -> Failure {
        self.failure
    }

    /// The same, without the credentials among these headers.
    #[must_use]
    pub fn redacted(mut self, headers: &Headers) -> Self {
        self.cause = self.cause.redacted(headers);
        self
    }

    /// What to tell people.
    #[must_use]
    pub fn text(&self) -> &str {
        self.cause.as_str()
    }
}

/// What became of one attempt that did not carry its turn.
#[derive(Clone, Debug)]
pub struct AttemptReport {
    transport: Transport,
    reason: Reason,
    stage: Stage,
    blame: Option<Blame>,
    text: String,
}

impl AttemptReport {
    /// Which transport it used.
    #[must_use]
    pub const fn transport(&self) -> Transport {
        self.transport
    }

    /// Why it was made there.
    #[must_use]
    pub const fn reason(&self) -> Reason {
        self.reason
    }

    /// How far it came.
    #[must_use]
    pub const fn stage(&self) -> Stage {
        self.stage
    }

    /// What its failure is evidence against; `None` if it has not failed but was left, because the handshake took
    /// longer than the head start.
    #[must_use]
    pub const fn blame(&self) -> Option<Blame> {
        self.blame
    }

    /// What went wrong, with the server's own message if it sent one.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }
}

impl fmt::Display for AttemptReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}, {}: {}", self.transport, self.stage, self.text)
    }
}

/// A turn failed: why it was given up, and what every attempt of it met.
#[derive(Clone, Debug)]
pub struct Error {
    give_up: GiveUp,
    attempts: Vec<AttemptReport>,
}

impl Error {
    /// Why the turn was given up.
    #[must_use]
    pub const fn give_up(&self) -> GiveUp {
        self.give_up
    }

    /// Every attempt, in order. A refused fallback does not hide why WebSocket was left.
    #[must_use]
    pub fn attempts(&self) -> &[AttemptReport] {
        &self.attempts
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.give_up)?;
        for (attempt, number) in self.attempts.iter().zip(1..) {
            let separator = if number == 1 { ": " } else { "; " };
            write!(f, "{separator}attempt {number}, {attempt}")?;
        }
        Ok(())
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        Some(&self.give_up)
    }
}

/// What an event means for the attempt that received it.
///
/// Exhaustive on purpose: a driver must obey each of these.
#[derive(Debug)]
#[must_use = "an event is to be delivered, or ends the attempt"]
pub enum Received {
    /// Deliver it; more will come.
    Deliver(Event),
    /// Deliver it: the response is complete.
    Complete(Event),
    /// Deliver it: the server ended the response without completing it.
    End(Event),
    /// Do not deliver it: the attempt failed. The connection lives on unless the second part says to close it.
    Fail(Fault, Fate),
}

/// What becomes of the connection of a response that failed by an event.
///
/// Exhaustive on purpose: a driver must obey each of these.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fate {
    /// An error ends the response, not the connection.
    Keep,
    /// The connection can carry no other response.
    Close,
}

/// The books of one turn.
#[derive(Clone, Debug, Default)]
pub struct Turn {
    delivered: usize,
    committed: bool,
    /// The request of the attempt names a response itself, so that there is no fuller input to be sent instead.
    names_response: bool,
    attempts: Vec<AttemptReport>,
}

impl Turn {
    /// A turn that has just begun.
    #[must_use]
    pub const fn new() -> Self {
        Self { delivered: 0, committed: false, names_response: false, attempts: Vec::new() }
    }

    /// An attempt begins. What to tell the caller before its first event: to forget the events of the one before.
    #[must_use]
    pub fn begin_attempt(&mut self) -> Option<Item> {
        self.committed = false;
        self.names_response = false;
        match core::mem::take(&mut self.delivered) {
            0 => None,
            discard => Some(Item::Restarted { discard }),
        }
    }

    /// The attempt sends its request, which names a response itself or not
    /// ([`Request::names_response`](crate::Request::names_response)).
    pub fn send(&mut self, names_response: bool) {
        self.names_response = names_response;
    }

    /// An event arrived. `stage` is the attempt's, before it.
    pub fn receive(&mut self, event: Event, transport: Transport, stage: Stage, now: SystemTime) -> Received {
        let fault = |seen: &Seen<'_>| Fault::new(seen, transport, stage, false, None, now);
        match (event.terminal(), event.error()) {
            (Some(Terminal::Error), Some(error)) => {
                let fate = match error.code.as_deref() {
                    Some("websocket_connection_limit_reached") => Fate::Close,
                    _ => Fate::Keep,
                };
                let seen = match error.is_unknown_response() && self.names_response {
                    true => Seen::UnknownResponse(error),
                    false => Seen::ErrorEvent(error),
                };
                return Received::Fail(fault(&seen), fate);
            }
            (Some(Terminal::Error), None) => return Received::Fail(fault(&Seen::BadEvent), Fate::Close),
            (Some(Terminal::Ended), Some(error)) => {
                let seen = Seen::FailedEvent(error);
                if classify(&seen, transport, stage, false, now).is_some() {
                    return Received::Fail(fault(&seen), Fate::Keep);
                }
            }
            _ => {}
        }
        self.delivered = self.delivered.saturating_add(1);
        self.committed |= event.is_output();
        match event.terminal() {
            Some(Terminal::Completed) => Received::Complete(event),
            Some(Terminal::Ended) => Received::End(event),
            _ => Received::Deliver(event),
        }
    }

    /// An attempt failed. Writes it down, and says what to tell the policy.
    #[must_use]
    pub fn fail(&mut self, transport: Transport, reason: Reason, fault: &Fault) -> Failure {
        let failure = fault.failure();
        self.attempts.push(AttemptReport {
            transport,
            reason,
            stage: failure.stage(),
            blame: Some(failure.blame()),
            text: fault.text().to_owned(),
        });
        if self.committed { failure.with_committed() } else { failure }
    }

    /// The handshake of an attempt took longer than the head start, and its turn went on without it.
    pub fn divert(&mut self, reason: Reason, head_start: Duration) {
        self.attempts.push(AttemptReport {
            transport: Transport::WebSocket,
            reason,
            stage: Stage::Connecting,
            blame: None,
            text: format!("the WebSocket handshake took longer than {}", seconds(head_start)),
        });
    }

    /// Why the turn is not on WebSocket: what its last attempt there met.
    #[must_use]
    pub fn why_not_websocket(&self) -> Option<&str> {
        self.attempts.iter().rev().find(|a| a.transport == Transport::WebSocket).map(AttemptReport::text)
    }

    /// The turn is over, and this is its error.
    #[must_use]
    pub fn give_up(self, give_up: GiveUp) -> Error {
        Error { give_up, attempts: self.attempts }
    }
}
