use ureq::unversioned::transport::{Buffers, LazyBuffers};

/// The most headers that an answer may have. Gateways add to those of servers; the limit in bytes holds as well.
pub(crate) const MAX_HEADERS: usize = 256;

/// The most headers that ureq takes, less a few.
const UREQ_HEADERS: usize = 100;

/// What is read of an answer, here or by ureq, and by those who judge it.
const READ: [&str; 9] = [
    "connection",
    "content-encoding",
    "content-length",
    "content-type",
    "location",
    "retry-after",
    "retry-after-ms",
    "transfer-encoding",
    "x-should-retry",
];

/// Takes the headers that nobody reads out of a head with more of them than ureq takes. Says whether the head is whole, or
/// none: ureq then sees for itself.
pub(crate) fn shorten(buffers: &mut LazyBuffers) -> bool {
    let input = buffers.input();
    let mut headers = [httparse::EMPTY_HEADER; MAX_HEADERS];
    let mut response = httparse::Response::new(&mut headers);
    let length = match response.parse(input) {
        Ok(httparse::Status::Complete(length)) => length,
        Ok(httparse::Status::Partial) => return false,
        Err(_) => return true,
    };
    if response.headers.len() <= UREQ_HEADERS {
        return true;
    }
    let code = response.code.unwrap_or_default();
    let mut short = format!("HTTP/1.{} {code} \r\n", response.version.unwrap_or(1)).into_bytes();
    let is_read = |name: &str| READ.iter().any(|read| name.eq_ignore_ascii_case(read));
    for header in response.headers.iter().filter(|header| is_read(header.name)).take(UREQ_HEADERS) {
        for part in [header.name.as_bytes(), b": ", header.value, b"\r\n"] {
            short.extend_from_slice(part);
        }
    }
    short.extend_from_slice(b"\r\n");
    short.extend_from_slice(input.get(length..).unwrap_or_default());
    let all = input.len();
    buffers.input_consume(all);
    let room = buffers.input_append_buf();
    if let Some(room) = room.get_mut(..short.len()) {
        room.copy_from_slice(&short);
        buffers.input_appended(short.len());
    }
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shortened(head: &str) -> (bool, String) {
        let mut buffers = LazyBuffers::new(64 * 1024, 1024);
        let room = buffers.input_append_buf();
        room[..head.len()].copy_from_slice(head.as_bytes());
        buffers.input_appended(head.len());
        (shorten(&mut buffers), String::from_utf8(buffers.input().to_vec()).unwrap())
    }

    #[test]
    fn what_nobody_reads_is_left_out_where_there_is_too_much_of_it() {
        let more: String = (0..200).map(|number| format!("x-{number}: {number}\r\n")).collect();
        let head = format!("HTTP/1.1 429 Slow Down\r\n{more}Retry-After: 7\r\n\r\nbody");
        let short = "HTTP/1.1 429 \r\nRetry-After: 7\r\n\r\nbody";
        assert_eq!(shortened(&head), (true, short.to_owned()));
    }

    #[test]
    fn other_heads_are_left_alone() {
        for (head, is_whole) in [
            ("HTTP/1.1 200 OK\r\nx: y\r\n\r\nbody", true),
            ("HTTP/1.1 200 OK\r\nx: y\r\n", false),
            ("nonsense\r\n\r\n", true),
        ] {
            assert_eq!(shortened(head), (is_whole, head.to_owned()));
        }
    }
}
