//! A server that does as little as it can: it answers each request with the same bytes, as fast as they are read.

use std::io::{BufRead, BufReader, Read, Result, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::thread;

use failback_peer::Transport;
use tokio_tungstenite::tungstenite::handshake::derive_accept_key;

use crate::load::Load;

const TEXT: u8 = 1;

/// Serves one transport and refuses the other, on threads that end with the process.
pub(crate) fn start(transport: Transport, load: &Load) -> SocketAddr {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("an address on this machine");
    let address = listener.local_addr().expect("its address");
    let load = load.clone();
    thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let load = load.clone();
            // An error is that of a client that is gone, or of one that will not get its answer and says so.
            thread::spawn(move || serve(stream, transport, &load));
        }
    });
    address
}

fn serve(stream: TcpStream, transport: Transport, load: &Load) -> Result<()> {
    stream.set_nodelay(true)?;
    let (mut requests, mut answers) = (BufReader::new(stream.try_clone()?), stream);
    loop {
        let head = head(&mut requests)?;
        match (header(&head, "sec-websocket-key"), transport) {
            (Some(key), Transport::WebSocket) => {
                let accept = derive_accept_key(key.as_bytes());
                write!(
                    answers,
                    "HTTP/1.1 101 Switching Protocols\r\nconnection: Upgrade\r\nupgrade: websocket\r\n\
                     sec-websocket-accept: {accept}\r\n\r\n"
                )?;
                return messages(&mut requests, &mut answers, load);
            }
            (None, Transport::Sse) => {
                let length = header(&head, "content-length").and_then(|length| length.parse().ok());
                skip(&mut requests, length.unwrap_or(0))?;
                answers.write_all(&load.bytes)?;
            }
            _ => answers.write_all(b"HTTP/1.1 426 Upgrade Required\r\ncontent-length: 0\r\n\r\n")?,
        }
    }
}

/// Answers each text message, however long, and passes over the rest.
fn messages(requests: &mut impl Read, answers: &mut impl Write, load: &Load) -> Result<()> {
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
            answers.write_all(&load.bytes)?;
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
