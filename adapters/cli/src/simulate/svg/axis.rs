//! Where an axis has its marks.

use super::super::span::{HOUR, STEPS};

/// At most so many marks of time.
const MARKS: u64 = 12;
/// How long after a mark of time the next one is.
pub(super) fn time_step(length: u64) -> u64 {
    STEPS.into_iter().find(|step| length / step <= MARKS).unwrap_or(240 * HOUR)
}

/// 1, 2 or 5 times a power of ten, of which about so many fit.
pub(super) fn round_step(full: f64, marks: f64) -> f64 {
    let rough = (full / marks).max(f64::MIN_POSITIVE);
    let power = 10_f64.powf(rough.log10().floor());
    let factors = [1.0, 2.0, 5.0];
    factors.into_iter().map(|factor| factor * power).find(|step| *step >= rough).unwrap_or(10.0 * power)
}

#[cfg(test)]
mod tests {
    use super::super::super::span::MINUTE;
    use super::*;

    #[test]
    fn marks_are_at_round_numbers() {
        for (full, step) in [(0.1, 0.05), (30.0, 10.0), (31.0, 20.0), (100.0, 50.0), (170.0, 100.0)] {
            assert!((round_step(full, 3.0) - step).abs() < 1e-9, "{full}");
        }
        assert_eq!(time_step(3 * HOUR), 15 * MINUTE);
        assert_eq!(time_step(24 * HOUR), 2 * HOUR);
        assert_eq!(time_step(31 * 24 * HOUR), 72 * HOUR);
    }
}
