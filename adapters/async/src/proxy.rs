//! The way through an HTTP proxy: whether there is one, and the tunnel that it opens. Both transports take the same way.

use std::borrow::Cow;
use std::env;
use std::ffi::OsString;
use std::fmt;
use std::net::IpAddr;
use std::sync::Arc;

use failback::Transport;
use failback_client::Lost;
use failback_wire::{Endpoint, Seen, Target};
use http::header::{HOST, PROXY_AUTHORIZATION, USER_AGENT};
use http::{HeaderValue, Method, Request, Uri};
use http_body_util::Full;
use hyper_util::client::proxy::matcher::{Intercept, Matcher};
use smol_hyper::rt::FuturesIo;

use crate::Runtime;
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
    is_loopback: bool,
    authorization: Option<HeaderValue>,
}

impl Proxies {
    pub(crate) fn choose(choice: &ProxyChoice, endpoint: &Endpoint) -> Result<Self, ProxyError> {
        let find = |transport| {
            let target = endpoint.target(transport);
            let found = match choice {
                ProxyChoice::Direct => None,
                ProxyChoice::Url(url) => Some(Proxy::parse("the proxy URL", &url.0)?),
                ProxyChoice::Environment => from_environment(target, |name| env::var_os(name))?,
            };
            // Only a proxy on this machine has this machine behind it.
            Ok(found.filter(|proxy| proxy.is_loopback || !target.is_loopback()).map(Arc::new))
        };
        Ok(Self { websocket: find(Transport::WebSocket)?, sse: find(Transport::Sse)? })
    }

    pub(crate) fn on_the_way_to(&self, transport: Transport) -> Option<&Proxy> {
        match transport {
            Transport::WebSocket => self.websocket.as_deref(),
            Transport::Sse => self.sse.as_deref(),
        }
    }

    /// For people: which proxy is on the way, if there is one.
    pub(crate) fn told_of(&self, transport: Transport) -> Option<String> {
        self.on_the_way_to(transport).map(|proxy| format!("through the proxy {proxy}"))
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
    /// `http://host:port`, or `https://`, with `user:password@` before the host or without.
    fn parse(place: &'static str, url: &str) -> Result<Self, ProxyError> {
        let error = |problem| ProxyError { place, problem };
        let (scheme, rest) = url.split_once("://").unwrap_or(("http", url));
        let scheme = scheme.to_ascii_lowercase();
        match scheme.as_str() {
            "http" | "https" => {}
            _ if scheme.starts_with("socks") => return Err(error(Problem::Socks)),
            _ => return Err(error(Problem::Url)),
        }
        let (authority, path) = rest.split_at(rest.find(['/', '?', '#']).unwrap_or(rest.len()));
        if !matches!(path, "" | "/") {
            return Err(error(Problem::Encoding));
        }
        let (userinfo, host_and_port) = match authority.rsplit_once('@') {
            Some((userinfo, _)) if userinfo.contains('@') => return Err(error(Problem::Encoding)),
            Some((userinfo, host_and_port)) => (Some(userinfo), host_and_port),
            None => (None, authority),
        };
        let place = Endpoint::new(&format!("{scheme}://{host_and_port}")).map_err(|_| error(Problem::Url))?;
        let place = place.target(Transport::Sse);
        let authorization = match userinfo {
            None | Some("") => None,
            Some(userinfo) if !is_well_encoded(userinfo) => return Err(error(Problem::Encoding)),
            Some(userinfo) => {
                // Finds what to send: decoded, and encoded again as the header has it.
                let proxy = Matcher::builder().all(format!("http://{userinfo}@proxy")).build();
                let found = proxy.intercept(&Uri::from_static("http://server"));
                let basic = found.as_ref().and_then(Intercept::basic_auth).cloned();
                Some(basic.ok_or_else(|| error(Problem::Encoding))?)
            }
        };
        Ok(Self {
            host: place.host().to_owned(),
            port: place.port(),
            tls: place.is_tls(),
            is_loopback: place.is_loopback(),
            authorization,
        })
    }

    /// Asks the proxy for a way to the target (RFC 9110, section 9.3.6). What comes back leads there.
    pub(crate) async fn tunnel<R: Runtime>(
        &self,
        runtime: &R,
        io: Io<R::Stream>,
        target: &Target,
    ) -> Result<Io<R::Stream>, Lost> {
        let broken = |seen: Seen<'static>, detail: &dyn fmt::Display| {
            Lost::new(seen, format_args!("no way through the proxy {self}: {detail}"))
        };
        let failed = |detail: &dyn fmt::Display| broken(Seen::Connect, detail);
        let lost = |error: hyper::Error| {
            let seen = if error.is_parse() { Seen::NotAProxy } else { Seen::Connect };
            broken(seen, &detail(&error))
        };

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
            return Err(Lost::new(seen, self));
        }
        let upgraded = hyper::upgrade::on(response).await.map_err(lost)?;
        let parts = upgraded
            .downcast::<FuturesIo<Io<R::Stream>>>()
            .map_err(|_| failed(&"the connection was not handed back"))?;
        if !parts.read_buf.is_empty() {
            // Whoever is at the other end speaks when it is spoken to.
            return Err(broken(Seen::NotAProxy, &"it sent something that nobody asked for"));
        }
        Ok(parts.io.into_inner())
    }
}

impl fmt::Display for Proxy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", bracketed(&self.host), self.port)
    }
}

/// What CONNECT asks for: always with the port.
fn authority(target: &Target) -> String {
    format!("{}:{}", bracketed(target.host()), target.port())
}

/// A host as a URL has it: an IPv6 address in brackets.
fn bracketed(host: &str) -> Cow<'_, str> {
    if host.contains(':') { format!("[{host}]").into() } else { host.into() }
}

/// What the environment says of this target. `https_proxy` is for those that are encrypted, `http_proxy` for others, and
/// `all_proxy` where those are not set; none for what `no_proxy` lists. In lower case first, then in capitals; what is empty is
/// not set.
fn from_environment(
    target: &Target,
    read: impl Fn(&str) -> Option<OsString>,
) -> Result<Option<Proxy>, ProxyError> {
    if target.is_loopback() {
        return Ok(None);
    }
    // A web server that runs a program makes `HTTP_PROXY` of a header that anyone can send.
    let is_run_by_server = read("REQUEST_METHOD").is_some();
    let first = |names: &[&'static str]| {
        for name in names.iter().copied().filter(|name| !(is_run_by_server && *name == "HTTP_PROXY")) {
            let Some(value) = read(name) else { continue };
            let value =
                value.into_string().map_err(|_| ProxyError { place: name, problem: Problem::Text })?;
            if !value.trim().is_empty() {
                return Ok(Some((name, value.trim().to_owned())));
            }
        }
        Ok(None)
    };
    let names: &[_] = if target.is_tls() {
        &["https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"]
    } else {
        &["http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"]
    };
    let Some((name, url)) = first(names)? else { return Ok(None) };
    let except = first(&["no_proxy", "NO_PROXY"])?.map(|(_, list)| list).unwrap_or_default();
    if is_listed(target, &except) { Ok(None) } else { Proxy::parse(name, &url).map(Some) }
}

/// Whether a user name, and a password after a colon, are what they say once they are decoded: text, with the colon
/// between them and nowhere before.
fn is_well_encoded(userinfo: &str) -> bool {
    let (user, password) = userinfo.split_once(':').unwrap_or((userinfo, ""));
    let decoded = |part: &str| {
        let mut bytes = Vec::new();
        let mut rest = part.bytes();
        while let Some(byte) = rest.next() {
            let mut digit = || rest.next().and_then(|byte| char::from(byte).to_digit(16));
            bytes.push(match byte {
                b'%' => u8::try_from(digit()? * 16 + digit()?).ok()?,
                _ => byte,
            });
        }
        String::from_utf8(bytes).ok()
    };
    decoded(user).is_some_and(|user| !user.contains(':')) && decoded(password).is_some()
}

/// Whether a list of names, addresses and networks has this target in it. Each may have a port, and then counts for that
/// port alone.
fn is_listed(target: &Target, list: &str) -> bool {
    let host = target.host();
    let host = host.strip_suffix('.').unwrap_or(host).to_ascii_lowercase();
    let address: Option<IpAddr> = host.parse().ok();
    list.split(|char: char| char == ',' || char.is_whitespace()).any(|entry| {
        let (entry, port) = split_port(entry);
        if entry.is_empty() || port.is_some_and(|port| port != target.port()) {
            return false;
        }
        match address {
            _ if entry == "*" => true,
            Some(address) => has_address(entry, address),
            None => has_name(entry, &host),
        }
    })
}

/// An entry without the port after it and the brackets around an IPv6 address.
fn split_port(entry: &str) -> (&str, Option<u16>) {
    let parsed = |port: &str| port.strip_prefix(':').and_then(|port| port.parse().ok());
    if let Some((address, rest)) = entry.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
        // `[fd00::]/8` and `[fd00::7]:443`
        return if rest.starts_with('/') { (entry, None) } else { (address, parsed(rest)) };
    }
    match entry.find(':') {
        // More than one is an IPv6 address.
        Some(colon) if entry.rfind(':') == Some(colon) => {
            let (host, port) = entry.split_at(colon);
            (host, parsed(port))
        }
        _ => (entry, None),
    }
}

/// `example.com`, `.example.com` and `*.example.com` are each the domain and all below it, with a dot at the end or without.
fn has_name(entry: &str, host: &str) -> bool {
    let domain = entry.strip_prefix('*').unwrap_or(entry);
    let domain = domain.strip_prefix('.').unwrap_or(domain);
    let domain = domain.strip_suffix('.').unwrap_or(domain).to_ascii_lowercase();
    let above = host.strip_suffix(domain.as_str());
    !domain.is_empty() && above.is_some_and(|above| above.is_empty() || above.ends_with('.'))
}

/// `10.1.2.3`, `10.0.0.0/8`, `fd00::/8`, and the beginning of an IPv4 address up to a dot: `10.1.2.`, `10.1.2.*`.
fn has_address(entry: &str, address: IpAddr) -> bool {
    if let Some((network, bits)) = entry.split_once('/') {
        let network = network.trim_start_matches('[').trim_end_matches(']');
        let (Ok(network), Ok(bits)) = (network.parse::<IpAddr>(), bits.parse::<u32>()) else { return false };
        return match (network, address) {
            (IpAddr::V4(network), IpAddr::V4(address)) => {
                bits <= 32 && (network.to_bits() ^ address.to_bits()).checked_shr(32 - bits).unwrap_or(0) == 0
            }
            (IpAddr::V6(network), IpAddr::V6(address)) => {
                bits <= 128
                    && (network.to_bits() ^ address.to_bits()).checked_shr(128 - bits).unwrap_or(0) == 0
            }
            _ => false,
        };
    }
    let start = entry.strip_suffix('*').unwrap_or(entry);
    let is_start = start.ends_with('.') && start.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.');
    entry.parse() == Ok(address) || (is_start && start.len() > 1 && address.to_string().starts_with(start))
}

/// A proxy is set that cannot be used. Does not show it: it may hold a password.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProxyError {
    place: &'static str,
    problem: Problem,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Problem {
    Url,
    Socks,
    Encoding,
    Text,
}

impl fmt::Display for ProxyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let problem = match self.problem {
            Problem::Url => "expected http://host:port or https://host:port",
            Problem::Socks => "SOCKS is not spoken here: expected http://host:port or https://host:port",
            Problem::Encoding => {
                "expected http://user:password@host:port and nothing after it, with all but letters, digits and `-._~` in the \
                 user name and the password percent-encoded"
            }
            Problem::Text => "it is not text",
        };
        write!(f, "{} is not usable: {problem}", self.place)
    }
}

impl std::error::Error for ProxyError {}

#[cfg(test)]
mod tests {
    use super::*;

    /// Where a client of this URL goes, by these variables.
    fn way(url: &str, variables: &[(&str, &str)]) -> Result<[Option<String>; 2], ProxyError> {
        let read = |name: &str| variables.iter().find(|(n, _)| *n == name).map(|(_, v)| OsString::from(v));
        let endpoint = Endpoint::new(url).unwrap();
        let find = |transport| {
            let found = from_environment(endpoint.target(transport), read)?;
            Ok(found.map(|proxy| proxy.to_string()))
        };
        Ok([find(Transport::WebSocket)?, find(Transport::Sse)?])
    }

    #[track_caller]
    fn leads(url: &str, variables: &[(&str, &str)], expected: Option<&str>) {
        let expected = expected.map(str::to_owned);
        assert_eq!(way(url, variables), Ok([expected.clone(), expected]), "{url} {variables:?}");
    }

    const API: &str = "https://api.example.com/v1";

    #[test]
    fn both_transports_take_the_proxy_of_the_encrypted_or_of_the_plain() {
        let both = [("HTTPS_PROXY", "http://secure:8080"), ("HTTP_PROXY", "http://plain:8081")];
        leads(API, &both, Some("secure:8080"));
        leads("wss://api.example.com/v1", &both, Some("secure:8080"));
        leads("http://api.example.com/v1", &both, Some("plain:8081"));
        leads(API, &[("ALL_PROXY", "http://any")], Some("any:80"));
        leads(API, &[("https_proxy", "https://[::1]/")], Some("[::1]:443"));
        leads(API, &[("HTTP_PROXY", "http://plain:8081")], None);
        leads(API, &[("HTTPS_PROXY", " proxy.corp:3128 ")], Some("proxy.corp:3128"));
    }

    #[test]
    fn lower_case_comes_first_and_what_is_empty_is_not_set() {
        leads(API, &[("HTTPS_PROXY", "http://upper"), ("https_proxy", "http://lower")], Some("lower:80"));
        leads(API, &[("HTTPS_PROXY", "http://upper"), ("https_proxy", "")], Some("upper:80"));
        leads(API, &[("HTTPS_PROXY", " "), ("all_proxy", "http://all")], Some("all:80"));
        leads(API, &[("HTTPS_PROXY", "http://p"), ("no_proxy", ""), ("NO_PROXY", "example.com")], None);
        leads(API, &[("HTTPS_PROXY", "")], None);
    }

    #[test]
    fn no_proxy_lists_what_is_reached_directly() {
        for (url, list, direct) in [
            (API, "example.com", true),
            (API, " .example.com , other", true),
            (API, "other EXAMPLE.com", true),
            ("https://api.example.com./v1", "example.com", true),
            ("https://badexample.com/v1", "example.com", false),
            (API, "*.example.com", true),
            ("https://example.com/v1", "*.example.com", true),
            ("https://badexample.com/v1", "*.example.com", false),
            (API, "example.com.", true),
            (API, "api.example.com:443", true),
            (API, "example.com:8443", false),
            ("https://api.example.com:8443/v1", "example.com:8443", true),
            (API, ".", false),
            (API, "example.com:x", true),
            ("https://[fd00::7]/v1", "[fd00::7]", true),
            ("https://[fd00::7]/v1", "fd00::7", true),
            ("https://[fd00::7]:8443/v1", "[fd00::7]:8443", true),
            ("https://[fd00::7]/v1", "[fd00::7]:8443", false),
            ("https://[fd00::7]/v1", "[fd00::]/8", true),
            ("https://[fe00::7]/v1", "fd00::/8", false),
            ("https://10.1.2.3/v1", "10.1.2.", true),
            ("https://10.1.2.3/v1", "10.1.2.*", true),
            ("https://10.1.20.3/v1", "10.1.2.", false),
            ("https://10.1.2.3/v1", "10.1.2.3:443", true),
            ("https://10.1.2.3/v1", "10.1.2.30", false),
            ("https://10.1.2.3/v1", "0.0.0.0/0", true),
            ("https://10.1.2.3/v1", "10.1.2.3/32", true),
            ("https://10.1.2.3/v1", "10.1.2.3/33", false),
            ("https://10.1.2.3/v1", "3", false),
            ("https://10.1.2.3/v1", "10.0.0.0/8", true),
            ("https://11.1.2.3/v1", "10.0.0.0/8", false),
            ("https://[fd00::7]/v1", "fd00::/8", true),
            (API, "*", true),
            ("https://192.0.2.1/v1", "other,*", true),
        ] {
            let variables = [("HTTPS_PROXY", "http://proxy:1"), ("NO_PROXY", list)];
            leads(url, &variables, (!direct).then_some("proxy:1"));
        }
    }

    #[test]
    fn a_program_that_a_web_server_runs_does_not_heed_what_anyone_can_set() {
        let cgi = ("REQUEST_METHOD", "GET");
        leads("http://api.example.com/v1", &[("HTTP_PROXY", "http://evil:1"), cgi], None);
        leads("http://api.example.com/v1", &[("http_proxy", "http://good:1"), cgi], Some("good:1"));
    }

    #[test]
    fn what_cannot_be_used_is_an_error_that_names_its_place_and_keeps_its_secret() {
        for (value, part) in [
            ("socks5://me:hunter2@proxy:1080", "SOCKS"),
            ("ftp://me:hunter2@proxy", "expected http"),
            ("http://me:hunter2@", "expected http"),
            ("http://me:hunter2@proxy:99999999", "expected http"),
            ("http://[::1]:0", "expected http"),
            ("http://[hunter2]:80", "expected http"),
            ("http://proxy:+80", "expected http"),
            ("hunter2 hunter2", "expected http"),
            ("http://me:12#hunter2@proxy:3128", "percent-encoded"),
            ("http://me:1234/hunter2@proxy:3128", "percent-encoded"),
            ("http://me:hunter2@hunter2@proxy:3128", "percent-encoded"),
            ("http://me:hunter2%FF@proxy:3128", "percent-encoded"),
            ("http://me:hunter2%zz@proxy:3128", "percent-encoded"),
            ("http://me%3Ahunter2@proxy:3128", "percent-encoded"),
            ("http://proxy:3128/hunter2", "nothing after it"),
        ] {
            for name in ["HTTPS_PROXY", "all_proxy"] {
                let error = way(API, &[(name, value)]).unwrap_err();
                let shown = format!("{error} {error:?}");
                assert!(shown.contains(name) && shown.contains(part), "{value}: {shown}");
                assert!(!shown.contains("hunter2"), "{shown}");
            }
        }
    }

    #[cfg(unix)]
    #[test]
    fn what_is_not_text_is_an_error() {
        use std::os::unix::ffi::OsStringExt;
        let endpoint = Endpoint::new(API).unwrap();
        for broken in ["https_proxy", "NO_PROXY"] {
            let read = |name: &str| match name {
                _ if name == broken => Some(OsString::from_vec(vec![0xff])),
                "HTTPS_PROXY" => Some(OsString::from("http://proxy")),
                _ => None,
            };
            let error = from_environment(endpoint.target(Transport::Sse), read).err().unwrap();
            assert_eq!(error.to_string(), format!("{broken} is not usable: it is not text"));
        }
    }

    #[test]
    fn what_nobody_would_use_is_nobodys_concern() {
        let socks = ("ALL_PROXY", "socks5://127.0.0.1:7890");
        leads(API, &[socks, ("HTTPS_PROXY", "http://proxy:1")], Some("proxy:1"));
        leads(API, &[socks, ("NO_PROXY", "example.com")], None);
        leads("http://127.0.0.1:9/v1", &[socks], None);
        assert!(way(API, &[socks]).is_err());
    }

    #[test]
    fn user_names_and_passwords_are_decoded() {
        for (userinfo, expected) in [
            ("Aladdin:open%20sesame", "Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ=="),
            ("Aladdin", "Basic QWxhZGRpbjo="),
            ("a%40b:%2F%3F%23", "Basic YUBiOi8/Iw=="),
        ] {
            let proxy = Proxy::parse("x", &format!("http://{userinfo}@proxy")).unwrap();
            assert_eq!(proxy.authorization.unwrap(), expected, "{userinfo}");
        }
        assert_eq!(Proxy::parse("x", "http://@proxy").unwrap().authorization, None);
    }

    #[test]
    fn no_proxy_elsewhere_leads_back_to_this_machine() {
        let endpoint = Endpoint::new("http://127.0.0.1:9/v1").unwrap();
        let way = |choice: &ProxyChoice| {
            let proxies = Proxies::choose(choice, &endpoint).unwrap();
            assert!(!format!("{choice:?} {proxies:?}").contains("hunter2"));
            proxies.on_the_way_to(Transport::Sse).map(ToString::to_string)
        };
        let asked = |url: &str| ProxyChoice::Url(Secret(url.to_owned()));
        assert_eq!(way(&asked("http://me:hunter2@localhost:8")).as_deref(), Some("localhost:8"));
        assert_eq!(way(&asked("http://me:hunter2@proxy.example:8")), None);
        assert_eq!(way(&ProxyChoice::Direct), None);
    }
}
