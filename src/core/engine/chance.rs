//! Chance, from a seed, so that two engines with one seed throw alike.

/// A sequence of numbers that look like chance (SplitMix64; Steele, Lea and Flood, OOPSLA 2014).
#[derive(Debug)]
pub(super) struct Chance(u64);

impl Chance {
    pub fn new(seed: u64) -> Self {
        Self(seed)
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    /// From 0 up to 1.
    pub fn share(&mut self) -> f64 {
        let bits = u32::try_from(self.next() >> 32).unwrap_or_default();
        f64::from(bits) / (f64::from(u32::MAX) + 1.0)
    }

    /// Below a number; 0 if that is 0.
    #[cfg(any(test, feature = "samples"))]
    pub fn below(&mut self, number: usize) -> usize {
        let bits = usize::try_from(self.next() >> 32).unwrap_or_default();
        bits.checked_rem(number).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_seed_throws_alike_and_within_bounds() {
        let throw = |seed| {
            let mut chance = Chance::new(seed);
            (0..1000).map(|_| chance.share()).collect::<Vec<f64>>()
        };
        let first = throw(7);
        assert_eq!(first, throw(7));
        assert_ne!(first, throw(8));
        assert!(first.iter().all(|share| (0.0..1.0).contains(share)));
        let mean = first.iter().sum::<f64>() / 1000.0;
        assert!((0.45..0.55).contains(&mean), "{mean}");
    }
}
