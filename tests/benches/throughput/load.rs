//! What a server sends and a client must have read: one response, made before anything is measured.

use failback_peer::{Transport, text_frame};

use crate::delta::delta;

/// One response. Its bytes are those that the server sends: frames, or chunks after the head of an answer.
pub(crate) struct Load {
    /// Up to the end of the first event.
    pub(crate) first: Vec<u8>,
    /// All that follows.
    pub(crate) rest: Vec<u8>,
    /// How many events it has, and how many bytes of text they add.
    pub(crate) tally: Tally,
    /// The length of an SSE answer without the framing of its body.
    pub(crate) body: usize,
}

/// What a reader has counted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Tally {
    pub(crate) events: usize,
    pub(crate) text: usize,
}

/// A response with so many deltas of so many bytes, between its first event and its last. Responses that
/// follow each other on one connection must have different numbers, which make their ids.
pub(crate) fn load(transport: Transport, response: usize, deltas: usize, bytes: usize) -> Load {
    let tally = Tally { events: 0, text: deltas * bytes };
    let mut load = Load { first: head(transport), rest: Vec::new(), tally, body: 0 };
    let created = whole("response.created", 0, response);
    let first = load.event(transport, "response.created", &created);
    load.first.extend(first);
    for number in 1..=deltas {
        let delta = delta(number, response, bytes);
        let event = load.event(transport, "response.output_text.delta", &delta);
        load.rest.extend(event);
    }
    let completed = whole("response.completed", deltas + 1, response);
    let last = load.event(transport, "response.completed", &completed);
    load.rest.extend(last);
    load.rest.extend(end(transport));
    load
}

impl Load {
    fn event(&mut self, transport: Transport, kind: &str, json: &str) -> Vec<u8> {
        self.tally.events += 1;
        match transport {
            Transport::WebSocket => text_frame(json),
            Transport::Sse => {
                // Servers flush after each event, so each is a chunk.
                let event = format!("event: {kind}\ndata: {json}\n\n");
                self.body += event.len();
                format!("{:x}\r\n{event}\r\n", event.len()).into_bytes()
            }
        }
    }
}

/// The JSON of an event that carries the response object.
fn whole(kind: &str, number: usize, response: usize) -> String {
    let response = format!(r#"{{"id":"resp_{response:032x}","object":"response"}}"#);
    format!(r#"{{"type":"{kind}","sequence_number":{number},"response":{response}}}"#)
}

fn head(transport: Transport) -> Vec<u8> {
    match transport {
        Transport::WebSocket => Vec::new(),
        Transport::Sse => {
            b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n"
                .to_vec()
        }
    }
}

fn end(transport: Transport) -> &'static [u8] {
    match transport {
        Transport::WebSocket => b"",
        Transport::Sse => b"0\r\n\r\n",
    }
}
