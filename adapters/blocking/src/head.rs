use failback_client::AGENT;
use failback_wire::{Headers, Target};
use http::header::{HOST, USER_AGENT};
use http::{HeaderMap, HeaderName, HeaderValue};
use ureq::unversioned::transport::{Buffers, LazyBuffers};

/// The most headers that an answer may have, as gateways add to those of servers. The limit in bytes holds
/// too.
pub(crate) const MAX_HEADERS: usize = 256;

/// The most headers that ureq is shown. It takes a few more.
const UREQ_HEADERS: usize = 100;

/// The headers of an answer that ureq reads.
const READ: [&str; 5] = ["connection", "content-encoding", "content-length", "location", "transfer-encoding"];

/// The head of a request. `own` are headers that the caller may not replace.
pub(crate) fn request(method: &str, target: &Target, own: &[(HeaderName, &str)], given: &Headers) -> Vec<u8> {
    let mut head = format!("{method} {} HTTP/1.1\r\n", target.path_and_query()).into_bytes();
    let mut add = |name: &HeaderName, value: &[u8]| {
        for part in [name.as_str().as_bytes(), b": ", value, b"\r\n"] {
            head.extend_from_slice(part);
        }
    };
    add(&HOST, target.host_header().as_bytes());
    for (name, value) in own {
        add(name, value.as_bytes());
    }
    if !given.iter().any(|(name, _)| name == USER_AGENT) {
        add(&USER_AGENT, AGENT.as_bytes());
    }
    let is_own = |name: &HeaderName| name == HOST || own.iter().any(|(own, _)| own == name);
    for (name, value) in given.iter().filter(|(name, _)| !is_own(name)) {
        add(name, value.as_bytes());
    }
    head.extend_from_slice(b"\r\n");
    head
}

/// Whether these bytes begin the final answer, and not an interim one. False while that cannot be told.
pub(crate) fn is_final(input: &[u8]) -> bool {
    // `HTTP/1.1 2`
    let digit = input.get(9).is_some_and(|digit| (b'2'..=b'9').contains(digit));
    digit || input.get(9..12) == Some(b"101")
}

/// Whether another answer follows after one with this status. After 101 no HTTP follows.
pub(crate) const fn is_interim(status: u16) -> bool {
    matches!(status, 100..=199) && status != 101
}

/// The headers of an answer.
pub(crate) fn header_map(headers: &[httparse::Header<'_>]) -> Result<HeaderMap, http::Error> {
    let mut map = HeaderMap::with_capacity(headers.len());
    for header in headers {
        map.append(HeaderName::from_bytes(header.name.as_bytes())?, HeaderValue::from_bytes(header.value)?);
    }
    Ok(map)
}

/// Shortens a head to what ureq takes: drops interim answers and, if there are more headers than ureq takes,
/// those that it does not read. Puts them all into `kept` before, unless that has those of this head already.
/// Returns true if ureq may read on, because the head is whole or is not a head at all.
pub(crate) fn shorten(buffers: &mut LazyBuffers, kept: &mut Option<HeaderMap>) -> bool {
    loop {
        let input = buffers.input();
        let mut headers = [httparse::EMPTY_HEADER; MAX_HEADERS];
        let mut response = httparse::Response::new(&mut headers);
        let length = match response.parse(input) {
            Ok(httparse::Status::Complete(length)) => length,
            Ok(httparse::Status::Partial) => return false,
            Err(_) => return true,
        };
        if response.code.is_some_and(is_interim) {
            buffers.input_consume(length);
            continue;
        }
        if kept.is_none() {
            // If they are not valid, ureq says so.
            *kept = header_map(response.headers).ok();
        }
        if response.headers.len() <= UREQ_HEADERS {
            return true;
        }
        let short = short_head(&response, input.get(length..).unwrap_or_default());
        let all = input.len();
        buffers.input_consume(all);
        if let Some(room) = buffers.input_append_buf().get_mut(..short.len()) {
            room.copy_from_slice(&short);
            buffers.input_appended(short.len());
        }
        return true;
    }
}

fn short_head(response: &httparse::Response<'_, '_>, rest: &[u8]) -> Vec<u8> {
    let code = response.code.unwrap_or_default();
    let mut short = format!("HTTP/1.{} {code} \r\n", response.version.unwrap_or(1)).into_bytes();
    let is_read = |name: &str| READ.iter().any(|read| name.eq_ignore_ascii_case(read));
    for header in response.headers.iter().filter(|header| is_read(header.name)).take(UREQ_HEADERS) {
        for part in [header.name.as_bytes(), b": ", header.value, b"\r\n"] {
            short.extend_from_slice(part);
        }
    }
    short.extend_from_slice(b"\r\n");
    short.extend_from_slice(rest);
    short
}

#[cfg(test)]
mod tests {
    use failback::Transport;
    use failback_wire::Endpoint;
    use http::header::ACCEPT;

    use super::*;

    fn buffers(head: &str) -> LazyBuffers {
        let mut buffers = LazyBuffers::new(64 * 1024, 1024);
        let room = buffers.input_append_buf();
        room[..head.len()].copy_from_slice(head.as_bytes());
        buffers.input_appended(head.len());
        buffers
    }

    fn shortened(head: &str) -> (bool, String) {
        let mut buffers = buffers(head);
        (shorten(&mut buffers, &mut None), String::from_utf8(buffers.input().to_vec()).unwrap())
    }

    #[test]
    fn what_ureq_does_not_read_is_kept_from_it_where_there_is_too_much_of_it() {
        let more: String = (0..200).map(|number| format!("x-{number}: {number}\r\n")).collect();
        let head = format!("HTTP/1.1 429 Slow Down\r\n{more}Content-Length: 4\r\n\r\nbody");
        let short = "HTTP/1.1 429 \r\nContent-Length: 4\r\n\r\nbody";
        assert_eq!(shortened(&head), (true, short.to_owned()));

        let (mut buffers, mut kept) = (buffers(&head), None);
        assert!(shorten(&mut buffers, &mut kept));
        assert!(shorten(&mut buffers, &mut kept), "as often as ureq asks");
        assert_eq!(kept.map(|headers| headers.len()), Some(201));
    }

    #[test]
    fn interim_answers_are_left_out() {
        let head =
            "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nlink: x\r\n\r\nHTTP/1.1 200 OK\r\n\r\n";
        assert_eq!(shortened(head), (true, "HTTP/1.1 200 OK\r\n\r\n".to_owned()));
        assert_eq!(shortened("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1"), (false, "HTTP/1.1".to_owned()));
        let head = "HTTP/1.1 101 Switching Protocols\r\n\r\n";
        assert_eq!(shortened(head), (true, head.to_owned()), "no other follows");
        assert!(is_final(head.as_bytes()) && !is_final(b"HTTP/1.1 10"));
        assert!(is_final(b"HTTP/1.1 200 OK") && !is_final(b"HTTP/1.1 103 E") && !is_final(b"HTTP/1.1 "));
    }

    #[test]
    fn own_headers_are_not_the_callers_to_choose() {
        let endpoint = Endpoint::new("http://localhost:1/v1?a=b").unwrap();
        let mut given = Headers::new();
        given.insert("user-agent", "mine").unwrap();
        given.insert("x-more", "1").unwrap();
        let head = request("POST", endpoint.target(Transport::Sse), &[(ACCEPT, "text/event-stream")], &given);
        let head = String::from_utf8(head).unwrap();
        assert!(head.starts_with("POST /v1/responses?a=b HTTP/1.1\r\nhost: localhost:1\r\n"), "{head}");
        assert!(
            head.contains("accept: text/event-stream\r\n") && head.ends_with("x-more: 1\r\n\r\n"),
            "{head}"
        );
        assert!(head.contains("accept: text/event-stream\r\n"), "{head}");
        assert!(head.contains("user-agent: mine\r\n") && !head.contains("failback/"), "{head}");
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
