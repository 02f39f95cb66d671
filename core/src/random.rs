//! The policy's only source of chance: a hash of what is drawn for, so that a draw depends on nothing but its
//! name (R21) and the policy keeps no generator.

/// What a draw is for.
#[derive(Clone, Copy)]
pub(crate) enum Draw {
    /// The cooldown of a conviction, named by the epoch it ends.
    Cooldown { epoch: u32 },
    /// The backoff after an attempt of a call.
    Backoff { call: u32, attempt: u32 },
}

/// A draw from [0, 1), as a fraction of 2^32.
pub(crate) const fn fraction(seed: u64, draw: Draw) -> u32 {
    let name = match draw {
        Draw::Cooldown { epoch } => mix(epoch as u64),
        Draw::Backoff { call, attempt } => mix(((call as u64) << 32) | attempt as u64) ^ u64::MAX,
    };
    (mix(seed ^ name) >> 32) as u32
}

/// `value` times `fraction` / 2^32, rounded down.
pub(crate) const fn scale(value: u64, fraction: u32) -> u64 {
    // Below 2^96, so the product fits, and the result is below `value`.
    (((value as u128).saturating_mul(fraction as u128)) >> 32) as u64
}

/// SplitMix64 (Steele, Lea and Flood, OOPSLA 2014): one step of the generator.
const fn mix(state: u64) -> u64 {
    let z = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_draw_depends_on_its_name_and_the_seed_only() {
        let draw = Draw::Backoff { call: 3, attempt: 2 };
        assert_eq!(fraction(1, draw), fraction(1, draw));
        assert_ne!(fraction(1, draw), fraction(2, draw));
        assert_ne!(fraction(1, draw), fraction(1, Draw::Backoff { call: 2, attempt: 3 }));
        assert_ne!(
            fraction(1, Draw::Cooldown { epoch: 1 }),
            fraction(1, Draw::Backoff { call: 0, attempt: 1 })
        );
    }

    #[test]
    fn the_generator_is_the_published_one() {
        // The first output of SplitMix64 seeded with 1234567, as its reference implementation prints it.
        assert_eq!(mix(1_234_567), 6_457_827_717_110_365_317);
    }

    #[test]
    fn draws_spread_evenly() {
        let mut buckets = [0_u32; 10];
        for seed in 0..10_000 {
            let drawn = fraction(seed, Draw::Cooldown { epoch: 7 });
            buckets[((u64::from(drawn) * 10) >> 32) as usize] += 1;
        }
        assert!(buckets.iter().all(|&n| (900..1100).contains(&n)), "{buckets:?}");
    }

    #[test]
    fn scaling_never_reaches_the_value() {
        assert_eq!(scale(1000, u32::MAX), 999);
        assert_eq!(scale(1000, 1 << 31), 500);
        assert_eq!(scale(u64::MAX, 0), 0);
        assert!(scale(u64::MAX, u32::MAX) < u64::MAX);
    }
}
