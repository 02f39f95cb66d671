//! Reads flat objects in one pass: those whose values are strings, whole numbers, `true`, `false`, `null`,
//! and empty arrays and objects, all in one line. Most events are such objects.
//!
//! What is not flat, or not JSON, is left to `serde_json`, so nothing else here has to know what JSON is.

use memchr::memchr2;

use crate::span::Span;

/// What was found in a flat object.
pub(crate) struct Found<const N: usize> {
    /// Where the JSON of each field is. None for one that is missing or `null`; if a key occurs twice, the last
    /// one counts.
    pub(crate) fields: [Span; N],
    /// A bit for each field, from the lowest, that is a string without escapes.
    plain: u32,
}

impl<const N: usize> Found<N> {
    /// The JSON of the fields, as [`json::find`](crate::json::find) finds them.
    pub(crate) fn values<'a>(&self, json: &'a str) -> [Option<&'a str>; N] {
        self.fields.map(|field| field.get(json))
    }

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
#[inline]
pub(crate) fn find<const N: usize>(json: &str, known: impl Fn(&[u8]) -> Option<Known>) -> Option<Found<N>> {
    let mut found = Found { fields: [Span::default(); N], plain: 0 };
    let mut key = pass(pass(json.as_bytes(), b'{')?, b'"')?;
    loop {
        let (len, place) = match known(key) {
            Some(Known { place, len }) => (len, Some(place)),
            None => (end_of_plain(key)?, None),
        };
        let before = match key.get(len..)? {
            [b'"', b':', after @ ..] => after,
            [b'"', after @ ..] => pass(after, b':')?,
            _ => return None,
        };
        let before = after_spaces(before);
        let (value, after) = value(before)?;
        if let Some(place) = place {
            let at = |rest: &[u8]| json.len().checked_sub(rest.len());
            let span = Span::new(at(before)?, at(after)?)?;
            *found.fields.get_mut(place)? = if value == Value::Null { Span::default() } else { span };
            let bit = u32::try_from(place).ok().and_then(|place| 1_u32.checked_shl(place))?;
            found.plain = if value == Value::Plain { found.plain | bit } else { found.plain & !bit };
        }
        key = match after_spaces(after) {
            [b',', b'"', after @ ..] => after,
            [b',', after @ ..] => pass(after, b'"')?,
            [b'}', after @ ..] => return after_spaces(after).is_empty().then_some(found),
            _ => return None,
        };
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Value {
    /// A string without escapes.
    Plain,
    Null,
    Other,
}

/// What follows after spaces. Most servers write none.
#[inline]
fn after_spaces(bytes: &[u8]) -> &[u8] {
    if let [b' ', after @ ..] = bytes { after_more_spaces(after) } else { bytes }
}

#[cold]
fn after_more_spaces(mut bytes: &[u8]) -> &[u8] {
    while let [b' ', after @ ..] = bytes {
        bytes = after;
    }
    bytes
}

/// What follows after this byte, before which there may be spaces.
#[inline]
fn pass(bytes: &[u8], byte: u8) -> Option<&[u8]> {
    let (first, after) = after_spaces(bytes).split_first()?;
    (*first == byte).then_some(after)
}

/// What value the bytes begin with, and what follows after it.
#[inline]
fn value(bytes: &[u8]) -> Option<(Value, &[u8])> {
    let (first, after) = bytes.split_first()?;
    match first {
        b'"' => after_string(after),
        b'0'..=b'9' => Some((Value::Other, after_number(*first, after)?)),
        b'[' => Some((Value::Other, pass(after, b']')?)),
        b'{' => Some((Value::Other, pass(after, b'}')?)),
        b't' => Some((Value::Other, after.strip_prefix(b"rue")?)),
        b'f' => Some((Value::Other, after.strip_prefix(b"alse")?)),
        b'n' => Some((Value::Null, after.strip_prefix(b"ull")?)),
        _ => None,
    }
}

/// After the quote that begins a string: whether the string has no escapes, and what follows after it.
#[inline]
fn after_string(bytes: &[u8]) -> Option<(Value, &[u8])> {
    let (mut rest, mut value) = (bytes, Value::Plain);
    loop {
        match rest.get(end_of_plain(rest)?..)? {
            [b'"', after @ ..] => return Some((value, after)),
            [b'\\', after @ ..] => rest = after_escape(after)?,
            // A control character, which is not allowed in strings.
            _ => return None,
        }
        value = Value::Other;
    }
}

/// What follows after the rest of an escape, of which the backslash was passed.
fn after_escape(bytes: &[u8]) -> Option<&[u8]> {
    match bytes {
        [b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't', after @ ..] => Some(after),
        [b'u', after @ ..] => {
            let (digits, after) = after.split_first_chunk::<4>()?;
            digits.iter().all(u8::is_ascii_hexdigit).then_some(after)
        }
        _ => None,
    }
}

/// After the first digit of a whole number: what follows after the others.
#[inline]
fn after_number(first: u8, bytes: &[u8]) -> Option<&[u8]> {
    let mut rest = bytes;
    while let [b'0'..=b'9', after @ ..] = rest {
        if first == b'0' {
            return None;
        }
        rest = after;
    }
    // A fraction or an exponent may follow.
    (!matches!(rest, [] | [b'.' | b'e' | b'E', ..])).then_some(rest)
}

/// Where the first byte is that ends a string, or is not plain in it: a quote, a backslash or a control
/// character. Keys and most strings are short: they are looked through eight bytes at a time, which for them
/// takes less time than to call memchr.
#[inline]
fn end_of_plain(bytes: &[u8]) -> Option<usize> {
    let (mut rest, mut passed) = (bytes, 0_usize);
    while let Some((eight, after)) = rest.split_first_chunk::<8>() {
        if passed >= SHORT {
            return end_of_long(rest)?.checked_add(passed);
        }
        let eight = u64::from_le_bytes(*eight);
        // With the bit 2 turned over, a quote has the value of a space, and the control characters, which are
        // those below a space, stay below it.
        let ends = below(eight ^ ONES.wrapping_mul(2), b' ' + 1) | below(eight ^ BACKSLASHES, 1);
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
#[inline(never)]
fn end_of_long(bytes: &[u8]) -> Option<usize> {
    let end = memchr2(b'"', b'\\', bytes)?;
    // All bytes are looked at, because compilers make vector code of that.
    let plain = bytes.get(..end)?;
    if plain.iter().copied().fold(u8::MAX, u8::min) < b' ' {
        return plain.iter().position(|byte| *byte < b' ');
    }
    Some(end)
}

/// Sets the highest bit of the first byte that is below `limit`, which is at most 128, and perhaps bits above
/// that. Zero if no byte is.
const fn below(bytes: u64, limit: u8) -> u64 {
    bytes.wrapping_sub(ONES.wrapping_mul(limit as u64)) & !bytes & (ONES << 7)
}

const ONES: u64 = u64::from_le_bytes([1; 8]);
const BACKSLASHES: u64 = u64::from_le_bytes([b'\\'; 8]);

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
        let values = found.values(text);
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
    fn only_quotes_backslashes_and_control_characters_are_not_plain() {
        for character in (0..=0x7f_u8).map(char::from).chain(['é', '€', '😀']) {
            for at in 0..20 {
                let string = format!("{}{character}", "x".repeat(at));
                let end = end_of_plain(format!("{string}\"").as_bytes());
                let is_plain = !matches!(character, '"' | '\\' | '\0'..'\x20');
                assert_eq!(end, Some(if is_plain { string.len() } else { at }), "{character:?} at {at}");
            }
        }
    }

    #[test]
    fn the_last_of_two_counts() {
        for (first, last, is_plain) in [
            (r#""a""#, r#""b""#, true),
            ("1", r#""b""#, true),
            (r#""a""#, "1", false),
            (r#""a""#, "null", false),
        ] {
            let text = format!(r#"{{"delta":{first},"delta":{last}}}"#);
            let found = find::<3>(&text, known).expect("it is flat");
            assert_eq!(found.values(&text)[1], Some(last).filter(|last| *last != "null"), "{text}");
            assert_eq!(found.is_plain(1), is_plain, "{text}");
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
