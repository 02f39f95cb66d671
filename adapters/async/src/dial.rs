//! One network path for both transports: name look-up, addresses, TCP, proxy, TLS. If the paths differed,
//! success over SSE would be no evidence against WebSocket.

use std::io;
use std::net::SocketAddr;
use std::pin::pin;
use std::sync::Arc;

use failback::Transport;
use failback_client::common::ADDRESS_DELAY;
use failback_client::{Lost, Proxy, Tunnel, tls};
use failback_wire::{Seen, Target};
use futures_io::{AsyncRead, AsyncWrite};
use futures_rustls::TlsConnector;
use futures_util::future::{Either, select};
use futures_util::stream::{FuturesUnordered, StreamExt};
use rustls::ClientConfig;
use rustls::pki_types::ServerName;

use crate::Runtime;
use crate::io::Io;
use crate::network::Network;
use crate::tunnel;

/// Opens a connection to the target of this transport, through the proxy on the way if there is one. Has no
/// time limit of its own.
pub(crate) async fn dial<R: Runtime>(
    network: &Network<R>,
    transport: Transport,
) -> Result<Io<R::Stream>, Lost> {
    let target = network.endpoint.target(transport);
    let io = match network.proxies.on_the_way_to(transport) {
        None => connect(network, target.host(), target.port()).await?,
        Some(proxy) if proxy.looks_names_up() => {
            through(network, proxy, Tunnel::by_name(proxy, target)).await?
        }
        Some(proxy) => through_by_address(network, proxy, target).await?,
    };
    if !target.is_tls() {
        return Ok(io);
    }
    encrypt(io, target.host(), &network.tls).await.map_err(|error| {
        let lost = Lost::new(tls::seen(&error), format_args!("{}: {error}", target.host()));
        match network.proxies.told_of(transport) {
            // Some proxies decrypt what goes through them, and show a certificate of their own.
            Some(proxy) => lost.explained(|said| format!("{said}, {proxy}")),
            None => lost,
        }
    })
}

/// Connects to this proxy, and opens this tunnel through it.
async fn through<R: Runtime>(
    network: &Network<R>,
    proxy: &Proxy,
    tunnel: Tunnel,
) -> Result<Io<R::Stream>, Lost> {
    let lost = |error: Lost| error.explained(|said| format!("on the way to the proxy {proxy}: {said}"));
    let mut io = connect(network, proxy.host(), proxy.port()).await.map_err(lost)?;
    if proxy.is_tls() {
        let encrypted = encrypt(io, proxy.host(), &network.proxy_tls).await;
        io = encrypted.map_err(|error| {
            lost(Lost::new(tls::seen_of_proxy(&error), format_args!("{}: {error}", proxy.host())))
        })?;
    }
    tunnel::open(io, tunnel).await
}

/// Opens a tunnel to one address of the target after another, until the proxy can reach one. For a proxy that
/// does not look names up.
async fn through_by_address<R: Runtime>(
    network: &Network<R>,
    proxy: &Proxy,
    target: &Target,
) -> Result<Io<R::Stream>, Lost> {
    let (mut failed, mut refused) = (no_address(), Vec::new());
    for address in resolve(network, target.host(), target.port()).await? {
        match through(network, proxy, Tunnel::by_address(proxy, address)).await {
            // The proxy says that it cannot reach this address.
            Err(error @ Lost::Seen(Seen::SocksRefused { reply: 3..=6 | 8 }, _)) => {
                failed = error;
                refused.push(address);
            }
            tried => {
                let answered = tried.is_ok().then_some(address);
                network.addresses.handle_tried(target.host(), answered, refused);
                return tried;
            }
        }
    }
    network.addresses.handle_tried(target.host(), None, refused);
    Err(failed)
}

/// The addresses of a host, in the order in which they are to be tried.
async fn resolve<R: Runtime>(network: &Network<R>, host: &str, port: u16) -> Result<Vec<SocketAddr>, Lost> {
    let resolved = network.runtime.resolve(host, port).await;
    let resolved = resolved.map_err(|error| Lost::new(Seen::Resolve, format_args!("{host}: {error}")))?;
    Ok(network.addresses.sort(host, resolved))
}

fn no_address() -> Lost {
    Lost::new(Seen::Resolve, "the name has no address")
}

async fn connect<R: Runtime>(network: &Network<R>, host: &str, port: u16) -> Result<Io<R::Stream>, Lost> {
    let addresses = resolve(network, host, port).await?;
    connect_any(network, host, addresses).await.map(|stream| Io::plain(stream, &network.policy))
}

async fn encrypt<S: AsyncRead + AsyncWrite + Unpin>(
    io: Io<S>,
    host: &str,
    tls: &Arc<ClientConfig>,
) -> io::Result<Io<S>> {
    let name = ServerName::try_from(host.to_owned()).map_err(io::Error::other)?;
    let connector = TlsConnector::from(Arc::clone(tls));
    connector.connect(name, io).await.map(Io::tls)
}

/// Connects to the address that answers first. Each is given a head start before the next one is tried.
async fn connect_any<R: Runtime>(
    network: &Network<R>,
    host: &str,
    addresses: Vec<SocketAddr>,
) -> Result<R::Stream, Lost> {
    let runtime = &network.runtime;
    let mut waiting = addresses.into_iter();
    let mut trying = FuturesUnordered::new();
    // The addresses that were tried, in order, and those that failed.
    let (mut begun, mut refused) = (Vec::new(), Vec::new());
    let mut failed = no_address();
    loop {
        let more = match waiting.next() {
            Some(address) => {
                begun.push(address);
                trying.push(async move { (address, runtime.connect(address).await) });
                waiting.len() > 0
            }
            None => false,
        };
        let mut delay = pin!(runtime.sleep(ADDRESS_DELAY));
        loop {
            let tried = if more {
                match select(trying.next(), delay.as_mut()).await {
                    Either::Left((tried, _)) => tried,
                    Either::Right(_) => break,
                }
            } else {
                trying.next().await
            };
            match tried {
                Some((address, Ok(stream))) => {
                    // Addresses that were tried after this one had less time to answer, so they do not count
                    // as silent.
                    let silent = begun.into_iter().take_while(|other| *other != address).chain(refused);
                    network.addresses.handle_tried(host, Some(address), silent);
                    return Ok(stream);
                }
                Some((address, Err(error))) => {
                    failed = Lost::new(Seen::Connect, format_args!("{address}: {error}"));
                    refused.push(address);
                    if more {
                        break;
                    }
                }
                None => {
                    network.addresses.handle_tried(host, None, refused);
                    return Err(failed);
                }
            }
        }
    }
}
