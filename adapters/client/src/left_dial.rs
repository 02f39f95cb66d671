use std::sync::{Arc, Weak};
use std::time::SystemTime;

use failback::{AttemptGuard, DialGuard, DialOutcome, Reason, Stage, Transport};
use failback_wire::{Fault, Headers};
use tracing::Span;

use crate::access::Access;
use crate::observation::{DialEnd, Observation};
use crate::{AttemptReport, Context, Credentials, CredentialsRequest, Lost, ProviderAnswer};

/// A WebSocket handshake that goes on without a turn (R17): its turn has left it, or it was begun ahead of
/// any turn.
///
/// The adapter tells it how the handshake ended. If it is dropped instead, the policy hears that the
/// handshake was abandoned.
#[must_use = "a dial that is dropped is abandoned"]
#[derive(Debug)]
pub struct LeftDial {
    /// Taken by whatever ends it.
    guard: Option<DialGuard>,
    reason: Reason,
    context: Arc<Context>,
    access: Box<Access>,
    /// The number of the turn that has left it; 0 if it was begun ahead of any.
    turn: u64,
    span: Span,
    /// Until the handshake has ended.
    under_way: Option<Arc<()>>,
}

impl LeftDial {
    /// Of the turn with this number and this span.
    pub(crate) fn new(
        guard: DialGuard,
        reason: Reason,
        context: Arc<Context>,
        access: Access,
        turn: u64,
        span: Span,
    ) -> Self {
        let (access, under_way) = (Box::new(access), Some(Arc::new(())));
        Self { guard: Some(guard), reason, context, access, turn, span, under_way }
    }

    /// Asks the policy whether a WebSocket is wanted ahead of any turn. `None` if not, or if the client goes
    /// over SSE alone. Otherwise the adapter begins a handshake with [these headers](Self::headers), and
    /// keeps this where the next turn finds it ([`Turn::adopt`](crate::Turn::adopt)). A client that has a
    /// provider of credentials asks it before.
    #[must_use]
    pub fn ahead(context: &Arc<Context>, credentials: Option<Credentials>) -> Option<Self> {
        if context.is_sse_only() {
            return None;
        }
        context.look_around(true);
        let guard = context.policy().warm_up()?;
        let reason = if guard.is_probe() { Reason::Probe } else { Reason::Healthy };
        context.tell(&Observation::WarmUp { reason });
        let mut access = Access::new(Arc::clone(context.headers()), context.has_provider());
        if let Some(credentials) = credentials {
            access.give(credentials);
        }
        Some(Self::new(guard, reason, Arc::clone(context), access, 0, Span::none()))
    }

    /// What its handshake is made with.
    #[must_use]
    pub const fn headers(&self) -> &Arc<Headers> {
        self.access.headers()
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
            Err(_) => None,
        }
    }

    /// A function that says how a handshake of this kind has failed, for those who wait for its end, whoever
    /// has it by then.
    pub fn reporter(&self) -> impl FnOnce(&Lost, SystemTime) -> AttemptReport + Send + Sync + use<> {
        let (reason, headers) = (self.reason, Arc::clone(self.access.headers()));
        move |lost, now| {
            let transport = Transport::WebSocket;
            match fault(lost, now, &headers) {
                Some(fault) => AttemptReport::failed(transport, reason, &fault),
                None => {
                    let what = if let Lost::Internal(what) = lost { what } else { "" };
                    let what = headers.redact(what).into_owned();
                    AttemptReport::stopped(transport, reason, Stage::Connecting, what)
                }
            }
        }
    }

    /// A turn waits for the handshake, if the policy lets it, with the credentials that it was begun with.
    pub(crate) fn adopt(mut self) -> Result<(AttemptGuard, Option<Credentials>), Self> {
        // Whoever has none has told how it ended.
        let Some(guard) = self.guard.take() else { return Err(self) };
        match guard.adopt() {
            Ok(guard) => Ok((guard, self.access.credentials().cloned())),
            Err(guard) => {
                self.guard = Some(guard);
                Err(self)
            }
        }
    }

    /// The handshake succeeded. Put the connection into the pool before the call: afterwards the policy sends
    /// turns to WebSocket.
    pub fn handle_opened(mut self) {
        self.report(DialOutcome::Opened, DialEnd::Opened);
    }

    /// The handshake failed. `now` is subtracted from a date at which the server wants to be asked again.
    pub fn handle_failure(mut self, lost: &Lost, now: SystemTime) {
        // The client's own fault: the policy hears that the handshake was abandoned.
        let Some(fault) = fault(lost, now, self.access.headers()) else { return };
        let (failure, text) = (fault.failure(), fault.text().to_owned());
        self.report(DialOutcome::Failed(failure), DialEnd::Failed { failure, text });
    }
}

impl Drop for LeftDial {
    fn drop(&mut self) {
        self.report(DialOutcome::Abandoned, DialEnd::Abandoned);
    }
}

fn fault(lost: &Lost, now: SystemTime, headers: &Headers) -> Option<Fault> {
    let (seen, detail) = lost.seen()?;
    let fault = Fault::new(&seen, Transport::WebSocket, Stage::Connecting, false, detail, now)?;
    Some(fault.redacted(headers))
}
