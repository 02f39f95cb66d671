//! The way through an HTTP proxy: whether there is one, and the tunnel that it opens. Both transports take the same way.

use std::env;
use std::fmt;
use std::sync::Arc;

use failback::Transport;
use failback_wire::{Endpoint, Seen, Target};
use http::header::{HOST, PROXY_AUTHORIZATION, USER_AGENT};
use http::uri::Scheme;
use http::{HeaderValue, Method, Request, Uri};
use http_body_util::Full;
use hyper_util::client::proxy::matcher::{Intercept, Matcher};
use smol_hyper::rt::FuturesIo;

use crate::Runtime;
use crate::dial::DialError;
use crate::http::{AGENT, HttpConn, detail};
use crate::io::Io;

/// Which proxy a client is to use.
#[derive(Clone, Debug, Default)]
pub(crate) enum ProxyChoice {
    /// What the environment names.
    #[default]
    Environment,
    /// None.
    Direct,
    /// The one at this URL.
    Url(Secret),
}

/// A URL that may hold a password.
#[derive(Clone)]
pub(crate) struct Secret(pub(crate) String);

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("…")
    }
}

/// The proxies on the way to each transport.
#[derive(Clone)]
pub(crate) struct Proxies {
    websocket: Option<Arc<Proxy>>,
    sse: Option<Arc<Proxy>>,
}

/// Where a proxy is, and how to tell it who asks.
pub(crate) struct Proxy {
    pub(crate) host: String,
    pub(crate) port: u16,
    pub(crate) tls: bool,
    authorization: Option<HeaderValue>,
}

impl Proxies {
    pub(crate) fn choose(choice: &ProxyChoice, endpoint: &Endpoint) -> Result<Self, ProxyError> {
        let matcher = match choice {
            ProxyChoice::Direct => None,
            ProxyChoice::Url(url) => {
                check("the proxy URL", &url.0)?;
                Some(Matcher::builder().all(url.0.as_str()).build())
            }
            ProxyChoice::Environment => from_environment(|name| env::var(name).ok())?,
        };
        // This machine is not on the other side of a proxy, unless it was asked for.
        let everywhere = matches!(choice, ProxyChoice::Url(_));
        let find = |transport| {
            let target = endpoint.target(transport);
            let matcher = matcher.as_ref().filter(|_| everywhere || !target.is_loopback())?;
            matcher.intercept(&as_http(target)).map(|found| Arc::new(Proxy::new(&found)))
        };
        Ok(Self { websocket: find(Transport::WebSocket), sse: find(Transport::Sse) })
    }

    pub(crate) fn on_the_way_to(&self, transport: Transport) -> Option<&Proxy> {
        match transport {
            Transport::WebSocket => self.websocket.as_deref(),
            Transport::Sse => self.sse.as_deref(),
        }
    }

    /// Whether any of them is spoken to over TLS.
    pub(crate) fn need_tls(&self) -> bool {
        [&self.websocket, &self.sse].into_iter().flatten().any(|proxy| proxy.tls)
    }
}

impl fmt::Debug for Proxies {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let shown = |proxy: &Option<Arc<Proxy>>| proxy.as_ref().map(ToString::to_string);
        f.debug_struct("Proxies")
            .field("websocket", &shown(&self.websocket))
            .field("sse", &shown(&self.sse))
            .finish()
    }
}

impl Proxy {
    fn new(found: &Intercept) -> Self {
        let uri = found.uri();
        let tls = uri.scheme() == Some(&Scheme::HTTPS);
        let host = uri.host().unwrap_or_default();
        let host = host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host);
        Self {
            host: host.to_owned(),
            port: uri.port_u16().unwrap_or(if tls { 443 } else { 80 }),
            tls,
            authorization: found.basic_auth().cloned(),
        }
    }

    /// Asks the proxy for a way to the target (RFC 9110, section 9.3.6). What comes back leads there.
    pub(crate) async fn tunnel<R: Runtime>(
        &self,
        runtime: &R,
        io: Io<R::Stream>,
        target: &Target,
    ) -> Result<Io<R::Stream>, DialError> {
        let failed = |detail: &dyn fmt::Display| DialError {
            seen: Seen::Connect,
            detail: format!("no way through the proxy {self}: {detail}"),
        };
        let lost = |error: hyper::Error| failed(&detail(&error));

        let authority = authority(target);
        let mut request = Request::builder()
            .method(Method::CONNECT)
            .uri(&authority)
            .header(HOST, &authority)
            .header(USER_AGENT, AGENT)
            .body(Full::default())
            .map_err(|error| failed(&error))?;
        if let Some(authorization) = &self.authorization {
            request.headers_mut().insert(PROXY_AUTHORIZATION, authorization.clone());
        }

        let mut conn = HttpConn::handshake(runtime, io).await.map_err(lost)?;
        let response = conn.send(request).await.map_err(lost)?;
        let status = response.status();
        if !status.is_success() {
            let seen = Seen::ProxyRefused { status: status.as_u16() };
            return Err(DialError { seen, detail: self.to_string() });
        }
        let upgraded = hyper::upgrade::on(response).await.map_err(lost)?;
        let parts = upgraded
            .downcast::<FuturesIo<Io<R::Stream>>>()
            .map_err(|_| failed(&"the connection was not handed back"))?;
        if !parts.read_buf.is_empty() {
            // Whoever is at the other end speaks when it is spoken to.
            return Err(failed(&"it sent something that nobody asked for"));
        }
        Ok(parts.io.into_inner())
    }
}

impl fmt::Display for Proxy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { host, port, .. } = self;
        if host.contains(':') { write!(f, "[{host}]:{port}") } else { write!(f, "{host}:{port}") }
    }
}

/// What CONNECT asks for: always with the port.
fn authority(target: &Target) -> String {
    let (host, port) = (target.host(), target.port());
    if host.contains(':') { format!("[{host}]:{port}") } else { format!("{host}:{port}") }
}

/// What a proxy is looked up by: `https` for both transports when the target is encrypted.
fn as_http(target: &Target) -> Uri {
    let scheme = if target.is_tls() { Scheme::HTTPS } else { Scheme::HTTP };
    let uri = Uri::builder().scheme(scheme).authority(authority(target)).path_and_query("/").build();
    // A target is made of parts that a URI can have.
    uri.unwrap_or_default()
}

/// The variables that curl reads, read as curl does: `HTTPS_PROXY` for encrypted targets, `HTTP_PROXY` for others,
/// `ALL_PROXY` where those are not set, and not for what `NO_PROXY` lists.
fn from_environment(read: impl Fn(&str) -> Option<String>) -> Result<Option<Matcher>, ProxyError> {
    // A web server that runs a program this way makes `HTTP_PROXY` of a header that anyone can send.
    if read("REQUEST_METHOD").is_some() {
        return Ok(None);
    }
    let value = |name: &'static str| {
        let value = read(name).or_else(|| read(&name.to_ascii_lowercase())).unwrap_or_default();
        let value = value.trim().to_owned();
        if !value.is_empty() && name != "NO_PROXY" {
            check(name, &value)?;
        }
        Ok(value)
    };
    let (https, http, all) = (value("HTTPS_PROXY")?, value("HTTP_PROXY")?, value("ALL_PROXY")?);
    if https.is_empty() && http.is_empty() && all.is_empty() {
        return Ok(None);
    }
    let matcher = Matcher::builder().https(https).http(http).all(all).no(value("NO_PROXY")?);
    Ok(Some(matcher.build()))
}

/// Finds fault with a proxy's URL, which the matcher would pass over in silence.
fn check(place: &'static str, url: &str) -> Result<(), ProxyError> {
    let anywhere = Uri::from_static("http://failback.invalid");
    let problem = match Matcher::builder().all(url).build().intercept(&anywhere) {
        None => "expected http://host:port or https://host:port",
        Some(found) if found.uri().scheme_str().is_some_and(|scheme| scheme.starts_with("socks")) => {
            "SOCKS is not spoken here: expected http://host:port or https://host:port"
        }
        Some(found) if found.uri().host().unwrap_or_default().is_empty() => "it names no host",
        Some(found) if has_bad_port(found.uri()) => "expected a port from 1 to 65535",
        Some(_) => return Ok(()),
    };
    Err(ProxyError { place, problem })
}

/// Whether something stands where the port should, which is no port.
fn has_bad_port(uri: &Uri) -> bool {
    let authority = uri.authority().map_or("", |authority| authority.as_str());
    let after_host = authority.get(uri.host().unwrap_or_default().len()..).unwrap_or_default();
    !after_host.is_empty() && matches!(uri.port_u16(), None | Some(0))
}

/// A proxy is set that cannot be used. Does not show it: it may hold a password.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProxyError {
    place: &'static str,
    problem: &'static str,
}

impl fmt::Display for ProxyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} is not usable: {}", self.place, self.problem)
    }
}

impl std::error::Error for ProxyError {}

#[cfg(test)]
mod tests {
    use super::*;

    /// Where a client of this URL goes, by these variables.
    fn way(url: &str, variables: &[(&str, &str)]) -> Result<[Option<String>; 2], ProxyError> {
        let read = |name: &str| variables.iter().find(|(n, _)| *n == name).map(|(_, v)| (*v).to_owned());
        let endpoint = Endpoint::new(url).unwrap();
        let matcher = from_environment(read)?;
        Ok([Transport::WebSocket, Transport::Sse].map(|transport| {
            let found = matcher.as_ref()?.intercept(&as_http(endpoint.target(transport)))?;
            Some(Proxy::new(&found).to_string())
        }))
    }

    #[track_caller]
    fn leads(url: &str, variables: &[(&str, &str)], expected: Option<&str>) {
        let expected = expected.map(str::to_owned);
        assert_eq!(way(url, variables), Ok([expected.clone(), expected]), "{url} {variables:?}");
    }

    #[test]
    fn both_transports_take_the_proxy_of_the_encrypted_or_of_the_plain() {
        let both = [("HTTPS_PROXY", "http://secure:8080"), ("HTTP_PROXY", "http://plain:8081")];
        leads("https://api.example.com/v1", &both, Some("secure:8080"));
        leads("wss://api.example.com/v1", &both, Some("secure:8080"));
        leads("http://api.example.com/v1", &both, Some("plain:8081"));
        leads("https://api.example.com/v1", &[("ALL_PROXY", "http://any")], Some("any:80"));
        leads("https://api.example.com/v1", &[("https_proxy", "https://[::1]")], Some("[::1]:443"));
        leads("https://api.example.com/v1", &[("HTTP_PROXY", "http://plain:8081")], None);
        leads("https://api.example.com/v1", &[("HTTPS_PROXY", "proxy.corp:3128")], Some("proxy.corp:3128"));
    }

    #[test]
    fn no_proxy_lists_what_is_reached_directly() {
        let except =
            |list| [("HTTPS_PROXY", "http://proxy:1"), ("NO_PROXY", list)].map(|(name, value)| (name, value));
        leads("https://api.example.com/v1", &except("example.com"), None);
        leads("https://api.example.com/v1", &except(" .example.com , other"), None);
        leads("https://badexample.com/v1", &except("example.com"), Some("proxy:1"));
        leads("https://10.1.2.3/v1", &except("10.0.0.0/8"), None);
        leads("https://[fd00::7]/v1", &except("fd00::/8"), None);
        leads("https://api.example.com/v1", &except("*"), None);
        leads("https://api.example.com/v1", &except(""), Some("proxy:1"));
    }

    #[test]
    fn a_program_that_a_web_server_runs_heeds_none() {
        let variables = [("HTTP_PROXY", "http://evil:1"), ("REQUEST_METHOD", "GET")];
        leads("http://api.example.com/v1", &variables, None);
    }

    #[test]
    fn what_cannot_be_used_is_an_error_that_names_its_place_and_keeps_its_secret() {
        for (value, part) in [
            ("socks5://me:hunter2@proxy:1080", "SOCKS"),
            ("ftp://me:hunter2@proxy", "expected http"),
            ("http://me:hunter2@", "expected http"),
            ("http://me:hunter2@proxy:99999999", "65535"),
            ("http://[::1]:0", "65535"),
            ("hunter2 hunter2", "expected http"),
        ] {
            let error = way("https://api.example.com/v1", &[("HTTPS_PROXY", value)]).unwrap_err();
            let shown = format!("{error} {error:?}");
            assert!(shown.contains("HTTPS_PROXY") && shown.contains(part), "{value}: {shown}");
            assert!(!shown.contains("hunter2"), "{shown}");
        }
    }

    #[test]
    fn only_what_was_asked_for_leads_back_to_this_machine() {
        let endpoint = Endpoint::new("http://127.0.0.1:9/v1").unwrap();
        let asked = ProxyChoice::Url(Secret("http://me:hunter2@127.0.0.1:8".to_owned()));
        let proxies = Proxies::choose(&asked, &endpoint).unwrap();
        assert_eq!(
            proxies.on_the_way_to(Transport::Sse).map(ToString::to_string),
            Some("127.0.0.1:8".to_owned())
        );
        assert!(!format!("{asked:?} {proxies:?}").contains("hunter2"));
        let none = Proxies::choose(&ProxyChoice::Direct, &endpoint).unwrap();
        assert!(none.on_the_way_to(Transport::WebSocket).is_none());
    }
}
