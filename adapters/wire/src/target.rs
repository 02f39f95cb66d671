use core::fmt;

use failback::Transport;
use http::Uri;

use crate::UrlError;
use crate::authority::{bracketed, is_loopback, split_port};
use crate::credential::is_credential;
use crate::url_error::Problem;

/// Where one transport connects to, and what it requests there.
#[derive(Clone, PartialEq, Eq)]
pub struct Target {
    uri: Uri,
    host: String,
    port: u16,
    tls: bool,
    host_header: String,
}

impl Target {
    pub(crate) fn new(url: &str, transport: Transport) -> Result<Self, UrlError> {
        let error = |problem| UrlError::new(url, problem);
        let url = url.trim();
        let (scheme, rest) = url.split_once("://").ok_or_else(|| error(Problem::NoScheme))?;
        let tls = match scheme.to_ascii_lowercase().as_str() {
            "https" | "wss" => true,
            "http" | "ws" => false,
            _ => return Err(error(Problem::Scheme)),
        };
        let (authority, path_and_query) = rest.split_at(rest.find(['/', '?', '#']).unwrap_or(rest.len()));
        if authority.contains('@') {
            return Err(error(Problem::Credentials));
        }
        if path_and_query.contains('#') {
            return Err(error(Problem::Fragment));
        }
        let (host, port) = split_port(authority).map_err(error)?;
        let port = port.unwrap_or(if tls { 443 } else { 80 });
        let is_default = port == if tls { 443 } else { 80 };
        let bracketed = bracketed(&host);
        let host_header = if is_default { bracketed.into_owned() } else { format!("{bracketed}:{port}") };

        let scheme = match (transport, tls) {
            (Transport::WebSocket, true) => "wss",
            (Transport::WebSocket, false) => "ws",
            (Transport::Sse, true) => "https",
            (Transport::Sse, false) => "http",
        };
        let uri = Uri::builder()
            .scheme(scheme)
            .authority(host_header.as_str())
            .path_and_query(responses(path_and_query).map_err(error)?)
            .build()
            .map_err(|_| error(Problem::Characters))?;
        Ok(Self { uri, host, port, tls, host_header })
    }

    /// The name or address to connect to and to verify, without the brackets of an IPv6 address.
    #[must_use]
    pub fn host(&self) -> &str {
        &self.host
    }

    /// The port to connect to.
    #[must_use]
    pub const fn port(&self) -> u16 {
        self.port
    }

    /// Whether the connection is encrypted.
    #[must_use]
    pub const fn is_tls(&self) -> bool {
        self.tls
    }

    /// The `Host` header: with the port if it is not the default one, and brackets around an IPv6 address.
    #[must_use]
    pub fn host_header(&self) -> &str {
        &self.host_header
    }

    /// The path and the query, as the first line of a request has them.
    #[must_use]
    pub fn path_and_query(&self) -> &str {
        self.uri.path_and_query().map_or("/", |path_and_query| path_and_query.as_str())
    }

    /// The query parameters that are credentials, name and value.
    pub(crate) fn credentials(&self) -> impl Iterator<Item = (&str, &str)> {
        let parameters = self.uri.query().unwrap_or_default().split('&');
        parameters.filter_map(|parameter| parameter.split_once('=')).filter(|(name, _)| {
            let name = name.to_ascii_lowercase();
            matches!(name.as_str(), "key" | "sig" | "signature") || is_credential(&name)
        })
    }

    /// The whole URL: `ws` or `wss` for WebSocket, `http` or `https` for SSE.
    #[must_use]
    pub const fn request_uri(&self) -> &Uri {
        &self.uri
    }

    /// Whether the host is this machine: `localhost`, 127.0.0.0/8 or `::1`.
    #[must_use]
    pub fn is_loopback(&self) -> bool {
        is_loopback(&self.host)
    }
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let scheme = self.uri.scheme_str().unwrap_or_default();
        let query = if self.uri.query().is_some() { "?…" } else { "" };
        write!(f, "{scheme}://{}{}{query}", self.host_header, self.uri.path())
    }
}

impl fmt::Debug for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Target({self})")
    }
}

/// The path of the API below this base path, with its query.
fn responses(path_and_query: &str) -> Result<String, Problem> {
    if !path_and_query.bytes().all(|byte| byte.is_ascii_graphic()) {
        return Err(Problem::Characters);
    }
    let (path, query) = path_and_query.split_at(path_and_query.find('?').unwrap_or(path_and_query.len()));
    let path = path.trim_end_matches('/');
    let last = if path.ends_with("/responses") { "" } else { "/responses" };
    let query = if query == "?" { "" } else { query };
    Ok(format!("{path}{last}{query}"))
}
