use std::fmt;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError, mpsc};
use std::thread::JoinHandle;
use std::time::Duration;

use failback::Transport;
use tokio::sync::mpsc::UnboundedSender;

use crate::journal::Journal;
use crate::server::{Command, Order, Setup};
use crate::state::State;
use crate::tls::{Clients, Tls};
use crate::wait::{PATIENCE, block_on, within};
use crate::{Between, Handshake, Turn, server};

/// A running server. Clones are the same server; when the last one is dropped it stops, closes all its
/// sockets and joins its thread.
#[derive(Clone)]
pub struct Peer {
    inner: Arc<Inner>,
}

struct Inner {
    state: Arc<State>,
    addr: SocketAddr,
    ca_pem: Option<String>,
    client_pem: Option<String>,
    commands: Mutex<Option<UnboundedSender<Command>>>,
    thread: Mutex<Option<JoinHandle<()>>>,
}

/// Settings of a [`Peer`] that cannot change while it runs.
#[derive(Clone, Debug, Default)]
#[must_use = "a builder does nothing until it is started"]
pub struct Builder {
    tls: bool,
    clients: Clients,
    port: u16,
    offline: bool,
}

impl Builder {
    /// Speaks TLS, with a certificate for `localhost` and `127.0.0.1` from an authority made for this peer.
    pub fn tls(mut self) -> Self {
        self.tls = true;
        self
    }

    /// Speaks TLS, with those clients alone that show the certificate that is made for them
    /// ([`Peer::client_pem`]).
    pub fn known_clients(self) -> Self {
        Self { clients: Clients::MustBeKnown, ..self.tls() }
    }

    /// Listens on this port instead of a free one.
    pub fn port(mut self, port: u16) -> Self {
        self.port = port;
        self
    }

    /// Owns its port but refuses connections until [`Peer::listen_again`].
    pub fn offline(mut self) -> Self {
        self.offline = true;
        self
    }

    /// Starts the server on a thread of its own.
    ///
    /// # Panics
    ///
    /// When the port is taken or no thread can be had.
    #[must_use]
    pub fn start(self) -> Peer {
        let tls = self.tls.then(|| Tls::generate(self.clients).expect("a certificate can be made"));
        let ca_pem = tls.as_ref().map(|tls| tls.ca_pem.clone());
        let client_pem = tls.as_ref().map(|tls| tls.client_pem.clone());
        let acceptor = tls.map(|tls| tls.acceptor);
        let state = Arc::new(State::new());
        let setup = Setup { state: Arc::clone(&state), port: self.port, acceptor, listening: !self.offline };
        let (addr, commands, thread) = server::spawn(setup).expect("the peer can listen on loopback");
        let (commands, thread) = (Mutex::new(Some(commands)), Mutex::new(Some(thread)));
        Peer { inner: Arc::new(Inner { state, addr, ca_pem, client_pem, commands, thread }) }
    }
}

/// Life and address.
impl Peer {
    /// Starts a server that speaks plain HTTP on a free port of 127.0.0.1.
    #[must_use]
    pub fn start() -> Self {
        Self::builder().start()
    }

    /// Settings for TLS and the port.
    pub fn builder() -> Builder {
        Builder::default()
    }

    /// The base URL, `http://127.0.0.1:PORT/v1`, or with `https`.
    #[must_use]
    pub fn url(&self) -> String {
        let scheme = if self.inner.ca_pem.is_some() { "https" } else { "http" };
        format!("{scheme}://{}/v1", self.inner.addr)
    }

    /// The address it listens on.
    #[must_use]
    pub fn addr(&self) -> SocketAddr {
        self.inner.addr
    }

    /// The certificate to trust, in PEM, when it speaks TLS.
    #[must_use]
    pub fn ca_pem(&self) -> Option<&str> {
        self.inner.ca_pem.as_deref()
    }

    /// A certificate that it has issued to a client, and its private key, in PEM, when it speaks TLS.
    #[must_use]
    pub fn client_pem(&self) -> Option<&str> {
        self.inner.client_pem.as_deref()
    }

    /// Refuses new connections; those that exist live on. The port stays reserved.
    pub fn stop_listening(&self) {
        self.inner.listen(false);
    }

    /// Accepts connections again, on the same port.
    pub fn listen_again(&self) {
        self.inner.listen(true);
    }

    /// With `true` resets all connections and refuses new ones, like a server that was killed; with `false`
    /// accepts again.
    pub fn refuse_everything(&self, refuse: bool) {
        self.inner.listen(!refuse);
        if refuse {
            self.drop_connections();
        }
    }

    /// Resets all connections.
    pub fn drop_connections(&self) {
        self.inner.send(Command::Order(Order::Reset));
    }

    /// Sends a close frame on every WebSocket; other connections are ended.
    pub fn close_connections(&self, code: u16) {
        self.inner.send(Command::Order(Order::Close(code)));
    }

    /// Stops the server now, as dropping the last clone does.
    pub fn shut_down(&self) {
        self.inner.shut_down();
    }
}

/// What it is to do.
impl Peer {
    /// For every WebSocket upgrade, unless others were pushed. At first: [`Handshake::Accept`].
    pub fn set_handshake(&self, handshake: Handshake) {
        self.inner.state.plan().handshake.set(handshake);
    }

    /// For one WebSocket upgrade, after those pushed before. A client that keeps its socket asks for none.
    pub fn push_handshake(&self, handshake: Handshake) {
        self.inner.state.plan().handshake.push(handshake);
    }

    /// For every request on this transport, unless others were pushed. At first: [`Turn::complete`].
    pub fn set_turn(&self, transport: Transport, turn: Turn) {
        self.inner.state.plan().turns(transport).set(turn);
    }

    /// For one good request on this transport, after those pushed before. Requests that the peer refuses by
    /// itself use nothing up.
    pub fn push_turn(&self, transport: Transport, turn: Turn) {
        self.inner.state.plan().turns(transport).push(turn);
    }

    /// For every WebSocket that has carried a response. At first: [`Between::Wait`].
    pub fn set_between(&self, between: Between) {
        self.inner.state.plan().between = between;
    }

    /// Forgets all that was pushed and not yet used.
    pub fn clear_pushed(&self) {
        let mut plan = self.inner.state.plan();
        plan.handshake.clear();
        plan.websocket.clear();
        plan.sse.clear();
    }

    /// From now on answers 401 on both transports to all that do not bring this token.
    pub fn require_bearer(&self, token: &str) {
        self.inner.state.plan().bearer = Some(token.to_owned());
    }

    /// From now on sends these headers too, with the answer to each upgrade that is granted, and with each
    /// event stream.
    pub fn set_headers(&self, headers: &[(&str, &str)]) {
        let lines = headers.iter().map(|(name, value)| format!("{name}: {value}\r\n"));
        self.inner.state.plan().headers = lines.collect();
    }

    /// Answers a larger WebSocket message with close 1009. At first, and at most: 64 MiB.
    pub fn max_ws_message(&self, bytes: usize) {
        self.inner.state.plan().max_ws_message = bytes.min(crate::state::BOUND);
    }
}

/// How it takes what is large.
impl Peer {
    /// Hangs up on a larger message or body as soon as it sees how large it is: after a close 1009, or an
    /// answer 413, with the rest unread, so that the client's next write fails.
    pub fn hang_up_above(&self, bytes: usize) {
        let mut plan = self.inner.state.plan();
        plan.max_ws_message = bytes.min(crate::state::BOUND);
        plan.max_body = plan.max_ws_message;
        plan.hangs_up = true;
    }

    /// Reads at most this much at once, and nothing for a while after each time; the journal has each of
    /// them.
    pub fn read_slowly(&self, bytes: usize, pause: Duration) {
        self.inner.state.plan().pace = Some((bytes, pause));
    }

    /// Reads what there is again.
    pub fn read_at_once(&self) {
        self.inner.state.plan().pace = None;
    }
}

/// What happened.
impl Peer {
    /// What happened so far.
    #[must_use]
    pub fn journal(&self) -> Journal {
        self.inner.state.recorder.snapshot()
    }

    /// Waits until the journal is as `pred` says, and gives that journal. Works on every executor.
    ///
    /// # Panics
    ///
    /// After 20 seconds, with `what` and the journal.
    pub async fn wait_for(&self, what: &str, pred: impl Fn(&Journal) -> bool) -> Journal {
        self.wait_within(PATIENCE, what, pred).await
    }

    async fn wait_within(&self, limit: Duration, what: &str, pred: impl Fn(&Journal) -> bool) -> Journal {
        match within(limit, self.inner.state.recorder.until(pred)).await {
            Some(journal) => journal,
            None => panic!("waited {limit:?} for: {what}\n{}", self.journal()),
        }
    }

    /// [`wait_for`](Self::wait_for) for tests without an executor.
    ///
    /// # Panics
    ///
    /// After 20 seconds, with `what` and the journal.
    pub fn wait_for_blocking(&self, what: &str, pred: impl Fn(&Journal) -> bool) -> Journal {
        block_on(self.wait_for(what, pred))
    }
}

impl fmt::Debug for Peer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Peer").field("url", &self.url()).finish_non_exhaustive()
    }
}

impl Inner {
    fn send(&self, command: Command) {
        let commands = self.commands.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(commands) = &*commands {
            // Fails only when the thread is gone, and then there is nothing left to command.
            let _ = commands.send(command);
        }
    }

    fn listen(&self, listen: bool) {
        let (done, wait) = mpsc::channel();
        self.send(Command::Listen(listen, done));
        let _ = wait.recv();
    }

    fn shut_down(&self) {
        drop(self.commands.lock().unwrap_or_else(PoisonError::into_inner).take());
        let thread = self.thread.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(thread) = thread {
            // A panic there was printed when it happened.
            let _ = thread.join();
        }
    }
}

impl Drop for Inner {
    fn drop(&mut self) {
        self.shut_down();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    #[should_panic(expected = "for: nothing at all\njournal of the peer, 0 entries")]
    fn a_wait_in_vain_prints_the_journal() {
        let limit = Duration::from_millis(10);
        block_on(Peer::start().wait_within(limit, "nothing at all", |_| false));
    }
}
