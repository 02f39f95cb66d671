//! What a proxy is asked for and what it does about it, whatever protocol it speaks.

use std::collections::VecDeque;
use std::fmt;
use std::io;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::Gate;

/// What a [`Proxy`](crate::Proxy) does with whoever asks for a tunnel.
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

/// Where those who ask a proxy for a tunnel are received, whatever they speak.
pub(crate) struct Desk {
    peer: SocketAddr,
    tunnel: Mutex<Tunnel>,
    pushed: Mutex<VecDeque<Tunnel>>,
    connections: AtomicUsize,
    seen: Mutex<Vec<Connect>>,
}

impl Desk {
    pub(crate) fn new(peer: SocketAddr) -> Self {
        Self {
            peer,
            tunnel: Mutex::new(Tunnel::Open),
            pushed: Mutex::default(),
            connections: AtomicUsize::new(0),
            seen: Mutex::default(),
        }
    }

    pub(crate) fn push(&self, tunnel: Tunnel) {
        lock(&self.pushed).push_back(tunnel);
    }

    pub(crate) fn set(&self, tunnel: Tunnel) {
        *lock(&self.tunnel) = tunnel;
    }

    /// What to do with whoever asks now.
    pub(crate) fn next_tunnel(&self) -> Tunnel {
        let pushed = lock(&self.pushed).pop_front();
        pushed.unwrap_or_else(|| lock(&self.tunnel).clone())
    }

    pub(crate) fn record(&self, connect: Connect) {
        lock(&self.seen).push(connect);
    }

    pub(crate) fn seen(&self) -> Vec<Connect> {
        lock(&self.seen).clone()
    }

    pub(crate) fn connections(&self) -> usize {
        self.connections.load(Ordering::SeqCst)
    }

    /// A connection with the peer.
    pub(crate) async fn connect(&self) -> io::Result<TcpStream> {
        TcpStream::connect(self.peer).await
    }
}

/// Counts as a connection until it is dropped.
pub(crate) struct Arrival(Arc<Desk>);

impl Arrival {
    pub(crate) fn new(desk: &Arc<Desk>) -> Self {
        desk.connections.fetch_add(1, Ordering::SeqCst);
        Self(Arc::clone(desk))
    }

    pub(crate) fn desk(&self) -> &Desk {
        &self.0
    }
}

impl Drop for Arrival {
    fn drop(&mut self) {
        self.0.connections.fetch_sub(1, Ordering::SeqCst);
    }
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

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
