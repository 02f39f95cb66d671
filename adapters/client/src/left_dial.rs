use std::sync::Arc;
use std::time::SystemTime;

use failback::{AttemptGuard, DialGuard, DialOutcome, Mode, Reason, Stage, Transport};
use failback_wire::Fault;

use crate::{AttemptReport, Context, Lost, trace};

/// A WebSocket handshake that goes on without a turn (R17): its turn has left it, or it was begun ahead of
/// any turn.
///
/// The adapter tells it how the handshake ended. If it is dropped instead, the policy hears that the
/// handshake was abandoned.
#[must_use = "a dial that is dropped is abandoned"]
#[derive(Debug)]
pub struct LeftDial {
    guard: DialGuard,
    reason: Reason,
    context: Arc<Context>,
}

impl LeftDial {
    pub(crate) fn new(guard: DialGuard, reason: Reason, context: Arc<Context>) -> Self {
        Self { guard, reason, context }
    }

    /// Asks the policy whether a WebSocket is wanted ahead of any turn. Then the adapter begins a handshake
    /// with the headers of the client, and keeps this where the next turn finds it
    /// ([`Turn::adopt`](crate::Turn::adopt)).
    #[must_use]
    pub fn ahead(context: &Arc<Context>) -> Option<Self> {
        context.trace_mode();
        let guard = context.policy().warm_up()?;
        let reason = if context.policy().mode() == Mode::Preferred { Reason::Healthy } else { Reason::Probe };
        trace::warm_up(reason);
        context.trace_mode();
        Some(Self::new(guard, reason, Arc::clone(context)))
    }

    /// A function that says how a handshake of this kind has failed, for those who wait for its end, whoever
    /// has it by then.
    pub fn reporter(&self) -> impl FnOnce(&Lost, SystemTime) -> AttemptReport + Send + Sync + use<> {
        let (reason, context) = (self.reason, Arc::clone(&self.context));
        move |lost, now| {
            let transport = Transport::WebSocket;
            match fault(lost, now, &context) {
                Some(fault) => AttemptReport::failed(transport, reason, &fault),
                None => {
                    let what = if let Lost::Internal(what) = lost { what } else { "" };
                    let what = context.headers().redact(what).into_owned();
                    AttemptReport::stopped(transport, reason, Stage::Connecting, what)
                }
            }
        }
    }

    /// A turn waits for the handshake, if the policy lets it.
    pub(crate) fn adopt(self) -> Result<AttemptGuard, Self> {
        let Self { guard, reason, context } = self;
        guard.adopt().map_err(|guard| Self { guard, reason, context })
    }

    /// The handshake succeeded. Put the connection into the pool before the call: afterwards the policy sends
    /// turns to WebSocket.
    pub fn handle_opened(self) {
        trace::dialled(None);
        self.guard.handle_dial(DialOutcome::Opened);
        self.context.trace_mode();
    }

    /// The handshake failed. `now` is subtracted from a date at which the server wants to be asked again.
    pub fn handle_failure(self, lost: &Lost, now: SystemTime) {
        // The client's own fault: the policy hears that the handshake was abandoned.
        let Some(fault) = fault(lost, now, &self.context) else { return };
        trace::dialled(Some(fault.text()));
        self.guard.handle_dial(DialOutcome::Failed(fault.failure()));
        self.context.trace_mode();
    }
}

fn fault(lost: &Lost, now: SystemTime, context: &Context) -> Option<Fault> {
    let (seen, detail) = lost.seen()?;
    let fault = Fault::new(&seen, Transport::WebSocket, Stage::Connecting, false, detail, now)?;
    Some(fault.redacted(context.headers()))
}
