//! The WHATWG rules for event streams, under every chunking, and the limits.

use std::time::Duration;

use failback_wire::{SseDecoder, SseError, SseItem};

fn event(name: &str, data: &str) -> SseItem {
    SseItem::Event { name: name.to_owned(), data: data.to_owned() }
}

fn message(data: &str) -> SseItem {
    event("message", data)
}

/// Decodes chunks one after another; the items, and the last event ID at the end.
fn decode<'a>(chunks: impl IntoIterator<Item = &'a [u8]>) -> (Vec<SseItem>, String) {
    let mut decoder = SseDecoder::new(4096);
    let mut items = Vec::new();
    for mut chunk in chunks {
        while let Some(item) = decoder.decode(&mut chunk).expect("within the limit") {
            items.push(item);
        }
        assert!(chunk.is_empty(), "None means used up");
    }
    let id = decoder.last_event_id().to_owned();
    (items, id)
}

/// Every way to cut a stream that is tried: whole, in chunks of 1, 2, 3 and 7 bytes, and split at every
/// point, with empty chunks in between.
fn cuts(stream: &[u8]) -> Vec<Vec<&[u8]>> {
    let mut cuts: Vec<Vec<&[u8]>> = vec![vec![stream]];
    cuts.extend([1, 2, 3, 7].map(|size| stream.chunks(size).collect()));
    cuts.extend((0..=stream.len()).map(|at| vec![&stream[..at], &[], &stream[at..], &[]]));
    cuts
}

/// However it is cut, a stream gives these items, and this last event ID at its end.
fn check(stream: &[u8], expected: &[SseItem], id: &str) {
    let expected = (expected.to_vec(), id.to_owned());
    for cut in cuts(stream) {
        let chunks =
            format!("{:?}", cut.iter().map(|chunk| String::from_utf8_lossy(chunk)).collect::<Vec<_>>());
        assert_eq!(decode(cut), expected, "{chunks}");
    }
}

#[test]
fn conformance() {
    let retry = |millis| SseItem::Retry(Duration::from_millis(millis));
    let comment = SseItem::Comment;
    let cases: Vec<(&[u8], Vec<SseItem>, &str)> = vec![
        (b"", vec![], ""),
        (b"\n\n\r\r\n", vec![], ""),
        (b"data: a\n\n", vec![message("a")], ""),
        (b"data: a\r\n\r\n", vec![message("a")], ""),
        (b"data: a\r\r", vec![message("a")], ""),
        (
            b"data: a\r\ndata: b\n\rdata: c\r\n\ndata: d\r\r\n",
            vec![message("a\nb"), message("c"), message("d")],
            "",
        ),
        (b"\xef\xbb\xbfdata: a\n\n", vec![message("a")], ""),
        (b"\xef\xbb\xbf\xef\xbb\xbfdata: a\n\n", vec![], ""),
        (b"\xef\xbb\xbf\n\xef\xbb\xbfdata: a\n\n", vec![], ""),
        (b"\xef\xbb\xbf: a\n\xef\xbb\xbf", vec![comment.clone()], ""),
        (b"\xef\xbbdata: a\n\n", vec![], ""),
        (b"data:a\n\n", vec![message("a")], ""),
        (b"data:  a \n\n", vec![message(" a ")], ""),
        (b"data:\ta\n\n", vec![message("\ta")], ""),
        (b"data: a: b:c\n\n", vec![message("a: b:c")], ""),
        (b"data\n\n", vec![message("")], ""),
        (b"data:\n\n", vec![message("")], ""),
        (b"data\ndata\n\n", vec![message("\n")], ""),
        (b"data: a\ndata\ndata: b\n\n", vec![message("a\n\nb")], ""),
        (b"data: a", vec![], ""),
        (b"data: a\n", vec![], ""),
        (b"data: a\n\ndata: unfinished\n", vec![message("a")], ""),
        (b"event: x\ndata: a\n\ndata: b\n\n", vec![event("x", "a"), message("b")], ""),
        (b"event: x\nevent: y\ndata: a\n\n", vec![event("y", "a")], ""),
        (b"event: x\nevent\ndata: a\n\n", vec![message("a")], ""),
        (b"event: x\n\ndata: a\n\n", vec![message("a")], ""),
        (b"event:  x\ndata: a\n\n", vec![event(" x", "a")], ""),
        (b": c\n\n:\n:data: no\n", vec![comment.clone(), comment.clone(), comment.clone()], ""),
        (b"data: a\n: c\ndata: b\n\n", vec![comment.clone(), message("a\nb")], ""),
        (b"Data: a\n data: b\ndata : c\nfoo: bar\nfoo\n\n", vec![], ""),
        (b"retry: 1500\n", vec![retry(1500)], ""),
        (b"retry:07\nretry: 1s\nretry: -1\nretry: 1.5\nretry\nretry:\nretry:  1\n", vec![retry(7)], ""),
        (b"retry: 99999999999999999999999\n", vec![retry(u64::MAX)], ""),
        (b"id: 1\ndata: a\n\n", vec![message("a")], "1"),
        (b"id: 1\n\nid: 2\n", vec![], "1"),
        (b"id: 1\n\nid\n\n", vec![], ""),
        (b"id: 1\n\nid: 2\x003\n\n", vec![], "1"),
        (b"id: 1\n\ndata: a\n\n", vec![message("a")], "1"),
        (b"data: \xe2\x82\xac \xf0\x9f\x98\x80\n\n", vec![message("\u{20ac} \u{1f600}")], ""),
        (b"data: \xff\xe2\x82\n\n", vec![message("\u{fffd}\u{fffd}")], ""),
        (b"data: \xe2\ndata: \x82\xac\n\n", vec![message("\u{fffd}\n\u{fffd}\u{fffd}")], ""),
        (b"data: a\0b\n\n", vec![message("a\0b")], ""),
    ];
    for (stream, expected, id) in cases {
        check(stream, &expected, id);
    }
}

/// What the web platform tests expect of a browser's event source (their `eventsource/format-*`): the events
/// of a stream, each with its name, its data and the last event ID when it came. Comments and `retry` are not
/// listed here, as a page does not see them.
#[test]
fn cases_of_the_web_platform_tests() {
    /// Name, data, last event ID.
    type Seen = (&'static str, &'static str, &'static str);
    const X: &str = "message";
    let long = "x".repeat(2048);
    let comments = format!("data:1\r:\0\n:\r\ndata:2\n:{long}\rdata:3\n:data:fail\r:{long}\ndata:4\n\n");
    let fields = "data:\0\ndata:  2\rData:1\ndata\0:2\ndata:1\r\0data:4\nda-ta:3\rdata_5\ndata:3\rdata:\r\n \
                  data:32\ndata:4\n\n";
    let nulls = "id: \0\0\ndata: a\n\nid: x\0\ndata: b\n\nid: \0x\ndata: c\n\nid: x\0x\ndata: d\n\nid:  \0\ndata: e\n\n";
    let cases: &[(&str, &str, &[Seen])] = &[
        ("bom", "\u{feff}data:1\n\n\u{feff}data:2\n\ndata:3\n\n", &[(X, "1", ""), (X, "3", "")]),
        ("bom-2", "\u{feff}\u{feff}data:1\n\ndata:2\n\ndata:3\n\n", &[(X, "2", ""), (X, "3", "")]),
        ("comments", &comments, &[(X, "1\n2\n3\n4", "")]),
        (
            "data-before-final-empty-line",
            "retry:1000\ndata:test1\n\nid:test\ndata:test2\n",
            &[(X, "test1", "")],
        ),
        ("end of file in a line", "data:test1\n\ndata:test2", &[(X, "test1", "")]),
        ("empty lines", "\n\n\r\r\r\n\r\ndata:test\n\n\n\n", &[(X, "test", "")]),
        (
            "field-data",
            "data:\n\ndata\ndata\n\ndata:test\n\n",
            &[(X, "", ""), (X, "\n", ""), (X, "test", "")],
        ),
        ("field-event", "event:test\ndata:x\n\ndata:x\n\n", &[("test", "x", ""), (X, "x", "")]),
        ("field-event-empty", "event: \ndata:data\n\n", &[(X, "data", "")]),
        (
            "field-id",
            "id: \u{2026}\nretry: 200\ndata: hello\n\ndata: again\n\n",
            &[(X, "hello", "\u{2026}"), (X, "again", "\u{2026}")],
        ),
        (
            "field-id-3, persists",
            "id: 1\ndata: 1\n\ndata: 2\n\nid: 2\ndata: 3\n\ndata: 4\n\n",
            &[(X, "1", "1"), (X, "2", "1"), (X, "3", "2"), (X, "4", "2")],
        ),
        (
            "field-id-3, resets",
            "id: 1\ndata: 1\n\nid:\ndata: 2\n\ndata: 3\n\n",
            &[(X, "1", "1"), (X, "2", ""), (X, "3", "")],
        ),
        (
            "field-id-3, resets without a colon",
            "id: 1\ndata: 1\n\nid\ndata: 2\n\ndata: 3\n\n",
            &[(X, "1", "1"), (X, "2", ""), (X, "3", "")],
        ),
        ("field-id-null", nulls, &["a", "b", "c", "d", "e"].map(|data| (X, data, ""))),
        ("field-parsing", fields, &[(X, "\0\n 2\n1\n3\n\n4", "")]),
        ("field-retry", "retry:03000\ndata:x\n\n", &[(X, "x", "")]),
        ("field-retry-bogus", "retry:3000\nretry:1000x\ndata:x\n\n", &[(X, "x", "")]),
        ("field-retry-empty", "retry\ndata:test\n\n", &[(X, "test", "")]),
        (
            "field-unknown",
            "data:test\n data\ndata\nfoobar:xxx\njustsometext\n:thisisacommentyay\ndata:test\n\n",
            &[(X, "test\n\ntest", "")],
        ),
        ("leading-space", "data:\ttest\rdata: \ndata:test\n\n", &[(X, "\ttest\n\ntest", "")]),
        ("newlines", "data:test\r\ndata\ndata:test\r\n\r\n", &[(X, "test\n\ntest", "")]),
        ("null-character", "data:\0\n\n", &[(X, "\0", "")]),
        ("utf-8", "data:ok\u{2026}\n\n", &[(X, "ok\u{2026}", "")]),
    ];
    for (case, stream, expected) in cases {
        for cut in cuts(stream.as_bytes()) {
            let mut decoder = SseDecoder::new(4096);
            let mut events = Vec::new();
            for mut chunk in cut {
                while let Some(item) = decoder.decode(&mut chunk).expect("within the limit") {
                    if let SseItem::Event { name, data } = item {
                        events.push((name, data, decoder.last_event_id().to_owned()));
                    }
                }
            }
            let events: Vec<_> = events.iter().map(|(name, data, id)| (&**name, &**data, &**id)).collect();
            assert_eq!(&events, expected, "{case}");
        }
    }
}

/// Of those, what `retry` says.
#[test]
fn retry_in_the_web_platform_tests() {
    for (stream, expected) in [
        ("retry:03000\ndata:x\n\n", Some(3000)),
        ("retry:3000\nretry:1000x\ndata:x\n\n", Some(3000)),
        ("retry\ndata:test\n\n", None),
    ] {
        let expected = expected.map(|millis| SseItem::Retry(Duration::from_millis(millis)));
        let data = if expected.is_some() { "x" } else { "test" };
        check(stream.as_bytes(), &expected.into_iter().chain([message(data)]).collect::<Vec<_>>(), "");
    }
}

#[test]
fn a_response_as_it_is_on_the_wire() {
    check(
        b"event: response.created\ndata: {\"type\":\"response.created\"}\n\n: keep-alive\n\n\
          event: response.completed\r\ndata: {\"type\":\r\ndata: \"response.completed\"}\r\n\r\ndata: [DONE]\n\n",
        &[
            event("response.created", r#"{"type":"response.created"}"#),
            SseItem::Comment,
            event("response.completed", "{\"type\":\n\"response.completed\"}"),
            message("[DONE]"),
        ],
        "",
    );
}

/// Feeds chunks until there is an error.
fn fails(limit: usize, chunks: &mut dyn Iterator<Item = &[u8]>) -> bool {
    let mut decoder = SseDecoder::new(limit);
    for mut chunk in chunks {
        loop {
            match decoder.decode(&mut chunk) {
                Ok(None) => break,
                Ok(Some(_)) => {}
                Err(error) => {
                    assert_eq!(error, SseError::TooLong { limit });
                    assert!(error.to_string().contains(&limit.to_string()));
                    let mut fine: &[u8] = b"data: a\n\n";
                    assert_eq!(decoder.decode(&mut fine), Err(error), "an error is for good");
                    return true;
                }
            }
        }
    }
    false
}

#[test]
fn lines_are_limited() {
    for start in [&b"data: "[..], b":", b"id: ", b"event: ", b"nothing", b"retry: "] {
        let mut line = start.to_vec();
        line.resize(100, b'0');
        line.push(b'\n');
        for size in [1, 7, 1000] {
            assert!(!fails(100, &mut line.chunks(size)), "{start:?}");
            assert!(fails(99, &mut line.chunks(size)), "{start:?}");
        }
        // An endless one is found before it ends.
        assert!(fails(99, &mut std::iter::once(start).chain(std::iter::repeat_n(&b"0"[..], 100))));
    }
}

#[test]
fn events_are_limited() {
    let data = |bytes: usize| b"data:12345678\n".repeat(bytes / 9);
    // Nine bytes a line, of which the last has no line feed.
    assert!(!fails(89, &mut [&data(90)[..], b"\n"].into_iter()));
    assert!(fails(88, &mut [&data(90)[..], b"\n"].into_iter()));
    // Nothing but line feeds counts, and so does the name.
    assert!(!fails(99, &mut b"data\n".repeat(100).chunks(64)));
    assert!(fails(99, &mut b"data\n".repeat(101).chunks(64)));
    assert!(fails(20, &mut std::iter::once(&b"event:123456789012\ndata:123456789\n"[..])));
    assert!(fails(20, &mut std::iter::once(&b"data:123456789\nevent:123456789012\n"[..])));
    // The limit is for one event, not for the stream.
    assert!(!fails(20, &mut std::iter::repeat_n(&b"data:123456789\n\n"[..], 1000)));
    // Replacement characters are longer than what they replace.
    assert!(fails(20, &mut std::iter::once(&b"data:\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\n"[..])));
}

#[test]
fn debug_does_not_show_content() {
    let mut decoder = SseDecoder::new(100);
    assert_eq!(decoder.decode(&mut &b"data: secret\ndata: sec"[..]), Ok(None));
    assert!(!format!("{decoder:?}").contains("sec"));
}
