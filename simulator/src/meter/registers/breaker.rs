//! The breaker in the meter (Enedis-NOI-CPT_54E §7): it opens when the filtered power reaches 1.3 times the
//! cut-off power, and somebody closes it a while later.

/// How long it takes until somebody has found the button, in seconds.
const FOUND: u32 = 120;
const FACTOR: f64 = 1.3;

/// The cut-off device.
#[derive(Debug)]
pub(crate) struct Breaker {
    limit: f64,
    open_for: u32,
}

impl Breaker {
    /// A closed breaker for a cut-off power of this many VA per phase.
    #[must_use]
    pub(crate) fn new(cut_off: f64) -> Self {
        Self { limit: FACTOR * cut_off, open_for: 0 }
    }

    /// Whether the house is dark.
    #[must_use]
    pub(crate) fn is_open(&self) -> bool {
        self.open_for > 0
    }

    /// One second with this highest filtered power of a phase; true when it opens now.
    pub(crate) fn step(&mut self, filtered: f64) -> bool {
        if self.is_open() {
            self.open_for -= 1;
            return false;
        }
        let opens = filtered >= self.limit;
        if opens {
            self.open_for = FOUND;
        }
        opens
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_opens_at_the_limit_and_closes_after_a_while() {
        let mut breaker = Breaker::new(6000.0);
        assert!(!breaker.step(7799.0));
        assert!(breaker.step(7800.0));
        for _ in 0..FOUND {
            assert!(breaker.is_open());
            assert!(!breaker.step(0.0));
        }
        assert!(!breaker.is_open());
    }
}
