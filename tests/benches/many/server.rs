//! The server, in a process of its own, so that its memory is not measured. It sends the first event of each
//! response, holds all of them until it is told to go on, and then sends the rest.

use std::io::{BufRead, BufReader as Lines, Result, Write};
use std::net::SocketAddr;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;

use failback_peer::Transport;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpSocket, TcpStream};
use tokio::sync::watch;
use tokio_tungstenite::tungstenite::handshake::derive_accept_key;

use crate::limits;
use crate::load::{Load, Tally, load};

const TEXT: u8 = 1;
/// What a response has beside its first event: so many deltas, each of so many bytes of text.
const DELTAS: usize = 60;
const BYTES: usize = 100;

/// The server of one measurement. It ends with its standard input.
pub(crate) struct Server {
    process: Child,
    pub(crate) address: SocketAddr,
}

impl Server {
    /// Starts this program once more, as a server.
    pub(crate) fn start() -> Self {
        let program = std::env::current_exe().expect("a program");
        let mut process = Command::new(program)
            .arg("--server")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("another process");
        let mut line = String::new();
        let says = process.stdout.as_mut().expect("a pipe");
        Lines::new(says).read_line(&mut line).expect("its address");
        let address = line.trim().parse().expect("its address");
        Self { process, address }
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}/v1", self.address)
    }

    /// Lets all responses go on, now and later.
    pub(crate) fn go_on(&self) {
        let mut tells = self.process.stdin.as_ref().expect("a pipe");
        tells.write_all(b"go on\n").expect("a server that runs");
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        drop(self.process.stdin.take());
        let _ = self.process.wait();
    }
}

/// What a reader must have counted.
pub(crate) fn expected(transport: Transport) -> Tally {
    load(transport, 1, DELTAS, BYTES).tally
}

/// The process of the server.
pub(crate) fn run() {
    limits::raise();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    let (opens, gate) = watch::channel(false);
    std::thread::spawn(move || {
        for _ in std::io::stdin().lines() {
            opens.send_replace(true);
        }
        std::process::exit(0);
    });
    runtime.block_on(async {
        let socket = TcpSocket::new_v4().expect("a socket");
        socket.bind(SocketAddr::from(([127, 0, 0, 1], 0))).expect("an address");
        let listener = socket.listen(4096).expect("a listener");
        println!("{}", listener.local_addr().expect("its address"));
        let loads = [Transport::WebSocket, Transport::Sse].map(|of| load(of, 1, DELTAS, BYTES));
        let loads = Arc::new(loads);
        loop {
            let (stream, _) = listener.accept().await.expect("a connection");
            // An error is that of a client that is gone.
            tokio::spawn(serve(stream, Arc::clone(&loads), gate.clone()));
        }
    });
}

async fn serve(stream: TcpStream, loads: Arc<[Load; 2]>, mut gate: watch::Receiver<bool>) -> Result<()> {
    stream.set_nodelay(true)?;
    let mut stream = BufReader::new(stream);
    let [frames, chunks] = &*loads;
    loop {
        let (mut key, mut length) = (None, 0);
        loop {
            let mut line = String::new();
            if stream.read_line(&mut line).await? == 0 {
                return Ok(());
            }
            let Some((name, value)) = line.split_once(':') else {
                if line.trim().is_empty() {
                    break;
                }
                continue;
            };
            match name.to_ascii_lowercase().as_str() {
                "sec-websocket-key" => key = Some(value.trim().to_owned()),
                "content-length" => length = value.trim().parse().unwrap_or(0),
                _ => {}
            }
        }
        let Some(key) = key else {
            skip(&mut stream, length).await?;
            respond(&mut stream, chunks, &mut gate).await?;
            continue;
        };
        let head = format!(
            "HTTP/1.1 101 Switching Protocols\r\nconnection: Upgrade\r\nupgrade: websocket\r\n\
             sec-websocket-accept: {}\r\n\r\n",
            derive_accept_key(key.as_bytes())
        );
        stream.write_all(head.as_bytes()).await?;
        loop {
            message(&mut stream).await?;
            respond(&mut stream, frames, &mut gate).await?;
        }
    }
}

async fn respond(
    stream: &mut BufReader<TcpStream>,
    load: &Load,
    gate: &mut watch::Receiver<bool>,
) -> Result<()> {
    stream.write_all(&load.first).await?;
    let _ = gate.wait_for(|open| *open).await;
    stream.write_all(&load.rest).await
}

/// Passes over everything up to a text message, and over that.
async fn message(stream: &mut BufReader<TcpStream>) -> Result<()> {
    loop {
        let [first, second] = stream.read_u16().await?.to_be_bytes();
        let length = match second & 0x7f {
            126 => u64::from(stream.read_u16().await?),
            127 => stream.read_u64().await?,
            length => u64::from(length),
        };
        // The mask comes first: a client masks what it sends.
        skip(stream, length.saturating_add(4)).await?;
        if first & 0x0f == TEXT {
            return Ok(());
        }
    }
}

async fn skip(stream: &mut BufReader<TcpStream>, length: u64) -> Result<u64> {
    tokio::io::copy(&mut stream.take(length), &mut tokio::io::sink()).await
}
