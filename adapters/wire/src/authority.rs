//! A host and a port as URLs have them.

use std::borrow::Cow;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use crate::url_error::Problem;

/// Writes a host as a URL has it, with brackets around an IPv6 address.
#[must_use]
pub fn bracketed(host: &str) -> Cow<'_, str> {
    if host.contains(':') { format!("[{host}]").into() } else { host.into() }
}

/// Reads a host, and the port after it if there is one. The host is returned in lower case and without
/// brackets. `None` if this is anything else.
#[must_use]
pub fn host_and_port(authority: &str) -> Option<(String, Option<u16>)> {
    split_port(authority).ok()
}

/// Whether a host is this machine: `localhost`, 127.0.0.0/8 or `::1`.
#[must_use]
pub fn is_loopback(host: &str) -> bool {
    let host = host.strip_suffix('.').unwrap_or(host);
    host.eq_ignore_ascii_case("localhost")
        || host.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
}

/// As [`host_and_port`], but says what is wrong.
pub(crate) fn split_port(authority: &str) -> Result<(String, Option<u16>), Problem> {
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
    // Some resolvers take a name whose last part is a number for an address, and others do not.
    let last = host.strip_suffix('.').unwrap_or(host).rsplit('.').next().unwrap_or_default();
    let looks_numeric = last.bytes().all(|byte| byte.is_ascii_digit());
    if !is_name || host.starts_with('.') || (looks_numeric && host.parse::<Ipv4Addr>().is_err()) {
        return Err(Problem::Host);
    }
    Ok(host.to_ascii_lowercase())
}
