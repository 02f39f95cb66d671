use std::fmt;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use failback::{Reason, SharedPolicy, Transport};
use failback_wire::{Headers, Limits};

use crate::announcer::Announcer;
use crate::item::Notice;
use crate::observation::Observation;
use crate::observer::{Hears, Observer};
use crate::size_limit::SizeLimit;
use crate::state_file::StateFile;
use crate::state_file_error::StateFileError;
use crate::trace;

/// What all turns of one client share: the policy, and what the caller and the log have been told.
///
/// Holds no connection, so keeping it keeps no connection open.
pub struct Context {
    policy: SharedPolicy,
    /// No text may show their values.
    headers: Arc<Headers>,
    /// Of turns whose request has none of its own.
    deadline: Option<Duration>,
    state_file: Option<Arc<StateFile>>,
    /// Whether somebody is asked for the credentials.
    has_provider: bool,
    /// Turns that begin go over SSE alone.
    sse_only: AtomicBool,
    size_limit: SizeLimit,
    /// The response that completed last over WebSocket. The connection that carried it is the one that the
    /// next turn gets, if it still works.
    last_completed: Mutex<Option<Arc<str>>>,
    announcer: Announcer,
    observer: Arc<Observer>,
    turns: AtomicU64,
}

impl Context {
    /// A context for a client with these headers and this policy, which is also the client's clock. From now
    /// on the log is told of each change of the policy's mode.
    #[must_use]
    pub fn new(policy: SharedPolicy, headers: Arc<Headers>) -> Self {
        Self::observed(policy, headers, None)
    }

    /// The same, with a function that hears each observation.
    pub(crate) fn observed(policy: SharedPolicy, headers: Arc<Headers>, hears: Option<Hears>) -> Self {
        let observer = Arc::new(Observer::new(hears));
        #[cfg(feature = "metrics")]
        crate::meters::mode(policy.mode());
        // Holds the observer alone: a listener that held the policy would keep it for ever.
        let listener = Arc::clone(&observer);
        policy.on_change(move |change| listener.tell(&Observation::Changed(change)));
        Self {
            policy,
            headers,
            deadline: None,
            state_file: None,
            has_provider: false,
            sse_only: AtomicBool::new(false),
            size_limit: SizeLimit::new(None),
            last_completed: Mutex::new(None),
            announcer: Announcer::new(),
            observer,
            turns: AtomicU64::new(0),
        }
    }

    /// With a deadline for turns whose request has none of its own
    /// ([`Request::with_deadline`](failback_wire::Request::with_deadline)). `None`, the default, for none.
    #[must_use]
    pub const fn with_deadline(mut self, deadline: Option<Duration>) -> Self {
        self.deadline = deadline;
        self
    }

    /// With a provider, which is asked for credentials ([`Step::Ask`](crate::Step::Ask)), or without one,
    /// the default.
    #[must_use]
    pub const fn with_provider(mut self, has_provider: bool) -> Self {
        self.has_provider = has_provider;
        self
    }

    /// With the file where this policy's verdict is kept.
    #[must_use]
    pub(crate) fn with_state_file(mut self, state_file: Option<Arc<StateFile>>) -> Self {
        self.state_file = state_file;
        self
    }

    /// What is wrong with the state file, as far as is known
    /// ([`Builder::state_file`](crate::Builder::state_file)). `None` if nothing is, or there is none.
    #[must_use]
    pub fn state_file_problem(&self) -> Option<StateFileError> {
        self.state_file.as_ref().and_then(|file| file.problem())
    }

    /// A call is about to begin, which may probe or not: learns from the processes beside this one, and tells
    /// them of a probe, before the policy is asked.
    pub(crate) fn look_around(&self, may_probe: bool) {
        if let Some(file) = self.state_file() {
            file.look();
            if may_probe {
                file.ask_to_probe();
            }
        }
    }

    /// Where the verdict is kept, if it is.
    pub(crate) fn state_file(&self) -> Option<&StateFile> {
        self.state_file.as_deref()
    }

    /// With these limits, of which those count that say where a request may go.
    #[must_use]
    pub const fn with_limits(mut self, limits: &Limits) -> Self {
        self.size_limit = SizeLimit::new(limits.max_websocket_request_bytes());
        self
    }

    pub(crate) const fn size_limit(&self) -> &SizeLimit {
        &self.size_limit
    }

    /// The response that completed last over WebSocket.
    pub(crate) fn last_completed(&self) -> Option<Arc<str>> {
        self.last_completed.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    pub(crate) fn note_completed(&self, id: Option<&str>) {
        let id = id.map(Arc::from);
        let mut last = self.last_completed.lock().unwrap_or_else(PoisonError::into_inner);
        let former = std::mem::replace(&mut *last, id);
        drop(last);
        // Dropped where nothing is locked.
        drop(former);
    }

    /// Whether turns that begin from now on go over SSE alone. Each looks when its first step is asked for;
    /// those under way go on as they are.
    ///
    /// While this is set, the adapter keeps no WebSocket for later turns and begins no handshake that no turn
    /// asks for: call this first, and close the idle WebSocket then.
    pub fn set_sse_only(&self, on: bool) {
        if self.sse_only.swap(on, Ordering::SeqCst) != on {
            trace::sse_only(on);
        }
    }

    /// See [`set_sse_only`](Self::set_sse_only).
    #[must_use]
    pub fn is_sse_only(&self) -> bool {
        self.sse_only.load(Ordering::SeqCst)
    }

    /// The policy.
    #[must_use]
    pub fn policy(&self) -> &SharedPolicy {
        &self.policy
    }

    /// Gives a new turn its number. The first is 1.
    pub(crate) fn number_turn(&self) -> u64 {
        self.turns.fetch_add(1, Ordering::Relaxed).saturating_add(1)
    }

    /// The machine is on another network, or has slept (R19). The adapter also drops its idle connections.
    pub fn handle_network_change(&self) {
        self.policy.handle_network_change();
        if let Some(file) = self.state_file() {
            file.handle_network_change();
        }
        self.size_limit.forget();
        self.note_completed(None);
    }

    pub(crate) const fn deadline(&self) -> Option<Duration> {
        self.deadline
    }

    /// Whether somebody is asked for the credentials.
    #[must_use]
    pub const fn has_provider(&self) -> bool {
        self.has_provider
    }

    /// The headers of every request and every handshake of the client, but for the credentials that a
    /// provider gives. Their `redact` also cuts out credentials in the endpoint's queries.
    #[must_use]
    pub const fn headers(&self) -> &Arc<Headers> {
        &self.headers
    }

    /// Tells everyone who listens. Nothing may be locked.
    pub(crate) fn tell(&self, observation: &Observation) {
        self.observer.tell(observation);
    }

    /// An attempt is about to deliver its first event. Returns the notice for the caller if the transport has
    /// changed.
    pub(crate) fn announce(
        &self,
        transport: Transport,
        reason: Reason,
        cause: Option<&str>,
    ) -> Option<Notice> {
        self.announcer.announce(transport, reason, &self.policy.status(), cause)
    }
}

impl fmt::Debug for Context {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Context").field("policy", &self.policy).finish_non_exhaustive()
    }
}
