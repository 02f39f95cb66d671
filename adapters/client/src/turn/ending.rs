//! How a turn, or an attempt of it, ends.

use std::time::SystemTime;

use failback::{AttemptGuard, Outcome, Stage, Transport, Verdict};
use failback_wire::{Fault, Seen};

use super::{Connecting, Deadline, Release, State, Turn};
use crate::Lost;
use crate::error::ErrorKind;
use crate::lost::UNAUTHORIZED;
use crate::observation::{AttemptEnd, Observation, TurnEnd};

impl Turn {
    /// The connection failed, or could not be opened. `now` is subtracted from a date at which the server
    /// wants to be asked again.
    pub fn handle_failure(&mut self, lost: &Lost, now: SystemTime) {
        if let Lost::Internal(what) = lost {
            return self.stop_internally(what);
        }
        let (transport, stage, reused, left_alone) = match &self.state {
            State::Connecting(Connecting { guard, .. }) => {
                (guard.transport(), Stage::Connecting, false, false)
            }
            State::Connected(attempt) => {
                self.release = Some(Release::Close);
                let (reused, left_alone) = (attempt.connection.reused, attempt.left_alone);
                (attempt.guard.transport(), attempt.stage, reused, left_alone)
            }
            _ => return,
        };
        if let Some(headers) = lost.headers() {
            self.progress.answer(Some(headers.clone().into()));
        }
        let Some((seen, detail)) = lost.seen() else { return };
        if matches!(seen, Seen::Closed { code: Some(1009), .. }) {
            self.learn_size(transport, stage);
        }
        match Fault::new(&seen, transport, stage, reused, detail, now) {
            Some(fault) if lost.is_unauthorized() && self.renews() => self.renew(fault),
            Some(fault) => self.fail(if left_alone { fault.left_alone(&seen) } else { fault }),
            None => self.stop_internally("what ended a response as it should was reported as a failure"),
        }
    }

    /// R11: the request that was sent last is too large for WebSocket, if no event had come before the server
    /// said so: after that, it may be the answer that is too large for something on the way.
    pub(super) fn learn_size(&self, transport: Transport, stage: Stage) {
        if transport == Transport::WebSocket && stage == Stage::Open {
            self.context.size_limit().learn(self.message_bytes);
        }
    }

    /// R11: the connection is not the one for which the request was measured, and on this one it is too large
    /// to be sent.
    pub(super) fn refuse_to_send(&mut self) {
        self.release = Some(Release::Close);
        let (seen, now) = (Seen::RequestTooLarge, SystemTime::UNIX_EPOCH);
        match Fault::new(&seen, Transport::WebSocket, Stage::Open, false, None, now) {
            Some(fault) => self.fail(fault),
            None => self.stop_internally("a request that is too large was no failure"),
        }
    }

    /// The deadline is over. Unless the turn is over too, it ends now, with an error. That is the caller's
    /// doing: the policy hears that the attempt was cancelled, and a handshake that was left alone goes on.
    /// Changes nothing if the turn has no deadline.
    pub fn handle_deadline(&mut self) {
        if let Some(Deadline { limit, .. }) = self.deadline.take() {
            self.stop(ErrorKind::Deadline { limit }, "stopped by the deadline");
        }
    }

    /// The client itself is at fault.
    fn stop_internally(&mut self, what: &str) {
        let what = self.headers().redact(what).into_owned();
        self.stop(ErrorKind::Internal { what }, "stopped by a fault of the client itself");
    }

    /// Ends the turn in the middle of whatever it does, which is evidence against nothing.
    pub(super) fn stop(&mut self, kind: ErrorKind, why: &str) {
        let (guard, stage) = match std::mem::replace(&mut self.state, State::Over) {
            State::Opening | State::Waiting(_) => (None, Stage::Connecting),
            State::Connecting(Connecting { guard, .. }) => (Some(guard), Stage::Connecting),
            State::Connected(attempt) => {
                self.release = Some(Release::Close);
                (Some(attempt.guard), attempt.stage)
            }
            over @ (State::Failing(_) | State::Over) => return self.state = over,
        };
        let _entered = self.enter();
        if let Some(guard) = guard {
            self.books.stop(guard.transport(), guard.reason(), stage, why);
            self.tell_attempt_ended(&guard, AttemptEnd::Stopped);
            // The policy hears that it was cancelled.
            drop(guard);
        }
        self.give_up(kind);
    }

    /// The caller does not want the turn any more. Changes nothing if it is over, or has not begun.
    pub(super) fn cancel(&mut self) {
        let guard = match std::mem::replace(&mut self.state, State::Over) {
            State::Waiting(_) => None,
            State::Connecting(Connecting { guard, .. }) => Some(guard),
            State::Connected(attempt) => Some(attempt.guard),
            State::Opening | State::Failing(_) | State::Over => return,
        };
        let _entered = self.enter();
        if let Some(guard) = guard {
            self.tell_attempt_ended(&guard, AttemptEnd::Cancelled);
            // The policy hears that it was cancelled.
            drop(guard);
        }
        self.tell_ended(TurnEnd::Cancelled);
    }

    /// The response is over, and its connection can carry another one.
    pub(super) fn end(&mut self, outcome: Outcome, completed: Option<String>) {
        let State::Connected(attempt) = std::mem::replace(&mut self.state, State::Over) else { return };
        if attempt.guard.transport() == Transport::WebSocket {
            self.context.note_completed(completed.as_deref());
        }
        self.release = Some(Release::Keep { completed });
        let _entered = self.enter();
        let (attempt_end, turn_end) = match outcome {
            Outcome::Completed => (AttemptEnd::Completed, TurnEnd::Completed),
            _ => (AttemptEnd::Ended, TurnEnd::Ended),
        };
        self.tell_attempt_ended(&attempt.guard, attempt_end);
        let works = attempt.guard.transport() == Transport::WebSocket && outcome == Outcome::Completed;
        // The verdict is `Done`, as nothing has failed.
        let _ = attempt.guard.handle_outcome(outcome);
        if let Some(file) = self.context.state_file().filter(|_| works) {
            file.settle();
        }
        self.tell_ended(turn_end);
    }

    pub(super) fn fail(&mut self, fault: Fault) {
        let guard = match std::mem::replace(&mut self.state, State::Over) {
            State::Connecting(Connecting { guard, .. }) => guard,
            State::Connected(attempt) => attempt.guard,
            other => {
                self.state = other;
                return;
            }
        };
        let is_refused_again = fault.status() == Some(UNAUTHORIZED) && self.access.is_renewed();
        let fault = if is_refused_again { fault.renewed() } else { fault };
        let fault = fault.redacted(self.headers());
        let failure = self.books.fail(guard.transport(), guard.reason(), &fault);
        let _entered = self.enter();
        self.tell_attempt_ended(&guard, AttemptEnd::Failed { failure, text: fault.text().to_owned() });
        match guard.handle_outcome(Outcome::Failed(failure)) {
            Verdict::Done => {
                let what = "the policy has no verdict on an attempt that failed".to_owned();
                self.give_up(ErrorKind::Internal { what });
            }
            Verdict::Retry(call) => {
                let until = call.ready_at();
                let wait = self.context.policy().time_until(until);
                if !wait.is_zero() {
                    self.tell(&Observation::Waiting { turn: self.number, wait, until });
                }
                self.wait(call);
            }
            Verdict::GiveUp(give_up) => self.give_up(ErrorKind::GaveUp(give_up)),
        }
    }

    /// The turn has failed: its caller gets an error.
    fn give_up(&mut self, kind: ErrorKind) {
        self.tell_ended(TurnEnd::Failed(kind.clone()));
        self.state = State::Failing(std::mem::take(&mut self.books).end(kind));
    }

    fn tell_attempt_ended(&self, guard: &AttemptGuard, end: AttemptEnd) {
        let (turn, number, transport) = (self.number, guard.number(), guard.transport());
        self.tell(&Observation::AttemptEnded { turn, number, transport, end });
    }

    fn tell_ended(&self, end: TurnEnd) {
        self.tell(&Observation::TurnEnded { turn: self.number, attempts: self.progress.attempts(), end });
    }
}
