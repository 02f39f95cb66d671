//! Reads flat objects in one pass: those whose values are strings, whole numbers, `true`, `false`, `null`,
//! and empty arrays and objects, all in one line. Most events are such objects.
//!
//! What is not flat, or not JSON, is left to `serde_json`, so nothing else here has to know what JSON is.

use memchr::memchr2;

/// The JSON of the fields that `place` gives a place to, as [`json::find`](crate::json::find) finds them.
/// `None` if `json` is not a flat object: then it says nothing about whether it is JSON.
pub(crate) fn find<const N: usize>(
    json: &str,
    place: impl Fn(&[u8]) -> Option<usize>,
) -> Option<[Option<&str>; N]> {
    // Not allowed in strings. Between them a line break is, which few servers send. All bytes are looked at,
    // because compilers make vector code of that.
    if json.bytes().fold(u8::MAX, u8::min) < b' ' {
        return None;
    }
    let mut found = [None; N];
    let mut scanner = Scanner { bytes: json.as_bytes(), at: 0 };
    scanner.pass(b'{')?;
    loop {
        let key = scanner.key()?;
        scanner.pass(b':')?;
        let (start, end) = scanner.value()?;
        if let Some(found) = place(key).and_then(|place| found.get_mut(place)) {
            *found = json.get(start..end).filter(|value| *value != "null");
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

    /// The inside of a string without escapes.
    fn key(&mut self) -> Option<&'a [u8]> {
        self.pass(b'"')?;
        let rest = self.bytes.get(self.at..)?;
        let len = memchr2(b'"', b'\\', rest)?;
        let (key, after) = rest.split_at_checked(len)?;
        self.at = self.at.checked_add(len)?.checked_add(1)?;
        (*after.first()? == b'"').then_some(key)
    }

    /// Passes over a value, and says from where to where it is.
    fn value(&mut self) -> Option<(usize, usize)> {
        let first = self.after_space()?;
        let start = self.at;
        self.at += 1;
        match first {
            b'"' => self.end_of_string()?,
            b'0'..=b'9' => self.end_of_number(first)?,
            b'[' => self.pass(b']')?,
            b'{' => self.pass(b'}')?,
            b't' => self.end_of_word(b"rue")?,
            b'f' => self.end_of_word(b"alse")?,
            b'n' => self.end_of_word(b"ull")?,
            _ => return None,
        }
        Some((start, self.at))
    }

    /// After the quote that begins a string.
    fn end_of_string(&mut self) -> Option<()> {
        loop {
            let rest = self.bytes.get(self.at..)?;
            let len = memchr2(b'"', b'\\', rest)?;
            self.at = self.at.checked_add(len)?.checked_add(1)?;
            if *rest.get(len)? == b'"' {
                return Some(());
            }
            self.end_of_escape()?;
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

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::json;

    const NAMES: [&[u8]; 3] = [b"type", b"delta", b"n"];

    fn place(key: &[u8]) -> Option<usize> {
        NAMES.iter().position(|name| *name == key)
    }

    #[track_caller]
    fn agrees(text: &str) -> Option<[Option<&str>; 3]> {
        let found = find::<3>(text, place)?;
        assert_eq!(json::find(text, place).expect("what is flat is JSON"), found, "{text}");
        Some(found)
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
