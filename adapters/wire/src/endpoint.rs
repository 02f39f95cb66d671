use core::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use failback::Transport;
use http::Uri;

use crate::Headers;
use crate::headers::is_credential;
use crate::text::excerpt;

/// Where both transports of one API are.
///
/// One URL gives both: `{base}/responses`, with `http` or `https` for SSE and `ws` or `wss` for WebSocket. A base that ends in
/// `/responses` is taken as it is, and its query is kept.
///
/// `Display` and `Debug` never show the query.
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
    /// Both transports at one URL, with any of the schemes `http`, `https`, `ws` and `wss`.
    ///
    /// # Errors
    ///
    /// [`UrlError`] when the URL is not one of those, has no host, a bad port, a user name or password (credentials
    /// belong in a header), a fragment, or characters that a URL cannot have.
    pub fn new(base: &str) -> Result<Self, UrlError> {
        Ok(Self {
            websocket: Target::new(base, Transport::WebSocket)?,
            sse: Target::new(base, Transport::Sse)?,
        })
    }

    /// Sets the URL of the WebSocket apart, by the same rules.
    ///
    /// Headers with credentials are sent to both URLs, even if their hosts differ: giving both is asking for it.
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

    /// Makes sure that no credential, of a header or in the query of the URL, goes over a plain-text connection, unless its
    /// host is the loopback or `allow_plaintext` asks for it.
    ///
    /// # Errors
    ///
    /// [`PlaintextError`] names the target and the header or the parameter.
    pub fn check_credentials(&self, headers: &Headers, allow_plaintext: bool) -> Result<(), PlaintextError> {
        if allow_plaintext {
            return Ok(());
        }
        for target in [&self.websocket, &self.sse] {
            if target.tls || target.is_loopback() {
                continue;
            }
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
}

/// Where one transport connects to, and what it asks for there.
#[derive(Clone, PartialEq, Eq)]
pub struct Target {
    uri: Uri,
    host: String,
    port: u16,
    tls: bool,
    host_header: String,
}

impl Target {
    fn new(url: &str, transport: Transport) -> Result<Self, UrlError> {
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
        let bracketed = if host.contains(':') { format!("[{host}]") } else { host.clone() };
        let is_default = port == if tls { 443 } else { 80 };
        let host_header = if is_default { bracketed } else { format!("{bracketed}:{port}") };

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
        let host = self.host.strip_suffix('.').unwrap_or(&self.host);
        host.eq_ignore_ascii_case("localhost")
            || host.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
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

/// The host in lower case, without brackets, and the port if there is one.
fn split_port(authority: &str) -> Result<(String, Option<u16>), Problem> {
    let (host, port) = match authority.strip_prefix('[') {
        Some(rest) => {
            let (address, port) = rest.split_once(']').ok_or(Problem::Host)?;
            let address: Ipv6Addr = address.parse().map_err(|_| Problem::Host)?;
            (address.to_string(), port)
        }
        None => {
            let (host, port) = authority.split_at(authority.find(':').unwrap_or(authority.len()));
            (name_or_ipv4(host)?, port)
        }
    };
    if port.is_empty() || port == ":" {
        return Ok((host, None));
    }
    let digits = port.strip_prefix(':').filter(|digits| digits.bytes().all(|byte| byte.is_ascii_digit()));
    match digits.and_then(|digits| digits.parse().ok()) {
        None | Some(0) => Err(Problem::Port),
        port => Ok((host, port)),
    }
}

fn name_or_ipv4(host: &str) -> Result<String, Problem> {
    if host.is_empty() {
        return Err(Problem::NoHost);
    }
    let is_name = host.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_'));
    // A name whose last part is a number is an address to some resolvers and a name to others.
    let last = host.strip_suffix('.').unwrap_or(host).rsplit('.').next().unwrap_or_default();
    let looks_numeric = last.bytes().all(|byte| byte.is_ascii_digit());
    if !is_name || host.starts_with('.') || (looks_numeric && host.parse::<Ipv4Addr>().is_err()) {
        return Err(Problem::Host);
    }
    Ok(host.to_ascii_lowercase())
}

/// The path of the API below this base, with its query.
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

/// Why a URL was refused. It shows neither a user name or password, nor a query.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UrlError {
    problem: Problem,
    shown: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Problem {
    NoScheme,
    Scheme,
    Credentials,
    Fragment,
    NoHost,
    Host,
    Port,
    Characters,
}

impl UrlError {
    fn new(url: &str, problem: Problem) -> Self {
        let (scheme, rest) = url.split_once("://").map_or((None, url), |(scheme, rest)| (Some(scheme), rest));
        // A password may hold any character, so everything before the last `@` may be part of one.
        let (hidden, rest) = rest.rsplit_once('@').map_or(("", rest), |(_, rest)| ("…@", rest));
        let (rest, cut) =
            rest.find(['?', '#']).map_or((rest, ""), |at| (rest.get(..at).unwrap_or_default(), "?…"));
        let scheme = scheme.filter(|scheme| !scheme.contains(['@', '?', '#', '/']));
        let start = scheme.map(|scheme| format!("{scheme}://")).unwrap_or_default();
        Self { problem, shown: excerpt(&format!("{start}{hidden}{rest}{cut}"), 200) }
    }
}

impl fmt::Display for UrlError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let shown = &self.shown;
        match self.problem {
            Problem::NoScheme => write!(f, "no scheme in URL `{shown}`: expected e.g. https://host/v1"),
            Problem::Scheme => write!(f, "unknown scheme in URL `{shown}`: expected http, https, ws or wss"),
            Problem::Credentials => write!(
                f,
                "user name or password in URL `{shown}`: expected none; give credentials in a header instead"
            ),
            Problem::Fragment => {
                write!(f, "fragment in URL `{shown}`: expected none; no server gets to see it")
            }
            Problem::NoHost => write!(f, "no host in URL `{shown}`: expected e.g. https://host/v1"),
            Problem::Host => write!(
                f,
                "bad host in URL `{shown}`: expected an ASCII name, an IPv4 address, or an IPv6 address in brackets"
            ),
            Problem::Port => write!(f, "bad port in URL `{shown}`: expected a number from 1 to 65535"),
            Problem::Characters => write!(
                f,
                "a character that a URL cannot have in `{shown}`: expected it to be percent-encoded"
            ),
        }
    }
}

impl std::error::Error for UrlError {}

/// Credentials would go over a connection that anyone on the way can read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PlaintextError {
    target: String,
    /// What it is, and its name.
    credential: String,
}

impl fmt::Display for PlaintextError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the {} would be sent to {} in plain text: use https or wss", self.credential, self.target)
    }
}

impl std::error::Error for PlaintextError {}
