use core::time::Duration;
use std::time::SystemTime;

use http::HeaderMap;
use http::header::RETRY_AFTER;

/// How long the headers of an answer ask to wait: `retry-after-ms` in milliseconds, else `Retry-After` in
/// seconds or as an HTTP-date, from which `now` is subtracted.
///
/// Decimals are accepted, although the standard has none. A date in the past is zero, a number that is too
/// large is [`Duration::MAX`], and anything else is ignored.
///
/// ```
/// use core::time::Duration;
/// use std::time::SystemTime;
/// use failback_wire::retry_after;
///
/// let mut headers = http::HeaderMap::new();
/// headers.insert("retry-after", "7".parse()?);
/// assert_eq!(retry_after(&headers, SystemTime::now()), Some(Duration::from_secs(7)));
/// # Ok::<(), http::header::InvalidHeaderValue>(())
/// ```
#[must_use]
pub fn retry_after(headers: &HeaderMap, now: SystemTime) -> Option<Duration> {
    let texts =
        |name: &str| headers.get_all(name).into_iter().filter_map(|value| value.to_str().ok().map(str::trim));
    texts("retry-after-ms")
        .find_map(millis)
        .or_else(|| texts(RETRY_AFTER.as_str()).find_map(|text| seconds(text).or_else(|| until(text, now))))
}

/// A decimal number of milliseconds.
pub(crate) fn millis(text: &str) -> Option<Duration> {
    decimal(text, 1_000_000)
}

/// A decimal number of seconds.
pub(crate) fn seconds(text: &str) -> Option<Duration> {
    decimal(text, NANOS)
}

/// The wait that the text of a message asks for, such as "Please try again in 1.898s", "in 28ms", "in 6m0s"
/// or "retry after 20 seconds".
///
/// The API documents neither the sentence nor its units, but rate-limit messages have it. Over a WebSocket,
/// where an event has no headers, often nothing else says how long to wait.
pub(crate) fn in_message(message: &str) -> Option<Duration> {
    let lower = message.to_ascii_lowercase();
    ["try again in ", "retry after ", "retry in "].iter().find_map(|phrase| {
        let at = lower.find(phrase)?;
        spoken(lower.get(at + phrase.len()..)?)
    })
}

const NANOS: u64 = 1_000_000_000;

fn until(text: &str, now: SystemTime) -> Option<Duration> {
    let date = httpdate::parse_http_date(text).ok()?;
    Some(date.duration_since(now).unwrap_or(Duration::ZERO))
}

/// Reads a decimal number of units of so many nanoseconds. Saturates, and cuts off parts of a nanosecond.
fn decimal(text: &str, unit: u64) -> Option<Duration> {
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    if whole.is_empty()
        || !text.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.')
        || fraction.contains('.')
    {
        return None;
    }
    let unit = u128::from(unit);
    let mut nanos = digits(whole).saturating_mul(unit);
    let fraction = fraction.get(..fraction.len().min(18)).unwrap_or_default();
    let scale = fraction.bytes().fold(1_u128, |scale, _| scale.saturating_mul(10));
    nanos = nanos.saturating_add(digits(fraction).saturating_mul(unit) / scale);
    let seconds = u64::try_from(nanos / u128::from(NANOS));
    Some(seconds.map_or(Duration::MAX, |seconds| Duration::new(seconds, (nanos % u128::from(NANOS)) as u32)))
}

fn digits(text: &str) -> u128 {
    text.bytes()
        .fold(0, |sum: u128, byte| sum.saturating_mul(10).saturating_add(u128::from(byte.wrapping_sub(b'0'))))
}

/// Adds up the numbers with units, one or more, at the start of a text in lower case.
fn spoken(mut text: &str) -> Option<Duration> {
    let mut total: Option<Duration> = None;
    loop {
        let end = text.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(text.len());
        let (number, rest) = text.split_at(end);
        let word = rest.strip_prefix(' ').unwrap_or(rest);
        let end = word.find(|c: char| !c.is_ascii_alphabetic()).unwrap_or(word.len());
        let (unit, rest) = word.split_at(end);
        let unit = match unit {
            "ms" | "millisecond" | "milliseconds" => 1_000_000,
            "s" | "sec" | "secs" | "second" | "seconds" => NANOS,
            "m" | "min" | "mins" | "minute" | "minutes" => 60 * NANOS,
            "h" | "hour" | "hours" => 3600 * NANOS,
            "d" | "day" | "days" => 86_400 * NANOS,
            _ => return total,
        };
        let Some(part) = decimal(number, unit) else { return total };
        total = Some(total.unwrap_or_default().saturating_add(part));
        text = rest.trim_start_matches(' ');
    }
}

#[cfg(test)]
mod tests {
    use std::time::UNIX_EPOCH;

    use http::HeaderValue;

    use super::*;

    fn asked(pairs: &[(&'static str, &'static str)]) -> Option<Duration> {
        let mut headers = HeaderMap::new();
        for (name, value) in pairs {
            headers.append(*name, HeaderValue::from_static(value));
        }
        // Sun, 06 Nov 1994 08:49:37 GMT
        retry_after(&headers, UNIX_EPOCH + Duration::from_secs(784_111_777))
    }

    #[test]
    fn headers_in_seconds_milliseconds_and_dates() {
        type Case = (&'static [(&'static str, &'static str)], Option<Duration>);
        let cases: &[Case] = &[
            (&[], None),
            (&[("retry-after", "7")], Some(Duration::from_secs(7))),
            (&[("retry-after", " 7 ")], Some(Duration::from_secs(7))),
            (&[("retry-after", "0")], Some(Duration::ZERO)),
            (&[("retry-after", "1.5")], Some(Duration::from_millis(1500))),
            (&[("retry-after", "2.")], Some(Duration::from_secs(2))),
            (&[("retry-after", "0.0000000019")], Some(Duration::from_nanos(1))),
            (&[("retry-after", "Sun, 06 Nov 1994 08:49:47 GMT")], Some(Duration::from_secs(10))),
            (&[("retry-after", "Sunday, 06-Nov-94 08:49:47 GMT")], Some(Duration::from_secs(10))),
            (&[("retry-after", "Sun Nov  6 08:49:47 1994")], Some(Duration::from_secs(10))),
            (&[("retry-after", "Sun, 06 Nov 1994 08:49:07 GMT")], Some(Duration::ZERO)),
            (&[("retry-after-ms", "250")], Some(Duration::from_millis(250))),
            (&[("retry-after-ms", "1.5")], Some(Duration::from_micros(1500))),
            (&[("retry-after", "7"), ("retry-after-ms", "250")], Some(Duration::from_millis(250))),
            (&[("retry-after", "7"), ("retry-after-ms", "soon")], Some(Duration::from_secs(7))),
            (&[("retry-after", "soon"), ("retry-after", "3")], Some(Duration::from_secs(3))),
            (&[("retry-after", "18446744073709551616")], Some(Duration::MAX)),
            (&[("retry-after", "99999999999999999999999999999999999999999999999999")], Some(Duration::MAX)),
        ];
        for (headers, expected) in cases {
            assert_eq!(asked(headers), *expected, "{headers:?}");
        }
    }

    #[test]
    fn garbage_is_as_if_it_was_not_there() {
        for text in
            ["", " ", "-1", "+1", "1e3", "inf", "NaN", ".", ".5", "1..2", "1.2.3", "1,5", "0x10", "tomorrow"]
        {
            assert_eq!(asked(&[("retry-after", text)]), None, "{text:?}");
        }
        let mut headers = HeaderMap::new();
        headers.insert(RETRY_AFTER, HeaderValue::from_bytes(b"\xff").expect("obs-text is allowed"));
        assert_eq!(retry_after(&headers, UNIX_EPOCH), None);
    }

    #[test]
    fn messages() {
        let cases = [
            (
                "Limit 30000, Used 22999. Please try again in 11.054s. Visit",
                Some(Duration::from_millis(11_054)),
            ),
            ("Please try again in 1.898s.", Some(Duration::from_micros(1_898_000))),
            ("please TRY AGAIN IN 28ms", Some(Duration::from_millis(28))),
            ("try again in 6m0s.", Some(Duration::from_secs(360))),
            ("try again in 1h2m3.5s.", Some(Duration::from_millis(3_723_500))),
            ("try again in 2 days 1 hour", Some(Duration::from_secs(176_400))),
            ("Please retry after 20 seconds.", Some(Duration::from_secs(20))),
            ("retry in 1 minute", Some(Duration::from_secs(60))),
            ("try again in 99999999999999999999999999 days", Some(Duration::MAX)),
            ("try again in a moment", None),
            ("try again in ", None),
            ("try again in 5", None),
            ("try again in 5 apples", None),
            ("try again later", None),
            ("Zeit: try again in 5 ſ", None),
            ("", None),
        ];
        for (message, expected) in cases {
            assert_eq!(in_message(message), expected, "{message:?}");
        }
    }
}
