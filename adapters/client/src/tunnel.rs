//! The way through a proxy, as a machine without I/O.

mod connect;
mod next;
mod socks5;

use std::fmt::{self, Display};
use std::net::SocketAddr;

use failback_wire::{Seen, Target};

use crate::lost::Lost;
use crate::proxy::{Proxy, ProxyProtocol};
use connect::Connect;
use next::Next;
use socks5::{Address, Socks5};

/// Asks a proxy for a way to a server: by CONNECT (RFC 9110, section 9.3.6) or by SOCKS5 (RFC 1928 and RFC
/// 1929).
///
/// A machine without I/O. [`step`](Self::step) says what to do on the connection with the proxy. The adapter
/// answers with [`handle_bytes`](Self::handle_bytes) or [`handle_error`](Self::handle_error), and a call at
/// the wrong time changes nothing. It has no time limit of its own, and keeps no more than
/// [`MAX_HEADER_BYTES`](failback_wire::MAX_HEADER_BYTES).
///
/// ```
/// use failback::Transport;
/// use failback_client::{Proxy, Tunnel, TunnelStep};
/// use failback_wire::Endpoint;
///
/// let proxy = Proxy::parse("the proxy URL", "http://proxy.example:3128")?;
/// let endpoint = Endpoint::new("https://api.example.com/v1")?;
/// let mut tunnel = Tunnel::by_name(&proxy, endpoint.target(Transport::Sse));
/// let TunnelStep::Write(request) = tunnel.step() else { panic!("it asks first") };
/// assert!(request.starts_with(b"CONNECT api.example.com:443 HTTP/1.1\r\n"));
/// assert!(matches!(tunnel.step(), TunnelStep::Read { .. }));
/// tunnel.handle_bytes(b"HTTP/1.1 200 Connection established\r\n\r\n");
/// assert!(matches!(tunnel.step(), TunnelStep::Open));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[must_use = "a tunnel is not open until its steps are carried out"]
pub struct Tunnel {
    /// Host and port of the proxy, for people.
    proxy: String,
    state: State,
}

enum State {
    Connect(Connect),
    Socks5(Socks5),
    Open,
    Failed(Lost),
}

/// What to do next for a [`Tunnel`].
///
/// Exhaustive on purpose: an adapter must obey each of them. [`Write`](Self::Write) comes once; each of the
/// others comes again until the tunnel is told something.
///
/// `Debug` shows how many bytes are to be written, and not the bytes: there may be a password in them.
#[derive(Clone, PartialEq)]
#[must_use = "a step must be carried out"]
pub enum TunnelStep {
    /// Write all of this, flush it, and ask again. Call [`handle_error`](Tunnel::handle_error) if that fails.
    Write(Vec<u8>),
    /// Read once, and call [`handle_bytes`](Tunnel::handle_bytes) with what came, or
    /// [`handle_error`](Tunnel::handle_error).
    Read {
        /// How many bytes to read at most, never 0. Bytes beyond them may come from the server.
        at_most: usize,
    },
    /// The connection now leads to the server.
    Open,
    /// There is no way to the server: close the connection.
    Fail(Lost),
}

impl Tunnel {
    /// A tunnel to this server, whose name the proxy looks up.
    pub fn by_name(proxy: &Proxy, target: &Target) -> Self {
        let address = match target.host().parse() {
            Ok(ip) => Address::Ip(ip),
            Err(_) => Address::Name(target.host().to_owned()),
        };
        Self::new(proxy, address, target.port())
    }

    /// A tunnel to this address of a server, for a proxy that does not look names up: one for which
    /// [`Proxy::looks_names_up`] is false.
    pub fn by_address(proxy: &Proxy, address: SocketAddr) -> Self {
        Self::new(proxy, Address::Ip(address.ip()), address.port())
    }

    fn new(proxy: &Proxy, address: Address, port: u16) -> Self {
        let state = match proxy.protocol() {
            ProxyProtocol::Http | ProxyProtocol::Https => {
                State::Connect(Connect::new(&address.to_string(), port, proxy.credentials()))
            }
            ProxyProtocol::Socks5 | ProxyProtocol::Socks5h => {
                State::Socks5(Socks5::new(address, port, proxy.credentials().cloned()))
            }
        };
        Self { proxy: proxy.to_string(), state }
    }

    /// What to do next.
    pub fn step(&mut self) -> TunnelStep {
        let next = match &mut self.state {
            State::Connect(connect) => Ok(connect.next()),
            State::Socks5(socks5) => socks5.next(),
            State::Open => Ok(Next::Open),
            State::Failed(error) => return TunnelStep::Fail(error.clone()),
        };
        match next {
            Ok(Next::Write(bytes)) => TunnelStep::Write(bytes),
            Ok(Next::Read { at_most }) => TunnelStep::Read { at_most },
            Ok(Next::Open) => {
                self.state = State::Open;
                TunnelStep::Open
            }
            Err(lost) => TunnelStep::Fail(self.refuse(lost)),
        }
    }

    /// These bytes were read. None at all mean the end of the stream.
    pub fn handle_bytes(&mut self, bytes: &[u8]) {
        if bytes.is_empty() {
            return self.handle_error("it closed the connection instead of answering");
        }
        let taken = match &mut self.state {
            State::Connect(connect) => connect.handle_bytes(bytes),
            State::Socks5(socks5) => socks5.handle_bytes(bytes),
            State::Open | State::Failed(_) => Ok(()),
        };
        if let Err(lost) = taken {
            self.refuse(lost);
        }
    }

    /// Reading or writing has failed with this error.
    pub fn handle_error(&mut self, error: impl Display) {
        if matches!(self.state, State::Connect(_) | State::Socks5(_)) {
            let detail = format!("no way through the proxy {}: {error}", self.proxy);
            self.state = State::Failed(Lost::new(Seen::Connect, detail));
        }
    }

    /// There is no way through the proxy. Names the proxy in the error.
    fn refuse(&mut self, lost: Lost) -> Lost {
        let proxy = &self.proxy;
        let is_locked = matches!(lost, Lost::Seen(Seen::ProxyAuthentication, _));
        let error = lost.explained(|said| match said {
            "" => proxy.clone(),
            // The sentence for this says already that the proxy refused.
            said if is_locked => format!("{proxy}: {said}"),
            said => format!("no way through the proxy {proxy}: {said}"),
        });
        self.state = State::Failed(error.clone());
        error
    }
}

impl fmt::Debug for Tunnel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let state = match self.state {
            State::Connect(_) => "CONNECT",
            State::Socks5(_) => "SOCKS5",
            State::Open => "open",
            State::Failed(_) => "failed",
        };
        f.debug_struct("Tunnel").field("proxy", &self.proxy).field("state", &state).finish()
    }
}

impl fmt::Debug for TunnelStep {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Write(bytes) => write!(f, "Write({} bytes)", bytes.len()),
            Self::Read { at_most } => f.debug_struct("Read").field("at_most", at_most).finish(),
            Self::Open => f.write_str("Open"),
            Self::Fail(error) => f.debug_tuple("Fail").field(error).finish(),
        }
    }
}
