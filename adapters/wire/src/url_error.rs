use core::fmt;

use crate::text::excerpt;

/// Why a URL was refused. It shows no user name, no password and no query.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UrlError {
    problem: Problem,
    shown: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Problem {
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
    pub(crate) fn new(url: &str, problem: Problem) -> Self {
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
