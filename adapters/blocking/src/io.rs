use std::io::{self, ErrorKind, Read, Write};
use std::sync::Arc;

use rustls::ClientConnection;

use crate::bell::Bell;
use crate::socket::Socket;

/// How many bytes are read in a row before time limits are checked, even if more have arrived.
const BYTES_IN_A_ROW: usize = 256 * 1024;

/// A dialled connection, in plain text or under TLS, that never blocks. WebSocket and HTTP both run on it.
///
/// A write that fails looks like one that would block, so that what had arrived before is read first. Reading
/// then finds the end, and [`write_error`](Self::write_error) says why the write failed.
pub(crate) struct Io {
    road: Road,
    bytes_left: usize,
    write_error: Option<io::Error>,
}

enum Road {
    Plain(Socket),
    /// TLS over a dialled connection, or over a tunnel through a proxy.
    Tls(Box<Tls>),
}

struct Tls {
    session: ClientConnection,
    below: Io,
}

impl Io {
    pub(crate) fn plain(socket: Socket) -> Self {
        Self { road: Road::Plain(socket), bytes_left: BYTES_IN_A_ROW, write_error: None }
    }

    /// TLS over `below`. Its handshake is done by [`shake_hands`](Self::shake_hands).
    pub(crate) fn tls(session: ClientConnection, below: Io) -> Self {
        let road = Road::Tls(Box::new(Tls { session, below }));
        Self { road, bytes_left: BYTES_IN_A_ROW, write_error: None }
    }

    /// Goes on with the handshake of TLS. It is not done while this says that it would block.
    pub(crate) fn shake_hands(&mut self) -> io::Result<()> {
        match &mut self.road {
            Road::Plain(_) => Ok(()),
            Road::Tls(tls) => tls.shake_hands(),
        }
    }

    /// The version of TLS, as rustls names it. Empty in plain text, and before the handshake.
    pub(crate) fn tls_version(&self) -> &'static str {
        match &self.road {
            Road::Plain(_) => "",
            Road::Tls(tls) => {
                tls.session.protocol_version().and_then(|version| version.as_str()).unwrap_or_default()
            }
        }
    }

    pub(crate) fn attach(&mut self, bell: &Arc<Bell>) -> io::Result<()> {
        self.socket().attach(bell)
    }

    pub(crate) fn detach(&mut self) {
        self.socket().detach();
    }

    /// The TCP connection, below TLS and proxies.
    pub(crate) fn socket(&mut self) -> &mut Socket {
        match &mut self.road {
            Road::Plain(socket) => socket,
            Road::Tls(tls) => tls.below.socket(),
        }
    }

    /// Allows to read on. Returns whether reading had been interrupted, so that there may be more to read.
    pub(crate) fn take_interrupted(&mut self) -> bool {
        if let Road::Tls(tls) = &mut self.road {
            tls.below.take_interrupted();
        }
        std::mem::replace(&mut self.bytes_left, BYTES_IN_A_ROW) == 0
    }

    /// Whether reading is interrupted, here or below TLS: what has arrived there need not have brought
    /// anything here.
    fn is_interrupted(&self) -> bool {
        match &self.road {
            Road::Tls(tls) if tls.below.is_interrupted() => true,
            _ => self.bytes_left == 0,
        }
    }

    /// Interrupts reading, until [`take_interrupted`](Self::take_interrupted) allows it again.
    pub(crate) fn interrupt(&mut self) {
        self.bytes_left = 0;
    }

    pub(crate) fn write_error(&self) -> Option<&io::Error> {
        self.write_error.as_ref()
    }

    fn latch<T>(&mut self, written: io::Result<T>) -> io::Result<T> {
        match written {
            Err(error) if error.kind() != ErrorKind::WouldBlock => {
                self.write_error.get_or_insert(error);
                Err(ErrorKind::WouldBlock.into())
            }
            written => written,
        }
    }
}

impl Read for Io {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        if self.bytes_left == 0 {
            return Err(ErrorKind::WouldBlock.into());
        }
        let room = buf.len().min(self.bytes_left);
        let buf = buf.get_mut(..room).unwrap_or_default();
        let read = match &mut self.road {
            Road::Plain(socket) => socket.read(buf),
            Road::Tls(tls) => tls.read(buf),
        };
        self.bytes_left = match &read {
            Ok(read) => self.bytes_left.saturating_sub(*read),
            Err(_) if self.is_interrupted() => 0,
            // When there was nothing left to read, the count begins anew.
            Err(_) => BYTES_IN_A_ROW,
        };
        read
    }
}

impl Write for Io {
    fn write(&mut self, buf: &[u8]) -> io::Result<usize> {
        if self.write_error.is_some() {
            return Err(ErrorKind::WouldBlock.into());
        }
        let written = match &mut self.road {
            Road::Plain(socket) => socket.write(buf),
            Road::Tls(tls) => tls.write(buf),
        };
        self.latch(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        if self.write_error.is_some() {
            return Err(ErrorKind::WouldBlock.into());
        }
        let flushed = match &mut self.road {
            Road::Plain(socket) => socket.flush(),
            Road::Tls(tls) => tls.flush(),
        };
        self.latch(flushed)
    }
}

impl Tls {
    fn shake_hands(&mut self) -> io::Result<()> {
        loop {
            self.send()?;
            if !self.session.is_handshaking() {
                return Ok(());
            }
            self.below.take_interrupted();
            if self.receive()? == 0 {
                return Err(ErrorKind::UnexpectedEof.into());
            }
        }
    }

    /// Sends encrypted bytes, as far as there is room.
    fn send(&mut self) -> io::Result<()> {
        while self.session.wants_write() {
            match self.session.write_tls(&mut self.below) {
                Ok(0) => return Err(ErrorKind::WriteZero.into()),
                Ok(_) => {}
                Err(error) => return Err(self.below.write_error.take().unwrap_or(error)),
            }
        }
        Ok(())
    }

    /// Reads encrypted bytes, once.
    fn receive(&mut self) -> io::Result<usize> {
        let read = self.session.read_tls(&mut self.below)?;
        if let Err(error) = self.session.process_new_packets() {
            // Sends the alert that tells the peer why, if it still reads.
            let _ = self.send();
            return Err(io::Error::new(ErrorKind::InvalidData, error));
        }
        Ok(read)
    }
}

impl Read for Tls {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        loop {
            match self.session.reader().read(buf) {
                Err(error) if error.kind() == ErrorKind::WouldBlock => {}
                read => return read,
            }
            self.receive()?;
            // What was read may need an answer. An error is found again when there is nothing left to read.
            let _ = self.send();
        }
    }
}

impl Write for Tls {
    fn write(&mut self, buf: &[u8]) -> io::Result<usize> {
        let taken = self.session.writer().write(buf)?;
        match self.send() {
            Err(error) if error.kind() != ErrorKind::WouldBlock => Err(error),
            // Nothing was taken before, because there was no room. After sending there may be room.
            _ if taken == 0 && !buf.is_empty() => match self.session.writer().write(buf)? {
                0 => Err(ErrorKind::WouldBlock.into()),
                taken => Ok(taken),
            },
            _ => Ok(taken),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        self.send()
    }
}

#[cfg(test)]
mod tests {
    use std::net::{Ipv4Addr, TcpListener};
    use std::thread;
    use std::time::Duration;

    use mio::net::TcpStream;
    use rcgen::{CertificateParams, KeyPair};
    use rustls::pki_types::{PrivatePkcs8KeyDer, ServerName};
    use rustls::{ClientConfig, RootCertStore, ServerConfig, ServerConnection};

    use super::*;
    use crate::bell::Ringer;

    /// The two ends of TLS. After the handshake the server has tickets to send, which bring the client nothing.
    fn ends() -> (ServerConnection, ClientConnection) {
        let key = KeyPair::generate().unwrap();
        let certificate =
            CertificateParams::new(["peer.test".to_owned()]).unwrap().self_signed(&key).unwrap();
        let key = PrivatePkcs8KeyDer::from(key.serialize_der()).into();
        let server = ServerConfig::builder()
            .with_no_client_auth()
            .with_single_cert(vec![certificate.der().clone()], key)
            .unwrap();
        let mut roots = RootCertStore::empty();
        roots.add(certificate.der().clone()).unwrap();
        let client = ClientConfig::builder().with_root_certificates(roots).with_no_client_auth();
        let name = ServerName::try_from("peer.test").unwrap();
        let client = ClientConnection::new(Arc::new(client), name).unwrap();
        (ServerConnection::new(Arc::new(server)).unwrap(), client)
    }

    #[test]
    fn a_peer_that_sends_nothing_under_tls_interrupts_reading() {
        let (mut server, client) = ends();
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let stream = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
        let peer = thread::spawn(move || {
            let (mut socket, _) = listener.accept().unwrap();
            while server.is_handshaking() || server.wants_write() {
                server.complete_io(&mut socket).unwrap();
            }
            server.writer().write_all(b"x").unwrap();
            while server.wants_write() {
                server.write_tls(&mut socket).unwrap();
            }
            socket
        });
        let bell = Bell::new(Ringer::default()).unwrap();
        let mut io = Io::tls(client, Io::plain(Socket::new(stream, &bell).unwrap()));
        while let Err(error) = io.shake_hands() {
            assert_eq!(error.kind(), ErrorKind::WouldBlock);
            bell.wait(Some(Duration::from_millis(10))).unwrap();
        }
        // All of it has left. The tickets are longer than what may still be read.
        let _socket = peer.join().unwrap();
        if let Road::Tls(tls) = &mut io.road {
            tls.below.bytes_left = 100;
        }
        let mut byte = [0];
        let mut was_interrupted = false;
        while let Err(error) = io.read(&mut byte) {
            assert_eq!(error.kind(), ErrorKind::WouldBlock);
            was_interrupted |= io.take_interrupted();
        }
        assert_eq!(byte, *b"x");
        assert!(was_interrupted, "it read all tickets in a row");
    }
}
