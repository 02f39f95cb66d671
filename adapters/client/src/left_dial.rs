use std::sync::{Arc, Weak};
use std::time::SystemTime;

use failback::{DialGuard, DialOutcome, Stage, Transport};
use failback_wire::{Fault, Headers};

use crate::access::Access;
use crate::{Context, Credentials, CredentialsRequest, Lost, ProviderAnswer, trace};

/// A WebSocket handshake that goes on without its turn (R17).
///
/// The adapter tells it how the handshake ended. If it is dropped instead, the policy hears that the
/// handshake was abandoned.
#[must_use = "a dial that is dropped is abandoned"]
#[derive(Debug)]
pub struct LeftDial {
    guard: DialGuard,
    context: Arc<Context>,
    access: Access,
    /// Until the handshake has ended.
    under_way: Arc<()>,
}

impl LeftDial {
    pub(crate) fn new(guard: DialGuard, context: Arc<Context>, access: Access) -> Self {
        Self { guard, context, access, under_way: Arc::new(()) }
    }

    /// Lives until the handshake has ended.
    pub(crate) fn watch(&self) -> Weak<()> {
        Arc::downgrade(&self.under_way)
    }

    fn report(self, outcome: DialOutcome) {
        drop(self.under_way);
        self.guard.handle_dial(outcome);
        if let Some(file) = self.context.state_file() {
            file.settle();
        }
        self.context.trace_mode();
    }

    /// The credentials with which it is opened, if a provider has given them.
    #[must_use]
    pub const fn credentials(&self) -> Option<&Credentials> {
        self.access.credentials()
    }

    /// If the handshake failed because the server refused the credentials, and none were renewed before: what
    /// to ask the provider, whose answer is told with [`handle_credentials`](Self::handle_credentials).
    /// Otherwise call [`handle_failure`](Self::handle_failure).
    #[must_use]
    pub fn renew(&mut self, lost: &Lost) -> Option<CredentialsRequest> {
        let sent = self.access.credentials().filter(|_| lost.is_unauthorized())?.clone();
        if self.access.renew(sent) { self.access.request().cloned() } else { None }
    }

    /// The provider has answered. Returns the headers for another handshake, or `None` if it had no
    /// credentials: then drop this.
    #[must_use]
    pub fn handle_credentials(&mut self, answer: ProviderAnswer) -> Option<Arc<Headers>> {
        match answer {
            Ok(credentials) => {
                self.access.give(credentials);
                Some(Arc::clone(self.access.headers()))
            }
            Err(_) => {
                trace::dialled(Some("the provider of credentials failed"));
                None
            }
        }
    }

    /// The handshake succeeded. Put the connection into the pool before the call: afterwards the policy sends
    /// turns to WebSocket.
    pub fn handle_opened(self) {
        trace::dialled(None);
        self.report(DialOutcome::Opened);
    }

    /// The handshake failed. `now` is subtracted from a date at which the server wants to be asked again.
    pub fn handle_failure(self, lost: &Lost, now: SystemTime) {
        let fault = lost.seen().and_then(|(seen, detail)| {
            Fault::new(&seen, Transport::WebSocket, Stage::Connecting, false, detail, now)
        });
        // The client's own fault: the policy hears that the handshake was abandoned.
        let Some(fault) = fault else { return };
        let fault = fault.redacted(self.access.headers());
        trace::dialled(Some(fault.text()));
        self.report(DialOutcome::Failed(fault.failure()));
    }
}
