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
        self.begin(guard);
    }

    /// Why the whole turn goes over SSE, if that is known already (R1).
    pub(super) fn why_over_sse(&self) -> Option<OverSse> {
        if self.request.is_sse_only() || self.context.is_sse_only() {
            return Some(OverSse::SseOnly);
        }
        None
    }
}
