//! A server that does as little as it can, and has its part done before the reader's time is taken.
//!
//! It sends the first event, waits until that has been read, writes the rest into the buffers of the two
//! sockets, and says when all of it is there. So a reader that is faster than the server is not measured
//! waiting, or waking up for every few bytes.

use std::io::{BufRead, BufReader, Read, Result, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use failback_peer::Transport;
use tokio_tungstenite::tungstenite::handshake::derive_accept_key;

use crate::load::Load;

const TEXT: u8 = 1;

/// How long a response may take to get into the buffers. Where they are too small for it, it never does.
const FILLING: Duration = Duration::from_millis(500);

/// A server of one transport, which refuses the other. Its threads end with the process.
pub(crate) struct Server {
    pub(crate) address: SocketAddr,
    first_read: Sender<()>,
    rest_written: Receiver<()>,
}

/// What a connection shares with the readers, one of which reads at a time.
struct Service {
    transport: Transport,
    /// Sent in turn.
    loads: [Load; 2],
    first_read: Mutex<Receiver<()>>,
    rest_written: Sender<()>,
}

impl Server {
    pub(crate) fn start(transport: Transport, loads: [Load; 2]) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("an address on this machine");
        let address = listener.local_addr().expect("its address");
        let ((first_read, read), (write, rest_written)) = (channel(), channel());
        let service = Service { transport, loads, first_read: read.into(), rest_written: write };
        let service = Arc::new(service);
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let service = Arc::clone(&service);
                // An error is that of a client that is gone.
                thread::spawn(move || service.serve(stream));
            }
        });
        Self { address, first_read, rest_written }
    }

    /// The first event has been read. Returns when the rest can be, and says whether all of it is there.
    pub(crate) fn wait_for_rest(&self) -> bool {
        // Of a response that was read before all of it was there.
        self.rest_written.try_iter().for_each(drop);
        self.first_read.send(()).expect("the server runs");
        self.rest_written.recv_timeout(FILLING).is_ok()
    }
}

impl Service {
    fn serve(&self, stream: TcpStream) -> Result<()> {
        stream.set_nodelay(true)?;
        let (mut requests, mut answers) = (BufReader::new(stream.try_clone()?), stream);
        let mut loads = self.loads.iter().cycle();
        loop {
            let head = head(&mut requests)?;
            match (header(&head, "sec-websocket-key"), self.transport) {
                (Some(key), Transport::WebSocket) => {
                    let accept = derive_accept_key(key.as_bytes());
                    write!(
                        answers,
                        "HTTP/1.1 101 Switching Protocols\r\nconnection: Upgrade\r\nupgrade: websocket\r\n\
                         sec-websocket-accept: {accept}\r\n\r\n"
                    )?;
                    loop {
                        message(&mut requests)?;
                        self.respond(loads.next(), &mut answers)?;
                    }
                }
                (None, Transport::Sse) => {
                    let length = header(&head, "content-length").and_then(|length| length.parse().ok());
                    skip(&mut requests, length.unwrap_or(0))?;
                    self.respond(loads.next(), &mut answers)?;
                }
                _ => answers.write_all(b"HTTP/1.1 426 Upgrade Required\r\ncontent-length: 0\r\n\r\n")?,
            }
        }
    }

    fn respond(&self, load: Option<&Load>, answers: &mut impl Write) -> Result<()> {
        let Some(load) = load else { return Ok(()) };
        answers.write_all(&load.first)?;
        let first_read = self.first_read.lock().map(|first_read| first_read.recv());
        if matches!(first_read, Ok(Ok(()))) {
            answers.write_all(&load.rest)?;
            let _ = self.rest_written.send(());
        }
        Ok(())
    }
}

/// Passes over everything up to a text message, and over that.
fn message(requests: &mut impl Read) -> Result<()> {
    loop {
        let mut start = [0; 2];
        requests.read_exact(&mut start)?;
        let [first, second] = start;
        let length = match second & 0x7f {
            126 => {
                let mut length = [0; 2];
                requests.read_exact(&mut length)?;
                u64::from(u16::from_be_bytes(length))
            }
            127 => {
                let mut length = [0; 8];
                requests.read_exact(&mut length)?;
                u64::from_be_bytes(length)
            }
            length => u64::from(length),
        };
        // The mask comes first: a client masks what it sends.
        skip(requests, length.saturating_add(4))?;
        if first & 0x0f == TEXT {
            return Ok(());
        }
    }
}

/// The lines of a request up to the empty one.
fn head(requests: &mut impl BufRead) -> Result<Vec<String>> {
    let mut lines = Vec::new();
    loop {
        let mut line = String::new();
        if requests.read_line(&mut line)? == 0 {
            return Err(std::io::ErrorKind::UnexpectedEof.into());
        }
        match line.trim_end() {
            "" => return Ok(lines),
            line => lines.push(line.to_owned()),
        }
    }
}

fn header<'a>(head: &'a [String], name: &str) -> Option<&'a str> {
    let mut fields = head.iter().filter_map(|line| line.split_once(':'));
    fields.find(|(field, _)| field.eq_ignore_ascii_case(name)).map(|(_, value)| value.trim())
}

fn skip(requests: &mut impl Read, length: u64) -> Result<u64> {
    std::io::copy(&mut requests.take(length), &mut std::io::sink())
}
