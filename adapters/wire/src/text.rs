//! Text from servers: copies of it, and what of it fits in one line of an error message.

use std::borrow::Cow;

/// How many bytes of a text are copied at once, by whoever copies long ones: 1 KiB.
///
/// C libraries copy more than some 2 KiB with one instruction (`rep movsb`). On an AMD EPYC that took thirty
/// times as long where the copy began 1 to 16 bytes further into its page of 4 KiB than the original did:
/// 2.5 µs for 4 KB. Many buffers begin on a page, and memory that was asked for often 16 bytes behind the
/// beginning of one, so this is no rare case. In pieces, no copy took longer than as a whole.
pub const PIECE: usize = 1024;

/// The text itself, or a copy of it.
#[inline]
pub(crate) fn owned(text: Cow<'_, str>) -> String {
    match text {
        Cow::Owned(text) => text,
        Cow::Borrowed(text) if text.len() <= PIECE => text.to_owned(),
        Cow::Borrowed(text) => in_pieces(text),
    }
}

#[inline(never)]
fn in_pieces(text: &str) -> String {
    let mut copy = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((piece, after)) = rest.split_at_checked(boundary(rest)) {
        copy.push_str(piece);
        rest = after;
        if rest.is_empty() {
            break;
        }
    }
    copy
}

/// Where the first piece ends.
fn boundary(text: &str) -> usize {
    if text.len() <= PIECE {
        return text.len();
    }
    // A character has up to four bytes.
    (PIECE.saturating_sub(3)..=PIECE).rev().find(|at| text.is_char_boundary(*at)).unwrap_or(text.len())
}

/// Puts a copy of these bytes behind others.
#[inline]
pub(crate) fn extend(to: &mut Vec<u8>, bytes: &[u8]) {
    if bytes.len() <= PIECE {
        return to.extend_from_slice(bytes);
    }
    to.reserve(bytes.len());
    for piece in bytes.chunks(PIECE) {
        to.extend_from_slice(piece);
    }
}

/// Marks where a text was cut.
pub(crate) const CUT: char = '…';

/// The start of `text` in at most `max` bytes, on one line: control characters, which could also steer a
/// terminal, and runs of white space become one space. Where text was cut off stands `…`, which the limit
/// does not count.
pub(crate) fn excerpt(text: &str, max: usize) -> String {
    let mut line = String::new();
    let mut space = false;
    for character in text.chars() {
        if character.is_whitespace() || is_control(character) {
            space = !line.is_empty();
            continue;
        }
        if line.len() + usize::from(space) + character.len_utf8() > max {
            line.push(CUT);
            return line;
        }
        if space {
            line.push(' ');
            space = false;
        }
        line.push(character);
    }
    line
}

/// Control characters, and the ones that reorder the text around them.
fn is_control(character: char) -> bool {
    character.is_control()
        || matches!(character, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_copy_is_what_it_is_a_copy_of() {
        for unit in ["a", "é", "€", "😀"] {
            for bytes in [0, 1, 5, PIECE - 2, PIECE - 1, PIECE, PIECE + 1, 2 * PIECE + 2, 5 * PIECE] {
                for before in ["", "x", "xy", "xyz"] {
                    let text = format!("{before}{}", unit.repeat(bytes / unit.len()));
                    assert_eq!(owned(Cow::Borrowed(&text)), text);
                    let mut appended = b"before".to_vec();
                    extend(&mut appended, text.as_bytes());
                    assert_eq!(appended, format!("before{text}").into_bytes());
                }
            }
        }
    }

    #[test]
    fn is_one_line_without_control_characters() {
        assert_eq!(excerpt("  two\r\n\twords\u{1b}[31m \u{202e}red\0 ", 100), "two words [31m red");
        assert_eq!(excerpt("", 10), "");
        assert_eq!(excerpt(" \n ", 10), "");
    }

    #[test]
    fn is_bounded_on_a_character_boundary() {
        assert_eq!(excerpt("abcdef", 6), "abcdef");
        assert_eq!(excerpt("abcdefg", 6), "abcdef…");
        assert_eq!(excerpt("ééé", 5), "éé…");
        assert_eq!(excerpt("a b", 2), "a…");
        assert_eq!(excerpt("x", 0), "…");
    }
}
