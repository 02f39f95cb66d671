use core::time::Duration;

use failback::{Timestamp, Transport};

use crate::{Limits, Seen};

/// How many events in a row may go without a time of their own. To read the clock for each takes a tenth of
/// the time of an event.
const UNDATED: u32 = 7;

/// Watches one stream from its request to its last event, and says when to ping and when to give up.
///
/// The driver tells it what happens, and [`poll`](Self::poll) says what to do. Time is always an argument.
/// Polling early, late or twice does no harm. A clock that runs backwards is treated as one that stands
/// still.
///
/// Four limits end a stream, and each is counted from another moment:
///
/// - *First event* (WebSocket only): [`first_event_timeout`](Limits::first_event_timeout) after the request
///   was sent, unless an **event** has come. Pongs do not extend it: they show that someone is there, but not
///   that the request got through. On SSE there is no such limit, because the answer may begin late behind a
///   proxy that buffers, or when a model thinks.
/// - *Missed pong* (WebSocket only): a ping is due after [`ping_interval`](Limits::ping_interval) without any
///   byte. **Any byte** within [`pong_timeout`](Limits::pong_timeout) answers it, since it shows that the
///   path is alive. The time counts from when the ping was sent, so that a driver that was not polled for a
///   while sends one before it gives up.
/// - *Idle*: [`idle_timeout`](Limits::idle_timeout) after the last **byte** of any kind: of an event, a pong,
///   a ping, a comment, or of the request while that is sent. No ping can be sent while a request is sent
///   over a WebSocket. If the path takes no byte of the request, that is found within ping interval + pong
///   time-out too.
/// - *No event*: [`event_timeout`](Limits::event_timeout), if there is one, after the last **event**, or the
///   request.
///
/// So a model that thinks for long is not a failure. A WebSocket whose pings are answered, and an SSE stream
/// that sends comments, may go without an event for as long as the caller is willing to wait. A dead path is
/// found within ping interval + pong time-out on a WebSocket. On SSE, which has no pings, it is found within
/// the idle time-out.
///
/// A driver reads what has arrived before it polls, as bytes that wait in a buffer are signs of life. If its
/// runtime may report them late, it reads once more before it obeys [`Dead`](LivenessAction::Dead).
///
/// An event counts from when the driver takes it out of its buffer, so a caller who takes slowly what has
/// arrived at once is not held against the peer. The first of such events has the time at which its bytes
/// were read ([`handle_event`](Self::handle_event)). For those after it
/// ([`handle_further_event`](Self::handle_further_event)) the clock is read once in eight, and up to seven
/// count from the last time that was told. So no limit should be shorter than a caller takes for eight events.
#[derive(Clone, Debug)]
pub struct Liveness {
    limits: Limits,
    transport: Transport,
    now: Timestamp,
    /// When the request was sent. `None` while it is being sent.
    sent_at: Option<Timestamp>,
    last_life: Timestamp,
    last_event: Option<Timestamp>,
    /// How many events have come since the last one that had a time.
    undated: u32,
    ping_sent_at: Option<Timestamp>,
}

/// What a driver has to do next to keep watch.
///
/// Exhaustive on purpose: a driver must obey each of them.
#[derive(Clone, Copy, Debug, PartialEq)]
#[must_use = "a stream that is not watched can hang forever"]
pub enum LivenessAction {
    /// Wait until this time, and ask again then or after the next event. [`Timestamp::MAX`] is never.
    Wait(Timestamp),
    /// Send a ping, report it with [`Liveness::handle_ping_sent`], and ask again.
    SendPing,
    /// Close the connection and report this.
    Dead(Seen<'static>),
}

impl Liveness {
    /// Begins to watch a stream whose request was sent at `now`.
    #[must_use]
    pub const fn new(limits: Limits, transport: Transport, now: Timestamp) -> Self {
        Self {
            limits,
            transport,
            now,
            sent_at: Some(now),
            last_life: now,
            last_event: None,
            undated: 0,
            ping_sent_at: None,
        }
    }

    /// Begins to watch a stream whose request is about to be sent:
    /// [`handle_request_sent`](Self::handle_request_sent) says when that is done.
    #[must_use]
    pub const fn before_request(limits: Limits, transport: Transport, now: Timestamp) -> Self {
        let mut liveness = Self::new(limits, transport, now);
        liveness.sent_at = None;
        liveness
    }

    /// The whole request has left.
    pub fn handle_request_sent(&mut self, now: Timestamp) {
        let now = self.advance(now);
        if self.sent_at.is_none() {
            self.sent_at = Some(now);
            self.last_life = now;
        }
    }

    /// The kernel took bytes to send. Bytes of the request are a sign of life. On a WebSocket the bytes after
    /// it are pings and pongs, which show nothing.
    pub fn handle_written(&mut self, now: Timestamp) {
        let now = self.advance(now);
        match (self.transport, self.sent_at) {
            (Transport::WebSocket, Some(_)) => {}
            (Transport::WebSocket, None) => self.last_life = now,
            (Transport::Sse, sent_at) => {
                // On SSE nothing but the request is sent.
                self.sent_at = sent_at.map(|_| now);
                self.last_life = now;
            }
        }
    }

    /// An event arrived.
    #[inline]
    pub fn handle_event(&mut self, now: Timestamp) {
        self.undated = 0;
        self.note_event(now);
    }

    /// Another event was taken, of those that arrived together with the one before. `clock` is read for one
    /// in eight.
    #[inline]
    pub fn handle_further_event(&mut self, clock: impl FnOnce() -> Timestamp) {
        if self.undated < UNDATED {
            self.undated = self.undated.saturating_add(1);
            self.note_event(self.now);
        } else {
            self.handle_event(clock());
        }
    }

    /// Something else arrived: a pong, a ping, a comment, the head of the answer, a part of an event.
    #[inline]
    pub fn handle_sign_of_life(&mut self, now: Timestamp) {
        self.last_life = self.advance(now);
        self.ping_sent_at = None;
    }

    /// A ping was sent. While one is unanswered, another changes nothing.
    pub fn handle_ping_sent(&mut self, now: Timestamp) {
        let now = self.advance(now);
        self.ping_sent_at.get_or_insert(now);
    }

    /// What to do at `now`.
    pub fn poll(&mut self, now: Timestamp) -> LivenessAction {
        let now = self.advance(now);
        let (wake, end) = self.end();
        // `Timestamp::MAX` means "never", so a limit at that time does not end anything.
        if wake <= now && wake < Timestamp::MAX {
            return LivenessAction::Dead(end);
        }
        if self.transport == Transport::Sse || self.sent_at.is_none() || self.ping_sent_at.is_some() {
            return LivenessAction::Wait(wake);
        }
        let ping_at = self.last_life.saturating_add(self.limits.ping_interval());
        if ping_at <= now && ping_at < Timestamp::MAX {
            return LivenessAction::SendPing;
        }
        LivenessAction::Wait(wake.min(ping_at))
    }

    /// When the first of the limits ends the stream, and which that is.
    fn end(&self) -> (Timestamp, Seen<'static>) {
        let limits = &self.limits;
        let pings = self.transport == Transport::WebSocket;
        let mut first = (self.last_life.saturating_add(limits.idle_timeout()), Seen::IdleTimeout);
        let mut limit = |since: Timestamp, limit: Duration, seen: Seen<'static>| {
            let at = since.saturating_add(limit);
            if at <= first.0 {
                first = (at, seen);
            }
        };
        let Some(sent_at) = self.sent_at else {
            if pings {
                let dead = limits.ping_interval().saturating_add(limits.pong_timeout());
                limit(self.last_life, dead, Seen::IdleTimeout);
            }
            return first;
        };
        if let Some(ping_sent_at) = self.ping_sent_at {
            limit(ping_sent_at, limits.pong_timeout(), Seen::MissedPong);
        }
        if let Some(event_timeout) = limits.event_timeout() {
            limit(self.last_event.unwrap_or(sent_at), event_timeout, Seen::EventTimeout);
        }
        if pings && self.last_event.is_none() {
            limit(sent_at, limits.first_event_timeout(), Seen::FirstEventTimeout);
        }
        first
    }

    #[inline]
    fn note_event(&mut self, now: Timestamp) {
        self.handle_sign_of_life(now);
        self.last_event = Some(self.now);
    }

    #[inline]
    fn advance(&mut self, now: Timestamp) -> Timestamp {
        self.now = self.now.max(now);
        self.now
    }
}
