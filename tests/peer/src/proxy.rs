//! A proxy in front of a peer, for HTTP or for SOCKS5: it opens tunnels, or does not, and remembers who asked
//! for what.

use std::fmt;
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, mpsc};
use std::thread::{self, JoinHandle};

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, copy_bidirectional};
use tokio::net::TcpListener;
use tokio::sync::oneshot;
use tokio_rustls::TlsAcceptor;

use crate::Peer;
use crate::http::{self, Head};
use crate::socks;
use crate::tls::{Clients, Tls};
use crate::tunnel::{Arrival, Connect, Desk, Tunnel, hold, say};

/// A running proxy. Stops, and closes its tunnels, when it is dropped.
pub struct Proxy {
    scheme: &'static str,
    addr: SocketAddr,
    ca_pem: Option<String>,
    desk: Arc<Desk>,
    until: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

enum Protocol {
    Http,
    /// With this user name and this password, if any.
    Socks(Option<(String, String)>),
}

impl Proxy {
    /// Starts an HTTP proxy in front of a peer.
    ///
    /// # Panics
    ///
    /// When no port or no thread can be had.
    #[must_use]
    pub fn start(peer: &Peer) -> Self {
        Self::launch(peer, "http", Protocol::Http, None)
    }

    /// The same, spoken to over TLS, with a certificate for `localhost` and `127.0.0.1`. It asks clients for
    /// a certificate, and refuses any but its own authority's; they need have none.
    ///
    /// # Panics
    ///
    /// When no port or no thread can be had.
    #[must_use]
    pub fn start_tls(peer: &Peer) -> Self {
        let tls = Tls::generate(Clients::MayBeKnown).expect("a certificate can be made");
        Self::launch(peer, "https", Protocol::Http, Some(tls))
    }

    /// Starts a SOCKS5 proxy in front of a peer, which its [URL](Self::url) leaves to look names up.
    ///
    /// # Panics
    ///
    /// When no port or no thread can be had.
    #[must_use]
    pub fn start_socks(peer: &Peer) -> Self {
        Self::launch(peer, "socks5h", Protocol::Socks(None), None)
    }

    /// The same, for those who know this user name and this password.
    ///
    /// # Panics
    ///
    /// When no port or no thread can be had.
    #[must_use]
    pub fn start_socks_with(peer: &Peer, user: &str, password: &str) -> Self {
        let password = Some((user.to_owned(), password.to_owned()));
        Self::launch(peer, "socks5h", Protocol::Socks(password), None)
    }

    fn launch(peer: &Peer, scheme: &'static str, protocol: Protocol, tls: Option<Tls>) -> Self {
        let ca_pem = tls.as_ref().map(|tls| tls.ca_pem.clone());
        let acceptor = tls.map(|tls| tls.acceptor);
        let desk = Arc::new(Desk::new(peer.addr()));
        let (until, stopped) = oneshot::channel();
        let (ready, started) = mpsc::channel();
        let (protocol, shared) = (Arc::new(protocol), Arc::clone(&desk));
        let thread = thread::Builder::new().name("failback-proxy".to_owned()).spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
            runtime.expect("a runtime for the proxy").block_on(async move {
                let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await;
                let listener = listener.expect("the proxy can listen on loopback");
                // Fails only when whoever started it is gone already.
                let _ = ready.send(listener.local_addr().expect("the address it listens on"));
                tokio::select! {
                    _ = stopped => {}
                    () = accept(listener, acceptor, protocol, shared) => {}
                }
            });
        });
        let addr = started.recv().expect("the proxy starts");
        Self { scheme, addr, ca_pem, desk, until: Some(until), thread: thread.ok() }
    }

    /// Its URL.
    #[must_use]
    pub fn url(&self) -> String {
        self.url_with("")
    }

    /// Its URL with a user name and a password, as in `user:password@`.
    #[must_use]
    pub fn url_with(&self, userinfo: &str) -> String {
        self.url_as(self.scheme, userinfo)
    }

    /// Its URL with another scheme: as `socks5` a SOCKS5 proxy is told addresses.
    #[must_use]
    pub fn url_as(&self, scheme: &str, userinfo: &str) -> String {
        format!("{scheme}://{userinfo}{}", self.addr)
    }

    /// Where it listens.
    #[must_use]
    pub fn addr(&self) -> SocketAddr {
        self.addr
    }

    /// The certificate to trust, in PEM, when it is spoken to over TLS.
    #[must_use]
    pub fn ca_pem(&self) -> Option<&str> {
        self.ca_pem.as_deref()
    }

    /// For one who asks, after those pushed before.
    pub fn push(&self, tunnel: Tunnel) {
        self.desk.push(tunnel);
    }

    /// How many connections it has with clients.
    #[must_use]
    pub fn connections(&self) -> usize {
        self.desk.connections()
    }

    /// For all who ask from now on, unless others were pushed.
    pub fn set(&self, tunnel: Tunnel) {
        self.desk.set(tunnel);
    }

    /// Who has asked so far, in order.
    #[must_use]
    pub fn seen(&self) -> Vec<Connect> {
        self.desk.seen()
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        drop(self.until.take());
        if let Some(thread) = self.thread.take() {
            // A panic there was printed when it happened.
            let _ = thread.join();
        }
    }
}

impl fmt::Debug for Proxy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Proxy").field("url", &self.url()).finish_non_exhaustive()
    }
}

async fn accept(
    listener: TcpListener,
    acceptor: Option<TlsAcceptor>,
    protocol: Arc<Protocol>,
    desk: Arc<Desk>,
) {
    loop {
        let Ok((tcp, _)) = listener.accept().await else { continue };
        let (acceptor, protocol, arrival) = (acceptor.clone(), Arc::clone(&protocol), Arrival::new(&desk));
        tokio::spawn(async move {
            // A client that goes away ends its tunnel, and that is all there is to it.
            let _ = match acceptor {
                None => serve(tcp, &protocol, arrival.desk()).await,
                Some(acceptor) => match acceptor.accept(tcp).await {
                    Ok(tls) => serve(tls, &protocol, arrival.desk()).await,
                    Err(error) => Err(error),
                },
            };
        });
    }
}

async fn serve(io: impl AsyncRead + AsyncWrite + Unpin, protocol: &Protocol, desk: &Desk) -> io::Result<()> {
    match protocol {
        Protocol::Http => serve_http(io, desk).await,
        Protocol::Socks(password) => socks::serve(io, password.as_ref(), desk).await,
    }
}

async fn serve_http(mut io: impl AsyncRead + AsyncWrite + Unpin, desk: &Desk) -> io::Result<()> {
    let (head, early) = read_head(&mut io).await?;
    let is_connect = head.method == "CONNECT";
    desk.record(Connect {
        is_address: head.target.parse::<SocketAddr>().is_ok(),
        authority: head.target,
        headers: head.headers,
        password: None,
    });
    let granted = b"HTTP/1.1 200 Connection established\r\n\r\n";
    match desk.next_tunnel() {
        _ if !is_connect => return answer(&mut io, 405).await,
        Tunnel::Refuse(status) => return answer(&mut io, status).await,
        Tunnel::HangUp => return Ok(()),
        Tunnel::BreakOff(bytes) => return io.write_all(&granted[..bytes.min(granted.len())]).await,
        Tunnel::Say(bytes) => return say(&mut io, &bytes).await,
        Tunnel::Hold(gate) => hold(&mut io, &gate).await?,
        Tunnel::Open => {}
    }
    let mut peer = desk.connect().await?;
    peer.write_all(&early).await?;
    io.write_all(granted).await?;
    copy_bidirectional(&mut io, &mut peer).await.map(drop)
}

async fn answer(io: &mut (impl AsyncWrite + Unpin), status: u16) -> io::Result<()> {
    let answer = format!("HTTP/1.1 {status} No\r\ncontent-length: 0\r\nconnection: close\r\n\r\n");
    io.write_all(answer.as_bytes()).await?;
    io.shutdown().await
}

/// The head of a request, and what came after it.
async fn read_head(io: &mut (impl AsyncRead + Unpin)) -> io::Result<(Head, Vec<u8>)> {
    let mut buf = Vec::new();
    loop {
        match http::parse_head(&buf) {
            Ok(Some((head, len))) => return Ok((head, buf.split_off(len))),
            Ok(None) if buf.len() <= http::MAX_HEAD => {}
            _ => return Err(io::ErrorKind::InvalidData.into()),
        }
        if io.read_buf(&mut buf).await? == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
    }
}
