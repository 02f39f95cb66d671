//! Any bytes, cut anywhere: the same events as in one piece, the same as another decoder's, in bounded
//! memory. As the body of an answer, whatever it turns out to be, the same wherever it is cut.
#![no_main]

use std::num::NonZeroUsize;
use std::time::Duration;

use failback_wire::{Body, BodyError, Event, Said, SseDecoder, SseError, SseItem};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: (u64, Vec<u8>)| {
    let (cuts, bytes) = input;
    let whole = decode(usize::MAX, [bytes.as_slice()]).expect("without a limit nothing is too long");

    assert_eq!(decode(usize::MAX, bytes.chunks(1)).as_ref(), Ok(&whole), "byte by byte");
    assert_eq!(decode(usize::MAX, pieces(&bytes, cuts)).as_ref(), Ok(&whole), "cut at {cuts:b}");
    assert_eq!(events(&whole), second_opinion(&bytes));

    // With a limit: the same events up to the one that is too long, wherever the bytes are cut.
    let limit = (cuts % 64) as usize;
    assert_eq!(decode(limit, bytes.chunks(1)), decode(limit, [bytes.as_slice()]), "limit {limit}");
    if let Ok(limited) = decode(limit, [bytes.as_slice()]) {
        assert_eq!(limited, whole);
    }

    for content_type in [Some("text/event-stream"), Some("application/json"), None] {
        for limit in [limit, 1 << 20] {
            let whole = read(content_type, limit, [bytes.as_slice()]);
            assert_eq!(read(content_type, limit, bytes.chunks(1)), whole, "{content_type:?}, byte by byte");
            assert_eq!(
                read(content_type, limit, pieces(&bytes, cuts)),
                whole,
                "{content_type:?}, cut at {cuts:b}"
            );
        }
    }
});

/// What a body says, and what comes of its end.
fn read<'a>(
    content_type: Option<&str>,
    limit: usize,
    pieces: impl IntoIterator<Item = &'a [u8]>,
) -> (Vec<Said>, Result<Option<Event>, BodyError>) {
    let mut body = Body::new(content_type, limit).expect("a content type that may be a stream's");
    let mut said = Vec::new();
    for mut piece in pieces {
        loop {
            match body.decode(&mut piece) {
                Ok(Some(more)) => said.push(more),
                Ok(None) => break,
                Err(error) => return (said, Err(error)),
            }
        }
        assert!(piece.is_empty(), "what says nothing is taken all the same");
    }
    let end = body.end();
    if let Ok(Some(event)) = &end {
        assert!(event.terminal().is_some(), "only what ends a response needs no blank line");
    }
    (said, end)
}

/// Cut wherever the bit for the position is set.
fn pieces(bytes: &[u8], cuts: u64) -> Vec<&[u8]> {
    let mut pieces = Vec::new();
    let mut rest = bytes;
    let mut position = 0_u32;
    while !rest.is_empty() {
        let mut length = 1;
        while length < rest.len() && cuts.rotate_right(position.wrapping_add(length as u32)) & 1 == 0 {
            length += 1;
        }
        let (piece, after) = rest.split_at(length);
        pieces.push(piece);
        rest = after;
        position = position.wrapping_add(length as u32);
    }
    pieces
}

fn decode<'a>(
    limit: usize,
    pieces: impl IntoIterator<Item = &'a [u8]>,
) -> Result<Vec<SseItem>, (Vec<SseItem>, SseError)> {
    let mut decoder = SseDecoder::new(limit);
    let mut items = Vec::new();
    for mut piece in pieces {
        loop {
            match decoder.decode(&mut piece) {
                Ok(Some(item)) => items.push(item),
                Ok(None) => break,
                Err(error) => {
                    assert_eq!(decoder.decode(&mut piece), Err(error), "an error is for good");
                    return Err((items, error));
                }
            }
        }
        assert!(piece.is_empty(), "what is not an item is taken all the same");
    }
    Ok(items)
}

/// Names and data: what both decoders tell.
fn events(items: &[SseItem]) -> Vec<(String, String)> {
    let mut events = Vec::new();
    for item in items {
        match item {
            SseItem::Event { name, data } => events.push((name.clone(), data.clone())),
            SseItem::Comment => {}
            SseItem::Retry(wait) => assert!(*wait <= Duration::from_millis(u64::MAX)),
        }
    }
    events
}

fn second_opinion(bytes: &[u8]) -> Vec<(String, String)> {
    let mut decoder = sse_core::SseDecoder::with_limit(NonZeroUsize::MAX);
    let mut input = bytes;
    let mut events = Vec::new();
    while let Some(item) = decoder.next(&mut input) {
        match item {
            Ok(sse_core::SseEvent::Message(message)) => {
                events.push((message.event.into_owned(), message.data))
            }
            Ok(sse_core::SseEvent::Retry(_)) => {}
            Err(error) => panic!("without a limit nothing is too long: {error}"),
        }
    }
    events
}
