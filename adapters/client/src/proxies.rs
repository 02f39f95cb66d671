use std::env;
use std::ffi::OsString;
use std::fmt;
use std::net::IpAddr;
use std::sync::Arc;

use failback::Transport;
use failback_wire::{Endpoint, Target};

use crate::proxy::{Proxy, ProxyError};

/// Which proxy a client is to use. Exhaustive on purpose.
#[derive(Clone, Default, PartialEq, Eq)]
pub enum ProxyChoice {
    /// The one that the environment names: `https_proxy` or `http_proxy`, by the scheme of the server's URL,
    /// else `all_proxy`; each in lower case, or else in capitals, and one that is empty is not set.
    /// `HTTP_PROXY` does not count in a program that a web server runs (`REQUEST_METHOD` is set), where
    /// anyone may set it. None for hosts that `no_proxy` lists, and none for a server on this machine. This
    /// is the default.
    #[default]
    Environment,
    /// None.
    Direct,
    /// The one at this URL, as [`Proxy::parse`] reads it. `Debug` does not show it.
    Url(String),
}

impl fmt::Debug for ProxyChoice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Environment => "Environment",
            Self::Direct => "Direct",
            Self::Url(_) => "Url(…)",
        })
    }
}

/// Why a transport goes through the proxy that it goes through, or through none. `Display` says it to people.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ProxyReason {
    /// The proxy was given to the client.
    Given,
    /// This variable of the environment names the proxy.
    Variable(&'static str),
    /// No variable of the environment names one.
    NotSet,
    /// The client was told to use none.
    Direct,
    /// The list of hosts to reach without a proxy, which was given to the client, has this one.
    Listed,
    /// The same list in this variable of the environment has it.
    ListedIn(&'static str),
    /// The server is on this machine, and the proxy is not, or would be the environment's.
    Loopback,
}

impl fmt::Display for ProxyReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Given => f.write_str("it was given"),
            Self::Variable(name) => write!(f, "{name} names it"),
            Self::NotSet => f.write_str("no variable of the environment names one"),
            Self::Direct => f.write_str("none is to be used"),
            Self::Listed => f.write_str("the list that was given has this host"),
            Self::ListedIn(name) => write!(f, "{name} lists this host"),
            Self::Loopback => f.write_str("the server is on this machine"),
        }
    }
}

/// The proxies on the way to each transport.
#[derive(Clone)]
pub struct Proxies {
    websocket: Way,
    sse: Way,
}

/// The proxy on the way of one transport, if there is one, and why.
#[derive(Clone)]
struct Way {
    proxy: Option<Arc<Proxy>>,
    why: ProxyReason,
}

impl Proxies {
    /// Finds the proxies on the way to this endpoint. There is none to hosts that `except` lists, which takes
    /// the place of the environment's `no_proxy`. A server on this machine is reached through a proxy only if
    /// the proxy is on this machine too, and was given.
    ///
    /// # Errors
    ///
    /// [`ProxyError`] when the chosen proxy cannot be used. A proxy that is not on the way is not looked at.
    pub fn choose(
        choice: &ProxyChoice,
        except: Option<&str>,
        endpoint: &Endpoint,
    ) -> Result<Self, ProxyError> {
        let is_replaced = |name: &str| except.is_some() && name.eq_ignore_ascii_case("no_proxy");
        let read = |name: &str| env::var_os(name).filter(|_| !is_replaced(name));
        let find = |transport| {
            let target = endpoint.target(transport);
            let (found, why) = match choice {
                _ if except.is_some_and(|list| is_listed(target, list)) => (None, ProxyReason::Listed),
                ProxyChoice::Direct => (None, ProxyReason::Direct),
                ProxyChoice::Url(url) => (Some(Proxy::parse("the proxy URL", url)?), ProxyReason::Given),
                ProxyChoice::Environment => from_environment(target, read)?,
            };
            Ok(match found {
                // From a proxy on another machine, `localhost` would be that machine.
                Some(proxy) if target.is_loopback() && !proxy.is_loopback() => {
                    Way { proxy: None, why: ProxyReason::Loopback }
                }
                found => Way { proxy: found.map(Arc::new), why },
            })
        };
        Ok(Self { websocket: find(Transport::WebSocket)?, sse: find(Transport::Sse)? })
    }

    /// The proxy on the way of this transport, if there is one.
    #[must_use]
    pub fn on_the_way_to(&self, transport: Transport) -> Option<&Proxy> {
        self.way(transport).proxy.as_deref()
    }

    /// Why it is that proxy, or none.
    #[must_use]
    pub const fn reason(&self, transport: Transport) -> ProxyReason {
        self.way(transport).why
    }

    const fn way(&self, transport: Transport) -> &Way {
        match transport {
            Transport::WebSocket => &self.websocket,
            Transport::Sse => &self.sse,
        }
    }

    /// Names the proxy on the way of this transport for people, if there is one.
    #[must_use]
    pub fn told_of(&self, transport: Transport) -> Option<String> {
        self.on_the_way_to(transport).map(|proxy| format!("through the proxy {proxy}"))
    }

    /// Whether a proxy on the way is spoken to over TLS.
    #[must_use]
    pub fn need_tls(&self) -> bool {
        [&self.websocket, &self.sse]
            .into_iter()
            .filter_map(|way| way.proxy.as_ref())
            .any(|proxy| proxy.is_tls())
    }
}

impl fmt::Debug for Proxies {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let shown = |way: &Way| way.proxy.as_ref().map(ToString::to_string);
        f.debug_struct("Proxies")
            .field("websocket", &shown(&self.websocket))
            .field("sse", &shown(&self.sse))
            .finish()
    }
}

/// The proxy that the environment names for this target. `https_proxy` is for encrypted targets, `http_proxy`
/// for others, and `all_proxy` for both if those are not set. There is none for hosts that `no_proxy` lists.
/// Lower case comes before capitals, and an empty variable is not set.
fn from_environment(
    target: &Target,
    read: impl Fn(&str) -> Option<OsString>,
) -> Result<(Option<Proxy>, ProxyReason), ProxyError> {
    if target.is_loopback() {
        return Ok((None, ProxyReason::Loopback));
    }
    // A web server that runs a program (CGI) sets `HTTP_PROXY` from a header that anyone can send.
    let is_run_by_server = read("REQUEST_METHOD").is_some();
    let first = |names: &[&'static str]| {
        for name in names.iter().copied().filter(|name| !(is_run_by_server && *name == "HTTP_PROXY")) {
            let Some(value) = read(name) else { continue };
            let value = value.into_string().map_err(|_| ProxyError::not_text(name))?;
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
    let Some((name, url)) = first(names)? else { return Ok((None, ProxyReason::NotSet)) };
    match first(&["no_proxy", "NO_PROXY"])? {
        Some((place, list)) if is_listed(target, &list) => Ok((None, ProxyReason::ListedIn(place))),
        _ => Ok((Some(Proxy::parse(name, &url)?), ProxyReason::Variable(name))),
    }
}

/// Whether this target is in a list of names, addresses and networks. An entry with a port is for that port
/// alone.
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

/// Splits an entry into its host, without brackets around an IPv6 address, and its port.
fn split_port(entry: &str) -> (&str, Option<u16>) {
    let parsed = |port: &str| port.strip_prefix(':').and_then(|port| port.parse().ok());
    if let Some((address, rest)) = entry.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
        // `[fd00::]/8` and `[fd00::7]:443`
        return if rest.starts_with('/') { (entry, None) } else { (address, parsed(rest)) };
    }
    match entry.find(':') {
        // More than one colon: an IPv6 address.
        Some(colon) if entry.rfind(':') == Some(colon) => {
            let (host, port) = entry.split_at(colon);
            (host, parsed(port))
        }
        _ => (entry, None),
    }
}

/// Whether an entry is this host or a domain above it. `example.com`, `.example.com` and `*.example.com` mean
/// the same, with or without a dot at the end.
fn has_name(entry: &str, host: &str) -> bool {
    let domain = entry.strip_prefix('*').unwrap_or(entry);
    let domain = domain.strip_prefix('.').unwrap_or(domain);
    let domain = domain.strip_suffix('.').unwrap_or(domain).to_ascii_lowercase();
    let above = host.strip_suffix(domain.as_str());
    !domain.is_empty() && above.is_some_and(|above| above.is_empty() || above.ends_with('.'))
}

/// Whether an entry is this address or has it in it: `10.1.2.3`, `10.0.0.0/8`, `fd00::/8`, or the beginning
/// of an IPv4 address up to a dot, as in `10.1.2.` and `10.1.2.*`.
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

#[cfg(test)]
mod tests {
    use super::*;

    /// Where a client of this URL goes, by these variables.
    fn way(url: &str, variables: &[(&str, &str)]) -> Result<[Option<String>; 2], ProxyError> {
        let read = |name: &str| variables.iter().find(|(n, _)| *n == name).map(|(_, v)| OsString::from(v));
        let endpoint = Endpoint::new(url).unwrap();
        let find = |transport| {
            let (found, _) = from_environment(endpoint.target(transport), read)?;
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
        leads(API, &[("ALL_PROXY", "socks5h://any"), ("NO_PROXY", "10.0.0.0/8")], Some("any:1080"));
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
    fn what_cannot_be_used_is_an_error_that_names_its_place() {
        for name in ["HTTPS_PROXY", "all_proxy"] {
            let error = way(API, &[(name, "socks4://me:hunter2@proxy:1080")]).unwrap_err();
            let shown = format!("{error} {error:?}");
            assert!(shown.contains(name) && !shown.contains("hunter2"), "{shown}");
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
        let socks = ("ALL_PROXY", "socks4://127.0.0.1:7890");
        leads(API, &[socks, ("HTTPS_PROXY", "http://proxy:1")], Some("proxy:1"));
        leads(API, &[socks, ("NO_PROXY", "example.com")], None);
        leads("http://127.0.0.1:9/v1", &[socks], None);
        assert!(way(API, &[socks]).is_err());
    }

    #[test]
    fn no_proxy_elsewhere_leads_back_to_this_machine() {
        let endpoint = Endpoint::new("http://127.0.0.1:9/v1").unwrap();
        let way = |choice: &ProxyChoice| {
            let proxies = Proxies::choose(choice, None, &endpoint).unwrap();
            assert!(!format!("{choice:?} {proxies:?}").contains("hunter2"));
            proxies.on_the_way_to(Transport::Sse).map(ToString::to_string)
        };
        let asked = |url: &str| ProxyChoice::Url(url.to_owned());
        assert_eq!(way(&asked("http://me:hunter2@localhost:8")).as_deref(), Some("localhost:8"));
        assert_eq!(way(&asked("http://me:hunter2@proxy.example:8")), None);
        assert_eq!(way(&ProxyChoice::Direct), None);
    }

    #[test]
    fn a_list_of_ones_own_holds_for_a_proxy_that_is_set_too() {
        let endpoint = Endpoint::new(API).unwrap();
        let endpoint = endpoint.with_websocket("wss://other.example.org/v1").unwrap();
        let way = |except, transport| {
            let choice = ProxyChoice::Url("http://proxy:1".to_owned());
            let proxies = Proxies::choose(&choice, except, &endpoint).unwrap();
            proxies.on_the_way_to(transport).map(ToString::to_string)
        };
        let (websocket, sse) = (Transport::WebSocket, Transport::Sse);
        assert_eq!(way(Some("example.com"), sse), None);
        assert_eq!(way(Some("example.com"), websocket).as_deref(), Some("proxy:1"));
        assert_eq!([way(Some("*"), sse), way(Some("*"), websocket)], [None, None]);
        assert_eq!(way(Some(""), sse).as_deref(), Some("proxy:1"));
        // A proxy that is not on the way is not looked at.
        let broken = ProxyChoice::Url("ftp://proxy".to_owned());
        assert!(Proxies::choose(&broken, Some("*"), &endpoint).is_ok());
        assert!(Proxies::choose(&broken, Some("example.com"), &endpoint).is_err());
    }
}
