use std::fmt;

use base64::prelude::{BASE64_STANDARD, Engine as _};
use failback_wire::bracketed;

/// The port of a SOCKS proxy whose URL has none (RFC 1928, section 3).
const SOCKS_PORT: u16 = 1080;

/// The most bytes that a user name, a password or a host name may have in SOCKS5, where one byte says how
/// many follow.
pub(crate) const MAX_SOCKS_PART: usize = 255;

/// A proxy: where it is, its protocol, and the credentials for it.
///
/// `Display` shows its host and port, and `Debug` the protocol too. Neither shows the user name or the
/// password.
///
/// ```
/// use failback_client::{Proxy, ProxyProtocol};
///
/// let proxy = Proxy::parse("the proxy URL", "socks5h://me:open%20sesame@proxy.example")?;
/// assert_eq!(proxy.protocol(), ProxyProtocol::Socks5h);
/// assert_eq!(proxy.to_string(), "proxy.example:1080");
/// # Ok::<(), failback_client::ProxyError>(())
/// ```
#[derive(Clone, PartialEq, Eq)]
pub struct Proxy {
    protocol: ProxyProtocol,
    host: String,
    port: u16,
    credentials: Option<Credentials>,
}

/// The protocol of a proxy. Exhaustive on purpose.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ProxyProtocol {
    /// `http://`: CONNECT, in plain text.
    Http,
    /// `https://`: CONNECT, under TLS.
    Https,
    /// `socks5://`: SOCKS5, and this machine looks the server's name up.
    Socks5,
    /// `socks5h://`: SOCKS5, and the proxy looks the server's name up.
    Socks5h,
}

impl ProxyProtocol {
    /// The port of a proxy whose URL has none.
    const fn default_port(self) -> u16 {
        match self {
            Self::Http => 80,
            Self::Https => 443,
            Self::Socks5 | Self::Socks5h => SOCKS_PORT,
        }
    }
}

/// The credentials for a proxy, decoded. No text shows them.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Credentials {
    pub(crate) user: String,
    pub(crate) password: String,
}

impl Proxy {
    /// Reads `http://`, `https://`, `socks5://` or `socks5h://`, then `host:port`, with `user:password@`
    /// before the host or without. `http` when there is no scheme. Without a port it is 80, 443 or, for
    /// SOCKS, 1080.
    ///
    /// `place` is where the URL was found, for the error.
    ///
    /// # Errors
    ///
    /// [`ProxyError`] when the URL is not one of those, has a path or a query, or has a user name or a
    /// password that does not decode to text or that the protocol cannot carry.
    pub fn parse(place: &'static str, url: &str) -> Result<Self, ProxyError> {
        let error = |problem| ProxyError { place, problem };
        let (scheme, rest) = url.trim().split_once("://").unwrap_or(("http", url.trim()));
        let scheme = scheme.to_ascii_lowercase();
        let protocol = match scheme.as_str() {
            "http" => ProxyProtocol::Http,
            "https" => ProxyProtocol::Https,
            "socks5" => ProxyProtocol::Socks5,
            "socks5h" => ProxyProtocol::Socks5h,
            _ if scheme.starts_with("socks") => return Err(error(Problem::OtherSocks)),
            _ => return Err(error(Problem::Url)),
        };
        let (authority, path) = rest.split_at(rest.find(['/', '?', '#']).unwrap_or(rest.len()));
        if !matches!(path, "" | "/") {
            return Err(error(Problem::Encoding));
        }
        let (userinfo, host_and_port) = match authority.rsplit_once('@') {
            Some((userinfo, _)) if userinfo.contains('@') => return Err(error(Problem::Encoding)),
            Some((userinfo, host_and_port)) => (userinfo, host_and_port),
            None => ("", authority),
        };
        let (host, port) = failback_wire::host_and_port(host_and_port).ok_or_else(|| error(Problem::Url))?;
        let port = port.unwrap_or(protocol.default_port());
        let credentials = match userinfo {
            "" => None,
            userinfo => {
                let credentials = Credentials::parse(userinfo).ok_or_else(|| error(Problem::Encoding))?;
                credentials.check(protocol).map_err(error)?;
                Some(credentials)
            }
        };
        Ok(Self { protocol, host, port, credentials })
    }

    /// Its protocol.
    #[must_use]
    pub const fn protocol(&self) -> ProxyProtocol {
        self.protocol
    }

    /// The name or address to connect to, without the brackets of an IPv6 address.
    #[must_use]
    pub fn host(&self) -> &str {
        &self.host
    }

    /// The port to connect to.
    #[must_use]
    pub const fn port(&self) -> u16 {
        self.port
    }

    /// Whether the connection to it is encrypted.
    #[must_use]
    pub const fn is_tls(&self) -> bool {
        matches!(self.protocol, ProxyProtocol::Https)
    }

    /// Whether the proxy looks the server's name up. If not, give the tunnel an address:
    /// [`Tunnel::by_address`](crate::Tunnel::by_address).
    #[must_use]
    pub const fn looks_names_up(&self) -> bool {
        !matches!(self.protocol, ProxyProtocol::Socks5)
    }

    /// Whether it is on this machine.
    #[must_use]
    pub fn is_loopback(&self) -> bool {
        failback_wire::is_loopback(&self.host)
    }

    pub(crate) const fn credentials(&self) -> Option<&Credentials> {
        self.credentials.as_ref()
    }
}

impl fmt::Display for Proxy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", bracketed(&self.host), self.port)
    }
}

impl fmt::Debug for Proxy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Proxy({:?}, {self})", self.protocol)
    }
}

impl Credentials {
    /// Reads a user name and, after the first colon, a password. Both are percent-encoded.
    fn parse(userinfo: &str) -> Option<Self> {
        let (user, password) = userinfo.split_once(':').unwrap_or((userinfo, ""));
        Some(Self { user: percent_decoded(user)?, password: percent_decoded(password)? })
    }

    /// Whether the protocol can carry them.
    fn check(&self, protocol: ProxyProtocol) -> Result<(), Problem> {
        match protocol {
            // RFC 7617: the first colon ends the user name.
            ProxyProtocol::Http | ProxyProtocol::Https if self.user.contains(':') => Err(Problem::Encoding),
            ProxyProtocol::Socks5 | ProxyProtocol::Socks5h
                if self.user.len().max(self.password.len()) > MAX_SOCKS_PART =>
            {
                Err(Problem::TooLong)
            }
            _ => Ok(()),
        }
    }

    /// The value of the HTTP header that carries them (RFC 7617).
    pub(crate) fn basic(&self) -> String {
        format!("Basic {}", BASE64_STANDARD.encode(format!("{}:{}", self.user, self.password)))
    }
}

/// Decodes percent-encoding. `None` if an escape is not valid, or if the result is not text.
fn percent_decoded(part: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(part.len());
    let mut rest = part.bytes();
    while let Some(byte) = rest.next() {
        let mut digit = || rest.next().and_then(|byte| char::from(byte).to_digit(16));
        bytes.push(match byte {
            b'%' => u8::try_from(digit()? * 16 + digit()?).ok()?,
            _ => byte,
        });
    }
    String::from_utf8(bytes).ok()
}

/// A proxy is set that cannot be used. The error names where it is set, not its URL, which may hold a
/// password.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProxyError {
    place: &'static str,
    problem: Problem,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Problem {
    Url,
    OtherSocks,
    Encoding,
    TooLong,
    Text,
}

impl ProxyError {
    /// The variable at this place is not text.
    pub(crate) const fn not_text(place: &'static str) -> Self {
        Self { place, problem: Problem::Text }
    }
}

impl fmt::Display for ProxyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let problem = match self.problem {
            Problem::Url => "expected http://host:port, https://, socks5:// or socks5h://",
            Problem::OtherSocks => {
                "of SOCKS only version 5 is spoken: expected socks5://host:port or socks5h://"
            }
            Problem::Encoding => {
                "expected http://user:password@host:port and nothing after it, with all but letters, digits and \
                 `-._~` in the user name and the password percent-encoded"
            }
            Problem::TooLong => "SOCKS5 carries user names and passwords of at most 255 bytes each",
            Problem::Text => "it is not text",
        };
        write!(f, "{} is not usable: {problem}", self.place)
    }
}

impl std::error::Error for ProxyError {}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(url: &str) -> Result<Proxy, ProxyError> {
        Proxy::parse("ALL_PROXY", url)
    }

    #[test]
    fn each_protocol_has_its_port() {
        for (url, protocol, shown) in [
            ("http://proxy", ProxyProtocol::Http, "proxy:80"),
            ("proxy:3128", ProxyProtocol::Http, "proxy:3128"),
            ("https://[::1]/", ProxyProtocol::Https, "[::1]:443"),
            ("socks5://proxy", ProxyProtocol::Socks5, "proxy:1080"),
            ("socks5://proxy:/", ProxyProtocol::Socks5, "proxy:1080"),
            ("SOCKS5H://Proxy.example:80", ProxyProtocol::Socks5h, "proxy.example:80"),
            ("socks5h://[fd00::7]", ProxyProtocol::Socks5h, "[fd00::7]:1080"),
            ("socks5://[fd00::7]:9", ProxyProtocol::Socks5, "[fd00::7]:9"),
            (" socks5://127.0.0.1 ", ProxyProtocol::Socks5, "127.0.0.1:1080"),
        ] {
            let proxy = parse(url).expect(url);
            assert_eq!((proxy.protocol(), proxy.to_string().as_str()), (protocol, shown), "{url}");
        }
        assert!(parse("socks5://127.0.0.1").unwrap().is_loopback());
        assert!(!parse("socks5://proxy").unwrap().is_loopback());
    }

    #[test]
    fn only_socks5_leaves_the_name_to_this_machine() {
        for (url, looks_names_up) in
            [("http://p", true), ("https://p", true), ("socks5://p", false), ("socks5h://p", true)]
        {
            assert_eq!(parse(url).unwrap().looks_names_up(), looks_names_up, "{url}");
        }
    }

    #[test]
    fn user_names_and_passwords_are_decoded() {
        for (userinfo, basic) in [
            ("Aladdin:open%20sesame", "Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ=="),
            ("Aladdin", "Basic QWxhZGRpbjo="),
            ("a%40b:%2F%3F%23", "Basic YUBiOi8/Iw=="),
        ] {
            let proxy = parse(&format!("http://{userinfo}@proxy")).unwrap();
            assert_eq!(proxy.credentials().unwrap().basic(), basic, "{userinfo}");
        }
        let proxy = parse("socks5://a%3Ab:c:%C3%A9@proxy").unwrap();
        let credentials = proxy.credentials().unwrap();
        assert_eq!((credentials.user.as_str(), credentials.password.as_str()), ("a:b", "c:é"));
        assert!(parse("socks5://@proxy").unwrap().credentials().is_none());
        let longest = "x".repeat(255);
        assert!(parse(&format!("socks5://{longest}:{longest}@proxy")).is_ok());
    }

    #[test]
    fn what_cannot_be_used_is_named_and_not_shown() {
        let long = format!("socks5h://hunter2:hunter2{}@proxy", "x".repeat(249));
        for (url, part) in [
            ("socks4://me:hunter2@proxy", "only version 5"),
            ("socks4a://me:hunter2@proxy", "only version 5"),
            ("socks://me:hunter2@proxy", "only version 5"),
            ("ftp://me:hunter2@proxy", "expected http://host:port"),
            ("http://me:hunter2@", "expected http://host:port"),
            ("http://me:hunter2@proxy:99999999", "expected http://host:port"),
            ("http://[::1]:0", "expected http://host:port"),
            ("http://[hunter2]:80", "expected http://host:port"),
            ("http://proxy:+80", "expected http://host:port"),
            ("hunter2 hunter2", "expected http://host:port"),
            ("http://me:1234/hunter2@proxy:3128", "percent-encoded"),
            ("http://proxy:3128/hunter2", "nothing after it"),
            ("socks5://", "expected http://host:port"),
            ("socks5://me:hunter2@", "expected http://host:port"),
            ("socks5://me:hunter2@:1080", "expected http://host:port"),
            ("socks5://me:hunter2@proxy:0", "expected http://host:port"),
            ("socks5://me:hunter2@proxy:65536", "expected http://host:port"),
            ("socks5://me:hunter2@[::1", "expected http://host:port"),
            ("socks5://me:hunter2@[::1]x", "expected http://host:port"),
            ("socks5://me:hunter2@::1", "expected http://host:port"),
            ("socks5://me:hunter2@proxy/path", "nothing after it"),
            ("socks5://me:hunter2@proxy?x", "nothing after it"),
            ("socks5://me:hunter2#@proxy", "percent-encoded"),
            ("socks5://me@hunter2@proxy", "percent-encoded"),
            ("socks5://me:hunter2%@proxy", "percent-encoded"),
            ("socks5://me:hunter2%zz@proxy", "percent-encoded"),
            ("socks5://me:hunter2%ff@proxy", "percent-encoded"),
            ("http://m%3Ae:hunter2@proxy", "percent-encoded"),
            (&long, "at most 255 bytes"),
        ] {
            let error = parse(url).expect_err(url);
            let shown = format!("{error} {error:?}");
            assert!(shown.starts_with("ALL_PROXY is not usable: ") && shown.contains(part), "{url}: {shown}");
            assert!(!shown.contains("hunter2"), "{url}: {shown}");
        }
    }

    #[test]
    fn no_text_shows_a_credential() {
        for scheme in ["http", "https", "socks5", "socks5h"] {
            let proxy = parse(&format!("{scheme}://aladdin:hunter2@proxy:8")).unwrap();
            let shown = format!("{proxy} {proxy:?} {proxy:#?}");
            assert!(shown.contains("proxy:8"), "{shown}");
            assert!(!shown.contains("aladdin") && !shown.contains("hunter2"), "{shown}");
        }
    }
}
