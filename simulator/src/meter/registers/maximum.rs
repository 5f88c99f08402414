//! The day's highest power: SMAXSN and its relatives (Enedis-NOI-CPT_54E §6.2.3.11), and the breaker, which
//! watches the same filtered power.

use crate::meter::tariff::clock::{LocalTime, moment};

/// Weight of a new second in the filter.
const WEIGHT: f64 = 0.008;

/// A power and when it was.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Reading {
    /// VA.
    pub(crate) value: u64,
    /// Seconds since 1970.
    pub(crate) unix: i64,
}

/// The filter Y = 0.008·X² + 0.992·Y₋₁ and the highest √Y of today and of yesterday.
#[derive(Debug, Clone)]
pub(crate) struct Maximum {
    filtered: f64,
    day: i64,
    /// Today's, since 00:00.
    pub(crate) today: Reading,
    /// Yesterday's.
    pub(crate) yesterday: Reading,
}

impl Maximum {
    /// A filter that begins now, with what the day before is said to have had.
    #[must_use]
    pub(crate) fn new(now: LocalTime, yesterday: Reading) -> Self {
        Self { filtered: 0.0, day: now.day, today: midnight(now.day), yesterday }
    }

    /// One second at this apparent power.
    pub(crate) fn add_second(&mut self, apparent: f64, now: LocalTime) {
        if now.day != self.day {
            self.yesterday = self.today;
            self.today = midnight(now.day);
            self.day = now.day;
        }
        self.filtered = WEIGHT * apparent * apparent + (1.0 - WEIGHT) * self.filtered;
        let value = self.power().round() as u64;
        if value > self.today.value {
            self.today = Reading { value, unix: now.unix };
        }
    }

    /// The filtered power, √Y.
    #[must_use]
    pub(crate) fn power(&self) -> f64 {
        self.filtered.sqrt()
    }

    /// Forgets the power so far, as after the breaker has opened.
    pub(crate) fn settle(&mut self) {
        self.filtered = 0.0;
    }
}

fn midnight(day: i64) -> Reading {
    Reading { value: 0, unix: moment(day, 0) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seconds_until(limit: f64, power: f64) -> i64 {
        let start = 1_704_646_690;
        let nothing = Reading { value: 0, unix: 0 };
        let mut filter = Maximum::new(LocalTime::at(start), nothing);
        (1..)
            .find(|second| {
                filter.add_second(power, LocalTime::at(start + second));
                filter.power() >= limit
            })
            .unwrap()
    }

    /// 54E §7: at 1.4 times the cut-off power the breaker opens after about 250 s, at 2.5 times after about 40 s.
    #[test]
    fn the_filter_has_the_time_constants_of_the_document() {
        assert!((240..=255).contains(&seconds_until(1.3, 1.4)));
        assert!((38..=42).contains(&seconds_until(1.3, 2.5)));
    }

    #[test]
    fn the_day_turns_at_midnight() {
        let evening = moment(19_729, 23 * 60 + 59);
        let nothing = Reading { value: 0, unix: 0 };
        let mut filter = Maximum::new(LocalTime::at(evening), nothing);
        filter.add_second(3000.0, LocalTime::at(evening));
        let peak = filter.today;
        assert_eq!((peak.value, peak.unix), (268, evening));
        filter.add_second(0.0, LocalTime::at(evening + 60));
        assert_eq!(filter.yesterday, peak);
        assert_eq!(filter.today.unix, evening + 60);
    }
}
