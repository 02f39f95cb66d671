//! One network path for both transports: a name, an address, TCP, TLS. Otherwise what SSE shows would say nothing about
//! WebSocket.

use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use failback::Transport;
use failback_wire::Seen;
use mio::net::TcpStream;
use rustls::pki_types::ServerName;
use rustls::{ClientConfig, ClientConnection};

use crate::bell::Bell;
use crate::deadline::Deadline;
use crate::io::Io;
use crate::lost::Lost;
use crate::network::Network;
use crate::socket::Socket;
use crate::tls;

/// How long one address may take before the next one is tried beside it (RFC 8305, section 5).
const ADDRESS_DELAY: Duration = Duration::from_millis(250);

/// Opens a connection to where this transport goes, attached to `bell`.
pub(crate) fn dial(
    network: &Arc<Network>,
    transport: Transport,
    bell: &Arc<Bell>,
    deadline: Deadline,
) -> Result<Io, Lost> {
    let target = network.endpoint.target(transport);
    let dialled = connect(network, target.host(), target.port(), bell, deadline).and_then(|io| {
        if target.is_tls() { encrypt(io, target.host(), &network.tls, bell, deadline) } else { Ok(io) }
    });
    dialled.map_err(|lost| match lost {
        Lost::Seen(Seen::ConnectTimeout, None) => {
            Lost::Seen(Seen::ConnectTimeout, network.told_of(transport))
        }
        lost => lost,
    })
}

fn connect(
    network: &Arc<Network>,
    host: &str,
    port: u16,
    bell: &Arc<Bell>,
    deadline: Deadline,
) -> Result<Io, Lost> {
    let addresses = match network.resolve_at_once(host, port) {
        Some(addresses) => addresses,
        None => resolve(network, host, port, bell, deadline)?,
    };
    let addresses = network.addresses.sort(host, addresses);
    connect_any(network, host, addresses, bell, deadline).map(Io::plain)
}

/// In a thread of its own: a look-up has no time limit, and cannot be interrupted.
fn resolve(
    network: &Arc<Network>,
    host: &str,
    port: u16,
    bell: &Bell,
    deadline: Deadline,
) -> Result<Vec<SocketAddr>, Lost> {
    let failed = |error: io::Error| Lost::new(Seen::Resolve, format_args!("{host}: {error}"));
    let found = Arc::new(Mutex::new(None));
    let run = {
        let (found, ringer) = (Arc::clone(&found), bell.ringer().clone());
        let (network, host) = (Arc::clone(network), host.to_owned());
        move || {
            let addresses = network.resolve(&host, port);
            *found.lock().unwrap_or_else(PoisonError::into_inner) = Some(addresses);
            ringer.ring();
        }
    };
    network.threads.spawn("resolve", run).map_err(failed)?;
    let look = || {
        let found = found.lock().unwrap_or_else(PoisonError::into_inner).take();
        found.unwrap_or_else(|| Err(io::ErrorKind::WouldBlock.into()))
    };
    deadline.limit(bell, &Seen::ConnectTimeout, look)?.map_err(failed)
}

/// The first address that answers wins. Each gets a head start before the next one.
fn connect_any(
    network: &Network,
    host: &str,
    addresses: Vec<SocketAddr>,
    bell: &Arc<Bell>,
    deadline: Deadline,
) -> Result<Socket, Lost> {
    let mut waiting = addresses.into_iter();
    let mut trying: Vec<(SocketAddr, Option<Socket>)> = Vec::new();
    // Those that were begun, in order, and those that failed.
    let (mut begun, mut refused) = (Vec::new(), Vec::new());
    let mut failed = Lost::new(Seen::Resolve, "the name has no address");
    loop {
        if let Some(address) = waiting.next() {
            begun.push(address);
            match begin(network, address, bell) {
                Ok(socket) => trying.push((address, socket)),
                Err(error) => {
                    failed = Lost::new(Seen::Connect, format_args!("{address}: {error}"));
                    refused.push(address);
                }
            }
        }
        let next = Deadline::after(ADDRESS_DELAY);
        // Until one has answered, or the next is to be tried.
        loop {
            let failures = refused.len();
            let mut index = 0;
            while let Some((address, socket)) = trying.get(index) {
                match socket.as_ref().map_or(Ok(false), Socket::is_connected) {
                    Ok(false) => index = index.saturating_add(1),
                    Ok(true) => {
                        // One that was begun after it was not given the time to answer.
                        let silent = begun.iter().take_while(|other| *other != address).chain(&refused);
                        network.addresses.handle_tried(host, Some(*address), silent.copied());
                        let (_, socket) = trying.swap_remove(index);
                        return socket.ok_or_else(|| Seen::Connect.into());
                    }
                    Err(error) => {
                        failed = Lost::new(Seen::Connect, format_args!("{address}: {error}"));
                        refused.push(*address);
                        trying.remove(index);
                    }
                }
            }
            let is_last = waiting.len() == 0;
            if trying.is_empty() && is_last {
                network.addresses.handle_tried(host, None, refused);
                return Err(failed);
            }
            if !is_last && (trying.is_empty() || refused.len() > failures || next.is_over()) {
                break;
            }
            if deadline.is_over() {
                return Err(Seen::ConnectTimeout.into());
            }
            let pause = if is_last { None } else { next.left() };
            bell.wait([pause, deadline.left()].into_iter().flatten().min())?;
        }
    }
}

/// Begins to connect. `None` is a connection that nobody will answer.
fn begin(network: &Network, address: SocketAddr, bell: &Arc<Bell>) -> io::Result<Option<Socket>> {
    match &network.route {
        Some(route) if !route(address) => Ok(None),
        _ => Socket::new(TcpStream::connect(address)?, bell).map(Some),
    }
}

fn encrypt(io: Io, host: &str, tls: &Arc<ClientConfig>, bell: &Bell, deadline: Deadline) -> Result<Io, Lost> {
    let failed = |error: io::Error| Lost::new(tls::seen(&error), format_args!("{host}: {error}"));
    let name = ServerName::try_from(host.to_owned()).map_err(|error| failed(io::Error::other(error)))?;
    let session = ClientConnection::new(Arc::clone(tls), name);
    let mut io = Io::tls(session.map_err(|error| failed(io::Error::other(error)))?, io);
    deadline.limit(bell, &Seen::ConnectTimeout, || io.shake_hands())?.map_err(failed)?;
    Ok(io)
}
