//! The WebSocket handshake (RFC 6455, section 4.1), in bounded memory and time.

use std::io::{self, ErrorKind, Read, Write};
use std::sync::Arc;

use failback::Transport;
use failback_client::{Lost, Refusal};
use failback_wire::{
    Headers, MAX_ERROR_BODY_BYTES, MAX_HEADER_BYTES, ResponseHeaders, Seen, is_upgrade_accepted,
};
use http::HeaderMap;
use http::header::{
    CONNECTION, CONTENT_LENGTH, SEC_WEBSOCKET_KEY, SEC_WEBSOCKET_VERSION, TRANSFER_ENCODING, UPGRADE,
};
use tungstenite::handshake::client::generate_key;
use tungstenite::handshake::derive_accept_key;

use crate::bell::Bell;
use crate::deadline::Deadline;
use crate::halt::Halt;
use crate::head::{MAX_HEADERS, header_map, is_interim, request};
use crate::io::Io;
use crate::network::Network;

const TRANSPORT: Transport = Transport::WebSocket;

/// The text for a head that is larger than allowed.
pub(crate) const TOO_LARGE: &str = "message head is too large";

/// The head of an HTTP answer, and what came after it.
struct Answer {
    status: u16,
    headers: HeaderMap,
    rest: Vec<u8>,
}

/// Makes a WebSocket of a connection. Also returns the headers of the answer, and the bytes that came after
/// it.
pub(crate) fn upgrade(
    network: &Network,
    mut io: Io,
    headers: &Headers,
    bell: &Arc<Bell>,
    deadline: &Deadline,
) -> Result<(Io, ResponseHeaders, Vec<u8>), Halt> {
    let key = generate_key();
    let shaken = shake_hands(network, &mut io, headers, &key, bell, deadline);
    let answer = shaken.map_err(|halt| match (halt, network.proxies.told_of(TRANSPORT)) {
        (Halt::Lost(Lost::Seen(Seen::HandshakeTimeout, None)), Some(proxy)) => {
            Halt::new(Seen::HandshakeTimeout, proxy)
        }
        (halt, _) => halt,
    })?;
    if answer.status != 101 {
        return Err(Lost::Upgrade(Box::new(refusal(&mut io, answer, bell)?)).into());
    }
    if !is_upgrade_accepted(&answer.headers, &derive_accept_key(key.as_bytes())) {
        return Err(Seen::BadAccept.into());
    }
    Ok((io, answer.headers.into(), answer.rest))
}

fn shake_hands(
    network: &Network,
    io: &mut Io,
    headers: &Headers,
    key: &str,
    bell: &Bell,
    deadline: &Deadline,
) -> Result<Answer, Halt> {
    let late = &Seen::HandshakeTimeout;
    let own = [
        (CONNECTION, "Upgrade"),
        (UPGRADE, "websocket"),
        (SEC_WEBSOCKET_VERSION, "13"),
        (SEC_WEBSOCKET_KEY, key),
    ];
    let request = request("GET", network.endpoint.target(TRANSPORT), &own, headers);
    let mut unsent = &request[..];
    let mut read = Vec::new();
    loop {
        let step = || {
            while !unsent.is_empty() {
                match io.write(unsent) {
                    Ok(written) => unsent = unsent.get(written..).unwrap_or_default(),
                    Err(error) if error.kind() == ErrorKind::WouldBlock => break,
                    Err(error) => return Err(error),
                }
            }
            let _ = io.flush();
            receive(io, &mut read, MAX_HEADER_BYTES.saturating_add(1))
        };
        match deadline.limit(bell, late, step)? {
            Ok(0) => return Err(Seen::EndOfStream.into()),
            Ok(_) => {}
            Err(error) => return Err(Halt::new(Seen::Reset, error)),
        }
        if let Some(answer) = parse(&mut read)? {
            return Ok(answer);
        }
        if read.len() > MAX_HEADER_BYTES {
            return Err(Halt::new(Seen::ProtocolViolation, TOO_LARGE));
        }
    }
}

/// Reads once, but not beyond `limit` bytes in all.
fn receive(io: &mut Io, to: &mut Vec<u8>, limit: usize) -> io::Result<usize> {
    let mut chunk = [0; 4096];
    let room = limit.saturating_sub(to.len()).min(chunk.len());
    io.take_interrupted();
    let read = io.read(chunk.get_mut(..room).unwrap_or_default())?;
    to.extend_from_slice(chunk.get(..read).unwrap_or_default());
    Ok(read)
}

/// The final answer. `None` while its head is not whole.
fn parse(read: &mut Vec<u8>) -> Result<Option<Answer>, Halt> {
    loop {
        let mut headers = [httparse::EMPTY_HEADER; MAX_HEADERS];
        let mut response = httparse::Response::new(&mut headers);
        let violated = |what: &dyn ToString| Halt::new(Seen::ProtocolViolation, what.to_string());
        let length = match response.parse(read) {
            Ok(httparse::Status::Complete(length)) => length,
            Ok(httparse::Status::Partial) => return Ok(None),
            Err(error) => return Err(violated(&error)),
        };
        let status = response.code.unwrap_or_default();
        let headers = header_map(response.headers).map_err(|error| violated(&error))?;
        let rest = read.split_off(length);
        if !is_interim(status) {
            return Ok(Some(Answer { status, headers, rest }));
        }
        // An interim answer. Another one follows.
        *read = rest;
    }
}

/// Reads a refusal, with as much of its body as is looked at and arrives soon.
fn refusal(io: &mut Io, answer: Answer, bell: &Bell) -> Result<Refusal, Halt> {
    let Answer { status, headers, rest: mut read } = answer;
    let is_chunked = headers.contains_key(TRANSFER_ENCODING);
    let length = headers.get(CONTENT_LENGTH).and_then(|value| value.to_str().ok());
    let length = length.and_then(|value| value.trim().parse::<usize>().ok()).filter(|_| !is_chunked);
    let is_over = |read: &[u8]| {
        if is_chunked { unchunked(read).1 } else { length.is_some_and(|length| read.len() >= length) }
    };
    let time = Refusal::body_time(TRANSPORT, status, &headers);
    let deadline = Deadline::after(time.unwrap_or_default());
    let mut is_whole = is_over(&read);
    while time.is_some() && !is_whole && read.len() <= MAX_ERROR_BODY_BYTES {
        match deadline.limit(bell, &Seen::HandshakeTimeout, || receive(io, &mut read, usize::MAX)) {
            Ok(Ok(0)) => {
                is_whole = !is_chunked && length.is_none();
                break;
            }
            Ok(Ok(_)) => is_whole = is_over(&read),
            Err(Halt::Stopped) => return Err(Halt::Stopped),
            _ => break,
        }
    }
    let body = if is_chunked { unchunked(&read).0 } else { read };
    Ok(Refusal::new(status, headers, body, is_whole))
}

/// Joins the data of chunks, of which the last may be cut off. Also says whether the chunk that ends the body
/// has come.
fn unchunked(mut body: &[u8]) -> (Vec<u8>, bool) {
    let mut data = Vec::new();
    while let Ok(httparse::Status::Complete((head, size))) = httparse::parse_chunk_size(body) {
        if size == 0 {
            return (data, true);
        }
        let chunk = body.get(head..).unwrap_or_default();
        let (chunk, rest) = chunk.split_at(usize::try_from(size).unwrap_or(usize::MAX).min(chunk.len()));
        data.extend_from_slice(chunk);
        body = rest.strip_prefix(b"\r\n").unwrap_or_default();
    }
    (data, false)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn interim_answers_are_not_the_last_word() {
        let mut read =
            b"HTTP/1.1 103 Early Hints\r\nlink: x\r\n\r\nHTTP/1.1 101 Ok\r\nupgrade: a\r\n".to_vec();
        assert!(parse(&mut read).is_ok_and(|answer| answer.is_none()));
        read.extend_from_slice(b"\r\nmore");
        let answer = parse(&mut read).ok().flatten().unwrap();
        assert_eq!((answer.status, answer.headers.len(), &answer.rest[..]), (101, 1, &b"more"[..]));
    }

    #[test]
    fn chunks_are_joined() {
        for (body, data, is_whole) in [
            (&b"3\r\nabc\r\n2;x=y\r\nde\r\n0\r\n\r\n"[..], &b"abcde"[..], true),
            (b"5\r\nab", b"ab", false),
            (b"ffffffffffffffff\r\nab\r\n0", b"ab\r\n0", false),
            (b"not a chunk", b"", false),
            (b"", b"", false),
        ] {
            assert_eq!(unchunked(body), (data.to_vec(), is_whole), "{body:?}");
        }
    }
}
