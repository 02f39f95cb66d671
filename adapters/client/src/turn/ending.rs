//! How a turn, or an attempt of it, ends.

use std::time::SystemTime;

use failback::{Outcome, Stage, Transport, Verdict};
use failback_wire::Fault;

use super::{Connecting, Deadline, Release, State, Turn};
use crate::error::ErrorKind;
use crate::lost::UNAUTHORIZED;
use crate::{Lost, trace};

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
        match Fault::new(&seen, transport, stage, reused, detail, now) {
            Some(fault) if lost.is_unauthorized() && self.renews() => self.renew(fault),
            Some(fault) => self.fail(if left_alone { fault.left_alone(&seen) } else { fault }),
            None => self.stop_internally("what ended a response as it should was reported as a failure"),
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
        if let Some(guard) = guard {
            self.books.stop(guard.transport(), guard.reason(), stage, why);
            // The policy hears that it was cancelled.
            drop(guard);
            self.context.trace_mode();
        }
        trace::stopped(self.number, kind.as_str());
        self.state = State::Failing(std::mem::take(&mut self.books).end(kind));
    }

    /// The response is over, and its connection can carry another one.
    pub(super) fn end(&mut self, outcome: Outcome, completed: Option<String>) {
        let State::Connected(attempt) = std::mem::replace(&mut self.state, State::Over) else { return };
        self.release = Some(Release::Keep { completed });
        trace::ended(self.number, attempt.guard.transport(), outcome);
        let works = attempt.guard.transport() == Transport::WebSocket && outcome == Outcome::Completed;
        // The verdict is `Done`, as nothing has failed.
        let _ = attempt.guard.handle_outcome(outcome);
        if let Some(file) = self.context.state_file().filter(|_| works) {
            file.settle();
        }
        self.context.trace_mode();
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
        trace::failed(self.number, &guard, &failure, fault.text());
        let verdict = guard.handle_outcome(Outcome::Failed(failure));
        self.context.trace_mode();
        let kind = match verdict {
            Verdict::Retry(call) => {
                trace::wait(self.number, self.context.policy().time_until(call.ready_at()));
                return self.wait(call);
            }
            Verdict::Done => {
                let what = "the policy has no verdict on an attempt that failed".to_owned();
                ErrorKind::Internal { what }
            }
            Verdict::GiveUp(give_up) => {
                trace::gave_up(self.number, give_up.as_str());
                ErrorKind::GaveUp(give_up)
            }
        };
        self.state = State::Failing(std::mem::take(&mut self.books).end(kind));
    }
}
