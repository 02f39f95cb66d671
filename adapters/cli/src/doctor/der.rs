//! As much of DER as it takes to read who has issued a certificate. Reads any bytes, and believes none.
//!
//! A crate that reads certificates brings some fifteen others. Nothing is decided by what is read here: it is
//! shown to people.

use super::record::tame;

/// The longest name that is shown.
const MAX_NAME: usize = 64;

const SEQUENCE: u8 = 0x30;
const SET: u8 = 0x31;
const OID: u8 = 0x06;
const VERSION: u8 = 0xa0;
const EXTENSIONS: u8 = 0xa3;

const COMMON_NAME: &[u8] = &[0x55, 0x04, 0x03];
const ORGANIZATION: &[u8] = &[0x55, 0x04, 0x0a];
/// 1.3.6.1.4.1.11129.2.4.2 (RFC 6962, section 3.3).
const STAMPS: &[u8] = &[0x2b, 0x06, 0x01, 0x04, 0x01, 0xd6, 0x79, 0x02, 0x04, 0x02];

/// What a certificate says of itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Certificate {
    pub(super) issuer: String,
    pub(super) subject: String,
    /// Whether logs of Certificate Transparency have stamped it.
    pub(super) is_stamped: bool,
}

impl Certificate {
    /// `None` if this is no certificate.
    pub(super) fn read(der: &[u8]) -> Option<Self> {
        let (certificate, _) = expect(SEQUENCE, der)?;
        let (mut body, _) = expect(SEQUENCE, certificate)?;
        if let Some((_, rest)) = expect(VERSION, body) {
            body = rest;
        }
        // The serial number and the algorithm of the signature.
        let (_, _, rest) = take(body)?;
        let (_, _, rest) = take(rest)?;
        let (issuer, rest) = expect(SEQUENCE, rest)?;
        // From when to when it is valid.
        let (_, rest) = expect(SEQUENCE, rest)?;
        let (subject, rest) = expect(SEQUENCE, rest)?;
        Some(Self { issuer: name(issuer), subject: name(subject), is_stamped: is_stamped(rest) })
    }
}

/// Whether one of the extensions has the stamps.
fn is_stamped(mut rest: &[u8]) -> bool {
    while let Some((tag, content, after)) = take(rest) {
        if tag == EXTENSIONS {
            let Some((mut extensions, _)) = expect(SEQUENCE, content) else { return false };
            while let Some((extension, after)) = expect(SEQUENCE, extensions) {
                if expect(OID, extension).is_some_and(|(oid, _)| oid == STAMPS) {
                    return true;
                }
                extensions = after;
            }
            return false;
        }
        rest = after;
    }
    false
}

/// `R11, Let's Encrypt`: the common name and the organization, as far as there are any.
fn name(mut parts: &[u8]) -> String {
    let (mut common, mut organization) = (None, None);
    while let Some((set, after)) = expect(SET, parts) {
        let part = expect(SEQUENCE, set).and_then(|(pair, _)| expect(OID, pair));
        if let Some((oid, value)) = part {
            let text = take(value).map(|(_, text, _)| shown(text));
            match oid {
                COMMON_NAME => common = common.or(text),
                ORGANIZATION => organization = organization.or(text),
                _ => {}
            }
        }
        parts = after;
    }
    let words: Vec<String> =
        [common, organization].into_iter().flatten().filter(|word| !word.is_empty()).collect();
    if words.is_empty() { "an authority without a name".to_owned() } else { words.join(", ") }
}

/// A name may be anything: it is made fit to be shown.
fn shown(text: &[u8]) -> String {
    let text = tame(&String::from_utf8_lossy(text));
    let mut shown: String = text.chars().take(MAX_NAME).collect();
    if text.chars().count() > MAX_NAME {
        shown.push('…');
    }
    shown
}

/// The content of a value with this tag, and what follows it.
fn expect(tag: u8, der: &[u8]) -> Option<(&[u8], &[u8])> {
    take(der).filter(|(found, _, _)| *found == tag).map(|(_, content, rest)| (content, rest))
}

/// The tag of the first value, its content, and what follows it.
fn take(der: &[u8]) -> Option<(u8, &[u8], &[u8])> {
    let (tag, rest) = der.split_first()?;
    let (first, rest) = rest.split_first()?;
    let (length, rest) = match first {
        0..=0x7f => (usize::from(*first), rest),
        0x81..=0x84 => {
            let (digits, rest) = rest.split_at_checked(usize::from(first & 0x7f))?;
            (digits.iter().fold(0_usize, |length, digit| (length << 8) | usize::from(*digit)), rest)
        }
        _ => return None,
    };
    let (content, rest) = rest.split_at_checked(length)?;
    Some((*tag, content, rest))
}
