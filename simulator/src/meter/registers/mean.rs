//! Means over whole periods: the load curve (CCASN, CCAIN; 54E §6.2.3.12) and the voltage (UMOY; §6.2.3.13).
//! Their timestamps mark the end of the period.

use super::maximum::Reading;

/// Averages a quantity over periods that begin at whole multiples of their length.
#[derive(Debug, Clone)]
pub(crate) struct Mean {
    period: i64,
    sum: f64,
    seconds: u32,
    /// The last complete period.
    pub(crate) last: Reading,
    /// The one before.
    pub(crate) before: Reading,
}

impl Mean {
    /// Means of `period` seconds from now on; the periods before now are said to have had these values.
    #[must_use]
    pub(crate) fn new(period: i64, now: i64, last: u64, before: u64) -> Self {
        let end = now - now.rem_euclid(period);
        Self {
            period,
            sum: 0.0,
            seconds: 0,
            last: Reading { value: last, unix: end },
            before: Reading { value: before, unix: end - period },
        }
    }

    /// One second that ends now.
    pub(crate) fn add_second(&mut self, value: f64, now: i64) {
        self.sum += value;
        self.seconds += 1;
        if now.rem_euclid(self.period) == 0 {
            self.before = self.last;
            self.last = Reading { value: (self.sum / f64::from(self.seconds)).round() as u64, unix: now };
            self.sum = 0.0;
            self.seconds = 0;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_point_is_the_mean_of_its_period_and_dated_at_its_end() {
        let mut mean = Mean::new(600, 1000, 7, 5);
        assert_eq!((mean.last.unix, mean.before.unix), (600, 0));
        for second in 1001..=1800 {
            mean.add_second(if second <= 1200 { 100.0 } else { 230.0 }, second);
        }
        assert_eq!(mean.last, Reading { value: 230, unix: 1800 });
        assert_eq!(mean.before, Reading { value: 100, unix: 1200 });
    }
}
