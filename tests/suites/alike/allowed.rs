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
const WORDS: [(&str, &str); 6] = [
    // hyper puts its own words before those of the system, and has some where httparse and we have none.
    ("handshake: connection error: ", "handshake: "),
    (", without a final event: connection closed before message completed", ", without a final event"),
    ("invalid HTTP version parsed", "invalid HTTP version"),
    ("error reading a body from connection: ", ""),
    ("unexpected EOF during chunk size line", "io: Peer disconnected"),
    ("Invalid chunk size line: missing size digit", "protocol: chunk length cannot be read as a number"),
];
