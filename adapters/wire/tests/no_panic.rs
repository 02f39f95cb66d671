//! Whatever comes in, nothing panics, and chunking changes nothing.

use failback_wire::{
    Body, BodyError, Cause, Endpoint, Event, Headers, Request, Said, Seen, ServerError, SseDecoder, SseError,
    SseItem,
};

/// A small generator, so that a failure comes back with its seed.
struct Random(u64);

impl Random {
    fn below(&mut self, end: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) as usize % end
    }

    /// Bytes that look like what is expected, put together wrongly.
    fn soup(&mut self, pieces: &[&[u8]]) -> Vec<u8> {
        let mut soup = Vec::new();
        for _ in 0..self.below(24) {
            match self.below(8) {
                0 => soup.push(self.below(256) as u8),
                _ => soup.extend_from_slice(pieces[self.below(pieces.len())]),
            }
        }
        soup
    }
}

fn decode(chunks: &mut dyn Iterator<Item = &[u8]>) -> (Vec<SseItem>, Option<SseError>) {
    let mut decoder = SseDecoder::new(24);
    let mut items = Vec::new();
    for mut chunk in chunks {
        loop {
            match decoder.decode(&mut chunk) {
                Ok(Some(item)) => items.push(item),
                Ok(None) => break,
                Err(error) => return (items, Some(error)),
            }
        }
    }
    (items, None)
}

#[test]
fn event_streams() {
    let pieces: &[&[u8]] = &[
        b"data",
        b"event",
        b"id",
        b"retry",
        b":",
        b": ",
        b"\n",
        b"\r",
        b"\r\n",
        b"\n\n",
        b"\xef\xbb\xbf",
        b"12",
        b"\0",
        b"\xe2",
        b"\x82\xac",
        b"data: x\n",
        b"data:\n\n",
    ];
    for seed in 0..20_000 {
        let mut random = Random(seed);
        let soup = random.soup(pieces);
        let whole = decode(&mut std::iter::once(&soup[..]));
        assert_eq!(decode(&mut soup.chunks(1)), whole, "seed {seed}");
        assert_eq!(decode(&mut soup.chunks(random.below(8) + 1)), whole, "seed {seed}");
    }
}

fn read(
    content_type: Option<&str>,
    chunks: &mut dyn Iterator<Item = &[u8]>,
) -> (Vec<Said>, Option<BodyError>) {
    let mut said = Vec::new();
    let mut body = match Body::new(content_type, 24) {
        Ok(body) => body,
        Err(error) => return (said, Some(error)),
    };
    for mut chunk in chunks {
        loop {
            match body.decode(&mut chunk) {
                Ok(Some(more)) => said.push(more),
                Ok(None) => break,
                Err(error) => return (said, Some(error)),
            }
        }
    }
    match body.end() {
        Ok(last) => said.extend(last.map(Said::Event)),
        Err(error) => return (said, Some(error)),
    }
    (said, None)
}

#[test]
fn bodies() {
    let pieces: &[&[u8]] = &[
        b"data: ",
        b"event: error\n",
        b"event: response.completed\n",
        b"id: 1\n",
        b"odd",
        b":",
        b"\n",
        b"\r",
        b"\r\n",
        b"\n\n",
        b"\xef\xbb\xbf",
        b" ",
        b"{",
        b"}",
        b"{}",
        b"\"",
        b"\\",
        b"{\"error\":\"no\"}",
        b"{\"type\":\"ping\"}",
        b"[DONE]",
    ];
    for seed in 0..20_000 {
        let mut random = Random(seed);
        let soup = random.soup(pieces);
        for content_type in [Some("text/event-stream"), Some("application/json"), None] {
            let whole = read(content_type, &mut std::iter::once(&soup[..]));
            assert_eq!(read(content_type, &mut soup.chunks(1)), whole, "seed {seed}");
            assert_eq!(read(content_type, &mut soup.chunks(random.below(8) + 1)), whole, "seed {seed}");
        }
    }
}

#[test]
fn json_and_text() {
    let pieces: &[&[u8]] = &[
        b"{",
        b"}",
        b"[",
        b"]",
        b",",
        b":",
        b"\"type\":",
        b"\"error\"",
        b"\"response.failed\"",
        b"\"response\":",
        b"\"delta\":",
        b"\"response.output_text.delta\"",
        b"\"\\ud83d\"",
        b"\"x\\n\"",
        b"null",
        b"1e999",
        b"-1",
        b"\"status\":",
        b"\"error\":",
        b"\"code\":",
        b"\"message\":",
        b"try again in 9",
        b"ms",
        b"{\"type\":\"error\"",
        b"\"id\":",
        b"<title>",
        b"\xc3\xa9",
    ];
    for seed in 0..20_000 {
        let soup = Random(seed).soup(pieces);
        let text = String::from_utf8_lossy(&soup).into_owned();
        let error = ServerError::from_body(500, &soup);
        let _ = Cause::new(
            &Seen::ErrorEvent(&error),
            failback::Transport::Sse,
            failback::Stage::Open,
            Some(&text),
        );
        let _ = Request::from_json(&text).map(|request| request.websocket_frame(Some(&text)));
        if let Ok(event) = Event::parse(text.as_str()) {
            let _ = (event.text_delta(), event.response_id(), event.error(), event.is_output());
            assert!(
                serde_json::from_str::<serde_json::Map<String, serde_json::Value>>(event.json()).is_ok()
                    || text.contains("1e999")
                    || text.contains("\\ud83d"),
                "{text}"
            );
        }
    }
}

#[test]
fn urls_and_headers() {
    let pieces: &[&[u8]] = &[
        b"https",
        b"ws",
        b"://",
        b":",
        b"/",
        b"//",
        b"?",
        b"#",
        b"@",
        b"[",
        b"]",
        b"::1",
        b"127.0.0.1",
        b"localhost",
        b"443",
        b"99999",
        b"responses",
        b"%",
        b".",
        b"\xc3\xa9",
        b" ",
        b"https://h",
    ];
    for seed in 0..20_000 {
        let soup = Random(seed).soup(pieces);
        let text = String::from_utf8_lossy(&soup);
        for url in [text.to_string(), format!("https://h{text}")] {
            if let Ok(endpoint) = Endpoint::new(&url) {
                let target = endpoint.target(failback::Transport::Sse);
                assert!(target.request_uri().path().ends_with("/responses"), "{url}");
                assert!(!target.host().is_empty() && target.port() > 0, "{url}");
                let again = Endpoint::new(&target.request_uri().to_string());
                assert_eq!(again.as_ref(), Ok(&endpoint), "{url}");
            }
        }
        let _ = Headers::new().insert(&text, &*text);
        let _ = Headers::parse_line(&text);
    }
}
