use failback_client::{AGENT, Tunnel, TunnelStep};
use failback_wire::{MAX_HEADER_BYTES, Seen};

use super::{Told, parts, proxy, talk, tunnel};

const PROXY: &str = "http://proxy.example:3128";
const API: &str = "https://api.example.com/v1";

fn answered(answer: &[u8]) -> Told {
    talk(tunnel(PROXY, API), answer, usize::MAX)
}

#[test]
fn asks_for_host_and_port_and_says_who_asks() {
    for (proxy_url, url, authority, authorization) in [
        (PROXY, API, "api.example.com:443", ""),
        ("https://proxy", "http://api.example.com/v1", "api.example.com:80", ""),
        (PROXY, "wss://[fd00::7]:8/v1", "[fd00::7]:8", ""),
        (PROXY, "https://192.0.2.1", "192.0.2.1:443", ""),
        (
            "http://Aladdin:open%20sesame@proxy",
            API,
            "api.example.com:443",
            "Proxy-Authorization: Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==\r\n",
        ),
    ] {
        let told = talk(tunnel(proxy_url, url), b"HTTP/1.1 200 OK\r\n\r\n", usize::MAX);
        assert_eq!(told.result, Ok(()), "{url}");
        let [request] = &told.written[..] else { panic!("{told:?}") };
        let expected = format!(
            "CONNECT {authority} HTTP/1.1\r\nHost: {authority}\r\nUser-Agent: {AGENT}\r\n{authorization}\r\n"
        );
        assert_eq!(String::from_utf8_lossy(request), expected);
    }
    let mut by_address = Tunnel::by_address(&proxy(PROXY), "[::1]:9".parse().unwrap());
    let TunnelStep::Write(request) = by_address.step() else { panic!() };
    assert!(request.starts_with(b"CONNECT [::1]:9 HTTP/1.1\r\nHost: [::1]:9\r\n"));
}

#[test]
fn any_2xx_opens_it_however_it_is_cut() {
    for answer in [
        "HTTP/1.1 200 Connection established\r\n\r\n",
        "HTTP/1.0 200 OK\r\nProxy-agent: x\r\n\r\n",
        "HTTP/1.1 204 \r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n",
        "HTTP/1.1 299 x\n\n",
        "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 102 x\r\na: b\r\n\r\nHTTP/1.1 200 OK\r\n\r\n",
    ] {
        for chunk in [1, 2, 3, 7, usize::MAX] {
            let told = talk(tunnel(PROXY, API), answer.as_bytes(), chunk);
            assert_eq!((&told.result, told.read), (&Ok(()), answer.len()), "{chunk}: {answer}");
        }
    }
}

#[test]
fn another_status_refuses() {
    for (status, answer) in [
        (407, "HTTP/1.1 407 Authenticate\r\nContent-Length: 3\r\n\r\nno!"),
        (403, "HTTP/1.1 403 \r\n\r\n"),
        (502, "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 502 Bad\r\n\r\n"),
        (101, "HTTP/1.1 101 Switching\r\n\r\n"),
        (302, "HTTP/1.1 302 Found\r\nLocation: http://login\r\n\r\n"),
    ] {
        for chunk in [1, usize::MAX] {
            let told = talk(tunnel(PROXY, API), answer.as_bytes(), chunk);
            told.expect_failure(&Seen::ProxyRefused { status }, &["proxy.example:3128"]);
        }
    }
}

#[test]
fn what_comes_after_the_head_was_not_asked_for() {
    answered(b"HTTP/1.1 200 OK\r\n\r\nSSH-2.0")
        .expect_failure(&Seen::NotAProxy, &["proxy.example:3128", "nobody asked for"]);
    let mut early = tunnel(PROXY, API);
    early.handle_bytes(b"HTTP/1.1 200 OK\r\n\r\n");
    assert!(matches!(early.step(), TunnelStep::Fail(error) if parts(&error).1.contains("nobody asked for")));
}

#[test]
fn what_is_no_http_fails_at_once() {
    for (answer, part) in [
        (&b"SSH-2.0-OpenSSH\r\n"[..], "not HTTP/1.1"),
        (b"\x05\x00", "not HTTP/1.1"),
        (b"HTTP/2 200\r\n\r\n", "not HTTP/1.1"),
        (b"\x15\x03\x01\x00\x02\x02\x28", "needs https://"),
        (b"HTTP/1.1 200 OK\r\nbad header\r\n\r\n", "not HTTP/1.1"),
        (b"HTTP/1.1 OK\r\n\r\n", "not HTTP/1.1"),
        (b"HTTP/1.1 2000 OK\r\n\r\n", "not HTTP/1.1"),
        (b"HTTP/1.1 100 Continue\r\n\r\nhello", "not HTTP/1.1"),
    ] {
        let told = answered(answer);
        told.expect_failure(&Seen::NotAProxy, &["proxy.example:3128", part]);
    }
}

#[test]
fn an_answer_that_breaks_off_is_no_answer() {
    for answer in ["", "H", "HTTP/1.1 200 OK\r\n", "HTTP/1.1 200 OK\r\n\r", "HTTP/1.1 100 x\r\n\r\n"] {
        let told = answered(answer.as_bytes());
        told.expect_failure(&Seen::Connect, &["no way through the proxy proxy.example:3128", "closed"]);
    }
    let mut reset = tunnel(PROXY, API);
    reset.handle_error("connection reset by peer");
    let TunnelStep::Fail(error) = reset.step() else { panic!() };
    assert_eq!(parts(&error).1, "no way through the proxy proxy.example:3128: connection reset by peer");
}

#[test]
fn heads_are_bounded() {
    let with = |count: usize, value: usize| {
        let header = format!("a: {}\r\n", "x".repeat(value));
        format!("HTTP/1.1 200 OK\r\n{}\r\n", header.repeat(count))
    };
    assert_eq!(answered(with(256, 1).as_bytes()).result, Ok(()));
    answered(with(257, 1).as_bytes()).expect_failure(&Seen::NotAProxy, &["more than 256 headers"]);
    let most = with(1, MAX_HEADER_BYTES - with(1, 0).len());
    assert_eq!(most.len(), MAX_HEADER_BYTES);
    assert_eq!(answered(most.as_bytes()).result, Ok(()));

    let endless = format!("HTTP/1.1 200 OK\r\n{}", "a: b\r\n".repeat(MAX_HEADER_BYTES));
    let interim = "HTTP/1.1 100 Continue\r\n\r\n".repeat(MAX_HEADER_BYTES);
    for answer in [endless, interim] {
        for chunk in [1, 4096, usize::MAX] {
            let told = talk(tunnel(PROXY, API), answer.as_bytes(), chunk);
            told.expect_failure(&Seen::NotAProxy, &["longer than 65536 bytes"]);
            assert_eq!(told.read, MAX_HEADER_BYTES);
        }
    }
    // Nor does an adapter that reads more than it was told to make them longer.
    let mut hasty = tunnel(PROXY, API);
    assert!(matches!(hasty.step(), TunnelStep::Write(_)));
    hasty.handle_bytes(with(1, MAX_HEADER_BYTES).as_bytes());
    assert!(matches!(hasty.step(), TunnelStep::Fail(error) if parts(&error).1.contains("longer than")));
}

#[test]
fn no_text_shows_a_credential() {
    let url = "http://aladdin:hunter2@proxy:8";
    let answers: [&[u8]; 4] =
        [b"", b"HTTP/1.1 407 hunter2\r\n\r\n", b"hunter2", b"HTTP/1.1 200 OK\r\nhunter2\r\n\r\n"];
    for answer in answers {
        let mut machine = tunnel(url, API);
        let mut shown = format!("{machine:?}");
        let step = machine.step();
        shown.push_str(&format!("{step:?} {machine:?}"));
        let error = talk(tunnel(url, API), answer, usize::MAX).result.expect_err("no tunnel");
        shown.push_str(&format!("{error:?}"));
        for secret in ["aladdin", "hunter2", "YWxhZGRpbjpodW50ZXIy"] {
            assert!(!shown.contains(secret), "{shown}");
        }
        assert!(shown.contains("proxy:8"), "{shown}");
    }
}
