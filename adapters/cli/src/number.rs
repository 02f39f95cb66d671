//! Numbers of the command line, and what is expected of them.

use std::ops::RangeInclusive;

/// A whole number of this range: for clap.
pub(crate) fn whole(range: RangeInclusive<u64>) -> impl Fn(&str) -> Result<u64, String> + Clone {
    move |text| {
        let number = text.parse().ok().filter(|number| range.contains(number));
        number.ok_or_else(|| match (range.start(), range.end()) {
            (from, &u64::MAX) => format!("expected a whole number from {from}"),
            (from, to) => format!("expected a whole number from {from} to {to}"),
        })
    }
}

/// `--turns-per-hour`: for clap.
pub(crate) fn turns_per_hour(text: &str) -> Result<f64, String> {
    number(text, "a number from 0.001 to 3600", |turns| (0.001..=3600.0).contains(turns))
}

/// `--broken-share`: for clap.
pub(crate) fn share(text: &str) -> Result<f64, String> {
    number(text, "a share from 0 to 1", |share| (0.0..=1.0).contains(share))
}

fn number(text: &str, expected: &str, is: impl Fn(&f64) -> bool) -> Result<f64, String> {
    let number = text.parse().ok().filter(is);
    number.ok_or_else(|| format!("expected {expected}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_whole_number_is_one_of_its_range() {
        assert_eq!(whole(1..=5)("5"), Ok(5));
        for text in ["", "0", "6", "-1", "1.5", "five", "18446744073709551616"] {
            assert_eq!(whole(1..=5)(text), Err("expected a whole number from 1 to 5".to_owned()));
        }
        let any = whole(0..=u64::MAX);
        assert_eq!(any("18446744073709551615"), Ok(u64::MAX));
        assert_eq!(any("18446744073709551616"), Err("expected a whole number from 0".to_owned()));
    }

    #[test]
    fn what_is_no_share_or_rate_is_refused() {
        for text in ["0", "1", "0.02", "1e-3"] {
            assert_eq!(share(text), Ok(text.parse().unwrap()));
        }
        for text in ["", "-0.1", "1.1", "2%", "NaN", "inf"] {
            assert_eq!(share(text), Err("expected a share from 0 to 1".to_owned()));
        }
        assert_eq!(turns_per_hour("0.5"), Ok(0.5));
        for text in ["0", "-1", "3601", "NaN", "inf", "six", "1e-300"] {
            assert_eq!(turns_per_hour(text), Err("expected a number from 0.001 to 3600".to_owned()));
        }
    }
}
