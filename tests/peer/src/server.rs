//! The thread of a peer: it accepts connections and takes commands.

use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, mpsc as std_mpsc};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::sync::watch;
use tokio_rustls::TlsAcceptor;

use crate::conn::{Conn, Io};
use crate::journal::What;
use crate::serve;
use crate::state::State;

pub(crate) enum Command {
    /// Listen or not, and tell when that is so.
    Listen(bool, std_mpsc::Sender<()>),
    Order(Order),
}

/// An order to all connections.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Order {
    Reset,
    Close(u16),
}

pub(crate) struct Setup {
    pub(crate) state: Arc<State>,
    pub(crate) port: u16,
    pub(crate) acceptor: Option<TlsAcceptor>,
    pub(crate) listening: bool,
}

pub(crate) fn spawn(setup: Setup) -> io::Result<(SocketAddr, UnboundedSender<Command>, JoinHandle<()>)> {
    let (commands, inbox) = unbounded_channel();
    let (ready, started) = std_mpsc::channel();
    let thread = thread::Builder::new().name("failback-peer".to_owned()).spawn(move || {
        let runtime = match tokio::runtime::Builder::new_current_thread().enable_all().build() {
            Ok(runtime) => runtime,
            Err(error) => return drop(ready.send(Err(error))),
        };
        runtime.block_on(async move {
            match Port::reserve(setup.port, setup.listening) {
                Ok(port) => {
                    let _ = ready.send(Ok(port.addr));
                    serve(setup, port, inbox).await;
                }
                Err(error) => drop(ready.send(Err(error))),
            }
        });
    })?;
    let addr = started.recv().unwrap_or_else(|_| Err(io::Error::other("the thread of the peer died")))?;
    Ok((addr, commands, thread))
}

/// The port, with or without a listener.
struct Port {
    addr: SocketAddr,
    listener: Option<TcpListener>,
    /// Bound but never listening: without a listener the port refuses connections and no other process is
    /// given it.
    _reserved: TcpSocket,
}

impl Port {
    fn reserve(port: u16, listening: bool) -> io::Result<Self> {
        let reserved = bind(SocketAddr::from((Ipv4Addr::LOCALHOST, port)))?;
        let addr = reserved.local_addr()?;
        let mut port = Self { addr, listener: None, _reserved: reserved };
        port.listen(listening)?;
        Ok(port)
    }

    fn listen(&mut self, listen: bool) -> io::Result<()> {
        if !listen {
            self.listener = None;
        } else if self.listener.is_none() {
            self.listener = Some(bind(self.addr)?.listen(1024)?);
        }
        Ok(())
    }

    async fn accept(&self) -> TcpStream {
        let Some(listener) = &self.listener else { return std::future::pending().await };
        loop {
            match listener.accept().await {
                Ok((tcp, _)) => return tcp,
                // The client may be gone already, or the process out of files: neither is for ever.
                Err(_) => tokio::time::sleep(Duration::from_millis(5)).await,
            }
        }
    }
}

fn bind(addr: SocketAddr) -> io::Result<TcpSocket> {
    let socket = TcpSocket::new_v4()?;
    socket.set_reuseaddr(true)?;
    socket.bind(addr)?;
    Ok(socket)
}

/// Returns when the last handle is gone; the runtime is dropped then, and with it all connections.
async fn serve(setup: Setup, mut port: Port, mut inbox: UnboundedReceiver<Command>) {
    let orders = watch::Sender::new(Order::Reset);
    loop {
        tokio::select! {
            biased;
            command = inbox.recv() => match command {
                Some(Command::Listen(listen, done)) => {
                    if let Err(error) = port.listen(listen) {
                        eprintln!("the peer cannot listen on {} again: {error}", port.addr);
                    }
                    let _ = done.send(());
                }
                Some(Command::Order(order)) => drop(orders.send_replace(order)),
                None => return,
            },
            tcp = port.accept() => {
                let connection = connection(Arc::clone(&setup.state), tcp, setup.acceptor.clone(), orders.subscribe());
                tokio::spawn(connection);
            }
        }
    }
}

/// Enters the end of a connection in the journal, however it ends.
struct Ending(Arc<State>, u64);

impl Drop for Ending {
    fn drop(&mut self) {
        self.0.record(self.1, What::Disconnected);
    }
}

async fn connection(
    state: Arc<State>,
    tcp: TcpStream,
    acceptor: Option<TlsAcceptor>,
    mut orders: watch::Receiver<Order>,
) {
    let id = state.number_conn();
    // Without it events would wait for each other; a socket that refuses it is gone already.
    let _ = tcp.set_nodelay(true);
    state.record(id, What::Connected);
    let io = match acceptor {
        None => Io::Plain(tcp),
        Some(acceptor) => {
            let accepted = tokio::select! {
                accepted = acceptor.accept(tcp) => accepted.ok(),
                _ = orders.changed() => None,
            };
            match accepted {
                Some(tls) => Io::Tls(Box::new(tls)),
                None => {
                    state.record(id, What::TlsFailed);
                    return drop(Ending(state, id));
                }
            }
        }
    };
    let mut conn = Conn::new(io, id, Arc::clone(&state));
    // After `conn`, hence dropped before it: the journal is ahead of the wire.
    let _ending = Ending(state, id);
    let mut order = tokio::select! {
        biased;
        order = orders.changed() => order.is_ok().then(|| *orders.borrow_and_update()),
        _gone = serve::serve(&mut conn) => None,
    };
    // A client may take its time to close, and then another order may come.
    while let Some(Order::Close(code)) = order {
        order = tokio::select! {
            biased;
            order = orders.changed() => order.is_ok().then(|| *orders.borrow_and_update()),
            _gone = conn.close(code, "") => None,
        };
    }
    if let Some(Order::Reset) = order {
        conn.reset();
    }
}
