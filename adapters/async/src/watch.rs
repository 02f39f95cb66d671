use std::future::{Future, poll_fn};
use std::pin::pin;
use std::task::{Context, Poll};

use failback::{SharedPolicy, Timestamp};
use failback_wire::{Limits, Liveness, LivenessAction, SLACK, Seen};

use crate::Runtime;
use crate::io::{Activity, Acts};
use crate::timer::{LastLook, Timer};

/// How many results in a row are taken before other tasks run.
const IN_A_ROW: u32 = 128;

/// Keeps watch over one stream while something is awaited from it: pings, and limits on time.
pub(crate) struct Watch<R: Runtime> {
    liveness: Liveness,
    activity: Activity,
    timer: Timer<R>,
    limits: Limits,
    /// A limit has passed, and this reads what has arrived before the limit ends the stream.
    last_look: Option<LastLook<R>>,
    /// When the next limit passes, or a ping is due.
    wake_at: Timestamp,
    /// The same time, if there was nothing to read at the last poll. A caller that is not away polls again by
    /// then.
    due: Option<Timestamp>,
    /// When the caller had last read everything that had arrived.
    caught_up_at: Timestamp,
    /// Until when the peer may end the stream because the caller was away.
    excused_until: Timestamp,
    in_a_row: u32,
    /// When the bytes arrived that brought what was got last, if they arrived in that poll.
    got_at: Option<Timestamp>,
    /// Whether bytes have arrived since the last [`take_life`](Self::take_life).
    has_life: bool,
}

/// What has come first while something was awaited.
pub(crate) enum Watched<T> {
    /// What was awaited.
    Got(T),
    /// It is time to send a ping, which counts as sent.
    PingDue,
    /// A time limit: the stream is dead.
    Dead(Seen<'static>),
}

impl<R: Runtime> Watch<R> {
    /// Begins to watch a stream, as `liveness` says.
    pub(crate) fn new(
        runtime: &R,
        clock: &SharedPolicy,
        limits: Limits,
        liveness: impl FnOnce(Timestamp) -> Liveness,
        activity: Activity,
    ) -> Self {
        activity.take();
        let now = clock.now();
        Self {
            liveness: liveness(now),
            activity,
            timer: Timer::new(runtime.clone(), clock.clone()),
            limits,
            last_look: None,
            wake_at: now,
            due: None,
            caught_up_at: now,
            excused_until: now,
            in_a_row: 0,
            got_at: None,
            has_life: false,
        }
    }

    /// The request has left.
    pub(crate) fn handle_request_sent(&mut self) {
        self.liveness.handle_request_sent(self.timer.now());
    }

    /// An event was got.
    pub(crate) fn handle_event(&mut self) {
        match self.got_at.take() {
            Some(at) => self.liveness.handle_event(at),
            None => self.liveness.handle_further_event(|| self.timer.now()),
        }
    }

    pub(crate) fn handle_sign_of_life(&mut self) {
        self.liveness.handle_sign_of_life(self.got_at.unwrap_or_else(|| self.timer.now()));
    }

    /// Whether bytes have arrived since the last call.
    pub(crate) fn take_life(&mut self) -> bool {
        std::mem::take(&mut self.has_life)
    }

    /// Whether the peer may have ended the stream because the caller had not read for longer than a peer has
    /// to wait.
    pub(crate) fn was_left_alone(&self) -> bool {
        let now = self.timer.now();
        // If the first ping that nobody answers is sent late, its time ends after that of the excuse.
        let is_excused = now < self.excused_until || self.liveness.is_unanswered_since(self.excused_until);
        self.is_behind(now) || is_excused
    }

    fn is_behind(&self, now: Timestamp) -> bool {
        now.saturating_duration_since(self.caught_up_at) > self.limits.ping_interval()
    }

    /// Awaits `what` for as long as the stream lives. If it was not got, either `what` must be safe to drop
    /// halfway, or nothing may be awaited after it.
    pub(crate) async fn over<T>(&mut self, what: impl Future<Output = T>) -> Watched<T> {
        let mut what = pin!(what);
        poll_fn(|cx| self.poll_over(cx, |cx| what.as_mut().poll(cx))).await
    }

    /// Polls `poll` for as long as the stream lives.
    pub(crate) fn poll_over<T>(
        &mut self,
        cx: &mut Context<'_>,
        poll: impl FnOnce(&mut Context<'_>) -> Poll<T>,
    ) -> Poll<Watched<T>> {
        self.handle_poll();
        // Polled before the limits: a caller may have been away for long, while something has arrived.
        if self.in_a_row < IN_A_ROW {
            if let Poll::Ready(done) = poll(cx) {
                self.in_a_row = self.in_a_row.saturating_add(1);
                self.handle_got();
                return Poll::Ready(Watched::Got(done));
            }
        } else {
            self.due = None;
            cx.waker().wake_by_ref();
        }
        let is_empty = self.in_a_row < IN_A_ROW;
        self.in_a_row = 0;
        self.poll_limits(is_empty, cx)
    }

    /// What was awaited has arrived, and whoever awaited it tells that
    /// ([`handle_event`](Self::handle_event)). The bytes that brought it must not count as a sign of life
    /// again when the caller comes back, which may be much later.
    fn handle_got(&mut self) {
        let acts = self.activity.take();
        self.has_life |= acts.read_at.is_some();
        self.got_at = acts.read_at;
        if let Some(written_at) = acts.written_at {
            self.liveness.handle_written(written_at);
        }
    }

    /// The caller polls again. If it does so in time, it has been there all the while.
    fn handle_poll(&mut self) {
        if let Some(due) = self.due.take() {
            let now = self.timer.now();
            if now <= due.saturating_add(SLACK) {
                self.caught_up_at = now;
            }
        }
    }

    /// Ready when a ping is due or a limit has passed. `is_empty` says that there was nothing left to read.
    fn poll_limits<T>(&mut self, is_empty: bool, cx: &mut Context<'_>) -> Poll<Watched<T>> {
        let now = self.timer.now();
        let acts = self.note();
        if is_empty && !acts.yielded {
            self.handle_caught_up(now);
        }
        loop {
            let now = self.timer.now();
            match self.liveness.poll(now) {
                LivenessAction::Wait(until) => {
                    self.last_look = None;
                    (self.due, self.wake_at) = (Some(until), until);
                    if self.timer.poll_until(until, cx).is_pending() {
                        return Poll::Pending;
                    }
                }
                LivenessAction::SendPing => {
                    self.last_look = None;
                    self.liveness.handle_ping_sent(now);
                    return Poll::Ready(Watched::PingDue);
                }
                LivenessAction::Dead(seen) => {
                    self.due = Some(now);
                    let (timer, late) = (&self.timer, now.saturating_duration_since(self.wake_at));
                    let last_look = self.last_look.get_or_insert_with(|| timer.last_look(late));
                    return last_look.poll(acts.read_at.is_some(), cx).map(|()| Watched::Dead(seen));
                }
            }
        }
    }

    /// Everything that had arrived was read.
    fn handle_caught_up(&mut self, now: Timestamp) {
        if self.is_behind(now) {
            // What the peer did because nobody read may still be on its way.
            let patience = self.limits.ping_interval().saturating_add(self.limits.pong_timeout());
            self.excused_until = now.saturating_add(patience);
        }
        self.caught_up_at = now;
    }

    /// Tells the machine what has happened on the connection.
    fn note(&mut self) -> Acts {
        let acts = self.activity.take();
        if let Some(read_at) = acts.read_at {
            self.has_life = true;
            self.liveness.handle_sign_of_life(read_at);
        }
        if let Some(written_at) = acts.written_at {
            self.liveness.handle_written(written_at);
        }
        acts
    }
}
