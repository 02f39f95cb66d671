//! Cuts secrets out of texts, whole or in part.

use std::borrow::Cow;

use base64::Engine as _;
use base64::engine::DecodePaddingMode;
use base64::engine::general_purpose::{GeneralPurpose, GeneralPurposeConfig};

use crate::text::{CUT, excerpt};

/// Shorter words of a header are not secrets. `Bearer` is one of them.
const SHORTEST_WORD: usize = 7;
/// Shorter values are not cut out, if they are a secret as a whole: a password, or the value of a key in a
/// URL.
const SHORTEST_VALUE: usize = 4;
/// The shortest beginning of a secret that is cut out where a text was shortened. A shorter one reveals
/// nothing, and would match other words.
const SHORTEST_BEGINNING: usize = 3;

const SHOWN: &str = "[redacted]";

/// The secrets that no text may show. The longest comes first, as it may contain another.
#[derive(Clone, Default, PartialEq, Eq)]
pub(crate) struct Secrets(Vec<String>);

impl Secrets {
    pub(crate) const fn new() -> Self {
        Self(Vec::new())
    }

    /// Adds all of these too.
    pub(crate) fn extend(&mut self, others: &Self) {
        for secret in &others.0 {
            self.insert(secret.clone());
        }
        self.sort();
    }

    /// Adds the value of a header: each of its words, and `Basic` credentials in decoded form too.
    pub(crate) fn add_header(&mut self, value: &str) {
        for word in value.split_whitespace().filter(|word| word.len() >= SHORTEST_WORD) {
            self.add(word);
        }
        let Some((scheme, encoded)) = value.split_once(' ') else { return };
        if !scheme.eq_ignore_ascii_case("basic") {
            return;
        }
        self.add_value(encoded.trim());
        self.add_value(encoded.trim().trim_end_matches('='));
        let padding = GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent);
        let decoder = GeneralPurpose::new(&base64::alphabet::STANDARD, padding);
        let decoded = decoder.decode(encoded.trim()).ok().and_then(|decoded| String::from_utf8(decoded).ok());
        if let Some(decoded) = decoded {
            self.add_value(&decoded);
            self.add_value(decoded.split_once(':').map_or("", |(_, password)| password));
        }
    }

    /// Adds the value of a credential in the query of a URL, as it stands there.
    pub(crate) fn add_query_value(&mut self, value: &str) {
        self.add_value(value);
        self.add_value(&percent_decoded(value));
    }

    fn add_value(&mut self, value: &str) {
        if value.len() >= SHORTEST_VALUE {
            self.add(value);
        }
    }

    fn add(&mut self, secret: &str) {
        // In the form that it has in a text after `excerpt`, as texts are made fit to be shown before they
        // come here.
        let secret = excerpt(secret, usize::MAX);
        // Some servers escape slashes in JSON, and a text that is not an event is shown as received.
        let escaped = secret.replace('/', "\\/");
        self.insert(secret);
        self.insert(escaped);
        self.sort();
    }

    fn insert(&mut self, form: String) {
        if !form.is_empty() && !self.0.contains(&form) {
            self.0.push(form);
        }
    }

    fn sort(&mut self) {
        self.0.sort_by_key(|secret| core::cmp::Reverse(secret.len()));
    }

    /// Cuts all of them out of a text and, where the text was shortened, the beginning of one too.
    pub(crate) fn redact<'t>(&self, text: &'t str) -> Cow<'t, str> {
        let mut text = Cow::Borrowed(text);
        for secret in &self.0 {
            if text.contains(secret.as_str()) {
                text = Cow::Owned(text.replace(secret.as_str(), SHOWN));
            }
        }
        if !text.contains(CUT) || self.0.is_empty() {
            return text;
        }
        let mut shown = String::with_capacity(text.len());
        let mut parts = text.split(CUT).peekable();
        while let Some(part) = parts.next() {
            let is_cut = parts.peek().is_some();
            match self.beginning_at_end(part).filter(|_| is_cut) {
                Some(start) => {
                    shown.push_str(part.get(..start).unwrap_or_default());
                    shown.push_str(SHOWN);
                }
                None => shown.push_str(part),
            }
            if is_cut {
                shown.push(CUT);
            }
        }
        Cow::Owned(shown)
    }

    /// If this text ends with the beginning of a secret: where that starts, for the longest one.
    fn beginning_at_end(&self, text: &str) -> Option<usize> {
        let longest = |secret: &String| {
            secret
                .char_indices()
                .rev()
                .map(|(end, _)| secret.get(..end).unwrap_or_default())
                .filter(|beginning| beginning.len() >= SHORTEST_BEGINNING)
                .find(|beginning| text.ends_with(beginning))
                .map(str::len)
        };
        self.0.iter().filter_map(longest).max().map(|length| text.len().saturating_sub(length))
    }
}

fn percent_decoded(text: &str) -> String {
    let mut bytes = Vec::new();
    let mut rest = text.as_bytes();
    while let Some((byte, after)) = rest.split_first() {
        let digit = |at: usize| after.get(at).and_then(|digit| char::from(*digit).to_digit(16));
        rest = after;
        match (byte, digit(0), digit(1)) {
            (b'%', Some(high), Some(low)) => {
                bytes.push((high * 16 + low) as u8);
                rest = after.get(2..).unwrap_or_default();
            }
            _ => bytes.push(*byte),
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn secrets(headers: &[&str], query: &[&str]) -> Secrets {
        let mut secrets = Secrets::default();
        headers.iter().for_each(|value| secrets.add_header(value));
        query.iter().for_each(|value| secrets.add_query_value(value));
        secrets
    }

    const KEY: &str = "sk-0123456789abcdefghijklmnopqrstuvwxyzABCDEF";

    #[test]
    fn wherever_a_text_is_cut_no_part_of_a_secret_is_left() {
        let secrets = secrets(&[&format!("Bearer {KEY}")], &[]);
        let text = format!("the key {KEY} is not valid");
        for max in 0..text.len() {
            let shown = secrets.redact(&excerpt(&text, max)).into_owned();
            assert!(!shown.contains("sk-"), "{max}: {shown}");
            assert!(text.starts_with(shown.split("[re").next().unwrap().trim_end_matches(CUT)), "{shown}");
        }
        // The sentence may go on after what was cut.
        assert_eq!(secrets.redact("got `{\"a\": \"sk-012…`: bad"), "got `{\"a\": \"[redacted]…`: bad");
        assert_eq!(secrets.redact("a desk… and"), "a desk… and");
    }

    #[test]
    fn basic_credentials_in_either_form() {
        // `Aladdin:open sesame`
        for header in ["Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==", "basic QWxhZGRpbjpvcGVuIHNlc2FtZQ"] {
            let secrets = secrets(&[header], &[]);
            for (text, shown) in [
                ("no user Aladdin:open sesame.", "no user [redacted]."),
                ("wrong password `open sesame`", "wrong password `[redacted]`"),
                ("Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ", "Basic [redacted]"),
                ("no user Aladdin", "no user Aladdin"),
            ] {
                assert!(secrets.redact(text).starts_with(shown), "{}", secrets.redact(text));
            }
        }
        let secrets = secrets(&["Basic bWU6aHVudGVyMg==", "Basic ???", "Basic"], &[]);
        assert_eq!(secrets.redact("me:hunter2 or hunter2"), "[redacted] or [redacted]");
    }

    #[test]
    fn forms_of_a_value() {
        let secrets = secrets(&["ab/cd+ef=="], &["a%2Fb%20c%zz", "abc"]);
        assert_eq!(secrets.redact(r#"{"key":"ab\/cd+ef=="}"#), r#"{"key":"[redacted]"}"#);
        assert_eq!(secrets.redact("a%2Fb%20c%zz or a/b c%zz, abc"), "[redacted] or [redacted], abc");
    }
}
