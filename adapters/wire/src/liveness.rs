use failback::{Timestamp, Transport};

use crate::{Limits, Seen};

/// Watches one stream from its request to its last event, and says when to ping and when to give up.
///
/// It is told what happens, and [`poll`](Self::poll) says what to do. Time is always an argument; calling it early,
/// late or twice does no harm, and a clock that runs backwards stands still.
///
/// Three things end a stream, and each is measured from something else:
///
/// - *First event*: [`first_event_timeout`](Limits::first_event_timeout) after the request, unless an **event** has
///   come. Pongs and comments show that someone is there, not that the request got through, so they do not extend it.
/// - *Missed pong* (WebSocket only): a ping is due after [`ping_interval`](Limits::ping_interval) without any byte.
///   **Any byte** within [`pong_timeout`](Limits::pong_timeout) answers it, for the path is then alive. The time counts from
///   when the ping was sent, so that a driver that was not polled for a while asks before it judges.
/// - *Idle*: [`idle_timeout`](Limits::idle_timeout) after the last **byte** of any kind: event, pong, ping, comment.
///
/// So long thinking is not a failure. A WebSocket whose pings are answered, and an SSE stream that sends comments, live
/// on without an event for as long as the caller is willing to wait; and a path that is dead is found within ping
/// interval + pong time-out on a WebSocket, and within the idle time-out on SSE, where nothing can be asked.
///
/// A driver reads what there is to read before it polls: bytes that wait in a buffer are signs of life.
#[derive(Clone, Debug)]
pub struct Liveness {
    limits: Limits,
    pings: bool,
    now: Timestamp,
    requested_at: Timestamp,
    last_life: Timestamp,
    had_event: bool,
    ping_sent_at: Option<Timestamp>,
}

/// What a driver has to do next to keep watch.
///
/// Exhaustive on purpose: a driver must obey each of them.
#[derive(Clone, Copy, Debug, PartialEq)]
#[must_use = "a stream that is not watched can hang forever"]
pub enum LivenessAction {
    /// Nothing, until this time; [`Timestamp::MAX`] is never. Ask again then, or after the next event.
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
            pings: matches!(transport, Transport::WebSocket),
            now,
            requested_at: now,
            last_life: now,
            had_event: false,
            ping_sent_at: None,
        }
    }

    /// An event arrived.
    pub fn handle_event(&mut self, now: Timestamp) {
        self.had_event = true;
        self.handle_sign_of_life(now);
    }

    /// Anything else arrived: a pong, a ping, a comment, the head of the answer, part of an event.
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

        let mut wake = self.last_life.saturating_add(self.limits.idle_timeout());
        let mut end = Seen::IdleTimeout;
        if let Some(sent_at) = self.ping_sent_at {
            let missed = sent_at.saturating_add(self.limits.pong_timeout());
            if missed <= wake {
                (wake, end) = (missed, Seen::MissedPong);
            }
        }
        if !self.had_event {
            let first = self.requested_at.saturating_add(self.limits.first_event_timeout());
            if first <= wake {
                (wake, end) = (first, Seen::FirstEventTimeout);
            }
        }
        // The latest point there is means "never", so it never comes.
        if wake <= now && wake < Timestamp::MAX {
            return LivenessAction::Dead(end);
        }

        if self.pings && self.ping_sent_at.is_none() {
            let ping_at = self.last_life.saturating_add(self.limits.ping_interval());
            if ping_at <= now && ping_at < Timestamp::MAX {
                return LivenessAction::SendPing;
            }
            wake = wake.min(ping_at);
        }
        LivenessAction::Wait(wake)
    }

    fn advance(&mut self, now: Timestamp) -> Timestamp {
        self.now = self.now.max(now);
        self.now
    }
}
