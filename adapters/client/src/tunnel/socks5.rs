//! SOCKS5: a method (RFC 1928, section 3), a user name and a password if the proxy wants them (RFC 1929), and
//! the request (RFC 1928, sections 4 to 6).

use std::fmt;
use std::net::IpAddr;

use failback_wire::{Seen, bracketed};

use crate::lost::Lost;
use crate::proxy::{Credentials, MAX_SOCKS_PART};

use super::next::{Next, not_a_proxy};

const VERSION: u8 = 5;
/// The version of the exchange of user name and password, which differs from that of SOCKS.
const PASSWORD_VERSION: u8 = 1;
const NO_AUTHENTICATION: u8 = 0;
const PASSWORD: u8 = 2;
const NONE_ACCEPTABLE: u8 = 0xff;
const CONNECT: u8 = 1;
const SUCCEEDED: u8 = 0;
const IPV4: u8 = 1;
const NAME: u8 = 3;
const IPV6: u8 = 4;

/// The bytes of a reply that say how long it is: version, code, a reserved one, the kind of the address, its
/// first byte.
const REPLY_START: usize = 5;

/// Where a server is.
pub(super) enum Address {
    Ip(IpAddr),
    Name(String),
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Ip(ip) => f.write_str(&bracketed(&ip.to_string())),
            Self::Name(name) => f.write_str(name),
        }
    }
}

pub(super) struct Socks5 {
    address: Address,
    port: u16,
    credentials: Option<Credentials>,
    state: State,
    /// What has arrived of the answer that is being read.
    answer: Vec<u8>,
}

/// What is next: to send something, or to read the answer to it.
#[derive(Clone, Copy)]
enum State {
    Greet,
    Method,
    Authenticate,
    Admission,
    Ask,
    Reply,
    Open,
}

impl Socks5 {
    pub(super) fn new(address: Address, port: u16, credentials: Option<Credentials>) -> Self {
        Self { address, port, credentials, state: State::Greet, answer: Vec::new() }
    }

    pub(super) fn next(&mut self) -> Result<Next, Lost> {
        let (message, state) = match self.state {
            State::Greet => (self.greeting(), State::Method),
            State::Authenticate => (self.authentication()?, State::Admission),
            State::Ask => (self.request()?, State::Reply),
            State::Method | State::Admission | State::Reply => {
                return Ok(Next::Read { at_most: self.expected().saturating_sub(self.answer.len()).max(1) });
            }
            State::Open => return Ok(Next::Open),
        };
        self.state = state;
        Ok(Next::Write(message))
    }

    pub(super) fn handle_bytes(&mut self, bytes: &[u8]) -> Result<(), Lost> {
        for byte in bytes {
            if !matches!(self.state, State::Method | State::Admission | State::Reply) {
                return Err(not_a_proxy("it sent something that nobody asked for"));
            }
            self.answer.push(*byte);
            self.check()?;
            if self.answer.len() >= self.expected() {
                self.proceed()?;
                self.answer.clear();
            }
        }
        Ok(())
    }

    /// How many bytes the answer has, as far as the bytes so far tell.
    fn expected(&self) -> usize {
        if !matches!(self.state, State::Reply) {
            return 2;
        }
        match self.answer.get(3..) {
            Some([IPV4, ..]) => 10,
            Some([IPV6, ..]) => 22,
            Some([NAME, len, ..]) => usize::from(*len).saturating_add(7),
            _ => REPLY_START,
        }
    }

    /// Fails as soon as the bytes so far show a failure: a proxy that refuses may send no more than the
    /// beginning of its answer.
    fn check(&self) -> Result<(), Lost> {
        match (self.state, self.answer.as_slice()) {
            (State::Method | State::Reply, [b'H']) => {
                Err(not_a_proxy("it speaks HTTP, which needs http:// in the proxy's URL"))
            }
            (State::Method | State::Reply, [version]) if *version != VERSION => {
                Err(not_a_proxy(format!("it answered in version {version} of SOCKS instead of 5")))
            }
            (State::Reply, [_, reply]) if *reply != SUCCEEDED => {
                Err(Seen::SocksRefused { reply: *reply }.into())
            }
            (State::Reply, [_, _, _, kind]) if !matches!(*kind, IPV4 | NAME | IPV6) => {
                Err(not_a_proxy(format!("it answered with an address of the unknown kind {kind}")))
            }
            _ => Ok(()),
        }
    }

    /// The whole answer is there.
    fn proceed(&mut self) -> Result<(), Lost> {
        self.state = match (self.state, self.answer.as_slice()) {
            (State::Method, [_, NO_AUTHENTICATION]) => State::Ask,
            (State::Method, [_, PASSWORD]) if self.credentials.is_some() => State::Authenticate,
            (State::Method, [_, NONE_ACCEPTABLE]) if self.credentials.is_some() => {
                return Err(locked("it takes neither a user name and a password, nor none"));
            }
            // Some proxies choose the password although it was not offered.
            (State::Method, [_, NONE_ACCEPTABLE | PASSWORD]) => {
                return Err(locked("it wants a user name and a password, and its URL has none"));
            }
            (State::Method, [_, method]) => {
                let wanted = format!("it wants the kind {method} of authentication, which was not offered");
                return Err(not_a_proxy(wanted));
            }
            // The version is not checked: some proxies send a wrong one, and nothing depends on it.
            (State::Admission, [_, 0]) => State::Ask,
            (State::Admission, _) => return Err(locked("it refused the user name and the password")),
            (State::Reply, _) => State::Open,
            (state, _) => state,
        };
        Ok(())
    }

    fn greeting(&self) -> Vec<u8> {
        match self.credentials {
            None => vec![VERSION, 1, NO_AUTHENTICATION],
            Some(_) => vec![VERSION, 2, NO_AUTHENTICATION, PASSWORD],
        }
    }

    fn authentication(&self) -> Result<Vec<u8>, Lost> {
        let mut message = vec![PASSWORD_VERSION];
        if let Some(Credentials { user, password }) = &self.credentials {
            push_part(&mut message, user, "the user name")?;
            push_part(&mut message, password, "the password")?;
        }
        Ok(message)
    }

    fn request(&self) -> Result<Vec<u8>, Lost> {
        let mut message = vec![VERSION, CONNECT, 0];
        match &self.address {
            Address::Ip(IpAddr::V4(ip)) => {
                message.push(IPV4);
                message.extend_from_slice(&ip.octets());
            }
            Address::Ip(IpAddr::V6(ip)) => {
                message.push(IPV6);
                message.extend_from_slice(&ip.octets());
            }
            Address::Name(name) => {
                message.push(NAME);
                push_part(&mut message, name, "the name of the server")?;
            }
        }
        message.extend_from_slice(&self.port.to_be_bytes());
        Ok(message)
    }
}

/// Writes the length of a text in one byte, then the text.
fn push_part(message: &mut Vec<u8>, text: &str, what: &str) -> Result<(), Lost> {
    let Ok(len) = u8::try_from(text.len()) else {
        let detail = format!("{what} is longer than the {MAX_SOCKS_PART} bytes that SOCKS5 can carry");
        // A name of that length cannot be resolved anyhow, so the proxy is not to blame.
        return Err(Lost::new(Seen::Resolve, detail));
    };
    message.push(len);
    message.extend_from_slice(text.as_bytes());
    Ok(())
}

fn locked(detail: &str) -> Lost {
    Lost::new(Seen::ProxyAuthentication, detail)
}
