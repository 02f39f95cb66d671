//! A client that sees every byte.
#![allow(dead_code, unreachable_pub)]

use std::io::{ErrorKind, Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use failback_peer::{Journal, Peer};
use serde_json::{Value, json};

pub const KEY: &str = "dGhlIHNhbXBsZSBub25jZQ==";

/// How a connection ended.
#[derive(Debug, PartialEq)]
pub enum End {
    Eof,
    Reset,
}

pub struct Raw {
    tcp: TcpStream,
    buf: Vec<u8>,
}

impl Raw {
    pub fn connect(peer: &Peer) -> Self {
        let tcp = TcpStream::connect(peer.addr()).unwrap();
        tcp.set_read_timeout(Some(Duration::from_secs(15))).unwrap();
        Self { tcp, buf: Vec::new() }
    }

    pub fn send(&mut self, bytes: &[u8]) {
        self.tcp.write_all(bytes).unwrap();
    }

    /// More bytes, or how it ended.
    pub fn fill(&mut self) -> Result<(), End> {
        let mut piece = [0; 16 * 1024];
        match self.tcp.read(&mut piece) {
            Ok(0) => Err(End::Eof),
            Ok(n) => {
                self.buf.extend_from_slice(&piece[..n]);
                Ok(())
            }
            Err(error) if error.kind() == ErrorKind::ConnectionReset => Err(End::Reset),
            Err(error) => panic!("{error}"),
        }
    }

    /// How it ends; nothing else may come.
    pub fn end(&mut self) -> End {
        assert!(self.buf.is_empty(), "left: {}", String::from_utf8_lossy(&self.buf));
        match self.fill() {
            Ok(()) => panic!("still there: {}", String::from_utf8_lossy(&self.buf)),
            Err(end) => end,
        }
    }

    /// Nothing comes for a while.
    pub fn silent(&mut self) {
        assert!(self.buf.is_empty(), "{}", String::from_utf8_lossy(&self.buf));
        self.tcp.set_read_timeout(Some(Duration::from_millis(50))).unwrap();
        let error = self.tcp.read(&mut [0; 100]).unwrap_err();
        assert!(matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut), "{error}");
        self.tcp.set_read_timeout(Some(Duration::from_secs(15))).unwrap();
    }

    pub fn bytes(&mut self, count: usize) -> Vec<u8> {
        while self.buf.len() < count {
            self.fill().unwrap();
        }
        self.buf.drain(..count).collect()
    }

    pub fn line(&mut self) -> String {
        loop {
            if let Some(at) = self.buf.windows(2).position(|w| w == b"\r\n") {
                let line: Vec<u8> = self.buf.drain(..at + 2).collect();
                return String::from_utf8(line[..at].to_vec()).unwrap();
            }
            self.fill().unwrap();
        }
    }

    /// The status, and the header lines.
    pub fn head(&mut self) -> (u16, Vec<String>) {
        let status = self.line().split(' ').nth(1).unwrap().parse().unwrap();
        let mut headers = Vec::new();
        loop {
            match self.line() {
                line if line.is_empty() => return (status, headers),
                line => headers.push(line),
            }
        }
    }

    /// The status and the body of an answer with a length.
    pub fn answer(&mut self) -> (u16, String) {
        let (status, headers) = self.head();
        let len = headers.iter().find_map(|h| h.strip_prefix("content-length: ")).unwrap().parse().unwrap();
        (status, String::from_utf8(self.bytes(len)).unwrap())
    }
}

/// WebSocket.
impl Raw {
    pub fn ask_upgrade(peer: &Peer) -> Self {
        let mut raw = Self::connect(peer);
        let request = format!(
            "GET /v1/responses HTTP/1.1\r\nHost: x\r\nConnection: keep-alive, Upgrade\r\nUpgrade: websocket\r\n\
             Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: {KEY}\r\nAuthorization: Bearer sesame\r\n\r\n"
        );
        raw.send(request.as_bytes());
        raw
    }

    pub fn upgrade(peer: &Peer) -> Self {
        let mut raw = Self::ask_upgrade(peer);
        let (status, headers) = raw.head();
        assert_eq!(status, 101);
        // The example of RFC 6455.
        assert!(
            headers.iter().any(|h| h == "sec-websocket-accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo="),
            "{headers:?}"
        );
        raw
    }

    pub fn send_frame(&mut self, opcode: u8, payload: &[u8]) {
        let mut out = failback_peer::frame_header(opcode, payload.len() as u64);
        out[1] |= 0x80;
        out.extend_from_slice(&[0; 4]);
        out.extend_from_slice(payload);
        self.send(&out);
    }

    pub fn create(&mut self, mut body: Value) {
        body["type"] = "response.create".into();
        self.send_frame(1, body.to_string().as_bytes());
    }

    pub fn frame(&mut self) -> (u8, Vec<u8>) {
        let head = self.bytes(2);
        let len = match head[1] {
            126 => u16::from_be_bytes(self.bytes(2).try_into().unwrap()).into(),
            127 => u64::from_be_bytes(self.bytes(8).try_into().unwrap()) as usize,
            len => len.into(),
        };
        (head[0] & 0x0f, self.bytes(len))
    }

    pub fn ws_event(&mut self) -> Value {
        let (opcode, payload) = self.frame();
        assert_eq!(opcode, 1, "{}", String::from_utf8_lossy(&payload));
        serde_json::from_slice(&payload).unwrap()
    }

    pub fn ws_events(&mut self, count: usize) {
        for number in 0..count {
            assert_eq!(self.ws_event()["sequence_number"], number);
        }
    }

    pub fn ws_turn(&mut self) -> Vec<Value> {
        until_terminal(|| self.ws_event())
    }

    pub fn close_code(&mut self) -> u16 {
        let (opcode, payload) = self.frame();
        assert_eq!(opcode, 8, "{}", String::from_utf8_lossy(&payload));
        u16::from_be_bytes(payload[..2].try_into().unwrap())
    }

    /// Whether pings are answered.
    pub fn ping(&mut self) {
        self.send_frame(9, b"there?");
        assert_eq!(self.frame(), (10, b"there?".to_vec()));
    }
}

/// SSE.
impl Raw {
    pub fn post(&mut self, body: &Value) {
        let body = body.to_string();
        let request = format!(
            "POST /v1/responses HTTP/1.1\r\nHost: x\r\nAccept: text/event-stream\r\n\
             Content-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}",
            body.len()
        );
        self.send(request.as_bytes());
    }

    pub fn ask(peer: &Peer) -> Self {
        let mut raw = Self::connect(peer);
        raw.post(&hello());
        raw
    }

    pub fn stream(peer: &Peer) -> Self {
        let mut raw = Self::ask(peer);
        raw.stream_head();
        raw
    }

    pub fn stream_head(&mut self) {
        let (status, headers) = self.head();
        assert_eq!(status, 200);
        assert!(headers.iter().any(|h| h.starts_with("content-type: text/event-stream")), "{headers:?}");
    }

    pub fn chunk(&mut self) -> String {
        let len = usize::from_str_radix(&self.line(), 16).unwrap();
        let chunk = self.bytes(len);
        assert_eq!(self.bytes(2), b"\r\n");
        String::from_utf8(chunk).unwrap()
    }

    pub fn sse_event(&mut self) -> Value {
        let chunk = self.chunk();
        let (name, data) = chunk.split_once('\n').unwrap();
        let event: Value = serde_json::from_str(data.strip_prefix("data: ").unwrap().trim_end()).unwrap();
        assert_eq!(name, format!("event: {}", event["type"].as_str().unwrap()));
        assert!(chunk.ends_with("}\n\n"), "{chunk}");
        event
    }

    pub fn sse_events(&mut self, count: usize) {
        for number in 0..count {
            assert_eq!(self.sse_event()["sequence_number"], number);
        }
    }

    pub fn sse_turn(&mut self) -> Vec<Value> {
        let events = until_terminal(|| self.sse_event());
        assert_eq!(self.chunk(), "");
        events
    }
}

fn until_terminal(mut next: impl FnMut() -> Value) -> Vec<Value> {
    let mut events = Vec::new();
    loop {
        let event = next();
        let name = event["type"].as_str().unwrap().to_owned();
        events.push(event);
        let terminal = ["response.completed", "response.incomplete", "response.failed", "error"];
        if terminal.contains(&name.as_str()) {
            return events;
        }
    }
}

pub fn hello() -> Value {
    json!({ "model": "m", "input": "hello world", "stream": true })
}

pub fn hello_ws() -> Value {
    json!({ "model": "m", "input": "hello world" })
}

pub fn text(events: &[Value]) -> String {
    events.iter().filter_map(|e| e["delta"].as_str()).collect()
}

pub fn names(events: &[Value]) -> Vec<&str> {
    events.iter().map(|e| e["type"].as_str().unwrap()).collect()
}

/// Every connection has ended.
pub fn all_gone(peer: &Peer) -> Journal {
    peer.wait_for_blocking("all connections to end", |j| j.connections() > 0 && j.open_connections() == 0)
}
