//! What the published power owes to the index: its integral follows the index for ever, within some Wh.
//!
//! Each estimate is a little wrong, and a small error that stays becomes kWh in a year. So the difference between the index and the
//! integral of what was published is paid back over ten minutes, by less than what the estimate may be wrong anyway.

use std::time::Duration;

/// The time in which a debt is paid back, in s.
const TIME_S: f64 = 600.0;
/// A debt below this is the resolution of the index, in Wh.
const IGNORED_WH: f64 = 1.0;
/// The index stands on the Wh that was reached; on average half of the next one is there too.
const HALF_WH: f64 = 0.5;
/// Nothing was published for so long: what flowed meanwhile is not owed.
const PAUSE_S: f64 = 30.0;
/// A debt larger than this is no error of estimates.
const OWED_MAX_WH: f64 = 500.0;

/// The account of one direction.
#[derive(Debug, Clone, Default)]
pub struct Payback {
    /// The index, and what it was when the integral was zero: `None` before the first.
    index: Option<(u64, f64)>,
    published_wh: f64,
    last: Option<Duration>,
}

impl Payback {
    /// The index is this now.
    pub fn handle_index(&mut self, wh: u64) {
        let owed = self.owed();
        match self.index {
            None => self.begin(wh, 0.0),
            Some((before, _)) if wh < before || (wh - before) as f64 > OWED_MAX_WH => self.begin(wh, owed),
            Some((_, begin)) => self.index = Some((wh, begin)),
        }
    }

    /// This power was published.
    pub fn handle_published(&mut self, watts: f64, at: Duration) {
        if let Some(last) = self.last.replace(at) {
            let seconds = at.saturating_sub(last).as_secs_f64();
            if seconds > PAUSE_S {
                self.handle_gap();
            } else {
                self.published_wh += watts * seconds / 3_600.0;
            }
        }
    }

    /// What flows from the index of now to the next one is not owed.
    pub const fn handle_gap(&mut self) {
        self.index = None;
    }

    /// What to add to the power now, in W, within a limit.
    #[must_use]
    pub fn correction(&self, limit: f64) -> f64 {
        let owed = self.owed();
        if owed.abs() <= IGNORED_WH { 0.0 } else { (owed * 3_600.0 / TIME_S).clamp(-limit, limit) }
    }

    /// What the published power owes, in Wh.
    #[must_use]
    pub fn owed(&self) -> f64 {
        self.index.map_or(0.0, |(index, begin)| index as f64 + HALF_WH - begin - self.published_wh)
    }

    /// From here on the integral begins at zero, with this debt.
    fn begin(&mut self, wh: u64, owed: f64) {
        self.published_wh = 0.0;
        self.index = Some((wh, wh as f64 + HALF_WH - owed.clamp(-OWED_MAX_WH, OWED_MAX_WH)));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_steady_error_is_paid_back() {
        let (mut payback, mut wh, mut correction) = (Payback::default(), 1_000.0, 0.0);
        for second in 0..7_200 {
            wh += 500.0 / 3_600.0;
            payback.handle_index(wh as u64);
            correction = payback.correction(20.0);
            payback.handle_published(490.0 + correction, Duration::from_secs(second));
        }
        assert!(payback.owed().abs() < 4.0 && correction > 0.0, "{}", payback.owed());
    }

    #[test]
    fn what_flowed_while_nothing_was_published_is_not_owed() {
        let mut payback = Payback::default();
        payback.handle_index(100);
        payback.handle_published(500.0, Duration::ZERO);
        payback.handle_published(500.0, Duration::from_secs(900));
        payback.handle_index(225);
        assert!(payback.owed().abs() < 1e-9);
    }

    #[test]
    fn another_number_of_the_index_is_no_debt() {
        let mut payback = Payback::default();
        payback.handle_index(100);
        payback.handle_index(9_000_000);
        assert!(payback.owed().abs() < 1.0);
        payback.handle_index(5);
        assert!(payback.owed().abs() < 1.0);
    }
}
