use std::sync::Arc;
use std::time::SystemTime;

use failback::{DialGuard, DialOutcome, Stage, Transport};
use failback_wire::{Fault, Seen};

use crate::{Context, trace};

/// A WebSocket handshake that goes on without its turn (R17).
///
/// The adapter says how it ended. One that is dropped is reported to the policy as abandoned.
#[must_use = "a dial that is dropped is abandoned"]
#[derive(Debug)]
pub struct LeftDial {
    guard: DialGuard,
    context: Arc<Context>,
}

impl LeftDial {
    pub(crate) fn new(guard: DialGuard, context: Arc<Context>) -> Self {
        Self { guard, context }
    }

    /// The handshake succeeded. Keep the connection first, so that the turn that is told to use it finds it.
    pub fn handle_opened(self) {
        trace::dialled(None);
        self.guard.handle_dial(DialOutcome::Opened);
        self.context.trace_mode();
    }

    /// The handshake failed.
    pub fn handle_failure(self, seen: &Seen<'_>, detail: Option<&str>, now: SystemTime) {
        let fault = Fault::new(seen, Transport::WebSocket, Stage::Connecting, false, detail, now);
        let fault = fault.redacted(self.context.headers());
        trace::dialled(Some(fault.text()));
        self.guard.handle_dial(DialOutcome::Failed(fault.failure()));
        self.context.trace_mode();
    }
}
