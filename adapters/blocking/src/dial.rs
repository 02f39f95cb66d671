//! One network path for both transports: name look-up, addresses, TCP, proxy, TLS. If the paths differed,
//! success over SSE would be no evidence against WebSocket.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;

use failback::Transport;
use failback_client::{Lost, Proxy, Tunnel, tls};
use failback_wire::{Seen, Target};
use rustls::pki_types::ServerName;
use rustls::{ClientConfig, ClientConnection};

use crate::bell::Bell;
use crate::connect::{connect_any, no_address};
use crate::deadline::Deadline;
use crate::halt::Halt;
use crate::io::Io;
use crate::milestone::{Milestone, Step, Told};
use crate::network::Network;
use crate::tunnel;

/// Opens a connection to the target of this transport, through the proxy on the way if there is one. The
/// connection is attached to `bell`. `told` hears how far it has come.
pub(crate) fn dial(
    network: &Arc<Network>,
    transport: Transport,
    bell: &Arc<Bell>,
    deadline: &Deadline,
    told: Told<'_>,
) -> Result<Io, Halt> {
    let target = network.endpoint.target(transport);
    let dial = Dial { network, bell, deadline, told };
    let io = match network.proxies.on_the_way_to(transport) {
        None => dial.connect(target.host(), target.port()),
        Some(proxy) if proxy.looks_names_up() => dial.through(proxy, Tunnel::by_name(proxy, target)),
        Some(proxy) => dial.through_by_address(proxy, target),
    };
    let io = io.map_err(|halt| match (halt, network.proxies.told_of(transport)) {
        (Halt::Lost(Lost::Seen(Seen::ConnectTimeout, None)), Some(proxy)) => {
            Halt::new(Seen::ConnectTimeout, proxy)
        }
        (halt, _) => halt,
    })?;
    if !target.is_tls() {
        return Ok(io);
    }
    let encrypted = dial.encrypt(Step::Tls, io, target.host(), &network.tls, tls::seen);
    encrypted.map_err(|halt| match network.proxies.told_of(transport) {
        // Some proxies decrypt what goes through them, and show a certificate of their own.
        Some(proxy) => {
            halt.explained(|said| if said.is_empty() { proxy } else { format!("{said}, {proxy}") })
        }
        None => halt,
    })
}

/// A connection that is being opened.
struct Dial<'a> {
    network: &'a Arc<Network>,
    bell: &'a Arc<Bell>,
    deadline: &'a Deadline,
    told: Told<'a>,
}

impl Dial<'_> {
    fn connect(&self, host: &str, port: u16) -> Result<Io, Halt> {
        let addresses = self.resolve(host, port)?;
        (self.told)(Milestone::Begun(Step::Connect));
        let socket = connect_any(self.network, host, addresses, self.bell, self.deadline)?;
        if let Ok(address) = socket.peer_addr() {
            (self.told)(Milestone::Connected(address));
        }
        Ok(Io::plain(socket))
    }

    /// Connects to this proxy, and opens this tunnel through it.
    fn through(&self, proxy: &Proxy, tunnel: Tunnel) -> Result<Io, Halt> {
        let explain = |halt: Halt| halt.explained(|said| format!("on the way to the proxy {proxy}: {said}"));
        let mut io = self.connect(proxy.host(), proxy.port()).map_err(explain)?;
        if proxy.is_tls() {
            let tls = &self.network.proxy_tls;
            io = self.encrypt(Step::ProxyTls, io, proxy.host(), tls, tls::seen_of_proxy).map_err(explain)?;
        }
        (self.told)(Milestone::Begun(Step::Tunnel));
        let io = tunnel::open(io, tunnel, self.bell, self.deadline)?;
        (self.told)(Milestone::Done(Step::Tunnel));
        Ok(io)
    }

    /// Opens a tunnel to one address of the target after another, until the proxy can reach one. For a proxy
    /// that does not look names up.
    fn through_by_address(&self, proxy: &Proxy, target: &Target) -> Result<Io, Halt> {
        let (mut failed, mut refused) = (no_address(), Vec::new());
        for address in self.resolve(target.host(), target.port())? {
            match self.through(proxy, Tunnel::by_address(proxy, address)) {
                // The proxy says that it cannot reach this address.
                Err(Halt::Lost(lost @ Lost::Seen(Seen::SocksRefused { reply: 3..=6 | 8 }, _))) => {
                    failed = lost.into();
                    refused.push(address);
                }
                tried => {
                    let answered = tried.is_ok().then_some(address);
                    self.network.addresses.handle_tried(target.host(), answered, refused);
                    return tried;
                }
            }
        }
        self.network.addresses.handle_tried(target.host(), None, refused);
        Err(failed)
    }

    /// The addresses of a host, in the order in which they are to be tried.
    fn resolve(&self, host: &str, port: u16) -> Result<Vec<SocketAddr>, Halt> {
        (self.told)(Milestone::Begun(Step::LookUp));
        let resolved = match self.network.resolve_at_once(host, port) {
            Some(addresses) => addresses,
            None => resolve(self.network, host, port, self.bell, self.deadline)?,
        };
        let sorted = self.network.addresses.sort(host, resolved);
        (self.told)(Milestone::Found(&sorted));
        Ok(sorted)
    }

    fn encrypt(
        &self,
        step: Step,
        io: Io,
        host: &str,
        tls: &Arc<ClientConfig>,
        seen: impl Fn(&io::Error) -> Seen<'static>,
    ) -> Result<Io, Halt> {
        (self.told)(Milestone::Begun(step));
        let failed = |error: io::Error| Halt::new(seen(&error), format_args!("{host}: {error}"));
        let name = ServerName::try_from(host.to_owned()).map_err(|error| failed(io::Error::other(error)))?;
        let session = ClientConnection::new(Arc::clone(tls), name);
        let mut io = Io::tls(session.map_err(|error| failed(io::Error::other(error)))?, io);
        self.deadline.limit(self.bell, &Seen::ConnectTimeout, || io.shake_hands())?.map_err(failed)?;
        (self.told)(Milestone::Encrypted(step, io.tls_version()));
        Ok(io)
    }
}

/// Looks a name up in a thread of its own, as a look-up has no time limit and cannot be interrupted.
fn resolve(
    network: &Arc<Network>,
    host: &str,
    port: u16,
    bell: &Bell,
    deadline: &Deadline,
) -> Result<Vec<SocketAddr>, Halt> {
    let failed = |error: io::Error| Halt::new(Seen::Resolve, format_args!("{host}: {error}"));
    let look_up = {
        let (network, host) = (Arc::clone(network), host.to_owned());
        move || network.resolve(&host, port)
    };
    let found = network.threads.spawn_for(bell, "resolve", look_up).map_err(failed)?;
    deadline.limit(bell, &Seen::ConnectTimeout, || found.take())?.and_then(|found| found).map_err(failed)
}
