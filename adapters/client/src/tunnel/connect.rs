//! CONNECT: one request, and the head of its answer.

use failback_wire::{MAX_HEADER_BYTES, Seen};

use crate::agent::AGENT;
use crate::lost::Lost;
use crate::proxy::Credentials;

use super::next::{Next, not_a_proxy};

/// How many headers an answer may have.
const MAX_HEADERS: usize = 256;

/// The most bytes that are read at once. An answer is seldom longer.
const MAX_READ: usize = 4096;

/// What every answer begins with.
const START: &[u8] = b"HTTP/1.";

/// The first byte of an unencrypted TLS record: an alert, a handshake.
const TLS: [u8; 2] = [0x15, 0x16];

pub(super) struct Connect {
    request: Option<Vec<u8>>,
    /// What has arrived of the current head: of an interim answer, or of the final one.
    head: Vec<u8>,
    /// How many bytes the heads before it had.
    skipped: usize,
    is_open: bool,
}

impl Connect {
    /// Asks for a way to this host. An IPv6 address is in brackets.
    pub(super) fn new(host: &str, port: u16, credentials: Option<&Credentials>) -> Self {
        let authorization = credentials.map(|credentials| {
            let basic = credentials.basic();
            format!("Proxy-Authorization: {basic}\r\n")
        });
        let authorization = authorization.unwrap_or_default();
        let request = format!(
            "CONNECT {host}:{port} HTTP/1.1\r\nHost: {host}:{port}\r\nUser-Agent: {AGENT}\r\n{authorization}\r\n"
        );
        Self { request: Some(request.into_bytes()), head: Vec::new(), skipped: 0, is_open: false }
    }

    pub(super) fn next(&mut self) -> Next {
        if self.is_open {
            return Next::Open;
        }
        match self.request.take() {
            Some(request) => Next::Write(request),
            None => Next::Read { at_most: self.room().min(MAX_READ) },
        }
    }

    pub(super) fn handle_bytes(&mut self, bytes: &[u8]) -> Result<(), Lost> {
        if self.request.is_some() {
            return Err(unasked());
        }
        // The limit holds even if an adapter reads more than it was told to.
        if bytes.len() > self.room() {
            return Err(too_long());
        }
        // The empty line may have begun in an earlier read.
        let mut seen = self.head.len().saturating_sub(2);
        self.head.extend_from_slice(bytes);
        loop {
            self.check_start()?;
            let Some(end) = end_of_head(&self.head, seen) else { break };
            let status = status_of(self.head.get(..end).unwrap_or_default())?;
            let rest = self.head.split_off(end);
            match status {
                // Interim answers. 101 is none: no answer follows it.
                100 | 102..=199 => {
                    self.skipped = self.skipped.saturating_add(end);
                    self.head = rest;
                    seen = 0;
                }
                // A 2xx answer to CONNECT has no body, whatever its headers say (RFC 9110, section 9.3.6).
                200..=299 if rest.is_empty() => {
                    self.is_open = true;
                    return Ok(());
                }
                // With TLS and HTTP the client speaks first, so these bytes do not come from the server.
                200..=299 => return Err(unasked()),
                status => return Err(Seen::ProxyRefused { status }.into()),
            }
        }
        if self.room() == 0 { Err(too_long()) } else { Ok(()) }
    }

    /// How many bytes may still come.
    fn room(&self) -> usize {
        MAX_HEADER_BYTES.saturating_sub(self.skipped).saturating_sub(self.head.len())
    }

    /// Fails at the first byte that no HTTP answer begins with. Something that is not an HTTP proxy may never
    /// send the end of a head.
    fn check_start(&self) -> Result<(), Lost> {
        if self.head.iter().zip(START).all(|(byte, expected)| byte == expected) {
            return Ok(());
        }
        let hint = match self.head.first() {
            Some(first) if TLS.contains(first) => ": it speaks TLS, which needs https:// in the proxy's URL",
            _ => "",
        };
        Err(not_a_proxy(format!("its answer is not HTTP/1.1{hint}")))
    }
}

/// Where the body begins, after the first empty line that ends at `from` or later.
fn end_of_head(head: &[u8], from: usize) -> Option<usize> {
    let lines = head.iter().enumerate().skip(from).filter(|(_, byte)| **byte == b'\n');
    for (at, _) in lines {
        match head.get(at.saturating_add(1)..) {
            Some([b'\n', ..]) => return at.checked_add(2),
            Some([b'\r', b'\n', ..]) => return at.checked_add(3),
            _ => {}
        }
    }
    None
}

fn status_of(head: &[u8]) -> Result<u16, Lost> {
    let mut headers = [httparse::EMPTY_HEADER; MAX_HEADERS];
    let mut answer = httparse::Response::new(&mut headers);
    match answer.parse(head) {
        Ok(httparse::Status::Complete(_)) => {
            answer.code.ok_or_else(|| not_a_proxy("its answer has no status"))
        }
        Ok(httparse::Status::Partial) => Err(not_a_proxy("its answer has no end")),
        Err(httparse::Error::TooManyHeaders) => {
            Err(not_a_proxy(format!("its answer has more than {MAX_HEADERS} headers")))
        }
        Err(error) => Err(not_a_proxy(format!("its answer is not HTTP/1.1: {error}"))),
    }
}

fn unasked() -> Lost {
    not_a_proxy("it sent something that nobody asked for")
}

fn too_long() -> Lost {
    not_a_proxy(format!("the head of its answer is longer than {MAX_HEADER_BYTES} bytes"))
}
