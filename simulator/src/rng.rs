//! Seeded chance. A generator of our own (SplitMix64), because its numbers must stay the same from one
//! release to the next: the same seed gives the same meter, byte for byte, years from now.

/// SplitMix64 (Steele, Lea, Flood 2014): small, fast, and good enough for a house and its noise.
#[derive(Debug, Clone)]
pub struct Rng(u64);

impl Rng {
    /// A generator for one seed.
    #[must_use]
    pub fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// A generator for one purpose under a common seed: two purposes never share a stream of numbers.
    #[must_use]
    pub fn named(seed: u64, purpose: &str) -> Self {
        let mut rng = Self(seed);
        for byte in purpose.bytes() {
            rng.0 = rng.next_u64() ^ u64::from(byte);
        }
        rng
    }

    /// 64 random bits.
    pub fn next_u64(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    /// A number in `0..bound`; 0 when `bound` is 0.
    pub fn below(&mut self, bound: u64) -> u64 {
        // The bias of this mapping is below 2^-40 for every bound used here.
        ((u128::from(self.next_u64()) * u128::from(bound)) >> 64) as u64
    }

    /// An index into something of this length.
    pub fn index(&mut self, length: usize) -> usize {
        self.below(length as u64) as usize
    }

    /// A number in `low..=high`.
    pub fn between(&mut self, low: u64, high: u64) -> u64 {
        low + self.below(high - low + 1)
    }

    /// A number in `0.0..1.0`.
    pub fn unit(&mut self) -> f64 {
        (self.next_u64() >> 11) as f64 / (1_u64 << 53) as f64
    }

    /// True with this probability.
    pub fn chance(&mut self, probability: f64) -> bool {
        self.unit() < probability
    }

    /// A number in `-span..span`.
    pub fn around_zero(&mut self, span: f64) -> f64 {
        (self.unit() * 2.0 - 1.0) * span
    }

    /// One element of a list that is not empty.
    pub fn pick<'a, T>(&mut self, list: &'a [T]) -> &'a T {
        &list[self.index(list.len())]
    }

    /// Takes `count` elements out of a list, at random.
    pub fn take<T>(&mut self, list: &mut Vec<T>, count: usize) -> Vec<T> {
        (0..count.min(list.len()))
            .map(|_| {
                let at = self.index(list.len());
                list.swap_remove(at)
            })
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The reference values of SplitMix64 for seed 1234567: a change here changes every simulated meter.
    #[test]
    fn numbers_stay_the_same_for_ever() {
        let mut rng = Rng::new(1_234_567);
        let first: Vec<u64> = (0..3).map(|_| rng.next_u64()).collect();
        assert_eq!(first, [6_457_827_717_110_365_317, 3_203_168_211_198_807_973, 9_817_491_932_198_370_423]);
    }

    #[test]
    fn ranges_hold() {
        let mut rng = Rng::named(1, "ranges");
        for _ in 0..10_000 {
            assert!(rng.below(7) < 7);
            assert!((3..=5).contains(&rng.between(3, 5)));
            assert!((0.0..1.0).contains(&rng.unit()));
            assert!(rng.around_zero(2.0).abs() <= 2.0);
        }
        assert_eq!(rng.below(0), 0);
    }

    #[test]
    fn purposes_differ() {
        assert_ne!(Rng::named(1, "a").next_u64(), Rng::named(1, "b").next_u64());
        assert_ne!(Rng::named(1, "a").next_u64(), Rng::named(2, "a").next_u64());
    }

    #[test]
    fn take_draws_without_repeating() {
        let mut all: Vec<u32> = (0..50).collect();
        let mut drawn = Rng::new(3).take(&mut all, 60);
        drawn.sort_unstable();
        assert_eq!(drawn, (0..50).collect::<Vec<_>>());
        assert!(all.is_empty());
    }
}
