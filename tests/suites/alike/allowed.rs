//! Where the adapters differ, and why they may.

use crate::lines::HEADER;
use crate::scene::Seen;

/// Leaves out what may differ.
pub(crate) fn leave_out(seen: &mut Seen) {
    for lines in seen.connections.iter_mut().chain([&mut seen.tunnels]) {
        sort_headers(lines);
    }
    for line in &mut seen.caller {
        for (theirs, plain) in WORDS {
            *line = line.replace(theirs, plain);
        }
    }
}

/// The order in which headers are sent. It means nothing (RFC 9110, section 5.3): hyper sends them in the
/// order of a map, and the blocking client writes its own head.
fn sort_headers(lines: &mut [String]) {
    let is_header = |line: &String| line.starts_with(HEADER);
    for headers in lines.chunk_by_mut(|one, next| is_header(one) == is_header(next)) {
        if headers.iter().all(is_header) {
            headers.sort();
        }
    }
}

/// What the libraries below say of an error, after our own sentence, and what stands for it here.
const WORDS: [(&str, &str); 9] = [
    // hyper puts its own words before those of the system, and has some where httparse and we have none.
    ("handshake: connection error: ", "handshake: "),
    (", without a final event: connection closed before message completed", ", without a final event"),
    ("invalid HTTP version parsed", "invalid HTTP version"),
    // A body that breaks off is `Reset` by what hyper tells and `EndOfStream` by what ureq tells, whether it
    // was reset or ended.
    (
        "was cut off in mid-stream: error reading a body from connection: \
         unexpected EOF during chunk size line",
        BROKEN_OFF,
    ),
    (
        "was cut off in mid-stream: error reading a body from connection: \
         Connection reset by peer (os error 104)",
        BROKEN_OFF,
    ),
    (
        "was cut off in mid-stream: error reading a body from connection: \
         peer closed connection without sending TLS close_notify: \
         https://docs.rs/rustls/latest/rustls/manual/_03_howto/index.html#unexpected-eof",
        BROKEN_OFF,
    ),
    ("ended in mid-stream, without a final event: io: Peer disconnected", BROKEN_OFF),
    // A body that is not chunked as it should be is `Reset` by what hyper tells, and `ProtocolViolation` by
    // what ureq tells.
    (
        "was cut off in mid-stream: error reading a body from connection: \
         Invalid chunk size line: missing size digit",
        NO_CHUNK,
    ),
    (
        "broke the rules of its protocol in mid-stream: protocol: chunk length cannot be read as a number",
        NO_CHUNK,
    ),
];
const BROKEN_OFF: &str = "(broke off)";
const NO_CHUNK: &str = "(sent no chunk)";
