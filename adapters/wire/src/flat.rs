//! Reads flat objects in one pass: those whose values are strings, whole numbers, `true`, `false`, `null`,
//! and empty arrays and objects, all in one line. Most events are such objects.
//!
//! What is not flat, or not JSON, is left to `serde_json`, so nothing else here has to know what JSON is.

use memchr::memchr2;

/// What was found in a flat object.
pub(crate) struct Found<'a, const N: usize> {
    /// The JSON of the fields, as [`json::find`](crate::json::find) finds them.
    pub(crate) values: [Option<&'a str>; N],
    /// A bit for each field, from the lowest, that is a string without escapes.
    plain: u32,
}

impl<const N: usize> Found<'_, N> {
    /// Whether the field at this place is known to be a string without escapes.
    pub(crate) const fn is_plain(&self, place: usize) -> bool {
        place < 32 && self.plain & (1 << place) != 0
    }
}

/// A field that has a place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Known {
    pub(crate) place: usize,
    /// How many bytes its name has.
    pub(crate) len: usize,
}

/// Looks for the fields that have a place. `known` says with the name of which of them, and the quote after
/// it, the bytes begin. `None` if `json` is not a flat object: then it says nothing about whether it is JSON.
pub(crate) fn find<const N: usize>(
    json: &str,
    known: impl Fn(&[u8]) -> Option<Known>,
) -> Option<Found<'_, N>> {
    let mut found = Found { values: [None; N], plain: 0 };
    let mut scanner = Scanner { bytes: json.as_bytes(), at: 0 };
    scanner.pass(b'{')?;
    loop {
        let place = scanner.key(&known)?;
        scanner.pass(b':')?;
        let Value { start, end, is_plain } = scanner.value()?;
        if let Some(place) = place {
            *found.values.get_mut(place)? = json.get(start..end).filter(|value| *value != "null");
            let bit = u32::try_from(place).ok().and_then(|place| 1_u32.checked_shl(place))?;
            found.plain = if is_plain { found.plain | bit } else { found.plain & !bit };
        }
        match scanner.after_space()? {
            b',' => scanner.at += 1,
            b'}' => break,
            _ => return None,
        }
    }
    scanner.at += 1;
    scanner.after_space().is_none().then_some(found)
}

/// From where to where a value is.
struct Value {
    start: usize,
    end: usize,
    /// Whether it is a string without escapes.
    is_plain: bool,
}

struct Scanner<'a> {
    bytes: &'a [u8],
    /// Where the next byte is. It never passes the end by more than one.
    at: usize,
}

impl<'a> Scanner<'a> {
    fn peek(&self) -> Option<u8> {
        self.bytes.get(self.at).copied()
    }

    /// The next byte that is no space.
    fn after_space(&mut self) -> Option<u8> {
        loop {
            match self.peek()? {
                b' ' => self.at += 1,
                byte => return Some(byte),
            }
        }
    }

    /// Passes over this byte, and spaces before it.
    fn pass(&mut self, byte: u8) -> Option<()> {
        (self.after_space()? == byte).then(|| self.at += 1)
    }

    /// Passes over a key without escapes, and says which place its value has, if any.
    fn key(&mut self, known: impl Fn(&[u8]) -> Option<Known>) -> Option<Option<usize>> {
        self.pass(b'"')?;
        let rest = self.bytes.get(self.at..)?;
        let (len, place) = match known(rest) {
            Some(Known { place, len }) => (len, Some(place)),
            None => (end_of_plain(rest)?, None),
        };
        self.at = self.at.checked_add(len)?.checked_add(1)?;
        (*rest.get(len)? == b'"').then_some(place)
    }

    /// Passes over a value, and says from where to where it is.
    fn value(&mut self) -> Option<Value> {
        let first = self.after_space()?;
        let start = self.at;
        self.at += 1;
        let mut is_plain = false;
        match first {
            b'"' => is_plain = self.end_of_string()?,
            b'0'..=b'9' => self.end_of_number(first)?,
            b'[' => self.pass(b']')?,
            b'{' => self.pass(b'}')?,
            b't' => self.end_of_word(b"rue")?,
            b'f' => self.end_of_word(b"alse")?,
            b'n' => self.end_of_word(b"ull")?,
            _ => return None,
        }
        Some(Value { start, end: self.at, is_plain })
    }

    /// After the quote that begins a string: passes over the rest, and says whether that has no escapes.
    fn end_of_string(&mut self) -> Option<bool> {
        let mut is_plain = true;
        loop {
            let rest = self.bytes.get(self.at..)?;
            let len = end_of_plain(rest)?;
            self.at = self.at.checked_add(len)?.checked_add(1)?;
            match *rest.get(len)? {
                b'"' => return Some(is_plain),
                b'\\' => self.end_of_escape()?,
                // A control character, which is not allowed in strings.
                _ => return None,
            }
            is_plain = false;
        }
    }

    /// After a backslash in a string.
    fn end_of_escape(&mut self) -> Option<()> {
        match self.peek()? {
            b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't' => self.at += 1,
            b'u' => {
                let digits = self.bytes.get(self.at..)?.get(1..5)?;
                if !digits.iter().all(u8::is_ascii_hexdigit) {
                    return None;
                }
                self.at += 5;
            }
            _ => return None,
        }
        Some(())
    }

    /// After the first digit of a number: the end of a whole number.
    fn end_of_number(&mut self, first: u8) -> Option<()> {
        while self.peek()?.is_ascii_digit() {
            if first == b'0' {
                return None;
            }
            self.at += 1;
        }
        // A fraction or an exponent may follow.
        (!matches!(self.peek()?, b'.' | b'e' | b'E')).then_some(())
    }

    /// After the first letter of a word: the rest of it.
    fn end_of_word(&mut self, rest: &[u8]) -> Option<()> {
        let is_next = self.bytes.get(self.at..)?.starts_with(rest);
        self.at = self.at.checked_add(rest.len())?;
        is_next.then_some(())
    }
}

/// Where the first byte is that ends a string, or is not plain in it: a quote, a backslash or a control
/// character. Keys and most strings are short: they are looked through eight bytes at a time, which for them
/// takes less time than to call memchr.
fn end_of_plain(bytes: &[u8]) -> Option<usize> {
    let (mut rest, mut passed) = (bytes, 0_usize);
    while let Some((eight, after)) = rest.split_first_chunk::<8>() {
        if passed >= SHORT {
            return end_of_long(rest)?.checked_add(passed);
        }
        let eight = u64::from_le_bytes(*eight);
        let ends = zeros(eight ^ QUOTES) | zeros(eight ^ BACKSLASHES) | zeros(eight & CONTROLS);
        if ends != 0 {
            // The lowest bit is that of the first one.
            return passed.checked_add(usize::try_from(ends.trailing_zeros() / 8).ok()?);
        }
        (rest, passed) = (after, passed.checked_add(8)?);
    }
    let is_end = |byte: &u8| matches!(byte, b'"' | b'\\' | 0..b' ');
    rest.iter().position(is_end)?.checked_add(passed)
}

/// As [`end_of_plain`], for a long string.
fn end_of_long(bytes: &[u8]) -> Option<usize> {
    let end = memchr2(b'"', b'\\', bytes)?;
    // All bytes are looked at, because compilers make vector code of that.
    let plain = bytes.get(..end)?;
    if plain.iter().copied().fold(u8::MAX, u8::min) < b' ' {
        return plain.iter().position(|byte| *byte < b' ');
    }
    Some(end)
}

/// Sets the highest bit of the first byte that is zero, and perhaps bits above that. Zero if no byte is zero.
const fn zeros(bytes: u64) -> u64 {
    bytes.wrapping_sub(ONES) & !bytes & (ONES << 7)
}

const ONES: u64 = u64::from_le_bytes([1; 8]);
const QUOTES: u64 = u64::from_le_bytes([b'"'; 8]);
const BACKSLASHES: u64 = u64::from_le_bytes([b'\\'; 8]);
/// The bits of which a control character has none: those above its lowest five.
const CONTROLS: u64 = u64::from_le_bytes([0xe0; 8]);

/// How many bytes of a string are looked through by eights.
const SHORT: usize = 40;

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::json;

    const NAMES: [&[u8]; 3] = [b"type", b"delta", b"n"];

    fn place(key: &[u8]) -> Option<usize> {
        NAMES.iter().position(|name| *name == key)
    }

    fn known(rest: &[u8]) -> Option<Known> {
        let is_it = |name: &&[u8]| rest.strip_prefix(*name).is_some_and(|rest| rest.starts_with(b"\""));
        let place = NAMES.iter().position(is_it)?;
        Some(Known { place, len: NAMES.get(place)?.len() })
    }

    #[track_caller]
    fn agrees(text: &str) -> Option<[Option<&str>; 3]> {
        let found = find::<3>(text, known)?;
        let values = found.values;
        assert_eq!(json::find(text, place).expect("what is flat is JSON"), values, "{text}");
        for (place, value) in values.iter().enumerate() {
            assert_eq!(found.is_plain(place), value.and_then(json::plain).is_some(), "{text}");
        }
        Some(values)
    }

    #[test]
    fn what_is_flat() {
        let text = r#" { "type" : "a\"\\\/\b\f\n\r\té\ud800", "n":0,"other":[ ],"x":{},"y":true,"z":false, "w":null,"delta":null,"n":120} "#;
        let found = agrees(text).expect("it is flat");
        assert_eq!(found, [Some(r#""a\"\\\/\b\f\n\r\té\ud800""#), None, Some("120")]);
        for at in 0..70 {
            // A quote, an escape and the end at every place of a block.
            let text = format!(r#"{{"delta":"{}\n{}","n":7}}"#, "x".repeat(at), "y".repeat(70 - at));
            assert!(agrees(&text).is_some(), "{text}");
            let text = format!(r#"{{"{}":1,"delta":"","n":7}}"#, "k".repeat(at));
            assert_eq!(agrees(&text), Some([None, Some("\"\""), Some("7")]), "{text}");
        }
    }

    #[test]
    fn what_is_left_to_serde() {
        for text in [
            "",
            "{}",
            "[]",
            "{",
            r#"{"n"}"#,
            r#"{"n":}"#,
            r#"{"n":1"#,
            r#"{"n":1}x"#,
            r#"{"n":1,}"#,
            r#"{"n":1 "a":2}"#,
            r#"{"n":01}"#,
            r#"{"n":-1}"#,
            r#"{"n":1.5}"#,
            r#"{"n":1e9}"#,
            r#"{"n":1x}"#,
            r#"{"n":tru}"#,
            r#"{"n":nullx}"#,
            r#"{"n":[1]}"#,
            r#"{"n":{"a":1}}"#,
            r#"{"\u006e":1}"#,
            r#"{"n":"\x"}"#,
            r#"{"n":"\u12g4"}"#,
            r#"{"n":"\u12"#,
            r#"{"n":"\"#,
            r#"{"n":"a"#,
            r#"{n:1}"#,
            "{\"n\":\"\n\"}",
            "{\"\n\":1}",
            "{\"n\u{7f}\":1,}",
            "\u{feff}{\"n\":1}",
        ] {
            assert_eq!(agrees(text), None, "{text}");
        }
    }

    proptest! {
        #[test]
        fn what_it_finds_serde_finds(text in r#"\{("(type|delta|n|x)" ?: ?("[a-zé"\\u0-9\n ]{0,40}"|[0-9.e-]{1,4}|null|true|\[ ?\]|\{\}|\[1\]),?){0,5}\} ?"#) {
            agrees(&text);
        }

        #[test]
        fn whatever_the_text_it_does_not_panic(text in r#"[\{\}\[\]":,\\ntu0-9 \x00-\x1fé]{0,60}"#) {
            agrees(&text);
        }
    }
}
