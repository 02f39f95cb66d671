use std::sync::Arc;

use failback::{SharedPolicy, Timestamp, Transport};
use failback_wire::{Limits, Liveness, LivenessAction, SLACK, Seen};

use crate::bell::{Bell, Stopped};
use crate::deadline::Deadline;
use crate::halt::Halt;
use crate::io::Io;

/// Watches one response: waits for more of it, and says when to send a ping and when a time limit has passed.
pub(crate) struct Watch {
    bell: Arc<Bell>,
    policy: SharedPolicy,
    limits: Limits,
    liveness: Liveness,
    /// Whether bytes have arrived since the last [`take_life`](Self::take_life).
    has_life: bool,
    /// When everything that had arrived was last read.
    caught_up_at: Timestamp,
    /// A peer that ends the response before this time is excused: it may do so because the caller was away.
    excused_until: Timestamp,
    /// When the last wait was to end.
    due: Option<Timestamp>,
    /// Until when the watch waits at most.
    end: Option<Deadline>,
}

/// What to do after a wait.
pub(crate) enum Wake {
    /// Read or write again: it may go on now.
    Look,
    /// Send a ping. It counts as sent.
    Ping,
}

impl Watch {
    /// Begins to watch a connection on which a request is about to be sent. Waits at `bell`, to which the
    /// connection is attached.
    pub(crate) fn new(
        bell: &Arc<Bell>,
        policy: &SharedPolicy,
        limits: Limits,
        transport: Transport,
        io: &mut Io,
    ) -> Self {
        Acts::take(io);
        let now = policy.now();
        Self {
            bell: Arc::clone(bell),
            policy: policy.clone(),
            limits,
            liveness: match transport {
                Transport::WebSocket => Liveness::before_request(limits, transport, now),
                Transport::Sse => Liveness::new(limits, transport, now),
            },
            has_life: false,
            caught_up_at: now,
            excused_until: now,
            due: None,
            end: None,
        }
    }

    /// Sets until when to wait at most.
    pub(crate) fn end_at(&mut self, end: Deadline) {
        self.end = Some(end);
    }

    /// The request has left. The time limits of its answer count from now.
    pub(crate) fn handle_request_sent(&mut self) {
        self.liveness.handle_request_sent(self.policy.now());
    }

    pub(crate) fn handle_event(&mut self, io: &mut Io) {
        let acts = Acts::take(io);
        if acts == Acts::default() {
            return self.liveness.handle_further_event(|| self.policy.now());
        }
        let now = self.policy.now();
        // If the acts were noted later, they would look like a sign of life at that later time.
        self.note(acts, now);
        self.liveness.handle_event(now);
    }

    /// Whether bytes have arrived since the last call.
    pub(crate) fn take_life(&mut self, io: &mut Io) -> bool {
        self.note(Acts::take(io), self.policy.now());
        std::mem::take(&mut self.has_life)
    }

    /// Whether the peer may have ended the response because the caller did not read for longer than a peer
    /// has to wait.
    pub(crate) fn was_left_alone(&self) -> bool {
        let now = self.policy.now();
        // The first ping that nobody answers may be sent late. Then the time for its answer ends after the
        // excuse, and the excuse holds until then.
        let is_excused = now < self.excused_until || self.liveness.is_unanswered_since(self.excused_until);
        self.is_behind(now) || is_excused
    }

    /// Waits until there may be more to read, or room to write. Call it only when reading and writing would
    /// block: what has arrived must be read before a limit that has passed may end the response.
    pub(crate) fn wait(&mut self, io: &mut Io) -> Result<Wake, Halt> {
        let now = self.policy.now();
        self.note(Acts::take(io), now);
        let is_interrupted = io.take_interrupted();
        if !is_interrupted {
            self.handle_caught_up(now);
        }
        if self.end.as_ref().is_some_and(Deadline::is_over) {
            return Err(Seen::IdleTimeout.into());
        }
        match self.liveness.poll(now) {
            LivenessAction::Wait(_) if is_interrupted => self.bell.check()?,
            LivenessAction::Wait(until) => self.sleep(until)?,
            LivenessAction::SendPing => {
                self.liveness.handle_ping_sent(now);
                return Ok(Wake::Ping);
            }
            LivenessAction::Dead(seen) => {
                if self.due.take().is_some_and(|due| now > due.saturating_add(SLACK)) {
                    // The whole process has slept. Gives the kernel time to hand over what has arrived
                    // meanwhile.
                    self.bell.wait(Some(SLACK))?;
                } else {
                    return Err(seen.into());
                }
            }
        }
        Ok(Wake::Look)
    }

    fn sleep(&mut self, until: Timestamp) -> Result<(), Stopped> {
        let timeout = (until < Timestamp::MAX).then(|| self.policy.time_until(until));
        let end = self.end.as_ref().and_then(Deadline::left);
        let timeout = timeout.into_iter().chain(end).min();
        self.bell.wait(timeout)?;
        let now = self.policy.now();
        if now <= until.saturating_add(SLACK) {
            // The thread woke in time, so it was here all the while.
            self.caught_up_at = now;
        }
        self.due = Some(until);
        Ok(())
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

    fn is_behind(&self, now: Timestamp) -> bool {
        now.saturating_duration_since(self.caught_up_at) > self.limits.ping_interval()
    }

    fn note(&mut self, acts: Acts, now: Timestamp) {
        self.has_life |= acts.read;
        if acts.read {
            self.liveness.handle_sign_of_life(now);
        }
        if acts.written {
            self.liveness.handle_written(now);
        }
    }
}

/// What has happened on a connection since somebody last looked.
#[derive(Clone, Copy, Default, PartialEq, Eq)]
struct Acts {
    read: bool,
    written: bool,
}

impl Acts {
    fn take(io: &mut Io) -> Self {
        let socket = io.socket();
        Self { read: socket.take_read(), written: socket.take_written() }
    }
}
