use std::sync::Arc;

use failback_wire::Headers;

use crate::{Credentials, CredentialsRequest};

/// Who a turn, or a handshake without one, is to the server: the headers that it sends, and when a provider
/// is asked for the credentials among them.
#[derive(Clone, Debug)]
pub(crate) struct Access {
    /// The headers of the client and of the request.
    own: Arc<Headers>,
    /// These, with the credentials that were given last. Cuts out all that were given before, too.
    headers: Arc<Headers>,
    /// What the provider gave last.
    given: Option<Credentials>,
    need: Need,
    has_provider: bool,
    /// What the server has refused, so that others were asked for. That happens once.
    rejected: Option<Credentials>,
}

/// Whether the provider is to be asked.
#[derive(Clone, Debug)]
enum Need {
    /// There is no provider, or it has been asked for this attempt.
    Nothing,
    /// An idle WebSocket will carry the attempt, and needs no credentials.
    Idle,
    /// Asked it is, and told whether credentials have just been refused.
    Ask(CredentialsRequest),
}

impl Access {
    pub(crate) fn new(own: Arc<Headers>, has_provider: bool) -> Self {
        let headers = Arc::clone(&own);
        let mut access =
            Self { own, headers, given: None, need: Need::Nothing, has_provider, rejected: None };
        access.begin_attempt();
        access
    }

    /// What is sent. Its `redact` cuts out every credential that was.
    pub(crate) const fn headers(&self) -> &Arc<Headers> {
        &self.headers
    }

    /// The credentials that are sent, if they are a provider's.
    pub(crate) const fn credentials(&self) -> Option<&Credentials> {
        self.given.as_ref()
    }

    /// What the provider is to be asked for now, if it is.
    pub(crate) fn request(&self) -> Option<&CredentialsRequest> {
        match &self.need {
            Need::Ask(request) => Some(request),
            Need::Idle | Need::Nothing => None,
        }
    }

    /// Another attempt begins.
    pub(crate) fn begin_attempt(&mut self) {
        if self.has_provider {
            self.need = Need::Ask(CredentialsRequest::default());
        }
    }

    /// An idle WebSocket is there, so nobody is asked yet.
    pub(crate) fn handle_idle(&mut self) {
        if matches!(&self.need, Need::Ask(request) if request.rejected().is_none()) {
            self.need = Need::Idle;
        }
    }

    /// No idle WebSocket carries the attempt after all. Returns whether the provider is to be asked now.
    pub(crate) fn handle_none_idle(&mut self) -> bool {
        if matches!(self.need, Need::Idle) {
            self.need = Need::Ask(CredentialsRequest::default());
        }
        self.request().is_some()
    }

    /// The provider has given these.
    pub(crate) fn give(&mut self, credentials: Credentials) {
        let mut headers = (*self.own).clone();
        headers.conceal_credentials(&self.headers);
        headers.extend(credentials.headers().clone());
        self.headers = Arc::new(headers);
        self.given = Some(credentials);
        self.need = Need::Nothing;
    }

    /// The attempt has a connection that was opened with these.
    pub(crate) fn conceal(&mut self, credentials: &Credentials) {
        if self.given.as_ref() != Some(credentials) {
            Arc::make_mut(&mut self.headers).conceal_credentials(credentials.headers());
        }
    }

    /// The server refuses these. Returns whether others are asked for.
    pub(crate) fn renew(&mut self, rejected: Credentials) -> bool {
        if self.rejected.is_some() {
            return false;
        }
        self.need = Need::Ask(CredentialsRequest::new(Some(rejected.clone())));
        self.rejected = Some(rejected);
        true
    }

    /// Whether the server has refused credentials, and others were asked for.
    pub(crate) const fn is_renewed(&self) -> bool {
        self.rejected.is_some()
    }

    /// Whether these are the credentials that the server has refused.
    pub(crate) fn has_rejected(&self, credentials: &Credentials) -> bool {
        self.rejected.as_ref() == Some(credentials)
    }
}
