//! How a turn begins: with the policy's choice, or over SSE alone.

use failback::OverSse;

use super::Turn;

impl Turn {
    /// Opens the call, and begins its first attempt.
    pub(super) fn open(&mut self) {
        let _entered = self.enter();
        let why = self.why_over_sse();
        self.context.look_around(why.is_none());
        let policy = self.context.policy();
        let guard = match why {
            None => policy.begin_call(),
            Some(why) => policy.begin_attempt_now(policy.open_call_over_sse(why)),
        };
        self.begin(guard, false);
    }

    /// Why the whole turn goes over SSE, if that is known already (R1).
    pub(super) fn why_over_sse(&self) -> Option<OverSse> {
        if self.request.is_sse_only() || self.context.is_sse_only() {
            return Some(OverSse::SseOnly);
        }
        self.is_too_large().then_some(OverSse::TooLarge)
    }

    /// R11: whether the request is larger than what may go over WebSocket, as far as is known before there is
    /// a connection. Which one the turn gets is a guess: the one that completed a response last.
    fn is_too_large(&self) -> bool {
        let limit = self.context.size_limit();
        // Measured only if it matters.
        limit.is_some() && {
            let last_completed = self.context.last_completed();
            !limit.allows(self.request.websocket_frame_len(last_completed.as_deref()))
        }
    }
}
