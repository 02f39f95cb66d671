use std::io;
use std::net::SocketAddr;
use std::sync::Arc;

use failback_client::common::ADDRESS_DELAY;
use failback_wire::Seen;
use mio::net::TcpStream;

use crate::bell::Bell;
use crate::deadline::Deadline;
use crate::halt::Halt;
use crate::network::Network;
use crate::socket::Socket;

/// Connects to the address that answers first. Each is given a head start before the next one is tried.
pub(crate) fn connect_any(
    network: &Network,
    host: &str,
    addresses: Vec<SocketAddr>,
    bell: &Arc<Bell>,
    deadline: &Deadline,
) -> Result<Socket, Halt> {
    let mut waiting = addresses.into_iter();
    let mut trying: Vec<(SocketAddr, Option<Socket>)> = Vec::new();
    // The addresses that were tried, in order, and those that failed.
    let (mut begun, mut refused) = (Vec::new(), Vec::new());
    let mut failed = no_address();
    loop {
        if let Some(address) = waiting.next() {
            begun.push(address);
            match begin(network, address, bell) {
                Ok(socket) => trying.push((address, socket)),
                Err(error) => {
                    failed = Halt::new(Seen::Connect, format_args!("{address}: {error}"));
                    refused.push(address);
                }
            }
        }
        let next = Deadline::after(ADDRESS_DELAY);
        // Goes on until one has answered or all have failed, or until it is time to try the next one.
        loop {
            let failures = refused.len();
            let mut index = 0;
            while let Some((address, socket)) = trying.get(index) {
                match socket.as_ref().map_or(Ok(false), Socket::is_connected) {
                    Ok(false) => index = index.saturating_add(1),
                    Ok(true) => {
                        // Addresses that were tried after this one had less time to answer, so they do not
                        // count as silent.
                        let silent = begun.iter().take_while(|other| *other != address).chain(&refused);
                        network.addresses.handle_tried(host, Some(*address), silent.copied());
                        let (_, socket) = trying.swap_remove(index);
                        return socket.ok_or_else(|| Seen::Connect.into());
                    }
                    Err(error) => {
                        failed = Halt::new(Seen::Connect, format_args!("{address}: {error}"));
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
            deadline.wait(bell, pause)?;
        }
    }
}

/// Begins to connect. `None` if the route of a test says that nobody answers.
fn begin(network: &Network, address: SocketAddr, bell: &Arc<Bell>) -> io::Result<Option<Socket>> {
    match &network.route {
        Some(route) if !route(address) => Ok(None),
        _ => Socket::new(TcpStream::connect(address)?, bell).map(Some),
    }
}

pub(crate) fn no_address() -> Halt {
    Halt::new(Seen::Resolve, "the name has no address")
}
