//! A day of the legal time of France, which is the time that a meter switches by.
//!
//! Its hours are minutes of the clock; when they are is in s since 1970. So a night on which the clock is moved is an hour shorter or longer.

use std::str::FromStr;

use serde::{Deserialize, Serialize};
use teleinfo_proto::tic::{Season, Timestamp};

/// Minutes of a day of the clock.
pub const DAY_MINUTES: u16 = 24 * 60;
const HOUR_S: i64 = 3_600;
const DAY_S: i64 = 24 * HOUR_S;
/// On the night on which it skips an hour, the clock goes on at this hour.
const AFTER_SKIP: u8 = 3;

/// A date.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Day {
    year: u16,
    month: u8,
    day: u8,
}

impl Day {
    /// The day of a time, and the minute of it.
    #[must_use]
    pub fn of(unix_seconds: i64) -> (Self, u16) {
        let stamp = Timestamp::from_unix(unix_seconds);
        let day = Self { year: stamp.year(), month: stamp.month(), day: stamp.day() };
        (day, u16::from(stamp.hour()) * 60 + u16::from(stamp.minute()))
    }

    /// When a minute of this day is. One that the clock skips is when it goes on; of one that comes twice it is the first.
    #[must_use]
    pub fn at(self, minute: u16) -> i64 {
        if minute >= DAY_MINUTES {
            return self.next().at(0);
        }
        let (hour, minute) = ((minute / 60) as u8, (minute % 60) as u8);
        let time = self.time(hour, minute);
        if Timestamp::from_unix(time).hour() == hour { time } else { self.time(AFTER_SKIP, 0) }
    }

    fn time(self, hour: u8, minute: u8) -> i64 {
        let stamp = Timestamp::new(Season::Unstated, (self.year, self.month, self.day), (hour, minute, 0));
        stamp.map_or(0, |stamp| stamp.unix_seconds())
    }

    /// The day after.
    #[must_use]
    pub fn next(self) -> Self {
        Self::of(self.noon() + DAY_S).0
    }

    /// The day before.
    #[must_use]
    pub fn previous(self) -> Self {
        Self::of(self.noon() - DAY_S).0
    }

    /// Days since 1970.
    #[must_use]
    pub fn number(self) -> i64 {
        self.noon().div_euclid(DAY_S)
    }

    /// 0 is Monday, 6 is Sunday. Day 0, 1970-01-01, was a Thursday.
    #[must_use]
    pub fn weekday(self) -> u8 {
        (self.number() + 3).rem_euclid(7) as u8
    }

    /// The year in which this month and all before it, from September on, began.
    #[must_use]
    pub const fn season(self) -> u16 {
        if self.month >= 9 { self.year } else { self.year - 1 }
    }

    /// 1 September of a year.
    #[must_use]
    pub const fn first_of_season(year: u16) -> Self {
        Self { year, month: 9, day: 1 }
    }

    /// The first day of its month.
    #[must_use]
    pub const fn first_of_month(self) -> Self {
        Self { day: 1, ..self }
    }

    /// The first day of the month after.
    #[must_use]
    pub const fn next_month(self) -> Self {
        if self.month == 12 { Self { year: self.year + 1, month: 1, day: 1 } } else { Self { month: self.month + 1, day: 1, ..self } }
    }

    /// How many days its month has.
    #[must_use]
    pub fn days_of_month(self) -> i64 {
        self.next_month().number() - self.first_of_month().number()
    }

    /// Whether it is in the months of mobile peaks, from November to March (arrêté of 30 October 2014).
    #[must_use]
    pub const fn is_winter(self) -> bool {
        matches!(self.month, 11 | 12 | 1..=3)
    }

    fn noon(self) -> i64 {
        self.time(12, 0)
    }
}

/// `2026-08-01`, of a day that the calendar has.
impl FromStr for Day {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        const EXPECTED: &str = "expected a date such as 2026-08-01";
        let mut parts = text.split('-').map(str::parse::<u16>);
        let (Some(Ok(year)), Some(Ok(month)), Some(Ok(day)), None) = (parts.next(), parts.next(), parts.next(), parts.next()) else {
            return Err(EXPECTED);
        };
        let (month, day) = (u8::try_from(month).map_err(|_| EXPECTED)?, u8::try_from(day).map_err(|_| EXPECTED)?);
        Timestamp::new(Season::Unstated, (year, month, day), (12, 0, 0)).map_err(|_| EXPECTED)?;
        Ok(Self { year, month, day })
    }
}

impl std::fmt::Display for Day {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{:04}-{:02}-{:02}", self.year, self.month, self.day)
    }
}

#[cfg(test)]
impl Day {
    /// A day as it is written.
    pub(crate) fn from(text: &str) -> Self {
        text.parse().unwrap()
    }
}

#[cfg(test)]
mod tests {
    use super::Day;
    use crate::words::utc::rfc3339;

    fn at(day: &str, minute: u16) -> String {
        rfc3339(Day::from(day).at(minute))
    }

    #[test]
    fn minutes_of_a_day_are_times() {
        assert_eq!(at("2026-12-01", 0), "2026-11-30T23:00:00Z");
        assert_eq!(at("2026-07-01", 22 * 60 + 54), "2026-07-01T20:54:00Z");
        assert_eq!(at("2026-12-31", 24 * 60), "2026-12-31T23:00:00Z");
        assert_eq!(Day::of(Day::from("2026-07-01").at(1)), (Day::from("2026-07-01"), 1));
    }

    #[test]
    fn nights_on_which_the_clock_is_moved() {
        assert_eq!(at("2027-03-28", 60), "2027-03-28T00:00:00Z");
        assert_eq!(at("2027-03-28", 2 * 60 + 56), "2027-03-28T01:00:00Z", "02:56 is skipped");
        assert_eq!(at("2027-03-28", 3 * 60), "2027-03-28T01:00:00Z");
        assert_eq!(at("2026-10-25", 2 * 60 + 30), "2026-10-25T00:30:00Z", "the first of two");
        assert_eq!(at("2026-10-25", 3 * 60), "2026-10-25T02:00:00Z");
    }

    #[test]
    fn a_date_that_there_is_not_is_refused() {
        let days = ["2026-08-01", "2028-02-29", "2026-02-29", "2026-8", "1 Aug 2026", "2026-08-01-02", "1999-01-01"];
        assert_eq!(days.map(|text| text.parse::<Day>().is_ok()), [true, true, false, false, false, false, false]);
    }

    #[test]
    fn neighbours_weekdays_and_seasons() {
        let day = Day::from("2027-02-28");
        assert_eq!((day.next().to_string(), day.weekday()), ("2027-03-01".into(), 6));
        assert_eq!(Day::from("2028-03-01").previous().to_string(), "2028-02-29");
        assert_eq!((Day::from("2026-08-31").season(), Day::from("2026-09-01").season()), (2025, 2026));
        assert_eq!(["2028-02-29", "2026-12-31", "2027-02-01"].map(|text| Day::from(text).days_of_month()), [29, 31, 28]);
    }
}
