//! What ureq tells when there is no stream: a refusal, or an error.

use std::io::{ErrorKind, Read};

use failback::Transport;
use failback_client::Refusal;
use failback_wire::{MAX_ERROR_BODY_BYTES, Seen};
use ureq::BodyReader;
use ureq::http::HeaderMap;

use crate::deadline::Deadline;
use crate::halt::Halt;
use crate::handshake::TOO_LARGE;
use crate::link::Link;

/// Reads a refusal, with as much of its body as is looked at and arrives soon.
pub(crate) fn read_refusal(
    link: &Link,
    status: u16,
    headers: HeaderMap,
    mut body: BodyReader<'static>,
) -> Result<Refusal, Halt> {
    let (mut read, mut is_whole) = (Vec::new(), false);
    if let Some(time) = Refusal::body_time(Transport::Sse, status, &headers) {
        link.with_watch(|watch| watch.end_at(Deadline::after(time)));
        while read.len() <= MAX_ERROR_BODY_BYTES && !is_whole {
            let before = read.len();
            read.resize(before.saturating_add(MAX_ERROR_BODY_BYTES), 0);
            let more = body.read(read.get_mut(before..).unwrap_or_default());
            read.truncate(before.saturating_add(*more.as_ref().unwrap_or(&0)));
            match more {
                Ok(more) => is_whole = more == 0,
                Err(_) => break,
            }
        }
    }
    match link.take_halt() {
        Some(Halt::Stopped) => Err(Halt::Stopped),
        _ => Ok(Refusal::new(status, headers, read, is_whole)),
    }
}

/// Why the connection does not go on: what [`Link`] knows, or else what ureq says.
pub(crate) fn broken(link: &Link, error: ureq::Error) -> Halt {
    if let Some(halt) = link.take_halt() {
        return halt;
    }
    if let Some((kind, detail)) = link.take_error() {
        return Halt::new(seen(kind), detail);
    }
    match &error {
        ureq::Error::LargeResponseHeader(..) => Halt::new(Seen::ProtocolViolation, TOO_LARGE),
        ureq::Error::Io(io) => Halt::new(seen(io.kind()), error),
        // ureq was used wrongly.
        ureq::Error::Http(_) | ureq::Error::BadUri(_) | ureq::Error::BodyExceedsLimit(_) => {
            Halt::internal(error)
        }
        _ => Halt::new(Seen::ProtocolViolation, error),
    }
}

/// What an error of this kind shows.
fn seen(kind: ErrorKind) -> Seen<'static> {
    match kind {
        ErrorKind::UnexpectedEof => Seen::EndOfStream,
        ErrorKind::InvalidData => Seen::ProtocolViolation,
        _ => Seen::Reset,
    }
}
