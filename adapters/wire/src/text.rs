//! Makes text from servers fit for one line of an error message.

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
