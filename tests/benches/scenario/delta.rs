//! The event that streams are made of.

/// The JSON of an event with the fields that servers send: its number, that of its item, and so many bytes of
/// text.
pub(crate) fn delta(number: usize, item: usize, bytes: usize) -> String {
    const WORDS: &str = "The quick brown fox jumps over the lazy dog. ";
    let text: String = WORDS.chars().cycle().take(bytes).collect();
    let fields = format!(
        r#""type":"response.output_text.delta","sequence_number":{number},"item_id":"msg_{item:032x}""#
    );
    format!(r#"{{{fields},"output_index":0,"content_index":0,"delta":"{text}","logprobs":[]}}"#)
}
