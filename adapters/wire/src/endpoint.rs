use core::fmt;

use failback::Transport;

use crate::text::excerpt;
use crate::{Headers, Target, UrlError};

/// The URLs of both transports of one API.
///
/// One URL gives both: `{base}/responses`, with `http` or `https` for SSE and `ws` or `wss` for WebSocket. If
/// the base ends in `/responses`, nothing is added to it. Its query is kept.
///
/// Neither `Debug` nor the `Display` of a [`Target`] shows the query.
///
/// ```
/// use failback::Transport;
/// use failback_wire::Endpoint;
///
/// let endpoint = Endpoint::new("https://api.example.com/v1?api-version=3")?;
/// let websocket = endpoint.target(Transport::WebSocket);
/// assert_eq!(websocket.request_uri(), "wss://api.example.com/v1/responses?api-version=3");
/// assert_eq!(websocket.to_string(), "wss://api.example.com/v1/responses?…");
/// # Ok::<(), failback_wire::UrlError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Endpoint {
    websocket: Target,
    sse: Target,
}

impl Endpoint {
    /// Sends both transports to one URL, which has any of the schemes `http`, `https`, `ws` and `wss`.
    ///
    /// # Errors
    ///
    /// [`UrlError`] when the URL is not one of those, has no host, a bad port, a user name or password
    /// (credentials belong in a header), a fragment, or characters that a URL cannot have.
    pub fn new(base: &str) -> Result<Self, UrlError> {
        Ok(Self {
            websocket: Target::new(base, Transport::WebSocket)?,
            sse: Target::new(base, Transport::Sse)?,
        })
    }

    /// Sends WebSocket to another URL, which follows the same rules.
    ///
    /// Headers with credentials are sent to both URLs, even if their hosts differ: whoever sets both URLs
    /// trusts both.
    ///
    /// # Errors
    ///
    /// As [`new`](Self::new).
    pub fn with_websocket(mut self, url: &str) -> Result<Self, UrlError> {
        self.websocket = Target::new(url, Transport::WebSocket)?;
        Ok(self)
    }

    /// Where this transport connects to.
    #[must_use]
    pub const fn target(&self, transport: Transport) -> &Target {
        match transport {
            Transport::WebSocket => &self.websocket,
            Transport::Sse => &self.sse,
        }
    }

    /// Makes [`Headers::redact`] cut out the credentials in the queries of these URLs as well.
    pub fn conceal_queries(&self, headers: &mut Headers) {
        for (_, value) in [&self.websocket, &self.sse].into_iter().flat_map(Target::credentials) {
            headers.conceal(value);
        }
    }

    /// Checks that no credential, in a header or in the query of a URL, would be sent in plain text. Plain
    /// text is allowed to a host that is this machine, and to every host if `allow_plaintext` is true.
    ///
    /// # Errors
    ///
    /// [`PlaintextError`] names the target and the header or the parameter.
    pub fn check_credentials(&self, headers: &Headers, allow_plaintext: bool) -> Result<(), PlaintextError> {
        for target in self.overheard(allow_plaintext) {
            let header = headers.credentials().next().map(|header| format!("header `{header}`"));
            let parameter = || {
                let (name, _) = target.credentials().next()?;
                Some(format!("query parameter `{}`", excerpt(&name.to_ascii_lowercase(), 64)))
            };
            if let Some(credential) = header.or_else(parameter) {
                return Err(PlaintextError { target: target.to_string(), credential });
            }
        }
        Ok(())
    }

    /// The same for credentials that are not known yet, because a provider will give them.
    ///
    /// # Errors
    ///
    /// [`PlaintextError`] names the target.
    pub fn check_provider(&self, allow_plaintext: bool) -> Result<(), PlaintextError> {
        let credential = "credentials of the provider".to_owned();
        match self.overheard(allow_plaintext).next() {
            Some(target) => Err(PlaintextError { target: target.to_string(), credential }),
            None => Ok(()),
        }
    }

    /// The targets to which no credential may be sent, as anyone on the way could read it.
    fn overheard(&self, allow_plaintext: bool) -> impl Iterator<Item = &Target> {
        let targets = [&self.websocket, &self.sse].into_iter();
        targets.filter(move |target| !(allow_plaintext || target.is_tls() || target.is_loopback()))
    }
}

/// Credentials would be sent over a connection that anyone on the way can read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PlaintextError {
    target: String,
    /// Whether it is a header or a parameter, and its name; or that a provider gives it.
    credential: String,
}

impl fmt::Display for PlaintextError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the {} would be sent to {} in plain text: use https or wss", self.credential, self.target)
    }
}

impl std::error::Error for PlaintextError {}
