//! Chance: each client has its own streams of it, so that what happens to one does not depend on when, or
//! by which thread, another one is simulated.

/// SplitMix64 (Steele, Lea and Flood, OOPSLA 2014).
#[derive(Clone, Debug)]
pub(super) struct Random(u64);

const GOLDEN: u64 = 0x9e37_79b9_7f4a_7c15;

/// What a stream is for.
#[derive(Clone, Copy, Debug)]
pub(super) enum Purpose {
    /// When turns arrive, and how long they stream: the same whatever the strategy.
    Demand,
    /// How long handshakes take.
    Network,
    /// The seed of the client's policy.
    Policy,
}

impl Random {
    pub(super) fn new(seed: u64, client: u64, purpose: Purpose) -> Self {
        let mut seeds = Self(seed);
        let mut clients = Self(seeds.next() ^ client);
        Self(clients.next().wrapping_add((purpose as u64).wrapping_mul(GOLDEN.rotate_left(32))))
    }

    pub(super) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(GOLDEN);
        let z = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// Evenly from [0, 1).
    pub(super) fn fraction(&mut self) -> f64 {
        // 53 bits: as many as a fraction has.
        (self.next() >> 11) as f64 / (1_u64 << 53) as f64
    }

    /// From the exponential distribution with this mean.
    pub(super) fn exponential(&mut self, mean: u64) -> u64 {
        (-(1.0 - self.fraction()).ln() * mean as f64) as u64
    }

    /// Evenly from half of this to one and a half of it.
    pub(super) fn around(&mut self, mean: u64) -> u64 {
        ((0.5 + self.fraction()) * mean as f64) as u64
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn streams_differ_by_seed_client_and_purpose() {
        let first = |seed, client, purpose| Random::new(seed, client, purpose).next();
        let one = first(1, 1, Purpose::Demand);
        assert_eq!(one, first(1, 1, Purpose::Demand));
        for other in
            [first(2, 1, Purpose::Demand), first(1, 2, Purpose::Demand), first(1, 1, Purpose::Network)]
        {
            assert_ne!(one, other);
        }
    }

    #[test]
    fn draws_have_the_mean_that_was_asked_for() {
        let mut random = Random::new(7, 0, Purpose::Demand);
        let mean = |draw: &mut dyn FnMut() -> u64| (0..20_000).map(|_| draw()).sum::<u64>() / 20_000;
        assert!((950..1050).contains(&mean(&mut || random.exponential(1000))));
        assert!((980..1020).contains(&mean(&mut || random.around(1000))));
        assert!((0..1000).all(|_| (500..1500).contains(&random.around(1000))));
    }
}
