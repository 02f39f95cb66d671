use failback::{Blame, Stage, Transport};
use failback_client::{Tunnel, TunnelStep};
use failback_wire::{Cause, Seen, classify};
use std::time::SystemTime;

use super::{Told, parts, proxy, talk, tunnel};

const PROXY: &str = "socks5h://proxy.example";
const LOCKED: &str = "socks5h://aladdin:hunter2@proxy.example";
const API: &str = "https://api.example.com/v1";

const OPEN: &[u8] = &[5, 0, 5, 0, 0, 1, 0, 0, 0, 0, 0, 0];

fn answered(proxy_url: &str, answers: &[u8]) -> Told {
    talk(tunnel(proxy_url, API), answers, usize::MAX)
}

/// The request for a way to `api.example.com:443`.
fn request() -> Vec<u8> {
    [&[5, 1, 0, 3, 15], &b"api.example.com"[..], &[1, 187]].concat()
}

#[test]
fn says_how_it_may_be_let_in_and_where_it_wants_to_go() {
    let told = answered(PROXY, OPEN);
    assert_eq!(told.result, Ok(()));
    assert_eq!(told.written, [vec![5, 1, 0], request()]);

    // A proxy that wants no password gets none.
    let told = answered(LOCKED, OPEN);
    assert_eq!(told.result, Ok(()));
    assert_eq!(told.written, [vec![5, 2, 0, 2], request()]);

    let told = answered(LOCKED, &[&[5, 2, 1, 0], &OPEN[2..]].concat());
    assert_eq!(told.result, Ok(()));
    let password = [&[1, 7], &b"aladdin"[..], &[7], b"hunter2"].concat();
    assert_eq!(told.written, [vec![5, 2, 0, 2], password, request()]);
}

#[test]
fn an_address_goes_as_an_address() {
    let v4: &[u8] = &[5, 1, 0, 1, 192, 0, 2, 1, 0, 80];
    let v6: &[u8] = &[5, 1, 0, 4, 0xfd, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 7, 1, 187];
    for (url, expected) in [("http://192.0.2.1", v4), ("https://[fd00::7]", v6)] {
        assert_eq!(talk(tunnel(PROXY, url), OPEN, usize::MAX).written[1], expected);
    }
    for (address, expected) in [("192.0.2.1:80", v4), ("[fd00::7]:443", v6)] {
        let tunnel = Tunnel::by_address(&proxy("socks5://proxy"), address.parse().unwrap());
        assert_eq!(talk(tunnel, OPEN, usize::MAX).written[1], expected);
    }
}

#[test]
fn takes_no_byte_that_is_not_the_proxys() {
    for address in [
        &[1, 127, 0, 0, 1, 0, 80][..],
        &[4, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 80],
        &[3, 0, 0, 80],
        &[&[3, 255], &[b'x'; 255][..], &[0, 80]].concat(),
    ] {
        let reply = [&OPEN[..5], address].concat();
        let with_more = [&reply[..], b"and what the server says"].concat();
        for chunk in [1, 2, 3, usize::MAX] {
            let told = talk(tunnel(PROXY, API), &with_more, chunk);
            assert_eq!((&told.result, told.read), (&Ok(()), reply.len()), "{chunk}: {address:?}");
            assert!(told.asked.iter().all(|at_most| *at_most <= 5 + 255 + 2), "{told:?}");
        }
    }
    // From an adapter that takes more than it was told to, nothing is lost in silence.
    let mut hasty = tunnel(PROXY, API);
    assert!(matches!(hasty.step(), TunnelStep::Write(_)));
    hasty.handle_bytes(OPEN);
    assert!(matches!(hasty.step(), TunnelStep::Fail(error) if parts(&error).1.contains("nobody asked for")));
}

#[test]
fn every_reply_says_what_it_means() {
    for (reply, words, blame) in [
        (1, "SOCKS reply 1 (general failure)", Blame::Network),
        (
            2,
            "SOCKS reply 2 (not allowed by ruleset); have it allow this host, or list the host in NO_PROXY",
            Blame::Request,
        ),
        (3, "SOCKS reply 3 (network unreachable)", Blame::Network),
        (4, "SOCKS reply 4 (host unreachable)", Blame::Network),
        (5, "SOCKS reply 5 (connection refused)", Blame::Network),
        (6, "SOCKS reply 6 (TTL expired)", Blame::Network),
        (7, "SOCKS reply 7 (command not supported)", Blame::Request),
        (8, "SOCKS reply 8 (address type not supported)", Blame::Request),
        (9, "SOCKS reply 9", Blame::Network),
        (255, "SOCKS reply 255", Blame::Network),
    ] {
        // Some proxies say no more than that and close.
        for answers in [&[5, 0, 5, reply][..], &[5, 0, 5, reply, 0, 1, 0, 0, 0, 0, 0, 0]] {
            let told = answered(PROXY, answers);
            told.expect_failure(&Seen::SocksRefused { reply }, &["proxy.example:1080"]);
            let (seen, detail) = told.failure();
            let cause = Cause::new(&seen, Transport::Sse, Stage::Connecting, Some(detail));
            let expected = format!("the proxy refused to connect for SSE: {words}: proxy.example:1080");
            assert_eq!(cause.as_str(), expected);
            for (transport, blame) in [(Transport::Sse, blame), (Transport::WebSocket, Blame::Network)] {
                let judged = classify(&seen, transport, Stage::Connecting, false, SystemTime::now());
                let judged = judged.map(|failure| (failure.blame(), failure.stage()));
                assert_eq!(judged, Some((blame, Stage::Connecting)), "{reply} on {transport}");
            }
        }
    }
}

#[test]
fn credentials_that_are_missing_or_wrong_are_the_requests_fault() {
    for (proxy_url, answers, part) in [
        (PROXY, &[5, 0xff][..], "its URL has none"),
        (PROXY, &[5, 2], "its URL has none"),
        (LOCKED, &[5, 0xff], "neither a user name and a password, nor none"),
        (LOCKED, &[5, 2, 1, 1], "refused the user name and the password"),
        (LOCKED, &[5, 2, 5, 255], "refused the user name and the password"),
    ] {
        let told = answered(proxy_url, answers);
        told.expect_failure(&Seen::ProxyAuthentication, &["proxy.example:1080", part]);
        let seen = told.failure().0;
        for transport in [Transport::WebSocket, Transport::Sse] {
            let judged = classify(&seen, transport, Stage::Connecting, false, SystemTime::now()).unwrap();
            assert_eq!((judged.blame(), judged.stage()), (Blame::Request, Stage::Connecting));
        }
    }
    // Known to get the version of this exchange wrong, and meant well.
    assert_eq!(answered(LOCKED, &[&[5, 2, 5, 0], &OPEN[2..]].concat()).result, Ok(()));
}

#[test]
fn what_is_no_socks5_fails_at_its_first_byte() {
    for (answers, part) in [
        (&[4][..], "version 4 of SOCKS instead of 5"),
        (&[0, 90], "version 0 of SOCKS"),
        (b"HTTP/1.1 400 Bad Request\r\n\r\n", "needs http://"),
        (&[5, 1], "the kind 1 of authentication, which was not offered"),
        (&[5, 0, 4], "version 4 of SOCKS instead of 5"),
        (&[5, 0, 5, 0, 0, 2], "an address of the unknown kind 2"),
    ] {
        let told = answered(PROXY, answers);
        told.expect_failure(&Seen::NotAProxy, &["proxy.example:1080", part]);
        let seen = told.failure().0;
        for (transport, blame) in [(Transport::WebSocket, Blame::Network), (Transport::Sse, Blame::Request)] {
            let judged = classify(&seen, transport, Stage::Connecting, false, SystemTime::now()).unwrap();
            assert_eq!((judged.blame(), judged.stage()), (blame, Stage::Connecting));
        }
    }
    // What comes before anything was sent answers nothing.
    let mut early = tunnel(PROXY, API);
    early.handle_bytes(OPEN);
    assert!(matches!(early.step(), TunnelStep::Fail(error) if parts(&error).1.contains("nobody asked for")));
}

#[test]
fn an_answer_that_breaks_off_is_no_answer() {
    let locked = [&[5, 2, 1, 0], &OPEN[2..]].concat();
    for (proxy_url, answers) in [(PROXY, OPEN), (LOCKED, &locked)] {
        for len in 0..answers.len() {
            let told = answered(proxy_url, &answers[..len]);
            told.expect_failure(&Seen::Connect, &["no way through the proxy proxy.example:1080", "closed"]);
        }
    }
}

#[test]
fn a_name_has_at_most_255_bytes() {
    let url = |len: usize| format!("https://{}/v1", "x".repeat(len));
    let told = talk(tunnel(PROXY, &url(255)), OPEN, usize::MAX);
    assert_eq!(told.result, Ok(()));
    assert_eq!(told.written[1][..5], [5, 1, 0, 3, 255]);
    assert_eq!(told.written[1].len(), 5 + 255 + 2);
    let told = talk(tunnel(PROXY, &url(256)), OPEN, usize::MAX);
    told.expect_failure(&Seen::Resolve, &["proxy.example:1080", "longer than the 255 bytes"]);
    assert_eq!(told.written.len(), 1);
}

#[test]
fn no_text_shows_a_credential() {
    let cases: [&[u8]; 5] = [b"", &[5, 2, 1, 1], &[5, 0xff], &[5, 2, 1, 0, 5, 2], &[4]];
    for answers in cases {
        let mut machine = tunnel(LOCKED, API);
        let mut shown = format!("{machine:?}");
        for bytes in [&[5, 2][..], &[1, 0]] {
            let step = machine.step();
            machine.handle_bytes(bytes);
            shown.push_str(&format!("{step:?} {machine:?}"));
        }
        shown.push_str(&format!("{:?}", answered(LOCKED, answers).result.unwrap_err()));
        assert!(!shown.contains("aladdin") && !shown.contains("hunter2"), "{shown}");
        // Nor as numbers.
        assert!(!shown.contains("104, 117, 110"), "{shown}");
    }
}
