//! What a server sends and a client has to have read: one response, its bytes made before anything is measured.

use std::sync::Arc;

use failback_peer::{Transport, text_frame};

use crate::delta::delta;

/// One response.
#[derive(Clone)]
pub(crate) struct Load {
    /// What the server sends after the request: frames, or an answer with its head.
    pub(crate) bytes: Arc<[u8]>,
    /// How many events it has, and how many bytes of text they add.
    pub(crate) tally: Tally,
    /// The length of the body of an SSE answer, without its framing.
    pub(crate) body: usize,
}

/// What a client has read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Tally {
    pub(crate) events: usize,
    pub(crate) text: usize,
}

/// A response with so many deltas of so many bytes, between its first event and its last.
pub(crate) fn load(transport: Transport, deltas: usize, bytes: usize) -> Load {
    let response = r#"{"id":"resp_0a1b2c3d4e5f60718293a4b5c6d7e8f9","object":"response"}"#;
    let whole = |kind: &str, number: usize| {
        (kind.to_owned(), format!(r#"{{"type":"{kind}","sequence_number":{number},"response":{response}}}"#))
    };
    let created = whole("response.created", 0);
    let completed = whole("response.completed", deltas + 1);
    let deltas_of =
        (1..=deltas).map(|number| ("response.output_text.delta".to_owned(), delta(number, bytes)));
    let events = std::iter::once(created).chain(deltas_of).chain([completed]);

    let (mut sent, mut body) = (Vec::new(), 0);
    match transport {
        Transport::WebSocket => events.for_each(|(_, json)| sent.extend(text_frame(&json))),
        Transport::Sse => {
            sent.extend(
                b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n",
            );
            // A chunk for each event: servers flush after each.
            for (kind, json) in events {
                let event = format!("event: {kind}\ndata: {json}\n\n");
                body += event.len();
                sent.extend(format!("{:x}\r\n{event}\r\n", event.len()).into_bytes());
            }
            sent.extend(b"0\r\n\r\n");
        }
    }
    Load { bytes: sent.into(), tally: Tally { events: deltas + 2, text: deltas * bytes }, body }
}
