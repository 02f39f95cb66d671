use core::time::Duration;

use failback::{Timestamp, Transport};

use crate::{Limits, Seen, absence};

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
///   path is alive. The time counts from when the ping was sent.
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
/// The limits count only time in which somebody reads. A driver was **away** if it looks again more than a
/// second after it took an event, or more than a second after the time that [`Wait`](LivenessAction::Wait)
/// named: its caller did something else, or its runtime stood still. No wait is longer than the
/// [`ping_interval`](Limits::ping_interval), on SSE either, so that an absence is noticed. After an absence:
///
/// - The idle, first-event and no-event limits are put off by the length of the absence. If it began during a
///   wait, half of the wait counts as time in which somebody read, and all of it if the wait is no longer
///   than a second.
/// - On a WebSocket where nothing has arrived for longer than the ping interval, a ping is due at once. The
///   answer to it decides. An idle limit that is shorter than the pong time-out waits for that answer.
/// - A ping that was sent before the absence gets no more time: its answer would have arrived meanwhile.
///
/// An event counts from when the driver takes it out of its buffer. So if many events arrive together, and
/// the caller takes them slowly, that is not held against the peer. The first of them has the time at which
/// its bytes were read ([`handle_event`](Self::handle_event)). For the others
/// ([`handle_further_event`](Self::handle_further_event)) the clock is read once in eight, and up to seven in
/// a row have the time that was read last. So no limit should be shorter than a caller takes for eight
/// events.
#[derive(Clone, Debug)]
pub struct Liveness {
    limits: Limits,
    transport: Transport,
    now: Timestamp,
    /// When the request was sent, or later if the driver was away since. `None` while it is being sent.
    sent_at: Option<Timestamp>,
    last_life: Timestamp,
    /// From when the idle limit counts: the last sign of life, or later if the driver was away since.
    silent_since: Timestamp,
    /// When the last event came, or later if the driver was away since.
    last_event: Option<Timestamp>,
    /// How many events have come since the last one that had a time.
    undated: u32,
    ping_sent_at: Option<Timestamp>,
    /// When the driver is to look again: the time that it was told last, or when it took an event since.
    due: Timestamp,
}

/// What a driver has to do next to keep watch.
///
/// Exhaustive on purpose: a driver must obey each of them.
#[derive(Clone, Copy, Debug, PartialEq)]
#[must_use = "a stream that is not watched can hang forever"]
pub enum LivenessAction {
    /// Wait until this time, and ask again then or after the next event. [`Timestamp::MAX`] is never. A
    /// driver that asks more than a second later was away.
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
            silent_since: now,
            last_event: None,
            undated: 0,
            ping_sent_at: None,
            due: now,
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
            self.note_life(now);
        }
    }

    /// The kernel took bytes to send. Bytes of the request are a sign of life. On a WebSocket the bytes after
    /// the request are pings and pongs, which show nothing.
    pub fn handle_written(&mut self, now: Timestamp) {
        let now = self.look(now);
        match (self.transport, self.sent_at) {
            (Transport::WebSocket, Some(_)) => {}
            (Transport::WebSocket, None) => self.note_life(now),
            (Transport::Sse, sent_at) => {
                // On SSE nothing but the request is sent.
                self.sent_at = sent_at.map(|_| now);
                self.note_life(now);
            }
        }
    }

    /// An event arrived.
    #[inline]
    pub fn handle_event(&mut self, now: Timestamp) {
        self.undated = 0;
        self.note_event(now);
    }

    /// The driver took another event, of those that arrived together with the one before. `clock` is called
    /// for one in eight.
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
        let now = self.look(now);
        self.note_life(now);
        self.ping_sent_at = None;
    }

    /// A ping was sent. While one is unanswered, another changes nothing.
    pub fn handle_ping_sent(&mut self, now: Timestamp) {
        let now = self.advance(now);
        self.ping_sent_at.get_or_insert(now);
    }

    /// Whether a ping is unanswered, and nothing has arrived since `then` either.
    #[must_use]
    pub fn is_unanswered_since(&self, then: Timestamp) -> bool {
        self.ping_sent_at.is_some() && self.last_life < then
    }

    /// What to do at `now`.
    pub fn poll(&mut self, now: Timestamp) -> LivenessAction {
        let now = self.look(now);
        let (wake, end) = self.end();
        // `Timestamp::MAX` means "never", so a limit at that time does not end anything.
        if wake <= now && wake < Timestamp::MAX {
            return LivenessAction::Dead(end);
        }
        if self.is_ping_due(now) {
            return LivenessAction::SendPing;
        }
        // No driver waits for longer than this, so an absence is noticed.
        let mut until = wake.min(now.saturating_add(self.limits.ping_interval()));
        if self.may_ping() {
            until = until.min(self.ping_at());
        }
        self.due = until;
        LivenessAction::Wait(until)
    }

    fn is_ping_due(&self, now: Timestamp) -> bool {
        let ping_at = self.ping_at();
        self.may_ping() && ping_at <= now && ping_at < Timestamp::MAX
    }

    fn may_ping(&self) -> bool {
        self.transport == Transport::WebSocket && self.sent_at.is_some() && self.ping_sent_at.is_none()
    }

    fn ping_at(&self) -> Timestamp {
        self.last_life.saturating_add(self.limits.ping_interval())
    }

    /// When the first of the limits ends the stream, and which that is.
    fn end(&self) -> (Timestamp, Seen<'static>) {
        let limits = &self.limits;
        let pings = self.transport == Transport::WebSocket;
        let mut first = (self.silent_since.saturating_add(limits.idle_timeout()), Seen::IdleTimeout);
        let mut limit = |since: Timestamp, limit: Duration, seen: Seen<'static>| {
            let at = since.saturating_add(limit);
            if at <= first.0 {
                first = (at, seen);
            }
        };
        let Some(sent_at) = self.sent_at else {
            if pings {
                let dead = limits.ping_interval().saturating_add(limits.pong_timeout());
                limit(self.silent_since, dead, Seen::IdleTimeout);
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

    /// The driver does something at `now`.
    #[inline]
    fn look(&mut self, now: Timestamp) -> Timestamp {
        let before = self.now;
        let now = self.advance(now);
        let wait = self.due.saturating_duration_since(before);
        if let Some(away) = absence(wait, now.saturating_duration_since(before)) {
            self.handle_absence(away, now);
        }
        now
    }

    /// The driver was away for so long, until now.
    #[cold]
    fn handle_absence(&mut self, away: Duration, now: Timestamp) {
        self.silent_since = self.silent_since.saturating_add(away);
        self.sent_at = self.sent_at.map(|at| at.saturating_add(away));
        self.last_event = self.last_event.map(|at| at.saturating_add(away));
        let pong_timeout = self.limits.pong_timeout();
        if self.is_ping_due(now) && pong_timeout < Duration::MAX {
            // The idle limit leaves the ping its time.
            let longer = pong_timeout.saturating_sub(self.limits.idle_timeout());
            self.silent_since = self.silent_since.max(now.saturating_add(longer));
        }
    }

    #[inline]
    fn note_event(&mut self, now: Timestamp) {
        let now = self.advance(now);
        self.note_life(now);
        self.ping_sent_at = None;
        self.last_event = Some(now);
        // The caller has the event, and may be away from here on.
        self.due = now;
    }

    #[inline]
    fn note_life(&mut self, now: Timestamp) {
        self.last_life = now;
        self.silent_since = now;
    }

    #[inline]
    fn advance(&mut self, now: Timestamp) -> Timestamp {
        self.now = self.now.max(now);
        self.now
    }
}
