//! Finds parts of a JSON text without building a tree of it: an event may have 16 MiB, and a tree takes many
//! times that. Numbers that nobody reads may have any size. If a key occurs twice, the last one counts.

use core::fmt;
use std::borrow::Cow;

use serde::Deserializer as _;
use serde::de::{self, DeserializeSeed, IgnoredAny, MapAccess, SeqAccess};
use serde_json::value::RawValue;

/// The JSON of these fields of an object. `None` for one that is missing or `null`.
pub(crate) fn fields<'a, const N: usize>(
    json: &'a str,
    names: &[&str; N],
) -> Result<[Option<&'a str>; N], serde_json::Error> {
    find(json, |key| names.iter().position(|name| name.as_bytes() == key))
}

/// As [`fields`], but ignores the case of keys.
pub(crate) fn headers<'a, const N: usize>(json: &'a str, names: &[&str; N]) -> [Option<&'a str>; N] {
    find(json, |key| names.iter().position(|name| name.as_bytes().eq_ignore_ascii_case(key)))
        .unwrap_or([None; N])
}

/// The JSON of the first element of an array.
pub(crate) fn first(json: &str) -> Option<&str> {
    struct First;

    impl<'de> de::Visitor<'de> for First {
        type Value = Option<&'de RawValue>;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("an array")
        }

        fn visit_seq<A: SeqAccess<'de>>(self, mut array: A) -> Result<Self::Value, A::Error> {
            let first = array.next_element()?;
            while array.next_element::<IgnoredAny>()?.is_some() {}
            Ok(first)
        }
    }

    serde_json::Deserializer::from_str(json).deserialize_seq(First).ok().flatten().map(RawValue::get)
}

/// The JSON of each element of an array; none if it is no array.
pub(crate) fn elements(json: &str) -> Option<Vec<&str>> {
    serde_json::from_str::<Vec<&RawValue>>(json).ok().map(|all| all.into_iter().map(RawValue::get).collect())
}

/// A whole number that is not negative.
pub(crate) fn number(json: &str) -> Option<u64> {
    json.parse().ok()
}

/// The text that a JSON string stands for, if it is a string. Half a surrogate pair becomes U+FFFD.
pub(crate) fn text(json: &str) -> Option<Cow<'_, str>> {
    match plain(json) {
        Some(text) => Some(Cow::Borrowed(text)),
        None => unescape(json).map(Cow::Owned),
    }
}

/// The inside of a JSON string that has no escapes.
pub(crate) fn plain(json: &str) -> Option<&str> {
    let inside = json.strip_prefix('"')?.strip_suffix('"')?;
    memchr::memchr(b'\\', inside.as_bytes()).is_none().then_some(inside)
}

/// Decodes a JSON string with escapes, if it is a string. Read as bytes, since serde refuses half a surrogate
/// pair in text.
pub(crate) fn unescape(json: &str) -> Option<String> {
    struct Bytes;

    impl de::Visitor<'_> for Bytes {
        type Value = String;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("a string")
        }

        fn visit_str<E: de::Error>(self, text: &str) -> Result<String, E> {
            Ok(text.to_owned())
        }

        fn visit_bytes<E: de::Error>(self, bytes: &[u8]) -> Result<String, E> {
            let mut text = String::with_capacity(bytes.len());
            for chunk in bytes.utf8_chunks() {
                text.push_str(chunk.valid());
                // Half a pair takes three bytes, which count as three errors: the first stands for all of
                // them.
                if chunk.invalid().first().is_some_and(|byte| !matches!(byte, 0x80..0xc0)) {
                    text.push(char::REPLACEMENT_CHARACTER);
                }
            }
            Ok(text)
        }
    }

    if !json.starts_with('"') {
        return None;
    }
    serde_json::Deserializer::from_str(json).deserialize_bytes(Bytes).ok()
}

/// The JSON of the fields that `place` gives a place to.
pub(crate) fn find<const N: usize>(
    json: &str,
    place: impl Fn(&[u8]) -> Option<usize>,
) -> Result<[Option<&str>; N], serde_json::Error> {
    let mut found = [None; N];
    let mut deserializer = serde_json::Deserializer::from_str(json);
    deserializer.deserialize_map(Object { found: &mut found, place })?;
    deserializer.end()?;
    Ok(found)
}

struct Object<'f, 'de, F> {
    found: &'f mut [Option<&'de str>],
    place: F,
}

impl<'de, F: Fn(&[u8]) -> Option<usize>> de::Visitor<'de> for Object<'_, 'de, F> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        while let Some(place) = map.next_key_seed(Key(&self.place))? {
            match place.and_then(|place| self.found.get_mut(place)) {
                Some(found) => {
                    let value: &'de RawValue = map.next_value()?;
                    *found = Some(value.get()).filter(|json| *json != "null");
                }
                None => {
                    map.next_value::<IgnoredAny>()?;
                }
            }
        }
        Ok(())
    }
}

/// The place of a key.
struct Key<'p, F>(&'p F);

impl<'de, F: Fn(&[u8]) -> Option<usize>> DeserializeSeed<'de> for Key<'_, F> {
    type Value = Option<usize>;

    fn deserialize<D: de::Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        // Read as bytes: a key that is not text is not one of these fields, and must not make the rest fail.
        deserializer.deserialize_bytes(self)
    }
}

impl<F: Fn(&[u8]) -> Option<usize>> de::Visitor<'_> for Key<'_, F> {
    type Value = Option<usize>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a key")
    }

    fn visit_bytes<E: de::Error>(self, key: &[u8]) -> Result<Self::Value, E> {
        Ok((self.0)(key))
    }

    fn visit_str<E: de::Error>(self, key: &str) -> Result<Self::Value, E> {
        self.visit_bytes(key.as_bytes())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_of_an_object() {
        let json = r#"{"a":1e999,"b":null,"\u0063":[{"a":2}],"a":"x","\ud800":0}"#;
        assert_eq!(fields(json, &["a", "b", "c"]).unwrap(), [Some("\"x\""), None, Some(r#"[{"a":2}]"#)]);
        assert_eq!(headers(r#"{"Retry-After":4}"#, &["retry-after"]), [Some("4")]);
        for bad in ["", "[]", "1", "{", "{} x", r#"{"a":}"#, r#"{"a":1}{"#] {
            assert!(fields(bad, &["a"]).is_err(), "{bad}");
        }
    }

    #[test]
    fn the_first_element_of_an_array() {
        assert_eq!(first(r#"[{"a":1}, 2]"#), Some(r#"{"a":1}"#));
        for none in ["[]", "{}", "[1", "1"] {
            assert_eq!(first(none), None, "{none}");
        }
    }
}
