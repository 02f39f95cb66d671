//! The event that streams are made of.

/// The JSON of an event that adds so many bytes of text, with the fields that servers send and ids as long as theirs.
pub(crate) fn delta(number: usize, bytes: usize) -> String {
    const WORDS: &str = "The quick brown fox jumps over the lazy dog. ";
    let text: String = WORDS.chars().cycle().take(bytes).collect();
    format!(
        r#"{{"type":"response.output_text.delta","sequence_number":{number},"item_id":"{ITEM}","output_index":0,"#
    ) + &format!(r#""content_index":0,"delta":"{text}","logprobs":[]}}"#)
}

const ITEM: &str = "msg_0a1b2c3d4e5f60718293a4b5c6d7e8f9";
