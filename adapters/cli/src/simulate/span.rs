//! Spans of time as people write them: `10m`, `1h30m`, `500ms`.

use std::fmt;
use std::str::FromStr;

pub(crate) const SECOND: u64 = 1_000_000_000;
pub(crate) const MINUTE: u64 = 60 * SECOND;
pub(crate) const HOUR: u64 = 60 * MINUTE;
const MILLISECOND: u64 = SECOND / 1000;
const DAY: u64 = 24 * HOUR;

/// The units, from the longest, each with its nanoseconds.
const UNITS: [(&str, u64); 5] = [("d", DAY), ("h", HOUR), ("m", MINUTE), ("s", SECOND), ("ms", MILLISECOND)];

/// What time is divided into, in tables and plots: the shortest of which so many fit.
pub(crate) const STEPS: [u64; 13] = [
    MINUTE,
    2 * MINUTE,
    5 * MINUTE,
    10 * MINUTE,
    15 * MINUTE,
    30 * MINUTE,
    HOUR,
    2 * HOUR,
    3 * HOUR,
    6 * HOUR,
    12 * HOUR,
    DAY,
    3 * DAY,
];

/// A span of time, in whole milliseconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Span(u64);

impl Span {
    pub(crate) const fn from_nanos(nanos: u64) -> Self {
        Self(nanos)
    }

    pub(super) const fn nanos(self) -> u64 {
        self.0
    }
}

impl FromStr for Span {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wrong =
            || format!("expected a time with its unit, such as 10m, 1h30m, 45s or 500ms, got `{text}`");
        if text.is_empty() {
            return Err(wrong());
        }
        let mut rest = text;
        let mut total = 0_u64;
        while !rest.is_empty() {
            let digits = rest.find(|c: char| !c.is_ascii_digit()).unwrap_or(rest.len());
            let (number, after) = rest.split_at(digits);
            let letters = after.find(|c: char| c.is_ascii_digit()).unwrap_or(after.len());
            let (unit, after) = after.split_at(letters);
            let (_, nanos) = UNITS.iter().find(|(name, _)| *name == unit).ok_or_else(wrong)?;
            let number: u64 = number.parse().map_err(|_| wrong())?;
            let part = number.checked_mul(*nanos);
            total = part
                .and_then(|part| total.checked_add(part))
                .ok_or_else(|| format!("`{text}` is too long"))?;
            rest = after;
        }
        Ok(Self(total))
    }
}

impl fmt::Display for Span {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut rest = self.0;
        if rest < MILLISECOND {
            return f.write_str("0s");
        }
        for (name, nanos) in UNITS {
            if rest >= nanos {
                write!(f, "{}{name}", rest / nanos)?;
                rest %= nanos;
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_span_is_a_sum_of_units() {
        for (text, nanos) in [
            ("10m", 10 * MINUTE),
            ("1h30m", HOUR + 30 * MINUTE),
            ("90s", 90 * SECOND),
            ("500ms", SECOND / 2),
            ("1d", 24 * HOUR),
            ("0s", 0),
        ] {
            assert_eq!(text.parse(), Ok(Span(nanos)));
        }
    }

    #[test]
    fn what_is_no_span_is_named() {
        for text in ["", "10", "m", "10x", "1.5h", "-1h", "h1", "10 m", "１h", "10m "] {
            let error = text.parse::<Span>().unwrap_err();
            assert!(error.contains(&format!("got `{text}`")), "{error}");
        }
        assert!("99999999999999999999s".parse::<Span>().is_err());
        assert_eq!("213504d".parse::<Span>().unwrap_err(), "`213504d` is too long");
        assert!("213503d1d".parse::<Span>().unwrap_err().contains("too long"));
    }

    #[test]
    fn spans_are_written_as_they_are_read() {
        for text in ["1d", "1h30m", "10m", "45s", "500ms", "1d1ms", "0s"] {
            assert_eq!(text.parse::<Span>().unwrap().to_string(), text);
        }
        assert_eq!("5400s".parse::<Span>().unwrap().to_string(), "1h30m");
    }
}
