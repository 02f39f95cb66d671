//! Integer arithmetic that saturates and is equal on every platform (R18, R21).

/// `value` doubled `times` times.
pub(crate) const fn double(value: u64, times: u32) -> u64 {
    match 1_u64.checked_shl(times) {
        Some(factor) => value.saturating_mul(factor),
        None if value == 0 => 0,
        None => u64::MAX,
    }
}

/// `permille` thousandths of `value`, for at most 1000 of them.
pub(crate) const fn permille(value: u64, permille: u16) -> u64 {
    ((value as u128).saturating_mul(permille as u128) / 1000) as u64
}
