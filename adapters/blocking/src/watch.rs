use std::sync::Arc;
use std::time::Duration;

use failback::{SharedPolicy, Timestamp, Transport};
use failback_wire::{Limits, Liveness, LivenessAction, Seen};

use crate::bell::{Bell, Stopped};
use crate::deadline::Deadline;
use crate::halt::Halt;
use crate::io::Io;

/// How late a thread may wake without having been away, as a process that slept has.
const SLACK: Duration = Duration::from_secs(1);

/// Keeps watch over one response, and waits for more of it.
pub(crate) struct Watch {
    bell: Arc<Bell>,
    policy: SharedPolicy,
    limits: Limits,
    liveness: Liveness,
    /// Bytes have arrived since that was last asked.
    has_life: bool,
    /// When there was last nothing more to read.
    caught_up_at: Timestamp,
    /// Until when what happens may come of the caller's having been away.
    excused_until: Timestamp,
    /// When the thread was to wake, if it waits or has just waited.
    due: Option<Timestamp>,
    /// When there is to be no more waiting, whatever comes.
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
    /// Begins to watch a connection on which a request is about to be sent. Waits at `bell`, where it is attached.
    pub(crate) fn new(
        bell: &Arc<Bell>,
        policy: &SharedPolicy,
        limits: Limits,
        transport: Transport,
        io: &mut Io,
    ) -> Self {
        io.socket().take_read();
        io.socket().take_written();
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

    /// Waits no longer than until then.
    pub(crate) fn end_at(&mut self, end: Deadline) {
        self.end = Some(end);
    }

    /// The request has left: what its answer may take counts from now.
    pub(crate) fn handle_request_sent(&mut self) {
        self.liveness.handle_request_sent(self.policy.now());
    }

    pub(crate) fn handle_event(&mut self, io: &mut Io) {
        let now = self.policy.now();
        // Later it would look like a sign of life of then.
        self.note(io, now);
        self.liveness.handle_event(now);
    }

    /// Whether bytes have arrived since this was last asked.
    pub(crate) fn take_life(&mut self, io: &mut Io) -> bool {
        self.note(io, self.policy.now());
        std::mem::take(&mut self.has_life)
    }

    /// Whether what ended the response may come of the caller, who had left it alone for longer than a peer need wait.
    pub(crate) fn was_left_alone(&self) -> bool {
        let now = self.policy.now();
        self.is_behind(now) || now < self.excused_until
    }

    /// Waits until there may be more to read, or room to write. To be called when neither could go on: what has
    /// arrived counts before the time that has passed.
    pub(crate) fn wait(&mut self, io: &mut Io) -> Result<Wake, Halt> {
        let now = self.policy.now();
        self.note(io, now);
        let is_interrupted = io.take_interrupted();
        if !is_interrupted {
            self.handle_caught_up(now);
        }
        if self.end.is_some_and(Deadline::is_over) {
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
                    // The whole process slept, its network too: what has arrived meanwhile comes now.
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
        let end = self.end.and_then(Deadline::left);
        let timeout = timeout.into_iter().chain(end).min();
        self.bell.wait(timeout)?;
        let now = self.policy.now();
        if now <= until.saturating_add(SLACK) {
            // It was here all the time.
            self.caught_up_at = now;
        }
        self.due = Some(until);
        Ok(())
    }

    /// Everything that there was to read was read.
    fn handle_caught_up(&mut self, now: Timestamp) {
        if self.is_behind(now) {
            // What the peer did about it may still be on its way.
            let patience = self.limits.ping_interval().saturating_add(self.limits.pong_timeout());
            self.excused_until = now.saturating_add(patience);
        }
        self.caught_up_at = now;
    }

    fn is_behind(&self, now: Timestamp) -> bool {
        now.saturating_duration_since(self.caught_up_at) > self.limits.ping_interval()
    }

    fn note(&mut self, io: &mut Io, now: Timestamp) {
        let (was_read, was_written) = (io.socket().take_read(), io.socket().take_written());
        self.has_life |= was_read;
        if was_read {
            self.liveness.handle_sign_of_life(now);
        }
        if was_written {
            self.liveness.handle_written(now);
        }
    }
}
