//! A proxy in front of a peer, for HTTP or for SOCKS5: it opens tunnels, or does not, and remembers who asked
//! for what.

use std::collections::VecDeque;
use std::fmt;
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, mpsc};
use std::thread::{self, JoinHandle};

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, copy_bidirectional};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::oneshot;
use tokio_rustls::TlsAcceptor;

use crate::http::{self, Head};
use crate::socks;
use crate::tls::Tls;
use crate::{Gate, Peer};

/// What a [`Proxy`] does with whoever asks for a tunnel.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Tunnel {
    /// Leads to the peer, whatever name was asked for.
    Open,
    /// Answers with this status, or this reply of SOCKS5, instead.
    Refuse(u16),
    /// Leads to the peer once the gate is open.
    Hold(Gate),
    /// Closes the connection without an answer.
    HangUp,
    /// Closes the connection after this many bytes of its answers.
    BreakOff(usize),
    /// Says this instead of its first answer, and then no more.
    Say(Vec<u8>),
}

/// A request for a tunnel.
#[derive(Clone, PartialEq, Eq)]
pub struct Connect {
    /// Where it is to lead: a host, a colon and a port.
    pub authority: String,
    /// Whether the host was given as an address, so that there is no name to look up.
    pub is_address: bool,
    /// The headers it came with, names in lower case. Unlike a [`Journal`](crate::Journal) it shows secrets,
    /// which is what it is for.
    pub headers: Vec<(String, String)>,
    /// The user name and the password that SOCKS5 was told.
    pub password: Option<(String, String)>,
}

impl Connect {
    /// The value of a header.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(given, _)| given == name).map(|(_, value)| value.as_str())
    }
}

impl fmt::Debug for Connect {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Connect").field("authority", &self.authority).finish_non_exhaustive()
    }
}

/// A running proxy. Stops, and closes its tunnels, when it is dropped.
pub struct Proxy {
    scheme: &'static str,
    addr: SocketAddr,
    ca_pem: Option<String>,
    shared: Arc<Shared>,
    until: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

pub(crate) struct Shared {
    peer: SocketAddr,
    /// What is spoken here.
    protocol: Protocol,
    tunnel: Mutex<Tunnel>,
    pushed: Mutex<VecDeque<Tunnel>>,
    connections: AtomicUsize,
    seen: Mutex<Vec<Connect>>,
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

    /// The same, spoken to over TLS, with a certificate for `localhost` and `127.0.0.1`.
    ///
    /// # Panics
    ///
    /// When no port or no thread can be had.
    #[must_use]
    pub fn start_tls(peer: &Peer) -> Self {
        let tls = Tls::generate().expect("a certificate can be made");
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
        let shared = Arc::new(Shared {
            peer: peer.addr(),
            protocol,
            tunnel: Mutex::new(Tunnel::Open),
            pushed: Mutex::default(),
            connections: AtomicUsize::new(0),
            seen: Mutex::new(Vec::new()),
        });
        let (until, stopped) = oneshot::channel();
        let (ready, started) = mpsc::channel();
        let state = Arc::clone(&shared);
        let thread = thread::Builder::new().name("failback-proxy".to_owned()).spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
            runtime.expect("a runtime for the proxy").block_on(async move {
                let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await;
                let listener = listener.expect("the proxy can listen on loopback");
                // Fails only when whoever started it is gone already.
                let _ = ready.send(listener.local_addr().expect("the address it listens on"));
                tokio::select! {
                    _ = stopped => {}
                    () = accept(listener, acceptor, state) => {}
                }
            });
        });
        let addr = started.recv().expect("the proxy starts");
        Self { scheme, addr, ca_pem, shared, until: Some(until), thread: thread.ok() }
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
        lock(&self.shared.pushed).push_back(tunnel);
    }

    /// How many connections it has with clients.
    #[must_use]
    pub fn connections(&self) -> usize {
        self.shared.connections.load(Ordering::SeqCst)
    }

    /// For all who ask from now on, unless others were pushed.
    pub fn set(&self, tunnel: Tunnel) {
        *lock(&self.shared.tunnel) = tunnel;
    }

    /// Who has asked so far, in order.
    #[must_use]
    pub fn seen(&self) -> Vec<Connect> {
        lock(&self.shared.seen).clone()
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

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

async fn accept(listener: TcpListener, acceptor: Option<TlsAcceptor>, shared: Arc<Shared>) {
    loop {
        let Ok((tcp, _)) = listener.accept().await else { continue };
        let (acceptor, shared) = (acceptor.clone(), Arc::clone(&shared));
        shared.connections.fetch_add(1, Ordering::SeqCst);
        tokio::spawn(async move {
            let shared = Connected(shared);
            // A client that goes away ends its tunnel, and that is all there is to it.
            let _ = match acceptor {
                None => serve(tcp, &shared.0).await,
                Some(acceptor) => match acceptor.accept(tcp).await {
                    Ok(tls) => serve(tls, &shared.0).await,
                    Err(error) => Err(error),
                },
            };
        });
    }
}

/// Counts as a connection until it is dropped.
struct Connected(Arc<Shared>);

impl Drop for Connected {
    fn drop(&mut self) {
        self.0.connections.fetch_sub(1, Ordering::SeqCst);
    }
}

async fn serve(io: impl AsyncRead + AsyncWrite + Unpin, shared: &Shared) -> io::Result<()> {
    match &shared.protocol {
        Protocol::Http => serve_http(io, shared).await,
        Protocol::Socks(password) => socks::serve(io, password.as_ref(), shared).await,
    }
}

impl Shared {
    /// What to do with whoever asks now.
    pub(crate) fn next_tunnel(&self) -> Tunnel {
        let pushed = lock(&self.pushed).pop_front();
        pushed.unwrap_or_else(|| lock(&self.tunnel).clone())
    }

    pub(crate) fn record(&self, connect: Connect) {
        lock(&self.seen).push(connect);
    }

    pub(crate) async fn connect(&self) -> io::Result<TcpStream> {
        TcpStream::connect(self.peer).await
    }
}

async fn serve_http(mut io: impl AsyncRead + AsyncWrite + Unpin, shared: &Shared) -> io::Result<()> {
    let (head, early) = read_head(&mut io).await?;
    let is_connect = head.method == "CONNECT";
    shared.record(Connect {
        is_address: head.target.parse::<SocketAddr>().is_ok(),
        authority: head.target,
        headers: head.headers,
        password: None,
    });
    let granted = b"HTTP/1.1 200 Connection established\r\n\r\n";
    match shared.next_tunnel() {
        _ if !is_connect => return answer(&mut io, 405).await,
        Tunnel::Refuse(status) => return answer(&mut io, status).await,
        Tunnel::HangUp => return Ok(()),
        Tunnel::BreakOff(bytes) => return io.write_all(&granted[..bytes.min(granted.len())]).await,
        Tunnel::Say(bytes) => return say(&mut io, &bytes).await,
        Tunnel::Hold(gate) => hold(&mut io, &gate).await?,
        Tunnel::Open => {}
    }
    let mut peer = shared.connect().await?;
    peer.write_all(&early).await?;
    io.write_all(granted).await?;
    copy_bidirectional(&mut io, &mut peer).await.map(drop)
}

/// Waits for the gate. An error when the client is gone before: it has nothing to say before it is answered.
pub(crate) async fn hold(io: &mut (impl AsyncRead + Unpin), gate: &Gate) -> io::Result<()> {
    tokio::select! {
        () = gate.pass() => Ok(()),
        _gone = io.read_u8() => Err(io::ErrorKind::UnexpectedEof.into()),
    }
}

/// Says this, and stays until the client is gone.
pub(crate) async fn say(io: &mut (impl AsyncRead + AsyncWrite + Unpin), bytes: &[u8]) -> io::Result<()> {
    io.write_all(bytes).await?;
    while io.read_u8().await.is_ok() {}
    Ok(())
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
