use std::sync::{Arc, Weak};
use std::time::SystemTime;

use failback::{DialGuard, DialOutcome, Stage, Transport};
use failback_wire::Fault;
use tracing::Span;

use crate::observation::{DialEnd, Observation};
use crate::{Context, Lost};

/// A WebSocket handshake that goes on without its turn (R17).
///
/// The adapter tells it how the handshake ended. If it is dropped instead, the policy hears that the
/// handshake was abandoned.
#[must_use = "a dial that is dropped is abandoned"]
#[derive(Debug)]
pub struct LeftDial {
    /// Taken by whatever ends it.
    guard: Option<DialGuard>,
    context: Arc<Context>,
    turn: u64,
    span: Span,
    /// Until the handshake has ended.
    under_way: Option<Arc<()>>,
}

impl LeftDial {
    /// Of the turn with this number and this span.
    pub(crate) fn new(guard: DialGuard, context: Arc<Context>, turn: u64, span: Span) -> Self {
        Self { guard: Some(guard), context, turn, span, under_way: Some(Arc::new(())) }
    }

    /// Lives until the handshake has ended.
    pub(crate) fn watch(&self) -> Weak<()> {
        self.under_way.as_ref().map(Arc::downgrade).unwrap_or_default()
    }

    fn report(&mut self, outcome: DialOutcome, end: DialEnd) {
        let Some(guard) = self.guard.take() else { return };
        let _entered = self.span.enter();
        self.context.tell(&Observation::DialEnded { turn: self.turn, end });
        self.under_way = None;
        let is_abandoned = outcome == DialOutcome::Abandoned;
        guard.handle_dial(outcome);
        if let Some(file) = self.context.state_file().filter(|_| !is_abandoned) {
            file.settle();
        }
    }

    /// The handshake succeeded. Put the connection into the pool before the call: afterwards the policy sends
    /// turns to WebSocket.
    pub fn handle_opened(mut self) {
        self.report(DialOutcome::Opened, DialEnd::Opened);
    }

    /// The handshake failed. `now` is subtracted from a date at which the server wants to be asked again.
    pub fn handle_failure(mut self, lost: &Lost, now: SystemTime) {
        let fault = lost.seen().and_then(|(seen, detail)| {
            Fault::new(&seen, Transport::WebSocket, Stage::Connecting, false, detail, now)
        });
        // The client's own fault: the policy hears that the handshake was abandoned.
        let Some(fault) = fault else { return };
        let fault = fault.redacted(self.context.headers());
        let (failure, text) = (fault.failure(), fault.text().to_owned());
        self.report(DialOutcome::Failed(failure), DialEnd::Failed { failure, text });
    }
}

impl Drop for LeftDial {
    fn drop(&mut self) {
        self.report(DialOutcome::Abandoned, DialEnd::Abandoned);
    }
}
